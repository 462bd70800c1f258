"""Counters, in the text format of Prometheus."""

import re
import threading

import pytest

from slackapp.ops.metrics import Counters

# prometheus.io/docs/instrumenting/exposition_formats: name{label="value",…} number
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([0-9]+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)')
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], int]


def parse(text: str) -> Samples:
    """Reads the format as its description says; fails the test for anything else."""
    found: Samples = {}
    typed: list[str] = []
    for line in text.split("\n"):
        if line.startswith("#"):
            _, word, name, kind = line.split(" ")
            assert (word, kind) == ("TYPE", "counter")
            assert name not in typed, "a type is given twice"
            typed.append(name)
        elif line:
            match = SAMPLE.fullmatch(line)
            assert match is not None, line
            assert match[1] == typed[-1], "a sample stands apart from its type"
            labels = LABEL.findall(match[2] or "")
            assert LABEL.sub("", match[2] or "") == ""
            clear = tuple((name, re.sub(r"\\.", lambda part: ESCAPES[part[0]], value)) for name, value in labels)
            assert (match[1], clear) not in found, "a sample is given twice"
            found[match[1], clear] = int(match[3])
    return found


def test_counters_are_read_back_by_a_parser_of_the_format() -> None:
    counters = Counters()
    for _ in range(3):
        counters.count("b_total", {"route": "/slack/install", "status": "302"})
    counters.count("b_total", {"status": "400", "route": "/slack/install"})
    counters.count("a_total", {})
    counters.count("c_total", {"reason": "rate"})
    assert parse(counters.text()) == {
        ("a_total", ()): 1,
        ("b_total", (("route", "/slack/install"), ("status", "302"))): 3,
        ("b_total", (("route", "/slack/install"), ("status", "400"))): 1,
        ("c_total", (("reason", "rate"),)): 1,
    }
    assert counters.text().endswith("\n")
    assert counters.text() == counters.text()


@pytest.mark.parametrize("value", ['a"b', "a\\b", "a\nb", 'a",b="c', "\\n", '\\"', "é", "a{b}c 1", ""])
def test_a_label_holds_any_text(value: str) -> None:
    """I get a quotation mark into a label, and write a counter of my own."""
    counters = Counters()
    counters.count("a_total", {"x": value, "y": "z"})
    assert parse(counters.text()) == {("a_total", (("x", value), ("y", "z"))): 1}


def test_no_counter_is_an_empty_text() -> None:
    assert parse(Counters().text()) == {}


def test_the_order_of_labels_makes_no_other_counter() -> None:
    counters = Counters()
    counters.count("a_total", {"x": "1", "y": "2"})
    counters.count("a_total", {"y": "2", "x": "1"})
    assert counters.value("a_total", {"y": "2", "x": "1"}) == 2
    assert counters.value("a_total", {"x": "1"}) == 0
    assert len(parse(counters.text())) == 1


def test_no_count_is_lost_between_threads() -> None:
    counters = Counters()
    threads = [
        threading.Thread(target=lambda: [counters.count("a_total", {"x": "1"}) for _ in range(500)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counters.value("a_total", {"x": "1"}) == 4000
