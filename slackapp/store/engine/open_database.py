"""Choice of an engine: the one place where it is made."""

from pathlib import Path

from slackapp.store.engine.database import Database
from slackapp.store.engine.sqlite import SqliteDatabase


def open_database(path: Path) -> Database:
    """Returns the database there; opened on first use, and made or migrated by whoever begins."""
    return SqliteDatabase(path)
