"""The program itself, on a small house of its own: it tells a line that is missed from one that is not."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bite import __main__ as program
from tests.bite import report
from tests.bite.report import Row
from tests.bite.runner import Runner
from tests.claims.sources import anchors_in

PROGRAM = """\
def let_in(name):
    # claim: C-01
    if name == "thief":
        raise OSError
    # claim: C-01
    if name == "nobody":
        raise OSError
"""
TESTS = """\
import pytest

from house import let_in


def test_a_friend_comes_in():
    let_in("friend")


def test_a_thief_stays_out():
    with pytest.raises(OSError):
        let_in("thief")
"""


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    (tmp_path / "house.py").write_text(PROGRAM)
    (tmp_path / "test_house.py").write_text(TESTS)
    monkeypatch.setattr(program, "nodes", lambda claim: ["test_house.py"])
    with Runner(tmp_path) as started:
        yield started


@pytest.mark.long
def test_a_line_that_is_missed_is_told_with_its_test_and_one_that_is_not_with_none(runner: Runner) -> None:
    assert program.run(runner, ["test_house.py"], compiles=True) is None
    told = [program.bite(runner, anchor, "C-01").test for anchor in anchors_in("house.py", PROGRAM)]
    assert told == ["test_house.py::test_a_thief_stays_out", ""]
    assert (runner.copy / "house.py").read_text() == PROGRAM


@pytest.mark.long
def test_what_fails_while_nothing_is_taken_away_is_told(runner: Runner) -> None:
    (runner.copy / "house.py").write_text("def let_in(name):\n    pass\n")
    assert program.run(runner, ["test_house.py"], compiles=True) == "test_house.py::test_a_thief_stays_out"


@pytest.mark.long
def test_a_line_without_which_nothing_can_be_run_is_not_missed(runner: Runner) -> None:
    """That a program cannot be imported shows nothing about the claim."""
    (runner.copy / "house.py").write_text("let_in = None + 1\n")
    assert program.run(runner, ["test_house.py"], compiles=False) is None


def test_one_claim_bitten_alone_leaves_the_rows_of_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "PAGE", tmp_path / "bite.md")
    monkeypatch.setattr(program, "make_copy", lambda copy: copy)
    monkeypatch.setattr(program, "Runner", lambda copy: contextlib.nullcontext())
    monkeypatch.setattr(program, "run", lambda *arguments, **named: None)
    monkeypatch.setattr(program, "bite_all", lambda runners, pairs: [Row("C-02", "a", "if b:", "new")])
    monkeypatch.setattr(sys, "argv", ["bite", "--only", "C-02", "--jobs", "1"])
    kept, old, gone = (Row(claim, "a", "if b:", "old") for claim in ("C-01", "C-02", "C-00"))
    report.write([kept, old, gone])
    assert program.main() == 0
    assert report.rows() == [kept, Row("C-02", "a", "if b:", "new")]
