"""One of several processes in which persons of one workspace install at the same moment, each answer held up a while.

Reads an order (a line of JSON), opens everything, says that it is ready, begins at the next line, tells the statuses.
"""

import io
import json
import random
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slackapp.app import build, system_entropy
from slackapp.config import settings as config
from slackapp.model import SlackResponse
from tests.support.world import NORTH, Clock, World, with_parts

USERS = ("admin", "member", "guest")
LONGEST = 0.3
"""Seconds between Slack's answer and what is done with it: three exchanges may come in between."""


class Late:
    """The client, whose answers are handed on after a while."""

    def __init__(self, slack: Any, chance: random.Random) -> None:
        self._slack, self._chance = slack, chance

    def __getattr__(self, name: str) -> Any:
        return getattr(self._slack, name)

    def call(self, method: str, *given: Any) -> SlackResponse:
        return self._late(self._slack.call(method, *given))

    def call_as_app(self, method: str, params: Mapping[str, Any]) -> SlackResponse:
        return self._late(self._slack.call_as_app(method, params))

    def _late(self, answer: SlackResponse) -> SlackResponse:
        time.sleep(self._chance.uniform(0, LONGEST))
        return answer


def main() -> None:
    order = json.loads(sys.stdin.readline())
    settings, clock, log = config.load(order["environment"], {}), Clock(), io.StringIO()
    service = build(settings, clock, system_entropy, log)
    service = with_parts(service, slack=Late(service.app.slack, random.Random(order["seed"])))
    url = order["environment"]["SLACKAPP_SLACK_URL"]
    world = World(Path(), settings, clock, None, url, service, log)  # type: ignore[arg-type]
    statuses: list[int] = []

    def install(number: int) -> None:
        for turn in range(order["turns"]):
            user = USERS[(number + turn) % len(USERS)]
            statuses.append(world.browser().install(NORTH, user).status)

    print("ready", flush=True)
    sys.stdin.readline()
    threads = [threading.Thread(target=install, args=(number,)) for number in range(order["threads"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    service.stop()
    print(json.dumps(statuses), flush=True)


if __name__ == "__main__":
    main()
