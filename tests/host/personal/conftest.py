"""A world in which members may connect workspaces of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.connecting import make_host_world
from tests.support.personal import SCOPES
from tests.support.world import World


@pytest.fixture
def rotation() -> bool:
    return True


@pytest.fixture
def world(tmp_path: Path, rotation: bool) -> Iterator[World]:
    with make_host_world(tmp_path, rotation, SLACKAPP_HOST_USER_SCOPES=SCOPES) as made:
        yield made
