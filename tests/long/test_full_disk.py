"""The disk is full, or fails, after every so many bytes of what a request writes: all of it is kept, or nothing is.

`max_page_count` lets the database grow by N pages and no more (SQLITE_FULL). A limit on the size of files lets the log
take N bytes and no more, in the middle of a page, too (SQLITE_IOERR). N goes from 0 up to where everything fits.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from slackapp.errors import Refused, StoreError
from slackapp.flows import refresh_due
from tests.flows.rotation import DUE
from tests.long import invariants
from tests.support.rewind import Prepared, prepared
from tests.support.troubles import crowded, limited
from tests.support.world import SOUTH, World, make_world

pytestmark = pytest.mark.long
SETTINGS = {
    "SLACKAPP_BOT_SCOPES": "app_mentions:read,chat:write,incoming-webhook",
    "SLACKAPP_USER_SCOPES": "users:read",
}
PIECE = 1030
"""A quarter of a page in the log, with its head."""
BIG = "x" * 20_000
"""Of several pages, so that the database must grow for it."""


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    with make_world(tmp_path_factory.mktemp("full"), **SETTINGS) as world:
        assert world.browser().install().status == 303
        world.work()
        world.service.app.db._connection().execute("VACUUM")  # no page is free
        yield prepared(world)


def event(world: World) -> bool:
    """Whether it was acknowledged."""
    reply = world.event({"type": "app_mention", "user": "U0SOMEBODY", "text": BIG}, "EvIn")
    assert (reply.status, reply.headers.get("retry-after")) in [(200, None), (503, "5")]
    return reply.status == 200


def kept(world: World) -> bool:
    return bool(world.rows("SELECT 1 FROM inbox WHERE event_id = 'EvIn' AND body IS NOT NULL"))


def install(world: World) -> bool:
    reply = world.browser().get("/slack/install")
    assert (reply.status, reply.headers.get("retry-after")) in [(302, None), (503, "5")]
    browser = world.browser()
    with contextlib.suppress(KeyError):
        begun = browser.begin()
        if begun.status == 302:
            reply = browser.come_back(browser.consent(begun, SOUTH))
            assert (reply.status, reply.headers.get("retry-after")) in [(303, None), (503, "5")]
            return reply.status == 303
    return False


def is_installed(world: World) -> bool:
    live = [token for token in world.slack.tokens_of[SOUTH] if not token.dead]
    assert bool(live) == bool(world.status(SOUTH)), "no token is left behind, and none is missing"
    return world.status(SOUTH) == "active"


def refresh(world: World) -> bool:
    with contextlib.suppress(StoreError, Refused):
        refresh_due.run(world.service.app, lambda: False)
    return is_refreshed(world)


def is_refreshed(world: World) -> bool:
    assert invariants.lost(world) == []
    return all(pair.token.generation == 2 for pair in invariants.pairs(world))


SCENARIOS: dict[str, tuple[Callable[[World], bool], Callable[[World], bool]]] = {
    "event": (event, kept),
    "install": (install, is_installed),
    "refresh": (refresh, is_refreshed),
}


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("kind", ["pages", "bytes"])
def test_wherever_the_room_ends_all_or_nothing_is_kept_and_a_second_try_succeeds(
    before: Prepared, name: str, kind: str
) -> None:
    act, happened = SCENARIOS[name]
    outcomes: Counter[str] = Counter()
    for step in range(1000):
        world = before.rewind()
        if name == "refresh":
            world.clock.advance(DUE)
        trouble = crowded(world, step) if kind == "pages" else limited(world, step * PIECE)
        with trouble:
            done = act(world)
        assert happened(world) == done, f"room for {step}: what was said and what is there differ"
        assert invariants.broken(world) == []
        outcomes["done" if done else "refused"] += 1
        if not done:
            world.clock.advance(31)  # a lease that could not be given back
            assert act(world), f"room for {step}: a second try, with room"
            assert happened(world)
            assert invariants.broken(world) == []
        assert '"request_failed"' not in world.log.getvalue()
        if done and outcomes["done"] == 3:
            break
    print(f"\n{name}, {kind}: {dict(outcomes)}; nothing half kept, nothing lost")
    assert outcomes["done"] == 3
    assert outcomes["refused"] >= (40 if kind == "bytes" else 1 if name == "event" else 0)
