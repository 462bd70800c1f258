"""The answers in docs/exercises.md are those of the report of `make bite`."""

import re
from pathlib import Path

import pytest

from tests.bite.report import rows

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "exercises.md").read_text("utf-8")
EXERCISE = re.compile(
    r"^## (\d+)\. .+?\n\nFile `([^`]+)`[^\n]*:\n\n    (.+?)\n\n.+?\n\n<details><summary>Answer</summary>\n\n"
    r"Claim (C-\d\d), test `([^`]+)`\.\n\n.+?</details>",
    re.MULTILINE | re.DOTALL,
)
EXERCISES = EXERCISE.findall(PAGE)


@pytest.mark.parametrize(("number", "path", "line", "claim", "test"), EXERCISES, ids=[found[0] for found in EXERCISES])
def test_each_exercises_line_claim_and_test_are_in_the_report(
    number: str, path: str, line: str, claim: str, test: str
) -> None:
    found = {(row.claim, row.test) for row in rows() if (row.path, row.statement) == (path, line)}
    assert (claim, test) in found


def test_the_page_has_ten_exercises_in_order() -> None:
    assert [found[0] for found in EXERCISES] == [str(number) for number in range(1, 11)]
    assert PAGE.count("\n## ") == 10
