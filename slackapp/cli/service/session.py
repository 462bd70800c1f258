"""A service for the length of one command: no port, no worker thread."""

import contextlib
import sys
from collections.abc import Iterator

from slackapp.app import Service, build, system_clock, system_entropy
from slackapp.cli.service.environment import read_settings
from slackapp.flows.app import App
from slackapp.model import Actor, ActorKind, Settings

EX_TEMPFAIL = 75
"""The exit status for what may work later (sysexits.h)."""


@contextlib.contextmanager
def open_service() -> Iterator[Service]:
    """Opens the database and the keys as the settings say. Raises ConfigError."""
    service = build(read_settings(), system_clock, system_entropy, sys.stderr)
    try:
        yield service
    finally:
        service.app.metrics.persist(service.app.db, service.app.log)
        service.stop()


@contextlib.contextmanager
def open_app(settings: Settings) -> Iterator[App]:
    """Opens another database, such as a copy of this one, for a flow that looks into it. Raises ConfigError."""
    service = build(settings, system_clock, system_entropy, sys.stderr)
    try:
        yield service.app
    finally:
        service.stop()


def operator_actor(app: App) -> Actor:
    """Makes the actor of a command.

    Its request id is random, and the same in each of the command's audit rows.
    """
    return Actor(ActorKind.OPERATOR, app.entropy(8).hex())
