"""The schema is brought up to date once, whole or not at all, however many processes start at a time."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from slackapp.errors import ConfigError
from slackapp.store import meta
from slackapp.store.engine import statements
from slackapp.store.engine.sqlite import SqliteDatabase
from tests.store.rows import NOW, change, look
from tests.support.race import race

NEWEST = max(int(file.name[:4]) for file in (statements.sql_directory() / "migrations").glob("*.sql"))


def schema(path: Path) -> list[tuple[str, ...]]:
    return look(path, "SELECT type, name, sql FROM sqlite_schema ORDER BY name")


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the migrations, to which further ones can be added."""
    copy = tmp_path / "sql"
    shutil.copytree(statements.sql_directory(), copy)
    monkeypatch.setattr(statements, "sql_directory", lambda: copy)
    return copy / "migrations"


def prepare(path: Path) -> None:
    database = SqliteDatabase(path)
    try:
        database.create_or_migrate()
    finally:
        database.close()


def test_a_new_database_says_which_schema_it_has(db: SqliteDatabase) -> None:
    assert meta.get(db, "schema_version") == str(NEWEST)


def test_every_table_is_strict(db: SqliteDatabase) -> None:
    tables = [(name, strict) for _, name, _, _, _, strict in look(db.path, "PRAGMA table_list")]
    ours = {name: strict for name, strict in tables if not name.startswith("sqlite_")}
    assert ours == dict.fromkeys(ours, 1)
    assert {"installations", "tokens", "audit"} <= ours.keys()


@pytest.mark.long
def test_eight_processes_that_start_at_once_on_a_new_file_all_succeed(tmp_path: Path) -> None:
    """Stops a first start at which every process but one dies because the tables are there already."""
    code = "import os, sys\nfrom pathlib import Path\nfrom slackapp.store import meta\n"
    code += "from slackapp.store.engine.sqlite import *"
    run = """
db = SqliteDatabase(Path(sys.argv[1]))
db.create_or_migrate()
with db.transaction():
    meta.put(db, f"process:{os.getpid()}", "was here")
print(meta.get(db, "schema_version"))
"""
    path = tmp_path / "slackapp.db"
    assert race(8, code, run, str(path)) == [str(NEWEST)] * 8
    assert look(path, "SELECT count(*) FROM meta WHERE name LIKE 'process:%'") == [(8,)]


@pytest.mark.parametrize("known", [2, 10])
def test_an_older_database_that_somebody_uses_is_left_as_it_is(migrations: Path, tmp_path: Path, known: int) -> None:
    """Stops a command of a new release that changes the tables under the running service."""
    later = [file for file in sorted(migrations.glob("*.sql")) if int(file.name[:4]) > known]
    (tmp_path / "later").mkdir()
    for file in later:
        file.rename(tmp_path / "later" / file.name)
    path = tmp_path / "slackapp.db"
    old = SqliteDatabase(path)
    old.create_or_migrate()
    for file in later:
        (tmp_path / "later" / file.name).rename(file)
    before = schema(path)
    for _ in range(2):
        with pytest.raises(ConfigError, match="stop the service first, then start the new release"):
            prepare(path)
    assert schema(path) == before
    old.close()
    first, second = SqliteDatabase(path), SqliteDatabase(path)
    first.create_or_migrate()
    second.create_or_migrate()  # beside one of its own release
    assert schema(path) != before
    first.close()
    second.close()


# From one schema to the next, with rows in it


INSTALLATION = """INSERT INTO installations (tenant_kind, tenant_id, app_id, enterprise_id, team_id, installer_id,
                              scopes_asked, scopes_granted, webhook, status, generation, installed_at, last_used_at)
                  VALUES (?, ?, 'A0LOCAL001', ?, ?, ?, 'a', 'a,b', ?, ?, ?, ?, 7)"""
TOKEN = """INSERT INTO tokens (tenant_kind, tenant_id, user_id, generation, access, refresh, scopes, granted_at,
                               issued_at, expires_at, status, lease_owner, lease_until)
           VALUES (?, ?, ?, 3, ?, ?, 'a', 5, ?, ?, ?, 'somebody', 9)"""
STATE = "INSERT INTO oauth_states VALUES (?, ?, ?, 'install', ?, ?, ?, ?, ?)"


@pytest.fixture
def second(migrations: Path, tmp_path: Path) -> Callable[[], Path]:
    """A database of the second schema with rows in it; the call brings it up to the third."""
    later = [file for file in sorted(migrations.glob("*.sql")) if int(file.name[:4]) > 2]
    (tmp_path / "later").mkdir()
    for file in later:
        file.rename(tmp_path / "later" / file.name)
    path = tmp_path / "slackapp.db"
    prepare(path)
    assert look(path, "SELECT value FROM meta WHERE name = 'schema_version'") == [("2",)]
    change(path, INSTALLATION, "T", "T0NORTH001", "", "T0NORTH001", "U0ADMIN001", bytes(98), "active", 4, NOW)
    change(path, INSTALLATION, "T", "T0SOUTH001", "", "T0SOUTH001", "", None, "needs_reinstall", 1, NOW + 1)
    change(path, INSTALLATION, "E", "E0EVERGRN1", "E0EVERGRN1", "", "W0ADMIN001", None, "suspended", 2, NOW + 2)
    for tenant, user, life, status in TOKENS:
        expires_at, refresh = (NOW + life, bytes(99)) if life is not None else (None, None)
        change(path, TOKEN, tenant[0], tenant, user, bytes(98), refresh, NOW, expires_at, status)
    for number, used_at, outcome, kind, tenant in STATES:
        hashes = (number.to_bytes(32, "big"), bytes([number]) * 32)
        change(path, STATE, number, *hashes, NOW + number, used_at, outcome, kind, tenant)

    def upgrade() -> Path:
        shutil.copyfile(tmp_path / "later" / "0003_tokens.sql", migrations / "0003_tokens.sql")
        prepare(path)
        return path

    return upgrade


TOKENS = [
    # tenant, user, life in seconds, status
    ("T0NORTH001", "", 43_200, "live"),
    ("T0NORTH001", "U0ADMIN001", 4000, "live"),
    ("T0NORTH001", "U0PERSON01", None, "live"),
    ("T0SOUTH001", "", 28_801, "dead"),
    ("E0EVERGRN1", "", 3, "refresh_refused"),
]
STATES = [
    # id, used, how it ended, whose
    (5, None, "", "", ""),
    (7, NOW - 60, "installed", "T", "T0NORTH001"),
    (8, NOW - 5, "", "", ""),
]


def rows(path: Path, table: str, columns: str) -> list[tuple[Any, ...]]:
    return look(path, f"SELECT {columns} FROM {table} ORDER BY 1, 2, 3")


def columns_of(path: Path, table: str) -> str:
    return ", ".join(name for _, name, *_ in look(path, f"PRAGMA table_info({table})"))


def test_the_third_schema_keeps_every_row_of_the_second(second: Callable[[], Path], tmp_path: Path) -> None:
    path = tmp_path / "slackapp.db"
    tables = ("installations", "tokens", "oauth_states", "data_keys", "inbox", "audit", "processes")
    columns = {table: columns_of(path, table) for table in tables}
    before = {table: rows(path, table, columns[table]) for table in tables}
    assert [len(before[table]) for table in tables[:3]] == [3, 5, 3]
    second()
    assert look(path, "SELECT value FROM meta WHERE name = 'schema_version'") == [("3",)]
    assert {table: rows(path, table, columns[table]) for table in tables} == before
    assert look(path, "PRAGMA foreign_key_check") == []
    assert look(path, "PRAGMA integrity_check") == [("ok",)]


def test_the_third_schema_says_when_each_token_is_due(second: Callable[[], Path]) -> None:
    found = {(tenant, user): due_at for tenant, user, due_at in rows(second(), "tokens", "tenant_id, user_id, due_at")}
    assert found == {
        ("T0NORTH001", ""): NOW + 43_200 - 7200 + 1,
        ("T0NORTH001", "U0ADMIN001"): NOW + 4000 - 1000 + 1,
        ("T0NORTH001", "U0PERSON01"): None,
        ("T0SOUTH001", ""): NOW + 28_801 - 7200 + 1,
        ("E0EVERGRN1", ""): NOW + 3 + 1,
    }


def test_the_third_schema_knows_who_installed_last(second: Callable[[], Path]) -> None:
    columns = "tenant_kind, tenant_id, user_id, generation, installed_at, details"
    assert rows(second(), "installers", columns) == [
        ("E", "E0EVERGRN1", "W0ADMIN001", 2, NOW + 2, None),
        ("T", "T0NORTH001", "U0ADMIN001", 4, NOW, None),
    ]


def test_in_the_third_schema_no_tenant_was_checked_yet(second: Callable[[], Path]) -> None:
    found = rows(second(), "installations", "status_reason, check_begun_at, last_validated_at")
    assert found == [("", 0, 0)] * 3


def test_the_third_schema_takes_states_of_two_purposes_and_counts_on(second: Callable[[], Path]) -> None:
    path, insert = second(), "INSERT INTO oauth_states (id_hash, session_hash, purpose, expires_at) VALUES (?, ?, ?, 1)"
    for number, purpose in ((1, "bolt"), (2, "install")):
        change(path, insert, bytes([number]) * 32, bytes(32), purpose)
    assert look(path, "SELECT id, purpose FROM oauth_states WHERE expires_at = 1") == [(9, "bolt"), (10, "install")]
    for bad in ((bytes([3]) * 32, bytes(32), "login"), (bytes([1]) * 32, bytes(32), "bolt"), (b"", bytes(32), "bolt")):
        with pytest.raises(sqlite3.IntegrityError):
            change(path, insert, *bad)
    for column in ("outcome", "tenant_kind"):
        with pytest.raises(sqlite3.IntegrityError):
            change(path, f"UPDATE oauth_states SET {column} = 'another'")


# From users' ids to holders


@pytest.fixture
def tenth(migrations: Path, tmp_path: Path) -> Callable[[], Path]:
    """A database of the tenth schema with tokens in it; the call brings it up to the newest."""
    later = [file for file in sorted(migrations.glob("*.sql")) if int(file.name[:4]) > 10]
    (tmp_path / "later").mkdir()
    for file in later:
        file.rename(tmp_path / "later" / file.name)
    path = tmp_path / "slackapp.db"
    prepare(path)
    for kind, tenant in (("T", "T0NORTH001"), ("T", "T0SOUTH001"), ("E", "E0EVERGRN1")):
        team, enterprise = (tenant, "") if kind == "T" else ("", tenant)
        change(path, INSTALLATION, kind, tenant, enterprise, team, "U0ADMIN001", None, "active", 4, NOW)
    for tenant, user, life, status in TOKENS:
        expires_at, refresh = (NOW + life, bytes(99)) if life is not None else (None, None)
        change(path, TOKEN, tenant[0], tenant, user, bytes(98), refresh, NOW, expires_at, status)
    change(path, "UPDATE tokens SET due_at = expires_at - 9, reason = 'r', refused_since = 4, contradicted = 2")
    for user in ("", "U0ADMIN001"):
        change(path, "INSERT INTO installers VALUES ('T', 'T0NORTH001', ?, 4, 1.5, ?, ?)", user, bytes(99), bytes(98))
    change(path, "INSERT INTO data_keys VALUES (7, 'T', 'T0NORTH001', 'user', 'local', 1, ?, 'retired', 9)", b"w")

    def upgrade() -> Path:
        for file in later:
            shutil.copyfile(tmp_path / "later" / file.name, migrations / file.name)
        prepare(path)
        return path

    return upgrade


def test_the_eleventh_schema_keeps_every_row_of_the_tenth(tenth: Callable[[], Path], tmp_path: Path) -> None:
    path, tables = tmp_path / "slackapp.db", ("tokens", "installers", "data_keys")
    columns = {table: columns_of(path, table).replace("user_id, ", "") for table in tables}
    before = {table: rows(path, table, columns[table]) for table in tables}
    holders = {table: look(path, f"SELECT tenant_id, user_id FROM {table} ORDER BY 1, 2") for table in tables[:2]}
    tenth()
    assert {table: rows(path, table, columns[table]) for table in tables} == before
    for table, old in holders.items():
        found = look(path, f"SELECT tenant_id, holder_id, holder_kind FROM {table} ORDER BY 1, 2")
        assert found == [(tenant, user, "user" if user else "bot") for tenant, user in old]
    assert look(path, "SELECT DISTINCT provider FROM tokens") == [("slack",)]
    assert look(path, "SELECT DISTINCT connection_id FROM data_keys") == [("",)]
    assert look(path, "PRAGMA foreign_key_check") == []
    assert look(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_database_of_the_tenth_schema_has_in_the_end_the_schema_of_a_new_one(
    tenth: Callable[[], Path], tmp_path: Path
) -> None:
    grown, new = tenth(), tmp_path / "new.db"
    prepare(new)
    assert schema(grown) == schema(new)


@pytest.mark.parametrize(
    ("table", "kind", "holder"),
    [("tokens", "bot", "U1"), ("tokens", "user", ""), ("tokens", "connection", ""), ("tokens", "other", "U1"),
     ("installers", "bot", "U1"), ("installers", "user", ""), ("installers", "connection", "c1")],
)  # fmt: skip
def test_no_row_has_a_holder_that_is_none(tenth: Callable[[], Path], table: str, kind: str, holder: str) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        change(tenth(), f"UPDATE {table} SET holder_kind = ?, holder_id = ? WHERE holder_kind = 'bot'", kind, holder)


@pytest.mark.parametrize(("purpose", "connection"), [("connection", ""), ("user", "c1")])
def test_a_connections_key_and_no_other_names_a_connection(
    tenth: Callable[[], Path], purpose: str, connection: str
) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        change(tenth(), "UPDATE data_keys SET purpose = ?, connection_id = ?", purpose, connection)


def test_a_database_that_grew_has_the_schema_of_a_new_one(second: Callable[[], Path], tmp_path: Path) -> None:
    grown, new = second(), tmp_path / "new.db"
    prepare(new)
    assert schema(grown) == schema(new)


def test_a_second_start_changes_nothing(db: SqliteDatabase) -> None:
    before, rows = schema(db.path), look(db.path, "SELECT * FROM meta")
    prepare(db.path)
    assert (schema(db.path), look(db.path, "SELECT * FROM meta")) == (before, rows)


def test_a_database_of_a_newer_release_is_refused_and_left_as_it_is(db: SqliteDatabase) -> None:
    meta.put(db, "schema_version", str(NEWEST + 1))
    before = schema(db.path)
    with pytest.raises(ConfigError, match=rf"made by a newer release \(schema {NEWEST + 1}, this one knows {NEWEST}\)"):
        prepare(db.path)
    assert schema(db.path) == before


def test_further_migrations_are_run_once_and_in_order(migrations: Path, tmp_path: Path) -> None:
    path = tmp_path / "slackapp.db"
    prepare(path)
    change(path, "INSERT INTO meta (name, value) VALUES ('kept', 'yes')")
    (migrations / f"{NEWEST + 2:04}_second.sql").write_text("INSERT INTO added VALUES (1);\n")
    (migrations / f"{NEWEST + 1:04}_first.sql").write_text("-- Why.\nCREATE TABLE added (a INTEGER NOT NULL) STRICT;\n")
    for _ in range(2):
        prepare(path)
        assert look(path, "SELECT * FROM added") == [(1,)]
        found = look(path, "SELECT name, value FROM meta WHERE name IN ('kept', 'schema_version') ORDER BY name")
        assert found == [("kept", "yes"), ("schema_version", str(NEWEST + 2))]


@pytest.mark.parametrize(
    "broken",
    [
        "CREATE TABLE half (a TEXT) STRICT;\nINSERT INTO half VALUES ('x');\nCREATE TABLE meta (a TEXT);\n",
        "CREATE TABLE half (a TEXT) STRICT;\nINSERT INTO nowhere VALUES (1);\n",
        "CREATE TABLE half (a TEXT) STRICT;\nDROP TABLE inbox;\nCREATE TABLE",
    ],
    ids=["a table that is there", "a table that is not there", "the end is missing"],
)
def test_a_migration_that_fails_half_way_leaves_nothing(migrations: Path, tmp_path: Path, broken: str) -> None:
    path = tmp_path / "slackapp.db"
    prepare(path)
    before, rows = schema(path), look(path, "SELECT * FROM meta")
    (migrations / f"{NEWEST + 1:04}_broken.sql").write_text(broken)
    with pytest.raises(Exception, match=r"."):
        prepare(path)
    assert (schema(path), look(path, "SELECT * FROM meta")) == (before, rows)


def test_what_removes_a_tenant_says_so_itself_when_no_statement_lists_types_any_more(
    migrations: Path, tmp_path: Path
) -> None:
    """Stops an uninstall that was on its way when the new release came from waiting with the tenant it removes."""
    (queue,) = migrations.glob("*_queue.sql")
    later = {file: file.read_text() for file in migrations.glob("*.sql") if file.name >= queue.name}
    for file in later:
        file.unlink()
    path = tmp_path / "slackapp.db"
    prepare(path)
    types = ("app_mention", "app_uninstalled", "tokens_revoked", "slackapp.uninstall", "slackapp.purge")
    for number, kind in enumerate(types):
        change(path, ROW.replace("'message'", f"'{kind}'"), f"Ev{number}", "event", "T", "T1", None, "ready", None)
    for file, text in later.items():
        file.write_text(text)
    prepare(path)
    found = look(path, "SELECT type, removes, trace_id FROM inbox ORDER BY event_id")
    assert found == [(kind, int(kind != "app_mention"), "") for kind in types]


def test_a_first_migration_that_fails_half_way_leaves_an_empty_database(migrations: Path, tmp_path: Path) -> None:
    path = tmp_path / "slackapp.db"
    (migrations / f"{NEWEST + 1:04}_broken.sql").write_text("INSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(Exception, match="nowhere"):
        prepare(path)
    assert schema(path) == []
    (migrations / f"{NEWEST + 1:04}_broken.sql").unlink()
    prepare(path)
    assert look(path, "SELECT value FROM meta WHERE name = 'schema_version'") == [(str(NEWEST),)]


ROW = """INSERT INTO inbox (event_id, kind, tenant_kind, tenant_id, type, named, body, state, attempts, event_time,
                            received_at, next_at, lease_owner, lease_until, finished_at, result)
         VALUES (?, ?, ?, ?, 'message', 'bot', ?, ?, 3, 4, 5, 6, 'p1:1', 7, ?, 'why')"""


@pytest.mark.claim("C-96")
def test_the_inbox_keeps_every_row_when_its_ids_become_each_tenants_own(migrations: Path, tmp_path: Path) -> None:
    (change_of_key,) = migrations.glob("*_inbox_per_tenant.sql")
    later = {
        file: file.read_text() for file in migrations.glob("*.sql") if int(file.name[:4]) >= int(change_of_key.name[:4])
    }
    for file in later:
        file.unlink()
    path = tmp_path / "slackapp.db"
    prepare(path)
    for number, state in enumerate(("ready", "running", "calling", "unclear", "dead", "done")):
        body, finished_at = (bytes(98 + number), None) if state != "done" else (None, 8)
        change(path, ROW, f"Ev{number}", "event", "T", "T0NORTH001", body, state, finished_at)
    change(path, ROW, "purge", "job", "E", "E0EVERGRN1", None, "ready", None)
    columns = columns_of(path, "inbox")
    before = rows(path, "inbox", columns)
    assert len(before) == 7
    for file, text in later.items():
        file.write_text(text)
    prepare(path)
    assert rows(path, "inbox", columns) == before
    change(path, ROW, "Ev0", "event", "T", "T0SOUTH001", None, "done", 8)
    with pytest.raises(sqlite3.IntegrityError):
        change(path, ROW, "Ev0", "event", "T", "T0SOUTH001", None, "done", 8)
    assert look(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_database_from_before_freezes_keeps_what_it_has_and_freezes_nobody(migrations: Path, tmp_path: Path) -> None:
    (freezes,) = migrations.glob("*_freezes.sql")
    later = [file for file in migrations.glob("*.sql") if file.name >= freezes.name]
    for file in later:
        file.rename(tmp_path / file.name)
    path = tmp_path / "slackapp.db"
    prepare(path)
    change(path, INSTALLATION, "T", "T0NORTH001", "", "T0NORTH001", "U0ADMIN001", bytes(98), "active", 4, NOW)
    columns = ", ".join(name for (name,) in look(path, "SELECT name FROM pragma_table_info('installations')"))
    before = look(path, f"SELECT {columns} FROM installations")
    for file in later:
        shutil.copyfile(tmp_path / file.name, file)
    prepare(path)
    assert look(path, f"SELECT {columns} FROM installations") == before
    assert look(path, "SELECT * FROM freezes") == []
