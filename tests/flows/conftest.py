"""Where most of these flows begin."""

import pytest

from tests.support.world import World


@pytest.fixture
def ready(world: World) -> World:
    """The app installed in one workspace, and its greeting sent."""
    world.browser().install()
    world.work()
    world.slack.called.clear()
    return world
