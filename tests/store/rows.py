"""Rows to put into a database, and a look at it past our own code."""

import sqlite3
from pathlib import Path
from typing import Any

from slackapp.checks.state_token import IssuedState
from slackapp.model import BOT, Holder, Installation, Sealed, StateBinding, StatePurpose, Tenant
from slackapp.store import installations, tokens
from slackapp.store.engine.database import Database
from slackapp.store.tokens import Fingerprints, SealedPair

NORTH, SOUTH, ORG = Tenant("T", "T0NORTH001"), Tenant("T", "T0SOUTH001"), Tenant("E", "E0EVERGRN1")
NOW = 1_800_000_000
FINGERPRINTS = Fingerprints(b"a" * 32, None)


def sealed(mark: bytes = b"", size: int = 98) -> Sealed:
    """What looks like a sealed value to the database."""
    return Sealed(mark.ljust(size, b"."))


def installation(tenant: Tenant = NORTH, generation: int = 1, installed_at: int = NOW, **changes: Any) -> Installation:
    """An installation of a bot."""
    given: dict[str, Any] = {
        "tenant": tenant,
        "app_id": "A0LOCAL001",
        "enterprise_id": tenant.id if tenant.kind == "E" else "",
        "enterprise_name": "",
        "team_id": tenant.id if tenant.kind == "T" else "",
        "team_name": "Name",
        "bot_user_id": "U0BOT00001",
        "installer_id": "U0ADMIN001",
        "scopes_asked": ("chat:write",),
        "scopes_granted": ("app_mentions:read", "chat:write"),
        "status": "active",
        "status_reason": "",
        "generation": generation,
        "installed_at": installed_at,
        "last_used_at": 0,
        "last_validated_at": 0,
        **changes,
    }
    return Installation(**given)


def pair(mark: bytes = b"", expires_at: int | None = NOW + 43_200) -> SealedPair:
    """A pair of tokens, due an hour before it expires; without expiry a single, long-lived one."""
    refresh, due_at = (sealed(mark + b"-refresh"), expires_at - 3600) if expires_at is not None else (None, None)
    return SealedPair(sealed(mark + b"-access"), refresh, expires_at, due_at, ("chat:write",), FINGERPRINTS)


def install(db: Database, tenant: Tenant = NORTH, holders: tuple[Holder, ...] = (BOT,)) -> None:
    """A tenant with tokens of generation 1."""
    with db.transaction():
        installations.save(db, installation(tenant), None, keep_webhook=False)
        for holder in holders:
            tokens.save(db, tenant, holder, generation=1, pair=pair(), now=NOW)


def bound(session: bytes, purpose: str = "install", provider: str = "slack") -> StateBinding:
    """What a state is bound to."""
    return StateBinding(StatePurpose(purpose), session, provider)


def issued(id_hash: bytes, binding: StateBinding, expires_at: int) -> IssuedState:
    """A state of which the database sees the hash alone."""
    return IssuedState("", id_hash, binding, expires_at)


def look(path: Path, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Reads the database on a connection of its own."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return connection.execute(sql, parameters).fetchall()
    finally:
        connection.close()


def change(path: Path, sql: str, *parameters: Any) -> int:
    """Changes the database on a connection of its own, as somebody with the file could; the rows changed."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return connection.execute(sql, parameters).rowcount
    finally:
        connection.close()


def bytes_on_disk(path: Path) -> bytes:
    """The database, its log and its index, as they lie there."""
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob(path.name + "*")))
