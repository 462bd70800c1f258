"""What is opened as a spreadsheet holds no formula, and no cell makes two."""

import csv
import io

import pytest

from slackapp.host.checks.csv_text import write_csv
from slackapp.host.checks.media_type import asks_for_csv


def read(text: str) -> list[list[str]]:
    """The cells as a reader of CSV finds them."""
    return list(csv.reader(io.StringIO(text, newline="")))


def test_a_table_is_read_back_as_it_was() -> None:
    cells = ["plain", 'with "quotes"', "with, comma", "with\nline", "a;b\tc", ""]
    assert read(write_csv(["a", "b", "c", "d", "e", "f"], [cells])) == [["a", "b", "c", "d", "e", "f"], cells]
    assert write_csv(["id", "n"], [["x", 7], ["y", -7], [None, 0]]) == '"id","n"\r\n"x",7\r\n"y",-7\r\n"",0\r\n'


@pytest.mark.claim("C-360")
@pytest.mark.parametrize(
    "formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r\n=1", "\x00=1", "\uff1d1", "\ufeff=1"]
)
def test_what_would_be_run_is_a_text(formula: str) -> None:
    """I name my workspace so that your auditor's spreadsheet asks my server."""
    assert read(write_csv(["name"], [[formula]]))[1] == [f"'{formula}"]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [("", False), ("*/*", False), ("application/json", False), ("text/csv", True), ("TEXT/CSV; charset=utf-8", True),
     ("text/csv, application/json", True), ("application/json, text/csv", False),
     ("application/json;q=0.5, text/csv", True),
     ("text/csv;q=0.4, application/json;q=0.5", False), ("text/csv;q=0", False), ("text/csv;q=x", False),
     ("text/csv;q=0.1, */*", False), ("text/csv, */*;q=0.1", True), ("text/csvx", False)],
)  # fmt: skip
def test_whoever_asks_for_csv_gets_it(accept: str, *, expected: bool) -> None:
    assert asks_for_csv(accept) is expected
