"""Whoever has the lease on a token is stopped (SIGSTOP) for longer than it lasts; another one refreshes; it goes on.

Stopped at every statement and every call, and in the middle of a call. What it has in hand by then is old: it must not
take the place of the other one's pair, nor be asked for with a refresh token that the other one has used.
"""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from slackapp.errors import Refused, StoreBusyError
from slackapp.flows.tokens import exchange_token, refresh_token
from slackapp.localslack import LocalSlack
from slackapp.localslack.model import Fault
from slackapp.store.engine import sqlite
from tests.long import invariants
from tests.long.child import CALL
from tests.long.scenarios import ask, by_name
from tests.long.scenarios_of_tokens import REFRESH
from tests.long.sweep import SweepWorld, make_sweep
from tests.support.operator import ACTOR as OPERATOR
from tests.support.world import World, north_tenant

pytestmark = pytest.mark.long
LEASE = refresh_token.LEASE + 1
GRACE = 61
"""Seconds: after the one another process may refresh, after the other one Slack takes the old refresh token no more."""
TOKEN = "SELECT generation, access, refresh, status FROM tokens WHERE holder_id = ''"
METHODS = (REFRESH, exchange_token.METHOD)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """One who is stopped inside a transaction keeps all others out; they need not find that out for two seconds."""
    monkeypatch.setattr(sqlite, "BUSY_MS", 50)


@dataclass(frozen=True)
class Overtaken:
    """What came of one stop: before what, whether that kept others out, and how often Slack was asked by whom."""

    before: str
    locked: bool
    calls_before: int
    calls_of_other: int
    calls_after: int


def refresh(world: World) -> None:
    """The other one is a service that needs the token."""
    with suppress(Refused):
        ask(world)


def exchange(world: World) -> None:
    """The other one is an operator who types the same command."""
    app = world.service.app
    for _ in exchange_token.run(app, exchange_token.list_exchangeable(app, north_tenant()), OPERATOR):
        pass


class OvertakenRun:
    """One holder, and one other process: ourselves."""

    def __init__(self, made: SweepWorld, advance: int, other: Callable[[World], None]) -> None:
        self._made = made
        self._advance = advance
        self._other = other
        self.told: tuple[str, ...] = ()

    def run(self, at: int = 0, held: "Held | None" = None) -> Overtaken | None:
        """Stops it at a step, or where `held` does; None when it came to its end before."""
        made = self._made
        here, clock, given = made.put_back()
        time = made.folder / "clock"
        time.write_text(str(clock.now))
        order = replace(made.order(at, here, given), sent=int(signal.SIGSTOP), clock=str(time))
        world = made.world(here, clock, given)
        if held is not None:
            held.slack, held.report, made.slack = world.slack, Path(order.report), held  # type: ignore[assignment]
        try:
            made.nursery.begin(order)
            if not made.nursery.has_stopped():
                made.nursery.end(order)
                return None
            clock.advance(self._advance)
            time.write_text(str(clock.now))
            return self._overtake(world, order, held)
        except BaseException as error:
            error.add_note(f"stopped at step {at}: {Path(order.report).read_text('utf-8')}")
            raise
        finally:
            world.service.stop()

    def _overtake(self, world: World, order: Any, held: "Held | None") -> Overtaken:
        before, locked, calls = self._row(world), False, [_calls(world)]
        try:
            self._other(world)
        except StoreBusyError:
            locked = True
        calls.append(_calls(world))
        between = self._row(world)
        if held is not None:
            held.go.set()
        self._made.nursery.go_on()
        self.told = self._made.nursery.end(order).told
        calls.append(_calls(world))
        if between[0] != before[0] or between[3] == "dead":
            assert self._row(world) == between, "a stale write"
        self._assert_sound(world)
        where = next((told.removeprefix("before ") for told in self.told if told.startswith("before ")), "")
        return Overtaken(where, locked, calls[0], calls[1] - calls[0], calls[2] - calls[1])

    def _row(self, world: World) -> tuple[Any, ...]:
        return tuple(world.rows(TOKEN)[0])

    def _assert_sound(self, world: World) -> None:
        """The pair in use works, at Slack as here; or the tenant is marked."""
        assert invariants.violations(world) == []
        assert invariants.lost(world) == []
        if world.status() == "needs_reinstall":
            assert self._row(world)[3] == "dead"
            return
        bot = invariants.pairs(world)[0]
        assert bot.is_fresh or bot.refresh is None or bot.token.generation == 1 or bot.token.status != "live"
        world.clock.advance(LEASE)
        assert ask(world)["ok"] is True
        assert (self._row(world)[3], invariants.lost(world)) in (("live", []), ("refresh_refused", []))


def _calls(world: World) -> int:
    return sum(len(world.calls(method)) for method in METHODS)


class Held:
    """Slack, which stops the holder of the lease in the middle of its call."""

    slack: LocalSlack
    report: Path

    def __init__(self, *, done: bool, lost: bool = False) -> None:
        self._done = done
        self._lost = lost
        self._first = threading.Lock()
        self.go = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not environ["PATH_INFO"].endswith(REFRESH) or not self._first.acquire(blocking=False):
            return self.slack(environ, start_response)
        if not self._done:
            self._stop()
        if self._lost:
            self.slack.fault(Fault(REFRESH, "lost_answer"))
        answer = self.slack(environ, start_response)
        if self._done:
            self._stop()
        return answer

    def _stop(self) -> None:
        pid = next(line.split()[2] for line in self.report.read_text("utf-8").splitlines() if "pid" in line)
        os.kill(int(pid), signal.SIGSTOP)
        assert self.go.wait(30)


OTHERS = {"holder, due": refresh, "holder, expired": refresh, "holder of an exchange": exchange}


@pytest.mark.parametrize("advance", [LEASE, GRACE + LEASE], ids=["past-the-lease", "past-the-grace"])
@pytest.mark.parametrize("name", list(OTHERS))
def test_stopped_at_any_step_and_overtaken_it_writes_nothing_stale(name: str, advance: int, tmp_path: Path) -> None:
    found: list[Overtaken] = []
    with make_sweep(tmp_path, by_name(name)) as made:
        play = OvertakenRun(made, advance, OTHERS[name])
        for at in count(1):
            stop = play.run(at)
            if stop is None:
                break
            found.append(stop)
    outcomes = Counter((stop.calls_before, stop.calls_of_other, stop.calls_after) for stop in found)
    locked = sum(stop.locked for stop in found)
    print(f"\n{name}, {advance} s: stopped {len(found)} times, {locked} times in a transaction")
    print(f"  calls of the holder before, of the other one, of the holder after the stop: {dict(outcomes)}")
    overtaken = [stop for stop in found if stop.calls_of_other and not stop.locked]
    assert len(overtaken) >= 5
    # Between its last look at the lease and the call there is nothing but the call.
    assert {stop.before for stop in overtaken if stop.calls_after} <= {CALL}


@pytest.mark.parametrize("advance", [LEASE, GRACE + LEASE], ids=["past-the-lease", "past-the-grace"])
@pytest.mark.parametrize("name", ["holder, due", "holder, expired"])
@pytest.mark.parametrize(
    "held",
    [{"done": False}, {"done": True}, {"done": True, "lost": True}, {"done": False, "lost": True}],
    ids=["before-slack-did-it", "after", "after-and-the-answer-is-lost", "before-and-the-answer-is-lost"],
)
def test_stopped_in_its_call_and_overtaken_it_stores_nothing_and_asks_no_more(
    name: str, advance: int, held: dict[str, bool], tmp_path: Path
) -> None:
    with make_sweep(tmp_path, by_name(name)) as made:
        play = OvertakenRun(made, advance, refresh)
        stop = play.run(held=Held(**held))
    assert stop is not None
    print(f"\n{name}, {advance} s, {held}: {stop}, told {play.told}")
    # Slack notes a call when it has done what was asked.
    assert (stop.calls_before, stop.calls_of_other) == (int(held["done"]), 1)
    assert stop.calls_after == int(not held["done"])
