"""A world with the host side on and a workspace connected, of which the bot is in two channels."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import posting
from tests.support.host_world import Host, connect, make_host_world
from tests.support.prepared_world import Left, going_on, left_by
from tests.support.world import World


@pytest.fixture(scope="session")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Left:
    with make_host_world(tmp_path_factory.mktemp("joined")) as made:
        connect(made, Host(made))
        posting.join(made, "general", "random")
        return left_by(made)


@pytest.fixture
def world(joined: Left, tmp_path: Path) -> Iterator[World]:
    with going_on(joined, tmp_path, make=make_host_world) as made:
        yield made


@pytest.fixture
def host(world: World) -> Host:
    """The host itself, which calls for acme."""
    return Host(world)


@pytest.fixture
def general(world: World) -> str:
    """A channel that the bot is in."""
    return world.slack.workspaces["T0NORTH001"].general


@pytest.fixture
def random(world: World) -> str:
    """Another one."""
    return world.slack.workspaces["T0NORTH001"].random
