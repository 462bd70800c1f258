"""`slackapp serve`: production. Never starts the local Slack."""

import argparse

from slackapp.app import Service
from slackapp.cli.service import server
from slackapp.cli.service.environment import read_settings
from slackapp.cli.terminal.printing import print_lines


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError."""
    return server.serve(read_settings(), _print_ready)


def _print_ready(service: Service) -> None:
    settings = service.app.settings
    slack = f"{'the local Slack at ' if settings.slack.is_local else ''}{settings.slack.origin}"
    print_lines(f"slackapp serves {settings.public_url} on {settings.listen}, with {slack}", error=True)
