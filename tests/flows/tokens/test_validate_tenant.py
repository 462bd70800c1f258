"""The sweep over all tokens: what Slack says of each is known, told and noted once, and costs one call."""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from slackapp.app import build, system_entropy
from slackapp.flows.keys import suspend_tenant
from slackapp.flows.removal import uninstall_tenant
from slackapp.flows.tokens import validate_tenant
from slackapp.flows.tokens.validate_tenant import INTERVAL, TokenCheck
from slackapp.localslack.api.calls import ApiResult
from slackapp.localslack.model import NULL, AppInstall, Fault
from slackapp.localslack.wire import json_response
from slackapp.model import BOT, Actor, ActorKind, Holder, Tenant
from tests.support.prepared_world import Prepared, memory_folder, snapshot_world
from tests.support.token_use import call_as
from tests.support.world import NORTH, ORG, ORG_TEAM, SOUTH, START, World, make_world, north_tenant

ACTOR = Actor(ActorKind.OPERATOR, "r1")
ADMIN = "U0NORTH001ADM"
BOT_USER = "U0NORTH001BOT"
ASK = "auth.test"
INSTALL = "http://localhost:3000/slack/install"
HERE = f"{INSTALL}?team={NORTH}"
CHECKS, DRIFT = "slackapp_token_checks_total", "slackapp_scope_drift_total"
GRANTED = "app_mentions:read,chat:write,commands"


@pytest.fixture(scope="module")
def installed() -> Iterator[Prepared]:
    with memory_folder() as folder, make_world(folder, SLACKAPP_USER_SCOPES="users:read") as world:
        install(world)
        yield snapshot_world(world)


@pytest.fixture
def ready(installed: Prepared) -> World:
    """Installed, with the tokens of the bot and of the user who installed."""
    return installed.reset()


@pytest.fixture
def two(ready: World) -> World:
    """The same in two workspaces, a second before both are to be checked."""
    install(ready, SOUTH)
    ready.clock.advance(INTERVAL)
    return ready


def install(world: World, target: str = NORTH) -> None:
    assert world.browser().install(target).status == 303
    world.slack.called.clear()


def check(world: World, tenant: Tenant | None = None) -> list[TokenCheck]:
    return validate_tenant.run(world.service.app, tenant or north_tenant(), ACTOR)


def results(world: World, tenant: Tenant | None = None) -> list[tuple[str, str]]:
    """Of whom, and what came out."""
    return [(checked.holder.id, checked.result) for checked in check(world, tenant)]


def due(world: World) -> int:
    return validate_tenant.run_due(world.service.app, lambda: False)


def asked(world: World) -> list[str]:
    """The tenants whose tokens were asked about."""
    return [call.team for call in world.slack.calls if call.method == ASK]


def change(world: World, sql: str, *parameters: Any) -> None:
    with contextlib.closing(sqlite3.connect(world.settings.database)) as connection, connection:
        connection.execute(sql, parameters)


def stored(world: World) -> Any:
    return world.rows("SELECT * FROM installations WHERE tenant_id = ?", NORTH)[0]


def scopes(world: World, user_id: str = "") -> str:
    return str(world.rows("SELECT scopes FROM tokens WHERE tenant_id = ? AND holder_id = ?", NORTH, user_id)[0][0])


def noted(world: World, event: str) -> list[str]:
    """Whom the audit rows of that name are about: a user's id, or `bot`."""
    return [row.get("holder_id", row["holder_kind"]) for row in world.facts(event)]


def drifts(world: World) -> list[tuple[str, str, str]]:
    """What the audit says of scopes: the event, whose token, and which scope."""
    sql = "SELECT event, holder_id, record_id FROM audit WHERE event LIKE 'scope%' ORDER BY id"
    return [tuple(row) for row in world.rows(sql)]


def at_slack(world: World) -> AppInstall:
    """The app in that workspace, as Slack sees it."""
    return world.slack.state.installs[NORTH]


@contextlib.contextmanager
def after_the_answer(world: World, happening: Callable[[], Any]) -> Iterator[None]:
    """Lets something happen between the next answer and what we make of it."""
    slack = world.service.app.slack
    call = slack.call

    def meanwhile(*arguments: Any) -> Any:
        answer = call(*arguments)
        patch.undo()
        happening()
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slack, "call", meanwhile)
        yield


# What Slack says of each token


def test_the_bots_and_a_users_token_are_each_asked_about_once(ready: World) -> None:
    ready.clock.advance(100)
    assert check(ready) == [
        TokenCheck(north_tenant(), "Northwind", holder, "ok") for holder in (BOT, Holder.user(ADMIN))
    ]
    assert [(call.method, call.credentials) for call in ready.slack.calls] == [(ASK, "header")] * 2
    assert [(row["purpose"], row["method"]) for row in ready.facts("token.read")[-2:]] == [("check", ASK)] * 2
    assert stored(ready)["last_validated_at"] == START + 100
    assert ready.service.app.metrics.value(CHECKS, {"result": "ok"}) == 2
    assert all(checked.is_fine for checked in check(ready))


def test_of_a_tenant_that_is_not_there_nothing_is_told(ready: World) -> None:
    assert (check(ready, Tenant("T", SOUTH)), check(ready, Tenant("E", NORTH)), ready.calls()) == ([], [], [])


def test_an_enterprise_wide_token_is_answered_with_the_id_of_the_enterprise_in_place_of_the_teams_or_beside_it(
    ready: World,
) -> None:
    install(ready, ORG)
    enterprise, fine = Tenant("E", ORG), [("", "ok"), ("W0EVERADM1", "ok")]
    assert results(ready, enterprise) == fine
    for patch in ({"team_id": ORG_TEAM}, {"enterprise_id": "E0STRANGER"}):
        ready.slack.fault(Fault(ASK, "patch", patch=patch))
        assert results(ready, enterprise) == fine
    ready.slack.fault(Fault(ASK, "patch", patch={"team_id": ORG_TEAM, "enterprise_id": "E0STRANGER"}))
    assert results(ready, enterprise)[0] == ("", "foreign: Slack names another tenant")
    assert ready.status(ORG) == "suspended"
    install(ready, ORG)
    ready.slack.invalidate_refresh_tokens(ORG)
    ready.slack.fault(Fault(ASK, "error", error="account_inactive"))
    dead = check(ready, enterprise)[0]
    assert (dead.name, dead.result, dead.install_url) == ("Evergreen", "dead: account_inactive", INSTALL)
    assert ready.facts("tenant.joined_org") == []


@pytest.mark.claim("C-81")
def test_a_bots_token_that_slack_says_is_another_tenants_is_told_and_never_used_again(ready: World) -> None:
    for number, (team_id, enterprise_id) in enumerate(((SOUTH, ORG), (ORG, ORG), (SOUTH, NORTH)), start=1):
        at_slack(ready).bot_scopes.append("im:write")
        scopes_before, logged = scopes(ready), ready.log.getvalue()
        ready.slack.fault(Fault(ASK, "patch", patch={"team_id": team_id, "enterprise_id": enterprise_id}))
        (bot, _) = check(ready)
        assert (bot.result, bot.is_fine) == ("foreign: Slack names another tenant", False)
        assert (ready.status(), stored(ready)["status_reason"]) == ("suspended", "foreign_token")
        assert (scopes(ready), stored(ready)["enterprise_id"]) == (scopes_before, ""), "nothing of it is stored"
        assert noted(ready, "token.foreign") == ["bot"] * number
        lines = ready.log.getvalue().removeprefix(logged).splitlines()
        assert [json.loads(line)["event"] for line in lines] == ["token_of_another_tenant"]
        ready.slack.called.clear()
        suspend_tenant.restore_all(ready.service.app)
        assert (results(ready)[0], ready.status()) == (("", "foreign: Slack names another tenant"), "suspended")
        ready.mention(f"Ev{number}")
        ready.work()
        assert ready.calls() == [], "neither the bot's nor a person's"
        install(ready)
        assert (results(ready), ready.status()) == ([("", "ok"), (ADMIN, "ok")], "active")
    assert [secret for secret in ready.slack.issued_tokens if secret in ready.log.getvalue()] == []
    assert ready.service.app.metrics.value(CHECKS, {"result": "foreign"}) == 6


@pytest.mark.claim("C-81")
def test_a_users_token_of_another_tenant_is_not_used_again_and_the_bot_is_left_alone(ready: World) -> None:
    ready.slack.fault(Fault(ASK, "patch", patch={"team_id": NORTH}))  # the bot's
    ready.slack.fault(Fault(ASK, "patch", patch={"team_id": SOUTH}))
    for _ in range(2):
        assert results(ready) == [("", "ok"), (ADMIN, "foreign: Slack names another tenant")]
    assert (len(ready.calls()), ready.status()) == (3, "active")


def test_an_answer_that_names_nobody_is_no_reason_to_suspend_and_nothing_of_it_is_stored(ready: World) -> None:
    at_slack(ready).bot_scopes.append("im:write")
    before = ready.snapshot()
    for team_id in (None, [NORTH], ""):
        ready.slack.fault(Fault(ASK, "patch", patch={"team_id": team_id, "enterprise_id": ORG}))
        assert results(ready) == [("", "unknown: Slack names no tenant"), (ADMIN, "ok")]
        assert (ready.status(), ready.snapshot()) == ("active", before), "not even the time of the check"


# Dead


def test_a_dead_token_of_the_bot_is_found_by_one_call_and_never_used_again(ready: World) -> None:
    for error in ("account_inactive", "token_revoked"):
        ready.slack.fault(Fault(ASK, "error", error=error))
        ready.slack.invalidate_refresh_tokens(NORTH)
        (bot, user) = check(ready)
        assert (bot.result, bot.install_url, bot.is_fine) == (f"dead: {error}", HERE, False)
        assert (user.result, user.install_url) == ("ok", None)
        assert (ready.calls(), ready.status()) == ([ASK, "oauth.v2.access", ASK], "needs_reinstall")
        assert stored(ready)["status_reason"] == error
        assert stored(ready)["last_validated_at"] == ready.clock()
        for _ in range(2):
            assert check(ready)[0] == bot
        ready.clock.advance(INTERVAL + 1)
        assert (due(ready), len(ready.calls(ASK))) == (0, 4), "two more for the person's"
        install(ready)
    assert results(ready) == [("", "ok"), (ADMIN, "ok")]
    assert noted(ready, "token.dead") == ["bot"] * 2
    assert ready.service.app.metrics.value(CHECKS, {"result": "dead"}) == 6


def test_a_users_dead_token_leaves_the_bot_alone(ready: World) -> None:
    ready.slack.revoke_user(NORTH, ADMIN)
    (bot, user) = check(ready)
    assert (bot.result, user.result, user.install_url) == ("ok", "dead: token_revoked", HERE)
    assert ready.calls() == [ASK, ASK, "oauth.v2.access"]
    assert (ready.status(), stored(ready)["last_validated_at"]) == ("active", START)
    assert results(ready) == [("", "ok"), (ADMIN, "dead: known")]
    assert len(ready.calls()) == 4
    ready.slack.fault(Fault(ASK, "error", error="account_inactive"))
    ready.slack.invalidate_refresh_tokens(NORTH)
    check(ready)
    assert results(ready) == [("", "dead: account_inactive"), (ADMIN, "dead: known")], "each for its own reason"


def test_a_bots_token_that_an_event_has_erased_is_told_as_dead(ready: World) -> None:
    ready.slack.revoke_bot(NORTH, app_uninstalled=False)
    ready.event({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT_USER]}})
    ready.work()
    ready.slack.called.clear()
    (bot, user) = check(ready)
    assert (bot.holder.id, bot.result, bot.install_url) == ("", "dead: known", HERE)
    assert (user.holder.id, user.result, ready.calls()) == (ADMIN, "ok", [ASK])


def test_the_bots_token_of_a_tenant_that_needs_a_new_install_is_not_used(ready: World) -> None:
    change(ready, "UPDATE installations SET status = 'needs_reinstall'")
    assert (results(ready), len(ready.calls())) == ([("", "dead: known"), (ADMIN, "ok")], 1)


def test_an_app_without_a_bot_misses_none(ready: World) -> None:
    ready.restart(bot_scopes=())
    install(ready, SOUTH)
    assert results(ready, Tenant("T", SOUTH)) == [("U0SOUTH001ADM", "ok")]


def test_a_token_past_its_time_whose_refresh_is_refused_is_dead_without_being_sent(ready: World) -> None:
    ready.slack.invalidate_refresh_tokens(NORTH)
    ready.clock.advance(43_200)
    (bot, user) = check(ready)
    assert (bot.result, bot.install_url, user.result) == ("dead: needs_reinstall", HERE, "dead: needs_reinstall")
    assert (ready.calls(ASK), ready.status()) == ([], "needs_reinstall")


# Not known


def test_while_slack_fails_no_token_is_marked_dead_and_the_last_check_stays_noted(ready: World) -> None:
    check(ready)
    ready.clock.advance(100)
    before = ready.snapshot()
    for fault, code in (
        (Fault(ASK, "html500"), "server_error"),
        (Fault(ASK, "garbage"), "unreadable_answer"),
        (Fault(ASK, "error", error="fatal_error"), "fatal_error"),
        (Fault(ASK, "error", error="accesslimited"), "accesslimited"),
        (Fault(ASK, "error", error="an_error_of_tomorrow"), "an_error_of_tomorrow"),
    ):
        ready.slack.fault(fault)
        (bot, user) = check(ready)
        assert (bot.result, bot.install_url, bot.is_fine, user.result) == (f"unknown: {code}", None, False, "ok")
        assert ready.snapshot() == before, fault
    assert ready.service.app.metrics.value(CHECKS, {"result": "unknown"}) == 5
    assert results(ready) == [("", "ok"), (ADMIN, "ok")]
    assert stored(ready)["last_validated_at"] == START + 100


def test_a_limited_rate_is_not_known_and_not_asked_about_again_before_its_time(ready: World) -> None:
    ready.slack.fault(Fault(ASK, "ratelimited", retry_after=20))
    for _ in range(2):
        assert results(ready) == [("", "unknown: ratelimited"), (ADMIN, "ok")]
    assert (len(ready.calls()), stored(ready)["last_validated_at"], ready.status()) == (3, 0, "active")
    ready.clock.advance(20)
    assert results(ready) == [("", "ok"), (ADMIN, "ok")]


def test_an_expired_token_that_cannot_be_refreshed_just_now_is_not_known(ready: World) -> None:
    ready.clock.advance(43_200)
    ready.slack.fault(Fault("oauth.v2.access", "html500", times=-1))
    assert results(ready) == [("", "unknown: token_unavailable"), (ADMIN, "unknown: token_unavailable")]
    assert (ready.status(), stored(ready)["last_validated_at"]) == ("active", 0)


def test_the_tokens_of_a_suspended_or_suspect_tenant_are_left_alone(ready: World) -> None:
    ready.clock.advance(INTERVAL + 1)
    for status, why in (("suspended", "key_revoked"), ("suspect", "token_unavailable")):
        change(ready, "UPDATE installations SET status = ?", status)
        before = ready.snapshot()
        assert due(ready) == 0
        assert results(ready) == [("", f"unknown: {why}"), (ADMIN, f"unknown: {why}")]
        assert (ready.calls(), ready.snapshot()) == ([], before)
    change(ready, "UPDATE installations SET status = 'active'")
    assert (due(ready), asked(ready)) == (1, [NORTH, NORTH]), "given back, it is checked at once"


# Scopes


def test_scopes_that_slack_took_away_are_named_stored_and_noted_once(ready: World) -> None:
    at_slack(ready).bot_scopes.remove("chat:write")
    (bot, user) = check(ready)
    assert (bot.result, bot.missing, bot.surplus, bot.is_fine) == ("ok", ("chat:write",), (), False)
    assert (user.missing, user.surplus) == ((), ())
    assert (scopes(ready), stored(ready)["scopes_granted"]) == ("app_mentions:read,commands",) * 2
    assert scopes(ready, ADMIN) == "users:read"
    ready.clock.advance(INTERVAL + 1)
    assert (due(ready), check(ready)[0].missing) == (1, ("chat:write",)), "told every day"
    assert drifts(ready) == [("scopes.changed", "", ""), ("scope.missing", "", "chat:write")]
    assert ready.service.app.metrics.value(DRIFT, {"kind": "missing"}) == 3
    assert ready.service.app.metrics.value(DRIFT, {"kind": "surplus"}) == 0
    at_slack(ready).bot_scopes.append("chat:write")
    assert (check(ready)[0].is_fine, scopes(ready), stored(ready)["scopes_granted"]) == (True, GRANTED, GRANTED)
    assert drifts(ready)[2:] == [("scopes.changed", "", "")]


def test_scopes_that_the_app_does_not_ask_for_are_named_stored_and_noted_once(ready: World) -> None:
    at_slack(ready).bot_scopes.extend(["im:write", "files:read"])
    for _ in range(2):
        (bot, _) = check(ready)
        assert (bot.missing, bot.surplus, bot.is_fine) == ((), ("files:read", "im:write"), True)
    granted = f"{GRANTED},files:read,im:write"
    assert scopes(ready) == stored(ready)["scopes_granted"] == granted
    assert drifts(ready) == [
        ("scopes.changed", "", ""), ("scope.surplus", "", "files:read"), ("scope.surplus", "", "im:write"),
    ]  # fmt: skip
    assert ready.service.app.metrics.value(DRIFT, {"kind": "surplus"}) == 2


def test_a_users_scopes_are_compared_with_those_asked_of_users(ready: World) -> None:
    at_slack(ready).user_scopes[ADMIN][:] = ["search:read"]
    for _ in range(2):
        (bot, user) = check(ready)
        assert (bot.is_fine, user.missing, user.surplus) == (True, ("users:read",), ("search:read",))
    assert (scopes(ready, ADMIN), scopes(ready), stored(ready)["scopes_granted"]) == ("search:read", GRANTED, GRANTED)
    assert drifts(ready) == [
        ("scopes.changed", ADMIN, ""), ("scope.missing", ADMIN, "users:read"), ("scope.surplus", ADMIN, "search:read"),
    ]  # fmt: skip


def test_scopes_that_the_settings_ask_for_since_or_no_longer_are_named_and_change_nothing(ready: World) -> None:
    before = ready.snapshot()
    ready.restart(bot_scopes=("chat:write", "im:write", "files:read"), user_scopes=())
    (bot, user) = check(ready)
    assert (bot.missing, bot.surplus) == (("files:read", "im:write"), ("app_mentions:read", "commands"))
    assert (user.missing, user.surplus) == ((), ("users:read",))
    assert ready.service.app.metrics.value(DRIFT, {"kind": "missing"}) == 1
    assert ready.service.app.metrics.value(DRIFT, {"kind": "surplus"}) == 2
    for table in ("tokens", "oauth_states", "data_keys"):
        assert ready.snapshot()[table] == before[table]
    assert noted(ready, "scopes.changed") == [], "Slack changed nothing"


def test_without_a_word_of_slack_about_scopes_there_is_no_drift(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_scopes(self: ApiResult) -> Any:
        return json_response(self.status, self.answer, tuple(self.headers.items()))

    monkeypatch.setattr(ApiResult, "response", without_scopes)
    at_slack(ready).bot_scopes.append("im:write")
    ready.restart(bot_scopes=("files:read",))
    assert [(found.result, found.missing, found.surplus) for found in check(ready)] == [("ok", (), ())] * 2
    assert (scopes(ready), noted(ready, "scopes.changed")) == (GRANTED, [])


def test_scopes_that_came_with_a_refresh_are_noted_all_the_same(ready: World) -> None:
    at_slack(ready).bot_scopes.remove("chat:write")
    ready.clock.advance(43_200)
    call_as(ready.service.app, north_tenant(), ACTOR, method=ASK)
    assert scopes(ready) == "app_mentions:read,commands", "the refresh brought them"
    for _ in range(2):
        assert check(ready)[0].missing == ("chat:write",)
    assert stored(ready)["scopes_granted"] == "app_mentions:read,commands"
    assert drifts(ready) == [("scopes.changed", "", ""), ("scope.missing", "", "chat:write")]


def test_an_install_between_the_answer_and_its_scopes_wins(ready: World) -> None:
    at_slack(ready).bot_scopes.remove("chat:write")
    with after_the_answer(ready, ready.browser().install):
        assert check(ready)[0].missing == ("chat:write",), "as Slack said"
    assert (scopes(ready), stored(ready)["scopes_granted"], noted(ready, "scopes.changed")) == (GRANTED, GRANTED, [])


def test_of_two_checks_that_find_the_same_drift_one_notes_it(ready: World) -> None:
    at_slack(ready).bot_scopes.remove("chat:write")
    ready.slack.join_enterprise(NORTH, ORG)
    with after_the_answer(ready, lambda: check(ready)):
        assert check(ready)[0].missing == ("chat:write",)
    assert len(noted(ready, "scopes.changed")) == len(ready.facts("tenant.joined_org")) == 1


def test_a_purge_between_the_answer_and_what_is_made_of_it_is_not_undone(ready: World) -> None:
    def purge() -> None:
        uninstall_tenant.run(ready.service.app, north_tenant(), ACTOR, ready.clock())
        ready.work()

    at_slack(ready).bot_scopes.remove("chat:write")
    ready.slack.join_enterprise(NORTH, ORG)
    with after_the_answer(ready, purge):
        assert results(ready) == [("", "ok"), (ADMIN, "unknown: not_installed")]
    assert (ready.count("installations"), ready.count("tokens")) == (0, 0)
    assert (noted(ready, "scopes.changed"), ready.facts("tenant.joined_org")) == ([], [])


# Enterprises


def test_a_workspace_that_joined_an_enterprise_stays_the_tenant_that_it_was(ready: World) -> None:
    before = [tuple(row) for row in ready.rows("SELECT * FROM tokens")]
    ready.slack.join_enterprise(NORTH, ORG)
    for _ in range(2):
        assert results(ready) == [("", "ok"), (ADMIN, "ok")]
    row = stored(ready)
    assert (row["tenant_kind"], row["enterprise_id"], row["team_id"]) == ("T", ORG, NORTH)
    assert [tuple(row) for row in ready.rows("SELECT * FROM tokens")] == before
    assert [row["record_id"] for row in ready.facts("tenant.joined_org")] == [ORG]
    ready.restart()
    assert results(ready) == [("", "ok"), (ADMIN, "ok")], "its tokens are open to a new process"
    install(ready)
    row = stored(ready)
    assert (ready.count("installations"), row["generation"], row["enterprise_id"]) == (1, 2, ORG)
    assert results(ready) == [("", "ok"), (ADMIN, "ok")]
    assert len(ready.facts("tenant.joined_org")) == 1


def test_what_is_no_id_of_an_enterprise_is_not_stored(ready: World) -> None:
    for claimed in ("", "an org", NORTH, NULL, [ORG]):
        ready.slack.fault(Fault(ASK, "patch", patch={"enterprise_id": claimed}))
        assert results(ready) == [("", "ok"), (ADMIN, "ok")]
    assert (stored(ready)["enterprise_id"], ready.facts("tenant.joined_org")) == ("", [])


# Every day


def test_each_tenant_is_checked_once_a_day_and_not_right_after_an_install(two: World) -> None:
    assert (due(two), asked(two)) == (0, []), "a day after the install"
    two.clock.advance(1)
    assert (due(two), asked(two)) == (2, [NORTH, NORTH, SOUTH, SOUTH])
    read = two.rows("SELECT actor, request_id FROM audit WHERE event = 'token.read' ORDER BY id DESC LIMIT 4")
    assert {tuple(row) for row in read} == {("worker", "")}
    assert {row[0] for row in two.rows("SELECT last_validated_at FROM installations")} == {two.clock()}
    two.clock.advance(INTERVAL)
    assert (due(two), len(asked(two))) == (0, 4)
    two.clock.advance(1)
    assert (due(two), len(asked(two))) == (2, 8)


def test_an_install_again_puts_the_check_off_by_a_day(two: World) -> None:
    install(two)
    two.clock.advance(1)
    assert (due(two), asked(two)) == (1, [SOUTH, SOUTH])


def test_the_tenants_are_checked_some_at_a_time_and_the_longest_unchecked_first(
    two: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validate_tenant, "_BATCH", 1)
    two.clock.advance(INTERVAL)
    change(two, "UPDATE installations SET check_begun_at = check_begun_at + 1 WHERE tenant_id = ?", NORTH)
    assert [(due(two), asked(two)[-1:]) for _ in range(3)] == [(1, [SOUTH]), (1, [NORTH]), (0, [NORTH])]


def test_a_tenant_that_slack_says_nothing_about_waits_for_its_next_turn(two: World) -> None:
    two.clock.advance(1)
    two.slack.fault(Fault(ASK, "html500", times=4))
    assert [due(two) for _ in range(2)] == [2, 0]
    two.clock.advance(INTERVAL + 1)
    assert (due(two), stored(two)["last_validated_at"]) == (2, two.clock())


def test_it_stops_when_asked_and_what_is_left_is_checked_by_the_next(two: World) -> None:
    two.clock.advance(1)
    app = two.service.app
    assert (validate_tenant.run_due(app, lambda: True), asked(two)) == (0, [])
    assert (validate_tenant.run_due(app, lambda: bool(asked(two))), asked(two)) == (1, [NORTH, NORTH])
    two.restart()
    assert (due(two), asked(two)) == (1, [NORTH, NORTH, SOUTH, SOUTH])


def test_a_tenant_at_which_it_fails_does_not_cost_the_others_their_check(
    two: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise LookupError

    two.clock.advance(1)
    with monkeypatch.context() as patch:
        patch.setattr(validate_tenant, "run", fail)
        with pytest.raises(LookupError):
            due(two)
    assert (due(two), asked(two)) == (1, [SOUTH, SOUTH])


def test_two_processes_do_not_check_the_same_tenant(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    two.clock.advance(1)
    other = build(two.settings, two.clock, system_entropy, two.log)
    many = two.service.app.db.many

    def overtaken(name: str, *arguments: Any) -> Any:
        found = many(name, *arguments)
        if name == "list_unchecked":
            monkeypatch.undo()
            assert [row["tenant_id"] for row in found] == [NORTH]
            assert validate_tenant.run_due(other.app, lambda: False) == 2
        return found

    monkeypatch.setattr(two.service.app.db, "many", overtaken)
    try:
        assert (due(two), asked(two)) == (0, [NORTH, NORTH, SOUTH, SOUTH])
    finally:
        other.stop()
