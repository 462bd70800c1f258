"""What a Bolt app leaves behind: files written by slack_sdk's own stores, unmodified.

SQLAlchemy is not among what tests need; the file that its store makes is written by hand here.
"""

import functools
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from slack_sdk.oauth.installation_store import (
    Bot,
    FileInstallationStore,
    Installation,
    InstallationStore,
)
from slack_sdk.oauth.installation_store import sqlite3 as sdk
from slack_sdk.oauth.installation_store.sqlite3 import SQLite3InstallationStore

from slackapp.importer.sources import BoltFileSource, BoltSqliteSource, Source
from slackapp.localslack import LocalSlack
from slackapp.localslack.api import tokens
from slackapp.localslack.model import AppInstall, SlackToken
from tests.support.world import APP_ID

CLIENT_ID = "1000000001.2000000002"
ALCHEMY = """
CREATE TABLE slack_bots (
    id INTEGER NOT NULL, client_id VARCHAR(32) NOT NULL, app_id VARCHAR(32) NOT NULL, enterprise_id VARCHAR(32),
    enterprise_name VARCHAR(200), team_id VARCHAR(32), team_name VARCHAR(200), bot_token VARCHAR(200),
    bot_id VARCHAR(32), bot_user_id VARCHAR(32), bot_scopes VARCHAR(1000), bot_refresh_token VARCHAR(200),
    bot_token_expires_at DATETIME, is_enterprise_install BOOLEAN NOT NULL, installed_at DATETIME NOT NULL,
    PRIMARY KEY (id));
CREATE TABLE slack_installations (
    id INTEGER NOT NULL, client_id VARCHAR(32) NOT NULL, app_id VARCHAR(32) NOT NULL, enterprise_id VARCHAR(32),
    enterprise_name VARCHAR(200), enterprise_url VARCHAR(200), team_id VARCHAR(32), team_name VARCHAR(200),
    bot_token VARCHAR(200), bot_id VARCHAR(32), bot_user_id VARCHAR(32), bot_scopes VARCHAR(1000),
    bot_refresh_token VARCHAR(200), bot_token_expires_at DATETIME, user_id VARCHAR(32) NOT NULL,
    user_token VARCHAR(200), user_scopes VARCHAR(1000), user_refresh_token VARCHAR(200), user_token_expires_at DATETIME,
    incoming_webhook_url VARCHAR(200), incoming_webhook_channel VARCHAR(200), incoming_webhook_channel_id VARCHAR(200),
    incoming_webhook_configuration_url VARCHAR(200), is_enterprise_install BOOLEAN NOT NULL, token_type VARCHAR(32),
    installed_at DATETIME NOT NULL,
    PRIMARY KEY (id));
"""


class Closing(sqlite3.Connection):
    """Closes at the end of `with`, which slack_sdk leaves to the collector."""

    def __exit__(self, *error: Any) -> Any:
        ended = super().__exit__(*error)
        self.close()
        return ended


@contextmanager
def tidy() -> Iterator[None]:
    """While slack_sdk's SQLite store is at work."""
    with pytest.MonkeyPatch.context() as patch:
        connect = functools.partial(sqlite3.connect, factory=Closing)
        patch.setattr(sdk, "sqlite3", SimpleNamespace(connect=connect))
        yield


ROTATION = ("bot_refresh_token", "bot_token_expires_at", "user_refresh_token", "user_token_expires_at")
NAMES = ("enterprise_name", "enterprise_url", "team_name", "is_enterprise_install", "token_type")
ADDED = {"3.7": ROTATION, "3.0": (*ROTATION, *NAMES, "incoming_webhook_channel")}
"""By release of slack_sdk: what only later ones save."""


class BoltStore:
    """One of the stores, and how it is named on our command line."""

    option = ""
    builtin: InstallationStore | None = None

    def __init__(self, path: Path, client_id: str = CLIENT_ID) -> None:
        self.path, self.client_id = path, client_id

    @property
    def arguments(self) -> tuple[str, str]:
        """For `slackapp import`."""
        return self.option, str(self.path)

    def source(self) -> Source:
        """As our flow takes it."""
        raise NotImplementedError

    def save(self, installation: Installation) -> None:
        """What a Bolt app saves after an install, at the time that it says."""
        raise NotImplementedError

    def save_bot(self, bot: Bot) -> None:
        """What it saves after the bot alone was refreshed."""
        raise NotImplementedError

    def age(self, release: str) -> None:
        """Makes what is there what that release of slack_sdk would have made."""
        raise NotImplementedError

    def files(self) -> dict[str, str]:
        """Every file there, and its content's digest."""
        top = self.path if self.path.is_dir() else self.path.parent
        found = [file for file in sorted(top.rglob("*")) if file.is_file()]
        return {str(file.relative_to(top)): hashlib.sha256(file.read_bytes()).hexdigest() for file in found}

    def bytes(self) -> bytes:
        """All that lies there."""
        top = self.path if self.path.is_dir() else self.path.parent
        return b"".join(file.read_bytes() for file in sorted(top.rglob("*")) if file.is_file())


class Sqlite(BoltStore):
    """`SQLite3InstallationStore`."""

    option = "--bolt-sqlite"

    def __init__(self, path: Path, client_id: str = CLIENT_ID) -> None:
        path.parent.mkdir(exist_ok=True)
        super().__init__(path, client_id)
        self.builtin = SQLite3InstallationStore(database=str(path), client_id=client_id)
        with tidy():
            self.builtin.connect().close()

    def source(self) -> BoltSqliteSource:
        return BoltSqliteSource(self.path, CLIENT_ID)

    def save(self, installation: Installation) -> None:
        with self._at(installation.installed_at), tidy():
            self.builtin.save(installation)

    def save_bot(self, bot: Bot) -> None:
        with self._at(bot.installed_at), tidy():
            self.builtin.save_bot(bot)

    def age(self, release: str) -> None:
        for table in ("slack_installations", "slack_bots"):
            known = {row[1] for row in self.rows(f"PRAGMA table_info({table})")}
            for name in known.intersection(ADDED[release]):
                self.change(f"ALTER TABLE {table} DROP COLUMN {name}")

    @contextmanager
    def _at(self, when: float) -> Iterator[None]:
        """The store takes the time of the save for that of the install; here that is the one that was given."""
        tables = ("slack_installations", "slack_bots")
        last = {table: self.rows(f"SELECT coalesce(max(id), 0) FROM {table}")[0][0] for table in tables}
        yield
        text = datetime.fromtimestamp(int(when), tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
        for table in tables:
            self.change(f"UPDATE {table} SET installed_at = ? WHERE id > ?", text, last[table])

    def rows(self, sql: str, *parameters: Any) -> list[Any]:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(sql, parameters).fetchall()

    def change(self, sql: str, *parameters: Any) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(sql, parameters)


class Alchemy(Sqlite):
    """`SQLAlchemyInstallationStore` on SQLite: no ids are NULL, times are text, the time of the install is kept."""

    def __init__(self, path: Path, client_id: str = CLIENT_ID) -> None:
        path.parent.mkdir(exist_ok=True)
        BoltStore.__init__(self, path, client_id)
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(ALCHEMY)

    def save(self, installation: Installation) -> None:
        self._put("slack_installations", installation)
        self.save_bot(installation.to_bot())

    def save_bot(self, bot: Bot) -> None:
        self._put("slack_bots", bot)

    def _put(self, table: str, entity: Installation | Bot) -> None:
        columns = [row[1] for row in self.rows(f"PRAGMA table_info({table})")]
        given = {**entity.to_dict(), "client_id": self.client_id}
        values = {name: self._value(given[name]) for name in columns if name in given}
        same = "client_id = ? AND enterprise_id IS ? AND team_id IS ? AND installed_at = ?"
        key = [values[name] for name in ("client_id", "enterprise_id", "team_id", "installed_at")]
        if self.rows(f"SELECT 1 FROM {table} WHERE {same}", *key):
            names = ", ".join(f"{name} = ?" for name in values)
            self.change(f"UPDATE {table} SET {names} WHERE {same}", *values.values(), *key)
        else:
            holes = ", ".join("?" * len(values))
            self.change(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({holes})", *values.values())

    @staticmethod
    def _value(value: Any) -> Any:
        return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


class Files(BoltStore):
    """`FileInstallationStore`, with history."""

    option = "--bolt-files"
    history = True

    def __init__(self, path: Path, client_id: str = CLIENT_ID) -> None:
        super().__init__(path, client_id)
        path.mkdir(exist_ok=True)
        self.builtin = FileInstallationStore(
            base_dir=str(path), historical_data_enabled=self.history, client_id=client_id or None
        )
        Path(self.builtin.base_dir).mkdir(exist_ok=True)

    @property
    def folder(self) -> Path:
        """Where the folders of the workspaces lie."""
        assert isinstance(self.builtin, FileInstallationStore)
        return Path(self.builtin.base_dir)

    def source(self) -> BoltFileSource:
        return BoltFileSource(self.path, CLIENT_ID)

    def save(self, installation: Installation) -> None:
        assert self.builtin is not None
        self.builtin.save(installation)

    def save_bot(self, bot: Bot) -> None:
        assert self.builtin is not None
        self.builtin.save_bot(bot)

    def age(self, release: str) -> None:
        later = {*ADDED[release], "custom_values"}
        for file in self.folder.glob("*/*"):
            fields = json.loads(file.read_text())
            file.write_text(json.dumps({name: value for name, value in fields.items() if name not in later}))


class FilesWithoutHistory(Files):
    """The same, which keeps only what is newest."""

    history = False


KINDS: dict[str, type[BoltStore]] = {
    "sqlite": Sqlite,
    "alchemy": Alchemy,
    "files": Files,
    "files without history": FilesWithoutHistory,
}


def made(kind: str, folder: Path) -> Any:
    """An empty store of that kind in a folder of its own."""
    place = folder / "source"
    place.mkdir()
    return KINDS[kind](place if issubclass(KINDS[kind], Files) else place / "installations.db")


# What Slack gave


def granted(slack: LocalSlack, kind: str, tenant: str, user_id: str, which: int = -1) -> dict[str, Any]:
    """The newest token of a bot or a user, by the names of Bolt's fields; nothing where there is none."""
    found = [token for token in slack.tokens_of[tenant] if (token.kind, token.user_id) == (kind, user_id)]
    if not found:
        return {}
    install = slack.state.installs[tenant]
    return {
        f"{kind}_token": found[which].value,
        f"{kind}_scopes": tokens.scopes_of(install, found[which]),
        **(_rotating(slack, kind, found[which], which) if found[which].expires_at else {}),
    }


def _rotating(slack: LocalSlack, kind: str, token: SlackToken, which: int) -> dict[str, Any]:
    whose = (token.kind, token.tenant, token.user_id)
    refreshes = [
        known for known in slack.state.refreshes.values() if (known.kind, known.tenant, known.user_id) == whose
    ]
    return {f"{kind}_refresh_token": refreshes[which].value, f"{kind}_token_expires_at": int(token.expires_at)}


def install_of(slack: LocalSlack, tenant: str) -> AppInstall:
    """The app in one tenant."""
    return slack.state.installs[tenant]


def bolts(slack: LocalSlack, tenant: str, user_id: str = "", at: float = 0.0, **changes: Any) -> Installation:
    """What a Bolt app saves that has just installed with these tokens: of the bot, and of this user.

    `changes` replaces fields; None takes one away.
    """
    install, enterprises = install_of(slack, tenant), slack.enterprises
    user_id = user_id or install.installer
    fields: dict[str, Any] = {
        "app_id": APP_ID,
        "enterprise_id": install.enterprise_id or None,
        "enterprise_name": enterprises[install.enterprise_id].name if install.enterprise_id else None,
        "team_id": install.team_id or None,
        "team_name": slack.workspaces[tenant].name if install.team_id else None,
        "is_enterprise_install": install.is_enterprise_install,
        "bot_id": install.bot_id,
        "bot_user_id": install.bot_user_id,
        "user_id": user_id,
        "token_type": "bot",
        "installed_at": float(at),
        **granted(slack, "bot", tenant, install.bot_user_id),
        **granted(slack, "user", tenant, user_id),
        **changes,
    }
    return Installation(**fields)


def changed(saved: Any, **changes: Any) -> Any:
    """The same installation, or bot, with other fields."""
    when = float(changes.get("installed_at", saved.installed_at))
    return type(saved)(**(vars(saved) | changes | {"installed_at": when}))


def without(kind: str) -> dict[str, Any]:
    """Changes that take a token away."""
    none = dict.fromkeys([f"{kind}_token", f"{kind}_refresh_token", f"{kind}_token_expires_at"])
    return {**none, f"{kind}_scopes": "", **(dict.fromkeys(["bot_id", "bot_user_id"]) if kind == "bot" else {})}


def refresh_at_the_source(slack: LocalSlack, kind: str, claimed: str) -> dict[str, Any]:
    """The Bolt app refreshes a pair; the new one by the names of Bolt's fields."""
    with slack.lock:
        used = tokens.use_refresh(slack, claimed)
    assert used is not None
    return {
        f"{kind}_token": used[1]["access_token"],
        f"{kind}_refresh_token": used[1]["refresh_token"],
        f"{kind}_token_expires_at": int(slack.clock()) + used[1]["expires_in"],
    }
