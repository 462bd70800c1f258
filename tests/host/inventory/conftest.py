"""Two organizations whose tokens were used: by people, by messages, and by the service itself."""

from collections.abc import Iterator

import pytest

from slackapp.flows.tokens import validate_tenant
from slackapp.host.model import HostRole
from slackapp.model import SCHEDULER
from tests.support import posting
from tests.support.host_world import Host, connect, make_host_world
from tests.support.world import NORTH, SOUTH, World, north_tenant

TENANTS = {"acme": NORTH, "globex": SOUTH}


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The world; its tests change nothing in it."""
    with make_host_world(tmp_path_factory.mktemp("inventory"), SLACKAPP_HOST_RATE_PER_MINUTE="6000") as world:
        for number, (organization, tenant) in enumerate(TENANTS.items(), start=1):
            host = Host(world, organization)
            connect(world, host, tenant, number)
            (general,) = posting.join(world, "general", tenant_id=tenant)
            assert host.of().get("slack/channels").status == 200
            posting.accepted(host.of(f"meg-{organization}", HostRole.MEMBER), channel=general)
        posting.send_all(world, 3)
        validate_tenant.run(world.service.app, north_tenant(), SCHEDULER)
        world.mention()
        world.work()
        yield world
