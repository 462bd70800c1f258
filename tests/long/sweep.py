"""The statement sweep: the same thing done again and again, each time killed one step later, and then resumed.

Slack is served from here, over HTTP, and remembers what the dead process had asked of it. After every kill a fresh
service starts on the same files; what must hold always is looked at, the scenario's own end is reached, and everything
is looked at once more.
"""

import contextlib
import io
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from slackapp.app import build, system_entropy
from slackapp.config import settings as config
from slackapp.localslack import LocalApp, LocalSlack, state
from slackapp.store.engine.sqlite import SqliteDatabase
from tests.long import invariants
from tests.long.child import NEVER, STOPPED, Order
from tests.long.scenarios import SETTINGS, Run, Scenario
from tests.support.servers import serve
from tests.support.world import Clock, World, environment, lock_probe, make_world, with_parts

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ended:
    """How a process ended: killed or by itself, what it had told, and the steps of one that was not killed."""

    killed: bool
    told: tuple[str, ...]
    counts: Counter[str]


class ProcessPool:
    """The process that forks for every order."""

    def __enter__(self) -> Self:
        bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "tests.long.child"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, cwd=ROOT, env=bare, stdin=pipe, stdout=pipe, text=True)
        self._heard = ""
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=60)

    def run(self, order: Order) -> Ended:
        """Raises AssertionError when it ended otherwise than by the kill or by its end."""
        self.begin(order)
        return self.end(order)

    def begin(self, order: Order) -> None:
        """Without waiting for its end."""
        Path(order.report).write_text("")
        self._say(order.as_line())

    def has_stopped(self) -> bool:
        """Waits until it is stopped, or has ended; `end` is called in either case."""
        self._heard = self._hear()
        return self._heard == STOPPED

    def go_on(self) -> None:
        """After a stop."""
        self._heard = ""
        self._say("go on")

    def end(self, order: Order) -> Ended:
        """Waits for it; raises AssertionError when it ended otherwise than by the kill or by its end."""
        code = int(self._heard or self._hear())
        self._heard = ""
        lines = Path(order.report).read_text("utf-8").splitlines()
        assert code in (0, -signal.SIGKILL), f"{order.scenario}, step {order.at}: {code}\n" + "\n".join(lines)
        told = tuple(line.removeprefix("told ") for line in lines if line.startswith("told "))
        return Ended(code != 0, told, Counter(json.loads(lines[-1])) if code == 0 else Counter())

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@dataclass(frozen=True)
class Start:
    """Where every run begins: files, Slack's memory, the time."""

    files: Path
    slack: Path
    now: int
    local_app: LocalApp
    arguments: dict[str, str]


def prepare(folder: Path, scenario: Scenario, nursery: ProcessPool) -> Start:
    """Plays what comes before the scenario. The copy has a log beside it, as a killed service leaves it."""
    first, files = folder / "first", folder / "start"
    first.mkdir()
    (first / "keys").mkdir(mode=0o700)
    with make_world(first, **_settings(scenario, first)) as world:

        def command(*arguments: str) -> None:
            order = _order("command", scenario, world, {"line": json.dumps(arguments)}, folder / "report")
            assert nursery.run(order).told == ("status 0",), arguments

        arguments = scenario.prepare(world, command)
        shutil.copytree(first, files, ignore=shutil.ignore_patterns("*-shm"))
        state.save(folder / "start.json", world.slack.state)
        return Start(files, folder / "start.json", world.clock.now, world.slack.app, arguments)


def _settings(scenario: Scenario, folder: Path) -> dict[str, str]:
    return {**SETTINGS, "SLACKAPP_KEY_BACKUP_DIR": str(folder / "keys"), **scenario.settings(folder)}


def _order(what: str, scenario: Scenario, world: World, arguments: dict[str, str], report: Path) -> Order:
    """What is done with the scenario's settings, to its end."""
    given = environment(world.folder, world.slack_url, **_settings(scenario, world.folder))
    return Order(what, NEVER, str(world.folder), given, world.clock.now, arguments, str(report))


@dataclass
class SweepWorld:
    """Puts everything back to the start, and runs the scenario up to a step."""

    folder: Path
    scenario: Scenario
    start: Start
    nursery: ProcessPool
    url: str
    slack: LocalSlack | None = None
    lost: dict[int, list[str]] = field(default_factory=dict)

    def run(self, at: int) -> Ended:
        """Once; what it left behind has been judged when this returns."""
        here, clock, given = self.put_back()
        order = self.order(at, here, given)
        ended = self.nursery.run(order)
        try:
            lost = self._judge(here, clock, given, ended)
        except BaseException as error:
            step = "after its end" if not ended.killed else f"killed at step {at}, having told {list(ended.told)}"
            error.add_note(f"{self.scenario.name}: {step}")
            raise
        if lost:
            self.lost[at] = lost
        return ended

    def put_back(self) -> tuple[Path, Clock, dict[str, str]]:
        """Files, time and Slack's memory as they were at the start; where they are, and the settings."""
        here, kept = self.folder / "run", self.folder / "run.json"
        shutil.rmtree(here, ignore_errors=True)
        shutil.copytree(self.start.files, here)
        self.scenario.change(here)
        shutil.copyfile(self.start.slack, kept)
        clock = Clock(self.start.now)
        self.slack = LocalSlack(
            self.start.local_app, clock, system_entropy, self.url, kept, lock_probe(here / "slackapp.db")
        )
        self.scenario.fault(self.slack)
        return here, clock, environment(here, self.url, **_settings(self.scenario, here))

    def order(self, at: int, here: Path, given: dict[str, str]) -> Order:
        """The scenario up to a step."""
        report = str(self.folder / "report")
        return Order(self.scenario.name, at, str(here), given, self.start.now, self.start.arguments, report)

    def _judge(self, here: Path, clock: Clock, given: dict[str, str], ended: Ended) -> list[str]:
        assert self.slack is not None
        lost: list[str] = []
        _must_be_empty(invariants.secrets_in(here, self.slack.issued_tokens, self.scenario.source))
        settings = config.load(given, {})
        if settings.database.exists():
            found = SqliteDatabase(settings.database)
            assert found.is_sound(thorough=True)
            found.close()
        world = self.world(here, clock, given)
        try:
            _must_be_empty(invariants.violations(world, in_parts=bool(self.scenario.source)))
            self.scenario.finish(Run(world, ended.killed, ended.told, self.start.arguments, self._again(world), lost))
            _must_be_empty(invariants.violations(world))
        finally:
            world.service.stop()
        _must_be_empty(invariants.secrets_in(here, self.slack.issued_tokens, self.scenario.source))
        _must_be_empty(self.slack.violations)
        return lost + invariants.remaining_rows(here)

    def world(self, here: Path, clock: Clock, given: dict[str, str]) -> World:
        """A fresh service on those files."""
        assert self.slack is not None
        settings, log = config.load(given, {}), io.StringIO()
        service = with_parts(build(settings, clock, system_entropy, log), wait=lambda seconds: None)
        return World(here, settings, clock, self.slack, self.url, service, log)

    def _again(self, world: World) -> "RetryStep":
        return RetryStep(self, world)


@dataclass(frozen=True)
class RetryStep:
    """The scenario in a new process that is not killed, or any other command; then our own service starts anew."""

    sweep_world: SweepWorld
    world: World

    def __call__(self, *command: str, expected: str = "status 0") -> None:
        world, sweep_world = self.world, self.sweep_world
        world.service.stop()
        name = "command" if command else sweep_world.scenario.name
        arguments = {"line": json.dumps(command)} if command else sweep_world.start.arguments
        order = _order(name, sweep_world.scenario, world, arguments, sweep_world.folder / "report")
        ended = sweep_world.nursery.run(order)
        assert expected in ended.told, (command or name, ended.told)
        world.restart()


@contextlib.contextmanager
def make_sweep(folder: Path, scenario: Scenario) -> Iterator[SweepWorld]:
    """A scenario, ready to be run."""
    with ProcessPool() as nursery:
        made = SweepWorld(folder, scenario, prepare(folder, scenario, nursery), nursery, "")

        def answer(environ: dict[str, object], start_response: object) -> object:
            assert made.slack is not None
            return made.slack(environ, start_response)  # type: ignore[arg-type]

        with serve(answer) as url:  # type: ignore[arg-type]
            made.url = url
            yield made


def sweep(folder: Path, scenario: Scenario, every: int = 1) -> Counter[str]:
    """Kills at each step in turn, or at every so-manieth, until the scenario comes to its end; the steps it has."""
    with make_sweep(folder, scenario) as made:
        for at in itertools.count(1, every):
            ended = made.run(at)
            if not ended.killed:
                figures = ", ".join(f"{number} {kind}" for kind, number in sorted(ended.counts.items()))
                print(f"{scenario.name}: {figures}; killed {len(range(1, at, every))} times")
                assert made.lost == {}, f"{scenario.name}: {_by_problem(made.lost)}"
                return ended.counts
    raise AssertionError


def _must_be_empty(found: list[str]) -> None:
    assert not found, "; ".join(found)


def _by_problem(lost: dict[int, list[str]]) -> str:
    """Each problem, and the steps at which a kill makes it."""
    steps: dict[str, list[int]] = {}
    for step, problems in lost.items():
        for problem in problems:
            steps.setdefault(problem, []).append(step)
    return "; ".join(f"{problem}, when killed at {_spans(found)}" for problem, found in steps.items())


def _spans(numbers: list[int]) -> str:
    """`3-7, 9` for 3, 4, 5, 6, 7, 9."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][-1] == number - 1:
            spans[-1][1:] = [number]
        else:
            spans.append([number])
    return ", ".join("-".join(str(end) for end in span) for span in spans)
