"""Rates at which messages go out: `sql/host/send_rates.sql`. A place is taken in advance, and is when it may go out."""

from typing import NamedTuple

from slackapp.model import Tenant
from slackapp.store.columns import read_columns, tenant_columns
from slackapp.store.engine.database import Database

ALL = ""
"""In place of a channel: whatever goes to the tenant."""
CHANNEL_STEP = 1000
"""Milliseconds between two messages of a channel: Slack takes one a second."""
_MINUTE = 60_000
MAX_AHEAD = 2 * 3600
"""Seconds that a place lies ahead, at most: one beyond was taken by a clock that was ahead, and counts as free."""
_BURST_SHARE = 4
"""A quarter of a minute's messages may go out at once, after some time without any."""


class SendRate(NamedTuple):
    """Rate of a workspace: so many messages a minute."""

    per_minute: int


def take_place(db: Database, tenant: Tenant, channel_id: str, rate: SendRate, earliest: int) -> int:
    """Takes the next place of a channel and of its tenant, inside a transaction; returns when that is.

    `earliest` and what is returned are Unix seconds.
    """
    step = max(1, _MINUTE // rate.per_minute)
    burst = step * max(1, rate.per_minute // _BURST_SHARE)
    at = earliest * 1000
    latest = at + MAX_AHEAD * 1000
    # claim: C-252
    at = max(at, _free_at(db, tenant, channel_id, latest))
    free = _free_at(db, tenant, ALL, latest)
    # claim: C-253
    at = max(at, free - burst)
    at = -(-at // 1000) * 1000
    _set_free_at(db, tenant, channel_id, at + CHANNEL_STEP)
    _set_free_at(db, tenant, ALL, max(free, at) + step)
    return at // 1000


def sweep(db: Database, before: int) -> None:
    """Deletes what says nothing any more, of before then."""
    db.execute("sweep_send_rates", {"before_milliseconds": before * 1000})


def erase(db: Database, tenant: Tenant) -> int:
    """Erases a tenant's."""
    return db.execute("erase_send_rates", tenant_columns(tenant))


def export(db: Database, tenant: Tenant) -> list[dict[str, object]]:
    """Lists when a tenant's channels, and with an empty id the tenant itself, are free; in milliseconds."""
    return [dict(read_columns(row)) for row in db.many("export_send_rates", tenant_columns(tenant))]


def _free_at(db: Database, tenant: Tenant, channel_id: str, latest: int) -> int:
    """Since when it is free, or from when on; 0 for a time that is beyond `latest`."""
    row = db.one("find_free_at", {**tenant_columns(tenant), "channel_id": channel_id})
    free_at = int(row["free_at"]) if row is not None else 0
    # claim: C-285
    return free_at if free_at <= latest else 0


def _set_free_at(db: Database, tenant: Tenant, channel_id: str, free_at: int) -> None:
    db.execute("set_free_at", {**tenant_columns(tenant), "channel_id": channel_id, "free_at": free_at})
