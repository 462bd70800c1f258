"""What destroys asks for a name first: the right one, or `--yes`, and nothing else lets it go on."""

import io

import pytest

from slackapp import __version__
from tests.support.operator import CommandLine, Ended, files_of
from tests.support.world import NORTH

DESTROYING = {
    "uninstall": (("uninstall", NORTH), "Northwind"),
    "purge": (("purge", NORTH), "Northwind"),
    "restore": (("restore", "b0"), "slackapp.db"),
    "keys retire": (("keys", "retire", "1"), "1"),
}


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


def typed(shell: CommandLine, text: str, *words: str) -> Ended:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", Terminal(text))
        return shell.run_as_typed(*words)


@pytest.fixture
def ready(shell: CommandLine) -> CommandLine:
    """A backup that could be restored, and an old key that could be retired."""
    shell.good("backup", str(shell.folder / "b0"))
    shell.good("keys", "rotate")
    return shell


@pytest.mark.parametrize("command", DESTROYING)
def test_without_the_name_nothing_is_changed_and_with_it_it_is_done(ready: CommandLine, command: str) -> None:
    words, name = DESTROYING[command]
    ready.world.service.stop()
    before = files_of(ready.folder)
    for wrong in ("", "\n", "yes\n", f"{name}x\n", name.upper() + "0\n"):
        ended = typed(ready, wrong, *words)
        assert (ended.status, ended.out) == (1, "")
        assert ended.error.endswith("slackapp: that is not the name; nothing was changed\n")
        assert f"Type {name} to go on: " in ended.error
        assert (wrong == "") is ("go on: \nslackapp: " in ended.error), "Ctrl-D left the line open"
    ended = ready.run_as_typed(*words)
    assert (ended.status, ended.out, ended.error.count("\n")) == (2, "", 1)
    assert ended.error.endswith("; there is nobody here to ask: give --yes\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", None)  # as Python has it where the standard input is closed
        assert ready.run_as_typed(*words).status == 2
    assert files_of(ready.folder) == before
    assert typed(ready, f"{name}\n", *words).status == 0
    ready.world.restart()


@pytest.mark.parametrize("name", ["", " North", "N\u00f6rd", "a\x1b[2J", "x\n"])
def test_a_name_that_cannot_be_typed_as_it_is_shown_is_replaced_by_the_id(shell: CommandLine, name: str) -> None:
    """I call my workspace so that your terminal is mine, or so that nobody can type it."""
    shell.change("UPDATE installations SET team_name = ? WHERE tenant_id = ?", name, NORTH)
    ended = typed(shell, "no\n", "purge", NORTH)
    assert (ended.status, f"Type {NORTH} to go on: " in ended.error, "\x1b" in ended.error) == (1, True, False)


def test_where_there_is_nothing_to_lose_nobody_is_asked(ready: CommandLine) -> None:
    assert ready.run_as_typed("uninstall", "T0NOWHERE1") == Ended(0, "T0NOWHERE1: nothing is stored for it\n", "")
    assert ready.run_as_typed("restore", "b0", "--check").status == 0
    assert ready.run_as_typed("purge", "--verify").status == 0
    ready.world.service.stop()
    for file in ready.folder.glob("slackapp.db*"):
        file.unlink()
    assert ready.run_as_typed("restore", "b0").status == 0
    ready.world.restart()


def test_version_prints_the_release(shell: CommandLine) -> None:
    assert shell.run("--version") == Ended(0, f"slackapp {__version__}\n", "")
