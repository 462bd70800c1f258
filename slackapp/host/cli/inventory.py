"""`slackapp host inventory`: every connection of every organization, or of one, and its credentials."""

import argparse
from collections.abc import Iterator
from typing import Any

from slackapp.cli.service.session import open_service
from slackapp.cli.terminal.arguments import AddVerb
from slackapp.cli.terminal.printing import print_lines
from slackapp.cli.terminal.table import Columns, Truncation, add_options, print_rows
from slackapp.flows.app import App
from slackapp.host.checks.fields import Form
from slackapp.host.cli.switch import read_organization
from slackapp.host.flows.inventory import list_inventory
from slackapp.host.handlers.access.forms import BINDING, CREDENTIAL
from slackapp.host.handlers.access.inventory import write_rows
from slackapp.host.inventory import BEGIN
from slackapp.host.store.inventory import bindings

_ORGANIZATION = "organizationId"
_NARROW = (_ORGANIZATION, "id", "status", "ownerId", "lastUsedAt", "risks")
_NARROW_CREDENTIALS = (_ORGANIZATION, "type", "status", "connectionId", "expiresAt", "keyId")
_LIMIT = 200


def add(add_noun: AddVerb) -> None:
    """Adds what is held."""
    inventory = add_noun("inventory", "what each organization holds and has held, with owner, purpose, risks", _show)
    inventory.add_argument("--organization", metavar="ID", help="only this one; without it, every one")
    inventory.add_argument("--credentials", action="store_true", help="a row for each credential")
    inventory.add_argument("--csv", action="store_true", help="as CSV, with every column")
    add_options(inventory, "one JSON object per line, with every column")


def _show(arguments: argparse.Namespace) -> int:
    form: Form = CREDENTIAL if arguments.credentials else BINDING
    whole: Form = {"properties": {_ORGANIZATION: {}, **form["properties"]}}
    with open_service() as service:
        rows = list(_rows(service.app, arguments))
    if arguments.csv:
        print_lines(*write_rows(whole, rows).splitlines())
        return 0
    columns = Columns(
        wide=tuple(whole["properties"]),
        narrow=_NARROW_CREDENTIALS if arguments.credentials else _NARROW,
        truncations=dict.fromkeys((_ORGANIZATION, "id", "connectionId", "ownerId"), Truncation.MIDDLE)
        | {"risks": Truncation.END},
    )
    print_rows(rows if arguments.json else [_plain(row) for row in rows], columns, arguments)
    return 0


def _rows(app: App, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    now = app.clock()
    for organization in _organizations(app, arguments):
        after = BEGIN
        while lines := list_inventory.run(app, organization, after, most=_LIMIT, now=now):
            for line in lines:
                told = list_inventory.describe_credentials(app, line) if arguments.credentials else None
                for row in told if told is not None else [list_inventory.describe(line)]:
                    yield {_ORGANIZATION: organization, **row}
            after = lines[-1].entry.position


def _organizations(app: App, arguments: argparse.Namespace) -> Iterator[str]:
    if arguments.organization is not None:
        yield read_organization(arguments.organization)
        return
    after = ""
    while found := bindings.list_organizations(app.db, after):
        yield from found
        after = found[-1]


def _plain(row: dict[str, Any]) -> dict[str, object]:
    return {
        name: " ".join(value) if isinstance(value, list) else "" if value is None else value
        for name, value in row.items()
    }
