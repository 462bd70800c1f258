"""What is taken away where an anchor stands, and nothing else."""

import pytest

from tests.bite.mutate import without
from tests.bite.report import described, rows
from tests.claims.sources import AnchorError, anchors, anchors_in, shown

CASES = {
    "an if with its refusal": (
        "a.py",
        "def f(a):\n    # claim: C-01\n    if a:\n        raise OSError\n    return a\n",
        "def f(a):\n    # claim: C-01\n    pass\n    return a\n",
    ),
    "a call over several lines": ("a.py", "# claim: C-01\nf(\n    1\n)\ng()\n", "# claim: C-01\npass\ng()\n"),
    "a block keeps what is in it": (
        "a.py",
        "# claim: C-01\nwith a(), b() as c:\n    # why\n    f()\n    g()\n",
        "# claim: C-01\nif True:\n    f()\n    g()\n",
    ),
    "a value": ("a.py", "# claim: C-01\na = f(1)\n", "# claim: C-01\na = None\n"),
    "a value made from the one before": ("a.py", "# claim: C-01\na = f(a)\n", "# claim: C-01\npass\n"),
    "a link of a chain": (
        "a.py",
        "x = (\n    a\n    # claim: C-01\n    and b\n)\n",
        "x = (\n    a\n    # claim: C-01\n)\n",
    ),
    "a predicate": (
        "a.sql",
        "SELECT 1\n WHERE a = :a  -- claim: C-01\n   AND b = 1;\n",
        "SELECT 1\n WHERE (a = :a OR TRUE)\n   AND b = 1;\n",
    ),
    "the last predicate, over several lines": (
        "a.sql",
        "SELECT 1\n WHERE a = 1\n   AND EXISTS (\n  SELECT 1\n  );  -- claim: C-01\n",
        "SELECT 1\n WHERE a = 1\n   AND (EXISTS (\n  SELECT 1\n  ) OR TRUE);\n",
    ),
    "a clause": (
        "a.sql",
        "INSERT INTO a VALUES (1)\nON CONFLICT DO NOTHING;  -- claim: C-01\n",
        "INSERT INTO a VALUES (1)\n;\n",
    ),
}


@pytest.mark.parametrize(("path", "text", "expected"), CASES.values(), ids=CASES)
def test_the_mutant_lacks_the_anchored_line(path: str, text: str, expected: str) -> None:
    (anchor,) = anchors_in(path, text)
    assert without(anchor, text) == expected


@pytest.mark.parametrize("text", ["# claim: C-01\ndef f():\n    pass\n", "# claim: C-01\nimport os\n"])
def test_what_is_no_single_statement_is_not_taken_away(text: str) -> None:
    (anchor,) = anchors_in("a.py", text)
    with pytest.raises(AnchorError):
        without(anchor, text)


def test_the_report_is_about_the_anchors_that_are_there_and_all_of_them_bite() -> None:
    """The report names statements and no lines, so that it stays right when something above them changes."""
    reported = rows()
    marked = {(claim, test.node) for test in shown() for claim in test.claims}
    assert [row for row in reported if (row.claim, row.test) not in marked] == []
    wanted = sorted((claim, anchor.path, described(anchor)) for anchor in anchors() for claim in anchor.claims)
    assert sorted((row.claim, row.path, row.statement) for row in reported) == wanted, "run: make bite"
