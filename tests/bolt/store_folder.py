"""What the tests of Bolt's stores share: entities, stores on one folder, and slack_sdk's own stores beside them."""

import contextlib
import sqlite3
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.oauth.installation_store import Bot, FileInstallationStore, Installation
from slack_sdk.oauth.installation_store.cacheable_installation_store import CacheableInstallationStore
from slack_sdk.oauth.installation_store.sqlite3 import SQLite3InstallationStore
from slack_sdk.oauth.state_store.sqlite3 import SQLite3OAuthStateStore

from slackapp.bolt import EncryptedInstallationStore, SignedStateStore
from slackapp.crypto import keyfile
from tests.support.world import APP_ID, START

CLIENT_ID, CLIENT_SECRET = "1000000001.2000000002", "a-client-secret-for-tests"
TEAM, ORG = "T111", "EO111"
NOBODY = "http://127.0.0.1:9"
"""An address where no Slack is."""


@dataclass(frozen=True)
class Folder:
    """A database's folder, looked into past all of our own code."""

    path: Path

    def __post_init__(self) -> None:
        if not self.key_file.exists():
            keyfile.write_private(self.key_file, keyfile.format_master_key(1, bytes(range(32))))

    @property
    def database(self) -> Path:
        return self.path / "slackapp.db"

    @property
    def key_file(self) -> Path:
        return self.path / "master.key"

    def rows(self, sql: str, *parameters: Any, **named: Any) -> list[Any]:
        with self._looking() as connection:
            return connection.execute(sql, named or parameters).fetchall()

    @contextlib.contextmanager
    def _looking(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            connection.row_factory = sqlite3.Row
            yield connection

    def change(self, sql: str, *parameters: Any) -> int:
        with contextlib.closing(sqlite3.connect(self.database)) as connection, connection:
            return connection.execute(sql, parameters).rowcount

    def snapshot(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table, the audit among them."""
        with self._looking() as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            return {table: list(map(tuple, connection.execute(f"SELECT * FROM {table}"))) for table in tables}

    def count(self) -> dict[str, int]:
        """Rows per table that is not the audit's, the inbox's or about the whole."""
        return {table: len(found) for table, found in self.snapshot().items() if table in _GROWING}

    def events(self) -> list[str]:
        return [row["event"] for row in self.rows("SELECT event FROM audit ORDER BY id")]

    def bytes(self) -> bytes:
        """The database file, its log and its index, as they lie there. Nobody may use them meanwhile."""
        return b"".join(file.read_bytes() for file in sorted(self.path.glob("slackapp.db*")))

    @contextlib.contextmanager
    def locked(self, database: Path | None = None, how: str = "IMMEDIATE") -> Iterator[None]:
        """Somebody else writes, and does not come to an end."""
        with contextlib.closing(sqlite3.connect(database or self.database, isolation_level=None)) as connection:
            connection.execute(f"BEGIN {how}")
            yield
            connection.execute("ROLLBACK")


_GROWING = ("installations", "installers", "tokens", "data_keys", "oauth_states")


@dataclass
class Stores:
    """Makes stores on one database."""

    folder: Folder
    made: list[Any] = field(default_factory=list)

    def installations(self, **given: Any) -> EncryptedInstallationStore:
        """`managed_rotation` is given, or True; nothing else has to be."""
        defaults = {
            "database": self.folder.database,
            "master_key_file": self.folder.key_file,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "app_id": APP_ID,
            "slack_url": NOBODY,
        }
        self.made.append(EncryptedInstallationStore(**{**defaults, **given}))
        return self.made[-1]

    def states(self, **given: Any) -> SignedStateStore:
        files = {"database": self.folder.database, "master_key_file": self.folder.key_file}
        self.made.append(SignedStateStore(**{**files, "client_id": CLIENT_ID, **given}))
        return self.made[-1]

    def close(self) -> None:
        for store in self.made:
            store.close()


class Caller:
    """A store through its methods for asyncio, by the names of the others."""

    def __init__(self, store: Any, run: Callable[[Any], Any]) -> None:
        self._store = store
        self._run = run
        self._managed = store._managed

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._store, f"async_{name}")
        return lambda *given, **named: self._run(method(*given, **named))


def equip(store: Any, **parts: Any) -> None:
    """Other parts for what the store has open, such as its way of waiting."""
    with store._vault.opened() as (app, _):
        store._vault._opened._app = replace(app, **parts)


# Entities

LIFE = 43_200
ROTATING = {"bot_refresh_token": "xoxe-b1", "bot_token_expires_at": START + LIFE}
USERS = {"user_token": "xoxp-111", "user_scopes": ["users:read"]}
HOOK = {
    "incoming_webhook_url": "https://hooks.slack.com/services/T111/B111/x",
    "incoming_webhook_channel": "#general",
    "incoming_webhook_channel_id": "C111",
    "incoming_webhook_configuration_url": "https://example.slack.com/services/B111",
}
EVERYTHING = {
    **HOOK,
    **ROTATING,
    **USERS,
    "enterprise_name": "An Org",
    "enterprise_url": "https://org.example.com/",
    "team_name": "A Team",
    "bot_scopes": ["app_mentions:read", "chat:write"],
    "user_refresh_token": "xoxe-u1",
    "user_token_expires_at": START + LIFE + 5,
    "token_type": "bot",
    "installed_at": START - 0.25,
    "custom_values": {"plan": "gold", "seats": 12, "deep": {"list": [1, None, True, "é"]}},
}
"""All that an install can bring."""


def an_installation(**changes: Any) -> Installation:
    """One that a user made with a bot; no two in the same second unless `installed_at` says so."""
    fields = {
        "app_id": APP_ID,
        "enterprise_id": "E111",
        "team_id": TEAM,
        "user_id": "U111",
        "bot_token": "xoxb-111",
        "bot_id": "B111",
        "bot_user_id": "UB111",
        "bot_scopes": ["chat:write"],
        "installed_at": float(START - 60),
        **changes,
    }
    return Installation(**fields)


def for_an_enterprise(**changes: Any) -> Installation:
    """One for a whole enterprise."""
    return an_installation(
        **{"enterprise_id": ORG, "team_id": None, "is_enterprise_install": True, "bot_token": "xoxb-O111", **changes}
    )


def by_a_user(**changes: Any) -> Installation:
    """One of a user's token alone."""
    bot = {"bot_token": None, "bot_id": None, "bot_user_id": None, "bot_scopes": None}
    return an_installation(**{**bot, "user_token": "xoxp-111", "user_scopes": ["users:read"], **changes})


def a_bot(**changes: Any) -> Bot:
    """A bot alone."""
    return an_installation(**changes).to_bot()


def rotated(found: Any, **changes: Any) -> Any:
    """What Bolt saves after a refresh: a copy of what it had found, with other tokens in it."""
    copy = type(found)(**found.to_dict_for_copying())
    for name, value in changes.items():
        setattr(copy, name, value)
    return copy


def here(**changes: Any) -> dict[str, Any]:
    """The ids of the workspace that most tests install into."""
    return {"enterprise_id": "E111", "team_id": TEAM, **changes}


# slack_sdk's own stores


@contextlib.contextmanager
def kept_open(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """They never close a connection; here all are closed at the end."""
    opened: list[sqlite3.Connection] = []
    timeout = [0.0]

    def connect(database: str) -> sqlite3.Connection:
        opened.append(sqlite3.connect(database, timeout=timeout[0], check_same_thread=False))
        return opened[-1]

    library = types.SimpleNamespace(connect=connect)
    for module in ("installation_store", "state_store"):
        monkeypatch.setattr(f"slack_sdk.oauth.{module}.sqlite3.sqlite3", library)

    def make(folder: Folder, kind: str, wait: float, **given: Any) -> Any:
        timeout[0] = wait
        return _MAKERS[kind](str(folder.path / "builtin"), **given)

    yield make
    for connection in opened:
        connection.close()


_MAKERS: dict[str, Callable[..., Any]] = {
    "sqlite": lambda place: SQLite3InstallationStore(database=f"{place}.db", client_id=CLIENT_ID),
    "file": lambda place: FileInstallationStore(base_dir=place, client_id=CLIENT_ID),
    "cached": lambda place: CacheableInstallationStore(FileInstallationStore(base_dir=place, client_id=CLIENT_ID)),
    "states": lambda place: SQLite3OAuthStateStore(database=f"{place}.states.db", expiration_seconds=600),
}


def builtin_rows(folder: Folder, sql: str, file: str = "builtin.db") -> list[Any]:
    """Rows of a database of theirs; what changes something is committed."""
    with contextlib.closing(sqlite3.connect(folder.path / file)) as connection, connection:
        return connection.execute(sql).fetchall()
