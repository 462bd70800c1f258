"""What no file here may contain: this or that machine's paths, a registry's name, talk about drafts.

The words are written with a `~` in them, taken out before use, so that this file does not match itself.
"""

import re
from pathlib import Path

import pytest

from tests.meta.source import ROOT, repository_files

RULES = {
    "a path of one machine": r"(?<![\w.-])/(?:wo~rk|ro~ot|ho~me|Us~ers|opt/py~pi|opt/wh~eels)/",
    "a package registry": r"\b(?:py~pi\.org|python~hosted\.org|registry\.np~mjs\.org|deb\.deb~ian\.org)\b",
    "talk about how it was made": r"\b(?:AI-gen~erated|LL~Ms?|large lang~uage model|lang~uage models?|pro~mpts?"
    r"|assist~ants?(?!:write)|chat~bot|Chat~GPT|Cla~ude|Cop~ilot)\b",
    "a page that is not here": r"\b(?:DES~IGN|FA~CTS|REQUIRE~MENTS|PE~ERS|RO~WS|ST~YLE)\.md\b|\.\./sha~red",
}
COMPILED = {what: re.compile(rule.replace("~", ""), re.IGNORECASE) for what, rule in RULES.items()}
PLANTED = [
    "see /wo~rk/main",
    "open('/ro~ot/key')",
    "files.python~hosted.org",
    "https://py~pi.org/simple",
    "written by an L~LM",
    "answer the pro~mpt",
    "as DES~IGN.md says",
    "in ../sha~red/notes",
]
INNOCENT = [
    "https://api.slack.com/home/x",
    "promptly",
    "docs/data-model.md, and /homework/",
    "assistant_thread_started and assistant:write",
]


def findings(text: str) -> list[str]:
    """What a text contains of the above, with the line it stands on."""
    broken = {what: rule for what, rule in COMPILED.items() if rule.search(text)}
    return [
        f"{number}: {what}: {line.strip()[:100]}"
        for number, line in enumerate(text.splitlines() if broken else (), 1)
        for what, rule in broken.items()
        if rule.search(line)
    ]


def text_of(path: Path) -> str:
    """The text of a file; empty for one that is not text."""
    data = path.read_bytes()
    return "" if b"\0" in data else data.decode("utf-8", "replace")


def test_no_file_holds_a_forbidden_word() -> None:
    """Stops a leak of where this was written."""
    files = repository_files()
    assert ROOT / "pyproject.toml" in files
    found = [f"{path.relative_to(ROOT)}:{line}" for path in files for line in findings(text_of(path))]
    found += [f"{path.relative_to(ROOT)}: its name" for path in files if findings(str(path.relative_to(ROOT)))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("text", PLANTED)
def test_a_planted_word_is_found(text: str) -> None:
    """Negative control: stops a rule that matches nothing."""
    assert findings(text.replace("~", ""))


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent_words_pass(text: str) -> None:
    """Negative control of the other kind: stops a rule that matches everything."""
    assert not findings(text)
