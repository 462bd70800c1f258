"""A database of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.crypto import keyfile
from slackapp.store.engine.sqlite import SqliteDatabase
from tests.store.stepwise import StepwiseDatabase
from tests.support.world import empty_database


@pytest.fixture
def db(tmp_path: Path) -> Iterator[SqliteDatabase]:
    """A new database with the whole schema, which gives each write that needs one a transaction."""
    database = StepwiseDatabase(tmp_path / "slackapp.db")
    keyfile.write_private(database.path, empty_database())
    database.create_or_migrate()
    yield database
    database.close()
