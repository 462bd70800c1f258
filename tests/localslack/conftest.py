"""The stage of most tests, and one whose tokens do not rotate."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localslack.client import Client, stage


@pytest.fixture
def on() -> Iterator[Client]:
    with stage() as ready:
        yield ready


@pytest.fixture
def long_lived() -> Iterator[Client]:
    with stage(rotation=False) as ready:
        yield ready
