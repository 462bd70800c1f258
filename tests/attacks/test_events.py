"""Attacks on `POST /slack/events`: bodies without a signature, and signed bodies that are about somebody else."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.client import Reply
from tests.support.world import APP_ID, NORTH, ORG, ORG_TEAM, SIGNING_SECRET, SOUTH, World, make_world

STRANGER = "T0STRANGER"
MENTION = {"type": "app_mention", "user": "U0SOMEBODY", "channel": "C0NORTH001GEN", "ts": "1800000000.000100"}
HANDSHAKE = {"type": "url_verification", "challenge": "a-challenge"}


def installed(world: World, *targets: str) -> World:
    for target in targets:
        assert world.browser().install(target).status == 303
        world.work()
        for team in (target,) if target in world.slack.workspaces else (ORG_TEAM,):
            world.slack.mention(team, "come in")
    return world


def unsigned(world: World, body: bytes, content_type: str = "application/json", **headers: str) -> Reply:
    return world.request("POST", "/slack/events", body, {"Content-Type": content_type, **headers})


def granted(team: str | None, enterprise: str | None, is_enterprise_install: bool) -> list[dict[str, Any]]:
    return [
        {"team_id": team, "enterprise_id": enterprise, "is_bot": True, "is_enterprise_install": is_enterprise_install}
    ]


def in_general(world: World, team: str) -> dict[str, Any]:
    return {**MENTION, "channel": world.slack.workspaces[team].general}


# Without a signature


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (json.dumps(HANDSHAKE).encode(), "application/json"),
        (b"ssl_check=1", "application/x-www-form-urlencoded"),
        (b'{"type": "app_rate_limited"}', "application/json"),
        (b"{not json", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"[" * 5000, "application/json"),
        (b"", "application/json"),
        (b"whatever", "text/plain"),
    ],
)
@pytest.mark.claim("C-15")
def test_nothing_is_answered_without_a_signature(world: World, body: bytes, content_type: str) -> None:
    """I know the address but not the secret, and try everything that might be looked at before the signature is."""
    before = world.snapshot()
    reply = unsigned(world, body, content_type)
    assert (reply.status, reply.json) == (401, {"error": "unsigned"})
    assert world.snapshot() == before


@pytest.mark.claim("C-17")
def test_a_body_that_is_not_json_is_judged_only_after_its_signature(world: World) -> None:
    """I want the parser to run on my bytes before anybody asks who I am."""
    for body in (b"{not json", b"\xff", b'{"a": 1, "a": 2}', b'{"a": NaN}', b"[" * 40 + b"]" * 40, b"[]", b'"\\ud800"'):
        assert unsigned(world, body).status == 401
        assert (world.post_signed(body).status, world.post_signed(body).json) == (400, {"error": "bad_json"})


def test_a_signature_over_another_body_is_refused(world: World) -> None:
    """I caught a signed request, and change what it says."""
    installed(world, NORTH)
    before = world.snapshot()
    headers = world.sign(json.dumps(world.envelope(MENTION)).encode())
    assert unsigned(world, json.dumps(world.envelope(MENTION, "EvMine")).encode(), **headers).status == 401
    assert world.snapshot() == before


def test_a_captured_event_has_no_second_effect(world: World) -> None:
    """I send a captured request again, within the five minutes that its signature is good for."""
    installed(world, NORTH)
    body = json.dumps(world.envelope(MENTION)).encode()
    headers = world.sign(body)
    assert unsigned(world, body, **headers).status == 200
    assert world.work() == 1
    world.clock.advance(300)
    assert unsigned(world, body, **headers).status == 200
    assert world.work() == 0
    world.clock.advance(1)
    assert unsigned(world, body, **headers).status == 401


def test_retry_headers_are_not_believed(world: World) -> None:
    """I hope that a retry number, which nobody signs, changes what is done with an event."""
    installed(world, NORTH)
    body = json.dumps(world.envelope(MENTION)).encode()
    headers = {**world.sign(body), "X-Slack-Retry-Num": "3", "X-Slack-Retry-Reason": "http_timeout"}
    assert unsigned(world, body, **headers).status == 200
    assert world.work() == 1


# Signed, but for another app


@pytest.mark.parametrize("app_id", ["A0OTHER001", "", APP_ID.lower()])
@pytest.mark.claim("C-70")
def test_an_event_of_another_app_is_acknowledged_and_noted_and_has_no_effect(world: World, app_id: Any) -> None:
    """My app has the same address in its settings, and my workspace's id is yours."""
    installed(world, NORTH)
    before, audited = world.snapshot(), world.audit()
    assert world.event(MENTION, api_app_id=app_id).status == 200
    assert world.event({"type": "app_uninstalled"}, "Ev2", api_app_id=app_id).status == 200
    assert world.snapshot() == before
    assert world.audit()[len(audited) :] == ["event.foreign_app"] * 2


@pytest.mark.parametrize("changes", [{"api_app_id": None}, {"api_app_id": 7}, {"api_app_id": [APP_ID]}, None])
def test_a_signed_body_that_names_no_app_is_refused(world: World, changes: dict[str, Any] | None) -> None:
    """I hope that nobody reads on where no app is named; and an empty object is no event at all."""
    body = b"{}" if changes is None else json.dumps(world.envelope(MENTION, **changes)).encode()
    before = world.snapshot()
    assert (world.post_signed(body).status, world.post_signed(body).json) == (400, {"error": "bad_event"})
    assert world.snapshot() == before


# Signed, from a channel that two companies share


@pytest.mark.parametrize(
    "envelope",
    [
        {"team_id": SOUTH, "context_team_id": NORTH},
        {"team_id": SOUTH, "context_team_id": SOUTH},
        {"team_id": NORTH, "context_team_id": SOUTH, "enterprise_id": ORG, "context_enterprise_id": ORG},
        {"team_id": STRANGER, "context_team_id": STRANGER, "enterprise_id": "E0STRANGER"},
    ],
)
@pytest.mark.claim("C-10")
def test_the_first_authorization_decides_whose_token_answers(world: World, envelope: Mapping[str, Any]) -> None:
    """I am the other company in a shared channel, and my ids stand everywhere but in the authorization."""
    installed(world, NORTH, SOUTH, ORG)
    mine = {"team": SOUTH, "user_team": SOUTH, "source_team": ORG, "team_id": SOUTH}
    event = {**in_general(world, NORTH), **mine}
    reply = world.event(event, authorizations=granted(NORTH, None, False), is_ext_shared_channel=True, **envelope)
    assert reply.status == 200
    calls = len(world.calls())
    assert world.work() == 1
    assert [(call.team, call.ok) for call in world.slack.calls[calls:]] == [(NORTH, True)]


@pytest.mark.parametrize("flag", [False, None])
def test_an_authorization_that_names_only_an_enterprise_is_nobody_elses(world: World, flag: bool | None) -> None:
    """I am the other company, and the authorization of your enterprise leaves a workspace and a flag out."""
    installed(world, SOUTH, ORG)
    ours = [{"enterprise_id": ORG, "team_id": None, "is_bot": True, "is_enterprise_install": flag}]
    world.event(in_general(world, ORG_TEAM), team_id=SOUTH, authorizations=ours, is_ext_shared_channel=True)
    calls = len(world.calls())
    world.work()
    assert SOUTH not in [call.team for call in world.slack.calls[calls:]]


def test_ids_inside_the_event_and_in_the_context_are_not_looked_at(world: World) -> None:
    """I put your id wherever a careless reader might look for a tenant."""
    installed(world, NORTH)
    before = world.snapshot()
    event = {**MENTION, "team": NORTH, "user_team": NORTH, "source_team": NORTH, "team_id": NORTH}
    second = [*granted(STRANGER, None, False), *granted(NORTH, None, False)]
    tries: list[dict[str, Any]] = [
        {"team_id": STRANGER, "context_team_id": NORTH},
        {"team_id": NORTH, "authorizations": granted(STRANGER, None, False)},
        {"team_id": NORTH, "authorizations": second},
        {"team_id": None, "context_team_id": NORTH, "authed_teams": [NORTH]},
    ]
    for number, envelope in enumerate(tries):
        assert world.event(event, f"Ev{number}", **envelope).status == 200
    assert world.snapshot() == before


@pytest.mark.parametrize("authorizations", [None, []])
def test_the_top_level_team_decides_where_no_authorization_is_named(world: World, authorizations: Any) -> None:
    """I leave the authorizations out and hope for a default."""
    installed(world, NORTH, SOUTH)
    assert world.event(in_general(world, SOUTH), team_id=SOUTH, authorizations=authorizations).status == 200
    assert world.work() == 1
    assert (world.slack.calls[-1].team, world.slack.calls[-1].ok) == (SOUTH, True)


# Signed, and about an enterprise


@pytest.mark.parametrize("named", [ORG_TEAM, None, ORG])
def test_an_event_of_a_covered_workspace_is_answered_with_the_enterprises_token(
    world: World, named: str | None
) -> None:
    """I belong to an enterprise that installed for all, and my event names my workspace in its own way."""
    installed(world, ORG)
    authorizations = granted(named, ORG, True)
    envelope: dict[str, Any] = {"team_id": ORG_TEAM, "enterprise_id": ORG, "authorizations": authorizations}
    assert world.event(in_general(world, ORG_TEAM), **envelope).status == 200
    assert world.work() == 1
    call = world.slack.calls[-1]
    assert (call.method, call.team, call.ok, call.params["team_id"]) == ("chat.postMessage", ORG, True, ORG_TEAM)


def test_in_a_shared_channel_an_enterprise_acts_in_its_own_workspace(world: World) -> None:
    """I am the other company, and the workspace that the event names at the top is mine."""
    installed(world, ORG)
    envelope = {"team_id": STRANGER, "context_team_id": STRANGER}
    ours = granted(ORG_TEAM, ORG, True)
    assert world.event(in_general(world, ORG_TEAM), authorizations=ours, **envelope).status == 200
    assert world.work() == 1
    call = world.slack.calls[-1]
    assert (call.team, call.params["team_id"]) == (ORG, ORG_TEAM)


def test_a_workspaces_own_install_wins_over_the_enterprises(world: World) -> None:
    """My workspace has an install of its own beside its enterprise's, with fewer rights."""
    installed(world, ORG, ORG_TEAM)
    ours = granted(ORG_TEAM, ORG, False)
    event = in_general(world, ORG_TEAM)
    assert world.event(event, team_id=ORG_TEAM, enterprise_id=ORG, authorizations=ours).status == 200
    assert world.work() == 1
    assert (world.slack.calls[-1].team, world.slack.calls[-1].ok) == (ORG_TEAM, True)


def test_a_workspace_without_an_install_of_its_own_is_served_by_its_enterprise(world: World) -> None:
    """My workspace never installed anything; its enterprise did, for all of its workspaces."""
    installed(world, ORG)
    for number, authorizations in enumerate((None, [], granted(ORG_TEAM, ORG, False))):
        envelope: dict[str, Any] = {"team_id": ORG_TEAM, "enterprise_id": ORG, "authorizations": authorizations}
        assert world.event(in_general(world, ORG_TEAM), f"Ev{number}", **envelope).status == 200
        assert world.work() == 1
        assert (world.slack.calls[-1].team, world.slack.calls[-1].ok) == (ORG, True)


def test_a_workspace_of_another_enterprise_is_not_served(world: World) -> None:
    """My workspace's id is unknown here; I name your enterprise as mine only in places that nobody signed for me."""
    installed(world, ORG)
    before = world.snapshot()
    mine = granted(STRANGER, None, False)
    assert world.event(MENTION, team_id=STRANGER, enterprise_id=ORG, authorizations=mine).status == 200
    assert world.snapshot() == before


# While the secret is being changed


def test_the_audit_says_once_a_minute_that_the_old_secret_was_used(tmp_path: Path) -> None:
    """I have the secret that you have changed, and use it while you still take it."""
    new = "a-new-signing-secret"
    with make_world(tmp_path, SLACK_SIGNING_SECRET=f"{new},{SIGNING_SECRET}") as world:

        def signed(secret: str) -> Reply:
            body = json.dumps(HANDSHAKE).encode()
            headers = {**world.sign(body, secret=secret), "Content-Type": "application/json"}
            return world.request("POST", "/slack/events", body, headers)

        def told() -> list[tuple[str, ...]]:
            rows = (
                "SELECT actor, actor_id, result, record_id FROM audit WHERE event = 'signature.old_secret' ORDER BY id"
            )
            return [tuple(row) for row in world.rows(rows)]

        assert signed(new).status == 200
        assert told() == []
        assert [signed(SIGNING_SECRET).status for _ in range(3)] == [200, 200, 200]
        assert told() == [("slack", "2", "ok", "/slack/events")]
        world.clock.advance(60)
        assert signed(SIGNING_SECRET).status == 200
        assert len(told()) == 2
        assert signed("a secret of my own").status == 401
        assert len(told()) == 2
