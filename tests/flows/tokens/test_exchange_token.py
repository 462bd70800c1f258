"""Long-lived tokens become rotating ones, once each; whatever goes wrong on the way, the token that was there works."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from slackapp.errors import CommandError, KeyUnavailableError, Refused, SlackCallError, StoreConstraintError
from slackapp.flows.removal import uninstall_tenant
from slackapp.flows.tokens import exchange_token, refresh_token, rotated_pair
from slackapp.flows.tokens.exchange_token import ALREADY_EXCHANGED, EXCHANGED, METHOD, NOT_ENABLED
from slackapp.localslack.model import NULL, Fault, SlackToken
from slackapp.model import Actor, ActorKind, Tenant
from tests.support.prepared_world import Prepared, memory_folder, snapshot_world
from tests.support.token_use import call_as
from tests.support.world import NORTH, ORG, SOUTH, World, holder_of, make_world, north_tenant

ACTOR = Actor(ActorKind.OPERATOR, "r1")
ADMIN, MEMBER = "U0NORTH001ADM", "U0NORTH001MEM"
BOTH = ("", ADMIN)
REFRESH, ASK = "oauth.v2.access", "auth.test"
LIFE = 43_200
LOST_TOKEN = f"{ALREADY_EXCHANGED}: its pair was lost; the token works on, and a new install makes it rotate"
GONE = "the token was replaced or given up meanwhile"
BEFORE_OR_AFTER = pytest.mark.parametrize("after", [False, True], ids=["before-slack-did-it", "after"])


class Killed(BaseException):
    """Stands for a process that ends here."""


def rotate(world: World, rotation: bool = True) -> None:
    """Switches token rotation at Slack."""
    world.slack.app = replace(world.slack.app, rotation=rotation)


@pytest.fixture(scope="module")
def installed() -> Iterator[Prepared]:
    with memory_folder() as folder, make_world(folder, rotation=False, SLACKAPP_USER_SCOPES="users:read") as world:
        world.browser().install()
        yield snapshot_world(world)


@pytest.fixture
def before(installed: Prepared) -> World:
    """Long-lived tokens of the bot and of the user who installed; Slack does not rotate tokens."""
    return installed.reset()


@pytest.fixture
def ready(before: World) -> World:
    """The same, and rotation was switched on since."""
    rotate(before)
    return before


def run(world: World, tenant: Tenant | None = None) -> list[tuple[str, str]]:
    """Of whom, and what came out."""
    app = world.service.app
    found = exchange_token.run(app, exchange_token.list_exchangeable(app, tenant), ACTOR)
    return [(outcome.holder.id, outcome.result) for outcome in found]


def ask(world: World, user_id: str = "", tenant: Tenant | None = None) -> Mapping[str, Any]:
    return call_as(world.service.app, tenant or north_tenant(), ACTOR, holder=holder_of(user_id), method=ASK).data


def works(world: World) -> bool:
    """For the bot and for the user alike, in a process that has no key in memory."""
    world.service.app.keyring.evict(north_tenant())
    return all(ask(world, user_id)["ok"] for user_id in BOTH)


def token(world: World, user_id: str = "") -> Any:
    return world.rows("SELECT * FROM tokens WHERE tenant_id = ? AND holder_id = ?", NORTH, user_id)[0]


def at_slack(world: World, kind: str = "bot") -> SlackToken:
    """The long-lived token, as Slack sees it."""
    (found,) = (known for known in world.slack.tokens_of[NORTH] if known.kind == kind and not known.expires_at)
    return found


def change(world: World, sql: str, *parameters: Any) -> None:
    with contextlib.closing(sqlite3.connect(world.settings.database)) as connection, connection:
        connection.execute(sql, parameters)


def noted(world: World, event: str) -> list[tuple[str, str]]:
    """What the audit rows of that name say: how it ended, and whose token it was."""
    found = world.rows("SELECT result, holder_id FROM audit WHERE event = ? ORDER BY id", event)
    return [(row["result"], row["holder_id"]) for row in found]


@contextlib.contextmanager
def during_the_exchange(world: World, happening: Callable[[], Any], after: bool) -> Iterator[None]:
    """Lets something happen while the next exchange is under way: before Slack does it, or before we hear of it."""
    slack = world.service.app.slack
    exchange = slack.exchange

    def meanwhile(secret: Any) -> Any:
        patch.undo()
        if not after:
            happening()
        answer = exchange(secret)
        if after:
            happening()
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slack, "exchange", meanwhile)
        yield


# What it is for


def test_the_bots_and_a_users_token_each_become_a_pair_and_nothing_of_the_old_ones_stays(ready: World) -> None:
    old = [token(ready, user_id) for user_id in BOTH]
    ready.clock.advance(100)
    assert run(ready) == [("", EXCHANGED), (ADMIN, EXCHANGED)]
    assert ready.calls() == [METHOD, METHOD]
    for user_id, was in zip(BOTH, old, strict=True):
        new = token(ready, user_id)
        assert (new["generation"], new["granted_at"], new["issued_at"]) == (2, was["granted_at"], ready.clock())
        assert (new["expires_at"], new["status"], new["lease_owner"]) == (ready.clock() + LIFE, "live", "")
        assert (new["scopes"], new["refresh"] is not None) == (was["scopes"], True)
        assert 0 < new["due_at"] - ready.clock() < LIFE
    assert noted(ready, "token.exchanged") == [("ok", user_id) for user_id in BOTH]
    assert {row["generation"] for row in ready.facts("token.exchanged")} == {2}
    assert not ready.service.app.db.erase_residue()
    files = ready.bytes_on_disk()
    assert [was["access"] in files for was in old] == [False, False]
    assert works(ready)
    assert (run(ready), len(ready.calls(METHOD))) == ([], 2)


def test_the_long_lived_token_works_until_the_first_refresh_and_then_the_chain_goes_on(ready: World) -> None:
    run(ready)
    for generation in (2, 3, 4):
        ready.clock.now = token(ready)["due_at"] - 1
        assert works(ready)
        assert (token(ready)["generation"], bool(at_slack(ready).dead)) == (generation, generation > 2)
        ready.clock.now = token(ready, ADMIN)["expires_at"] - 1
        assert works(ready)
        assert bool(at_slack(ready, "user").dead)
    assert len(ready.calls(REFRESH)) == 6


def test_the_tokens_of_an_enterprise_are_exchanged_too(before: World) -> None:
    before.browser().install(ORG)
    rotate(before)
    enterprise = Tenant("E", ORG)
    before.slack.fault(Fault(METHOD, "patch", patch={"is_enterprise_install": False}))
    assert run(before, enterprise) == [("", "grant_foreign"), ("W0EVERADM1", EXCHANGED)]
    before.slack.tokens_of[ORG][0].exchanged = False
    assert (run(before, enterprise), ask(before, tenant=enterprise)["ok"]) == ([("", EXCHANGED)], True)


def test_tokens_that_rotate_already_are_left_alone(ready: World) -> None:
    ready.browser().install(SOUTH)
    south = [tuple(row) for row in ready.rows("SELECT * FROM tokens WHERE tenant_id = ?", SOUTH)]
    assert run(ready) == [("", EXCHANGED), (ADMIN, EXCHANGED)]
    assert [tuple(row) for row in ready.rows("SELECT * FROM tokens WHERE tenant_id = ?", SOUTH)] == south
    assert ready.calls() == [REFRESH, METHOD, METHOD], "the first is the install's"


def test_one_tenant_alone_can_be_exchanged(before: World) -> None:
    before.browser().install(SOUTH)
    rotate(before)
    assert run(before, Tenant("T", SOUTH)) == [("", EXCHANGED), ("U0SOUTH001ADM", EXCHANGED)]
    waiting = exchange_token.list_exchangeable(before.service.app, None)
    assert [(found.tenant, found.holder.id) for found in waiting] == [(north_tenant(), ""), (north_tenant(), ADMIN)]


# Noted first


@pytest.mark.claim("C-25")
def test_the_audit_row_is_on_the_disk_before_the_token_is_opened(
    ready: World, rows_at_openings: list[dict[str, Any]]
) -> None:
    keys = [int.from_bytes(token(ready, user_id)["access"][2:6], "big") for user_id in BOTH]
    run(ready)
    assert {(row["event"], row["tenant_id"], row["actor"]) for row in rows_at_openings} == {
        ("token.read", NORTH, "operator")
    }
    read = ("purpose", "record_kind", "holder_id", "generation", "key_id")
    assert [tuple(row[name] for name in read) for row in rows_at_openings] == [
        ("exchange", "user_access" if user_id else "bot_access", user_id, 1, key)
        for user_id, key in zip(BOTH, keys, strict=True)
    ]


def test_where_the_audit_row_cannot_be_written_no_token_is_opened_and_no_call_made(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*arguments: Any) -> bytes:
        raise AssertionError("a token was opened")

    monkeypatch.setattr(ready.service.app.keyring, "open", never)
    change(ready, "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END")
    stored = ready.snapshot()
    with pytest.raises(StoreConstraintError):
        run(ready)
    assert (ready.calls(), ready.snapshot()) == ([], stored)


# Slack says no


def test_where_the_app_does_not_rotate_its_tokens_it_ends_at_once_and_nothing_is_changed(before: World) -> None:
    stored = before.snapshot()
    with pytest.raises(CommandError, match=f"^{NOT_ENABLED}: switch token rotation on in the app's settings"):
        run(before)
    assert (before.calls(), before.snapshot()) == ([METHOD], stored)
    assert noted(before, "token.exchange_failed") == [(NOT_ENABLED, "")]
    rotate(before)
    assert run(before) == [("", EXCHANGED), (ADMIN, EXCHANGED)]


def test_a_token_that_slack_calls_dead_is_marked_dead_after_exactly_one_call(ready: World) -> None:
    for error in ("account_inactive", "token_revoked"):
        ready.slack.fault(Fault(METHOD, "error", error=error))
        assert run(ready)[0] == ("", f"dead: {error}")
        assert (token(ready)["status"], ready.status(), run(ready)) == ("dead", "needs_reinstall", [])
        assert noted(ready, "token.dead")[-1] == (error, "")
        assert (ready.calls(METHOD)[1:], ready.calls(ASK)) == ([], []), "the person's is left for after the install"
        rotate(ready, False)
        change(ready, "DELETE FROM tokens WHERE holder_id <> ''")
        ready.browser().install()
        rotate(ready)
        ready.slack.called.clear()
        for known in ready.slack.tokens_of[NORTH]:
            known.exchanged = False


def test_a_users_dead_token_leaves_the_bot_alone(ready: World) -> None:
    ready.slack.revoke_user(NORTH, ADMIN)
    assert run(ready) == [("", EXCHANGED), (ADMIN, "dead: invalid_token")]
    assert (token(ready, ADMIN)["status"], ready.status(), ask(ready)["ok"]) == ("dead", "active", True)
    assert run(ready) == []


def test_where_slack_does_not_say_whether_the_token_is_dead_the_token_itself_is_asked(ready: World) -> None:
    stored = ready.snapshot()
    for error in ("invalid_token", "authorization_not_found"):
        ready.slack.called.clear()
        ready.slack.fault(Fault(METHOD, "error", error=error, times=2))
        assert run(ready) == [("", error), (ADMIN, error)]
        assert (ready.calls(), ready.snapshot()) == ([METHOD, ASK] * 2, stored), "it lives"
    ready.slack.fault(Fault(METHOD, "error", error=error, times=-1))
    ready.slack.fault(Fault(ASK, "html500", times=2))
    assert run(ready) == [("", error), (ADMIN, error)]
    assert ready.snapshot() == stored, "nobody knows"
    ready.slack.revoke_bot(NORTH)
    ready.slack.called.clear()
    assert run(ready)[0] == ("", f"dead: {error}")
    assert (ready.calls(), ready.status(), run(ready)) == ([METHOD, ASK], "needs_reinstall", [])
    assert noted(ready, "token.dead") == [("account_inactive", "")]


def test_a_failure_that_passes_costs_nothing_and_the_next_run_does_it(ready: World) -> None:
    stored = ready.snapshot()
    for fault, code in (
        (Fault(METHOD, "html500"), "server_error"),
        (Fault(METHOD, "error", error="accesslimited"), "accesslimited"),
        (Fault(METHOD, "error", error="an_error_of_tomorrow"), "an_error_of_tomorrow"),
    ):
        ready.slack.fault(replace(fault, times=2))
        assert run(ready) == [("", code), (ADMIN, code)]
        assert ready.snapshot() == stored
        assert noted(ready, "token.exchange_failed")[-2:] == [(code, user_id) for user_id in BOTH]
    assert run(ready) == [("", EXCHANGED), (ADMIN, EXCHANGED)]


def test_after_a_limited_rate_it_waits_as_long_as_slack_said(ready: World) -> None:
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        ready.clock.advance(int(seconds))

    ready.replace_parts(wait=wait)
    ready.slack.fault(Fault(METHOD, "ratelimited", retry_after=20))
    assert run(ready) == [("", "ratelimited"), (ADMIN, EXCHANGED)]
    assert (run(ready), waited, ready.status()) == ([("", EXCHANGED)], [20], "active")


# The pair is lost


def test_after_a_lost_answer_the_token_works_on_and_the_next_run_says_what_to_do(ready: World) -> None:
    stored = ready.snapshot()
    ready.slack.fault(Fault(METHOD, "lost_answer", times=2))
    assert run(ready) == [("", "unreachable"), (ADMIN, "unreachable")]
    for _ in range(2):
        assert (works(ready), ready.snapshot()) == (True, stored)
        assert run(ready) == [("", LOST_TOKEN), (ADMIN, LOST_TOKEN)]
    assert noted(ready, "token.exchange_failed")[-1] == (ALREADY_EXCHANGED, ADMIN)
    ready.clock.advance(10 * LIFE)
    assert works(ready)
    ready.browser().install()
    assert (works(ready), run(ready), token(ready)["refresh"] is not None) == (True, [], True)


def test_a_process_that_is_killed_before_it_stores_the_pair_loses_nothing_but_the_pair(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(rotated_pair, "store", kill)
        with pytest.raises(Killed):
            run(ready)
    assert (works(ready), ready.calls(METHOD)) == (True, [METHOD])
    ready.clock.advance(refresh_token.LEASE)
    assert run(ready) == [("", "another process is at it"), (ADMIN, EXCHANGED)]
    ready.clock.advance(1)
    assert run(ready) == [("", LOST_TOKEN)]
    assert (works(ready), token(ready)["refresh"], token(ready)["status"]) == (True, None, "live")


@pytest.mark.claim("C-107")
def test_where_the_keys_cannot_be_reached_for_the_pair_the_token_that_is_there_stays(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any) -> None:
        raise KeyUnavailableError

    stored = ready.snapshot()
    with monkeypatch.context() as patch:
        patch.setattr(ready.service.app.keyring, "open_tenant_keys", unreachable)
        assert run(ready) == [("", "key_unavailable"), (ADMIN, "key_unavailable")]
        # Slack gives the pair once: it is not asked for what cannot be sealed.
        assert ready.calls() == []
    assert (ready.snapshot(), works(ready)) == (stored, True)


# Not a pair for this token


def test_an_answer_of_another_kind_or_of_somebody_else_is_refused_noted_and_changes_nothing(ready: World) -> None:
    foreign: tuple[Mapping[str, Any], ...] = (
        {"app_id": "A0OTHER001"},
        {"app_id": NULL},
        {"team": {}},
        {"is_enterprise_install": True},
    )
    malformed: tuple[Mapping[str, Any], ...] = (
        {"token_type": "user"},
        {"token_type": None},
        {"access_token": "xoxe.xoxp-1-of-somebody"},
        {"access_token": None},
        {"access_token": {"value": "xoxe.xoxb-1-x"}},
        {"access_token": "xoxe.xoxb-1-" + "x" * 16_384},
        {"refresh_token": None, "expires_in": None},
        {"refresh_token": None},
        {"refresh_token": "xoxb-not-a-refresh-token"},
        {"expires_in": 0},
        {"expires_in": "43200"},
        {"scope": ["chat:write"]},
    )
    stored = tuple(token(ready))
    for code, patches in (("grant_foreign", foreign), ("grant_malformed", malformed)):
        for patch in patches:
            ready.slack.fault(Fault(METHOD, "patch", patch=dict(patch)))
            assert run(ready, north_tenant())[0] == ("", code), patch
            assert noted(ready, "token.exchange_failed")[-1] == (code, "")
            assert tuple(token(ready)) == stored, "the lease is given back, too"
            at_slack(ready).exchanged = False  # so that Slack gives one more answer
    assert works(ready)
    assert run(ready) == [("", EXCHANGED)]


@pytest.mark.claim("C-81")
def test_a_token_whose_exchange_brings_another_tenants_or_users_pair_is_not_used_again(ready: World) -> None:
    ready.slack.fault(Fault(METHOD, "patch", patch={"team": {"id": SOUTH, "name": "Southridge"}}))
    ready.slack.fault(Fault(METHOD, "patch", patch={"user_id": MEMBER}))
    waiting = exchange_token.list_exchangeable(ready.service.app, None)
    user = waiting[1:]
    (outcome,) = exchange_token.run(ready.service.app, waiting[:1], ACTOR)
    assert (outcome.result, ready.status(), token(ready)["reason"]) == ("grant_foreign", "suspended", "foreign_token")
    change(ready, "UPDATE installations SET status = 'active', status_reason = ''")
    (outcome,) = exchange_token.run(ready.service.app, user, ACTOR)
    assert (outcome.result, ready.status()) == ("grant_foreign", "active")
    assert token(ready, ADMIN)["reason"] == "foreign_token"
    assert (run(ready), ready.calls()) == ([], [METHOD] * 2)
    for user_id in BOTH:
        with pytest.raises(Refused):
            ask(ready, user_id)


@pytest.mark.claim("C-79")
def test_an_address_that_is_not_on_the_apps_list_costs_no_token(ready: World) -> None:
    ready.slack.fault(Fault("*", "error", times=-1, error="invalid_auth"))
    for _ in range(8):
        assert run(ready) == [("", "invalid_auth"), (ADMIN, "invalid_auth")]
        ready.clock.advance(3600)
    ready.slack.fault(Fault(METHOD, "error", times=-1, error="invalid_token"))
    assert run(ready) == [("", "invalid_auth"), (ADMIN, "invalid_auth")]
    assert (token(ready)["status"], ready.status()) == ("live", "active")
    ready.slack.clear_faults()
    ready.clock.advance(3600)
    assert run(ready) == [("", EXCHANGED), (ADMIN, EXCHANGED)]


def test_a_pair_of_the_bot_or_of_another_person_is_none_for_a_person(ready: World) -> None:
    waiting = exchange_token.list_exchangeable(ready.service.app, None)[1:]
    stored = tuple(token(ready, ADMIN))
    for code, patch in (
        ("grant_malformed", {"token_type": "bot"}),
        ("grant_malformed", {"token_type": "bot", "access_token": "xoxe.xoxb-1-of-the-bot"}),
        ("grant_malformed", {"access_token": "xoxe.xoxb-1-of-the-bot"}),
        ("grant_malformed", {"token_type": NULL}),
    ):
        ready.slack.fault(Fault(METHOD, "patch", patch=patch))
        (outcome,) = exchange_token.run(ready.service.app, waiting, ACTOR)
        assert (outcome.holder.id, outcome.result, tuple(token(ready, ADMIN))) == (ADMIN, code, stored), patch
        at_slack(ready, "user").exchanged = False
    assert works(ready)


def test_an_answer_that_is_huge_or_none_is_refused_noted_and_changes_nothing(ready: World) -> None:
    stored = ready.snapshot()
    for fault in (Fault(METHOD, "huge", times=2), Fault(METHOD, "garbage", times=2)):
        ready.slack.fault(fault)
        assert run(ready) == [("", "unreadable_answer"), (ADMIN, "unreadable_answer")]
        assert noted(ready, "token.exchange_failed")[-1] == ("unreadable_answer", ADMIN)
        assert ready.snapshot() == stored
        at_slack(ready).exchanged = at_slack(ready, "user").exchanged = False
    assert works(ready)
    assert run(ready) == [("", EXCHANGED), (ADMIN, EXCHANGED)]


# Others at the same time


@pytest.mark.claim("C-41")
def test_a_token_that_another_process_has_leased_is_left_to_it(ready: World) -> None:
    sql = "UPDATE tokens SET lease_owner = 'other', lease_until = ? WHERE holder_id = ''"
    ready.clock.set(86_400)  # leases go by the other clock
    change(ready, sql, ready.clock.steady() + 5)
    stored = tuple(token(ready))
    assert run(ready) == [("", "another process is at it"), (ADMIN, EXCHANGED)]
    assert (ready.calls(), tuple(token(ready))) == ([METHOD], stored)
    ready.clock.advance(6)
    assert run(ready) == [("", EXCHANGED)]


def test_of_two_that_run_at_once_each_token_is_exchanged_by_one(ready: World) -> None:
    app = ready.service.app
    first = exchange_token.run(app, exchange_token.list_exchangeable(app, None), ACTOR)
    seen = []
    with during_the_exchange(ready, lambda: seen.extend(run(ready)), after=False):
        assert next(first).result == EXCHANGED
    assert seen == [("", "another process is at it"), (ADMIN, EXCHANGED)]
    assert [outcome.result for outcome in first] == [GONE]
    assert (ready.calls(), works(ready)) == ([METHOD, METHOD], True)


@BEFORE_OR_AFTER
def test_an_install_during_an_exchange_wins(ready: World, after: bool) -> None:
    kept: list[Any] = []

    def install() -> None:
        ready.clock.advance(1)
        ready.browser().install()
        kept.extend(tuple(token(ready, user_id)) for user_id in BOTH)

    with during_the_exchange(ready, install, after):
        assert run(ready) == [("", GONE), (ADMIN, GONE)]
    assert [tuple(token(ready, user_id)) for user_id in BOTH] == kept
    assert (works(ready), noted(ready, "token.exchanged"), ready.calls(METHOD)) == (True, [], [METHOD])


@BEFORE_OR_AFTER
def test_a_purge_during_an_exchange_is_not_undone(ready: World, after: bool) -> None:
    def purge() -> None:
        uninstall_tenant.run(ready.service.app, north_tenant(), ACTOR, ready.clock())
        ready.work()

    with during_the_exchange(ready, purge, after):
        results = run(ready)
    assert results == [("", GONE if after else "invalid_token"), (ADMIN, GONE)]
    assert (ready.calls(METHOD), noted(ready, "token.exchanged")) == ([METHOD], [])
    for table in ("installations", "tokens", "data_keys"):
        assert ready.rows(f"SELECT 1 FROM {table} WHERE tenant_id = ?", NORTH) == []


def test_a_purge_and_a_new_install_during_an_exchange_win(ready: World) -> None:
    kept: list[Any] = []

    def come_back() -> None:
        uninstall_tenant.run(ready.service.app, north_tenant(), ACTOR, ready.clock())
        ready.clock.advance(1)
        ready.browser().install()
        kept.extend(tuple(token(ready, user_id)) for user_id in BOTH)

    with during_the_exchange(ready, come_back, after=True):
        assert run(ready) == [("", GONE), (ADMIN, GONE)]
    assert [tuple(token(ready, user_id)) for user_id in BOTH] == kept
    assert (token(ready)["generation"], works(ready), ready.calls(METHOD)) == (1, True, [METHOD])


@pytest.mark.parametrize("purged", [False, True], ids=["installed-again", "purged"])
def test_what_happens_at_the_last_moment_before_the_pair_is_stored_wins(
    ready: World, monkeypatch: pytest.MonkeyPatch, purged: bool
) -> None:
    store, kept = rotated_pair.store, []

    def overtaken(*arguments: Any, **named: Any) -> bool:
        monkeypatch.undo()
        if purged:
            uninstall_tenant.run(ready.service.app, north_tenant(), ACTOR, ready.clock())
            ready.work()
        else:
            ready.browser().install()
        kept.append(ready.snapshot())
        return store(*arguments, **named)

    monkeypatch.setattr(rotated_pair, "store", overtaken)
    assert run(ready) == [("", GONE), (ADMIN, GONE)]
    assert (kept, noted(ready, "token.exchanged")) == ([ready.snapshot()], [])


@pytest.mark.claim("C-40")
def test_a_tenant_that_is_not_served_any_more_when_its_turn_comes_is_left_alone(ready: World) -> None:
    app = ready.service.app
    waiting = exchange_token.list_exchangeable(app, None)
    for status in ("suspect", "suspended", "needs_reinstall"):
        change(ready, "UPDATE installations SET status = ?", status)
        stored, audited = ready.snapshot(), ready.audit()
        found = exchange_token.run(app, waiting, ACTOR)
        assert [outcome.result for outcome in found] == ["the tenant is not served just now"] * 2
        assert (ready.calls(), ready.snapshot(), ready.audit(), run(ready)) == ([], stored, audited, [])


def test_a_token_that_was_marked_dead_when_its_turn_comes_is_left_alone(ready: World) -> None:
    app = ready.service.app
    waiting = exchange_token.list_exchangeable(app, None)
    ready.slack.revoke_user(NORTH, ADMIN)
    with pytest.raises(SlackCallError):
        ask(ready, ADMIN)
    assert [outcome.result for outcome in exchange_token.run(app, waiting, ACTOR)] == [EXCHANGED, GONE]
    assert ready.calls() == [ASK, METHOD]


def test_an_exchange_run_that_is_stopped_is_finished_by_the_next(before: World) -> None:
    before.browser().install(SOUTH)
    rotate(before)
    before.slack.called.clear()
    app = before.service.app
    found = exchange_token.run(app, exchange_token.list_exchangeable(app, None), ACTOR)
    assert [next(found).result for _ in range(3)] == [EXCHANGED] * 3
    found.close()
    assert len(before.calls()) == 3
    before.restart()
    assert (run(before), len(before.calls())) == ([("U0SOUTH001ADM", EXCHANGED)], 4)
    assert works(before)


# What does not open


def test_a_token_that_does_not_open_costs_no_call(ready: World) -> None:
    change(ready, "UPDATE tokens SET access = zeroblob(200) WHERE holder_id = ''")
    assert run(ready) == [("", "token_unavailable"), (ADMIN, EXCHANGED)]
    assert (ready.calls(), token(ready)["lease_owner"], token(ready)["status"]) == ([METHOD], "", "live")
    assert noted(ready, "token.exchange_failed") == [("token_unavailable", "")]
