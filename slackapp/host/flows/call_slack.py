"""Calls to Slack for a request of the host side: a few at a time, each failure a code.

The caller's role, the switch, the rate and the body have passed by then: `routes.py` asks for them first.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from slackapp.checks.capabilities import Capability
from slackapp.errors import Refusal, Refused, SlackCallError, SlackErrorKind
from slackapp.flows.app import App
from slackapp.flows.tokens import use_token
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows import choose_connection
from slackapp.host.flows.personal import token_holder
from slackapp.host.memory import host_memory
from slackapp.host.model import HostCaller
from slackapp.host.rows import Connection, UsageAction
from slackapp.host.store import connections, organizations
from slackapp.model import SlackResponse

_RETRY_AFTER = 2
"""Seconds after which a place may be free again."""
_CHANNEL_ERRORS = frozenset({
    "channel_not_found", "is_archived", "method_not_supported_for_channel_type", "not_in_channel", "invalid_channel",
    "team_not_found", "team_access_not_granted", "restricted_action",
})  # fmt: skip
"""Answers of Slack that are about the channel that was asked for."""
_NEEDS_SCOPE = "missing_scope"


class SlackCall(NamedTuple):
    """Question to Slack: by which connection, for whom, by which capability and method; `channel` is an id."""

    connection: Connection
    caller: HostCaller
    capability: Capability
    method: str
    channel: str = ""


@contextmanager
def take_place(app: App, caller: HostCaller) -> Iterator[None]:
    """Takes one of the few places for requests that wait for Slack. Raises HostRefused where none is free."""
    with host_memory(app).slack_limit.acquire(caller.organization) as taken:
        # claim: C-184
        if not taken:
            raise HostRefused(HostRefusal.CROWDED, retry_after=_RETRY_AFTER)
        yield


def call(app: App, ask: SlackCall, params: Mapping[str, Any]) -> SlackResponse:
    """Calls the method with the connection's token, inside a `take_place`. Raises HostRefused."""
    connection = ask.connection
    if connection.tenant is None:
        raise choose_connection.refusal_of_inactive(app)
    use = use_token.TokenUse(
        tenant=connection.tenant,
        holder=token_holder.holder_of(connection),
        capability=ask.capability,
        method=ask.method,
        purpose=connection.purpose_id,
        actor=ask.caller,
        statuses=token_holder.statuses_for(connection),
        channel=ask.channel,
    )
    try:
        answer = use_token.call(app, use, params)
    except SlackCallError as error:
        raise _refusal_of_call(app, ask, error) from None
    except Refused as refused:
        raise _refusal_of_token(app, refused) from None
    now = app.clock()
    connections.note_used(app.db, connection.key, now)
    app.db.defer(partial(organizations.add_usage, app.db, connection.organization_id, UsageAction.SLACK_CALL, now))
    return answer


def _refusal_of_call(app: App, ask: SlackCall, error: SlackCallError) -> HostRefused:
    if error.kind is SlackErrorKind.RATE_LIMITED:
        return HostRefused(HostRefusal.SLACK_RATE, retry_after=error.retry_after)
    if error.kind is SlackErrorKind.DEAD:
        return choose_connection.refusal_of_inactive(app)
    if error.kind is SlackErrorKind.UNCERTAIN:
        return HostRefused(HostRefusal.TOKEN, retry_after=error.retry_after or None)
    if error.code == _NEEDS_SCOPE:
        return choose_connection.refusal_of_inactive(app, HostRefusal.SCOPE)
    if ask.channel and error.code in _CHANNEL_ERRORS:
        return HostRefused(HostRefusal.CHANNEL)
    return HostRefused(HostRefusal.SLACK_FAILED)


def _refusal_of_token(app: App, refused: Refused) -> HostRefused:
    if refused.refusal in (Refusal.NEEDS_REINSTALL, Refusal.NOT_INSTALLED):
        return choose_connection.refusal_of_inactive(app)
    return HostRefused(HostRefusal.TOKEN, retry_after=refused.retry_after)
