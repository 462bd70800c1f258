"""`/api/v2/slack/token-use`: what an organization's tokens were used for, by whom, where and when."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from slackapp.flows.app import App
from slackapp.host.call import Answer, HostCall, make_cursor, make_link, read_position
from slackapp.host.checks.csv_text import write_csv
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.forms import time_of
from slackapp.host.handlers.access.forms import USE
from slackapp.host.store import connections
from slackapp.host.store.inventory import token_uses
from slackapp.host.store.inventory.token_uses import NEWEST, AuditedUse, UseFilter
from slackapp.web.response import Response, csv_file

_LIST = "token-use"
_FILTERS = {
    "connectionId": "connection_id", "capability": "capability", "method": "method", "purpose": "purpose",
    "traceId": "trace_id",
}  # fmt: skip


def list_all(app: App, call: HostCall, now: int) -> Answer | Response:
    """Lists uses, the newest first; as CSV with the address of the next page in `Link`."""
    before = int(read_position(app, call, _LIST) or NEWEST)
    most, organization = call.parameters["limit"], call.caller.organization
    named = call.parameters.get("connectionId")
    if named and connections.find(app.db, organization, named) is None:
        raise HostRefused(HostRefusal.NOT_THERE, field="connectionId")
    found = token_uses.page(app.db, organization, read_filter(call.parameters), before, most=most)
    cursor = make_cursor(app, call, _LIST, str(found[-1].number)) if len(found) == most else None
    if not call.wants_csv:
        return {"uses": [describe(each) for each in found], "cursor": cursor}
    return csv_file("token-use", write_table(found), make_link(app, call, cursor))


def read_filter(given: Mapping[str, Any]) -> UseFilter:
    """Reads which uses are wanted from the parameters of an address. Raises HostRefused."""
    chosen = {name: given[asked] for asked, name in _FILTERS.items() if given.get(asked)}
    times = {
        name: _read_time(given[asked], asked)
        for asked, name in (("from", "since"), ("to", "until"))
        if given.get(asked)
    }
    return UseFilter(**{**chosen, **times})


def write_table(found: list[AuditedUse]) -> str:
    """Writes uses as CSV, under the names that they have in JSON."""
    rows = [describe(each) for each in found]
    return write_csv(tuple(USE["properties"]), [[row[name] for name in USE["properties"]] for row in rows])


def describe(use: AuditedUse) -> dict[str, Any]:
    """Describes a use: ids and words."""
    return {
        "at": time_of(use.at),
        "event": use.event,
        "result": use.result,
        "actorKind": use.actor,
        "actorId": use.actor_id or None,
        "connectionId": use.connection_id or None,
        "workspaceId": use.tenant_id or None,
        "credential": use.record_kind or None,
        "keyId": use.key_id,
        "capability": use.capability,
        "method": use.method or None,
        "channel": use.channel_id or None,
        "purpose": use.purpose_id or None,
        "requestId": use.request_id or None,
        "traceId": use.trace_id or use.request_id or None,
    }


def _read_time(text: str, field: str) -> int:
    try:
        return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise HostRefused(HostRefusal.FIELD, field=field) from None
