"""Sources of an import: Bolt for Python's SQLite file (`sql/foreign/bolt.sql`), or its folder of JSON files.

Read as it lies there, with the names of its own fields. Nothing is believed here, and only `erase` changes anything.
"""

import json
import os
import sqlite3
import stat
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from slackapp.errors import CommandError, StoreBusyError
from slackapp.store.engine import statements

_FILE_LIMIT = 1024 * 1024
_BUSY_SECONDS = 2
_WAL_HEADER = b"\x02\x02"
"""Bytes 18 and 19 of a database that has a log beside it (sqlite.org/fileformat2.html)."""

_REQUIRED_COLUMNS = {
    "id",
    "app_id",
    "enterprise_id",
    "team_id",
    "bot_token",
    "bot_id",
    "bot_user_id",
    "bot_scopes",
    "installed_at",
}
"""What every release of slack_sdk since 3.0 has had in both tables; an installation has `_USER_COLUMNS` as well."""
_USER_COLUMNS = {
    "user_id", "user_token", "user_scopes",
    "incoming_webhook_url", "incoming_webhook_channel_id", "incoming_webhook_configuration_url",
}  # fmt: skip
_OPTIONAL_COLUMNS = {
    "enterprise_name", "enterprise_url", "team_name", "is_enterprise_install", "token_type",  # since 3.1
    "incoming_webhook_channel",
    "bot_refresh_token", "bot_token_expires_at", "user_refresh_token", "user_token_expires_at",  # since 3.8
}  # fmt: skip

SourcePlace = tuple[Any, ...]
"""Where a source keeps all of one workspace or enterprise; what it can erase."""


class SourceKind(StrEnum):
    """Kind of a record: a bot alone, or what a user installed."""

    BOT = "bot"
    INSTALLATION = "installation"


@dataclass(frozen=True)
class SourceRecord:
    """Record of another store.

    `where` names its place for the operator, `order` its age there. `error` says why
    there are no fields. `is_owner_known` is a record whose token Slack has just been asked about.
    """

    kind: SourceKind
    place: SourcePlace
    where: str
    age_order: int
    fields: Mapping[str, Any] = field(repr=False)
    error: str | None = None
    is_owner_known: bool = False


class Source(Protocol):
    """Store that is imported from."""

    def records(self) -> list[SourceRecord]:
        """Yields the records of our app.

        Raises CommandError for a source that cannot be read, StoreBusyError for one in use.
        """

    def skipped(self) -> list[str]:
        """Lists what lies there and is not imported, and why."""

    def check_erasable(self) -> None:
        """Changes nothing. Raises CommandError or StoreBusyError where nothing could be erased."""

    def erase(self, places: Collection[SourcePlace]) -> set[SourcePlace]:
        """Deletes those places, history included, that are as `records` found them last; which these were."""


class BoltSqliteSource:
    """`SQLite3InstallationStore`'s file, or one with the same tables, as `SQLAlchemyInstallationStore` makes them."""

    def __init__(self, path: Path, client_id: str) -> None:
        self._path = path
        self._client_id = client_id
        self._queries = statements.load_folder("foreign")
        self._found: dict[SourcePlace, list[SourceRecord]] = {}

    def records(self) -> list[SourceRecord]:
        """Yields the rows of our client id."""
        with self._open_read_only() as connection:
            found = self._rows(connection)
        self._found = _by_place(found)
        return found

    def skipped(self) -> list[str]:
        """Rows of other apps."""
        with self._open_read_only() as connection:
            rows = connection.execute(self._queries["bolt_clients"].sql).fetchall()
        others = [row for row in rows if row["client_id"] != self._client_id]
        return [f"{row['found']} rows of the client id {_shown(str(row['client_id']))}: another app" for row in others]

    def check_erasable(self) -> None:
        """Takes the lock that a write needs, deletes nothing, and gives it back."""
        self._file_state()
        with self._open("mode=rw") as connection:
            connection.execute("BEGIN IMMEDIATE")  # which a file that must not be written does not mind
            nothing = {"client_id": None, "enterprise_id": None, "team_id": None}
            connection.execute(self._queries["erase_bolt_bots"].sql, nothing)
            connection.execute("ROLLBACK")

    def erase(self, places: Collection[SourcePlace]) -> set[SourcePlace]:
        """Deletes the rows, overwriting them, and rewrites the file without free pages and without a log beside it.

        The second happens even without any row to delete: an earlier call may have been killed before it.
        """
        with self._open("mode=rw") as connection:
            connection.execute("BEGIN IMMEDIATE")
            now = _by_place(self._rows(connection))
            unchanged = {place for place in places if now.get(place, []) == self._found.get(place)}
            for enterprise_id, team_id in unchanged:
                key = {"client_id": self._client_id, "enterprise_id": enterprise_id, "team_id": team_id}
                connection.execute(self._queries["erase_bolt_bots"].sql, key)
                connection.execute(self._queries["erase_bolt_installations"].sql, key)
            connection.execute("COMMIT")
            connection.execute("VACUUM")
            if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise StoreBusyError(f"{self._path}: somebody reads it, so that its log stays; stop the Bolt app first")
        return unchanged

    def _rows(self, connection: sqlite3.Connection) -> list[SourceRecord]:
        found = []
        for kind, name in ((SourceKind.BOT, "bolt_bots"), (SourceKind.INSTALLATION, "bolt_installations")):
            rows = connection.execute(self._queries[name].sql, {"client_id": self._client_id})
            columns = {column[0] for column in rows.description}
            must = _REQUIRED_COLUMNS | _USER_COLUMNS if kind == SourceKind.INSTALLATION else _REQUIRED_COLUMNS
            if must - columns:
                why = f"slack_{kind}s has no column {min(must - columns)}"
                raise CommandError(f"{self._path}: is not a database of Bolt's SQLite store ({why})")
            for row in rows:
                fields = {name: row[name] for name in columns & (must | _OPTIONAL_COLUMNS)}
                place = (fields["enterprise_id"] or "", fields["team_id"] or "")
                found.append(
                    SourceRecord(kind, place, f"slack_{kind}s, row {row['id']}", fields.pop("id"), fields=fields)
                )
        return found

    @contextmanager
    def _open_read_only(self) -> Iterator[sqlite3.Connection]:
        """A connection that leaves nothing behind.

        An ordinary one would make files beside a database with a log, and could not remove them again. Where the log is
        empty nobody writes, so that none is looked for; that nobody began to is seen afterwards.
        """
        log, index = (self._path.with_name(self._path.name + end) for end in ("-wal", "-shm"))
        before = self._file_state()
        is_quiet = before[-1] == _WAL_HEADER and not (log.exists() and log.stat().st_size)
        how = "&immutable=1" if is_quiet else "&readonly_shm=1" if index.exists() else ""
        with self._open(f"mode=ro{how}") as connection:
            yield connection
        if is_quiet and self._file_state() != before:
            raise StoreBusyError(f"{self._path}: was written to meanwhile; stop the Bolt app first")

    def _file_state(self) -> tuple[Any, ...]:
        """Reads what changes when somebody writes, and whether there can be a log."""
        try:
            found = self._path.stat()
            if not stat.S_ISREG(found.st_mode):
                raise CommandError(f"{self._path}: is not a file")
            with self._path.open("rb") as file:
                return found.st_ino, found.st_mtime_ns, found.st_size, file.read(20)[18:]
        except OSError as error:
            raise CommandError(f"{self._path}: {os.strerror(error.errno or 0)}") from None

    @contextmanager
    def _open(self, how: str) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?{how}", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
            )
            try:
                connection.row_factory = sqlite3.Row
                connection.text_factory = _decode
                connection.execute("PRAGMA trusted_schema = OFF")
                connection.execute("PRAGMA temp_store = MEMORY")  # what VACUUM moves is not written anywhere else
                connection.execute("PRAGMA secure_delete = ON")
                yield connection
            finally:
                connection.close()
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0)
            if code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise StoreBusyError(f"{self._path}: is locked; stop the Bolt app first") from None
            if code == sqlite3.SQLITE_READONLY_ROLLBACK:
                raise CommandError(f"{self._path}: a write was broken off; let the Bolt app open it once") from None
            if code & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
                raise CommandError(f"{self._path}: cannot be written, or nothing beside it") from None
            raise CommandError(f"{self._path}: is not a database of Bolt's SQLite store ({error})") from None


class BoltFileSource:
    """`FileInstallationStore`'s folder: its base folder, or the one of the client id inside it."""

    def __init__(self, folder: Path, client_id: str) -> None:
        inside = folder / client_id
        self._base = folder
        self._folder = inside if inside.is_dir() and not inside.is_symlink() else folder
        self._remarks: list[str] = []
        self._found: dict[SourcePlace, dict[str, bytes | None]] = {}

    def records(self) -> list[SourceRecord]:
        """Yields the newest file of each bot and user; older ones hold what was replaced."""
        self._remarks, self._found = [], {}
        found = []
        for place in self._places():
            files = self._files(place)
            self._found[place.name,] = files
            latest = {name: kind for name in files if (kind := _kind(name)) is not None}
            if not latest:
                self._remark(place, "there is no installation in it")
            found += [_record(place.name, name, kind, files[name]) for name, kind in latest.items()]
        return found

    def skipped(self) -> list[str]:
        """Lists entries that are not of Bolt's form."""
        return list(self._remarks)

    def check_erasable(self) -> None:
        """Checks nothing: what cannot be deleted is left, each folder for itself."""

    def erase(self, places: Collection[SourcePlace]) -> set[SourcePlace]:
        """Deletes the files that Bolt made, and the folder if nothing else is in it.

        The newest ones go last, so that a later call finds what this one did not come to. What is deleted may lie on
        the disk still: only the machine's owner can overwrite that.
        """
        erased = set()
        for place in places:
            folder = self._folder / place[0]
            files = self._files(folder)
            if files != self._found.get(place):
                continue
            try:
                for name in sorted(files, key=lambda name: _kind(name) is not None):
                    (folder / name).unlink()
                if not any(folder.iterdir()):
                    folder.rmdir()
                erased.add(place)
            except OSError:
                continue
        return erased

    def _places(self) -> list[Path]:
        entries = self._entries(self._folder)
        if self._base != self._folder:
            entries += [entry for entry in self._entries(self._base) if entry != self._folder]
        places = []
        for entry in entries:
            if entry.parent == self._folder and "-" in entry.name and entry.is_dir() and not entry.is_symlink():
                places.append(entry)
            else:
                self._remark(entry, "is not the folder of a workspace of this app")
        return places

    def _files(self, place: Path) -> dict[str, bytes | None]:
        """Lists what Bolt made there, with the newest ones' content; None for what it cannot have written."""
        try:
            names = sorted(entry.name for entry in place.iterdir())
        except OSError as error:
            self._remark(place, os.strerror(error.errno or 0))
            return {}
        ours = [name for name in names if name.startswith(("bot-", "installer-"))]
        return {name: _content(place / name) if _kind(name) is not None else b"" for name in ours}

    def _entries(self, folder: Path) -> list[Path]:
        try:
            return sorted(folder.iterdir())
        except OSError as error:
            raise CommandError(f"{folder}: cannot be read ({os.strerror(error.errno or 0)})") from None

    def _remark(self, entry: Path, why: str) -> None:
        self._remarks.append(f"{_shown(entry.name)}: {why}")


class SingleTokenSource:
    """A token that stood in a variable of the environment, and what Slack says about it."""

    def __init__(self, record: SourceRecord) -> None:
        self._record = record

    def records(self) -> list[SourceRecord]:
        """Yields that one record."""
        return [self._record]

    def skipped(self) -> list[str]:
        """Skips nothing."""
        return []

    def check_erasable(self) -> None:
        """Checks nothing."""

    def erase(self, places: Collection[SourcePlace]) -> set[SourcePlace]:
        """Erases nothing: the environment is not ours to change."""
        return set()


def _kind(name: str) -> SourceKind | None:
    """Tells what the newest file of a bot or a user holds; None for any other."""
    if name == "bot-latest":
        return SourceKind.BOT
    return SourceKind.INSTALLATION if name.endswith("-latest") else None


def _record(place: str, name: str, kind: SourceKind, content: bytes | None) -> SourceRecord:
    # `installer-latest` is written only while history is on: it may be older than the user's own file.
    order = int(name != "installer-latest")
    where = _shown(f"{place}/{name}")
    try:
        fields = json.loads(content) if content is not None else None
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        return SourceRecord(kind, (place,), where, order, fields={}, error="it is not a file that Bolt wrote")
    return SourceRecord(kind, (place,), where, order, fields=fields)


def _content(file: Path) -> bytes | None:
    """A regular file's; None for anything else, and for one that is too large."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as opened:
            content = opened.read(_FILE_LIMIT + 1)
    finally:
        os.close(descriptor)
    return content if len(content) <= _FILE_LIMIT else None


def _by_place(records: list[SourceRecord]) -> dict[SourcePlace, list[SourceRecord]]:
    found: dict[SourcePlace, list[SourceRecord]] = defaultdict(list)
    for record in records:
        found[record.place].append(record)
    return dict(found)


def _decode(text: bytes) -> str:
    """Text that is none must not end the reading: whoever checks the field refuses it."""
    return text.decode("utf-8", "replace")


def _shown(name: str) -> str:
    """A name that somebody else chose, fit for a terminal."""
    return ascii(name)[1:-1]
