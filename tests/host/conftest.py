"""A database of its own for each test, with two organizations that have a member each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.crypto import keyfile
from slackapp.store.engine.sqlite import SqliteDatabase
from tests.store.stepwise import StepwiseDatabase
from tests.support.connected import ACME, GLOBEX, add_member
from tests.support.world import empty_database


@pytest.fixture
def db(tmp_path: Path) -> Iterator[SqliteDatabase]:
    """It gives each write that needs one a transaction."""
    database = StepwiseDatabase(tmp_path / "slackapp.db")
    keyfile.write_private(database.path, empty_database())
    database.create_or_migrate()
    for organization in (ACME, GLOBEX):
        add_member(database, organization)
    yield database
    database.close()
