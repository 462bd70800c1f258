"""What the benchmark computes, without measuring anything."""

import itertools
import os
import random
import xml.etree.ElementTree as ElementTree
from dataclasses import fields
from pathlib import Path

import pytest

from tests.bench import chart, load, process, report, start, steps, world
from tests.bench.chart import Bar, Panel
from tests.bench.process import Counters
from tests.bench.report import Results, Spread
from tests.bench.rounds import Round
from tests.bench.targets import GOALS, QUICK, SCENARIOS, UNITS, Figures, Goal, Kind

STATUS = "Name:\tx\nVmRSS:\t   51200 kB\nvoluntary_ctxt_switches:\t{0}\nnonvoluntary_ctxt_switches:\t{1}\n"


def make_proc(root: Path, ticks: int) -> Path:
    """One process with two threads, whose name tries to be a field."""
    folder = root / "7"
    for number, switches in (("7", (3, 1)), ("8", (5, 2))):
        (folder / "task" / number).mkdir(parents=True)
        (folder / "task" / number / "status").write_text(STATUS.format(*switches))
    (folder / "status").write_text(STATUS.format(3, 1))
    (folder / "io").write_text("rchar: 1\nwchar: 2\nwrite_bytes: 8192\ncancelled_write_bytes: 0\n")
    (folder / "stat").write_text(f"7 (a) b (c) S 1 7 7 0 -1 4 0 0 0 0 {ticks} 50 0 0 20 0 2 0 99 1 1\n")
    (root / "stat").write_text("cpu  100 10 20 5000 300 1 2 3 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
    return root


def test_counters_are_sums_over_threads_and_differences_over_time(tmp_path: Path) -> None:
    proc = make_proc(tmp_path, ticks=150)
    found = process.read_counters([7], proc)
    assert found == Counters(cpu=200 * process.TICK, switches=11, written=8192)
    assert found.since(Counters(cpu=process.TICK, switches=1, written=4096)) == Counters(
        pytest.approx(199 * process.TICK), 10, 4096
    )
    assert process.memory([7], proc) == 50 * 2**20
    assert process.busy_seconds(proc) == pytest.approx(136 * process.TICK)


def test_a_field_that_the_kernel_does_not_tell_is_an_error() -> None:
    with pytest.raises(ValueError, match="no VmRSS"):
        process.value_of("VmSize: 3 kB\n", "VmRSS")


def test_this_process_can_be_read() -> None:
    assert process.read_counters([os.getpid()]).cpu > 0


def results_of(*rates: tuple[float, float]) -> Results:
    turns = [
        {"events ours": Figures(rate=ours, cpu=1e-4, p50=0.01), "events hello": Figures(rate=hello)}
        for ours, hello in rates
    ]
    return Results(seed=1, rounds=1, turns=turns)


def test_a_ratio_is_taken_within_a_turn() -> None:
    """A machine that is slow for a while moves both figures, and not their ratio."""
    results = results_of((100, 100), (20, 10), (5, 1))
    assert results.judge(Goal("x", "rate", "events ours", "events hello", 1)) == Spread(2, 1, 5)
    assert results.judge(Goal("x", "cpu", "events ours", None, 1)) == Spread(*[pytest.approx(100)] * 3)
    assert results.judge(Goal("x", "rate", "events ours", "events bolt", 1)) is None


def test_the_gate_names_what_is_too_slow(capsys: pytest.CaptureFixture[str]) -> None:
    assert report.print_gate(results_of((50, 100))) == 0
    assert capsys.readouterr().out == ""
    assert report.print_gate(results_of((1, 100))) == 1
    assert "signed events, against hello" in capsys.readouterr().out


def test_each_goal_names_what_is_measured() -> None:
    parts = {f"{what} {whose}" for what in ("state", "save", "look", "look16") for whose in ("ours", "bolt")}
    parts |= {"state left", "look many", "deliver ours", "deliver loop", "paced ours"}
    parts |= {"claim ours", "claim scheduled", "history ours", "history bare"}
    measured = {f"{scenario.name} {name}" for scenario in SCENARIOS for name in scenario.targets} | parts
    figures = {each.name for each in fields(Figures)}
    for goal in GOALS:
        assert {goal.one, goal.other or goal.one} <= measured, goal.what
        assert goal.figure in figures & UNITS.keys(), goal.what
    assert set(QUICK) <= {scenario.name for scenario in SCENARIOS}


def test_no_two_lines_have_the_same_words() -> None:
    """What the gate prints stands alone."""
    assert len({goal.what for goal in GOALS}) == len(GOALS)


def test_an_order_can_be_drawn_again() -> None:
    names = sorted(SCENARIOS[0].targets)
    assert random.Random(5).sample(names, len(names)) == random.Random(5).sample(names, len(names))
    assert len({tuple(random.Random(seed).sample(names, len(names))) for seed in range(20)}) > 10


def test_the_page_has_the_tables_and_what_was_not_measured_is_left_out() -> None:
    results = results_of((50, 100), (60, 100))
    results.add(Round([], [{"append": 2e-4, "overwrite": 1e-4}], [{"seal": [11.0, 12.0], "all": [20.0, 0.0]}]))
    page = report.page(results)
    assert (
        "| signed events, against hello | 0.55 | 0.50 to 0.60 | ≥ 0.25 | yes | events ours 55/s, events hello 100/s |"
        in page
    )
    assert "| seal | 11 | 12 |" in page
    assert "took 200 µs at the end of a file, 100 µs inside one." in page
    assert "Bolt |" not in page, "it was not measured"
    assert "| events ours | 55/s | 10.00 ms |" in page
    assert page.endswith("\n")
    assert "\n\n## What is not reached, and why\n\n" in page


def test_the_chart_is_well_formed_and_escapes() -> None:
    panel = Panel("a < b", (Bar("x & y", 5, 4, 6, "5/s"), Bar("over", 50, 50, 50, "50/s", ours=False)), top=10, mark=5)
    root = ElementTree.fromstring(chart.draw([panel]))
    texts = [each.text for each in root.iter() if each.tag.endswith("text")]
    assert texts == ["a < b", "x & y", "5/s", "over", "50/s"]
    widths = [float(each.attrib["width"]) for each in root.iter() if each.attrib.get("class") in ("bar", "other")]
    assert widths == [210, 420], "what is over the top ends there"
    assert "prefers-color-scheme: dark" in chart.draw([panel])


@pytest.mark.parametrize(
    ("received", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", None),
        (b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n", 302),
        (b"HTTP/1.1 200 OK\r\n", None),
    ],
)
def test_an_answer_is_whole_with_its_last_byte(received: bytes, status: int | None) -> None:
    assert load.answered(received) == status


def test_hello_is_told_what_ours_says_and_not_what_waitress_adds() -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://x/?a:b\r\nDate: now\r\nVia: x\r\nContent-Length: 2\r\n\r\nok"
    assert start.read_answer(answer) == ("302 Found", [("Location", "http://x/?a:b"), ("Content-Length", "2")], "ok")


def test_a_step_does_not_count_what_is_inside_it() -> None:
    """The clocks go on by 1 and by 10 each time that they are read: once at the begin, once at the end."""
    watch = steps.Stopwatch(itertools.count(0).__next__, itertools.count(0, 10).__next__)
    inner = watch.watch("inner", lambda: None)
    watch.watch("outer", lambda: [inner(), inner()])()
    assert watch.calls == {"inner": [(1, 10), (1, 10)], "outer": [(3, 30)]}
    assert steps.per_event([]) == [0.0, 0.0]


@pytest.mark.parametrize("place", [place for places in steps.STEPS.values() for place in places])
def test_no_step_is_lost_where_a_function_is_renamed(place: str) -> None:
    owner, name = steps.find(place)
    assert callable(getattr(owner, name))


def test_requests_are_signed_and_of_all_tenants_in_turn() -> None:
    found = list(world.events(3, 2))
    assert [b"T000000000" in each for each in found] == [True, False, True]
    assert len({each.partition(b"X-Slack-Signature: ")[2][:67] for each in found}) == 3
    assert {kind.value for kind in Kind} == {"hello", "floor", "ours", "bolt", "slack"}
