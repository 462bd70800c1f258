"""`make bench`: everything side by side, as ratios within a round, with the absolute figures beside them.

The targets of a scenario are measured one after the other, in an order that each round draws anew, each on a fresh copy
of the same data and warmed up. Writes docs/benchmarks.md and docs/benchmarks.svg. `--quick` takes under three minutes,
writes nothing, and ends with 1 where a ratio is below its gate.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import chart, report, world
from tests.bench.process import busy_seconds, memory, read_counters, wait_until_idle
from tests.bench.targets import MANY, QUICK, SCENARIOS, SLOW_TO_MAKE, Figures, Kind, Requests, Scenario, Target
from tests.bench.world import Place, Server

PAGE = world.ROOT / "docs" / "benchmarks.md"
CHART = PAGE.with_suffix(".svg")
CONNECTIONS = 16
FLOW_CLIENTS = 4
"""One address gets half of the places for exchanges, and others are told to wait."""
WARM_REQUESTS, WARM_SECONDS = 1000, 2.0
"""The first thousand cost more, up to a sixth."""
MOST_PER_SECOND = 6000
"""More than any target answers."""


@dataclass(frozen=True)
class Bench:
    """How long each measurement lasts, and what is left out."""

    place: Place
    seconds: float
    quick: bool

    def scenarios(self) -> list[tuple[Scenario, dict[str, Target]]]:
        """What is measured here, each with its targets."""
        wanted = [scenario for scenario in SCENARIOS if not self.quick or scenario.name in QUICK]
        return [(each, {name: t for name, t in each.targets.items() if self._is_possible(name, t)}) for each in wanted]

    def _is_possible(self, name: str, target: Target) -> bool:
        if target.slow_flush and self.place.flush_shim is None:
            return False
        return not (target.checkout and self.place.checkout is None) and not (self.quick and name in SLOW_TO_MAKE)

    def round(self, order: random.Random) -> dict[str, Figures]:
        """Each target of each scenario, once."""
        found = {}
        for scenario, targets in self.scenarios():
            names = order.sample(sorted(targets), len(targets))
            print(f"  {scenario.name}: {', '.join(names)}", flush=True)
            for name in names:
                found[f"{scenario.name} {name}"] = self._figures(scenario, targets[name])
        return found

    def _figures(self, scenario: Scenario, target: Target) -> Figures:
        slack = Target(Kind.SLACK, threads=64, slack_pause=target.slack_pause)
        port = world.free_ports(1)[0]
        with world.started(slack, self.place, port) as process:
            world.connect(port).close()
            if scenario.requests == Requests.START:
                return self._start(target, port)
            with world.serve(target, self.place, port) as server:
                if scenario.requests == Requests.FLOWS:
                    return self._flows(server)
                return self._load(scenario, target, server, process.pid)

    def _load(self, scenario: Scenario, target: Target, server: Server, slack: int) -> Figures:
        given = {
            "ports": server.ports, "connections": CONNECTIONS, "file": str(self._requests(scenario, target)),
            "warm": WARM_REQUESTS, "warm_seconds": WARM_SECONDS, "seconds": self.seconds,
        }  # fmt: skip
        arguments = [sys.executable, "-m", "tests.bench.load", json.dumps(given)]
        pipe = subprocess.PIPE
        with subprocess.Popen(arguments, cwd=world.ROOT, stdin=pipe, stdout=pipe, text=True) as client:
            warmed = json.loads(client.stdout.readline())
            if scenario.drains:
                wait_until_idle(server.pids, 10)
            before, busy = read_counters(server.pids), busy_seconds() - read_counters([slack]).cpu
            client.stdin.write("\n")
            client.stdin.flush()
            found, behind = json.loads(client.stdout.readline()), 0.0
        if scenario.drains:
            behind = wait_until_idle(server.pids, 20)
        used, busy = read_counters(server.pids).since(before), busy_seconds() - read_counters([slack]).cpu - busy
        for each in (warmed, found):
            _expect(each["statuses"], 200 if scenario.requests == Requests.EVENTS else 302)
        requests, took = found["requests"], found["requests"] / found["rate"] + behind
        return Figures(
            rate=found["rate"], done=requests / took, p50=found["p50"], p99=found["p99"], behind=behind,
            cpu=used.cpu / requests, switches=used.switches / requests, written=used.written / requests,
            memory=memory(server.pids) / 2**20, client_cpu=found["client_cpu"],
            others=max(0.0, busy - used.cpu - requests * found["client_cpu"]) / took / os.cpu_count(),
        )  # fmt: skip

    def _requests(self, scenario: Scenario, target: Target) -> Path:
        """The prepared requests; one file for all targets of a round."""
        file = self.place.folder / f"requests-{scenario.requests}-{target.tenants}"
        number = int(MOST_PER_SECOND * self.seconds) + WARM_REQUESTS
        if scenario.requests == Requests.INSTALL:
            world.write_gets(file, number, "/slack/install")
        elif not file.exists() or time.time() - file.stat().st_mtime > 120:
            world.write_events(file, number, target.tenants)
        return file

    def _flows(self, server: Server) -> Figures:
        warm, seconds = str(WARM_SECONDS / 2), str(self.seconds)
        return Figures(rate=_run("tests.bench.flows", str(server.ports[0]), str(FLOW_CLIENTS), warm, seconds)["rate"])

    def _start(self, target: Target, slack_port: int) -> Figures:
        """From the start of the process to the answer of its first event."""
        world.copy(self.place, target)
        port, request = world.free_ports(1)[0], next(world.events(1, 1))
        begun = time.perf_counter()
        with world.started(target, self.place, port, slack_port), world.connect(port) as sock:
            answer = world.ask(sock, request)
            took = time.perf_counter() - begun
        _expect([world.read_answer(answer)[0][:3]], 200)
        return Figures(took=took)

    def learn_answers(self) -> None:
        """What ours answers, for hello."""
        install = f"GET /slack/install HTTP/1.1\r\nHost: {world.HOST}\r\n\r\n".encode()
        with world.serve(Target(Kind.OURS), self.place) as server:
            for path, request in (("/slack/events", next(world.events(1, 1))), ("/slack/install", install)):
                with world.connect(server.ports[0]) as sock:
                    self.place.answers[path] = world.read_answer(world.ask(sock, request))

    def parts(self, seed: int) -> dict[str, Any]:
        """What is timed in a process, and not over HTTP."""
        world.copy(self.place, Target(Kind.OURS))
        many = "" if self.quick else str(self.place.tenants(MANY))
        return _run("tests.bench.parts", str(self.place.work), many, str(seed))

    def steps(self) -> dict[str, Any]:
        """What a receipt costs."""
        world.copy(self.place, Target(Kind.OURS))
        return _run("tests.bench.steps", str(self.place.work))


def _run(module: str, *arguments: str) -> dict[str, Any]:
    """What a program of the bench prints."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=world.ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _expect(statuses: Any, status: int) -> None:
    if set(statuses) != {str(status)}:
        raise AssertionError(f"not all were answered {status}: {statuses}")


def run(bench: Bench, rounds: int, seed: int) -> report.Results:
    """All rounds."""
    results = report.Results(seed)
    bench.learn_answers()
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}, in the order of seed {seed + number}", flush=True)
        found = bench.round(random.Random(seed + number))
        parts = bench.parts(seed + number)
        results.rounds.append({**found, **{name: Figures(**each) for name, each in parts["figures"].items()}})
        results.flushes.append(parts["flush"])
        results.steps.append(bench.steps())
    return results


def main() -> None:
    """Measures, prints and writes the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a gate: short rounds, and not of everything")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 10_000, help="of the order")
    parser.add_argument("--checkout", type=Path, help="another checkout of this project, with a .venv, beside ours")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        shim = world.make_flush_shim(Path(name))
        if shim is None:
            print("There is no C compiler (cc): no flush can be made slower, and that scenario is left out.")
        place = Place(Path(name), given.checkout and given.checkout.resolve(), shim)
        bench = Bench(place, seconds=1.0 if given.quick else 3.0, quick=given.quick)
        results = run(bench, given.rounds or (3 if given.quick else 5), given.seed)
    print(report.page(results))
    if given.quick:
        sys.exit(report.print_gate(results))
    if given.checkout is None:
        PAGE.write_text(report.page(results), encoding="utf-8")
        CHART.write_text(chart.draw(report.panels(results)), encoding="utf-8")


if __name__ == "__main__":
    main()
