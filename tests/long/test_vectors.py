"""Every changed bit and every cut of every stored vector."""

import base64

import pytest

from tests.crypto.test_vectors import Vector, cuts, flips, opened, opening_changes, vectors


@pytest.mark.long
@pytest.mark.parametrize("vector", vectors("open"), ids=lambda vector: str(vector["name"]))
def test_no_flipped_bit_and_no_truncation_opens_for_any_vector(vector: Vector) -> None:
    blob = base64.b64decode(vector["blob"])
    assert opened(vector, blob) is not None
    assert opening_changes(vector, flips(blob)) == []
    assert opening_changes(vector, cuts(blob)) == []
    print(f"{vector['name']}: {8 * len(blob)} changed bits and {2 * len(blob)} cuts, none opened")
