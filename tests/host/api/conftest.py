"""A world with the host side on, and its host."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.host_world import Host, make_host_world
from tests.support.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_host_world(tmp_path) as made:
        yield made


@pytest.fixture
def host(world: World) -> Host:
    """The host itself, which calls for acme."""
    return Host(world)
