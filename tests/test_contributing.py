"""docs/contributing.md: its changes are typed into a copy of the repository, and what it says of them is so.

Typed are all of them, one after the other. Then every test that the page names passes; and where one step is left out,
the test fails that the page names there. For one step of each change here, for all of them in the long suite.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.bite import __main__ as bite
from tests.bite import report
from tests.bite.runner import Runner
from tests.claims.sources import anchors_in, claims, shown_in

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "contributing.md").read_text("utf-8")
MAP = PAGE.partition("<!-- map -->")[2].partition("<!-- /map -->")[0]
STEP = re.compile(r"^\*\*\d+\. .+?(?=^\*\*\d+\. |\Z)", re.MULTILINE | re.DOTALL)
DIFF = re.compile(r"^```diff\n(?:--- /dev/null\n)?\+\+\+ (\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
FAILS = re.compile(r"^Left out, this fails: `(\S+)`$", re.MULTILINE)
CLAIM = f"C-{max(int(claim.id[2:]) for claim in claims()) + 1}"
MIGRATION = f"{max(int(file.name[:4]) for file in (ROOT / 'sql' / 'migrations').glob('*.sql')) + 1:04}"
FAILED = re.compile(r"^FAILED ([\w/.:]+)", re.MULTILINE)
KEEPS = re.compile(r"slackapp/|sql/core/")
COPIED = ("slackapp", "sql", "tests", "docs", "examples", ".ci")


@dataclass(frozen=True)
class Hunk:
    """Some lines of a file in place of others, behind the first line that holds `after`."""

    path: str
    after: str
    old: str
    new: str

    def type_into(self, folder: Path) -> None:
        """Lines without any beside them go to the end; a file that is not there is made."""
        file = folder / self.path
        text = file.read_text("utf-8") if file.exists() else ""
        begin = text.index(self.after)
        if self.old and (self.old not in text if self.after else text.count(self.old) != 1):
            pytest.fail(f"{self.path}: these lines are not there, or more than once:\n{self.old}")
        end = text.index(self.old, begin) if self.old else len(text)
        file.write_text(text[:end] + self.new + text[end + len(self.old) :], "utf-8")

    def take_back(self, folder: Path) -> None:
        """The file as if this step had been left out."""
        file = folder / self.path
        text = file.read_text("utf-8")
        begin = text.index(self.new, text.index(self.after))
        left = text[:begin] + self.old + text[begin + len(self.new) :]
        file.write_text(left, "utf-8") if left else file.unlink()


@dataclass(frozen=True)
class Step:
    """One step of a change: what is typed, what is run, and the test that misses it."""

    hunks: tuple[Hunk, ...]
    commands: tuple[str, ...]
    missed_by: str


def hunks_of(text: str) -> Iterator[Hunk]:
    """The diffs of a text: lines beside those that change tell where."""
    for path, diff in DIFF.findall(text):
        for part in re.split(r"^(?=@@ )", diff, flags=re.MULTILINE):
            place, _, lines = part.partition("\n") if part.startswith("@@ ") else ("", "", part)
            kept = re.findall(r"^([ +-])(.*\n)", lines, re.MULTILINE)
            old, new = ("".join(line for sign, line in kept if sign != leaving) for leaving in "+-")
            if old or new:
                yield Hunk(path, place.removeprefix("@@ "), old, new)


def steps_of(section: str) -> tuple[Step, ...]:
    """The steps of one change."""
    found = []
    for text in STEP.findall(section):
        commands = tuple(line for block in SHELL.findall(text) for line in block.splitlines())
        found.append(Step(tuple(hunks_of(text)), commands, next(iter(FAILS.findall(text)), "")))
    return tuple(found)


def changes() -> dict[str, tuple[Step, ...]]:
    """Each change of the page, by its head."""
    page = PAGE.replace("C-NEXT", CLAIM).replace("NEXT_", f"{MIGRATION}_")
    found = {part.partition("\n")[0]: steps_of(part) for part in page.split("\n## ")[1:]}
    return {head: steps for head, steps in found.items() if steps}  # a section without steps only tells


CHANGES = changes()
STEPS = [step for steps in CHANGES.values() for step in steps]
WATCHED = [step for step in STEPS if step.missed_by]
HARDEST = [[step for step in steps if step.missed_by][-1] for steps in CHANGES.values()]
"""One step of each change, for a quick look."""


class Copy:
    """A copy of the repository, in which the page is followed."""

    def __init__(self, folder: Path, runner: Runner) -> None:
        self.folder = folder
        self.runner = runner
        self._typed: dict[Path, str] = {}
        self._made: dict[Path, str] = {}

    def follow(self) -> None:
        """Types everything, and makes the pages that are made."""
        for hunk in (hunk for step in STEPS for hunk in step.hunks):
            hunk.type_into(self.folder)
        self._typed = self._pages()
        self._make()
        self._bite()
        self._made = self._pages()

    def _pages(self) -> dict[Path, str]:
        return {file: file.read_text("utf-8") for file in (self.folder / "README.md", *self.folder.glob("docs/*.md"))}

    def _make(self) -> None:
        """What `make docs claims` runs, in one process."""
        recipes = re.findall(
            r"^(?:docs|claims): .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE
        )
        modules = re.findall(r"python -m (\S+)$", "".join(recipes), re.MULTILINE)
        code = f"import runpy\nfor name in {modules}:\n    runpy.run_module(name, run_name='__main__')"
        subprocess.run([sys.executable, "-c", code], cwd=self.folder, check=True, capture_output=True)

    def _bite(self) -> None:
        """What `make bite ONLY=ID` does for the claim of the page, without a further copy."""
        texts = {hunk.path: (self.folder / hunk.path).read_text("utf-8") for step in STEPS for hunk in step.hunks}
        kept = [anchor for path, text in texts.items() if KEEPS.match(path) for anchor in anchors_in(path, text)]
        tests = [test.node for path, text in texts.items() for test in shown_in(path, text) if CLAIM in test.claims]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bite, "nodes", lambda _: tests)
            patch.setattr(report, "PAGE", self.folder / "docs" / "bite.md")
            found = [bite.bite(self.runner, anchor, CLAIM) for anchor in kept if CLAIM in anchor.claims]
            report.write([*report.rows(), *found])
        assert [row.test for row in found] == tests

    def test(self, *names: str) -> tuple[int, str]:
        """pytest's exit status, and what it printed."""
        return self.runner.run(["-q", "--tb=line", *names], compiles=False)

    def not_missed(self, *steps: Step) -> list[str]:
        """The tests that pass although their steps are left out."""
        hunks = [hunk for step in steps for hunk in step.hunks]
        for hunk in reversed(hunks):
            hunk.take_back(self.folder)
        if not all(step.hunks for step in steps):
            self._write(self._typed)
        failed = set(FAILED.findall(self.test(*(step.missed_by for step in steps))[1]))
        for hunk in hunks:
            hunk.type_into(self.folder)
        self._write(self._made)
        return [step.missed_by for step in steps if step.missed_by not in failed]

    def _write(self, pages: dict[Path, str]) -> None:
        for file, text in pages.items():
            file.write_text(text, "utf-8")


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    """One where the page has been followed."""
    ignored = shutil.ignore_patterns("*.pyc.*")
    for file in ROOT.iterdir():
        if file.name in COPIED:
            shutil.copytree(file, tmp_path / file.name, ignore=ignored)  # compiled files and all
        elif file.is_file():
            shutil.copy2(file, tmp_path)
    with Runner(tmp_path) as runner:
        made = Copy(tmp_path, runner)
        made.follow()
        yield made


def new_tests() -> list[str]:
    """The tests that the page adds."""
    hunks = [hunk for step in STEPS for hunk in step.hunks if hunk.path.startswith("tests/")]
    return [f"{hunk.path}::{name}" for hunk in hunks for name in re.findall(r"^def (test_\w+)", hunk.new, re.MULTILINE)]


def test_every_change_of_the_page_passes_and_a_step_left_out_is_missed(copy: Copy) -> None:
    """What the page calls for is run by the tests that it names; all else of it in the long suite."""
    named = {step.missed_by for step in WATCHED}
    status, printed = copy.test(*sorted({*named, *new_tests()}))
    assert status == 0, printed
    assert copy.not_missed(*HARDEST) == []


@pytest.mark.long
def test_the_commands_of_the_page_succeed_and_every_step_is_missed(copy: Copy) -> None:
    typed = [line.split()[1:] for step in STEPS for line in step.commands if "pytest" in line]
    for arguments in (*typed, ["tests/meta"]):
        status, printed = copy.test(*arguments)
        assert status == 0, printed
    assert [name for step in WATCHED for name in copy.not_missed(step)] == []


@pytest.mark.long
@pytest.mark.parametrize("tool", [("ruff", "check", "."), ("mypy",)], ids=["ruff", "mypy"])
def test_what_the_page_types_is_in_style_and_rightly_typed(copy: Copy, tool: tuple[str, ...]) -> None:
    if find_spec(tool[0]) is None:
        pytest.skip(f"{tool[0]} is not there: make lint makes it")
    done = subprocess.run([sys.executable, "-m", *tool], cwd=copy.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_page_has_six_changes_each_with_what_shows_that_it_is_right() -> None:
    assert len(CHANGES) == 6
    for head, steps in CHANGES.items():
        commands = [line for step in steps for line in step.commands]
        assert re.match(r"\.venv/bin/pytest tests/", commands[-1]), head
        assert all(re.match(r"make (?:docs|claims docs|bite ONLY=C-\d+)$", line) for line in commands[:-1]), head
        assert any(step.missed_by for step in steps), head


def test_everything_that_the_map_names_is_there() -> None:
    named = re.findall(r"`([\w./-]+/[\w./-]*|[\w-]+\.(?:md|yml))`", MAP)
    assert len(named) > 40
    assert [name for name in named if not (ROOT / name).exists()] == []
