"""A process that ends in the middle."""

import json

import pytest

from slackapp.flows.app import App
from slackapp.flows.events import run_event
from slackapp.store.queue import Run
from tests.support.world import World


class Killed(BaseException):
    """Stands for a process that ends here."""


def kill_in_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a behaviour raises, its worker deals with; but whoever is killed deals with nothing any more."""
    deal_with = run_event._failed

    def unless_killed(app: App, run: Run, error: BaseException, now: int) -> None:
        if isinstance(error, Killed):
            raise error
        deal_with(app, run, error, now)

    monkeypatch.setattr(run_event, "_failed", unless_killed)


def unclear(world: World) -> list[tuple[str, str, str]]:
    """Row, type and reason of each line of the log about a row whose end nobody knows."""
    lines = [json.loads(line) for line in world.log.getvalue().splitlines()]
    return [(line["row"], line["type"], line["reason"]) for line in lines if line["event"] == "event_unclear"]
