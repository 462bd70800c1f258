"""What a terminal is shown: names that strangers chose, and nothing that they could steer it with."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from slackapp.cli.main import main
from slackapp.cli.terminal import printing

HOSTILE = "no\x1b[2K\nall is well\x9b1A\u202e\udc80"
ROOT = Path(__file__).resolve().parents[2]
ESCAPED = {
    "plain": ("Café Ünïcode 株式会社 🚀", "Café Ünïcode 株式会社 🚀"),
    "a colour": ("a\x1b[31mred", r"a\x1b[31mred"),
    "a title": ("\x1b]0;mine\x07", r"\x1b]0;mine\x07"),
    "the eight-bit form of it": ("\x9b31m", r"\x9b31m"),
    "a line break": ("a\nT0FAKE0001  forged", r"a\nT0FAKE0001  forged"),
    "back to the beginning": ("a\rb\bc\x7f", r"a\rb\x08c\x7f"),
    "other line breaks": ("a\x0b\x0c\x85\u2028\u2029b", r"a\x0b\x0c\x85\u2028\u2029b"),
    "the other direction": ("\u202egnp.exe\u2066", r"\u202egnp.exe\u2066"),
    "nothing to see": ("a\u200b\u00ad\ufeffb", r"a\u200b\xad\ufeffb"),
    "no character": ("a\ud800b\x00\udfff", r"a\ud800b\x00\udfff"),
    "a tag": ("\U000e0041", r"\U000e0041"),
}


@pytest.mark.parametrize(("text", "seen"), ESCAPED.values(), ids=ESCAPED)
@pytest.mark.claim("C-100")
def test_what_could_steer_a_terminal_is_shown_as_its_escape(
    capsys: pytest.CaptureFixture[str], text: str, seen: str
) -> None:
    """I am a workspace with a name that I chose for whoever lists its customers."""
    printing.print_lines(text, "next")
    printing.print_lines(text, error=True)
    assert tuple(capsys.readouterr()) == (f"{seen}\nnext\n", f"{seen}\n")
    assert printing.escaped(seen) == seen, "what was escaped is not escaped again"


def test_a_long_line_goes_on_under_its_beginning_and_no_word_is_broken() -> None:
    line = "      12. " + "word " * 20 + "https://example.com/" + "a-b" * 30
    first, second, third = printing.wrap_line(line, 10)
    assert (len(first), second) == (79, "          " + "word " * 5 + "word")
    assert third == "          https://example.com/" + "a-b" * 30
    assert printing.wrap_line("a\tb\nc", 0) == ["a\tb\nc"], "it is shown as its escape where it is told"
    assert printing.wrap_line("", 10) == [""]
    assert printing.wrap_line("  short", 10) == ["  short"]


def test_json_is_ascii_and_means_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"name": "".join(text for text, _ in ESCAPED.values())}
    printing.print_json(value)
    printed = capsys.readouterr().out
    assert json.loads(printed) == value
    assert printed.isascii()
    assert printed.removesuffix("\n").isprintable()


def test_a_terminal_that_knows_ascii_alone_is_shown_the_rest_as_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    printing.print_lines("Café 🚀")
    assert stream.buffer.getvalue() == rb"Caf\xe9 \U0001f680" + b"\n"  # type: ignore[attr-defined]


@pytest.mark.claim("C-100")
def test_an_error_about_a_file_of_a_hostile_name_stays_on_its_line(tmp_path: Path) -> None:
    """I named a file so that the error about it says that all is well."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "slackapp", "doctor", "--manifest", "no\x1b[2K\nall is well"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith(r"slackapp: no\x1b[2K\nall is well: cannot be read")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [
    ("tenants", HOSTILE), ("config", f"--{HOSTILE}"), (HOSTILE,), ("inbox", HOSTILE), ("keys", "retire", HOSTILE),
    ("inbox", "list", "--number", HOSTILE), ("audit", "tail", f"--w{HOSTILE}"), ("--dev", "demo", HOSTILE),
    ("tenants", f"--wide={HOSTILE}"),
])  # fmt: skip
@pytest.mark.claim("C-100")
def test_what_was_typed_and_is_not_understood_is_repeated_on_its_line(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    """I have you paste a command that looks harmless, and the error about it goes on for me."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    out, error = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    *usage, last = error.splitlines()
    assert last.startswith("slackapp")
    assert ": error: " in last
    assert error.replace("\n", "").isprintable()
    assert not [line for line in usage if line.startswith("all is well")]
