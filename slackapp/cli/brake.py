"""`slackapp brake`: shows whether so many tenants fail that no token is marked dead, and releases the brake."""

import argparse
from datetime import UTC, datetime

from slackapp.checks import token_refusals
from slackapp.cli.printing import print_lines
from slackapp.cli.session import open_service, operator_actor
from slackapp.flows.tokens import brake

HELP = "show whether Slack refuses so many tenants at once that none is given up; release that"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds `--release`."""
    parser.add_argument("--release", action="store_true", help="what Slack says counts again; for an hour, at once")


def run(arguments: argparse.Namespace) -> int:
    """Returns 0 when the brake does not hold (any more), else 1. Raises ConfigError, StoreError."""
    with open_service() as service:
        app = service.app
        found = brake.release(app, operator_actor(app)) if arguments.release else brake.read_brake(app)
    held = f"on since {datetime.fromtimestamp(found.since, UTC):%Y-%m-%dT%H:%M:%SZ}" if found.since else "off"
    print_lines(f"brake: {held}; tenants that wait: {found.waiting}; tokens that pause: {found.paused}")
    if arguments.release:
        print_lines(f"released: for {token_refusals.RELEASE_SECONDS // 60} minutes what Slack says counts at once")
        return 0
    return 1 if found.since else 0
