"""`POST /slack/events`: what is kept, what is only acknowledged, and what Slack is to send again."""

import contextlib
import json
import sqlite3
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from slackapp.app import build, system_entropy
from slackapp.behaviour import Behaviour, Context
from slackapp.flows.removal import uninstall_tenant
from slackapp.model import Actor, ActorKind
from slackapp.store import inbox
from tests.support.client import Reply
from tests.support.world import APP_ID, NORTH, ORG, SOUTH, World, north_tenant

CANARY = "canary-in-a-message"
BOT = "U0NORTH001BOT"
MENTION = {"type": "app_mention", "user": "U0SOMEBODY", "channel": "C0NORTH001GEN", "ts": "1800000000.000100"}


class Killed(BaseException):
    """Stands for a process that ends here."""


def installed(world: World, target: str = NORTH) -> World:
    """The app installed, its greeting sent, and the bot in #general."""
    assert world.browser().install(target).status == 303
    world.work()
    if target in world.slack.workspaces:
        world.slack.mention(target, "come in")
    return world


def behave(world: World, table: Behaviour) -> None:
    """Another behaviour from here on."""
    world.replace_parts(behaviour=table)


def handshake(world: World, challenge: Any) -> Reply:
    return world.post_signed(json.dumps({"token": "old", "type": "url_verification", "challenge": challenge}).encode())


# The handshake and what else is no event


def test_the_handshake_is_answered_with_the_challenge_as_plain_text(world: World) -> None:
    reply = handshake(world, "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P")
    assert (reply.status, reply.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert reply.text == "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"


@pytest.mark.parametrize("challenge", ["", "a" * 257, "<script>", "a b", "a\r\nb", "\u00e9", None, 7, ["a"], {}])
def test_a_challenge_of_another_form_is_not_echoed(world: World, challenge: Any) -> None:
    reply = handshake(world, challenge)
    assert (reply.status, reply.json) == (400, {"error": "bad_event"})


def test_a_signed_look_at_the_certificate_is_acknowledged_without_effect(world: World) -> None:
    before = world.snapshot()
    reply = world.post_signed(b"ssl_check=1&token=old", "application/x-www-form-urlencoded")
    assert (reply.status, reply.body) == (200, b"")
    assert world.snapshot() == before


@pytest.mark.parametrize("media_type", ["text/plain", "application/jsonx", "application/x-www-form-urlencoded", ""])
def test_another_media_type_is_refused(world: World, media_type: str) -> None:
    assert world.post_signed(b"ssl_check=0", media_type).status == 415


def test_a_charset_behind_the_media_type_is_taken(world: World) -> None:
    installed(world)
    body = json.dumps(world.envelope(MENTION)).encode()
    assert world.post_signed(body, "Application/JSON; charset=utf-8").status == 200
    assert len(world.rows("SELECT * FROM inbox WHERE event_id = 'Ev0001'")) == 1


def test_a_notice_of_too_many_events_is_acknowledged(world: World) -> None:
    installed(world)
    before = world.snapshot()
    notice = {"type": "app_rate_limited", "api_app_id": APP_ID, "team_id": NORTH, "minute_rate_limited": 1_800_000_000}
    assert world.post_signed(json.dumps(notice).encode()).status == 200
    assert world.snapshot() == before


def test_a_finished_migration_has_its_workspace_and_no_other_checked_soon(world: World) -> None:
    """It belongs to an enterprise now; the next check asks Slack to which."""
    installed(world)
    world.browser().install(SOUTH)
    world.work()
    before = {row["tenant_id"]: row["check_begun_at"] for row in world.rows("SELECT * FROM installations")}
    finished = {"type": "grid_migration_finished", "enterprise_id": ORG}
    assert world.event(finished, "EvMoved", team_id="T0NOWHERE1").status == 200
    assert {row["tenant_id"]: row["check_begun_at"] for row in world.rows("SELECT * FROM installations")} == before
    assert world.event(finished, "EvMoved2").status == 200
    after = {row["tenant_id"]: row["check_begun_at"] for row in world.rows("SELECT * FROM installations")}
    assert (after, before[NORTH] > 0) == ({**before, NORTH: 0}, True)
    world.slack.join_enterprise(NORTH, ORG)
    world.service.remote_scheduler.run_due(world.service.app)
    assert world.rows("SELECT enterprise_id FROM installations WHERE tenant_id = ?", NORTH)[0][0] == ORG


@pytest.mark.parametrize(
    "event",
    [
        {"type": "team_access_granted", "team_ids": [NORTH]}, {"type": "team_access_revoked", "team_ids": [NORTH]},
        {"type": "grid_migration_started", "enterprise_id": "E0EVERGRN1"}, {"type": "app_requested"},
        {"type": "event_of_tomorrow", "user": {"deep": [None]}},
    ],
    ids=lambda event: event["type"],
)  # fmt: skip
def test_an_event_that_nobody_handles_is_acknowledged_and_changes_nothing(
    world: World, event: Mapping[str, Any]
) -> None:
    installed(world)
    before = world.snapshot()
    assert (world.event(event).status, world.snapshot()) == (200, before)


# What is kept


def test_an_event_is_kept_sealed_under_its_id(world: World) -> None:
    installed(world)
    reply = world.event({**MENTION, "text": CANARY}, "EvKept")
    assert (reply.status, reply.body) == (200, b"")
    (row,) = world.rows("SELECT * FROM inbox WHERE event_id = 'EvKept'")
    assert (row["kind"], row["tenant_id"], row["type"], row["state"]) == ("event", NORTH, "app_mention", "ready")
    assert row["body"]
    assert b"EvKept" in world.bytes_on_disk(), "the look-out for plaintext sees the row"
    assert CANARY.encode() not in world.bytes_on_disk()


@pytest.mark.claim("C-47")
def test_a_repeat_is_acknowledged_and_has_no_second_effect(world: World) -> None:
    installed(world)
    said = len(world.slack.messages(NORTH))
    assert [world.event(MENTION).status for _ in range(3)] == [200, 200, 200]
    assert world.work() == 1
    assert world.event(MENTION).status == 200, "also after it ran"
    assert world.work() == 0
    assert len(world.slack.messages(NORTH)) == said + 1


def test_one_event_from_sixteen_threads_at_once_is_kept_once(world: World) -> None:
    installed(world)
    said = len(world.slack.messages(NORTH))
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: world.event(MENTION).status, range(16)))
    assert replies == [200] * 16
    world.work()
    assert len(world.slack.messages(NORTH)) == said + 1


def test_what_was_acknowledged_runs_after_a_restart(world: World) -> None:
    installed(world)
    assert world.event(MENTION).status == 200
    said = len(world.slack.messages(NORTH))
    world.restart()
    assert world.work() == 1
    assert len(world.slack.messages(NORTH)) == said + 1


def test_an_event_with_unknown_keys_is_stored_and_run(world: World) -> None:
    installed(world)
    assert world.event({**MENTION, "new": {"deep": [1]}}, "EvNew", unheard_of=[{}], authed_users=["U1"]).status == 200
    assert world.work() == 1


@pytest.mark.parametrize(
    "own", [{"user": BOT}, {"app_id": APP_ID}, {"bot_profile": {"app_id": APP_ID}, "bot_id": "B1"}]
)
@pytest.mark.claim("C-70")
def test_what_the_app_did_itself_is_not_kept(world: World, own: Mapping[str, Any]) -> None:
    installed(world)
    before = world.snapshot()
    assert world.event({**MENTION, **own}).status == 200
    assert world.snapshot() == before


@pytest.mark.parametrize("other", [{"app_id": "A0OTHER"}, {"bot_profile": {"app_id": "A0OTHER"}}, {"bot_profile": 1}])
def test_what_another_app_did_is_kept(world: World, other: Mapping[str, Any]) -> None:
    installed(world)
    assert world.event({**MENTION, **other}).status == 200
    assert world.work() == 1


def test_the_bots_own_joining_is_kept_where_it_is_handled(world: World) -> None:
    installed(world)
    joined: list[Any] = []

    def join(context: Context, event: Mapping[str, Any]) -> None:
        joined.append(event["channel"])

    event = {"type": "member_joined_channel", "user": BOT, "channel": "C0NORTH001RND"}
    assert world.event(event, "EvA").status == 200
    assert world.work() == 0, "nobody handles it"
    behave(world, {"member_joined_channel": join})
    assert world.event(event, "EvB").status == 200
    assert (world.work(), joined) == (1, ["C0NORTH001RND"])


def test_a_type_that_nobody_handles_leaves_no_row(world: World) -> None:
    installed(world)
    before = world.snapshot()
    assert world.event({"type": "reaction_added", "user": "U0SOMEBODY"}).status == 200
    assert world.snapshot() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"event_id": None},
        {"event_id": "x" * 65},
        {"event_id": 7},
        {"event_time": None},
        {"event_time": True},
        {"event_time": "1800000000"},
        {"event_time": -1},
        {"event": None},
        {"event": []},
        {"event": {}},
        {"event": {"type": "App Mention"}},
        {"type": "something_new"},
        {"team_id": "not an id"},
        {"enterprise_id": "T0NORTH001"},
        {"authorizations": {}},
        {"authorizations": [7]},
        {"api_app_id": None},
        {"api_app_id": 7},
        {"api_app_id": ["A0"]},
    ],
)
def test_a_signed_body_that_is_no_event_is_refused(world: World, changes: Mapping[str, Any]) -> None:
    installed(world)
    before = world.snapshot()
    whole = {**world.envelope(MENTION), **changes}
    body = json.dumps({key: value for key, value in whole.items() if value is not None}).encode()
    reply = world.post_signed(body)
    assert (reply.status, reply.json) == (400, {"error": "bad_event"})
    assert world.snapshot() == before


# Tenants that are not there


@pytest.mark.claim("C-70")
def test_an_event_of_a_tenant_that_is_not_installed_is_acknowledged_without_effect(world: World) -> None:
    before = world.snapshot()
    assert [world.event(MENTION, f"Ev{number}").status for number in range(3)] == [200, 200, 200]
    assert world.snapshot() == before
    assert world.audit() == ["event.unknown_tenant"], "once in a minute"


def change(world: World, sql: str) -> None:
    with contextlib.closing(sqlite3.connect(world.settings.database)) as connection, connection:
        connection.execute(sql)


def test_an_event_of_a_tenant_that_is_being_erased_is_acknowledged_without_effect(world: World) -> None:
    installed(world)
    change(world, "UPDATE installations SET status = 'purging'")
    before = world.snapshot()
    assert world.event(MENTION).status == 200
    assert world.event({"type": "app_uninstalled"}, "Ev2").status == 200
    assert world.snapshot() == before


def test_an_event_of_a_tenant_whose_key_was_withdrawn_is_not_acknowledged(world: World) -> None:
    installed(world)
    change(world, "UPDATE installations SET status = 'suspended'")
    before = world.snapshot()
    assert world.event(MENTION).status >= 400
    assert world.snapshot() == before


def test_a_lifecycle_event_that_names_nobody_is_refused(world: World) -> None:
    assert world.event({"type": "app_uninstalled"}, team_id=None).json == {"error": "bad_event"}


def test_an_event_of_a_tenant_whose_keys_are_gone_is_not_acknowledged(world: World) -> None:
    installed(world)
    change(world, "DELETE FROM data_keys WHERE tenant_id <> ''")
    world.restart()
    before = world.snapshot()
    assert world.event(MENTION).status == 503
    assert world.snapshot() == before


@pytest.mark.claim("C-54")
def test_an_event_that_overtakes_its_install_is_sent_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    exchange, early = world.service.app.slack.call_as_app, []

    def overtaken(method: str, params: Mapping[str, Any]) -> Any:
        early.append(world.event(MENTION))
        return exchange(method, params)

    monkeypatch.setattr(world.service.app.slack, "call_as_app", overtaken)
    installed(world)
    assert (early[0].status, early[0].headers["retry-after"]) == (503, "5")
    assert world.event(MENTION).status == 200
    assert world.work() == 1


def test_an_exchange_that_never_ended_holds_events_back_for_thirty_seconds_only(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(method: str, params: Mapping[str, Any]) -> Any:
        raise Killed

    monkeypatch.setattr(world.service.app.slack, "call_as_app", killed)
    with pytest.raises(Killed):
        world.browser().install()
    world.clock.advance(29)
    assert world.event(MENTION).status == 503
    world.clock.advance(1)
    assert world.event(MENTION).status == 200


def test_an_event_is_not_acknowledged_while_the_database_is_locked(world: World) -> None:
    installed(world)
    world.service.app.db.shorten_waits()
    other = sqlite3.connect(world.settings.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    reply = world.event(MENTION)
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    other.execute("ROLLBACK")
    other.close()
    assert world.event(MENTION).status == 200
    assert world.work() == 1


def test_an_event_that_cannot_be_kept_is_not_acknowledged(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(world)
    with monkeypatch.context() as patch:
        patch.setattr(inbox, "add_event", lambda *_, **__: False)
        assert world.event(MENTION).status == 503
    assert (world.event(MENTION).status, world.work()) == (200, 1)


def test_a_process_that_missed_a_purge_and_a_new_install_loses_no_event(world: World) -> None:
    installed(world)
    ours, other = world.service, build(world.settings, world.clock, system_entropy, world.log)
    world.service = other
    assert world.event(MENTION, "EvWarm").status == 200, "the other process has the tenant's keys in memory now"
    world.service = ours
    uninstall_tenant.run(ours.app, north_tenant(), Actor(ActorKind.OPERATOR, "r1"), world.clock())
    assert world.status() == ""
    installed(world)
    world.service = other
    reply = world.event(MENTION, "EvLater")
    world.service = ours
    other.stop()
    kept = len(world.rows("SELECT * FROM inbox WHERE event_id = 'EvLater'"))
    assert (reply.status, kept) == (200, 1) or reply.status == 503
