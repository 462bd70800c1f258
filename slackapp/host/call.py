"""Call of a route of the API: who calls, the fields that were checked, and where a list goes on.

A cursor is of this organization and this list.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from slackapp.flows.app import App
from slackapp.host.checks.cursor import read_cursor, write_cursor
from slackapp.host.model import HostCaller
from slackapp.web.response import Response

Answer = Mapping[str, object]
"""Fields of an answer, as the route's documentation shows them."""


class HostCall(NamedTuple):
    """Call whose role, switch, parameters and body have passed.

    `id` is what stands in the path, or ""; `address` is the client's. `route` is the method and path of the route, and
    `key` the Idempotency-Key of one that sends something. `wants_csv`: a table is asked for as CSV.
    """

    caller: HostCaller
    id: str
    address: str
    parameters: Mapping[str, Any]
    body: Mapping[str, Any]
    route: str = ""
    key: str = ""
    wants_csv: bool = False


Handler = Callable[[App, HostCall, int], Answer | Response]
"""Gives the fields of an answer, or their JSON where that is kept."""


def read_position(app: App, call: HostCall, name: str) -> str | None:
    """Reads the position behind which a list goes on; None at its beginning. Raises HostRefused."""
    claimed = call.parameters["cursor"]
    if claimed is None:
        return None
    find_key = app.keyring.state_key_by_id
    return read_cursor(claimed, find_key, organization=call.caller.organization, name=name)


def make_cursor(app: App, call: HostCall, name: str, position: str) -> str:
    """Makes the cursor of what stands behind a position."""
    key_id, key = app.keyring.state_key()
    return write_cursor(key_id, key, organization=call.caller.organization, name=name, position=position)
