"""`slackapp tenants`: the inventory."""

import argparse
import json
from collections.abc import Mapping

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
        print(json.dumps(rows, indent=1))
        return 0
    print(_table(rows))
    return 0


def _table(rows: list[Mapping[str, object]]) -> str:
    lines = [
        list(_COLUMNS),
        *([str(row[column] if row[column] is not None else "-") for column in _COLUMNS] for row in rows),
    ]
    widths = [max(len(line[number]) for line in lines) for number in range(len(_COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
