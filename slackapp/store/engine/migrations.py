"""Migrations: brings a database from the schema that it has to the one that this release knows."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from slackapp.errors import ConfigError
from slackapp.store.engine import statements
from slackapp.store.engine.database import Database


def migrate(db: Database, connection: Callable[[], sqlite3.Connection], path: Path, *, is_alone: bool) -> None:
    """Runs what is missing, in one transaction, on the connection that this thread reads or writes by.

    `is_alone` says that nobody else uses the database: a release that runs would write its own rows into the tables of
    another. Raises ConfigError.
    """
    files = sorted((statements.sql_directory() / "migrations").glob("[0-9][0-9][0-9][0-9]_*.sql"))
    newest, known = int(files[-1].name[:4]), _schema_version(db, connection())
    if known == newest:
        return  # without the write lock, which a command must not wait for
    if known > newest:
        raise ConfigError(f"{path}: was made by a newer release (schema {known}, this one knows {newest})")
    if known and not is_alone:
        raise ConfigError(f"{path}: is in use; stop the service first, then start the new release")
    with db.transaction():
        for file in files[known:]:
            # Never executescript(): it commits whatever transaction is open.
            for statement in statements.split_statements(file.read_text(encoding="utf-8")):
                connection().execute(statement)
        db.execute("set_meta", {"name": "schema_version", "value": str(newest)})


def _schema_version(db: Database, connection: sqlite3.Connection) -> int:
    if not connection.execute("PRAGMA table_info(meta)").fetchall():
        return 0
    row = db.one("get_meta", {"name": "schema_version"})
    return int(row["value"]) if row is not None else 0
