"""`slackapp tenants`: the inventory."""

import argparse
from collections.abc import Mapping

from slackapp.cli.printing import tell, tell_json, visible
from slackapp.cli.session import open_service
from slackapp.flows import list_tenants

HELP = "list all tenants: status, scopes, installer, times, token expiry, key"
_COLUMNS = (
    "tenant", "kind", "name", "status", "reason", "installer", "installed", "last_used", "last_validated",
    "token_expires", "key", "label", "scopes", "install_url",
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """A table, or JSON."""
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError."""
    with open_service() as service:
        rows = list_tenants.run(service.app)
    if arguments.json:
        tell_json(rows, indent=1)
        return 0
    tell(*_table(rows))
    return 0


def _table(rows: list[Mapping[str, object]]) -> list[str]:
    lines = [
        list(_COLUMNS),
        *([_cell(row[column]) for column in _COLUMNS] for row in rows),
    ]
    widths = [max(len(line[number]) for line in lines) for number in range(len(_COLUMNS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def _cell(value: object) -> str:
    """Two spaces part the columns: a name that holds them must not look like several."""
    return visible(" ".join(filter(None, str(value).split(" ")))) if value is not None else "-"
