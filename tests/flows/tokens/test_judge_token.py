"""What Slack's answers mean for a token: a refresh decides about a dead one, and `invalid_auth` only pauses it."""

import threading
from collections.abc import Iterator

import pytest

from slackapp.errors import Refusal, SlackCallError, SlackErrorKind, StoreFullError
from slackapp.flows.tokens import judge_token, refresh_token, validate_tenant
from slackapp.flows.upkeep import sweep
from slackapp.localslack.model import Fault
from slackapp.model import BOT, Tenant
from slackapp.store import tenant_outcomes, tokens
from tests.flows.tokens.rotation import ACTOR, REFRESH, ask, ask_by, change, refused, row, stored
from tests.support.prepared_world import Prepared, memory_folder, snapshot_world
from tests.support.token_use import IN_USE
from tests.support.world import NORTH, SOUTH, World, make_world, north_tenant

ASK = "auth.test"
ADMIN = "U0NORTH001ADM"
SOUTHS = Tenant("T", SOUTH)
LOST = ("token_revoked", "account_inactive", "invalid_auth")


@pytest.fixture(scope="module")
def installed() -> Iterator[Prepared]:
    with memory_folder() as folder, make_world(folder, SLACKAPP_USER_SCOPES="users:read") as world:
        for tenant in (NORTH, SOUTH):
            world.browser().install(tenant)
        world.work()
        yield snapshot_world(world)


@pytest.fixture
def two(installed: Prepared) -> World:
    """Two workspaces, with rotating tokens of the bot and of the user who installed."""
    return installed.reset()


def failed(world: World, user_id: str = "", tenant: Tenant | None = None) -> SlackCallError:
    """How the call fails."""
    with pytest.raises(SlackCallError) as caught:
        ask(world, user_id, tenant)
    return caught.value


def disallow(world: World, team: str = "") -> None:
    """Slack takes no token from our address: of nobody, or not that tenant's."""
    world.slack.fault(Fault("*", "error", times=-1, error="invalid_auth", team=team))
    if team:  # a refresh does not say whose it is
        world.slack.fault(Fault(REFRESH, "error", times=-1, error="invalid_auth"))


# A dead access token is not a dead grant


@pytest.mark.claim("C-78")
@pytest.mark.parametrize("error", LOST)
@pytest.mark.parametrize("user_id", ["", ADMIN])
def test_with_an_untried_refresh_token_one_refresh_decides(two: World, user_id: str, error: str) -> None:
    two.slack.fault(Fault(ASK, "error", error=error))
    assert ask(two, user_id)["ok"]
    assert two.calls() == [ASK, REFRESH, ASK]
    assert (row(two, user_id)["generation"], row(two, user_id)["status"], two.status()) == (2, "live", "active")


@pytest.mark.claim("C-78")
@pytest.mark.parametrize("error", ["token_revoked", "account_inactive"])
def test_a_refresh_that_slack_refuses_ends_the_token_at_once(two: World, error: str) -> None:
    two.slack.invalidate_refresh_tokens(NORTH)
    two.slack.fault(Fault(ASK, "error", error=error))
    found = failed(two)
    assert (found.kind, found.code, two.calls()) == (SlackErrorKind.DEAD, error, [ASK, REFRESH])
    assert (row(two)["status"], row(two)["reason"], two.status()) == ("dead", error, "needs_reinstall")


@pytest.mark.claim("C-78")
def test_a_refresh_that_comes_to_nothing_decides_nothing(two: World) -> None:
    two.slack.fault(Fault(ASK, "error", error="token_revoked"))
    two.slack.fault(Fault(REFRESH, "html500", times=2))
    assert refused(lambda: ask(two)).refusal is Refusal.TOKEN_UNAVAILABLE
    assert (row(two)["status"], row(two)["refused_since"], two.status()) == ("live", None, "active")
    assert ask(two)["ok"]


@pytest.mark.claim("C-78")
def test_refused_installs_that_push_the_new_token_out_as_well_end_nothing(two: World) -> None:
    """Between a refresh and the repeat, another install may end the pair that has just come."""
    for _ in range(4):
        two.slack.fault(Fault(ASK, "error", error="token_revoked", times=2))
        found = failed(two)
        assert (found.kind, found.retry_after > 0) == (SlackErrorKind.UNCERTAIN, True)
        two.clock.advance(found.retry_after)
    assert (row(two)["status"], two.status()) == ("live", "active")
    assert (ask(two)["ok"], row(two)["contradicted"]) == (True, 0)


@pytest.mark.claim("C-79")
def test_a_grant_that_refreshes_and_never_serves_is_marked_dead_in_the_end(two: World) -> None:
    two.slack.fault(Fault(ASK, "error", error="account_inactive", times=-1, team=NORTH))
    kinds = []
    while not kinds or kinds[-1] is SlackErrorKind.UNCERTAIN:
        found = failed(two)
        kinds.append(found.kind)
        two.clock.advance(found.retry_after)
    assert kinds == [SlackErrorKind.UNCERTAIN] * 5 + [SlackErrorKind.DEAD]
    assert two.status() == "needs_reinstall"


def test_two_threads_that_find_the_same_token_dead_refresh_it_once_and_both_go_on(two: World) -> None:
    for dead in two.slack.tokens_of[NORTH]:
        dead.dead = "token_revoked"
    two.replace_parts(wait=lambda _: None)
    at_once, found = threading.Barrier(2), []

    def use() -> None:
        at_once.wait(5)
        try:
            found.append(ask(two)["ok"])
        except Exception as error:  # noqa: BLE001  (whatever it is, the assertion below names it)
            found.append(error)

    threads = [threading.Thread(target=use) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(10)
    late = [each for each in found if each is not True]
    assert all(getattr(each, "refusal", None) is Refusal.TOKEN_UNAVAILABLE for each in late), late
    assert (ask(two)["ok"], row(two)["status"], two.status()) == (True, "live", "active")


# invalid_auth


@pytest.mark.claim("C-79")
@pytest.mark.parametrize("rotates", [True, False])
def test_an_address_that_is_not_on_the_apps_list_costs_no_installation(two: World, rotates: bool) -> None:
    if not rotates:
        change(two, "UPDATE tokens SET refresh = NULL, expires_at = NULL, due_at = NULL")
    disallow(two)
    for _ in range(30 if rotates else 9):  # through the end of their lives, where they have one
        for tenant in (north_tenant(), SOUTHS):
            found = failed(two, "", tenant)
            assert (found.kind, found.code) == (SlackErrorKind.UNCERTAIN, "invalid_auth")
            assert 0 < found.retry_after <= 3600
        two.clock.advance(3600)
    assert {(each["status"], each["reason"]) for each in two.rows("SELECT * FROM tokens WHERE holder_id = ''")} == {
        ("live", "invalid_auth")
    }
    two.slack.clear_faults()
    two.clock.advance(3600)
    assert (ask(two)["ok"], ask(two, "", SOUTHS)["ok"]) == (True, True)
    assert two.rows("SELECT 1 FROM tokens WHERE refused_since IS NOT NULL AND holder_id = ''") == []
    assert (two.status(), two.audit().count("token.paused"), two.audit().count("token.resumed")) == ("active", 2, 2)


def test_while_it_pauses_nothing_is_called_read_or_noted(two: World) -> None:
    disallow(two, NORTH)
    assert failed(two).retry_after == 60
    before = two.calls(), two.audit(), two.snapshot()
    two.clock.advance(59)
    assert failed(two).retry_after == 1
    assert (two.calls(), two.audit(), two.snapshot()) == before
    assert ask(two, "", SOUTHS)["ok"], "and nobody else pauses"
    two.clock.advance(1)
    failed(two)
    assert two.calls()[-2:] == [ASK, REFRESH], "then it is tried again"


@pytest.mark.claim("C-79")
def test_it_is_marked_dead_only_while_another_tenants_calls_succeed(two: World) -> None:
    disallow(two, NORTH)
    for expected in [SlackErrorKind.UNCERTAIN] * 5 + [SlackErrorKind.DEAD]:
        found = failed(two)
        assert found.kind is expected
        two.clock.advance(30)
        ask(two, "", SOUTHS)
        two.clock.advance(max(0, found.retry_after - 30) + 61)
    assert (row(two)["status"], row(two)["reason"], two.status()) == ("dead", "invalid_auth", "needs_reinstall")
    assert two.count("installations") == 2, "never erased"


@pytest.mark.claim("C-79")
def test_what_the_same_tenant_was_served_speaks_against_nothing(two: World) -> None:
    """Its user's token works; the bot's is refused, and nobody else is there."""
    two.slack.uninstall(SOUTH)
    app = two.service.app
    for _ in range(12):
        token = stored(two)
        left = judge_token.on_refusal(app, token, "invalid_auth", two.clock(), ACTOR)
        assert left > 0
        two.clock.advance(70)
        ask(two, ADMIN)
        two.clock.advance(left)
    assert (stored(two).contradicted, two.status()) == (0, "active")


@pytest.mark.claim("C-79")
def test_who_was_served_before_the_refusal_or_while_it_was_under_way_speaks_against_nothing(two: World) -> None:
    app, now = two.service.app, two.clock()
    judge_token.on_refusal(app, stored(two), "invalid_auth", now, ACTOR)
    for at in (now - 1, now, now + 100, now + 101):
        tenant_outcomes.note_answered(app.db, SOUTHS, at)
        two.clock.now = now + 200
        assert not tenant_outcomes.has_other_success(app.db, north_tenant(), now, now + 100)
    tenant_outcomes.note_answered(app.db, SOUTHS, now + 99)
    assert tenant_outcomes.has_other_success(app.db, north_tenant(), now, now + 100)
    assert not tenant_outcomes.has_other_success(app.db, SOUTHS, now, now + 100)


def test_a_refusal_counts_once_whoever_hears_of_it_and_a_question_out_of_turn_not_at_all(two: World) -> None:
    app, token, now = two.service.app, stored(two), two.clock()
    tenant_outcomes.note_answered(app.db, SOUTHS, now - 5)
    assert judge_token.on_refusal(app, token, "invalid_auth", now - 1, ACTOR) == 60
    two.clock.advance(10)
    tenant_outcomes.note_answered(app.db, SOUTHS, now + 5)
    before = two.snapshot()
    assert judge_token.on_refusal(app, token, "invalid_auth", now, ACTOR) == 60, "a call that began before the pause"
    assert judge_token.on_refusal(app, token, "invalid_auth", now + 10, ACTOR) == 50
    assert two.snapshot() == before


def test_a_refresh_that_is_answered_invalid_auth_is_postponed_and_the_access_token_serves(two: World) -> None:
    two.clock.advance(43_200 - 7199)
    two.slack.fault(Fault(REFRESH, "error", times=-1, error="invalid_auth"))
    for _ in range(2):
        assert ask(two)["ok"]
    assert two.calls(REFRESH) == [REFRESH], "not for each call"
    for _ in range(30):
        two.clock.advance(300)
        token = stored(two)
        refresh_token.run_or_reread(two.service.app, token, ACTOR, statuses=IN_USE)
    assert (row(two)["status"], row(two)["reason"]) == ("live", "invalid_auth"), "it is over by now, and pauses"
    two.slack.clear_faults()
    two.clock.advance(3600)
    assert (ask(two)["ok"], row(two)["generation"], row(two)["refused_since"]) == (True, 2, None)


@pytest.mark.claim("C-79")
def test_whatever_is_said_of_the_access_token_a_refresh_that_is_answered_invalid_auth_ends_nothing(two: World) -> None:
    two.slack.fault(Fault(REFRESH, "error", times=-1, error="invalid_auth"))
    for error in ("token_revoked", "account_inactive", "token_expired"):
        two.slack.fault(Fault(ASK, "error", error=error))
        found = failed(two)
        assert (found.kind, found.code, row(two)["status"]) == (SlackErrorKind.UNCERTAIN, "invalid_auth", "live")
        two.clock.advance(found.retry_after)


def test_an_event_waits_for_the_end_of_the_pause_as_often_as_it_takes(two: World) -> None:
    disallow(two, NORTH)
    two.mention("EvWaits")
    for _ in range(10):
        two.work()
        (found,) = two.rows("SELECT state, next_at FROM inbox WHERE event_id = 'EvWaits'")
        assert found["state"] == "ready"
        two.clock.now = max(two.clock(), found["next_at"])
    two.slack.clear_faults()
    two.clock.advance(3600)
    two.work()
    (found,) = two.rows("SELECT state FROM inbox WHERE event_id = 'EvWaits'")
    assert found["state"] == "done"


# After the pause


def test_the_scheduler_asks_again_about_what_pauses_and_nobody_else(two: World) -> None:
    app = two.service.app
    disallow(two, NORTH)
    failed(two)
    two.slack.called.clear()
    assert (validate_tenant.run_paused(app, lambda: False), two.calls()) == (0, [])
    two.slack.clear_faults()
    two.clock.advance(60)
    assert validate_tenant.run_paused(app, lambda: False) == 1
    assert two.calls() == [ASK], "the bot's, and not the person's, which never paused"
    assert (row(two)["refused_since"], validate_tenant.run_paused(app, lambda: False)) == (None, 0)


def test_an_operator_who_asks_is_told_of_the_pause_and_does_not_wait_for_its_end(two: World) -> None:
    disallow(two, NORTH)
    results = [checked.result for checked in validate_tenant.run(two.service.app, north_tenant(), ACTOR)]
    assert results == ["paused: invalid_auth"] * 2
    two.slack.clear_faults()
    results = [checked.result for checked in validate_tenant.run(two.service.app, north_tenant(), ACTOR)]
    assert results == ["ok", "ok"]


def test_a_new_install_ends_the_pause(two: World) -> None:
    disallow(two, NORTH)
    failed(two)
    two.slack.clear_faults()
    two.browser().install()
    assert (ask(two)["ok"], row(two)["refused_since"], two.count("failing")) == (True, None, 0)


def test_a_pause_is_seen_by_another_process(two: World) -> None:
    disallow(two, NORTH)
    failed(two)
    called, other = two.calls(), two.start_process()
    with pytest.raises(SlackCallError) as caught:
        ask_by(other)
    assert (caught.value.retry_after, two.calls()) == (60, called)
    other.stop()


def test_that_who_was_served_cannot_be_noted_fails_no_call(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreFullError("the database cannot be written")

    monkeypatch.setattr(tenant_outcomes, "note_answered", full)
    assert ask(two)["ok"]
    assert "answer_not_noted" in two.log.getvalue()


def test_who_was_served_is_written_a_few_times_a_minute_whatever_is_called(two: World) -> None:
    ask(two)
    assert two.rows("SELECT answered_at FROM answered WHERE tenant_id = ?", NORTH)[0][0] == two.clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tenant_outcomes, "note_answered", lambda *_: pytest.fail("written again"))
        for user_id in ("", ADMIN, ""):
            ask(two, user_id)
    two.clock.advance(3601)
    ask(two, "", SOUTHS)
    sweep.run(two.service.app, two.clock())
    assert [each["tenant_id"] for each in two.rows("SELECT * FROM answered")] == [SOUTH], "and kept for an hour"


@pytest.mark.claim("C-64")
def test_what_is_said_of_a_token_that_was_replaced_meanwhile_ends_nothing(two: World) -> None:
    app, before = two.service.app, tokens.find(two.service.app.db, north_tenant(), BOT)
    assert before is not None
    assert two.browser().install().status == 303
    assert judge_token.on_refusal(app, before, "token_revoked", two.clock.now, ACTOR) == judge_token.RETRY_REPLACED
    assert two.status() == "active"
