"""`slackapp reconcile`: what is stored compared with what Slack says, difference by difference."""

import argparse

from slackapp.cli.service.session import open_service, operator_actor
from slackapp.cli.terminal.printing import print_json, print_lines
from slackapp.errors import UsageError
from slackapp.flows import named_tenants
from slackapp.host.flows.reviews import reconcile
from slackapp.host.flows.reviews.reconcile import Difference


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds what is compared, and whether it is mended."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--tenant", metavar="ID", help="only this one")
    which.add_argument("--after", metavar="ID", default="", help="only those behind this id, where a run was cut off")
    parser.add_argument("--repair", action="store_true", help="end differences between our own tables")
    parser.add_argument("--json", action="store_true", help="one JSON object per difference")


def run(arguments: argparse.Namespace) -> int:
    """Returns 0 where nothing differs, or all of it was ended, else 1. Raises ConfigError, CommandError, StoreError."""
    differs, is_repair = False, arguments.repair
    with open_service() as service:
        app = service.app
        if app.settings.host_keys_file is None:
            raise UsageError("slackapp reconcile: is for the host side; without it: slackapp check")
        actor = operator_actor(app)
        only = named_tenants.require_tenant(arguments.tenant) if arguments.tenant is not None else None
        for tenant, differences in reconcile.run(app, only, arguments.after, actor, is_repair=is_repair):
            for each in differences:
                differs = differs or not each.is_repaired
                _print(each, arguments.json)
            print_lines(f"{tenant}: looked at", error=True)
    return 1 if differs else 0


def _print(each: Difference, is_json: bool) -> None:
    if is_json:
        print_json({**each._asdict(), "tenant": each.tenant.id})
        return
    whose = "  ".join(filter(None, (each.organization_id, each.connection_id)))
    repaired = "  repaired" if each.is_repaired else ""
    print_lines(f"{each.tenant}  {each.kind}: {each.detail}{repaired}" + (f"  {whose}" if whose else ""))
