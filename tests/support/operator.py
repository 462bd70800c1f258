"""An operator at a shell beside a world: commands run in this process, on the world's files and with its clock."""

import contextlib
import functools
import hashlib
import io
import os
import sqlite3
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from slackapp.cli.main import main, parser
from slackapp.crypto import records
from slackapp.flows.keys import rotate_keys
from slackapp.model import Actor, ActorKind, Tenant
from slackapp.store import installations, tokens
from tests.support.command import with_yes
from tests.support.prepared_world import Left, going_on, left_by, memory_folder
from tests.support.world import NORTH, ORG, ORG_TEAM, SOUTH, START, World, environment, make_world, new_service

SCOPES = "app_mentions:read,chat:write,incoming-webhook"
ACTOR = Actor(ActorKind.OPERATOR, "r1")
_parser = functools.cache(parser)
"""Made once for each command: to make it takes as long as many a command."""
SEALED = (
    ("tokens", "access"), ("tokens", "refresh"), ("inbox", "body"), ("installations", "webhook"),
    ("installers", "details"), ("installers", "webhook"),
)  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    error: str


@dataclass
class CommandLine:
    """A world with a key backup, and a shell for it."""

    world: World
    patch: pytest.MonkeyPatch

    @property
    def folder(self) -> Path:
        return self.world.folder

    @property
    def slot(self) -> Path:
        """The key backup."""
        return self.folder / "key-backup" / "slackapp-keys.json"

    def run(self, *arguments: str) -> Ended:
        """`slackapp …`, by somebody who is sure."""
        return self.run_as_typed(*with_yes(arguments))

    def run_as_typed(self, *arguments: str) -> Ended:
        """`slackapp …`, with nobody there to answer."""
        out, error = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            try:
                status = main(list(arguments))
            except SystemExit as ended:
                status = int(ended.code or 0)
            except Exception:  # noqa: BLE001  (as the interpreter would end)
                traceback.print_exc()
                status = 1
        return Ended(status, out.getvalue(), error.getvalue())

    def good(self, *arguments: str) -> str:
        """The same for a command that must succeed; what it printed."""
        ended = self.run(*arguments)
        assert (ended.status, ended.error.replace("\r", "\n")) in [(0, ""), (0, progress_of(ended.error))], ended
        return ended.out

    def restore(self, *arguments: str) -> Ended:
        """`slackapp restore …` while nobody uses the database; the service comes up again afterwards."""
        self.world.service.stop()
        ended = self.run("restore", *arguments)
        self.world.restart()
        return ended

    def change(self, sql: str, *parameters: Any) -> int:
        """Writes to the database past all of our own code; the number of rows."""
        with contextlib.closing(sqlite3.connect(self.world.settings.database)) as connection, connection:
            return connection.execute(sql, parameters).rowcount

    def masters(self) -> set[tuple[str, int]]:
        """The providers and versions that data keys hang on."""
        return {(row[0], row[1]) for row in self.world.rows("SELECT provider, master_version FROM data_keys")}

    def key_ids(self, tenant_id: str) -> set[int]:
        return {row[0] for row in self.world.rows("SELECT key_id FROM data_keys WHERE tenant_id = ?", tenant_id)}

    def blobs(self, tenant_id: str) -> set[bytes]:
        """Every sealed value and every wrapped key of a tenant."""
        found = {blob for (blob,) in self.world.rows("SELECT wrapped FROM data_keys WHERE tenant_id = ?", tenant_id)}
        for table, column in SEALED:
            sql = f"SELECT {column} FROM {table} WHERE tenant_id = ? AND {column} IS NOT NULL"
            found |= {blob for (blob,) in self.world.rows(sql, tenant_id)}
        return found

    def answers(self, tenant_id: str, event_id: str) -> bool:
        """Whether a mention there is kept, run, and answered at Slack."""
        self.world.slack.called.clear()
        kept = self.world.mention(event_id, team_id=tenant_id).status == 200
        self.world.work()
        return kept and [(call.team, call.ok) for call in self.world.slack.calls] == [(tenant_id, True)]


def from_team(tenant_id: str) -> dict[str, str]:
    """What the envelope of an event names, for a workspace or for an org."""
    return {"team_id": ORG_TEAM, "enterprise_id": tenant_id} if tenant_id == ORG else {"team_id": tenant_id}


def progress_of(error: str) -> str:
    """What a command printed to stderr, as long as it is nothing but its progress."""
    lines = [line for line in error.replace("\r", "\n").splitlines() if line]
    return error.replace("\r", "\n") if all(line.replace(" of ", "").isdigit() for line in lines) else "no progress"


@contextlib.contextmanager
def open_shell(
    folder: Path, tenants: tuple[str, ...] = (NORTH, SOUTH), now: int = START, **changes: str
) -> Iterator[CommandLine]:
    """Every kind of record, for each of the tenants: both pairs of tokens, a webhook, an event that waits."""
    given = _settings(folder, changes)
    begun = make_world(folder, **given) if changes else going_on(_left(tenants, now), folder, **given)
    with _shell_beside(begun, folder, given) as shell:
        if changes:
            _install(shell.world, tenants, now)
        yield shell


@contextlib.contextmanager
def open_on(left: Left, folder: Path) -> Iterator[CommandLine]:
    """A shell beside a service that starts on what another one left."""
    given = _settings(folder, {})
    with _shell_beside(going_on(left, folder, **given), folder, given) as shell:
        yield shell


@contextlib.contextmanager
def _shell_beside(
    begun: contextlib.AbstractContextManager[World], folder: Path, given: Mapping[str, str]
) -> Iterator[CommandLine]:
    with pytest.MonkeyPatch.context() as patch, begun as world:
        for name in [name for name in os.environ if name.startswith(("SLACK_", "SLACKAPP_"))]:
            patch.delenv(name)
        for name, value in environment(folder, world.slack_url, **given).items():
            patch.setenv(name, value)
        patch.setattr("slackapp.cli.main.parser", _parser)
        patch.chdir(folder)
        patch.setattr("slackapp.cli.service.session.system_clock", world.clock)
        yield CommandLine(world, patch)


@functools.cache
def _left(tenants: tuple[str, ...], now: int) -> Left:
    with memory_folder() as folder:
        new_service(folder)
        with make_world(folder, **_settings(folder, {})) as world:
            _install(world, tenants, now)
            return left_by(world)


def _settings(folder: Path, changes: Mapping[str, str]) -> dict[str, str]:
    slot = folder / "key-backup"
    slot.mkdir(mode=0o700)
    scopes = {"SLACKAPP_USER_SCOPES": "users:read", "SLACKAPP_BOT_SCOPES": SCOPES}
    return {"SLACKAPP_KEY_BACKUP_DIR": str(slot), **scopes, **changes}


def _install(world: World, tenants: tuple[str, ...], now: int) -> None:
    world.clock.now = now
    for tenant in tenants:
        assert world.browser().install(tenant).status == 303
    world.work()
    for number, tenant in enumerate(tenants):
        assert world.mention(f"EvWaits{number}", **from_team(tenant)).status == 200
    world.slack.called.clear()


class KilledError(BaseException):
    """The process ends here."""


def kill(*arguments: object, **named: object) -> None:
    """Stands in the place of a statement at which the process is killed."""
    raise KilledError


def kill_at(patch: pytest.MonkeyPatch, target: str, act: Callable[[], object]) -> None:
    """Does something that is killed when it comes to `target`."""
    with patch.context() as killing:
        killing.setattr(target, kill)
        with pytest.raises(KilledError):
            act()


def files_of(folder: Path) -> dict[str, str]:
    """Every file below a folder and the digest of its content; -shm is an index of SQLite's and changes by reading."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not file.name.endswith("-shm")
    }


def opens_everything(world: World) -> bool:
    """Whether a process that has nothing in memory opens every token of every tenant."""
    world.restart()
    app = world.service.app
    for installation in installations.list_all(app.db):
        for token in tokens.list_by_tenant(app.db, installation.tenant):
            assert token.refresh is not None
            place = (installation.tenant, token.holder, token.generation)
            if not app.keyring.open(records.access_token_context(*place), token.access).startswith(b"xoxe.xox"):
                return False
            app.keyring.open(records.refresh_token_context(*place), token.refresh)
    return rotate_keys.broken_keys(app) == []


def tenant(tenant_id: str) -> Tenant:
    return Tenant(tenant_id[0], tenant_id)
