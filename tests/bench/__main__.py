"""`make bench`: everything side by side in one run, as ratios with the absolute figures beside them.

Writes docs/benchmarks.md. `--quick` is one short round, to see that it works.
"""

import argparse
import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench import parts, world

PAGE = world.ROOT / "docs" / "benchmarks.md"
PACKAGES = ("slack-sdk", "cryptography", "waitress", "slack-bolt")


@dataclass(frozen=True)
class Goal:
    """One line of the page: one figure over another, and whether that must be at least, or at most, the bound."""

    what: str
    unit: str
    one: str
    other: str
    bound: float
    at_least: bool = True


AT_MOST = False
GOALS = (
    Goal("signed events, against hello", "/s", "events ours", "events hello", 0.42),
    Goal("signed events, against Bolt", "/s", "events ours", "events bolt", 3),
    Goal("the same, Slack answers in 50 ms, 4 threads", "/s", "slow4 ours", "slow4 bolt", 22),
    Goal("the same, 16 threads", "/s", "slow16 ours", "slow16 bolt", 6.5),
    Goal("events, a flush takes 2 ms longer, against hello", "/s", "flush ours", "events hello", 0.28),
    Goal("events at 100,000 tenants, against 1,000", "/s", "events many", "events ours", 0.9),
    Goal("GET /slack/install, against hello", "/s", "install ours", "install hello", 0.55),
    Goal("GET /slack/install, against Bolt", "/s", "install ours", "install bolt", 4),
    Goal("whole flows, 4 clients, against Bolt", "/s", "flows ours", "flows bolt", 3),
    Goal("state issued and consumed, against Bolt", "s", "state ours", "state bolt", 0.2, AT_MOST),
    Goal("state with 100,000 left over, against none", "s", "state left", "state ours", 1.2, AT_MOST),
    Goal("saving an installation, against Bolt", "s", "save ours", "save bolt", 0.2, AT_MOST),
    Goal("look-up, opened and audited, against Bolt", "s", "look ours", "look bolt", 1.3, AT_MOST),
    Goal("look-up at 100,000 tenants, against 1,000", "s", "look many", "look ours", 1.3, AT_MOST),
    Goal("look-up after 876 re-installs, against none", "s", "look again", "look once", 1.1, AT_MOST),
    Goal("start to first answered event, against hello", "s", "start ours", "start hello", 2.4, AT_MOST),
    Goal("start to first answered event, against Bolt", "s", "start ours", "start bolt", 0.6, AT_MOST),
    Goal("memory after load, against Bolt", " MB", "memory ours", "memory bolt", 0.8, AT_MOST),
)


@dataclass
class Bench:
    """The folders, and how long each measurement lasts."""

    small: Path
    many: Path | None
    seconds: float
    repeats: int
    figures: dict[str, float] = field(default_factory=dict)
    p99: dict[str, float] = field(default_factory=dict)

    def round(self) -> dict[str, float]:
        """All figures, once."""
        self.figures = {}
        with (
            world.server("slack", self.small) as (slack, _),
            world.server("slack", self.small, pause=0.05) as (slow, _),
        ):
            self.events(slack, slow)
            self.installs(slack)
            self.flows(slack)
            self.starts(slack)
        self.parts()
        return self.figures

    def events(self, slack: int, slow: int) -> None:
        for kind in ("hello", "ours", "bolt"):
            self._events(f"events {kind}", kind, self.small, slack=slack, remember=kind)
        self._events("flush ours", "ours", self.small, slack=slack, flush=0.002)
        for threads in (4, 16):
            for kind in ("ours", "bolt"):
                options = {"slack": slow, "threads": threads, "behaviour": "POSTING"}
                self._events(f"slow{threads} {kind}", kind, self.small, **options)
        if self.many is not None:
            self._events("events many", "ours", self.many, slack=slack, tenants=100_000)

    def _events(
        self, name: str, kind: str, folder: Path, remember: str = "", tenants: int = 1000, **options: Any
    ) -> None:
        with world.server(kind, folder, **options) as (port, process):
            file = folder / "requests"
            world.write_events(file, port, int(6000 * self.seconds), tenants)
            found = world.load(port, file, 16, self.seconds)
            _expect(found, 200)
            self.figures[name] = found["rate"]
            self.p99[name] = max(self.p99.get(name, 0.0), found["p99"])
            if remember:
                self.figures[f"memory {remember}"] = world.memory(process) / 2**20

    def installs(self, slack: int) -> None:
        for kind in ("hello", "ours", "bolt"):
            with world.server(kind, self.small, slack=slack) as (port, _):
                world.write_gets(self.small / "requests", port, int(6000 * self.seconds), "/slack/install")
                found = world.load(port, self.small / "requests", 16, self.seconds)
                _expect(found, 200 if kind == "hello" else 302)
                self.figures[f"install {kind}"] = found["rate"]

    def flows(self, slack: int) -> None:
        for kind in ("ours", "bolt"):
            with world.server(kind, self.small, slack=slack) as (port, _):
                # Four: one address gets half of the places for exchanges, and others are told to wait.
                command = [sys.executable, "-m", "tests.bench.flows", str(port), "4", str(self.seconds)]
                done = subprocess.run(command, cwd=world.ROOT, capture_output=True, text=True, check=True)
                self.figures[f"flows {kind}"] = json.loads(done.stdout)["rate"]

    def starts(self, slack: int) -> None:
        """From the start of the process to the answer of its first event."""
        for kind in ("hello", "ours", "bolt"):
            took = []
            for _ in range(3):
                begun = time.perf_counter()
                with world.server(kind, self.small, slack=slack) as (port, _):
                    world.write_events(self.small / "requests", port, 1, 1000)
                    _expect(world.load(port, self.small / "requests", 1, 5), 200)
                    took.append(time.perf_counter() - begun)
            self.figures[f"start {kind}"] = statistics.median(took)

    def parts(self) -> None:
        self.figures["flush"] = parts.timed(parts.flush(self.small), self.repeats)
        service = parts.service(self.small)
        try:
            pairs = (
                ("look", parts.look_up(service, 1000), parts.bolt_look_up(self.small, 1000)),
                ("save", parts.save(service, 1000), parts.bolt_save(self.small, 1000)),
                ("state", parts.state(service), parts.bolt_state(self.small)),
            )
            for name, ours, bolt in pairs:
                self.figures[f"{name} ours"] = parts.timed(ours, self.repeats)
                self.figures[f"{name} bolt"] = parts.timed(bolt, self.repeats // 4)
            parts.leave_states(service, 100_000)
            self.figures["state left"] = parts.timed(parts.state(service), self.repeats)
            one = parts.look_up(service, 1)
            self.figures["look once"] = parts.timed(one, self.repeats)
            again = parts.save(service, 1)
            for _ in range(876):
                again()
            self.figures["look again"] = parts.timed(one, self.repeats)
            service.app.db._connection().execute("DELETE FROM oauth_states")
        finally:
            service.stop()
        if self.many is not None:
            service = parts.service(self.many)
            self.figures["look many"] = parts.timed(parts.look_up(service, 100_000), self.repeats)
            service.stop()


def _expect(found: Mapping[str, Any], status: int) -> None:
    if set(found["statuses"]) != {str(status)}:
        raise AssertionError(f"not all were answered {status}: {found['statuses']}")


def report(rounds: list[dict[str, float]], bench: Bench) -> str:
    """The page."""
    lines = [
        "# Benchmarks", "",
        "Written by `make bench`. Every ratio is of figures of one round; the median of all rounds counts. hello is a",
        "bare WSGI answer on the same waitress; Bolt is Bolt for Python with its SQLite stores on it.", "",
        f"Rounds: {len(rounds)}. {_machine()}", "",
        "| what | ratio | goal | met | figures (medians) |", "| --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for goal in GOALS:
        names = (goal.one, goal.other)
        values = [figures[goal.one] / figures[goal.other] for figures in rounds if set(names) <= set(figures)]
        if not values:
            continue
        value = statistics.median(values)
        met = value >= goal.bound if goal.at_least else value <= goal.bound
        sign = "≥" if goal.at_least else "≤"
        shown = ", ".join(f"{name} {_figure(statistics.median(f[name] for f in rounds), goal.unit)}" for name in names)
        lines.append(f"| {goal.what} | {value:.2f} | {sign} {goal.bound:g} | {'yes' if met else 'no'} | {shown} |")
    flush = statistics.median(figures["flush"] for figures in rounds)
    waits = "a state, a save and a look-up each wait for one"
    lines += ["", f"To flush 4 KiB to this disk took {1e6 * flush:.0f} µs; {waits}."]
    slowest = ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in sorted(bench.p99.items()))
    lines += ["", f"The slowest round's 99th percentile: {slowest}.", ""]
    return "\n".join(lines)


def _figure(value: float, unit: str) -> str:
    if unit == "s":
        return f"{1000 * value:.2f} ms"
    return f"{value:,.0f}{unit}"


def _machine() -> str:
    named = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {named}."
    )


def main() -> None:
    """Measures, prints and writes the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one short round without the 100,000 tenants")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        small, many = Path(name) / "small", Path(name) / "many"
        world.make_tenants(small, 1000)
        if not arguments.quick:
            world.make_tenants(many, 100_000)
        bench = Bench(
            small, None if arguments.quick else many, 0.5 if arguments.quick else 3.0, 100 if arguments.quick else 400
        )
        rounds = []
        for number in range(1 if arguments.quick else arguments.rounds):
            rounds.append(bench.round())
            print(f"round {number + 1}: {json.dumps({k: round(v, 4) for k, v in rounds[-1].items()})}", flush=True)
    page = report(rounds, bench)
    print(page)
    if not arguments.quick:
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
