"""`/settings/inventory` and `/settings/token-use`: what an access reviewer looks at, and takes along as a file."""

from collections.abc import Mapping

from slackapp.checks.query import read_query
from slackapp.flows.app import App
from slackapp.host.checks.fields import has_form
from slackapp.host.checks.roles import HostAction, require_role
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows.connect.open_session import PageMember
from slackapp.host.flows.inventory import list_inventory
from slackapp.host.forms import ID
from slackapp.host.handlers import settings
from slackapp.host.handlers.access.forms import BINDING, CREDENTIAL
from slackapp.host.handlers.access.inventory import write_rows
from slackapp.host.handlers.access.token_uses import write_table
from slackapp.host.inventory import BEGIN, InventoryEntry, read_position
from slackapp.host.pages import inventory
from slackapp.host.pages.inventory import UseView
from slackapp.host.pages.parts import INVENTORY_PATH, TOKEN_USE_PATH
from slackapp.host.store import purposes
from slackapp.host.store.inventory import bindings, token_uses
from slackapp.host.store.inventory.token_uses import NEWEST, UseFilter
from slackapp.web.request import Request
from slackapp.web.response import Response, csv_file

_PAGE, _FILE = 100, 5000
"""Rows of a page, and of a file."""
_ASKED = frozenset({"connection", "capability", "cursor"})


def show_inventory(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Shows what the organization holds and has held."""
    # claim: C-367
    require_role(caller, HostAction.REPORT)
    cursor = read_query(request.raw_query, frozenset({"cursor"})).get("cursor", "")
    lines = list_inventory.run(app, caller.organization, read_position(cursor), most=_PAGE, now=now)
    onward = lines[-1].entry.position_text if len(lines) == _PAGE else None
    people = (each.last_use.actor_id for each in lines if each.last_use is not None)
    reader = settings.make_reader(app, caller, INVENTORY_PATH, now, people=people)
    return settings.answer(inventory.show_inventory(reader, lines, onward))


def show_inventory_file(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Gives the same as a table, or each of its credentials."""
    # claim: C-367
    require_role(caller, HostAction.REPORT)
    view = read_query(request.raw_query, frozenset({"view"})).get("view", "")
    lines = list_inventory.run(app, caller.organization, BEGIN, most=_FILE, now=now)
    if view == "credentials":
        rows = [row for line in lines for row in list_inventory.describe_credentials(app, line)]
        return csv_file(view, write_rows(CREDENTIAL, rows))
    return csv_file("inventory", write_rows(BINDING, [list_inventory.describe(line) for line in lines]))


def show_uses(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Shows what tokens were used for."""
    # claim: C-367
    require_role(caller, HostAction.REPORT)
    query = read_query(request.raw_query, _ASKED)
    wanted = _read_filter(query)
    before = settings.read_number(query.get("cursor", ""), NEWEST)
    found = token_uses.page(app.db, caller.organization, wanted, before, most=_PAGE)
    names = {entry.id: _name(entry) for entry in bindings.page(app.db, caller.organization, most=_PAGE)}
    view = UseView(
        uses=found,
        connection_id=wanted.connection_id,
        capability=wanted.capability,
        cursor=str(found[-1].number) if len(found) == _PAGE else None,
        names=names,
        purposes={each.purpose_id: each.text for each in purposes.list_all(app.db, caller.organization)},
    )
    reader = settings.make_reader(app, caller, TOKEN_USE_PATH, now, people=(each.actor_id for each in found))
    return settings.answer(inventory.show_uses(reader, view))


def show_uses_file(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Gives the same as a table."""
    # claim: C-367
    require_role(caller, HostAction.REPORT)
    wanted = _read_filter(read_query(request.raw_query, _ASKED))
    return csv_file("token-use", write_table(token_uses.page(app.db, caller.organization, wanted, most=_FILE)))


def _read_filter(query: Mapping[str, str]) -> UseFilter:
    """Reads a filter. Raises HostRefused, with the name of the field."""
    for name in ("connection", "capability"):
        if query.get(name) and not has_form(ID, query[name]):
            raise HostRefused(HostRefusal.FIELD, field=name)
    return UseFilter(connection_id=query.get("connection", ""), capability=query.get("capability", ""))


def _name(entry: InventoryEntry) -> str:
    return entry.team_name or f"{entry.tenant.id} (removed)"
