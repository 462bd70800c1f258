"""Tables fit a terminal of 80 columns, and say all where all is asked for."""

import unicodedata

from hypothesis import example, given, settings
from hypothesis import strategies as st

from slackapp.cli.terminal.table import GAP, WIDTH, Truncation, format_table

CUTS = {"event_id": Truncation.MIDDLE, "detail": Truncation.END}
COLUMNS = ("event_id", "state", "detail")
SIGNATURE = "sig-" + "0123456789abcdef" * 4


def columns_of(line: str) -> int:
    """As a terminal counts them."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in line)
    return len(line) + wide - sum(unicodedata.combining(letter) > 0 for letter in line)


def test_ids_are_shortened_in_the_middle_and_sentences_at_their_end() -> None:
    head, row = format_table(COLUMNS, [(SIGNATURE, "dead", "nobody has answered it yet " * 4)], CUTS)
    assert columns_of(row) <= WIDTH
    assert row.startswith("sig-01234567")
    assert "\u2026" in row
    assert head.index("state") == row.index("dead")
    shown_id, _, shown_detail = (cell.strip() for cell in row.split(GAP))
    assert SIGNATURE.endswith(shown_id.partition("\u2026")[2])
    assert len(shown_id.partition("\u2026")[2]) > 8
    assert shown_detail.startswith("nobody has")
    assert shown_detail.endswith("\u2026")


def test_nothing_is_shortened_that_fits_or_that_is_asked_for_whole() -> None:
    assert format_table(COLUMNS, [("Ev1", "dead", None), ("Ev22", "", "a  b")], CUTS) == [
        "event_id  state  detail", "Ev1       dead   -", "Ev22      -      a b",
    ]  # fmt: skip
    at = "2027-01-15T08:00:05Z"
    assert format_table(("at", "id"), [(at, SIGNATURE)], None)[1] == f"{at}  {SIGNATURE}"
    assert format_table(("at", "id"), [(at, "Ev1")], {})[1] == "2027-01-15 08:00  Ev1"


def test_letters_of_two_columns_and_marks_of_none_stay_aligned() -> None:
    head, wide, marked = format_table(("name", "state"), [("\u6771\u4eac", "one"), ("e\u0301", "two")], {})
    assert columns_of(wide[: wide.index("one")]) == columns_of(marked[: marked.index("two")]) == head.index("state")


@settings(max_examples=60)
@example([["\u6771" * 90, "a\x1b[2Jb", "x"], ["\u0301" * 3, "", "\n"]])
@given(st.lists(st.lists(st.text(max_size=120), min_size=3, max_size=3), max_size=4))
def test_whatever_stands_in_it_each_row_is_one_printable_line_that_fits(rows: list[list[str]]) -> None:
    lines = format_table(("a", "b", "c"), rows, dict.fromkeys("abc", Truncation.MIDDLE))
    assert len(lines) == len(rows) + 1
    assert all(columns_of(line) <= WIDTH and line.isprintable() for line in lines)
