"""Keys that were replaced, and what they sealed, are in no file any more: not in the write-ahead log either."""

import pytest

from tests.support.operator import CommandLine, Ended
from tests.support.world import NORTH, SOUTH, reading

HELD = "a reader holds the write-ahead log: old keys are left there until `slackapp purge --verify` counts none\n"
COMMANDS = {
    "reencrypt": ("keys", "reencrypt"),
    "reencrypt one": ("keys", "reencrypt", "--tenant", NORTH),
    "assign": ("keys", "assign", NORTH, "local"),
    "rotate": ("keys", "rotate"),
    "retire": ("keys", "retire", "1"),
}


def left_on_disk(shell: CommandLine, blobs: set[bytes]) -> set[bytes]:
    content = shell.world.bytes_on_disk()
    return {blob for blob in blobs if blob in content}


def stored(shell: CommandLine) -> set[bytes]:
    """Every sealed value and every wrapped key that is there, the service's own too."""
    return shell.blobs(NORTH) | shell.blobs(SOUTH) | shell.blobs("")


def run(shell: CommandLine, name: str) -> tuple[Ended, set[bytes]]:
    """Runs the command; what it has replaced, itself or, where it takes out what was replaced, the rotation before."""
    before = stored(shell)
    assert left_on_disk(shell, before) == before, "the look-out sees what is there"
    if name == "retire":
        with reading(shell.world):
            assert shell.run("keys", "rotate").status == 75
    ended = shell.run(*COMMANDS[name])
    replaced = before - stored(shell)
    assert len(replaced) >= 10
    return ended, replaced


@pytest.mark.claim("C-136")
@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_that_was_replaced_is_in_any_file(shell: CommandLine, name: str) -> None:
    ended, replaced = run(shell, name)
    assert (ended.status, left_on_disk(shell, replaced)) == (0, set())
    assert left_on_disk(shell, stored(shell)) == stored(shell)


@pytest.mark.claim("C-136")
@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_reader_keeps_in_the_log_is_told_and_goes_later(shell: CommandLine, name: str) -> None:
    with reading(shell.world):
        ended, replaced = run(shell, name)
        assert (ended.status, ended.error.endswith(HELD), left_on_disk(shell, replaced)) == (75, True, replaced)
        assert "     1  write-ahead log not emptied" in shell.run("purge", "--verify").out
    shell.good("purge", "--verify")
    assert left_on_disk(shell, replaced) == set()


@pytest.mark.claim("C-136")
def test_where_a_tenant_cannot_get_new_keys_nothing_is_left_of_those_before_it(shell: CommandLine) -> None:
    before = shell.blobs(NORTH)
    shell.change("UPDATE data_keys SET wrapped = zeroblob(length(wrapped)) WHERE tenant_id = ?", SOUTH)
    ended = shell.run("keys", "reencrypt")
    assert (ended.status, f"{SOUTH}: its keys are not whole; those that it has stay" in ended.error) == (1, True)
    assert (shell.blobs(NORTH) & before, left_on_disk(shell, before)) == (set(), set())
