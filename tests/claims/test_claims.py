"""The claims hold together: each has lines that keep it and tests that show it, and the page says so."""

import re
from collections import Counter

import pytest

from tests.claims.page import PAGE, render
from tests.claims.sources import ROOT, Anchor, AnchorError, anchors, anchors_in, claims, promises, shown, shown_in


def test_every_claim_has_an_anchor_and_a_test_and_no_id_is_unknown() -> None:
    known = [claim.id for claim in claims()]
    anchored = {name for anchor in anchors() for name in anchor.claims}
    proved = {name for test in shown() for name in test.claims}
    assert [name for name, times in Counter(known).items() if times > 1] == []
    assert set(known) - anchored == set(), "nothing keeps these"
    assert set(known) - proved == set(), "nothing shows these"
    assert (anchored | proved) - set(known) == set(), "these are not in the table"


def test_every_promise_has_a_claim_and_every_claim_a_promise() -> None:
    assert {claim.promise for claim in claims()} == set(promises())


def test_the_page_is_what_make_claims_writes() -> None:
    assert PAGE.read_text("utf-8") == render(), "run: make claims"


def test_every_link_on_the_page_leads_to_a_line() -> None:
    links = re.findall(r"\]\(\.\./([^)#]+)#L(\d+)\)", render())
    lengths = {path: len((ROOT / path).read_text("utf-8").splitlines()) for path, _ in links}
    assert links
    assert [link for link in links if not 0 < int(link[1]) <= lengths[link[0]]] == []


PYTHON = """\
def f(a):
    # claim: C-01, C-02
    # and why
    if a:
        raise ValueError
    return (
        a
        # claim: C-03
        and a.b(
            1
        )
    )
"""
SQL = """\
UPDATE t SET a = 1
 WHERE id = :id
   AND used IS NULL  -- claim: C-03
   AND EXISTS (
       SELECT 1 FROM u WHERE (b = 1)
       );  -- claim: C-04
"""


def test_an_anchor_in_python_stands_above_a_statement_or_a_part_of_one() -> None:
    assert anchors_in("a.py", PYTHON) == [
        Anchor("a.py", ("C-01", "C-02"), 4, 5, "if a:"),
        Anchor("a.py", ("C-03",), 9, 11, "and a.b("),
    ]


def test_an_anchor_in_sql_stands_at_the_end_of_a_predicate() -> None:
    assert anchors_in("a.sql", SQL) == [
        Anchor("a.sql", ("C-03",), 3, 3, "AND used IS NULL"),
        Anchor("a.sql", ("C-04",), 4, 6, "AND EXISTS ( SELECT 1 FROM u WHERE (b = 1) );"),
    ]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "a = 1  # claim: C-01\n"),
        ("a.py", "# claim: C-1\na = 1\n"),
        ("a.py", "try:\n    a = 1\n# claim: C-01\nexcept OSError:\n    pass\n"),
        ("a.sql", "-- claim: C-01 and more\nSELECT 1;\n"),
    ],
)
def test_an_anchor_that_keeps_nothing_is_refused(path: str, text: str) -> None:
    with pytest.raises(AnchorError):
        anchors_in(path, text)


def test_the_scanner_finds_each_tests_own_claim_marks() -> None:
    text = (
        '@pytest.mark.claim("C-01", "C-02")\n@pytest.mark.claim("C-03")\ndef test_a():\n    pass\n\n\ndef test_b():\n'
    )
    (found,) = shown_in("tests/test_x.py", text)
    assert (found.node, found.claims) == ("tests/test_x.py::test_a", ("C-01", "C-02", "C-03"))
