"""What docs/controls.md says of public catalogues is written from a table, whose claims and pages are there."""

import re

import pytest

from tests.support import controls
from tests.support.controls import CATALOGUES, Control


def test_the_page_is_what_make_docs_writes() -> None:
    assert controls.PAGE.read_text("utf-8") == controls.page()


def test_every_control_leans_on_claims_that_tests_show_or_is_the_operators() -> None:
    assert controls.unshown() == []


def test_each_catalogue_is_whole() -> None:
    """Stops a control that is left out because nothing answers it."""
    ids = [[row.id for row in rows] for _, rows in CATALOGUES.values()]
    assert ids[0] == [f"NHI{number}" for number in range(1, 11)]
    assert re.findall(r"PR\.AC-(\d)", " ".join(ids[1])) == [str(number) for number in range(1, 8)]
    assert sorted(re.findall(r"PR\.AA-(\d\d)", " ".join(ids[1]))) == [f"0{number}" for number in range(1, 7)]
    assert ids[2] == [f"Tenet {number}" for number in range(1, 8)]


@pytest.mark.parametrize(
    "row",
    [
        Control("X", "asks", "met"),
        Control("X", "asks", "met", "C-999"),
        Control("X", "asks", "met", "C-01", "threat-model.md#no-such-part"),
    ],
)
def test_a_planted_control_that_leans_on_nothing_is_found(monkeypatch: pytest.MonkeyPatch, row: Control) -> None:
    """Negative control."""
    monkeypatch.setitem(CATALOGUES, "planted", ("https://example.com", (row,)))
    assert controls.unshown()
