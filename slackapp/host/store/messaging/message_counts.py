"""Counts of messages, day by day and by channel: `sql/host/message_counts.sql`."""

from typing import NamedTuple

from slackapp.host.model import MessageStatus
from slackapp.host.store.organizations import DAY, first_day
from slackapp.store.columns import by_word
from slackapp.store.engine.database import Database

NEWEST_MESSAGES = 10_000
"""Messages that are looked at for their channels."""
_STATUSES = by_word(MessageStatus)


class MessageCount(NamedTuple):
    """Count of a day, given by its number since 1970: how many came to that status, for that reason."""

    day: int
    status: MessageStatus
    reason: str
    found: int


class ChannelCount(NamedTuple):
    """Count of a channel: how many of the newest messages are in that status."""

    connection_id: str
    channel_id: str
    status: MessageStatus
    found: int


def list_all(db: Database, organization_id: str, since: int) -> list[MessageCount]:
    """Lists what was counted from that day on."""
    rows = db.many("list_message_counts", {"organization_id": organization_id, "since": since // DAY})
    return [MessageCount(row["day"], _STATUSES[row["status"]], row["reason"], row["found"]) for row in rows]


def list_channels(db: Database, organization_id: str) -> list[ChannelCount]:
    """Counts the newest messages by channel and status."""
    rows = db.many("list_channel_counts", {"organization_id": organization_id, "most": NEWEST_MESSAGES})
    return [
        ChannelCount(row["connection_id"], row["channel_id"], _STATUSES[row["status"]], row["found"]) for row in rows
    ]


def sweep(db: Database, now: int) -> None:
    """Deletes the numbers of days that are long over."""
    db.execute("sweep_message_counts", {"before": first_day(now)})


def erase(db: Database, organization_id: str) -> None:
    """Erases all of an organization's."""
    db.execute("erase_message_counts", {"organization_id": organization_id})
