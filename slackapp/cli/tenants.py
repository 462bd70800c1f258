"""`slackapp tenants`: the inventory."""

import argparse

from slackapp.cli.printing import tell, tell_json
from slackapp.cli.session import open_service
from slackapp.cli.table import Columns, Cut, add_options, listed
from slackapp.flows.upkeep import list_tenants

HELP = "list all tenants: status, scopes, installer, times, token expiry, key"
_COLUMNS = Columns(
    wide=(
        "tenant", "kind", "name", "status", "reason", "installer", "installed", "last_used", "last_validated",
        "token_expires", "key", "label", "scopes", "install_url",
    ),
    narrow=("tenant", "name", "status", "installed", "token_expires", "key"),
    cuts=dict.fromkeys(("name", "status", "key"), Cut.MIDDLE),
)  # fmt: skip


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
    tell(*listed(rows, _COLUMNS, arguments.wide))
    return 0
