"""Uninstalls and revocations: exactly what is named goes, if it is meant; what cannot be known is asked."""

import contextlib
import functools
import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from slackapp.app import build, system_entropy
from slackapp.flows.removal import uninstall_tenant
from slackapp.localslack.model import Fault, FaultKind
from slackapp.model import Actor, ActorKind
from tests.support.client import Reply
from tests.support.prepared_world import Left, going_on, left_by, memory_folder
from tests.support.world import NORTH, ORG, ORG_TEAM, SOUTH, World, make_world, north_tenant

BOT, ADMIN, MEMBER = "U0NORTH001BOT", "U0NORTH001ADM", "U0NORTH001MEM"
LEFT_OUT = object()
USERS = {"SLACKAPP_USER_SCOPES": "users:read"}


@functools.cache
def age_grant(rotation: bool, others: tuple[str, ...] = ()) -> Left:
    """NORTH with the tokens of the bot and of two users, installed some time ago; and others since."""
    with memory_folder() as folder, make_world(folder, rotation, **USERS) as world:
        world.browser().install(NORTH, "member")
        world.browser().install(NORTH, "admin")
        world.work()
        world.clock.advance(1000)
        for tenant in others:
            world.browser().install(tenant)
        world.work()
        world.clock.advance(1000 if others else 0)
        return left_by(world)


@pytest.fixture
def full(tmp_path: Path) -> Iterator[World]:
    """With tokens that rotate."""
    with going_on(age_grant(rotation=True), tmp_path, **USERS) as world:
        yield world


@pytest.fixture
def lasting(tmp_path: Path) -> Iterator[World]:
    """With tokens that do not expire."""
    with going_on(age_grant(rotation=False), tmp_path, rotation=False, **USERS) as world:
        yield world


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[World]:
    """Another workspace, an enterprise and one of its workspaces beside it."""
    with going_on(age_grant(True, (SOUTH, ORG, ORG_TEAM)), tmp_path, **USERS) as world:
        yield world


def installed_at(world: World, tenant: str = NORTH) -> int:
    found = world.rows("SELECT installed_at FROM installations WHERE tenant_id = ?", tenant)
    return int(found[0]["installed_at"])


def tell(world: World, event: Mapping[str, Any], event_id: str = "EvGone", **envelope: Any) -> Reply:
    """Sends a lifecycle event; keys given as LEFT_OUT are not in the envelope, None is null."""
    whole = world.envelope(event, event_id) | envelope
    return world.post_signed(json.dumps({key: value for key, value in whole.items() if value is not LEFT_OUT}).encode())


def uninstalled(world: World, event_id: str = "EvGone", after: int | None = None, **envelope: Any) -> Reply:
    """`app_uninstalled`, `after` seconds after the installation."""
    at = world.clock() if after is None else installed_at(world) + after
    return tell(world, {"type": "app_uninstalled"}, event_id, event_time=at, **envelope)


def revoked(world: World, tokens: Any, event_id: str = "EvRevoked", after: int | None = None) -> Reply:
    at = world.clock() if after is None else installed_at(world) + after
    return tell(world, {"type": "tokens_revoked", "tokens": tokens}, event_id, event_time=at)


def tenants(world: World) -> set[str]:
    return {row[0] for row in world.rows("SELECT tenant_id FROM installations")}


def users(world: World, tenant: str = NORTH) -> set[str]:
    return {row[0] for row in world.rows("SELECT holder_id FROM tokens WHERE tenant_id = ?", tenant)}


def granted(team: Any, enterprise: Any, enterprise_wide: Any) -> list[dict[str, Any]]:
    return [{"team_id": team, "enterprise_id": enterprise, "is_enterprise_install": enterprise_wide, "user_id": "U1"}]


# Exactly what is named


@pytest.mark.parametrize(
    ("gone", "envelope"),
    [
        (NORTH, {}),
        (NORTH, {"enterprise_id": None, "context_team_id": SOUTH, "authorizations": None}),
        (NORTH, {"authorizations": []}),
        (NORTH, {"authorizations": granted(NORTH, None, False)}),
        (NORTH, {"authorizations": [{"team_id": NORTH}]}),
        (NORTH, {"team_id": SOUTH, "authorizations": granted(NORTH, None, False)}),
        (ORG_TEAM, {"team_id": ORG_TEAM, "enterprise_id": ORG}),
        (ORG_TEAM, {"team_id": ORG_TEAM, "enterprise_id": ORG, "authorizations": granted(ORG_TEAM, ORG, False)}),
        (ORG, {"team_id": LEFT_OUT, "enterprise_id": ORG}),
        (ORG, {"team_id": None, "enterprise_id": ORG, "authorizations": []}),
        (ORG, {"team_id": ORG, "enterprise_id": ORG}),
        (ORG, {"team_id": LEFT_OUT, "enterprise_id": ORG, "authorizations": granted(None, ORG, True)}),
        (ORG, {"team_id": ORG_TEAM, "enterprise_id": ORG, "authorizations": granted(ORG_TEAM, ORG, True)}),
        ("", {"team_id": "T0EVERBB01", "enterprise_id": ORG}),
        ("", {"team_id": "T0STRANGER"}),
    ],
)
def test_an_uninstall_erases_the_tenant_it_names_and_no_other(
    crowd: World, gone: str, envelope: Mapping[str, Any]
) -> None:
    before = tenants(crowd)
    assert uninstalled(crowd, **envelope).status == 200
    crowd.work()
    assert before - tenants(crowd) == ({gone} if gone else set())
    assert {row[0] for row in crowd.rows("SELECT DISTINCT tenant_id FROM data_keys")} == {"", *tenants(crowd)}


@pytest.mark.claim("C-62")
def test_a_workspaces_uninstall_whose_authorization_names_only_the_enterprise_leaves_the_enterprise(
    crowd: World,
) -> None:
    uninstalled(crowd, team_id=ORG_TEAM, enterprise_id=ORG, authorizations=granted(None, ORG, False))
    assert ORG in tenants(crowd)


@pytest.mark.parametrize("nameless", [{}, {"team_id": None, "enterprise_id": None, "user_id": "U1", "is_bot": True}])
def test_an_authorization_that_names_nobody_decides_nothing(full: World, nameless: Mapping[str, Any]) -> None:
    assert uninstalled(full, authorizations=[nameless]).status == 200
    assert tenants(full) == set()


@pytest.mark.parametrize(
    ("tokens", "left", "status"),
    [
        ({"bot": [BOT]}, {ADMIN, MEMBER}, "needs_reinstall"),
        ({"bot": [BOT], "oauth": []}, {ADMIN, MEMBER}, "needs_reinstall"),
        ({"oauth": [ADMIN], "bot": []}, {"", MEMBER}, "active"),
        ({"oauth": [ADMIN, MEMBER, ADMIN]}, {""}, "active"),
        ({"oauth": [MEMBER], "bot": [BOT]}, {ADMIN}, "needs_reinstall"),
        ({"oauth": [ADMIN, MEMBER], "bot": [BOT]}, set(), ""),
        ({"oauth": ["U0UNKNOWN"], "bot": None}, {"", ADMIN, MEMBER}, "active"),
        ({"oauth": [], "bot": []}, {"", ADMIN, MEMBER}, "active"),
        ({}, {"", ADMIN, MEMBER}, "active"),
    ],
)
def test_a_revocation_erases_the_tokens_it_names_and_no_other(
    lasting: World, tokens: Any, left: set[str], status: str
) -> None:
    lasting.browser().install(SOUTH)
    lasting.work()
    lasting.clock.advance(1000)
    lasting.slack.called.clear()
    assert revoked(lasting, tokens).status == 200
    assert (users(lasting), lasting.status(), lasting.work(), lasting.calls()) == (left, status, int(not left), [])
    assert len(users(lasting, SOUTH)) == 2


@pytest.mark.claim("C-61")
def test_a_revocation_of_rotating_tokens_erases_only_what_slack_calls_dead(full: World) -> None:
    full.slack.revoke_user(NORTH, MEMBER)
    named = {"oauth": [ADMIN, MEMBER], "bot": [BOT]}  # a refresh may have retired the others' former tokens
    assert revoked(full, named).status == 200
    assert full.status() == "suspect"
    full.work()
    assert (users(full), full.status()) == ({"", ADMIN}, "active")


@pytest.mark.parametrize("tokens", [None, [], {"oauth": "U1"}, {"oauth": ["xoxp-1"]}, {"bot": [1]}])
def test_a_revocation_of_another_form_is_refused_and_changes_nothing(full: World, tokens: Any) -> None:
    before = full.snapshot()
    assert (revoked(full, tokens).status, full.snapshot()) == (400, before)


@pytest.mark.claim("C-47")
def test_a_repeat_and_the_second_of_the_two_events_find_nothing_and_do_not_fail(full: World) -> None:
    body = {"type": "tokens_revoked", "tokens": {"oauth": [ADMIN], "bot": [BOT]}}
    assert [uninstalled(full).status, tell(full, body, "EvRevoked").status, uninstalled(full).status] == [200] * 3
    assert (NORTH in tenants(full), full.audit().count("purge.begun")) == (False, 1)


@pytest.mark.claim("C-49")
def test_effect_mark_and_audit_are_one_transaction(full: World) -> None:
    with contextlib.closing(sqlite3.connect(full.settings.database)) as connection, connection:
        connection.execute(
            "CREATE TRIGGER no BEFORE INSERT ON audit WHEN NEW.event = 'purge.begun' BEGIN SELECT RAISE(ABORT, ''); END"
        )
    before, audited = full.snapshot(), full.audit()
    assert uninstalled(full).status >= 500
    assert (full.snapshot(), full.audit()) == (before, audited)
    with contextlib.closing(sqlite3.connect(full.settings.database)) as connection, connection:
        connection.execute("DROP TRIGGER no")
    assert uninstalled(full).status == 200
    assert full.status() == ""


# Only if it is meant


@pytest.mark.parametrize(
    ("after", "status", "noted"), [(-301, "active", "ignored"), (-300, "suspect", "suspect"), (0, "suspect", "suspect"),
                                   (300, "suspect", "suspect"), (301, "", "erased")],
)  # fmt: skip
def test_time_decides_beyond_five_minutes_and_only_there(full: World, after: int, status: str, noted: str) -> None:
    assert uninstalled(full, after=after).status == 200
    assert full.status() == status
    (note,) = full.rows("SELECT result FROM audit WHERE event = 'app_uninstalled'")
    assert note["result"] == noted


@pytest.mark.claim("C-98")
def test_an_uninstall_counts_though_the_clock_was_a_day_ahead_at_the_install(full: World) -> None:
    full.clock.set(-86_400)
    full.slack.uninstall(NORTH)
    assert (uninstalled(full).status, full.status()) == (200, "suspect")
    full.work()
    assert (full.status(), users(full)) == ("", set())


def test_a_revocation_is_measured_against_the_grant_of_each_token(lasting: World) -> None:
    lasting.clock.advance(5000)
    lasting.browser().install(NORTH, "member")  # the bot and the member again, the admin long ago
    tokens = {"oauth": [ADMIN, MEMBER], "bot": []}
    assert tell(lasting, {"type": "tokens_revoked", "tokens": tokens}, event_time=lasting.clock() - 301).status == 200
    assert (users(lasting), lasting.status()) == ({"", MEMBER}, "active")


@pytest.mark.claim("C-61")
def test_a_suspect_tenant_is_not_used_and_its_events_wait_until_slack_says_that_it_lives(full: World) -> None:
    full.mention("EvBefore")
    uninstalled(full, after=0)
    full.mention("EvAfter")
    full.slack.fault(Fault("auth.test", "html500"))
    assert (full.work(), full.status()) == (1, "suspect")
    full.clock.advance(15)
    assert full.work() == 3
    assert (full.status(), full.calls()[-2:]) == ("active", ["chat.postMessage"] * 2)
    assert set(full.calls()[:-2]) == {"auth.test"}
    assert len(full.calls()[:-2]) == 6, "each token that is stored is asked about, each time"


def test_what_slack_calls_dead_is_erased_with_the_events_that_waited(full: World) -> None:
    full.mention("EvWaits")
    full.slack.uninstall(NORTH)
    uninstalled(full, after=0)
    full.work()
    assert (full.status(), users(full)) == ("", set())
    (row,) = full.rows("SELECT * FROM inbox WHERE event_id = 'EvWaits'")
    assert (row["state"], row["result"], row["body"]) == ("done", "purged", None)


@pytest.mark.parametrize("kind", ["html500", "cut", "garbage", "ratelimited", "huge"])
def test_while_slack_cannot_be_asked_the_tenant_stays_suspect_and_is_asked_about_again(
    full: World, kind: FaultKind
) -> None:
    uninstalled(full, after=10)
    full.slack.fault(Fault("auth.test", kind, times=-1))
    for times in range(5):
        assert (full.work(), full.status()) == (1, "suspect")
        full.clock.advance(15 * 2**times)
    full.slack.clear_faults()
    assert (full.work(), full.status(), users(full)) == (1, "active", {"", ADMIN, MEMBER})


@pytest.mark.parametrize("error", ["ekm_access_denied", "two_factor_setup_required", "an_error_of_tomorrow"])
def test_an_answer_that_does_not_call_the_token_dead_erases_nothing(full: World, error: str) -> None:
    uninstalled(full, after=10)
    full.slack.fault(Fault("auth.test", "error", error=error, times=-1))
    full.work()
    assert users(full) == {"", ADMIN, MEMBER}


@pytest.mark.parametrize(
    ("broken", "status"),
    [("status = 'dead', reason = 'token_revoked'", ""), ("access = zeroblob(200)", "suspect")],
)
def test_a_token_that_cannot_be_asked_with_is_dead_or_waited_for(full: World, broken: str, status: str) -> None:
    with contextlib.closing(sqlite3.connect(full.settings.database)) as connection, connection:
        connection.execute(f"UPDATE tokens SET {broken}")
    uninstalled(full, after=10)
    full.work()
    assert (full.status(), full.calls("auth.test")) == (status, [])


def test_a_revocation_of_a_token_that_was_another_tenants_is_resolved_without_it(full: World) -> None:
    """Its tenant is suspended, so that it is used for nothing: the row must not come again for ever."""
    with contextlib.closing(sqlite3.connect(full.settings.database)) as connection, connection:
        connection.execute("UPDATE tokens SET status = 'dead', reason = 'foreign_token' WHERE holder_id = ''")
        connection.execute("UPDATE installations SET status = 'suspended', status_reason = 'foreign_token'")
    revoked(full, {"bot": [BOT], "oauth": []})
    full.work()
    (row,) = full.rows("SELECT state, result FROM inbox WHERE event_id = 'EvRevoked'")
    assert (row["state"], row["result"]) == ("done", "dead=0 alive=1")
    assert (full.calls(), full.status()) == ([], "suspended")


def test_of_an_uninstall_that_slack_knows_nothing_of_only_dead_tokens_go(full: World) -> None:
    full.slack.revoke_user(NORTH, MEMBER)
    uninstalled(full, after=10)
    full.work()
    assert (full.status(), users(full)) == ("active", {"", ADMIN})
    full.slack.revoke_bot(NORTH)
    revoked(full, {"bot": [BOT]}, after=10)
    full.work()
    assert (full.status(), users(full)) == ("needs_reinstall", {ADMIN})


@pytest.mark.claim("C-78")
def test_an_access_token_that_refused_installs_have_pushed_out_is_refreshed_before_anything_is_erased(
    full: World,
) -> None:
    for token in full.slack.tokens_of[NORTH]:
        token.dead = "token_revoked"
    revoked(full, {"bot": [BOT], "oauth": [ADMIN, MEMBER]})
    uninstalled(full, after=10)
    full.work()
    assert (users(full), full.status()) == ({"", ADMIN, MEMBER}, "active")
    assert full.calls("oauth.v2.access") == ["oauth.v2.access"] * 3


@pytest.mark.claim("C-79")
def test_nothing_is_erased_while_slack_answers_invalid_auth_nor_once_a_token_died_of_it(full: World) -> None:
    full.slack.fault(Fault("*", "error", times=-1, error="invalid_auth"))
    uninstalled(full, after=10)
    for _ in range(4):
        assert (full.work(), full.status()) == (1, "suspect")
        full.clock.advance(900)
    with contextlib.closing(sqlite3.connect(full.settings.database)) as connection, connection:
        connection.execute("UPDATE tokens SET status = 'dead'")  # others are served, and so it was marked dead
    full.work()
    assert (full.status(), users(full)) == ("needs_reinstall", {"", ADMIN, MEMBER})


def test_a_pair_that_comes_while_slack_is_asked_is_not_erased_for_what_was_said_of_the_one_before(
    lasting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Bolt app saves what it has refreshed, or exchanged, by itself: the installation stays the same."""
    call = lasting.service.app.slack.call

    def overtaken(*arguments: Any) -> Any:
        try:
            return call(*arguments)
        finally:
            with contextlib.closing(sqlite3.connect(lasting.settings.database)) as connection, connection:
                connection.execute("UPDATE tokens SET generation = generation + 1")

    lasting.slack.revoke_bot(NORTH)
    revoked(lasting, {"bot": [BOT]}, after=10)
    monkeypatch.setattr(lasting.service.app.slack, "call", overtaken)
    lasting.work()
    assert "" in users(lasting)


# Of whom it is


@pytest.mark.claim("C-82")
@pytest.mark.parametrize("bots", [["U0ANOTHERS"], ["U0ANOTHERS", "U0ANOTHER2"]])
def test_a_revocation_of_a_bot_that_is_not_ours_asks_before_it_erases(lasting: World, bots: list[str]) -> None:
    revoked(lasting, {"bot": bots, "oauth": [ADMIN, MEMBER]})
    assert (users(lasting), lasting.status()) == ({""}, "suspect"), "the persons' go by their ids"
    lasting.work()
    assert (users(lasting), lasting.status(), lasting.calls()) == ({""}, "active", ["auth.test"])
    lasting.slack.revoke_bot(NORTH)
    revoked(lasting, {"bot": bots}, "EvAgain")
    lasting.work()
    assert lasting.status() == ""


@pytest.mark.claim("C-82")
def test_of_a_bot_whose_id_is_not_known_slack_is_asked_too(lasting: World) -> None:
    with contextlib.closing(sqlite3.connect(lasting.settings.database)) as connection, connection:
        connection.execute("UPDATE installations SET bot_user_id = ''")
    revoked(lasting, {"bot": [BOT]})
    assert lasting.status() == "suspect"
    lasting.work()
    assert ("" in users(lasting), lasting.status()) == (True, "active")


@pytest.mark.claim("C-82")
@pytest.mark.parametrize(("after", "gone"), [(1, True), (10_000, True), (0, False), (-10, False), (-10_000, False)])
def test_an_uninstall_of_a_tenant_without_tokens_goes_by_the_order_of_the_two_times(
    full: World, after: int, gone: bool
) -> None:
    without_tokens(full)
    assert uninstalled(full, after=after).status == 200
    assert (full.status() == "", full.rows("SELECT state FROM inbox WHERE event_id = 'EvGone'")[0][0]) == (gone, "done")
    full.work()
    left = full.rows("SELECT 1 FROM data_keys WHERE tenant_id = ?", NORTH)
    assert (left == [], full.count("installers") == 0, full.calls()) == (gone, gone, [])


@pytest.mark.claim("C-82")
@pytest.mark.parametrize(
    ("named", "gone"),
    [({"bot": [BOT]}, True), ({"bot": ["U0ANOTHERS"]}, False), ({"oauth": [ADMIN]}, False), ({"bot": []}, False)],
)
def test_a_revocation_takes_a_tenant_without_tokens_only_where_it_names_its_bot(
    full: World, named: Any, gone: bool
) -> None:
    without_tokens(full)
    assert revoked(full, named).status == 200
    full.work()
    assert (full.status() == "", full.calls()) == (gone, [])


@pytest.mark.claim("C-82")
def test_a_tenant_whose_tokens_cannot_be_asked_with_goes_by_the_order_of_the_two_times(full: World) -> None:
    with contextlib.closing(sqlite3.connect(full.settings.database)) as connection, connection:
        connection.execute("UPDATE tokens SET status = 'dead', reason = 'invalid_auth'")
        connection.execute("UPDATE installations SET status = 'needs_reinstall'")
    uninstalled(full, "EvBefore", after=-10)
    assert full.status() == "needs_reinstall"
    uninstalled(full, "EvAfter", after=10)
    assert (full.status(), full.calls()) == ("", [])


@pytest.mark.claim("C-82")
@pytest.mark.parametrize(("after", "gone"), [(10, True), (0, False), (-10, False)])
def test_an_uninstall_whose_tokens_are_gone_before_slack_is_asked_goes_by_the_order_of_the_two_times(
    full: World, after: int, gone: bool
) -> None:
    """It was suspect; since then nothing is left that Slack could be asked with."""
    uninstalled(full, after=after)
    assert full.status() == "suspect"
    without_tokens(full)
    full.work()
    assert (full.status() == "", full.calls()) == (gone, [])
    assert full.rows("SELECT 1 FROM data_keys WHERE tenant_id = ?", NORTH) == [] or not gone
    assert full.rows("SELECT state FROM inbox WHERE event_id = 'EvGone'")[0][0] == "done"


def without_tokens(world: World) -> None:
    """As an import of what a user without a token installed leaves it."""
    with contextlib.closing(sqlite3.connect(world.settings.database)) as connection, connection:
        connection.execute("DELETE FROM tokens")


@pytest.mark.claim("C-64")
def test_an_install_that_comes_while_slack_is_asked_wins(full: World, monkeypatch: pytest.MonkeyPatch) -> None:
    call = full.service.app.slack.call

    def overtaken(*arguments: Any) -> Any:
        monkeypatch.setattr(full.service.app.slack, "call", call)
        try:
            return call(*arguments)
        finally:
            full.browser().install()

    full.slack.uninstall(NORTH)
    uninstalled(full, after=10)
    monkeypatch.setattr(full.service.app.slack, "call", overtaken)
    full.work()
    assert full.status() == "active"
    assert {"", ADMIN} <= users(full)


def test_no_tenant_stays_suspect_without_anything_that_would_resolve_it(full: World) -> None:
    ours, other = full.service, build(full.settings, full.clock, system_entropy, full.log)
    full.service = other
    full.mention("EvWarm")  # the other process has the tenant's keys in memory now
    full.service = ours
    uninstall_tenant.run(ours.app, north_tenant(), Actor(ActorKind.OPERATOR, "r1"), full.clock())
    full.browser().install()
    full.service = other
    reply = uninstalled(full, "EvLater", after=10)
    other.stop()
    full.service = ours
    if reply.status == 200:
        full.work()
    assert full.status() == "active"


def test_what_slack_has_said_about_a_report_is_in_the_audit(full: World) -> None:
    assert uninstalled(full, after=0).status == 200
    full.work()
    assert revoked(full, {"oauth": [ADMIN]}, after=0).status == 200
    full.work()
    for event, event_id in (("app_uninstalled.settled", "EvGone"), ("tokens_revoked.settled", "EvRevoked")):
        (noted,) = full.facts(event)
        assert (noted["actor"], noted["record_id"], noted["count"], noted["detail"]) == (
            "worker", event_id, 0, "some_alive",
        )  # fmt: skip
