"""`slackapp uninstall`: removes one tenant, now."""

import argparse
import sys

from slackapp import config
from slackapp.app import build, system_clock, system_entropy
from slackapp.checks.slack_ids import is_enterprise, is_workspace
from slackapp.cli.environment import read_environment
from slackapp.errors import ConfigError
from slackapp.flows import uninstall_tenant
from slackapp.model import Origin
from slackapp.store import inbox

HELP = "tell Slack, and erase a tenant's tokens and data"


def configure(parser: argparse.ArgumentParser) -> None:
    """The id of the team or enterprise."""
    parser.add_argument("id", metavar="TEAM_OR_ENTERPRISE_ID")


def run(arguments: argparse.Namespace) -> int:
    """0 when nothing is left, 75 when the purge is still pending. Raises ConfigError."""
    if not (is_workspace(arguments.id) or is_enterprise(arguments.id)):
        raise ConfigError(f"{arguments.id}: is not the id of a team (T…) or an enterprise (E…)")
    service = build(config.load(read_environment(), {}), system_clock, system_entropy, sys.stderr)
    app = service.app
    try:
        outcome = uninstall_tenant.run(app, arguments.id, Origin("operator", app.entropy(8).hex()), app.clock())
        service.worker.drain(app)
        pending = inbox.count_open_purges(app.db)
    finally:
        service.stop()
    if not outcome.found:
        print(f"{arguments.id}: nothing is stored for it")
        return 0
    print(f"{arguments.id}: Slack: {outcome.slack}")
    print(f"{arguments.id}: {'erased' if outcome.erased else 'kept: it was installed again meanwhile'}")
    if pending:
        print("a reader holds the write-ahead log; the service finishes the purge", file=sys.stderr)
        return 75
    return 0
