"""Reading a Bolt app's store leaves no trace, and erasing leaves none of what was there; slack_sdk wrote the files."""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.oauth.installation_store import Installation

from slackapp.errors import CommandError, StoreBusyError
from slackapp.importer import sources
from slackapp.importer.sources import BoltFileSource, BoltSqliteSource, SingleTokenSource, SourceRecord
from tests.support.bolt_sources import CLIENT_ID, Alchemy, Files, Sqlite
from tests.support.prepared_world import memory_folder

NORTH, SOUTH = "T0NORTH001", "T0SOUTH001"
WHO = "U0ADMIN"
MINE = ("", NORTH)
NEW_ROW = """
INSERT INTO slack_bots (client_id, app_id, team_id, bot_token, bot_id, bot_user_id)
SELECT client_id, app_id, team_id, 'xoxb-new', bot_id, bot_user_id FROM slack_bots ORDER BY id LIMIT 1
"""
OTHER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2:]:
    connection.execute(statement).fetchall()
print("done", flush=True)
sys.stdin.read()
connection.close()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with memory_folder() as made:
        yield made


@pytest.fixture
def sqlite(folder: Path) -> Sqlite:
    return filled(Sqlite(folder / "app" / "bolt.db"))


@pytest.fixture
def files(folder: Path) -> Files:
    store = Files(folder / "source")
    for team in (NORTH, SOUTH):
        store.save(entity(team))
    return store


def entity(team: str, **changes: Any) -> Installation:
    token = f"xoxb-canary-of-{team}"
    fields = {"app_id": "A1", "team_id": team, "user_id": WHO, "bot_token": token, "bot_id": "B1", "bot_user_id": "U1"}
    return Installation(**{**fields, "user_token": f"xoxp-canary-of-{team}", "installed_at": 5.0, **changes})


def filled(store: Any) -> Any:
    for team in (NORTH, SOUTH):
        store.save(entity(team))
    return store


def with_log(store: Sqlite) -> Sqlite:
    """The same file as one that has a log beside it while it is open."""
    assert store.rows("PRAGMA journal_mode = WAL") == [("wal",)]
    assert names(store) == ["bolt.db"]
    return store


def names(store: Sqlite) -> list[str]:
    return sorted(file.name for file in store.path.parent.iterdir())


def teams(found: list[SourceRecord]) -> list[str]:
    return sorted({str(record.fields["team_id"]) for record in found})


@contextlib.contextmanager
def another_process(store: Sqlite, *statements: str) -> Iterator[None]:
    """Somebody has the file open, and has run these."""
    command = [sys.executable, "-S", "-E", "-c", OTHER, str(store.path), *statements]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "done\n"
        try:
            yield
        finally:
            other.stdin.close()
            other.wait()


@contextlib.contextmanager
def nobody(top: Path) -> Iterator[None]:
    """For whom rights on files count; below `top` he may look everywhere."""
    if os.geteuid() != 0:
        yield
        return
    top.chmod(0o755)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


# What is read in SQLite


def test_every_row_of_the_app_is_read_with_its_place(sqlite: Sqlite) -> None:
    found = BoltSqliteSource(sqlite.path, CLIENT_ID).records()
    assert [(record.kind, record.place, record.where, record.age_order) for record in found] == [
        ("bot", ("", NORTH), "slack_bots, row 1", 1),
        ("bot", ("", SOUTH), "slack_bots, row 2", 2),
        ("installation", ("", NORTH), "slack_installations, row 1", 1),
        ("installation", ("", SOUTH), "slack_installations, row 2", 2),
    ]
    assert found[0].fields["bot_token"] == f"xoxb-canary-of-{NORTH}"
    assert "canary" not in repr(found)
    assert not any(record.error or record.is_owner_known for record in found)


def test_an_id_that_is_null_is_the_same_place_as_an_empty_one(folder: Path) -> None:
    store = Alchemy(folder / "source" / "bolt.db")
    store.save(entity(NORTH))
    assert {record.place for record in store.source().records()} == {MINE}
    assert store.source().skipped() == []


def test_rows_of_other_apps_are_not_read_and_remarked_on_with_names_fit_for_a_terminal(sqlite: Sqlite) -> None:
    Sqlite(sqlite.path, "9\x1b[2J9").save(entity(NORTH))
    only_a_bot = Sqlite(sqlite.path, "8.8")
    only_a_bot.save_bot(entity(NORTH).to_bot())
    source = sqlite.source()
    assert len(source.records()) == 4
    assert source.skipped() == [
        "1 rows of the client id 8.8: another app",
        "2 rows of the client id 9\\x1b[2J9: another app",
    ]


@pytest.mark.parametrize("log", [False, True], ids=["alone", "with a log"])
def test_reading_changes_nothing_and_leaves_nothing_beside_the_file(sqlite: Sqlite, log: bool) -> None:
    store = with_log(sqlite) if log else sqlite
    before = store.files()
    source = store.source()
    assert teams(source.records()) == [NORTH, SOUTH]
    assert source.skipped() == []
    assert (store.files(), names(store)) == (before, ["bolt.db"])


def test_an_empty_log_is_as_good_as_none(sqlite: Sqlite) -> None:
    """Whoever opened the file read-only left it behind."""
    with_log(sqlite).path.with_name("bolt.db-wal").touch()
    before = sqlite.files()
    assert teams(sqlite.source().records()) == [NORTH, SOUTH]
    assert sqlite.files() == before


def test_what_another_process_has_in_its_log_is_read_and_its_files_stay_as_they_are(sqlite: Sqlite) -> None:
    with another_process(with_log(sqlite), "UPDATE slack_bots SET team_id = 'T0NEW' WHERE id = 1"):
        before = sqlite.files()
        assert len(before) == 3
        assert "T0NEW" in teams(sqlite.source().records())
        assert sqlite.files() == before
    assert names(sqlite) == ["bolt.db"], "the last one to close tidies up, as ever"


@pytest.mark.parametrize("index", [True, False], ids=["with its index", "without"])
def test_the_log_of_an_app_that_was_killed_is_read(sqlite: Sqlite, folder: Path, index: bool) -> None:
    with another_process(with_log(sqlite), "UPDATE slack_bots SET team_id = 'T0NEW' WHERE id = 1"):
        shutil.copytree(sqlite.path.parent, folder / "copy")
    left = Sqlite.__new__(Sqlite)
    left.path = folder / "copy" / "bolt.db"
    if not index:
        left.path.with_name("bolt.db-shm").unlink()
    before = left.files()
    assert "T0NEW" in teams(left.source().records())
    after = left.files()
    assert {name: after[name] for name in before} == before
    assert not index or after == before


def test_a_file_with_a_log_that_is_written_while_it_is_read_is_not_believed(sqlite: Sqlite) -> None:
    """It is read without locks: what was written in between may be half of this and half of that."""

    class Read(BoltSqliteSource):
        def _rows(self, connection: sqlite3.Connection) -> list[SourceRecord]:
            found = super()._rows(connection)
            sqlite.save(entity("T0NEW"))
            return found

    with pytest.raises(StoreBusyError, match="was written to meanwhile; stop the Bolt app first"):
        Read(with_log(sqlite).path, CLIENT_ID).records()


@pytest.mark.parametrize("log", [False, True], ids=["alone", "with a log"])
def test_what_must_not_be_written_can_be_read_and_is_not_erased(sqlite: Sqlite, folder: Path, log: bool) -> None:
    store = with_log(sqlite) if log else sqlite
    store.path.chmod(0o444)
    store.path.parent.chmod(0o555)
    before = store.files()
    source = store.source()
    with nobody(folder):
        assert teams(source.records()) == [NORTH, SOUTH]
        for act in (source.check_erasable, lambda: source.erase([MINE])):
            with pytest.raises(CommandError, match=r"bolt\.db: cannot be written, or nothing beside it$"):
                act()
    store.path.parent.chmod(0o755)
    assert store.files() == before


@pytest.mark.parametrize("statement", ["BEGIN EXCLUSIVE", "BEGIN IMMEDIATE"])
def test_a_locked_file_is_refused_and_not_changed(
    sqlite: Sqlite, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_BUSY_SECONDS", 0)
    source, before = sqlite.source(), sqlite.files()
    source.records()
    locked = pytest.raises(StoreBusyError, match=r"bolt\.db: is locked; stop the Bolt app first$")
    with another_process(sqlite, statement):
        with locked:
            source.check_erasable()
        with locked:
            source.erase([MINE])
        with locked if statement == "BEGIN EXCLUSIVE" else contextlib.nullcontext():
            source.records()
    assert sqlite.files() == before
    source.check_erasable()
    assert sqlite.files() == before


def text_file(path: Path) -> None:
    path.write_text("token,team\n" * 1000)


def other_tables(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE tokens (access TEXT)")


OTHERS = {
    "missing": (lambda path: None, "No such file or directory"),
    "a folder": (Path.mkdir, "is not a file"),
    "a pipe": (os.mkfifo, "is not a file"),
    "empty": (Path.touch, "is not a database of Bolt's SQLite store (no such table: slack_bots)"),
    "text": (text_file, "is not a database of Bolt's SQLite store (file is not a database)"),
    "other tables": (other_tables, "is not a database of Bolt's SQLite store (no such table: slack_bots)"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_such_file_is_refused_with_the_reason(folder: Path, name: str) -> None:
    make, why = OTHERS[name]
    path = folder / "bolt.db"
    make(path)
    with pytest.raises(CommandError) as caught:
        BoltSqliteSource(path, CLIENT_ID).records()
    assert str(caught.value) == f"{path}: {why}"
    assert path.exists() is (name != "missing")
    with pytest.raises(CommandError):
        BoltSqliteSource(path, CLIENT_ID).erase([])


def test_before_anything_is_taken_from_a_missing_file_that_is_to_be_erased_it_is_said(folder: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        BoltSqliteSource(folder / "bolt.db", CLIENT_ID).check_erasable()


def test_a_write_that_was_broken_off_is_for_the_bolt_app_to_finish(sqlite: Sqlite, folder: Path) -> None:
    with contextlib.closing(sqlite3.connect(sqlite.path, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE slack_bots SET team_name = 'x'")
        connection.execute("CREATE TABLE x AS SELECT zeroblob(100000) AS x")
        shutil.copytree(sqlite.path.parent, folder / "copy")
    assert (folder / "copy" / "bolt.db-journal").stat().st_size
    with pytest.raises(CommandError, match="a write was broken off; let the Bolt app open it once"):
        BoltSqliteSource(folder / "copy" / "bolt.db", CLIENT_ID).records()


def test_the_source_connection_has_the_safe_pragmas(sqlite: Sqlite) -> None:
    """No function of its schema is run, nothing is moved through files elsewhere, what is deleted is overwritten."""
    with sqlite.source()._open("mode=rw") as connection:
        found = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("trusted_schema", "temp_store")]
        assert (found, connection.execute("PRAGMA secure_delete").fetchone()[0]) == ([0, 2], 1)


# What is erased in SQLite


@pytest.mark.parametrize("log", [False, True], ids=["alone", "with a log"])
def test_what_is_erased_is_in_no_byte_of_the_file(sqlite: Sqlite, log: bool) -> None:
    store = with_log(sqlite) if log else sqlite
    source = store.source()
    source.records()
    assert source.erase([MINE]) == {MINE}
    assert names(store) == ["bolt.db"]
    assert NORTH.encode() not in store.bytes()
    assert f"xoxb-canary-of-{SOUTH}".encode() in store.bytes()
    assert teams(store.source().records()) == [SOUTH]
    assert store.rows("PRAGMA integrity_check") == [("ok",)]


def test_a_log_that_a_killed_app_left_is_erased_as_well(sqlite: Sqlite, folder: Path) -> None:
    with another_process(with_log(sqlite), "UPDATE slack_bots SET bot_id = 'B2'"):
        shutil.copytree(sqlite.path.parent, folder / "copy")
    left = Sqlite.__new__(Sqlite)
    left.path = folder / "copy" / "bolt.db"
    assert NORTH.encode() in left.path.with_name("bolt.db-wal").read_bytes()
    source = left.source()
    source.records()
    assert source.erase([MINE]) == {MINE}
    assert NORTH.encode() not in left.bytes()
    assert names(left) == ["bolt.db"]


def test_pages_that_the_bolt_app_freed_go_with_the_next_erasing(sqlite: Sqlite) -> None:
    """Also what an erasing that was killed before its end has left."""
    with contextlib.closing(sqlite3.connect(sqlite.path)) as connection, connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("DELETE FROM slack_bots")
        connection.execute("DELETE FROM slack_installations")
    assert b"canary" in sqlite.bytes()
    assert sqlite.source().erase([]) == set()
    assert b"canary" not in sqlite.bytes()


def test_a_log_that_somebody_reads_is_told(sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_BUSY_SECONDS", 0)
    source = with_log(sqlite).source()
    source.records()
    with (
        another_process(sqlite, "BEGIN", "SELECT * FROM slack_bots"),
        pytest.raises(StoreBusyError, match="somebody reads it, so that its log stays"),
    ):
        source.erase([MINE])
    assert source.erase([MINE]) == set()
    assert NORTH.encode() not in sqlite.bytes()


def test_only_rows_of_this_client_and_this_place_go(sqlite: Sqlite) -> None:
    Sqlite(sqlite.path, "9.9").save(entity(NORTH))
    sqlite.save(entity(NORTH, enterprise_id="E0ORG"))
    source = sqlite.source()
    source.records()
    assert source.erase([MINE, ("E0", "T0")]) == {MINE}
    sql = "SELECT client_id, enterprise_id, team_id FROM {} ORDER BY id"
    for table in ("slack_bots", "slack_installations"):
        assert sqlite.rows(sql.format(table)) == [
            (CLIENT_ID, "", SOUTH),
            ("9.9", "", NORTH),
            (CLIENT_ID, "E0ORG", NORTH),
        ]


@pytest.mark.parametrize(
    "change",
    [
        NEW_ROW,
        f"UPDATE slack_installations SET user_token = 'xoxp-new' WHERE team_id = '{NORTH}'",
        f"DELETE FROM slack_bots WHERE team_id = '{NORTH}'",
    ],
    ids=["a new row", "a changed one", "one that is gone"],
)
def test_a_place_that_is_not_as_it_was_seen_is_left(sqlite: Sqlite, change: str) -> None:
    source = sqlite.source()
    source.records()
    sqlite.change(change)
    before = sqlite.rows("SELECT * FROM slack_installations")
    assert source.erase([MINE]) == set()
    assert sqlite.rows("SELECT * FROM slack_installations") == before
    assert source.erase([("", SOUTH)]) == {("", SOUTH)}


def test_what_was_never_looked_at_is_not_erased(sqlite: Sqlite, files: Files) -> None:
    before = files.files()
    assert sqlite.source().erase([MINE]) == set()
    assert files.source().erase([(f"none-{NORTH}",)]) == set()
    assert (len(sqlite.source().records()), files.files()) == (4, before)


# What is read and erased in files


def test_the_newest_files_are_read_with_their_place(files: Files) -> None:
    found = files.source().records()
    assert [(record.kind, record.place, record.where, record.age_order) for record in found[:3]] == [
        ("bot", (f"none-{NORTH}",), f"none-{NORTH}/bot-latest", 1),
        ("installation", (f"none-{NORTH}",), f"none-{NORTH}/installer-{WHO}-latest", 1),
        ("installation", (f"none-{NORTH}",), f"none-{NORTH}/installer-latest", 0),
    ]
    assert len(found) == 6
    assert found[0].fields["bot_token"] == f"xoxb-canary-of-{NORTH}"
    assert "canary" not in repr(found)
    assert files.source().skipped() == []


def test_the_folder_may_be_the_base_or_the_clients_or_one_without_a_client(files: Files, folder: Path) -> None:
    without = Files(folder / "flat", client_id="")
    without.save(entity(NORTH))
    assert teams(BoltFileSource(files.path, CLIENT_ID).records()) == [NORTH, SOUTH]
    assert teams(BoltFileSource(files.folder, CLIENT_ID).records()) == [NORTH, SOUTH]
    assert teams(BoltFileSource(without.path, CLIENT_ID).records()) == [NORTH]


def test_what_is_not_of_this_app_is_not_read_and_remarked_on(files: Files, folder: Path) -> None:
    Files(files.path, "9.9").save(entity("T0OTHER"))
    Files(files.path, "").save(entity("T0FLAT"))
    (files.folder / "notes\x1b[2J").touch()
    (files.folder / "none-T0LOOSE").touch()
    (files.folder / "lost+found").mkdir()
    (files.folder / "none-T0LINK").symlink_to(files.folder / f"none-{NORTH}")
    (files.folder / "none-T0EMPTY").mkdir()
    (files.folder / "none-T0OLD").mkdir()
    (files.folder / "none-T0OLD" / "bot-12345.6").write_text("{}")
    (files.folder / "none-T0OLD" / "stranger-latest").write_text("{}")
    source = BoltFileSource(files.path, CLIENT_ID)
    assert teams(source.records()) == [NORTH, SOUTH]
    stranger = "is not the folder of a workspace of this app"
    expected = {
        f"none-T0LOOSE: {stranger}",
        f"none-T0LINK: {stranger}",
        f"lost+found: {stranger}",
        f"notes\\x1b[2J: {stranger}",
        f"9.9: {stranger}",
        f"none-T0FLAT: {stranger}",
        "none-T0EMPTY: there is no installation in it",
        "none-T0OLD: there is no installation in it",
    }
    assert sorted(source.skipped()) == sorted(expected)
    source.records()
    assert sorted(source.skipped()) == sorted(expected), "not twice"
    before = files.files()
    assert source.erase([("none-T0LINK",), ("none-T0FLAT",), (f"../9.9/none-{NORTH}",)]) == set()
    assert files.files() == before


def test_a_link_in_place_of_the_clients_folder_is_not_followed(files: Files, folder: Path) -> None:
    (folder / "base").mkdir()
    (folder / "base" / CLIENT_ID).symlink_to(files.folder)
    source = BoltFileSource(folder / "base", CLIENT_ID)
    assert source.records() == []
    assert source.skipped() == [f"{CLIENT_ID}: is not the folder of a workspace of this app"]


def test_a_name_that_is_no_text_is_shown_as_one(files: Files) -> None:
    place = os.fsencode(files.folder / f"none-{NORTH}")
    os.rename(place + b"/bot-latest", place + b"/installer-\xff\x1b-latest")
    found = files.source().records()
    assert f"none-{NORTH}/installer-\\udcff\\x1b-latest" in [record.where for record in found]
    assert "".join(record.where for record in found).isascii()


def test_a_file_that_bolt_cannot_have_written_has_an_error_and_no_fields(files: Files) -> None:
    latest = files.folder / f"none-{NORTH}" / "bot-latest"
    latest.write_text("{")
    found = files.source().records()[0]
    assert (found.fields, found.error, found.kind) == ({}, "it is not a file that Bolt wrote", "bot")


def test_a_file_of_one_mebibyte_is_read_and_one_that_is_larger_is_not(files: Files) -> None:
    latest = files.folder / f"none-{NORTH}" / "bot-latest"
    text = json.dumps({"x": ""})
    for size, good in ((1024 * 1024, True), (1024 * 1024 + 1, False)):
        latest.write_text(text.replace('""', f'"{"x" * (size - len(text))}"'))
        assert latest.stat().st_size == size
        assert bool(files.source().records()[0].fields) is good


@pytest.mark.parametrize("name", ["missing", "a file"])
def test_a_folder_that_is_none_is_refused(folder: Path, name: str) -> None:
    path = folder / "source"
    if name == "a file":
        path.touch()
    with pytest.raises(CommandError, match=r"source: cannot be read \((No such file|Not a directory)"):
        BoltFileSource(path, CLIENT_ID).records()


def test_what_must_not_be_read_is_told_and_what_must_not_be_written_is_left(files: Files, folder: Path) -> None:
    (files.folder / f"none-{NORTH}").chmod(0o000)
    source = files.source()
    with nobody(folder):
        assert teams(source.records()) == [SOUTH]
        assert source.skipped() == [
            f"none-{NORTH}: Permission denied",
            f"none-{NORTH}: there is no installation in it",
        ]
        assert source.erase([(f"none-{SOUTH}",)]) == set()
        assert teams(source.records()) == [SOUTH]
    (files.folder / f"none-{NORTH}").chmod(0o755)


def test_erasing_takes_the_folder_with_its_history_and_nothing_else(files: Files) -> None:
    source = files.source()
    source.records()
    assert len(list((files.folder / f"none-{NORTH}").iterdir())) == 6
    assert source.erase([(f"none-{NORTH}",)]) == {(f"none-{NORTH}",)}
    assert [place.name for place in files.folder.iterdir()] == [f"none-{SOUTH}"]
    assert teams(files.source().records()) == [SOUTH]


def test_a_file_that_is_not_bolts_stays_and_its_folder_with_it(files: Files) -> None:
    note = files.folder / f"none-{NORTH}" / "notes.txt"
    note.write_text("mine")
    source = files.source()
    source.records()
    assert source.erase([(f"none-{NORTH}",)]) == {(f"none-{NORTH}",)}
    assert list(note.parent.iterdir()) == [note]


def test_a_link_among_the_history_goes_and_what_it_leads_to_stays(files: Files, folder: Path) -> None:
    (folder / "mine").write_text("mine")
    (files.folder / f"none-{NORTH}" / "bot-12.3").symlink_to(folder / "mine")
    source = files.source()
    source.records()
    source.erase([(f"none-{NORTH}",)])
    assert not (files.folder / f"none-{NORTH}").exists()
    assert (folder / "mine").read_text() == "mine"


@pytest.mark.parametrize("name", ["bot-latest", f"installer-{WHO}-latest", "installer-latest", "bot-99.9"])
def test_a_folder_that_is_not_as_it_was_seen_is_left(files: Files, name: str) -> None:
    source = files.source()
    source.records()
    file = files.folder / f"none-{NORTH}" / name
    file.write_text(file.read_text().replace("canary", "CANARY") if file.exists() else "{}")
    before = files.files()
    assert source.erase([(f"none-{NORTH}",)]) == set()
    assert files.files() == before


def test_the_newest_files_go_last_so_that_a_killed_erasing_is_done_again(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = files.source()
    source.records()
    unlink, left = Path.unlink, iter(range(3))

    def some(path: Path) -> None:
        if next(left, None) is None:
            raise OSError
        unlink(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", some)
        assert source.erase([(f"none-{NORTH}",)]) == set()
    last = [file.name for file in (files.folder / f"none-{NORTH}").iterdir()]
    assert (len(last), [name for name in last if not name.endswith("-latest")]) == (3, [])
    source.records()
    assert source.erase([(f"none-{NORTH}",)]) == {(f"none-{NORTH}",)}


def test_to_prepare_the_erasing_of_files_changes_none(files: Files) -> None:
    before = files.files()
    files.source().check_erasable()
    assert files.files() == before


def test_a_token_alone_is_one_record_and_is_not_erased() -> None:
    record = SourceRecord("bot", ("NAME",), "NAME", 0, {"bot_token": "xoxb-canary"}, is_owner_known=True)
    source = SingleTokenSource(record)
    source.check_erasable()
    assert (source.records(), source.skipped(), source.erase([("NAME",)])) == ([record], [], set())
