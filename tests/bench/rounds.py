"""A round: the targets of each scenario are started and warmed up, and then take short turns under the same load.

The order of the turns is drawn anew each time, so that neither what comes first nor what disturbs the machine for some
seconds is always to the same one's gain.
"""

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench import host, start, world
from tests.bench.process import busy_seconds, memory, read_counters, wait_until_idle
from tests.bench.start import Place, Server
from tests.bench.targets import (
    HOST,
    LEFT_OUT_IF_QUICK,
    MANY,
    OURS,
    QUICK,
    SCENARIOS,
    Figures,
    Requests,
    Scenario,
    Target,
)

CONNECTIONS = 16
FLOW_CLIENTS = 4
"""One address gets half of the places for exchanges, and others are told to wait."""
WARM_REQUESTS, WARM_SECONDS = 1000, 2.0
"""The first thousand cost more, up to a sixth."""
MOST_PER_SECOND = 5000
"""More than any target answers."""
PARTS, STEPS, DELIVERY = "parts", "steps", "delivery"
STATUSES = {Requests.INSTALL: 302, Requests.MESSAGES: 202}
"""Of answers that are not 200."""
Turn = Callable[[], Figures]


@dataclass(frozen=True)
class Round:
    """What each turn found by scenario and target; the disk's flushes, and the steps of a receipt."""

    turns: list[dict[str, Figures]] = field(default_factory=list)
    flushes: list[dict[str, float]] = field(default_factory=list)
    steps: list[dict[str, list[float]]] = field(default_factory=list)


@dataclass(frozen=True)
class Bench:
    """How long a turn lasts and how many there are in a round, and what is left out."""

    place: Place
    seconds: float
    turns: int
    quick: bool
    only: tuple[str, ...] = ()

    def is_wanted(self, name: str) -> bool:
        """Tells whether that scenario, or those parts, are to be measured."""
        return name in self.only if self.only else not self.quick or name in (*QUICK, PARTS, STEPS)

    def round(self, seed: int) -> Round:
        """All scenarios; the parts once for each turn, in a quick run once for all of them."""
        order = random.Random(seed)
        found = Round([{} for _ in range(self.turns)])
        for scenario in filter(self._targets, SCENARIOS):
            for known, figures in zip(found.turns, self._take_turns(scenario, order), strict=True):
                known.update(figures)
        for known in found.turns[: 1 if self.quick else None] if self.is_wanted(PARTS) else ():
            parts = self._parts(order.randrange(2**32))
            known.update({name: Figures(**each) for name, each in parts["figures"].items()})
            found.flushes.append(parts["flush"])
        if self.is_wanted(DELIVERY):
            delivery = self._delivery(order.randrange(2**32))
            found.turns[0].update({name: Figures(**each) for name, each in delivery.items()})
        if self.is_wanted(STEPS):
            found.steps.append(self._steps())
        return found

    def _take_turns(self, scenario: Scenario, order: random.Random) -> Iterator[dict[str, Figures]]:
        with contextlib.ExitStack() as stack:
            slack = stack.enter_context(start.serve_slack(self.place, scenario.slack_pause))
            ready = {
                name: stack.enter_context(self._ready(scenario, each, slack))
                for name, each in self._targets(scenario).items()
            }
            for _ in range(self.turns):
                names = order.sample(sorted(ready), len(ready))
                print(f"  {scenario.name}: {', '.join(names)}", flush=True)
                yield {f"{scenario.name} {name}": ready[name]() for name in names}

    def _targets(self, scenario: Scenario) -> dict[str, Target]:
        """Those that can be measured here."""
        wanted = scenario.targets if self.is_wanted(scenario.name) else {}
        return {name: target for name, target in wanted.items() if self._is_possible(name, target)}

    def _is_possible(self, name: str, target: Target) -> bool:
        if target.slow_flush and self.place.flush_shim is None:
            return False
        return not (target.checkout and self.place.checkout is None) and not (self.quick and name in LEFT_OUT_IF_QUICK)

    @contextlib.contextmanager
    def _ready(self, scenario: Scenario, target: Target, slack: Server) -> Iterator[Turn]:
        """A target that is warm, and has nothing left to do; yields what is one turn of it."""
        if scenario.requests == Requests.START:
            yield lambda: self._start(target, slack.ports[0])
            return
        with start.serve(target, self.place, slack.ports[0]) as server:
            if scenario.requests in (Requests.FLOWS, Requests.CONNECTS):
                yield lambda: self._flows(server, scenario.requests)
                return
            for request in host.first_requests(scenario.requests):
                with start.connect(server.ports[0]) as sock:
                    start.ask(sock, request)
            given = {
                "ports": server.ports, "connections": CONNECTIONS, "file": str(self._requests(scenario, target)),
                "warm": WARM_REQUESTS, "warm_seconds": WARM_SECONDS, "seconds": self.seconds,
            }  # fmt: skip
            arguments, pipe = [sys.executable, "-m", "tests.bench.load", json.dumps(given)], subprocess.PIPE
            with subprocess.Popen(arguments, cwd=start.ROOT, stdin=pipe, stdout=pipe, text=True) as client:
                load = Load(scenario, server, slack, client)
                load.read_answers()
                yield load.take_turn

    def _requests(self, scenario: Scenario, target: Target) -> Path:
        """The prepared requests, the same for all targets that have so many tenants."""
        file = self.place.folder / f"requests-{scenario.requests}-{target.tenants}"
        number = int(MOST_PER_SECOND * self.seconds * self.turns) + WARM_REQUESTS
        if scenario.requests == Requests.INSTALL:
            world.write_gets(file, number, "/slack/install")
        elif scenario.requests in host.REQUESTS:
            host.write_requests(file, number, scenario.requests, target.tenants)
        elif not file.exists() or time.time() - file.stat().st_mtime > 60:  # they are signed, and get too old
            world.write_events(file, number, target.tenants)
        return file

    def _flows(self, server: Server, requests: Requests) -> Figures:
        warm, seconds = str(WARM_SECONDS / 2), str(self.seconds)
        module = "tests.bench.flows" if requests == Requests.FLOWS else "tests.bench.connects"
        return Figures(rate=_run(module, str(server.ports[0]), str(FLOW_CLIENTS), warm, seconds)["rate"])

    def _start(self, target: Target, slack_port: int) -> Figures:
        """From the start of the process to the answer of its first event."""
        port, request = start.free_ports(1)[0], next(world.events(1, 1))
        with self.place.copy(target) as folder:
            begun = time.perf_counter()
            with start.started(target, self.place, folder, port=port, slack_port=slack_port):
                with start.connect(port) as sock:
                    answer = start.ask(sock, request)
                took = time.perf_counter() - begun
        _expect([start.read_answer(answer)[0][:3]], 200)
        return Figures(took=took)

    def prepare(self) -> None:
        """Makes the tenants, and learns what ours answers, for hello."""
        for target in {each for scenario in SCENARIOS for each in self._targets(scenario).values()}:
            self.place.tenants(target.tenants, target.checkout, target.host)
        requests = {"/slack/events": next(world.events(1, 1)), "/slack/install": world.get("/slack/install")}
        with start.serve(OURS, self.place) as server:
            for path, request in requests.items():
                with start.connect(server.ports[0]) as sock:
                    self.place.answers[path] = start.read_answer(start.ask(sock, request))
        with start.serve_slack(self.place, 0.0) as slack, start.serve(HOST, self.place, slack.ports[0]) as server:
            for path, request in host.each_request().items():
                with start.connect(server.ports[0]) as sock:
                    self.place.answers[path] = start.read_answer(start.ask(sock, request))

    def _parts(self, seed: int) -> dict[str, Any]:
        """What is timed in a process, and not over HTTP."""
        with self.place.copy(OURS) as folder:
            many = "" if self.quick else str(self.place.tenants(MANY))
            return _run("tests.bench.parts", str(folder), many, str(seed))

    def _delivery(self, seed: int) -> dict[str, Any]:
        """What becomes of messages, timed in a process that has the service's threads."""
        with contextlib.ExitStack() as stack:
            ports = [stack.enter_context(start.serve_slack(self.place, pause)).ports[0] for pause in (0.0, 0.05)]
            folder = stack.enter_context(self.place.copy(HOST))
            return _run("tests.bench.messages", str(folder), *map(str, ports), str(seed))

    def _steps(self) -> dict[str, list[float]]:
        """What a receipt costs."""
        with self.place.copy(OURS) as folder:
            return _run("tests.bench.steps", str(folder))


@dataclass(frozen=True)
class Load:
    """A client that waits for its turn, with the server that it asks."""

    scenario: Scenario
    server: Server
    slack: Server
    client: "subprocess.Popen[str]"

    def take_turn(self) -> Figures:
        """Load for some seconds, and what the kernel counted from its begin until all of it was done."""
        pids = self.server.pids
        before, busy = read_counters(pids), self._others()
        self.client.stdin.write("\n")
        self.client.stdin.flush()
        found = self.read_answers()
        behind = self._settle()
        used, busy = read_counters(pids).since(before), self._others() - busy
        requests, took = found["requests"], found["seconds"] + behind
        return Figures(
            rate=found["rate"], done=requests / took, p50=found["p50"], p99=found["p99"], behind=behind,
            cpu=used.cpu / requests, switches=used.switches / requests, written=used.written / requests,
            memory=memory(pids) / 2**20, client_cpu=found["client_cpu"],
            others=max(0.0, busy - used.cpu - requests * found["client_cpu"]) / took / (os.cpu_count() or 1),
        )  # fmt: skip

    def read_answers(self) -> dict[str, Any]:
        """What the client found; nothing but what was to be answered."""
        found: dict[str, Any] = json.loads(self.client.stdout.readline())
        _expect(found["statuses"], STATUSES.get(self.scenario.requests, 200))
        return found

    def _settle(self) -> float:
        return wait_until_idle(self.server.pids, 20) if self.scenario.drains else 0.0

    def _others(self) -> float:
        """What the machine has worked for others than the Slack of this scenario."""
        return busy_seconds() - read_counters(self.slack.pids).cpu


def _run(module: str, *arguments: str) -> dict[str, Any]:
    """What a program of the bench prints."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=start.ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _expect(statuses: Any, status: int) -> None:
    if set(statuses) != {str(status)}:
        raise AssertionError(f"not all were answered {status}: {statuses}")
