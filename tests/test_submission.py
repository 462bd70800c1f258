"""docs/directory-submission.md says what the doctor does, and what it names is there."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from slackapp.directory import read_manifest
from slackapp.directory.review import REQUIREMENTS, Requirement
from tests.support import screenshots

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "docs" / "directory-submission.md"
PAGE = FILE.read_text("utf-8")
MARKS = re.compile(r"<!-- checklist -->\n(.*?)<!-- /checklist -->", re.DOTALL)
NAMED = re.compile(r"`((?:tests|docs)/[\w/.-]+|[A-Z]+\.md)`")


def checklist() -> str:
    """The table as the doctor has it."""
    lines = ["", "| row | what is asked | by | shown by | left to a person |", "| --- | --- | --- | --- | --- |"]
    for row in REQUIREMENTS:
        shown = ", ".join(f"`{name}`" for name in row.evidence)
        lines.append(f"| {row.number} | {row.item} | {looked_at(row)} | {shown} | {row.person} |")
    return "\n".join(lines) + "\n\n"


def looked_at(row: Requirement) -> str:
    """What a row is judged by."""
    by = {"manifest": row.by_manifest or (row.manual_step and not row.by_app), "running app": row.by_app}
    return ", ".join(name for name, checks in by.items() if checks) or "a person"


def test_the_checklist_is_the_doctor_s() -> None:
    """Run this file as a program to write it anew."""
    found = MARKS.search(PAGE)
    assert found is not None
    assert found[1] == checklist()


def test_whatever_is_said_to_show_something_is_there() -> None:
    named = {*NAMED.findall(PAGE), *(name for row in REQUIREMENTS for name in row.evidence)}
    assert len(named) > 30
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_answer_of_the_questionnaire_names_what_shows_it_or_says_that_it_is_yours() -> None:
    section = PAGE.partition("## The security questionnaire")[2].partition("## ")[0]
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| ") and "?" in line]
    assert len(rows) > 20
    for row in rows:
        assert len(row) == 3, row
        assert NAMED.search(row[2]) or row[2].startswith("yours"), row


def test_the_pages_texts_equal_the_manifests() -> None:
    shown = read_manifest.read("manifest.yml", (ROOT / "manifest.yml").read_text("utf-8"))["display_information"]
    quoted = re.findall(r"(?:^> .*\n)+", PAGE, re.MULTILINE)
    texts = [" ".join(line.removeprefix("> ") for line in text.splitlines()) for text in quoted]
    assert texts == [shown["description"], shown["long_description"]]


def test_the_pictures_on_the_list_are_those_that_are_made() -> None:
    code = Path(screenshots.__file__).read_text("utf-8")
    assert re.findall(r"^\| `(\S+)\.png`", PAGE, re.MULTILINE) == re.findall(
        r'^        "(\d-\w+)":', code, re.MULTILINE
    )
    assert f"{screenshots.WIDTH} by {screenshots.HEIGHT} each" in PAGE
    assert "python -m tests.support.screenshots build/screenshots" in (ROOT / "Makefile").read_text("utf-8")


def test_without_a_browser_no_picture_is_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert screenshots.main(tmp_path / "pictures") == 1
    assert "there is no Chromium or Chrome here" in capsys.readouterr().err
    assert not (tmp_path / "pictures").exists()


@pytest.mark.long
def test_the_pictures_have_the_size_that_slack_asks_for(tmp_path: Path) -> None:
    if not screenshots.find_browser():
        pytest.skip("there is no browser here to take pictures with")
    assert screenshots.main(tmp_path) == 0
    pictures = sorted(tmp_path.glob("*.png"))
    assert len(pictures) == 6
    assert {screenshots.size_of(picture) for picture in pictures} == {(1600, 1000)}
    assert all(10_000 < picture.stat().st_size < screenshots.LARGEST for picture in pictures)


if __name__ == "__main__":
    FILE.write_text(MARKS.sub(lambda _: f"<!-- checklist -->\n{checklist()}<!-- /checklist -->", PAGE), "utf-8")
    sys.exit(0)
