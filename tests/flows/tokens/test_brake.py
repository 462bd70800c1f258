"""The brake: where many tenants fail within minutes, no token is marked dead or erased on the word of answers alone."""

from collections.abc import Iterator

import pytest

from slackapp.errors import Refused, SlackCallError
from slackapp.flows.removal import uninstall_tenant
from slackapp.flows.tokens import brake
from slackapp.flows.upkeep import sweep
from slackapp.localslack.model import Fault
from slackapp.model import Actor, ActorKind, Holder, Tenant, Token
from slackapp.store import tenant_outcomes
from tests.flows.tokens.rotation import ACTOR, REFRESH, ask, change, stored
from tests.support.client import Reply
from tests.support.prepared_world import Prepared, memory_folder, snapshot_world
from tests.support.world import NORTH, ORG, ORG_TEAM, SOUTH, World, make_world

ASK = "auth.test"
OPERATOR = Actor(ActorKind.OPERATOR, "r1")
TENANTS = [Tenant("T", NORTH), Tenant("T", SOUTH), Tenant("E", ORG), Tenant("T", ORG_TEAM), Tenant("T", "T0EVERBB01")]
LIVE, DEAD = ("live", "active"), ("dead", "needs_reinstall")


@pytest.fixture(scope="module")
def installed() -> Iterator[Prepared]:
    with memory_folder() as folder, make_world(folder) as world:
        for tenant in TENANTS:
            world.browser().install(tenant.id)
        world.work()
        yield snapshot_world(world)


@pytest.fixture
def five(installed: Prepared) -> World:
    """Five tenants, of which three may fail within ten minutes."""
    return installed.reset()


@pytest.fixture
def broken(five: World) -> World:
    """Slack calls every token revoked, and takes no refresh token."""
    five.slack.fault(Fault(ASK, "error", times=-1, error="token_revoked"))
    five.slack.fault(Fault(REFRESH, "error", times=-1, error="invalid_refresh_token"))
    return five


@pytest.fixture
def braked(broken: World) -> World:
    """All five have failed."""
    for tenant in TENANTS:
        use(broken, tenant)
    return broken


def use(world: World, tenant: Tenant) -> str:
    """A call of that tenant: what came of it."""
    try:
        ask(world, "", tenant)
    except SlackCallError as error:
        return error.kind.value
    except Refused as refused:
        return refused.refusal.code
    return "ok"


def bot_of(world: World, tenant: Tenant) -> Token:
    return stored(world, "", tenant)


def states(world: World) -> list[tuple[str, str]]:
    """Of the bot's token and of the installation, for each of the five."""
    sql = "SELECT t.status, i.status FROM tokens AS t JOIN installations AS i USING (tenant_kind, tenant_id)"
    return [tuple(world.rows(f"{sql} WHERE tenant_id = ?", tenant.id)[0]) for tenant in TENANTS]  # type: ignore[misc]


def noted(world: World) -> list[tuple[str, str, str]]:
    sql = "SELECT event, actor, result FROM audit WHERE event LIKE 'brake.%' ORDER BY id"
    return [(row["event"], row["actor"], row["result"]) for row in world.rows(sql)]


@pytest.mark.claim("C-80")
def test_when_many_fail_within_minutes_no_further_token_is_marked_dead(broken: World) -> None:
    assert [use(broken, tenant) for tenant in TENANTS] == ["dead"] * 3 + ["doubt"] * 2
    assert states(broken) == [DEAD] * 3 + [LIVE] * 2
    assert noted(broken) == [("brake.on", "worker", "on")]
    (row,) = broken.rows("SELECT request_id, count FROM audit WHERE event = 'brake.on'")
    assert (row["request_id"], row["count"]) == (ACTOR.request_id, 4)
    for _ in range(30):
        broken.clock.advance(3600)
        assert {use(broken, tenant) for tenant in TENANTS[3:]} <= {"doubt", "token_unavailable"}
    assert states(broken) == [DEAD] * 3 + [LIVE] * 2, "for as long as it holds"


@pytest.mark.claim("C-80")
def test_a_refresh_that_is_refused_while_it_holds_does_not_end_the_refresh_token(broken: World) -> None:
    broken.slack.clear_faults()
    broken.slack.fault(Fault(REFRESH, "error", times=-1, error="invalid_refresh_token"))
    broken.clock.advance(43_200 - 7199)
    assert [use(broken, tenant) for tenant in TENANTS] == ["ok"] * 5, "the access tokens serve"
    assert [token for token, _ in states(broken)] == ["refresh_refused"] * 3 + ["live"] * 2
    broken.slack.clear_faults()
    broken.clock.advance(300)
    assert use(broken, TENANTS[4]) == "ok"
    assert broken.rows("SELECT generation FROM tokens WHERE tenant_id = ?", TENANTS[4].id)[0][0] == 2


@pytest.mark.claim("C-80")
def test_invalid_auth_of_many_tenants_marks_no_token_dead(five: World) -> None:
    for tenant in TENANTS[:4]:
        five.slack.fault(Fault(ASK, "error", times=-1, error="invalid_auth", team=tenant.id))
    five.slack.fault(Fault(REFRESH, "error", times=-1, error="invalid_auth"))
    change(five, "UPDATE tokens SET due_at = NULL")
    for _ in range(12):
        assert [use(five, tenant) for tenant in TENANTS] == ["doubt"] * 4 + ["ok"]
        five.clock.advance(1800)
        assert use(five, TENANTS[4]) == "ok"
        five.clock.advance(1800)
        change(five, "UPDATE tokens SET expires_at = expires_at + 3600")
        for token in five.slack.state.tokens.values():
            token.expires_at += 3600
    assert (states(five), brake.is_on(five.service.app)) == ([LIVE] * 5, True)


def test_failures_spread_over_days_do_not_set_the_brake(broken: World) -> None:
    for tenant in TENANTS:
        assert use(broken, tenant) == "dead"
        broken.clock.advance(601)
    assert (states(broken), noted(broken)) == ([DEAD] * 5, [])


def test_what_is_older_than_ten_minutes_is_forgotten_but_while_it_holds(braked: World) -> None:
    app = braked.service.app
    braked.clock.advance(601)
    sweep.run(app, braked.clock())
    assert braked.count("failing") == 5
    brake.release(app, OPERATOR)
    use(braked, TENANTS[3])
    braked.clock.advance(601)
    sweep.run(app, braked.clock())
    assert braked.count("failing") == 0


def test_with_three_tenants_the_brake_never_holds(broken: World) -> None:
    for tenant in TENANTS[3:]:
        uninstall_tenant.run(broken.service.app, tenant, OPERATOR, broken.clock())
    assert [use(broken, tenant) for tenant in TENANTS[:3]] == ["dead"] * 3
    assert noted(broken) == []


def test_the_brake_is_seen_by_other_processes_and_after_a_restart(braked: World) -> None:
    braked.restart()
    ready = told(braked, "/readyz").json
    assert (ready["brake"], ready["tokens_paused"]) == (True, 2)
    metrics = told(braked, "/metrics").text
    assert ("\nslackapp_brake 1\n" in metrics, "\nslackapp_tokens_paused 2\n" in metrics) == (True, True)
    braked.clock.advance(60)
    assert use(braked, TENANTS[3]) == "doubt"


def told(world: World, path: str) -> Reply:
    """What the operator is told there."""
    token = (world.folder / "operator.token").read_text().strip()
    return world.request("GET", path, headers={"Authorization": f"Bearer {token}"})


# Failures that are of one tenant, or one user, alone


@pytest.mark.claim("C-80")
def test_many_that_leave_at_once_by_slacks_own_report_do_not_brake_and_are_erased(broken: World) -> None:
    """Free workspaces cost nothing: whoever has some must not be able to brake everybody by leaving with them."""
    broken.clock.advance(301)
    for tenant in TENANTS:
        named = {"bot": [f"U{tenant.id}"], "oauth": []}
        ids = {"team_id": tenant.id} if tenant.kind == "T" else {"team_id": None, "enterprise_id": tenant.id}
        broken.event({"type": "tokens_revoked", "tokens": named}, f"Ev{tenant.id}", **ids)
    broken.work()
    assert (broken.count("installations"), broken.count("failing"), noted(broken)) == (0, 0, [])


@pytest.mark.claim("C-80")
def test_many_that_are_removed_by_us_and_are_dead_at_slack_do_not_brake(broken: World) -> None:
    broken.slack.fault(Fault("apps.uninstall", "error", times=-1, error="token_revoked"))
    for tenant in TENANTS:
        uninstall_tenant.run(broken.service.app, tenant, OPERATOR, broken.clock())
    assert (broken.count("installations"), noted(broken)) == (0, [])


@pytest.mark.claim("C-80")
def test_a_user_who_leaves_is_no_failure_of_a_tenant_whose_bot_is_served(five: World) -> None:
    """In each of many workspaces somebody is deactivated every day."""
    app, actor, now = five.service.app, Actor(ActorKind.WORKER, ""), five.clock()
    users = [bot_of(five, tenant)._replace(holder=Holder.user("U0PERSON01")) for tenant in TENANTS]
    with app.db.transaction():
        assert [brake.note_failing(app, token, actor, now) for token in users] == [False] * 5
    assert five.count("failing") == 0
    change(five, "UPDATE tokens SET refused_since = 1")
    with app.db.transaction():
        assert [brake.note_failing(app, token, actor, now) for token in users] == [False] * 3 + [True] * 2


# Released


@pytest.mark.claim("C-80")
def test_the_brake_ends_when_failing_tenants_are_served_again(braked: World) -> None:
    braked.slack.clear_faults()
    braked.clock.advance(59)
    assert use(braked, TENANTS[3]) == "doubt", "it pauses"
    braked.clock.advance(1)
    assert use(braked, TENANTS[3]) == "ok"
    assert noted(braked)[1:] == [("brake.off", "worker", "success")]
    assert (told(braked, "/readyz").json["brake"], states(braked)) == (False, [DEAD] * 3 + [LIVE] * 2)


@pytest.mark.claim("C-80")
def test_success_of_a_tenant_that_never_failed_does_not_end_the_brake(five: World) -> None:
    for tenant in TENANTS[:4]:
        five.slack.fault(Fault(ASK, "error", times=-1, error="token_revoked", team=tenant.id))
    five.slack.fault(Fault(REFRESH, "error", times=-1, error="invalid_refresh_token"))
    assert [use(five, tenant) for tenant in TENANTS] == ["dead"] * 3 + ["doubt", "ok"]
    for _ in range(3):
        five.clock.advance(60)
        assert use(five, TENANTS[4]) == "ok"
    assert brake.is_on(five.service.app)


@pytest.mark.claim("C-80")
def test_the_operator_releases_it_for_an_hour_and_what_slack_says_counts_at_once(braked: World) -> None:
    app = braked.service.app
    before = brake.release(app, OPERATOR)
    assert (before.since, before.waiting, before.paused) == (braked.clock(), 2, 2)
    assert noted(braked)[1:] == [("brake.off", "operator", "released")]
    assert [use(braked, tenant) for tenant in TENANTS[3:]] == ["dead"] * 2, "without a pause"
    assert (states(braked), brake.is_on(app)) == ([DEAD] * 5, False)


def test_an_hour_after_a_release_the_brake_may_hold_again(braked: World) -> None:
    app = braked.service.app
    brake.release(app, OPERATOR)
    braked.clock.advance(3599)
    actor = Actor(ActorKind.WORKER, "")
    for seconds, holds in ((0, False), (1, True)):
        braked.clock.advance(seconds)
        with app.db.transaction():
            tenant_outcomes.delete_all_failing(app.db)
            held = [brake.note_failing(app, bot_of(braked, tenant), actor, braked.clock()) for tenant in TENANTS]
        assert held == [False] * 3 + [holds] * 2


def test_a_clock_that_is_set_back_keeps_no_release_and_no_failure_for_that_day(braked: World) -> None:
    app = braked.service.app
    brake.release(app, OPERATOR)
    braked.clock.advance(-86_400)
    with app.db.transaction():
        held = [brake.note_failing(app, bot_of(braked, tenant), OPERATOR, braked.clock()) for tenant in TENANTS]
    assert held == [False] * 3 + [True] * 2


@pytest.mark.claim("C-80")
def test_who_installs_again_or_is_removed_by_hand_is_not_waited_for(braked: World) -> None:
    app = braked.service.app
    assert brake.read_brake(app).waiting == 2
    uninstall_tenant.run(app, TENANTS[3], OPERATOR, braked.clock())
    assert brake.read_brake(app).waiting == 1
    braked.slack.clear_faults()
    braked.browser().install(TENANTS[4].id)
    assert (brake.read_brake(app).waiting, use(braked, TENANTS[4])) == (0, "ok")


@pytest.mark.claim("C-80")
def test_where_nobody_is_left_who_waits_the_scheduler_releases_it(braked: World) -> None:
    """Nobody's success could: and those who come later would be kept until a person looks."""
    app = braked.service.app
    sweep.run(app, braked.clock())
    assert brake.is_on(app)
    braked.slack.clear_faults()
    braked.browser().install(TENANTS[4].id)
    braked.clock.advance(301)
    braked.event({"type": "app_uninstalled"}, team_id=ORG_TEAM)
    sweep.run(app, braked.clock())
    assert noted(braked)[1:] == [("brake.off", "worker", "nobody_waits")]


@pytest.mark.claim("C-80")
def test_a_tenant_that_was_given_up_and_fails_again_is_waited_for(braked: World) -> None:
    app = braked.service.app
    assert brake.read_brake(app).waiting == 2
    with app.db.transaction():
        brake.note_failing(app, bot_of(braked, TENANTS[0]), OPERATOR, braked.clock())
    assert brake.read_brake(app).waiting == 3


# Uninstalls


@pytest.mark.claim("C-80")
def test_an_uninstall_that_only_an_answer_could_confirm_waits_until_it_is_released(braked: World) -> None:
    sent = {"type": "app_uninstalled"}
    braked.event(sent, "EvAsk", team_id=ORG_TEAM)
    braked.event(sent, "EvGivenUp", team_id=NORTH)
    braked.work()
    assert braked.count("installations") == 5
    brake.release(braked.service.app, OPERATOR)
    braked.clock.advance(900)
    braked.work()
    assert {row[0] for row in braked.rows("SELECT tenant_id FROM installations")} == {SOUTH, ORG, "T0EVERBB01"}


def test_an_uninstall_that_time_decides_is_not_held_up(braked: World) -> None:
    braked.clock.advance(301)
    for tenant in TENANTS[:2]:
        braked.event({"type": "app_uninstalled"}, f"Ev{tenant.id}", team_id=tenant.id)
    assert braked.count("installations") == 3


def test_the_scheduler_checks_tenants_that_the_brake_keeps(braked: World) -> None:
    braked.slack.clear_faults()
    braked.clock.advance(60)
    braked.service.remote_scheduler.run_due(braked.service.app)
    assert (brake.is_on(braked.service.app), brake.read_brake(braked.service.app).paused) == (False, 0)
