"""New data keys in the very moment in which another process has read a record and not yet opened it: no read fails."""

from collections.abc import Callable
from typing import Any

import pytest

from slackapp.flows.events import run_event
from slackapp.model import Secret
from slackapp.vault.secret_reads import SecretRead
from slackapp.vault.vault import Vault
from tests.support.operator import ACTOR, CommandLine, tenant
from tests.support.token_use import call_as
from tests.support.world import NORTH


def meanwhile(shell: CommandLine) -> Callable[[], None]:
    """Once: the tenant gets new data keys, and nobody has the old ones in memory any more, as `keys assign` does it."""
    left = [1]

    def run() -> None:
        if left:
            left.clear()
            shell.good("keys", "assign", NORTH, "local")

    return run


def before_opening(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Lets something happen between the commit of the row that tells of a token's reading, and its opening."""
    open_admitted = Vault._open

    def acting(self: Vault, read: SecretRead, epoch: int) -> Secret:
        act()
        return open_admitted(self, read, epoch)

    monkeypatch.setattr(Vault, "_open", acting)


def call(shell: CommandLine) -> None:
    app = shell.world.service.app
    call_as(app, tenant(NORTH), ACTOR)


def no_failure_is_told(shell: CommandLine) -> bool:
    return not {"token.unavailable", "event.unavailable"} & set(shell.world.audit())


def test_a_token_that_was_sealed_anew_meanwhile_is_opened_all_the_same(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_opening(monkeypatch, meanwhile(shell))
    call(shell)
    assert (shell.world.calls("auth.test"), no_failure_is_told(shell)) == (["auth.test"], True)


def test_a_refresh_token_that_was_sealed_anew_meanwhile_is_opened_all_the_same(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.world.clock.advance(43_300)
    before_opening(monkeypatch, meanwhile(shell))
    call(shell)
    assert (shell.world.calls("auth.test"), no_failure_is_told(shell)) == (["auth.test"], True)


def test_an_event_that_was_sealed_anew_meanwhile_is_run_and_not_put_aside(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    act, run = meanwhile(shell), run_event.run

    def claimed(*arguments: Any) -> None:
        act()
        run(*arguments)

    monkeypatch.setattr(run_event, "run", claimed)
    shell.world.work()
    states = {row["state"] for row in shell.world.rows("SELECT state FROM inbox WHERE kind = 'event'")}
    assert (states, no_failure_is_told(shell)) == ({"done"}, True)
    assert shell.world.calls("chat.postMessage") == ["chat.postMessage"] * 2
