"""Rates at which messages go out: `sql/host/send_rates.sql`. A place is taken in advance, and is when it may go out."""

from typing import NamedTuple

from slackapp.errors import StoreBusyError
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
_ROWS = 2
"""The channel's, and that of all."""


class SendRate(NamedTuple):
    """Rate of a workspace: so many messages a minute."""

    per_minute: int


def take_place(db: Database, tenant: Tenant, channel_id: str, rate: SendRate, earliest: int) -> int:
    """Takes the next place of a channel and its tenant, in a transaction or a shared commit.

    `earliest` and the returned time of it are Unix seconds. Raises StoreBusyError where it was taken meanwhile.
    """
    step = _step(rate)
    burst = step * max(1, rate.per_minute // _BURST_SHARE)
    seen = _seen(db, tenant, channel_id)
    at = earliest * 1000
    latest = at + MAX_AHEAD * 1000
    # claim: C-285
    known = {channel: free_at for channel, free_at in seen.items() if free_at <= latest}
    free = known.get(ALL, 0)
    # claim: C-252
    at = max(at, known.get(channel_id, 0))
    # claim: C-253
    at = max(at, free - burst)
    at = -(-at // 1000) * 1000
    then = {"free_at": at + CHANNEL_STEP, "free_of_all": max(free, at) + step}
    before = {"seen_at": seen.get(channel_id, 0), "seen_of_all": seen.get(ALL, 0)}
    # claim: C-280
    if db.execute("set_free_at", {**_key(tenant, channel_id), **then, **before}) != _ROWS:
        raise StoreBusyError("somebody else took that place meanwhile")
    return at // 1000


def give_back(db: Database, tenant: Tenant, channel_id: str, rate: SendRate, taken: int) -> None:
    """Gives the last place of a channel back, which nobody has used, inside a transaction."""
    seen = _seen(db, tenant, channel_id)
    if seen.get(channel_id) != taken * 1000 + CHANNEL_STEP:
        return
    then = {"free_at": taken * 1000, "free_of_all": max(0, seen.get(ALL, 0) - _step(rate))}
    before = {"seen_at": seen[channel_id], "seen_of_all": seen.get(ALL, 0)}
    # claim: C-288
    db.execute("set_free_at", {**_key(tenant, channel_id), **then, **before})


def sweep(db: Database, before: int) -> None:
    """Deletes what says nothing any more, of before then."""
    db.execute("sweep_send_rates", {"before_milliseconds": before * 1000})


def erase(db: Database, tenant: Tenant) -> int:
    """Erases a tenant's."""
    return db.execute("erase_send_rates", tenant_columns(tenant))


def export(db: Database, tenant: Tenant) -> list[dict[str, object]]:
    """Lists when a tenant's channels, and with an empty id the tenant itself, are free; in milliseconds."""
    return [dict(read_columns(row)) for row in db.many("export_send_rates", tenant_columns(tenant))]


def _step(rate: SendRate) -> int:
    return max(1, _MINUTE // rate.per_minute)


def _seen(db: Database, tenant: Tenant, channel_id: str) -> dict[str, int]:
    """Since when a channel, and with an empty id all of the tenant, are free, or from when on."""
    return {row["channel_id"]: row["free_at"] for row in db.many("find_free_at", _key(tenant, channel_id))}


def _key(tenant: Tenant, channel_id: str) -> dict[str, object]:
    return {**tenant_columns(tenant), "channel_id": channel_id}
