"""`slackapp brake`: whether so many tenants fail that none is given up, and a person's word that it may go on."""

import argparse
from datetime import UTC, datetime

from slackapp.checks import token_refusals
from slackapp.cli.printing import print_lines
from slackapp.cli.session import open_service, operator_actor
from slackapp.flows.tokens import brake

HELP = "show whether Slack refuses so many tenants at once that none is given up; release that"


def configure(parser: argparse.ArgumentParser) -> None:
    """Only to look, or to release it."""
    parser.add_argument("--release", action="store_true", help="what Slack says counts again; for an hour, at once")


def run(arguments: argparse.Namespace) -> int:
    """0 when the brake does not hold (any more), else 1. Raises ConfigError, StoreError."""
    with open_service() as service:
        app = service.app
        found = brake.release(app, operator_actor(app)) if arguments.release else brake.read_brake(app)
    held = f"on since {datetime.fromtimestamp(found.since, UTC):%Y-%m-%dT%H:%M:%SZ}" if found.since else "off"
    print_lines(f"brake: {held}; tenants that wait: {found.waiting}; tokens that pause: {found.paused}")
    if arguments.release:
        print_lines(f"released: for {token_refusals.RELEASE_SECONDS // 60} minutes what Slack says counts at once")
        return 0
    return 1 if found.since else 0
