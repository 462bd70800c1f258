"""`slackapp host keys …`: what each verb prints, how it ends, and what it refuses."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.keys import KEY_ID, SECRET, host_settings
from tests.support.operator import CommandLine, open_shell

LINE = re.compile(r"slackapp-hk1:([0-9a-f]{8}):([A-Za-z0-9_-]{43})\n")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    folder = tmp_path_factory.mktemp("host")
    with open_shell(folder, (), **host_settings(folder)) as shell:
        yield shell


@pytest.fixture
def shell(made: CommandLine) -> CommandLine:
    host_settings(made.folder)  # one key again
    return made


def keys(shell: CommandLine) -> list[tuple[str, str]]:
    """Ids and secrets in the file."""
    return LINE.findall((shell.folder / "host.keys").read_text())


def test_new_makes_a_private_file_with_one_random_key(shell: CommandLine, tmp_path: Path) -> None:
    one, other = tmp_path / "one.keys", tmp_path / "other.keys"
    said = shell.good("host", "keys", "new", str(one))
    shell.good("host", "keys", "new", str(other))
    first, second = LINE.fullmatch(one.read_text()), LINE.fullmatch(other.read_text())
    assert first is not None
    assert second is not None
    assert (first[1] != second[1], first[2] != second[2]) == (True, True)
    assert one.stat().st_mode & 0o777 == 0o600
    assert said.startswith(f"{one}: host key {first[1]}. ")
    assert first[2] not in said


def test_new_touches_no_file_that_is_there(shell: CommandLine) -> None:
    ended = shell.run("host", "keys", "new", str(shell.folder / "host.keys"))
    assert (ended.status, keys(shell)) == (1, [(KEY_ID, SECRET)])
    assert "exists already; add a key to it by: slackapp host keys rotate" in ended.error


def test_rotate_adds_a_key_and_retire_ends_the_old_one(shell: CommandLine) -> None:
    said = shell.good("host", "keys", "rotate")
    (new_id, new_secret), old = keys(shell)
    assert old == (KEY_ID, SECRET)
    assert said.startswith(f"host key {new_id} signs, too. ")
    assert new_secret not in said
    assert shell.good("host", "keys", "list").splitlines() == [new_id, KEY_ID]
    shell.good("host", "keys", "retire", KEY_ID)
    assert keys(shell) == [(new_id, new_secret)]
    assert (shell.folder / "host.keys").stat().st_mode & 0o777 == 0o600


def test_a_third_key_is_refused(shell: CommandLine) -> None:
    shell.good("host", "keys", "rotate")
    ended = shell.run("host", "keys", "rotate")
    assert (ended.status, len(keys(shell))) == (1, 2)
    assert f"there are 2 keys already; retire {KEY_ID} before you make another" in ended.error


def test_the_only_key_is_not_retired_and_neither_is_one_that_is_not_there(shell: CommandLine) -> None:
    ended = shell.run("host", "keys", "retire", KEY_ID)
    assert (ended.status, ended.error) == (
        1, f"slackapp: {KEY_ID} is the only key; make the one that follows it first: slackapp host keys rotate\n",
    )  # fmt: skip
    ended = shell.run("host", "keys", "retire", "00000000")
    assert (ended.status, ended.error) == (
        1, "slackapp: there is no host key 00000000; see: slackapp host keys list\n",
    )  # fmt: skip
    assert keys(shell) == [(KEY_ID, SECRET)]


def test_a_key_is_retired_only_by_its_name(shell: CommandLine) -> None:
    shell.good("host", "keys", "rotate")
    ended = shell.run_as_typed("host", "keys", "retire", KEY_ID)
    assert (ended.status, len(keys(shell))) == (2, 2)
    assert "connects that began under it end; there is nobody here to ask: give --yes" in ended.error


def test_without_the_setting_there_is_no_key(shell: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACKAPP_HOST_KEYS_FILE")
    for verb in ("list", "rotate"):
        ended = shell.run("host", "keys", verb)
        assert (ended.status, ended.error) == (
            78,
            "slackapp: SLACKAPP_HOST_KEYS_FILE: is missing; make a file with a key by: slackapp host keys new FILE\n",
        )
