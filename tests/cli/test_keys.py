"""`slackapp keys new`: makes a private key file, and never touches one that is there."""

import re
from pathlib import Path

import pytest

from tests.cli.process import Here


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(tmp_path, monkeypatch, capsys)


def test_a_new_key_file_is_private_and_holds_one_key(tmp_path: Path, here: Here) -> None:
    ended = here.run({}, "keys", "new", "master.key")
    made = tmp_path / "master.key"
    assert (ended.returncode, ended.stderr) == (0, "")
    assert made.stat().st_mode & 0o777 == 0o600
    assert re.fullmatch(r"slackapp-mk1:1:[A-Za-z0-9+/]{43}=\n", made.read_text())
    assert made.read_text().split(":")[2].strip() not in ended.stdout
    here.run({}, "keys", "new", "another.key")
    assert (tmp_path / "another.key").read_bytes() != made.read_bytes()


def test_a_file_that_is_there_is_not_touched(tmp_path: Path, here: Here) -> None:
    there = tmp_path / "master.key"
    there.write_text("something that matters")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    for name in ("master.key", "link"):
        ended = here.run({}, "keys", "new", name)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr == f"slackapp: {name}: exists already; a master key is never overwritten\n"
    assert there.read_text() == "something that matters"
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_is_not_there_is_said_in_one_line(tmp_path: Path, here: Here) -> None:
    ended = here.run({}, "keys", "new", "missing/master.key")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "slackapp: missing/master.key: cannot be made (No such file or directory)\n"
