"""The page: medians and spreads of ratios that were each taken within one round."""

import os
import platform
import sqlite3
import statistics
import textwrap
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from tests.bench.chart import Bar, Panel
from tests.bench.rounds import Round
from tests.bench.steps import TOTAL
from tests.bench.targets import FACTORS, GOALS, SCENARIOS, UNITS, Figures, Goal

NOTES = Path(__file__).with_name("notes.md")
"""What the figures do not say by themselves."""
FLUSHES = ("append", "overwrite")
PACKAGES = ("slack-sdk", "cryptography", "waitress", "slack-bolt")


@dataclass(frozen=True)
class Spread:
    """The median of some rounds, and the least and the most of them."""

    median: float
    least: float
    most: float


def spread(values: list[float]) -> Spread:
    """Raises ValueError for no values."""
    return Spread(statistics.median(values), min(values), max(values))


@dataclass
class Results:
    """What all rounds found: by scenario and target, of the disk, and of the steps of a receipt."""

    seed: int
    rounds: int
    turns: list[dict[str, Figures]] = field(default_factory=list)
    flushes: list[dict[str, float]] = field(default_factory=list)
    steps: list[dict[str, list[float]]] = field(default_factory=list)

    def add(self, found: Round) -> None:
        """One round more."""
        self.turns += found.turns
        self.flushes += found.flushes
        self.steps += found.steps

    def of(self, name: str, figure: str) -> list[float]:
        """One figure, of each turn in which it was measured."""
        return [getattr(each[name], figure) for each in self.turns if name in each]

    def judge(self, goal: Goal) -> Spread | None:
        """What is held against the bound: a ratio within each turn, or the figure as it is shown."""
        one = self.of(goal.one, goal.figure)
        if goal.other is None:
            values = [value * FACTORS.get(UNITS[goal.figure], 1.0) for value in one]
        else:
            values = [a / b for a, b in zip(one, self.of(goal.other, goal.figure), strict=False) if b]
        return spread(values) if values else None


def is_met(goal: Goal, value: float, bound: float) -> bool:
    """Tells whether the value is on the right side."""
    return value >= bound if goal.at_least else value <= bound


def page(results: Results) -> str:
    """All of it."""
    notes = NOTES.read_text(encoding="utf-8").rstrip("\n")
    return "\n".join([*_head(results), *_goals(results), *_targets(results), *_steps(results), notes, ""])


def _head(results: Results) -> list[str]:
    how = f"""Written by `make bench`. The targets of a scenario are started on fresh copies of the same data, get up
        to a thousand requests to warm up, and take short turns under 16 connections, in another order each time (seed
        {results.seed}). Every ratio is of figures of one turn; shown are the median of all turns, the least and the
        most. hello is a bare WSGI answer on the same waitress that sends what ours was found to send; the floor does
        what a receipt and its run cannot do without, and nothing else (`tests/bench/floor.py`); Bolt is Bolt for Python
        with its SQLite stores. Ours keeps to one processor; so do hello and the floor, which it makes faster, and the
        client takes the other one. Bolt is taken as it comes, and once bound like ours."""
    where = f"""Rounds: {results.rounds}; turns: {len(results.turns)}. {_machine()} {_flushes(results)}
        {_disturbance(results)}"""
    return ["# Benchmarks", "", *_wrapped(how), "", *_wrapped(where), "", "![the same as bars](benchmarks.svg)"]


def _flushes(results: Results) -> str:
    if not results.flushes:
        return ""
    append, overwrite = (1e6 * statistics.median(each[name] for each in results.flushes) for name in FLUSHES)
    return f"To flush 4 KiB took {append:.0f} µs at the end of a file, {overwrite:.0f} µs inside one."


def _disturbance(results: Results) -> str:
    """How much of the machine was the client's, and how much that of programs that have nothing to do with it."""
    loaded = [each for turn in results.turns for each in turn.values() if each.p50]
    if not loaded:
        return ""
    client, others = spread([each.client_cpu for each in loaded]), spread([100 * each.others for each in loaded])
    return f"""The client spent {1e6 * client.median:.0f} µs of processor per request. Other programs took
        {others.median:.0f} % of the processors meanwhile ({others.least:.0f} to {others.most:.0f} %)."""


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False)


def _goals(results: Results) -> list[str]:
    lines = ["", "| what | found | least to most | goal | met | figures |", "| --- | --- | --- | --- | --- | --- |"]
    for goal in GOALS:
        found = results.judge(goal)
        if found is None:
            continue
        bound, met = "", ""
        if goal.bound is not None:
            bound = f"{'≥' if goal.at_least else '≤'} {goal.bound:g}"
            met = "yes" if is_met(goal, found.median, goal.bound) else "no"
        names = [name for name in (goal.one, goal.other) if name is not None]
        figures = ", ".join(f"{name} {shown(results, name, goal.figure)}" for name in names)
        cells = [f"{each:.2f}" if goal.other else f"{each:,.1f}" for each in (found.median, found.least, found.most)]
        lines.append(f"| {goal.what} | {cells[0]} | {cells[1]} to {cells[2]} | {bound} | {met} | {figures} |")
    return lines


def _targets(results: Results) -> list[str]:
    """What hardly moves when the machine does: processor, switches and bytes, beside the rates."""
    how = """CPU, switches and bytes are the server's alone, with the run of what it acknowledged; bytes are those of
        pages that the kernel must write (`write_bytes`). Behind is how long it still worked when the load was over."""
    lines = ["", "## Per request", "", *_wrapped(how), "",
             "| scenario and target | rate | p50 | p99 | CPU | switches | bytes | behind |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]  # fmt: skip
    for name in sorted({name for turn in results.turns for name in turn}, key=_place):
        if results.of(name, "p50")[0]:
            cells = [shown(results, name, figure) for figure in ("rate", "p50", "p99", "cpu", "switches", "written")]
            lines.append(f"| {name} | {' | '.join(cells)} | {statistics.median(results.of(name, 'behind')):.1f} s |")
    return lines


def _place(name: str) -> int:
    """The order of the page is that of the table of targets, not that of a turn."""
    names = [f"{scenario.name} {target}" for scenario in SCENARIOS for target in scenario.targets]
    return names.index(name) if name in names else len(names)


def _steps(results: Results) -> list[str]:
    if not results.steps:
        return []
    how = """Microseconds for one event, in one process, one event after the other: so each has a group commit, and a
        flush, of its own. Medians of a call, times its calls per event, without the steps inside it. The clock's hold
        what was waited for, too."""
    lines = ["", "## What a receipt costs", "", *_wrapped(how), "",
             "| step | on the processor | by the clock |", "| --- | --- | --- |"]  # fmt: skip
    for step in results.steps[0]:
        cpu, elapsed = (statistics.median(each[step][column] for each in results.steps) for column in (0, 1))
        lines.append(f"| {step} | {cpu:,.0f} | {elapsed:,.0f} |" if step != TOTAL else f"| {step} | {cpu:,.0f} | |")
    return lines


OUR_BARS = ("ours", "two", "many")
EVENT_BARS = {
    "hello": "hello: a bare answer", "floor": "floor: only the work", "ours": "ours", "two": "ours, 2 processes",
    "many": "ours, 100,000 tenants", "bolt": "Bolt with SQLite",
}  # fmt: skip


def panels(results: Results) -> list[Panel]:
    """What the chart shows: events a second, and how near each goal is."""
    rates = {name: results.of(f"events {name}", "rate") for name in EVENT_BARS}
    bars = [
        Bar(EVENT_BARS[name], found.median, found.least, found.most, f"{found.median:,.0f}/s", name in OUR_BARS)
        for name, found in ((name, spread(values)) for name, values in rates.items() if values)
    ]
    goals = [(goal, found) for goal in GOALS if goal.bound is not None and (found := results.judge(goal)) is not None]
    return [
        Panel("Signed events acknowledged a second", tuple(bars), max(bar.most for bar in bars)),
        Panel("Share of the goal that is reached (the line)", tuple(_goal_bar(*each) for each in goals), 2.0, mark=1.0),
    ]


def _goal_bar(goal: Goal, found: Spread) -> Bar:
    """At 1 the goal is met, whichever side is the right one."""
    bound = goal.bound or 1.0
    shares = sorted(each / bound if goal.at_least else bound / each for each in (found.least, found.most))
    share = found.median / bound if goal.at_least else bound / found.median
    told = f"{found.median:,.{2 if found.median < 100 else 0}f}, goal {'≥' if goal.at_least else '≤'} {bound:g}"
    return Bar(f"{goal.what}", share, shares[0], shares[1], told)


def shown(results: Results, name: str, figure: str) -> str:
    """The median, with its unit."""
    form = UNITS[figure]
    return form.format(FACTORS.get(form, 1.0) * statistics.median(results.of(name, figure)))


def print_gate(results: Results) -> int:
    """Says which ratio is below its gate; the exit status."""
    status = 0
    for goal in GOALS:
        found = results.judge(goal)
        if found is None or goal.gate is None or is_met(goal, found.median, goal.gate):
            continue
        print(f"too slow: {goal.what}: {found.median:.2f}, and the gate is {goal.gate:g}")
        status = 1
    return status


def _machine() -> str:
    named = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {named}."
    )
