"""Cache of installations."""

from typing import cast

from slackapp.model import Installation, Tenant
from slackapp.runtime.installation_cache import InstallationCache
from tests.store.rows import NORTH, SOUTH, installation


def test_what_was_put_is_found_until_it_is_evicted() -> None:
    cache = InstallationCache()
    assert cache.find(NORTH) is None
    cache.put(installation(NORTH))
    cache.put(installation(NORTH)._replace(bot_id="B2"))
    cache.put(installation(SOUTH))
    assert cast(Installation, cache.find(NORTH)).bot_id == "B2"
    cache.evict(NORTH)
    cache.evict(NORTH)
    assert (cache.find(NORTH), cache.find(SOUTH)) == (None, installation(SOUTH))


def test_it_is_bounded() -> None:
    cache = InstallationCache(limit=2)
    tenants = [Tenant("T", f"T{number}") for number in range(5)]
    for tenant in tenants:
        cache.put(installation(tenant))
    assert len(cache._found) <= 2
    assert cache.find(tenants[-1]) is not None
