"""Report on connecting: how many connects were begun, what became of them, how long it took, and why some failed.

Of what was begun within 30 days; a connection that was brought back counts with its first time. For the operator what
all organizations have done, how many of them have connected, and how many workspaces stay connected.
"""

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from slackapp.flows.app import App
from slackapp.host.checks.transitions import UNDER_WAY
from slackapp.host.model import ConnectionStatus
from slackapp.host.store import connections, organizations
from slackapp.host.store.connections import BegunConnect
from slackapp.host.store.organizations import ConnectedCount, OrganizationUsage

DAYS = 30
_DAY = 86_400
_LONGEST = 3600
"""Seconds within which whatever was begun is over: what was installed later was brought back."""
SOON_DAYS, LONG_DAYS = 30, 60
"""Days within which an organization has connected soon, and after which it has been connected for long."""
LENGTHS = ((60, "under 1 minute"), (120, "1 to 2 minutes"), (300, "2 to 5 minutes"), (_LONGEST, "longer"))


class DayCount(NamedTuple):
    """Count of a day, which begins at that time: connects that were begun, and those that came to something."""

    at: int
    begun: int
    connected: int


class ConnectReport(NamedTuple):
    """Report on connecting. `median_seconds` is None where nothing was connected."""

    begun: int
    connected: int
    under_way: int
    days: Sequence[DayCount]
    lengths: Sequence[tuple[str, int]]
    median_seconds: int | None
    failures: Sequence[tuple[str, int]]


class UsageReport(NamedTuple):
    """Report on use. `connected` counts all organizations, also those that have done nothing."""

    usage: Sequence[OrganizationUsage]
    connected: ConnectedCount


def run(app: App, organization_id: str, now: int) -> ConnectReport:
    """Counts an organization's connects."""
    first = now - now % _DAY - (DAYS - 1) * _DAY
    found = connections.list_begun(app.db, organization_id, first)
    begun, connected = Counter(map(_day, found)), Counter(_day(each) for each in found if each.installed_at is not None)
    times = [each.installed_at - each.created_at for each in found if each.installed_at is not None]
    times = [seconds for seconds in times if seconds <= _LONGEST]
    failures = Counter(each.status_reason for each in found if each.status is ConnectionStatus.FAILED)
    return ConnectReport(
        begun=len(found),
        connected=connected.total(),
        under_way=sum(each.status in UNDER_WAY for each in found),
        days=[DayCount(at, begun[at], connected[at]) for at in range(first, now + 1, _DAY)],
        lengths=_lengths(times),
        median_seconds=round(median(times)) if times else None,
        failures=failures.most_common(),
    )


def _day(each: BegunConnect) -> int:
    return each.created_at - each.created_at % _DAY


def _lengths(times: Sequence[int]) -> list[tuple[str, int]]:
    found, below = [], 0
    for most, label in LENGTHS:
        upto = sum(seconds < most or most == _LONGEST for seconds in times)
        found.append((label, upto - below))
        below = upto
    return found


def report_usage(app: App, days: int, now: int) -> UsageReport:
    """Reads what was counted of all organizations in so many days, today included."""
    usage = organizations.list_usage(app.db, now - (days - 1) * _DAY)
    return UsageReport(usage, count_connected(app, now))


def count_connected(app: App, now: int) -> ConnectedCount:
    """Counts how many organizations have connected soon, and how many workspaces have stayed for long."""
    return organizations.count_connected(app.db, SOON_DAYS * _DAY, now - LONG_DAYS * _DAY)


def format_count(found: ConnectedCount) -> tuple[str, str]:
    """Says that in words."""
    return (
        f"{found.connected} of {found.organizations} organizations have connected within {SOON_DAYS} days",
        f"{found.remaining} of {found.workspaces} workspaces are connected {LONG_DAYS} days on or longer",
    )
