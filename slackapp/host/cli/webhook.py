"""`slackapp host webhook`: make and change the secret that signs what the host is told."""

import argparse
from pathlib import Path

from slackapp.app import system_entropy
from slackapp.cli.service.environment import read_settings
from slackapp.cli.terminal.arguments import AddVerb, add_verbs
from slackapp.cli.terminal.printing import print_lines
from slackapp.host.flows.webhook import webhook_secrets


def add(add_noun: AddVerb) -> None:
    """Adds the secret, with a verb for each thing that is done to it."""
    secret = add_verbs(add_noun("webhook", "make and change the secret that signs what the host is told", _add_secret))
    secret("new", "make a new file with one secret", _new_secret).add_argument(
        "file", type=Path, help="must not exist yet"
    )
    secret("rotate", "add the secret that follows: both sign until the older one is retired", _add_secret)
    secret("retire", "take the older of two secrets out", _retire_secret)


def _new_secret(arguments: argparse.Namespace) -> int:
    webhook_secrets.create_webhook_secret(arguments.file, system_entropy)
    print_lines(f"{arguments.file}: has a secret. Give the line to the host, which verifies each event by it.")
    return 0


def _add_secret(arguments: argparse.Namespace) -> int:
    webhook_secrets.add_webhook_secret(read_settings(), system_entropy)
    print_lines("a new secret signs, too. Give the first line of the file to the host, and then retire the older one.")
    return 0


def _retire_secret(arguments: argparse.Namespace) -> int:
    webhook_secrets.retire_webhook_secret(read_settings())
    print_lines("the older secret signs nothing from now on")
    return 0
