"""A client of its own, for a Slack at any address."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from slackapp.config import parsers
from slackapp.config import settings as config
from slackapp.model import Secret
from slackapp.runtime.health import Health
from slackapp.runtime.metrics import Metrics
from slackapp.slack.client import SlackClient
from tests.support.world import World, environment

TOKEN = Secret("xoxb-" + "a-token-that-must-not-be-seen")


@dataclass
class Caller:
    """A client, and what it counted. Set `in_transaction` to have it believe that one is open."""

    client: SlackClient
    metrics: Metrics
    state: dict[str, bool] = field(default_factory=lambda: {"open": False})


MakeCaller = Callable[[str], Caller]


@pytest.fixture
def caller_of(tmp_path: Path) -> MakeCaller:
    """A client of the Slack at an address."""

    def run(url: str) -> Caller:
        settings = config.load(environment(tmp_path, "http://127.0.0.1:1"), {})
        metrics = Metrics()
        state = {"open": False}
        slack = parsers.slack_url(url)
        client = SlackClient(settings._replace(slack=slack), lambda: state["open"], metrics, Health())
        return Caller(client, metrics, state)

    return run


@pytest.fixture
def token(world: World) -> Secret:
    """The bot's token of an installation at the local Slack, whose calls until now are forgotten."""
    world.browser().install()
    value = next(each.value for each in world.slack.tokens_of["T0NORTH001"] if each.kind == "bot")
    world.slack.called.clear()
    return Secret(value)
