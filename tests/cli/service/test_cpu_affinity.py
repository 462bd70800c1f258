"""One processor for all threads: which one, when another one, and that a real service keeps to it."""

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slackapp.cli.service.cpu_affinity import CpuTime, find_processor, parse_cpu_times, shares_of_others
from tests.cli.process import ROOT, TIMEOUT, settings, start
from tests.cli.test_serve import announced

ALLOWED = sorted(os.sched_getaffinity(0))
SEVERAL = pytest.mark.skipif(len(ALLOWED) < 2, reason="this machine has one processor: there is nothing to choose")
Bind = Callable[[], tuple[int | None, list[list[int]]]]
"""What it says that it is bound to, and what each thread is bound to."""

STAT = """\
cpu  40 0 20 140 10 0 0 0 0 0
cpu0 30 1 10 50 5 2 3 4 7 7
cpu1 10 0 10 90 5 0 0 0 0 0
intr 1 2 3
"""


def test_what_a_processor_did_is_all_but_rest_and_a_guest_is_not_counted_twice() -> None:
    assert parse_cpu_times(STAT) == {0: CpuTime(busy=50, all=105), 1: CpuTime(busy=20, all=115)}


def test_our_own_work_is_nobodys_share() -> None:
    before = {0: CpuTime(0, 0), 1: CpuTime(0, 0)}
    now = {0: CpuTime(busy=90, all=100), 1: CpuTime(busy=30, all=100), 2: CpuTime(1, 1)}
    assert shares_of_others(before, now, ours=0, own=70) == {0: pytest.approx(0.2), 1: pytest.approx(0.3)}
    assert shares_of_others(before, now, ours=0, own=99)[0] == 0
    assert shares_of_others(now, now, ours=0, own=0) == {0: 0, 1: 0, 2: 0}


@pytest.mark.parametrize(
    ("shares", "chosen"),
    [
        ({0: 0.0, 1: 0.0}, 0),
        ({0: 0.15, 1: 0.0}, 0),
        ({0: 0.25, 1: 0.0}, 1),
        ({0: 0.9, 1: 0.8}, 0),
        ({0: 0.9, 1: 0.5, 2: 0.4}, 2),
        ({1: 0.5, 2: 0.4}, 2),
    ],
)
def test_another_one_is_chosen_only_where_it_is_clearly_freer(shares: dict[int, float], chosen: int) -> None:
    assert find_processor(shares, ours=0) == chosen


@contextlib.contextmanager
def process(folder: Path, coin: str) -> Iterator[Bind]:
    """A process with some threads, and one more after each look, which finds what the folder holds under /proc."""
    if not (folder / "self").exists():
        (folder / "self").symlink_to("/proc/self")
    command = [sys.executable, "-m", "tests.cli.service.bind_in_steps", str(folder), coin]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        stdin, stdout = running.stdin, running.stdout

        def bind() -> tuple[int | None, list[list[int]]]:
            stdin.write("\n")
            stdin.flush()
            bound, threads = json.loads(stdout.readline())
            return bound, threads

        yield bind
        stdin.close()
        running.wait(TIMEOUT)


def write_stat(folder: Path, look: int, used: int | None) -> None:
    """Until that look others have used all of one processor, or of none, and all others were at rest."""
    passed = look * 1_000_000
    columns = {each: (passed, 0) if each == used else (0, passed) for each in ALLOWED}
    lines = [f"cpu{each} {busy} 0 0 {rest} 0 0 0 0" for each, (busy, rest) in columns.items()]
    (folder / "stat").write_text("\n".join(lines) + "\n", encoding="ascii")


@SEVERAL
def test_all_threads_are_bound_to_one_processor_and_later_ones_too(tmp_path: Path) -> None:
    write_stat(tmp_path, 0, used=None)
    with process(tmp_path, "heads") as bind:
        for number in range(3):
            bound, threads = bind()
            assert bound in ALLOWED
            assert threads == [[bound]] * (number + 1)


@SEVERAL
@pytest.mark.parametrize(("coin", "moves"), [("heads", True), ("tails", False)])
def test_where_others_use_it_those_whose_turn_it_is_move(tmp_path: Path, coin: str, moves: bool) -> None:
    write_stat(tmp_path, 0, used=None)
    with process(tmp_path, coin) as bind:
        first, _ = bind()
        write_stat(tmp_path, 1, used=first)
        second, threads = bind()
        assert (second != first) is moves
        assert threads == [[second]] * 2
        write_stat(tmp_path, 2, used=None)
        assert bind()[0] == second


@pytest.mark.parametrize(
    "stat",
    [None, "", "\n\n", "cpu0 1 1 1\ncpu1 1 1 1\n", "cpu0 a b c d e f g h\n", "cpu900 1 1 1 1 1 1 1 1\n", "cpu0 é\n"],
)
def test_where_the_kernel_does_not_show_it_nothing_is_bound(tmp_path: Path, stat: str | None) -> None:
    if stat is not None:
        (tmp_path / "stat").write_text(stat, encoding="utf-8")
    with process(tmp_path, "heads") as bind:
        assert bind() == (None, [ALLOWED])
        assert bind() == (None, [ALLOWED] * 2)


@pytest.mark.parametrize(("setting", "number"), [("yes", 1), ("no", len(ALLOWED))])
def test_a_service_keeps_to_one_processor_unless_it_is_told_not_to(tmp_path: Path, setting: str, number: int) -> None:
    given = settings(tmp_path, SLACKAPP_LISTEN="127.0.0.1:0", SLACKAPP_ONE_PROCESSOR=setting)
    running = start(tmp_path, given, "serve")
    try:
        announced(running)
        allowed = {
            re.findall(r"Cpus_allowed:\t(.*)", file.read_text())[0].replace(",", "")
            for file in Path(f"/proc/{running.pid}/task").glob("*/status")
        }
    finally:
        running.terminate()
        running.communicate(timeout=TIMEOUT)
    assert [int(mask, 16).bit_count() for mask in allowed] == [number]
