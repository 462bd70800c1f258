"""`slackapp tenants`: the inventory."""

import argparse

from slackapp.cli.printing import tell, tell_json
from slackapp.cli.session import open_service
from slackapp.cli.table import Cut, add_options, table
from slackapp.flows import list_tenants

HELP = "list all tenants: status, scopes, installer, times, token expiry, key"
_COLUMNS = (
    "tenant", "kind", "name", "status", "reason", "installer", "installed", "last_used", "last_validated",
    "token_expires", "key", "label", "scopes", "install_url",
)  # fmt: skip
_NARROW = ("tenant", "name", "status", "installed", "token_expires", "key")
"""Six of them fit; `--wide` has all."""


def configure(parser: argparse.ArgumentParser) -> None:
    """A table, or JSON."""
    add_options(parser, "one JSON array")


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError."""
    with open_service() as service:
        rows = list_tenants.run(service.app)
    if arguments.json:
        tell_json(rows, indent=1)
        return 0
    if not rows:
        tell("no tenant is installed", error=True)
        return 0
    columns = _COLUMNS if arguments.wide else _NARROW
    values = ([row[column] for column in columns] for row in rows)
    cuts = dict.fromkeys(("name", "status", "key"), Cut.MIDDLE)
    tell(*table(columns, values, None if arguments.wide else cuts))
    return 0
