"""The client of most tests, and one whose tokens do not rotate."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localslack.client import Client, make_client


@pytest.fixture
def on() -> Iterator[Client]:
    with make_client() as ready:
        yield ready


@pytest.fixture
def long_lived() -> Iterator[Client]:
    with make_client(rotation=False) as ready:
        yield ready
