"""A leaked token is found by a keyed hash of it; and what an older release sealed gets its hashes, once."""

import hashlib
import hmac
import io
import sys

import pytest

from slackapp.cli.terminal.confirm import getpass
from slackapp.flows.app import App
from slackapp.flows.keys import fingerprint_tokens
from slackapp.model import BOT, Actor, Holder, Secret, Token
from slackapp.store import tokens
from slackapp.store.tokens import Fingerprints
from slackapp.vault.secret_reads import TenantOpening
from tests.support.callback_world import opened
from tests.support.operator import ACTOR, CommandLine, Ended, tenant
from tests.support.token_use import call_as
from tests.support.world import NORTH, SOUTH, north_tenant

ADMINS = {NORTH: "U0NORTH001ADM", SOUTH: "U0SOUTH001ADM"}
NONE = "UPDATE tokens SET access_fingerprint = NULL, refresh_fingerprint = NULL"
LEFT = "SELECT 1 FROM tokens WHERE access_fingerprint IS NULL OR refresh_fingerprint IS NULL"
COLUMNS = "tenant_id, holder_id, access_fingerprint, refresh_fingerprint"


def find(shell: CommandLine, token: str, patch: pytest.MonkeyPatch) -> Ended:
    """`slackapp incident token`, with a token on its standard input."""
    patch.setattr(sys, "stdin", io.StringIO(token))
    return shell.run_as_typed("incident", "token", "--only-look")


@pytest.mark.claim("C-110")
@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("user", ["", ADMINS[NORTH]])
def test_a_leaked_token_is_found_from_the_install_on(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch, user: str, part: int
) -> None:
    """I put somebody's token on the net, and the operator wants to know whose it is."""
    leaked = opened(shell.world, north_tenant(), user)[part]
    ended = find(shell, f" {leaked}\n", monkeypatch)
    assert (ended.status, ended.out.startswith(f"{NORTH}  {user or 'bot'}  live, rotates, granted ")) == (0, True)
    row = shell.world.rows("SELECT * FROM audit ORDER BY id DESC LIMIT 1")[0]
    assert (row["event"], row["tenant_id"], row["result"]) == ("token.found", NORTH, "ok")


@pytest.mark.claim("C-110")
@pytest.mark.parametrize("leaked", ["xoxb-somebody-elses", "xoxe.xoxb-1-" + "A" * 300])
def test_a_token_that_is_not_here_is_not_found_and_that_it_was_asked_is_audited(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch, leaked: str
) -> None:
    ended = find(shell, leaked, monkeypatch)
    assert (ended.status, ended.out) == (1, "")
    assert ended.error == "no token here is this one: it was replaced, or is another app's\n"
    row = shell.world.rows("SELECT * FROM audit ORDER BY id DESC LIMIT 1")[0]
    assert (row["event"], row["tenant_id"], row["result"]) == ("token.found", "", "none")


@pytest.mark.claim("C-110")
def test_a_fill_does_not_write_over_what_came_in_the_same_generation(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the opening of the old pair and the write, a Bolt app's pair of the same second took its place."""
    app = shell.world.service.app
    shell.change(NONE)
    newer, make = Fingerprints(b"n" * 32, b"r" * 32), fingerprint_tokens._fingerprints

    def meanwhile(app_: App, opening: TenantOpening, token: Token, actor: Actor) -> Fingerprints | None:
        made = make(app_, opening, token, actor)
        with app.db.transaction():
            assert tokens.set_fingerprints(app.db, token, newer)
        return made

    monkeypatch.setattr(fingerprint_tokens, "_fingerprints", meanwhile)
    assert fingerprint_tokens.fill(app, ACTOR, lambda done, total: None)[0] == 0
    assert {bytes(row[0]) for row in shell.world.rows("SELECT access_fingerprint FROM tokens")} == {newer.access}


@pytest.mark.parametrize("typed", ["", "\n", "xoxb-é", "xoxb-\x1b[2J"])
def test_what_is_no_token_is_not_looked_for(shell: CommandLine, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    ended = find(shell, typed, monkeypatch)
    assert (ended.status, ended.error) == (2, "slackapp: the standard input holds no token\n")


def test_at_a_terminal_the_token_is_read_without_being_shown(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I read the screen over the operator's shoulder."""
    leaked = opened(shell.world, north_tenant())[0]
    screen = io.StringIO()
    screen.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(getpass, "getpass", lambda question: leaked)
    monkeypatch.setattr(sys, "stdin", screen)
    ended = shell.run_as_typed("incident", "token", "--only-look")
    assert (ended.status, ended.out.startswith(f"{NORTH}  bot  live")) == (0, True)


@pytest.mark.claim("C-110")
def test_no_token_and_no_hash_without_the_key_is_kept(shell: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """I have the database and somebody's token, and want to know whether it is in there."""
    leaked = opened(shell.world, north_tenant())[0]
    find(shell, leaked, monkeypatch)
    on_disk = b"".join(file.read_bytes() for file in shell.folder.rglob("slackapp.db*"))
    (stored,) = shell.world.rows(f"SELECT {COLUMNS} FROM tokens WHERE tenant_id = ? AND holder_id = ''", NORTH)
    assert stored["access_fingerprint"] in on_disk
    value = leaked.encode()
    for hashed in (value, hashlib.sha256(value).digest(), hmac.digest(b"", value, "sha256")):
        assert hashed not in on_disk


def test_a_refresh_takes_the_fingerprints_of_the_new_pair(shell: CommandLine) -> None:
    app, old = shell.world.service.app, opened(shell.world, north_tenant())
    shell.world.clock.advance(42_000)
    call_as(app, north_tenant(), ACTOR)
    new = opened(shell.world, north_tenant())
    assert not set(old) & set(new)
    found = [fingerprint_tokens.find(app, Secret(each), ACTOR)[0] for each in (*old, *new)]
    holders = [[token.holder for token in each] for each in found]
    assert holders == [[], [], [BOT], [BOT]]


def test_a_tenant_that_is_sealed_anew_keeps_its_fingerprints(shell: CommandLine) -> None:
    before = [tuple(row) for row in shell.world.rows(f"SELECT {COLUMNS} FROM tokens ORDER BY 1, 2")]
    shell.good("keys", "reencrypt", "--tenant", NORTH)
    assert [tuple(row) for row in shell.world.rows(f"SELECT {COLUMNS} FROM tokens ORDER BY 1, 2")] == before


def test_a_purge_takes_the_fingerprints_along(shell: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """I was erased, and ask whether my token is still known."""
    leaked = opened(shell.world, north_tenant())[0]
    shell.good("purge", NORTH)
    assert find(shell, leaked, monkeypatch).status == 1


@pytest.mark.claim("C-25", "C-110")
def test_what_an_older_release_sealed_gets_its_fingerprints_and_each_opening_is_noted_before(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [tuple(row) for row in shell.world.rows(f"SELECT {COLUMNS} FROM tokens ORDER BY 1, 2")]
    shell.change(NONE)
    leaked = opened(shell.world, north_tenant())[0]
    assert find(shell, leaked, monkeypatch).error == (
        "4 tokens have no fingerprint yet; run `slackapp keys fingerprint`\n"
        "no token here is this one: it was replaced, or is another app's\n"
    )
    monkeypatch.setattr(fingerprint_tokens, "BATCH", 3)
    assert shell.good("keys", "fingerprint") == "4 tokens have their fingerprints now\n"
    assert [tuple(row) for row in shell.world.rows(f"SELECT {COLUMNS} FROM tokens ORDER BY 1, 2")] == before
    noted = shell.world.rows("SELECT tenant_id, count FROM audit WHERE purpose = 'fingerprint' ORDER BY id")
    assert [tuple(row) for row in noted] == [(NORTH, 2), (SOUTH, 1), (SOUTH, 1)]
    assert shell.good("keys", "fingerprint") == "0 tokens have their fingerprints now\n"


def test_a_run_that_was_ended_goes_on_where_it_was(shell: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.change(NONE)
    monkeypatch.setattr(fingerprint_tokens, "BATCH", 3)

    def end(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fingerprint_tokens.fill(shell.world.service.app, ACTOR, end)
    assert len(shell.world.rows(LEFT)) == 1
    assert shell.good("keys", "fingerprint") == "1 tokens have their fingerprints now\n"


def test_a_token_that_does_not_open_is_told_and_the_others_get_theirs(shell: CommandLine) -> None:
    shell.change(NONE)
    shell.change("UPDATE tokens SET access = zeroblob(200) WHERE tenant_id = ? AND holder_id = ''", NORTH)
    ended = shell.run("keys", "fingerprint")
    assert (ended.status, ended.out) == (1, "3 tokens have their fingerprints now\n")
    assert "1 tokens did not open, and have none; see `slackapp keys verify`\n" in ended.error


@pytest.mark.claim("C-110")
def test_fingerprints_of_a_token_that_was_replaced_meanwhile_are_not_stored(shell: CommandLine) -> None:
    """I am installed again while the operator fills in fingerprints, so that the new token is taken for the old."""
    app = shell.world.service.app
    token = tokens.find(app.db, tenant(SOUTH), Holder.user(ADMINS[SOUTH]))
    assert token is not None
    shell.change("UPDATE tokens SET generation = generation + 1 WHERE tenant_id = ?", SOUTH)
    with app.db.transaction():
        assert not tokens.set_fingerprints(app.db, token, tokens.Fingerprints(b"x" * 32, None))
