"""CPU affinity: all threads of this process on one processor, and on another one where others use that.

The interpreter lock lets one thread run Python at a time. Over several processors each release of it wakes a thread on
another processor, which finds the lock taken again: the more releases, the more of the time goes into waking. On one
processor the thread that runs goes on. What would run beside it is little: waiting for the disk and for Slack takes no
processor. More processors are used by more processes.

The scheduler of the kernel cannot move what is bound. So every ten seconds it is looked whether others use this
processor more than another one, and then half of the processes, drawn anew each time, move there: two that meet on one
part within a few looks. Linux alone; anywhere else, and where the kernel does not show or allow it, nothing is bound.

Read: sched_setaffinity(2), proc_stat(5), docs.python.org/3/glossary.html#term-global-interpreter-lock.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

INTERVAL = 10
"""Seconds between two looks."""
MARGIN = 0.2
"""How much more of a processor others must use of ours than of another one: to move is not free."""
_NAMES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
_AT_REST = ("idle", "iowait")


@dataclass(frozen=True)
class CpuTime:
    """Time of a processor since the boot, in ticks of the kernel's clock."""

    busy: int = 0
    all: int = 0


def parse_cpu_times(stat: str) -> dict[int, CpuTime]:
    """Reads the lines of proc_stat(5) that name one processor each."""
    found = {}
    for line in stat.splitlines():
        name, _, numbers = line.partition(" ")
        if name.startswith("cpu") and name[3:].isdigit():
            ticks = dict(zip(_NAMES, map(int, numbers.split()), strict=False))
            rest = sum(ticks[each] for each in _AT_REST)
            found[int(name[3:])] = CpuTime(sum(ticks.values()) - rest, sum(ticks.values()))
    return found


def shares_of_others(
    before: Mapping[int, CpuTime], now: Mapping[int, CpuTime], ours: int, own: int
) -> dict[int, float]:
    """Computes for each processor which share of it others used; `own` are our ticks, all of them on `ours`."""
    shares = {}
    for number in before.keys() & now.keys():
        passed = max(1, now[number].all - before[number].all)
        busy = now[number].busy - before[number].busy - (own if number == ours else 0)
        shares[number] = max(0, busy) / passed
    return shares


def find_processor(shares: Mapping[int, float], ours: int) -> int:
    """Finds the processor that others use least; ours, unless another one is better by the margin."""
    best = min(sorted(shares), key=lambda number: shares[number])
    return best if shares[best] + MARGIN < shares.get(ours, 1.0) else ours


@dataclass
class CpuAffinity:
    """Affinity of this process: `coin` says whether it is its turn to move."""

    coin: Callable[[], bool]
    proc: Path = Path("/proc")
    _allowed: frozenset[int] = frozenset()
    _ours: int = -1
    _before: dict[int, CpuTime] = field(default_factory=dict)
    _own_before: int = 0

    def bind(self) -> int | None:
        """Binds all threads to the processor that is ours from now on; None where nothing is bound.

        Called again and again, from one thread: threads that were started meanwhile are bound, too.
        """
        try:
            if not self._before:
                self._begin()
            elif self.coin():
                self._move()
            for thread in os.listdir(self.proc / "self" / "task"):
                os.sched_setaffinity(int(thread), {self._ours})
        except (OSError, ValueError, KeyError):  # not shown, in no form that is known, not allowed, or a thread is gone
            return None
        return self._ours

    def _begin(self) -> None:
        """Chooses the first one: processes that are started one after the other have different numbers."""
        self._allowed = self._allowed or frozenset(os.sched_getaffinity(0))
        self._ours = sorted(self._allowed)[os.getpid() % len(self._allowed)]
        self._before, self._own_before = self._read(), _own_ticks()

    def _move(self) -> None:
        now, own_now = self._read(), _own_ticks()
        shares = shares_of_others(self._before, now, self._ours, own_now - self._own_before)
        self._ours = find_processor(shares, self._ours)
        self._before, self._own_before = now, own_now

    def _read(self) -> dict[int, CpuTime]:
        found = parse_cpu_times((self.proc / "stat").read_text(encoding="ascii"))
        return {number: found[number] for number in self._allowed}  # in a container they may have other numbers there


def is_possible() -> bool:
    """Tells whether this interpreter has the lock that makes one processor the faster way, and the kernel the call."""
    return hasattr(os, "sched_setaffinity") and getattr(sys, "_is_gil_enabled", lambda: True)()


def _own_ticks() -> int:
    times = os.times()
    return round((times.user + times.system) * os.sysconf("SC_CLK_TCK"))
