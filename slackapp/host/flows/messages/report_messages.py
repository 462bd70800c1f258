"""Report on messages: what became of them day by day, why some failed, and where they went."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from slackapp.flows.app import App
from slackapp.host.model import MessageStatus
from slackapp.host.store.messaging import message_counts
from slackapp.host.store.messaging.message_counts import ChannelCount

_DAY = 86_400
_MOST_CHANNELS = 200


class MessageDayCount(NamedTuple):
    """Day, which begins at that time, with how many messages came to each status on it."""

    at: int
    counts: Mapping[MessageStatus, int]


class ChannelUse(NamedTuple):
    """Use of a channel by the newest messages: how many were sent, and how many failed."""

    connection_id: str
    channel_id: str
    sent: int
    failed: int


class MessageReport(NamedTuple):
    """Report on messages. `success` is the part of what is over that was sent, or None where nothing is over."""

    days: Sequence[MessageDayCount]
    counts: Mapping[MessageStatus, int]
    success: float | None
    failures: Sequence[tuple[str, int]]
    channels: Sequence[ChannelUse]


def run(app: App, organization_id: str, days: int, now: int) -> MessageReport:
    """Counts an organization's messages of so many days, today included."""
    first = now - now % _DAY - (days - 1) * _DAY
    found = message_counts.list_all(app.db, organization_id, first)
    by_day: dict[int, Counter[MessageStatus]] = {}
    counts: Counter[MessageStatus] = Counter()
    failures: Counter[str] = Counter()
    for each in found:
        by_day.setdefault(each.day * _DAY, Counter())[each.status] += each.found
        counts[each.status] += each.found
        if each.status is MessageStatus.FAILED:
            failures[each.reason] += each.found
    over = counts[MessageStatus.SENT] + counts[MessageStatus.FAILED]
    return MessageReport(
        days=[MessageDayCount(at, by_day.get(at, Counter())) for at in range(first, now + 1, _DAY)],
        counts=counts,
        success=counts[MessageStatus.SENT] / over if over else None,
        failures=failures.most_common(),
        channels=_channels(message_counts.list_channels(app.db, organization_id)),
    )


def _channels(found: Iterable[ChannelCount]) -> list[ChannelUse]:
    """Puts channels in order, the most used ones first."""
    used: dict[tuple[str, str], Counter[MessageStatus]] = {}
    for each in found:
        used.setdefault((each.connection_id, each.channel_id), Counter())[each.status] += each.found
    listed = [
        ChannelUse(*key, counts[MessageStatus.SENT], counts[MessageStatus.FAILED]) for key, counts in used.items()
    ]
    return sorted(listed, key=lambda each: (-each.sent - each.failed, each.channel_id))[:_MOST_CHANNELS]
