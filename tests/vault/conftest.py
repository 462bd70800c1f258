"""A world with a key backup, two workspaces and a shell."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vault.stage import Desk, open_desk

MEMORY = Path("/dev/shm")


@pytest.fixture(scope="module")
def quick() -> Iterator[Path]:
    """A folder in memory, where there is such a place: what is proved here does not hang on the disk's speed."""
    place = MEMORY if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


@pytest.fixture
def folder(quick: Path) -> Iterator[Path]:
    """The same, empty for each test."""
    with tempfile.TemporaryDirectory(dir=quick) as made:
        yield Path(made)


@pytest.fixture
def desk(folder: Path) -> Iterator[Desk]:
    with open_desk(folder) as made:
        yield made
