"""A database of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.store.engine.sqlite import Database


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """A new database with the whole schema."""
    database = Database(tmp_path / "slackapp.db")
    database.prepare_file()
    yield database
    database.close()
