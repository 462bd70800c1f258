"""The stage of most tests, and one whose tokens do not rotate."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localslack.stage import Stage, stage


@pytest.fixture
def on() -> Iterator[Stage]:
    with stage() as ready:
        yield ready


@pytest.fixture
def long_lived() -> Iterator[Stage]:
    with stage(rotation=False) as ready:
        yield ready
