"""What fails once Slack gave a token: nothing is half stored, no token is left behind, what worked works on."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slackapp.localslack.model import NULL, Fault
from slackapp.store.engine import sqlite
from tests.support.callback_world import approved, live_tokens, log_lines, only, opened, outcome, state_outcomes
from tests.support.world import NORTH, World, make_world, north_tenant

EXCHANGE, REVOKE = "oauth.v2.access", "auth.revoke"
STORED = ("installations", "tokens", "inbox")


@pytest.fixture
def long_lived(tmp_path: Path) -> Iterator[World]:
    """The same world without token rotation."""
    with make_world(tmp_path, rotation=False) as made:
        yield made


def answer_with(world: World, **patch: Any) -> None:
    """The next exchange is answered with these changes."""
    world.slack.fault(Fault(EXCHANGE, "patch", patch=patch))


def assert_nothing_stored(world: World) -> None:
    assert [world.count(table) for table in STORED] == [0, 0, 0]


def assert_works(world: World) -> None:
    """The bot answers a mention in the workspace."""
    before = len(world.slack.messages(NORTH))
    world.mention(f"Ev{before:04d}")
    world.work()
    assert len(world.slack.messages(NORTH)) == before + 1


# Slack's answer cannot be used

MALFORMED: dict[str, dict[str, Any]] = {
    "no token type": {"token_type": None},
    "another token type": {"token_type": "user"},
    "no refresh token": {"refresh_token": None},
    "a refresh token of another form": {"refresh_token": "xoxb-1"},
    "a refresh token with a line break": {"refresh_token": "xoxe-1-a\r\nX: y"},
    "no life": {"expires_in": None},
    "a life of nothing": {"expires_in": 0},
    "a life in text": {"expires_in": "43200"},
    "a life that is true": {"expires_in": True},
    "an endless life": {"expires_in": 10**12},
    "scopes that are a list": {"scope": ["chat:write"]},
    "scopes that cannot be stored": {"scope": "chat:write,\ud800"},
    "no bot": {"bot_user_id": None},
    "a bot with another kind of id": {"bot_user_id": NORTH},
    "no person": {"authed_user": None},
    "a person without an id": {"authed_user": {}},
    "a person with another kind of id": {"authed_user": {"id": NORTH}},
    "a person with half a token": {"authed_user": {"id": "U0NORTH001ADM", "access_token": "xoxp-1"}},
    "no team": {"team": NULL},
    "a team without an id": {"team": {"name": "Northwind"}},
    "a team with a path for an id": {"team": {"id": "T0NORTH001/../T0SOUTH001"}},
    "a team in text": {"team": NORTH},
    "an org in text": {"enterprise": "E0EVERGRN1"},
    "an org-wide install of no org": {"is_enterprise_install": True},
    "a flag in text": {"is_enterprise_install": "false"},
    "a webhook in text": {"incoming_webhook": "https://hooks.example.com"},
    "a webhook without an address": {"incoming_webhook": {"channel": "#general"}},
    "a webhook of another scheme": {"incoming_webhook": {"url": "file:///etc/passwd"}},
    "a webhook whose address cannot be read": {"incoming_webhook": {"url": "https://[hooks.example.com"}},
    "a webhook too long to be sealed": {"incoming_webhook": {"url": "https://hooks.example.com/" + "\u00e9" * 16_000}},
}


@pytest.mark.parametrize("patch", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.claim("C-75")
def test_an_unusable_answer_stores_nothing_and_gives_the_token_back(world: World, patch: dict[str, Any]) -> None:
    way = approved(world)
    answer_with(world, **patch)
    reply = way.finish()
    assert live_tokens(world) == []
    assert world.calls()[:2] == [EXCHANGE, REVOKE]
    assert (reply.status, outcome(world), state_outcomes(world)) == (502, "grant_malformed", ["failed"])
    assert_nothing_stored(world)
    assert "install.failed" in world.audit()


@pytest.mark.parametrize("token", [None, NULL, 7, "", "xoxp-1", "xoxb-\u00e9", "xoxb-a b", "xoxb-" + "x" * 16_384])
def test_an_answer_without_a_token_of_the_right_form_stores_nothing(world: World, token: Any) -> None:
    way = approved(world)
    answer_with(world, access_token=token)
    assert (way.finish().status, state_outcomes(world)) == (502, ["failed"])
    assert_nothing_stored(world)


@pytest.mark.parametrize("app_id", ["A0OTHER001", None, NULL, 7])
@pytest.mark.claim("C-13")
def test_an_answer_for_another_app_stores_nothing_and_gives_the_token_back(world: World, app_id: Any) -> None:
    way = approved(world)
    answer_with(world, app_id=app_id)
    reply = way.finish()
    assert (reply.status, outcome(world), state_outcomes(world)) == (400, "grant_foreign", ["failed"])
    assert (world.calls(), live_tokens(world)) == ([EXCHANGE, REVOKE], [])
    assert_nothing_stored(world)


def test_the_users_token_is_given_back_too(tmp_path: Path) -> None:
    with make_world(tmp_path, SLACKAPP_USER_SCOPES="emoji:read") as world:
        way = approved(world)
        answer_with(world, app_id="A0OTHER001")
        way.finish()
        assert (world.calls(), live_tokens(world)) == ([EXCHANGE, REVOKE, REVOKE], [])


def test_a_token_that_cannot_be_given_back_is_logged_without_the_token(world: World) -> None:
    way = approved(world)
    answer_with(world, app_id="A0OTHER001")
    world.slack.fault(Fault(REVOKE, "html500"))
    assert way.finish().status == 400
    (line,) = [line for line in log_lines(world) if line["event"] == "revoke_failed"]
    assert line["code"] == "server_error"
    assert live_tokens(world)[0] not in world.log.getvalue()
    row = only(world, "SELECT detail, count FROM audit WHERE event = 'install.failed'")
    assert row == {"detail": "refused.grant.foreign", "count": 1}, "whoever reads the audit knows that it lives on"


# What works goes on working


def test_a_failed_reinstall_gives_back_the_new_token_and_the_old_one_works_on(world: World) -> None:
    world.browser().install()
    world.work()
    way, before = approved(world), opened(world, north_tenant())
    answer_with(world, bot_user_id=None)
    assert way.finish().status == 502
    assert opened(world, north_tenant()) == before
    assert live_tokens(world) == [before[0]]
    assert_works(world)


@pytest.mark.parametrize(
    "patch",
    [{"bot_user_id": None}, {"app_id": "A0OTHER001"}, {"team": NULL}],
    ids=["malformed", "foreign", "without a tenant"],
)
@pytest.mark.claim("C-14")
def test_a_token_that_does_not_rotate_is_the_one_in_use_and_is_not_revoked(
    long_lived: World, patch: dict[str, Any]
) -> None:
    long_lived.browser().install()
    long_lived.work()
    way = approved(long_lived)
    answer_with(long_lived, **patch)
    assert way.finish().status >= 400
    assert REVOKE not in long_lived.calls()
    assert_works(long_lived)


def test_a_token_that_does_not_rotate_is_revoked_where_nothing_is_installed(long_lived: World) -> None:
    way = approved(long_lived)
    answer_with(long_lived, bot_user_id=None)
    way.finish()
    assert (long_lived.calls(), live_tokens(long_lived)) == ([EXCHANGE, REVOKE], [])


def test_a_token_that_does_not_rotate_is_revoked_where_the_old_one_is_dead(long_lived: World) -> None:
    long_lived.browser().install()
    long_lived.slack.revoke_bot(NORTH)
    long_lived.mention()
    long_lived.work()
    assert long_lived.status() == "needs_reinstall"
    way = approved(long_lived)
    answer_with(long_lived, bot_user_id=None)
    way.finish()
    assert live_tokens(long_lived) == []


# The database fails


def plant(world: World, trigger: str) -> None:
    """A trigger from outside."""
    connection = sqlite3.connect(world.settings.database, isolation_level=None)
    connection.execute(trigger)
    connection.close()


@pytest.mark.parametrize("table", ["tokens", "installations", "data_keys", "inbox"])
@pytest.mark.claim("C-55")
def test_an_install_that_cannot_be_stored_is_not_stored_by_half(world: World, table: str) -> None:
    way = approved(world)
    plant(world, f"CREATE TRIGGER t BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'planted'); END")
    reply = way.finish()
    assert reply.status in (500, 503)
    assert_nothing_stored(world)
    assert live_tokens(world) == []
    assert world.calls() == [EXCHANGE, REVOKE]
    assert state_outcomes(world) == ["failed"]
    plant(world, "DROP TRIGGER t")
    assert approved(world).finish().status == 303
    world.work()
    assert_works(world)


def test_a_reinstall_that_cannot_be_stored_leaves_what_works(world: World) -> None:
    world.browser().install()
    world.work()
    way, before = approved(world), opened(world, north_tenant())
    plant(world, "CREATE TRIGGER t BEFORE UPDATE ON tokens BEGIN SELECT RAISE(ABORT, 'planted'); END")
    assert way.finish().status in (500, 503)
    plant(world, "DROP TRIGGER t")
    assert opened(world, north_tenant()) == before
    assert live_tokens(world) == [before[0]]
    assert_works(world)


@pytest.fixture
def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose database waits 20 ms only."""
    monkeypatch.setattr(sqlite, "BUSY_MS", 20)
    with make_world(tmp_path) as made:
        yield made


def hold_from_the_exchange_on(world: World, until: str) -> sqlite3.Connection:
    """Somebody locks the database while Slack exchanges the code, and lets go at the call `until`."""
    holder = sqlite3.connect(world.settings.database, isolation_level=None, check_same_thread=False)

    def probe(method: str) -> None:
        if method == EXCHANGE:
            holder.execute("BEGIN IMMEDIATE")
        elif method == until:
            holder.execute("ROLLBACK")

    world.slack.probe = probe
    return holder


def test_a_locked_database_after_the_exchange_gives_the_token_back(impatient: World) -> None:
    way = approved(impatient)
    holder = hold_from_the_exchange_on(impatient, until=REVOKE)
    reply = way.finish()
    holder.close()
    assert (reply.status, reply.headers["retry-after"], outcome(impatient)) == (503, "5", "not_stored")
    assert (impatient.calls(), live_tokens(impatient)) == ([EXCHANGE, REVOKE], [])
    assert state_outcomes(impatient) == ["failed"]
    assert_nothing_stored(impatient)


def test_a_failure_that_cannot_be_noted_is_logged_and_answered(impatient: World) -> None:
    way = approved(impatient)
    holder = hold_from_the_exchange_on(impatient, until="never")
    reply = way.finish()
    holder.execute("ROLLBACK")
    holder.close()
    assert (reply.status, live_tokens(impatient)) == (503, [])
    assert "failure_not_recorded" in [line["event"] for line in log_lines(impatient)]
    impatient.slack.probe = None
    assert way.browser.install().status == 303
