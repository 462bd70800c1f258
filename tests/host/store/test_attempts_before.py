"""A database in which attempts that came to nothing had been revoked, and kept the tenant: what becomes of them."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from slackapp.store.engine import statements
from slackapp.store.engine.sqlite import SqliteDatabase
from tests.store.rows import NORTH, NOW, look

OLD_ROWS = """
    INSERT INTO organizations (organization_id, name, named_at, created_at, updated_at) VALUES ('acme', '', 1, 1, 1);
    INSERT INTO members (organization_id, member_id, role, issued_at, created_at, updated_at)
    VALUES ('acme', 'ann', 'admin', 1, 1, 1);
    INSERT INTO connections (id, organization_id, user_id, kind, status, way, host_key_id, oauth_state,
           oauth_expires_at, created_at, updated_at)
    VALUES ('{id}', 'acme', 'ann', 'workspace', 'pending', 'api', 'k', randomblob(32), 9, 1, 1);
    UPDATE connections
       SET status = 'quarantined', oauth_state = NULL, oauth_expires_at = NULL, tenant_kind = 'T', tenant_id = '{team}',
           team_id = '{team}'
     WHERE id = '{id}';
"""
"""An organization, its member, and an attempt whose grant waits."""


def test_what_was_never_active_fails_and_what_was_stays_revoked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I had a victim approve for me, whose workspace was erased since; its id stands in my row."""
    shutil.copytree(statements.sql_directory(), tmp_path / "sql")
    monkeypatch.setattr(statements, "sql_directory", lambda: tmp_path / "sql")
    (file,) = (tmp_path / "sql" / "migrations").glob("*_attempts.sql")
    later = {each: each.read_text() for each in file.parent.glob("*.sql") if each.name >= file.name}
    for each in later:
        each.unlink()
    path, mine, held = tmp_path / "slackapp.db", f"{1:024}", f"{2:024}"
    start(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(OLD_ROWS.format(id=mine, team=NORTH.id))
        connection.executescript(OLD_ROWS[OLD_ROWS.index("INSERT INTO connections") :].format(id=held, team=NORTH.id))
        connection.executescript(
            f"""
            UPDATE connections SET status = 'active', token_vault_key = 'k', installed_at = {NOW} WHERE id = '{held}';
            UPDATE connections SET status = 'revoked', token_vault_key = NULL;
            UPDATE connections SET deleted_at = 5 WHERE id = '{mine}';
            """
        )
    for each, text in later.items():
        each.write_text(text)
    start(path)
    columns = "id, status, tenant_kind, tenant_id, team_id, deleted_at"
    assert look(path, f"SELECT {columns} FROM connections ORDER BY id") == [
        (mine, "failed", "", "", "", None), (held, "revoked", "T", NORTH.id, NORTH.id, None),
    ]  # fmt: skip


def start(path: Path) -> None:
    """The release that these migrations are of makes the database, or brings it up to date."""
    db = SqliteDatabase(path)
    db.create_or_migrate()
    db.close()
