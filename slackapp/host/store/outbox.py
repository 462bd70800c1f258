"""Outbox: whose turn it is in each channel, and what is scheduled: `sql/host/outbox.sql`, a queue.

Of a channel one message is here at a time. The next one has its turn in the transaction that ends the one before.
"""

from typing import NamedTuple

from slackapp.model import Tenant
from slackapp.store.columns import read_tenant, tenant_columns
from slackapp.store.engine.database import Database
from slackapp.store.queue import Queue

QUEUE = Queue("outbox", threads=8, max_wait=400 * 86_400)
"""What is scheduled may wait for a year."""
MAX_IDLE = 1000
MAX_TURN_WAIT = 86_400
"""Seconds that a turn waits, at most: one that waits for longer was given by a clock that was ahead."""


class WaitingChannel(NamedTuple):
    """Channel in which messages wait and none has its turn."""

    tenant: Tenant
    channel_id: str


def give_turn(db: Database, tenant: Tenant, message_id: str, next_at: int) -> bool:
    """Gives a queued message its turn, at that time; False where another one of its channel has it."""
    return db.execute("give_turn", {**_key(tenant, message_id), "next_at": next_at}) == 1


def schedule_turn(db: Database, tenant: Tenant, message_id: str) -> None:
    """Has a scheduled message looked at when its time has come."""
    db.execute("schedule_turn", _key(tenant, message_id))


def end_turn(db: Database, tenant: Tenant, message_id: str, now: int) -> int | None:
    """Takes a message's turn back before anybody runs it; for when that was, or None where there is none."""
    row = db.one("end_turn", {**_key(tenant, message_id), "now": now})
    return row["next_at"] if row is not None else None


def end_unclear(db: Database, tenant: Tenant, message_id: str, now: int) -> bool:
    """Ends the row of a message that was unclear and is settled; False where there is none."""
    return db.execute("end_unclear_turn", {**_key(tenant, message_id), "now": now}) == 1


def is_running(db: Database, tenant: Tenant, message_id: str) -> bool:
    """Tells whether a worker has the message just now."""
    return db.one("find_running_turn", _key(tenant, message_id)) is not None


def list_idle_channels(db: Database) -> list[WaitingChannel]:
    """Lists channels in which messages wait and none has its turn, at most `MAX_IDLE`."""
    rows = db.many("list_idle_channels", {"most": MAX_IDLE})
    return [WaitingChannel(read_tenant(row), row["channel_id"]) for row in rows]


def sweep_turns(db: Database, now: int) -> int:
    """Sweeps turns that were given by a clock that was ahead: they begin now. How many."""
    return db.execute("sweep_turns", {"now": now, "latest": now + MAX_TURN_WAIT})


def _key(tenant: Tenant, message_id: str) -> dict[str, object]:
    return {**tenant_columns(tenant), "message_id": message_id}
