"""`slackapp tenants`: the inventory."""

import argparse

from slackapp.cli.printing import print_json, print_lines
from slackapp.cli.session import open_service
from slackapp.cli.table import Columns, Truncation, add_options, format_rows
from slackapp.flows.upkeep import list_tenants

HELP = "list all tenants: status, scopes, installer, times, token expiry, key"
_COLUMNS = Columns(
    wide=(
        "tenant", "kind", "name", "status", "reason", "installer", "installed", "last_used", "last_validated",
        "token_expires", "key", "label", "scopes", "install_url",
    ),
    narrow=("tenant", "name", "status", "installed", "token_expires", "key"),
    truncations=dict.fromkeys(("name", "status", "key"), Truncation.MIDDLE),
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the choice between a table and JSON."""
    add_options(parser, "one JSON array")


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError."""
    with open_service() as service:
        rows = list_tenants.run(service.app)
    if arguments.json:
        print_json(rows, indent=1)
        return 0
    if not rows:
        print_lines("no tenant is installed", error=True)
        return 0
    print_lines(*format_rows(rows, _COLUMNS, arguments.wide))
    return 0
