"""The audit's events: each is explained on docs/audit-events.md, written somewhere, and reached by a test."""

import ast
import re

import pytest

from slackapp.errors import Refusal
from slackapp.model import AuditEvent
from tests.meta.source import ROOT, modules
from tests.support.audit_events import PAGE, page
from tests.support.audit_meanings import MEANINGS, wrong

NOT_REACHED: dict[str, str] = {}
"""Events that no test names, and why."""


def test_the_page_is_what_is_so() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make docs"


def test_every_event_has_a_meaning_and_no_meaning_is_left_over() -> None:
    assert sorted([*MEANINGS, *(refusal.audit for refusal in Refusal)]) == sorted(AuditEvent)


def test_every_event_is_written_somewhere() -> None:
    """I look for an event that the page promises, and nothing writes it."""
    named = {
        node.attr
        for module in modules()
        if module.path != "model/audit.py"
        for node in module.nodes
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "AuditEvent"
    }
    assert {event.name for event in AuditEvent} == named


def test_every_event_is_reached_by_a_test() -> None:
    """All refusals are given in tests/attacks/test_every_refusal.py; the others are named where they are looked for."""
    tests = [file for file in (ROOT / "tests").rglob("test_*.py") if file.name != "test_audit_events.py"]
    named = set(re.findall(r"[\"']([a-z_.]+)[\"']", "\n".join(file.read_text("utf-8") for file in tests)))
    assert {str(event) for event in MEANINGS} - named == set(NOT_REACHED)


@pytest.mark.parametrize(
    "changes",
    [{"event": "keys.flushed", "count": 1}, {"actor": "anyone"}, {"detail": "operator"}, {"result": "a b"},
     {"record_kind": "scope"}],
)  # fmt: skip
def test_a_row_that_says_something_else_than_the_page_is_found(changes: dict[str, object]) -> None:
    """Negative control."""
    row = {"event": "keys.flushed", "actor": "operator", "result": "ok", "detail": "", "record_kind": "", "count": None}
    assert wrong(row, {}) == []
    assert wrong({**row, **changes}, {})
