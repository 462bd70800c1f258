"""The swap matrix at full size."""

import pytest

from tests.attacks.test_swap_matrix import fill, moved_and_opened, opened_with_their_own_keys
from tests.support.world import World

TENANTS = 50
KINDS = ("bot_access", "bot_refresh", "user_access")
"""One under each of three data keys."""


@pytest.mark.long
def test_of_22350_moves_none_opens(world: World) -> None:
    """I put each of 150 sealed values of 50 tenants into each of the 149 other places."""
    places = fill(world, TENANTS, KINDS)
    moves, opened = moved_and_opened(world, places)
    assert (moves, opened) == (150 * 149, [])
    assert opened_with_their_own_keys(world, places) == []
    print(f"{moves} moves of {len(places)} sealed values, {len(opened)} opened; as many with every data key at hand")
