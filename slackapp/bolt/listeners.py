"""Listeners that hand Slack's report of an uninstall or a revocation on as it came, with its time.

The work is done in a middleware of the listener, which runs before the event is acknowledged: what raises there is
answered 500, and Slack sends the event again. A listener itself runs after that, and what it raises is lost.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from slackapp.checks.lifecycle import LIFECYCLE_TYPES

ReportCallback = Callable[[Mapping[str, Any]], None]


def add_listeners(app: Any, report: ReportCallback) -> None:
    """Adds listeners for lifecycle events to a Bolt app of either kind.

    `report` takes a body, whose signature Bolt has verified.
    """

    def middleware(body: Mapping[str, Any], next_: Callable[[], object]) -> None:
        report(body)
        next_()

    async def async_middleware(body: Mapping[str, Any], next_: Callable[[], Awaitable[object]]) -> None:
        await asyncio.to_thread(report, body)
        await next_()

    is_async = hasattr(app, "async_dispatch")
    for event_type in sorted(LIFECYCLE_TYPES):
        register = app.event(event_type, middleware=[async_middleware if is_async else middleware])
        register(_async_nothing if is_async else _nothing)


def _nothing() -> None:
    """A listener there must be."""


async def _async_nothing() -> None:
    """Does nothing, for asyncio."""
