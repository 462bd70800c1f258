"""Every use of a token: noted first, only where it is allowed, and what Slack's answer means for it."""

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from slackapp.errors import Refusal, Refused, SlackCallError, SlackErrorKind, StoreConstraintError
from slackapp.flows.tokens import refresh_token
from slackapp.localslack.model import Fault
from slackapp.model import Actor, ActorKind, QueueKind, Tenant
from slackapp.store import inbox
from slackapp.store.queue import LeaseLostError, Run
from tests.support.prepared_world import Prepared
from tests.support.token_use import call_as
from tests.support.world import NORTH, ORG, SOUTH, World, holder_of, make_world, north_tenant

ACTOR = Actor(ActorKind.WORKER, "Ev0001")
ADMIN = "U0NORTH001ADM"
DEAD = ("account_inactive", "token_revoked")


@pytest.fixture
def ready(installed: Prepared) -> World:
    """Installed, with the tokens of the bot and of the user who installed."""
    return installed.reset()


def ask(world: World, user_id: str = "", tenant: Tenant | None = None) -> Mapping[str, Any]:
    """`auth.test` with that token."""
    return call_as(world.service.app, tenant or north_tenant(), ACTOR, holder=holder_of(user_id)).data


def refused(world: World, user_id: str = "", tenant: Tenant | None = None) -> Refusal:
    """Why it is not used."""
    with pytest.raises(Refused) as caught:
        ask(world, user_id, tenant)
    return caught.value.refusal


def change(world: World, sql: str, *parameters: Any) -> None:
    with contextlib.closing(sqlite3.connect(world.settings.database)) as connection, connection:
        connection.execute(sql, parameters)


def token(world: World, user_id: str = "") -> Any:
    return world.rows("SELECT * FROM tokens WHERE holder_id = ?", user_id)[0]


def reason(world: World) -> str:
    """Why it needs a new install; "" when it does not."""
    return str(world.rows("SELECT status_reason FROM installations WHERE tenant_id = ?", NORTH)[0][0])


# Noted first


@pytest.mark.claim("C-25")
def test_the_audit_row_is_on_the_disk_before_the_token_is_opened(
    ready: World, rows_at_openings: list[dict[str, Any]]
) -> None:
    ask(ready)
    (row,) = rows_at_openings
    assert (row["event"], row["tenant_id"]) == ("token.read", NORTH)
    assert (row["actor"], row["request_id"]) == ("worker", "Ev0001")
    (stored,) = ready.rows("SELECT access FROM tokens WHERE holder_id = ''")
    key_id = int.from_bytes(stored["access"][2:6], "big")
    assert (row["purpose"], row["method"], row["record_kind"]) == ("test", "auth.test", "bot_access")
    assert (row["holder_kind"], row["generation"], row["key_id"]) == ("bot", 1, key_id)


@pytest.mark.claim("C-26")
def test_where_the_audit_row_cannot_be_written_no_token_is_opened_and_no_call_made(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*arguments: Any) -> bytes:
        raise AssertionError("a token was opened")

    monkeypatch.setattr(ready.service.app.keyring, "open", never)
    change(ready, "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END")
    with pytest.raises(StoreConstraintError):
        ask(ready)
    assert ready.calls() == []


def test_the_intent_stands_or_falls_with_the_audit_row(ready: World) -> None:
    """My row is another worker's by now."""
    audited = ready.audit()
    lost = Run(
        queue=inbox.QUEUE,
        event_id="EvLost",
        kind=QueueKind.EVENT,
        tenant=north_tenant(),
        type="app_mention",
        named="",
        body=None,
        removes=False,
        attempts=1,
        event_time=0,
        received_at=0,
        lease_owner="me",
    )
    with pytest.raises(LeaseLostError):
        call_as(ready.service.app, north_tenant(), ACTOR, row=lost)
    assert (ready.audit(), ready.calls()) == (audited, [])


# Only where it is allowed


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("suspect", Refusal.TOKEN_UNAVAILABLE),
        ("needs_reinstall", Refusal.NEEDS_REINSTALL),
        ("suspended", Refusal.KEY_REVOKED),
        ("purging", Refusal.NEEDS_REINSTALL),
    ],
)
@pytest.mark.claim("C-40")
def test_the_token_of_an_installation_that_is_not_active_is_not_read(ready: World, status: str, why: Refusal) -> None:
    change(ready, "UPDATE installations SET status = ?", status)
    audited = ready.audit()
    assert refused(ready) is why
    assert (ready.calls(), ready.audit()) == ([], audited)


@pytest.mark.parametrize(
    ("tenant", "user_id", "why"),
    [
        (Tenant("T", "T0STRANGER"), "", Refusal.NOT_INSTALLED),
        (Tenant("E", NORTH), "", Refusal.NOT_INSTALLED),
        (Tenant("T", NORTH), "U0NORTH001MEM", Refusal.NEEDS_REINSTALL),
    ],
)
def test_a_missing_token_is_refused_without_a_call(ready: World, tenant: Tenant, user_id: str, why: Refusal) -> None:
    assert (refused(ready, user_id, tenant), ready.calls()) == (why, [])


def test_the_bot_and_a_user_each_use_their_own_token(ready: World) -> None:
    assert (ask(ready)["user_id"], ask(ready, ADMIN)["user_id"]) == ("U0NORTH001BOT", ADMIN)


@pytest.mark.claim("C-40")
def test_a_token_is_not_read_for_an_installation_that_became_suspect_meanwhile(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def suspected(*_: Any) -> bool:
        change(ready, "UPDATE installations SET status = 'suspect'")
        return False

    monkeypatch.setattr(refresh_token, "is_due", suspected)
    audited = [*ready.audit(), "refused.token"]
    assert (refused(ready), ready.calls(), ready.audit()) == (Refusal.TOKEN_UNAVAILABLE, [], audited)


# What the answer means


@pytest.mark.parametrize("error", DEAD)
@pytest.mark.claim("C-37")
def test_a_token_that_slack_calls_dead_is_used_exactly_once_more_after_a_new_install(ready: World, error: str) -> None:
    ready.slack.fault(Fault("auth.test", "error", error=error))
    ready.slack.invalidate_refresh_tokens(NORTH)
    with pytest.raises(SlackCallError) as caught:
        ask(ready)
    assert (caught.value.kind, caught.value.code) == (SlackErrorKind.DEAD, error)
    assert (token(ready)["status"], ready.status(), ready.audit()[-1]) == ("dead", "needs_reinstall", "token.dead")
    assert reason(ready) == error
    assert {refused(ready) for _ in range(5)} == {Refusal.NEEDS_REINSTALL}
    ready.clock.advance(86_400)
    assert (refused(ready), ready.calls()) == (Refusal.NEEDS_REINSTALL, ["auth.test", "oauth.v2.access"])
    ready.browser().install()
    assert (ask(ready)["ok"], ready.status(), reason(ready)) == (True, "active", "")


@pytest.mark.claim("C-37")
def test_a_users_dead_token_leaves_the_bot_alone(ready: World) -> None:
    ready.slack.revoke_user(NORTH, ADMIN)
    with pytest.raises(SlackCallError):
        ask(ready, ADMIN)
    assert (token(ready, ADMIN)["status"], ready.status(), reason(ready)) == ("dead", "active", "")
    assert (refused(ready, ADMIN), ask(ready)["ok"]) == (Refusal.NEEDS_REINSTALL, True)


@pytest.mark.claim("C-37")
def test_a_long_lived_token_that_slack_calls_dead_is_marked_dead_after_one_call(ready: World) -> None:
    with contextlib.closing(sqlite3.connect(ready.settings.database)) as connection, connection:
        connection.execute("UPDATE tokens SET refresh = NULL, expires_at = NULL, due_at = NULL")
    ready.slack.fault(Fault("auth.test", "error", error="token_revoked"))
    with pytest.raises(SlackCallError) as caught:
        ask(ready)
    assert caught.value.kind is SlackErrorKind.DEAD
    assert (token(ready)["status"], ready.status()) == ("dead", "needs_reinstall")
    assert (refused(ready), ready.calls()) == (Refusal.NEEDS_REINSTALL, ["auth.test"])


@pytest.mark.parametrize("error", ["missing_scope", "ratelimited", "fatal_error", "not_authed", "an_error_of_tomorrow"])
def test_no_token_is_marked_dead_for_another_error(ready: World, error: str) -> None:
    ready.slack.fault(Fault("auth.test", "error", error=error))
    with pytest.raises(SlackCallError):
        ask(ready)
    ready.clock.advance(30 if error == "ratelimited" else 0)  # as long as Slack wants to hear nothing of the method
    assert (token(ready)["status"], ready.status(), ask(ready)["ok"]) == ("live", "active", True)


@pytest.mark.parametrize("rotates", [True, False])
def test_a_new_install_that_comes_while_the_old_token_is_found_dead_stays(
    ready: World, monkeypatch: pytest.MonkeyPatch, rotates: bool
) -> None:
    slack = ready.service.app.slack
    if not rotates:
        change(ready, "UPDATE tokens SET refresh = NULL, expires_at = NULL, due_at = NULL")

    def overtaken(method: str, *_: Any) -> Any:
        patch.undo()
        ready.browser().install()
        raise SlackCallError(method, "token_revoked", SlackErrorKind.DEAD)

    with monkeypatch.context() as patch:
        patch.setattr(slack, "call", overtaken)
        if rotates:
            assert ask(ready)["ok"], "with the new one, at once"
        else:
            with pytest.raises(SlackCallError) as caught:
                ask(ready)
            assert (caught.value.kind, caught.value.retry_after) == (SlackErrorKind.UNCERTAIN, 1)
    assert (token(ready)["generation"], token(ready)["status"], ready.status()) == (2, "live", "active")
    assert ask(ready)["ok"]


# Needs a new install


def test_who_needs_a_new_install_is_told_where(ready: World) -> None:
    """With the hint which workspace it is about; an enterprise has no such hint."""
    ready.browser().install(ORG)
    enterprise, place = Tenant("E", ORG), "http://localhost:3000/slack/install"
    assert install_url(ready, "U0NOBODY01") == f"{place}?team={NORTH}", "there is no such token"
    assert install_url(ready, "W0NOBODY01", enterprise) == place
    change(ready, "UPDATE tokens SET status = 'dead' WHERE holder_id = ?", ADMIN)
    assert install_url(ready, ADMIN) == f"{place}?team={NORTH}"
    for status in ("needs_reinstall", "purging"):
        change(ready, "UPDATE installations SET status = ?", status)
        assert (install_url(ready), install_url(ready, "", enterprise)) == (f"{place}?team={NORTH}", place)
    for status in ("suspect", "suspended"):
        change(ready, "UPDATE installations SET status = ?", status)
        assert install_url(ready) is None, "a new install does not help"
    assert install_url(ready, "", Tenant("T", "T0STRANGER")) is None


def install_url(world: World, user_id: str = "", tenant: Tenant | None = None) -> str | None:
    with pytest.raises(Refused) as caught:
        ask(world, user_id, tenant)
    return caught.value.install_url


# Limited


def limited(world: World, user_id: str = "") -> SlackCallError:
    """How a call fails while Slack wants to hear nothing of it."""
    with pytest.raises(SlackCallError) as caught:
        ask(world, user_id)
    return caught.value


def test_until_retry_after_is_over_nothing_is_called_opened_or_noted(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready.slack.fault(Fault("auth.test", "ratelimited", retry_after=20))
    assert limited(ready).retry_after == 20
    before = ready.audit(), ready.snapshot(), ready.calls()
    with monkeypatch.context() as patch:
        patch.setattr(ready.service.app.keyring, "open", lambda *_: pytest.fail("a token was opened"))
        for seconds, left in ((0, 20), (5, 15), (14, 1)):
            ready.clock.advance(seconds)
            told = limited(ready)
            assert (told.method, told.code, told.kind) == ("auth.test", "ratelimited", SlackErrorKind.RATE_LIMITED)
            assert told.retry_after == left
    assert (ready.audit(), ready.snapshot(), ready.calls()) == before
    ready.clock.advance(1)
    assert (ask(ready)["ok"], ready.calls()) == (True, ["auth.test", "auth.test"])


def test_a_limit_of_one_method_tenant_and_user_holds_nobody_else(ready: World) -> None:
    ready.browser().install(SOUTH)
    ready.slack.called.clear()
    ready.slack.fault(Fault("auth.test", "ratelimited", retry_after=20))
    limited(ready)
    assert (ask(ready, ADMIN)["ok"], ask(ready, "", Tenant("T", SOUTH))["ok"]) == (True, True)
    with pytest.raises(SlackCallError) as caught:
        call_as(ready.service.app, north_tenant(), ACTOR, method="chat.postMessage", params={"channel": "C0NOWHERE"})
    assert caught.value.code == "channel_not_found"
    assert ready.calls() == ["auth.test"] * 3 + ["chat.postMessage"]
    limited(ready)
    assert ready.calls() == ["auth.test"] * 3 + ["chat.postMessage"]


def test_a_limit_that_the_repeat_met_is_kept_as_well(ready: World) -> None:
    ready.slack.fault(Fault("auth.test", "error", error="token_expired"))
    ready.slack.fault(Fault("auth.test", "ratelimited", retry_after=20))
    assert [limited(ready).retry_after for _ in range(3)] == [20, 20, 20]
    assert ready.calls() == ["auth.test", "oauth.v2.access", "auth.test"]
    ready.clock.advance(20)
    assert ask(ready)["ok"]


# Expired


@pytest.mark.claim("C-39")
def test_an_expired_token_is_refreshed_and_the_call_repeated_once(ready: World) -> None:
    ready.slack.expire_tokens(NORTH)
    assert ask(ready)["ok"]
    assert ready.calls() == ["auth.test", "oauth.v2.access", "auth.test"]
    assert token(ready)["generation"] == 2


@pytest.mark.parametrize("second", ["token_expired", "token_revoked"])
def test_a_call_is_repeated_only_once(ready: World, second: str) -> None:
    ready.slack.fault(Fault("auth.test", "error", error="token_expired"))
    ready.slack.fault(Fault("auth.test", "error", error=second))
    with pytest.raises(SlackCallError) as caught:
        ask(ready)
    assert (caught.value.code, ready.calls()) == (second, ["auth.test", "oauth.v2.access", "auth.test"])
    assert (token(ready)["status"], ready.status()) == ("live", "active"), "Slack has just given it"


def test_an_expired_token_is_not_given_up_while_no_new_one_can_be_had(ready: World) -> None:
    ready.slack.expire_tokens(NORTH)
    ready.slack.fault(Fault("oauth.v2.access", "html500", times=2))
    assert (refused(ready), token(ready)["status"]) == (Refusal.TOKEN_UNAVAILABLE, "live")
    assert (ask(ready)["ok"], ready.status()) == (True, "active")


@pytest.mark.claim("C-36")
def test_a_token_past_its_time_is_not_sent_while_no_new_one_can_be_had(ready: World) -> None:
    ready.clock.advance(43_200)
    ready.slack.fault(Fault("oauth.v2.access", "html500", times=-1))
    assert refused(ready) is Refusal.TOKEN_UNAVAILABLE
    assert set(ready.calls()) == {"oauth.v2.access"}
    ready.slack.clear_faults()
    assert ask(ready)["ok"]


def test_a_long_lived_token_is_never_refreshed(tmp_path: Path) -> None:
    with make_world(tmp_path, rotation=False) as world:
        world.browser().install()
        world.work()
        world.slack.called.clear()
        world.clock.advance(10 * 365 * 86_400)
        assert ask(world)["ok"]
        world.slack.fault(Fault("auth.test", "error", error="token_expired"))
        with pytest.raises(SlackCallError):
            ask(world)
        assert world.calls() == ["auth.test", "auth.test"]
        assert (token(world)["refresh"], token(world)["status"]) == (None, "live")


# Due


@pytest.fixture
def due(ready: World) -> World:
    """The same, and both tokens are due for a refresh."""
    ready.clock.advance(43_200 - 7200 + 1)
    return ready


def test_the_bots_and_a_users_token_are_refreshed_apart(due: World) -> None:
    bot = tuple(token(due))
    assert ask(due, ADMIN)["user_id"] == ADMIN
    assert (token(due, ADMIN)["generation"], tuple(token(due))) == (2, bot)
    user = tuple(token(due, ADMIN))
    assert ask(due)["user_id"] == "U0NORTH001BOT"
    assert (token(due)["generation"], tuple(token(due, ADMIN))) == (2, user)


def test_an_early_end_of_a_token_that_cannot_be_refreshed_needs_an_install(due: World) -> None:
    due.slack.invalidate_refresh_tokens(NORTH)
    ask(due)
    due.slack.expire_tokens(NORTH)
    with pytest.raises(Refused) as caught:
        ask(due)
    assert caught.value.refusal is Refusal.NEEDS_REINSTALL
    assert (due.status(), reason(due)) == ("needs_reinstall", "refresh_refused")


def test_two_lost_answers_in_a_row_do_not_cost_the_installation(due: World) -> None:
    # Slack makes two pairs that we never see, and ends the oldest token for them.
    due.slack.fault(Fault("oauth.v2.access", "lost_answer", times=2))
    with contextlib.suppress(Refused, SlackCallError):
        ask(due)
    assert due.status() == "active"
    assert ask(due)["ok"], "the refresh token is within its grace still"


@pytest.mark.claim("C-38")
def test_when_the_grace_is_over_the_old_token_serves_to_its_end_and_then_an_install_is_needed(due: World) -> None:
    due.slack.invalidate_refresh_tokens(NORTH)
    for _ in range(3):
        assert ask(due)["ok"]
    assert (token(due)["status"], due.calls("oauth.v2.access")) == ("refresh_refused", ["oauth.v2.access"])
    due.clock.now = token(due)["expires_at"] - 1
    assert ask(due)["ok"]
    due.clock.advance(1)
    for _ in range(3):
        with pytest.raises(Refused) as caught:
            ask(due)
        assert caught.value.refusal is Refusal.NEEDS_REINSTALL
    assert (due.calls("oauth.v2.access"), len(due.calls("auth.test"))) == (["oauth.v2.access"], 4)
    assert (due.status(), reason(due)) == ("needs_reinstall", "refresh_refused")
    assert due.audit().count("token.refresh_failed") == 1
    due.browser().install()
    assert (token(due)["status"], ask(due)["ok"]) == ("live", True)


# What does not open


@pytest.mark.claim("C-35")
def test_a_token_that_does_not_open_is_refused_and_noted_and_nothing_is_deleted(ready: World) -> None:
    change(ready, "UPDATE tokens SET access = zeroblob(200) WHERE holder_id = ''")
    before = ready.snapshot()
    assert (refused(ready), ready.calls()) == (Refusal.TOKEN_UNAVAILABLE, [])
    assert (ready.audit()[-2:], ready.snapshot()) == (["token.read", "token.unavailable"], before)
    assert ask(ready, ADMIN)["ok"], "the other token is not touched"
