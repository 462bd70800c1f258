"""The database as it is, for tests of the engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.crypto import keyfile
from slackapp.store.engine import statements
from slackapp.store.engine.sqlite import SqliteDatabase
from slackapp.store.engine.statements import Alone, Statement
from tests.support.world import empty_database

ANYWHERE = """
from slackapp.store.engine import statements
from tests.store.engine.conftest import statements_anywhere
statements.load_statements = statements_anywhere
"""
"""The same for a process of its own."""
_load = statements.load_statements


def statements_anywhere() -> dict[str, Statement]:
    """All statements; those of these tests may stand anywhere."""
    found = _load()
    for name, why in (("get_meta", Alone.AUDIT_HEAD), ("set_meta", Alone.INSERT), ("set_meta_once", Alone.INSERT)):
        if name in found:  # in a folder of a test's own there is none
            found[name] = found[name]._replace(alone=why)
    return found


@pytest.fixture(autouse=True)
def anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """What these tests read and write by may stand anywhere; what the engine refuses is shown by other statements."""
    monkeypatch.setattr(statements, "load_statements", statements_anywhere)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[SqliteDatabase]:
    """A new database with the whole schema."""
    database = SqliteDatabase(tmp_path / "slackapp.db")
    keyfile.write_private(database.path, empty_database())
    database.create_or_migrate()
    yield database
    database.close()
