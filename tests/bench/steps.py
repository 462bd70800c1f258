"""What a receipt costs, step by step: the service in this process, events one after the other, and its worker beside.

Each function of a step is timed on the processor of its own thread, without what the steps inside it take. A function
that is not there any more is an error: the table must not lose a step unseen.
"""

import functools
import importlib
import io
import json
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from threading import local
from typing import Any

from slackapp.app import build, system_clock, system_entropy
from slackapp.config import settings as config
from tests.bench import world
from tests.bench.process import wait_until_idle
from tests.support.world import environment

WARM, EVENTS = 1000, 2000
STEPS = {
    "verify the signature": ("checks.slack_signature:verify_signature",),
    "parse": ("checks.json_body:parse_json",),
    "find the installation": ("store.installations:find_first", "store.installations:find"),
    "seal": ("vault.keyring:Keyring.seal",),
    "insert": ("store.inbox:claim_event", "store.inbox:add_event"),
    "hand to the writer and wait": ("store.engine.sqlite:SqliteDatabase.commit_in_group",),
    "begin and commit": ("store.engine.sqlite:SqliteDatabase._commit",),
    "answer: headers, metric, log line": ("wsgi:Wsgi._send",),
    "the rest of the request": ("wsgi:Wsgi.__call__",),
    "hand over": ("runtime.hand_off:HandOff.put", "runtime.hand_off:HandOff.take"),
    "look for rows, and claim": ("workers.queue_workers:QueueWorkers._find_row", "store.queue:claim"),
    "open": ("vault.keyring:Keyring.open",),
    "run": ("flows.events.run_event:run", "flows.events.run_event:run_claimed"),
    "mark": ("store.queue:finish",),
}
"""The functions of each, below slackapp/."""
TOTAL = "all of it, with threads, locks and this measuring"

Clock = Callable[[], int]


class Stopwatch:
    """What each call of a step took, in nanoseconds: on the processor, and by the clock."""

    def __init__(self, cpu: Clock = time.thread_time_ns, elapsed: Clock = time.perf_counter_ns) -> None:
        self.calls: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._clocks = (cpu, elapsed)
        self._local = local()

    def watch(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        @functools.wraps(function)
        def timed(*args: Any, **given: Any) -> Any:
            inside = self._local.__dict__.setdefault("inside", [])
            inside.append((0, 0))
            begun = [clock() for clock in self._clocks]
            try:
                return function(*args, **given)
            finally:
                took = [clock() - begin for clock, begin in zip(self._clocks, begun, strict=True)]
                theirs = inside.pop()
                self.calls[step].append((took[0] - theirs[0], took[1] - theirs[1]))
                if inside:
                    inside[-1] = (inside[-1][0] + took[0], inside[-1][1] + took[1])

        return timed

    def attach(self, step: str, place: str) -> None:
        """Puts the timed function wherever the function is known."""
        owner, name = find(place)
        function = getattr(owner, name)
        timed = self.watch(step, function)
        setattr(owner, name, timed)
        for module in [module for known, module in sys.modules.items() if known.startswith("slackapp")]:
            for known in [known for known, value in vars(module).items() if value is function]:
                setattr(module, known, timed)


def find(place: str) -> tuple[Any, str]:
    """The module or the class, and the name in it. Raises AttributeError where it is not there."""
    module_name, _, path = place.partition(":")
    owner: Any = importlib.import_module(f"slackapp.{module_name}")
    *classes, name = path.split(".")
    for each in classes:
        owner = getattr(owner, each)
    getattr(owner, name)
    return owner, name


def environ(request: bytes) -> dict[str, Any]:
    """A request as waitress hands it over."""
    head, _, body = request.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return {
        **named, "REQUEST_METHOD": "POST", "REQUEST_URI": "/slack/events", "PATH_INFO": "/slack/events",
        "QUERY_STRING": "", "REMOTE_ADDR": "127.0.0.1", "CONTENT_TYPE": headers["Content-Type"],
        "CONTENT_LENGTH": headers["Content-Length"], "wsgi.input": io.BytesIO(body),
    }  # fmt: skip


def time_steps(folder: Path) -> dict[str, list[float]]:
    """Microseconds of each step for one event: on the processor, and by the clock."""
    settings = config.load(environment(folder, world.NOBODY, SLACKAPP_BEHAVIOUR="tests.bench.behaviour:QUIET"), {})
    watch = Stopwatch()
    with (folder / "log").open("w", encoding="utf-8") as log:
        service = build(settings, system_clock, system_entropy, log)
        for step, places in STEPS.items():
            for place in places:
                watch.attach(step, place)
        service.start()
        requests = [environ(request) for request in world.events(WARM + EVENTS, 1000)]
        statuses = set()
        for number, request in enumerate(requests):
            if number == WARM:
                wait_until_idle([os.getpid()], 10)
                watch.calls.clear()
                used = time.process_time()
            service.wsgi(request, lambda status, headers: statuses.add(status))
        wait_until_idle([os.getpid()], 20)
        used = time.process_time() - used
        service.stop()
    if statuses != {"200 OK"}:
        raise AssertionError(f"not all were answered 200: {statuses}")
    return {**{step: per_event(watch.calls[step]) for step in STEPS}, TOTAL: [1e6 * used / EVENTS, 0.0]}


def per_event(calls: list[tuple[int, int]]) -> list[float]:
    """The median of a call, as often as there is one for each event."""
    if not calls:
        return [0.0, 0.0]
    return [statistics.median(column) / 1000 * len(calls) / EVENTS for column in zip(*calls, strict=True)]


def main() -> None:
    """One argument: the folder."""
    print(json.dumps(time_steps(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
