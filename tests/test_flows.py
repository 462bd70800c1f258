"""The pictures in docs/flows/ are drawn from the code: each arrow has the number and the words of a step comment."""

import re
from pathlib import Path

import pytest

from slackapp.demo.steps import steps_of

FOLDER = Path(__file__).parent.parent / "docs" / "flows"
PICTURE = re.compile(r"<!-- steps: ([a-z_ ]+) -->\n\n```mermaid\nsequenceDiagram\n(.*?)```", re.DOTALL)
ARROW = re.compile(r"^    (\w+)-?->>(\w+): (\d+)\. (.+)$", re.MULTILINE)
PICTURES = [
    (page.name, found[1].split(), found[2])
    for page in sorted(FOLDER.glob("*.md"))
    for found in PICTURE.finditer(page.read_text("utf-8"))
]
NAMES = [f"{page} {' '.join(flows)}" for page, flows, _ in PICTURES]


@pytest.mark.parametrize(("flows", "drawn"), [(flows, drawn) for _, flows, drawn in PICTURES], ids=NAMES)
def test_the_arrows_are_the_steps_of_the_code(flows: list[str], drawn: str) -> None:
    wanted = [step for flow in flows for step in sorted(steps_of(flow).items())]
    arrows = [(int(number), words.replace("#59;", ";")) for _, _, number, words in ARROW.findall(drawn)]
    assert arrows == wanted


@pytest.mark.parametrize("drawn", [drawn for _, _, drawn in PICTURES], ids=NAMES)
def test_a_picture_has_nothing_but_participants_notes_and_numbered_arrows(drawn: str) -> None:
    """A semicolon would end an arrow in the middle of its words (mermaid.js.org/syntax/sequenceDiagram.html)."""
    known = re.findall(r"^    participant (\w+) as \S.*$", drawn, re.MULTILINE)
    notes = re.findall(r"^    Note over \w+,\w+: \S.*$", drawn, re.MULTILINE)
    arrows = ARROW.findall(drawn)
    assert len(known) + len(notes) + len(arrows) == len(drawn.splitlines())
    assert {end for start, target, _, _ in arrows for end in (start, target)} == set(known)
    assert ";" not in drawn.replace("#59;", "")


def test_the_seven_pages_are_there_and_every_flow_with_a_picture_has_one() -> None:
    assert {page for page, _, _ in PICTURES} == {
        "connect.md", "event.md", "install.md", "key-rotation.md", "message.md", "refresh.md", "uninstall.md",
    }  # fmt: skip
    assert {flow for _, flows, _ in PICTURES for flow in flows} == {
        "begin_install", "finish_install", "receive_event", "run_event", "use_token", "refresh_token",
        "uninstall_tenant", "purge_tenant", "rotate_keys", "begin_connect", "finish_connect", "open_session",
        "confirm_connect", "give_back", "send_message",
    }  # fmt: skip


def test_a_page_without_its_picture_would_be_missed() -> None:
    """Negative control for the search."""
    text = "<!-- steps: a b -->\n\n```mermaid\nsequenceDiagram\n    participant A as x\n    A->>A: 1. go\n```\n"
    ((flows, drawn),) = PICTURE.findall(text)
    assert (flows, ARROW.findall(drawn)) == ("a b", [("A", "A", "1", "go")])
