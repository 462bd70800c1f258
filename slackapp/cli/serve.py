"""`slackapp serve`: production. Never starts the local Slack."""

import argparse

from slackapp.app import Service
from slackapp.cli import server
from slackapp.cli.environment import read_settings
from slackapp.cli.printing import tell

HELP = "serve for production; every setting must be given"


def configure(parser: argparse.ArgumentParser) -> None:
    """No options: everything is a setting."""


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError."""
    return server.serve(read_settings(), _announce)


def _announce(service: Service) -> None:
    settings = service.app.settings
    slack = f"{'the local Slack at ' if settings.slack.is_local else ''}{settings.slack.origin}"
    tell(f"slackapp serves {settings.public_url} on {settings.listen}, with {slack}", error=True)
