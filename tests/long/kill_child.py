"""Starts real servers, one after the other, each as a fork of a process that has all the modules in memory already.

For each order (a line of JSON) it tells the server's process id, and, when somebody has killed that, how it ended.
"""

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any, cast

from slackapp.app import SystemClock
from slackapp.cli.service import server
from slackapp.config import settings as config
from slackapp.slack import transport  # noqa: F401  (else every fork imports it at its first call)
from tests.support.world import BOOTED


@dataclass(frozen=True)
class Order:
    """The settings of a server, how far its clock is ahead, and where its log goes."""

    environment: dict[str, str]
    ahead: float
    log: str

    def as_line(self) -> str:
        return json.dumps(asdict(self)) + "\n"


def _serve(order: Order) -> None:
    """In the fork, until it is killed."""
    log = os.open(order.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.dup2(log, 2)
    right = time.time
    time.time = cast(Any, lambda: right() + order.ahead)
    SystemClock.steady = cast(Any, lambda clock: int(time.time()) - BOOTED)  # time goes by, and nobody sets the clock
    server.serve(config.load(order.environment, {}), lambda service: None)


def main() -> None:
    """One fork per line."""
    for line in sys.stdin:
        order = Order(**json.loads(line))
        child = os.fork()
        if child == 0:
            try:
                _serve(order)
            finally:
                os._exit(1)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
