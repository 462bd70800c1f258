"""`/api/v2/slack/inventory`: what an organization holds and has held, and a row for each credential."""

from typing import Any

from slackapp.flows.app import App
from slackapp.host import inventory
from slackapp.host.call import Answer, HostCall, make_cursor, make_link, read_position
from slackapp.host.checks.csv_text import Cell, write_csv
from slackapp.host.checks.fields import Form
from slackapp.host.flows.inventory import list_inventory
from slackapp.host.handlers.access.forms import BINDING, CREDENTIAL
from slackapp.web.response import Response, csv_file

_LIST, _CREDENTIALS = "inventory", "credentials"


def list_all(app: App, call: HostCall, now: int) -> Answer | Response:
    """Lists connections, or the credentials of as many; as CSV with the address of the next page in `Link`."""
    name = _CREDENTIALS if call.parameters["view"] == _CREDENTIALS else _LIST
    after = inventory.read_position(read_position(app, call, name) or "")
    most = call.parameters["limit"]
    found = list_inventory.run(app, call.caller.organization, after, most=most, now=now)
    cursor = make_cursor(app, call, name, found[-1].entry.position_text) if len(found) == most else None
    if name == _LIST:
        form, rows = BINDING, [list_inventory.describe(line) for line in found]
    else:
        form, rows = CREDENTIAL, [row for line in found for row in list_inventory.describe_credentials(app, line)]
    if call.wants_csv:
        return csv_file(name, write_rows(form, rows), make_link(app, call, cursor))
    return {_LIST: rows if name == _LIST else [], _CREDENTIALS: rows if name != _LIST else [], "cursor": cursor}


def write_rows(form: Form, rows: list[dict[str, Any]]) -> str:
    """Writes rows as CSV, under the names that they have in JSON; a list is one cell."""
    heads = tuple(form["properties"])
    return write_csv(heads, [[_cell(row[name]) for name in heads] for row in rows])


def _cell(value: Any) -> Cell:
    return " ".join(value) if isinstance(value, list) else value
