"""What must hold whenever and wherever a process was killed."""

import contextlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from slackapp.crypto import records
from slackapp.flows.audit import verify_audit
from slackapp.flows.backup import backup_database
from slackapp.flows.keys import rotate_keys
from slackapp.flows.removal import purge_tenant
from slackapp.localslack.api.tokens import problem_of
from slackapp.localslack.model import SlackRefreshToken as RefreshAtSlack
from slackapp.localslack.model import SlackToken as AccessAtSlack
from slackapp.model import SCHEDULER, Token
from slackapp.store import installations, tokens
from slackapp.vault.keyring import PURPOSES, SERVICE_PURPOSES
from tests.support.world import World

HALF_INSTALLS = """
    SELECT i.tenant_id FROM installations AS i
     WHERE (SELECT count(*) FROM tokens AS t WHERE t.tenant_id = i.tenant_id AND t.holder_kind <> 'connection')
           <> 2
        OR (SELECT count(*) FROM data_keys AS k WHERE k.tenant_id = i.tenant_id AND k.state = 'active'
           AND k.connection_id = '') <> 4
        OR (SELECT count(*) FROM installers AS p WHERE p.tenant_id = i.tenant_id AND p.holder_kind = 'user') <> 1
        OR (SELECT count(*) FROM installers AS p WHERE p.tenant_id = i.tenant_id AND p.webhook IS NOT NULL)
           + (i.webhook IS NOT NULL) <> (i.tenant_kind = 'T')"""
STRAYS = """
    SELECT tenant_id FROM {table}
     WHERE tenant_id <> '' AND NOT EXISTS (
           SELECT 1 FROM installations AS i WHERE i.tenant_id = {table}.tenant_id
     ) {more}"""

_LEFT_BODIES = """AND body IS NOT NULL AND NOT EXISTS (
           SELECT 1 FROM inbox AS p
            WHERE p.tenant_id = inbox.tenant_id AND p.type = 'slackapp.purge' AND p.state <> 'done')"""


def violations(world: World, in_parts: bool = False) -> list[str]:
    """What does not hold, in words; empty when all does. Every install here has two tokens and one installer.

    Connections have theirs besides. Bodies may be left while a purge says that it is not complete. With `in_parts`, a
    tenant may be there in part.
    """
    app = world.service.app
    found = [] if in_parts else [f"{row[0]}: half an install" for row in world.rows(HALF_INSTALLS)]
    for table, more in (("tokens", ""), ("installers", ""), ("data_keys", ""), ("inbox", _LEFT_BODIES)):
        strays = world.rows(STRAYS.format(table=table, more=more))
        found += [f"{row[0]}: {table} without an installation" for row in strays]
    own = world.rows("SELECT purpose FROM data_keys WHERE tenant_id = '' ORDER BY purpose")
    if sorted(row[0] for row in own) != sorted(SERVICE_PURPOSES):
        found.append("the service's own keys are not one of each")
    found += [f"{row[0]}: no key" for row in _without_purpose(world)]
    found += [f"data key {key_id} does not unwrap" for key_id in rotate_keys.broken_keys(app)]
    found += backup_database.list_unreadable(app, backup_database.open_tenants(app, app, "test", SCHEDULER))
    found += verify_audit.run(app, None)[1]
    if not app.db.is_sound(thorough=True):
        found.append("the database is not whole")
    for file in (world.settings.database, world.settings.master_key_file):
        if file.stat().st_mode & 0o077:
            found.append(f"others can read {file.name}")
    return found


def _without_purpose(world: World) -> list[tuple[str]]:
    active = "state = 'active' AND connection_id = ''"
    rows = world.rows(f"SELECT tenant_id, purpose FROM data_keys WHERE tenant_id <> '' AND {active}")
    kept: dict[str, set[str]] = {}
    for row in rows:
        kept.setdefault(row["tenant_id"], set()).add(row["purpose"])
    return [(f"{tenant} {set(PURPOSES) - purposes}",) for tenant, purposes in kept.items() if purposes != set(PURPOSES)]


def secrets_in(folder: Path, secrets: Iterable[str], source: str = "") -> list[str]:
    """Files in which a token, code, refresh token or webhook of Slack's lies in clear, but another app's file."""
    paths = [file for file in folder.rglob("*") if file.is_file() and not (source and file.name.startswith(source))]
    files = {file: file.read_bytes() for file in paths}
    needles = [secret.encode() for secret in secrets]
    return [
        f"{file.name}: {needle[:12]!r}" for file, content in files.items() for needle in needles if needle in content
    ]


@dataclass(frozen=True)
class Pair:
    """A token as it is stored, and what Slack knows of its two halves."""

    token: Token
    access: AccessAtSlack
    refresh: RefreshAtSlack | None
    works: bool
    is_refreshable: bool

    @property
    def is_fresh(self) -> bool:
        """What a refresh has left: both halves work, and nobody has refreshed since."""
        return self.works and self.refresh is not None and self.is_refreshable and self.refresh.used_at is None

    @property
    def is_lost(self) -> bool:
        """Nobody knows that it is over, and nothing but a new install helps."""
        return self.token.status == "live" and not (self.is_refreshable if self.refresh is not None else self.works)


def pairs(world: World) -> list[Pair]:
    """Every stored token, opened by our own keys and looked up in Slack's memory."""
    app = world.service.app
    found = [
        token for tenant in installations.list_all(app.db) for token in tokens.list_by_tenant(app.db, tenant.tenant)
    ]
    return [_pair(world, token) for token in found]


def _pair(world: World, token: Token) -> Pair:
    keyring, slack, whose = world.service.app.keyring, world.slack, (token.tenant, token.holder, token.generation)
    refresh = None
    if token.refresh is not None:
        refresh = slack.state.refreshes[keyring.open(records.refresh_token_context(*whose), token.refresh).decode()]
    access = slack.state.tokens[keyring.open(records.access_token_context(*whose), token.access).decode()]
    is_refreshable = refresh is not None and not refresh.dead
    if refresh is not None and refresh.used_at is not None:
        is_refreshable = is_refreshable and slack.clock() <= refresh.used_at + slack.grace_seconds
    return Pair(token, access, refresh, problem_of(slack, access) == "", is_refreshable)


def lost(world: World) -> list[str]:
    """Whose pair in use Slack would not take, though nothing is marked."""
    return [f"{pair.token.tenant} {pair.token.holder}: the pair is lost" for pair in pairs(world) if pair.is_lost]


def remaining_rows(folder: Path) -> list[str]:
    """What a killed backup or restore began and a later one did not clear away, where it holds keys that are in use."""
    with contextlib.closing(sqlite3.connect(f"file:{folder / 'slackapp.db'}?mode=ro", uri=True)) as connection:
        keys = [row[0] for row in connection.execute("SELECT wrapped FROM data_keys")]
    found = set()
    for file in folder.rglob(".*/*.db*"):
        content = file.read_bytes()
        if any(key in content for key in keys):
            found.add(f"wrapped keys stay in {file.parent.name.partition('-')[0]}-…/{file.name}")
    return sorted(found)


def not_purged(world: World, tenant_id: str, wrapped: Iterable[bytes]) -> list[str]:
    """What is left of a tenant after its purge is complete."""
    found = [f"{where}: {number}" for where, number in purge_tenant.verify(world.service.app).items() if number]
    if world.status(tenant_id):
        found.append("it is installed")
    if not world.rows("SELECT 1 FROM audit WHERE event = 'purge.complete' AND tenant_id = ?", tenant_id):
        found.append("the purge is not complete")
    files = [*world.folder.glob("slackapp.db*"), *(world.folder / "keys").iterdir()]
    content = b"".join(file.read_bytes() for file in files)
    return found + ["a wrapped key is still there" for key in wrapped if key in content]
