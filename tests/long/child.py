"""A process that ends at a given step, as SIGKILL ends it: nothing is rolled back, closed or cleaned up.

Or one that is stopped there, as by SIGSTOP, until it is told to go on. Started once, it forks for every order (a line
of JSON on its standard input): a fork has all the modules in memory already. A step is an SQL statement, a connection
to Slack, or a change of a file beside the database. It is counted, and the process killed, before it happens; no hook
in the product is needed.
"""

import json
import os
import signal
import sqlite3
import sys
import time
import traceback
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from slackapp.app import Service, SystemClock, build, system_clock, system_entropy
from slackapp.cli.service import session
from slackapp.config import settings as config
from slackapp.slack import transport  # noqa: F401  (else every fork imports it at its first call)
from tests.long import scenarios
from tests.support import command
from tests.support.world import BOOTED, Clock, World

CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.truncate"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
SETTING = "PRAGMA"
CHANGING = ("PRAGMA wal_checkpoint", "PRAGMA journal_mode = DELETE")
NEVER = 0
STOPPED = "stopped"
CALL = "a call"


@dataclass(frozen=True)
class Order:
    """What to do in which folder, and at which step to end. `report` is where it says what it did.

    `sent` is the signal that the process gets there. `clock` is a file with the time, for one that lives on while time
    goes by; without it the time is `now`.
    """

    scenario: str
    at: int
    folder: str
    environment: dict[str, str]
    now: int
    arguments: dict[str, str]
    report: str
    sent: int = int(signal.SIGKILL)
    clock: str = ""

    def as_line(self) -> str:
        return json.dumps(asdict(self))


def tell(report: str, text: str) -> None:
    """Says something to the outside, where it is known whatever happens next."""
    with open(report, "a", encoding="utf-8") as file:
        file.write(f"told {' '.join(text.split())}\n")


class Steps:
    """Counts steps once it is armed, and ends the process at one of them."""

    def __init__(self, order: Order) -> None:
        self._at = order.at
        self._sent = order.sent
        self._report = order.report
        self._folder = order.folder
        self.armed = False
        self.pragmas = False
        self.counts: Counter[str] = Counter()

    def take(self, kind: str, what: str) -> None:
        if self.armed:
            self.counts[kind] += 1
            if self.counts.total() == self._at:
                if self._sent != signal.SIGKILL:
                    self.armed = False
                    tell(self._report, f"before {what}")
                os.kill(os.getpid(), self._sent)

    def statement(self, sql: str) -> None:
        # Each connection sets and reads some twenty pragmas that change nothing on the disk, once WAL is on.
        if self.pragmas or not sql.startswith(SETTING) or sql.startswith(CHANGING):
            self.take("statements", sql)

    def event(self, name: str, args: tuple[Any, ...]) -> None:
        if name == "socket.connect":
            self.take("calls", CALL)
        elif (name in CHANGES and self._is_ours(args[0])) or (name == "open" and self._is_written(*args)):
            self.take("file changes", name)

    def _is_written(self, path: object, mode: object, flags: object) -> bool:
        # By number: the moment between making a file and writing to it.
        return isinstance(flags, int) and bool(flags & WRITES) and (isinstance(path, int) or self._is_ours(path))

    def _is_ours(self, path: object) -> bool:
        return isinstance(path, str | os.PathLike) and os.path.abspath(path).startswith(self._folder)


class Child:
    """What a scenario may do in the process that dies."""

    def __init__(self, order: Order, steps: Steps) -> None:
        self.arguments = order.arguments
        self.folder = Path(order.folder)
        self.environment = order.environment
        self._order = order
        self._steps = steps

    def arm(self, pragmas: bool = False) -> None:
        """From here on steps count; the settings of each connection only where asked for."""
        self._steps.pragmas = pragmas
        self._steps.armed = True

    def tell(self, text: str) -> None:
        """Says to the outside what was answered; what was told is known there, whatever happens next."""
        tell(self._order.report, text)

    def service(self) -> Service:
        return build(config.load(self._order.environment, {}), system_clock, system_entropy, sys.stderr)

    def world(self) -> World:
        """For requests to our service; Slack is in another process."""
        settings = config.load(self._order.environment, {})
        nobody = cast(Any, None)
        return World(self.folder, settings, Clock(self._order.now), nobody, "", self.service(), cast(Any, sys.stderr))

    def command(self, *arguments: str) -> None:
        """`slackapp …`, its steps counted from where its service is open."""
        opened = session.build

        def build_and_arm(*given: Any, **named: Any) -> Service:
            service = opened(*given, **named)
            self.arm()
            return service

        session.build = build_and_arm  # type: ignore[assignment]
        status = command.run(*arguments)
        self.tell(f"status {status}")


def _trace(steps: Steps) -> None:
    opened = sqlite3.connect

    def connect(*args: Any, **settings: Any) -> sqlite3.Connection:
        connection = opened(*args, **settings)
        connection.set_trace_callback(steps.statement)
        return connection

    sqlite3.connect = connect  # type: ignore[assignment]
    sys.addaudithook(steps.event)


def _obey(order: Order) -> None:
    """In the fork."""
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    time.time = lambda: float(Path(order.clock).read_text()) if order.clock else float(order.now)
    SystemClock.steady = cast(Any, lambda clock: int(time.time()) - BOOTED)  # time goes by, and nobody sets the clock
    time.sleep = cast(Any, lambda seconds: None)
    steps = Steps(order)
    _trace(steps)
    report = Path(order.report)
    try:
        scenarios.by_name(order.scenario).act(Child(order, steps))
    except BaseException:  # noqa: BLE001  (the parent is told, and nothing of the fork may go on)
        report.write_text(traceback.format_exc(), "utf-8")
        os._exit(1)
    steps.armed = False
    with report.open("a", encoding="utf-8") as file:
        file.write(json.dumps(steps.counts) + "\n")
    os._exit(0)


def main() -> None:
    """One fork per line; answers with how it ended, negative for the signal that killed it.

    One that is stopped is told of, and goes on at the next line.
    """
    scenarios.by_name("command")  # all of them, once
    for line in sys.stdin:
        order = Order(**json.loads(line))
        child = os.fork()
        if child == 0:
            _obey(order)
        _, status = os.waitpid(child, os.WUNTRACED)
        while os.WIFSTOPPED(status):
            print(STOPPED, flush=True)
            sys.stdin.readline()
            os.kill(child, signal.SIGCONT)
            _, status = os.waitpid(child, os.WUNTRACED)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
