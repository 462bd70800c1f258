"""Commands and interactions: kept once for the right tenant, acknowledged with nothing done, or plainly refused."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from slackapp.behaviour import Context
from slackapp.errors import StoreBusyError
from slackapp.flows.events.receive_interaction import NOT_INSTALLED, UNKNOWN_COMMAND
from slackapp.flows.keys import suspend_tenant
from slackapp.model import Actor, ActorKind
from slackapp.store import installations
from tests.support.callback_world import nothing_happens, outcome
from tests.support.interactions import FORM, button_payload, click_button, command, command_form, interact, send
from tests.support.world import NORTH, ORG, ORG_TEAM, SOUTH, World, make_world, north_tenant

COUNTED = "slackapp_interactions_total"


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One installed app for all tests here that change nothing in it."""
    with make_world(tmp_path_factory.mktemp("still")) as made:
        made.browser().install()
        made.work()
        yield made


@pytest.fixture
def two(tmp_path: Path) -> Iterator[World]:
    """The app in a workspace and, enterprise-wide, in an enterprise."""
    with make_world(tmp_path) as made:
        for target in (NORTH, ORG):
            made.browser().install(target)
        made.work()
        yield made


def kept(world: World) -> list[tuple[str, str, str]]:
    """Tenant, type and state of what was kept, past the greetings."""
    rows = world.rows("SELECT tenant_id, type, state FROM inbox WHERE kind = 'event' ORDER BY rowid")
    return [tuple(row) for row in rows]


def count(world: World, result: str) -> int:
    return world.service.app.metrics.value(COUNTED, {"result": result})


# Kept


def test_a_command_is_acknowledged_with_nothing_and_answered_afterwards(ready: World) -> None:
    reply = command(ready, "help")
    assert (reply.status, reply.body, ready.calls(), kept(ready)) == (200, b"", [], [(NORTH, "/example", "ready")])
    said = len(ready.slack.messages(NORTH))
    assert (ready.work(), kept(ready)) == (1, [(NORTH, "/example", "done")])
    (answer,) = ready.slack.messages(NORTH)[said:]
    assert (answer["via"], answer["ephemeral_to"]) == ("response_url", "U0NORTH001MEM")
    assert count(ready, "kept") == 1


def test_what_somebody_did_is_sealed_where_it_waits(ready: World) -> None:
    command(ready, "canary-of-a-text")
    click_button(ready, canary="canary-of-a-press")
    assert len(kept(ready)) == 2
    assert b"canary-of" not in ready.bytes_on_disk()
    assert "canary-of" not in ready.log.getvalue()
    assert "hooks" not in str(ready.rows("SELECT * FROM audit"))


def test_a_press_is_kept_for_the_one_who_acts_on_it_alone(ready: World) -> None:
    seen: list[Mapping[str, Any]] = []
    ready.replace_parts(behaviour={"block_actions:remove_app": lambda context, action: seen.append(action)})
    reply = click_button(ready)
    assert (reply.status, reply.body, kept(ready)) == (200, b"", [(NORTH, "block_actions:remove_app", "ready")])
    ready.work()
    assert seen == [{key: value for key, value in button_payload().items() if key != "token"}], "without the old token"


# Once


def test_the_same_request_twice_has_one_effect(ready: World) -> None:
    """It carries no id of its own: its signature, which is over the time and every byte, is one."""
    body = urlencode(command_form(ready)).encode()
    headers = {**ready.sign(body), "Content-Type": FORM}
    for number in range(3):
        reply = ready.request("POST", "/slack/commands", body, headers)
        assert (reply.status, reply.body, len(kept(ready))) == (200, b"", 1)
        ready.clock.advance(10)
        if number:
            ready.work()
    signature = headers["X-Slack-Signature"].encode()
    assert ready.rows("SELECT 1 FROM inbox WHERE event_id = ?", f"sig-{hashlib.sha256(signature).hexdigest()[:36]}")
    assert (count(ready, "kept"), count(ready, "repeat")) == (1, 2)
    assert len(ready.slack.messages(NORTH)) == 2, "the greeting and one answer"


def test_two_presses_are_two_even_in_the_same_second(ready: World) -> None:
    click_button(ready)
    click_button(ready, actions=[{"type": "button", "action_id": "remove_app", "action_ts": "1.2"}])
    command(ready)
    command(ready, trigger_id="1.1.bb")
    ready.clock.advance(1)
    click_button(ready)
    assert len(kept(ready)) == 5


# Whose


def test_an_enterprise_wide_command_is_the_enterprises_and_names_the_workspace_it_was_typed_in(two: World) -> None:
    seen: list[Context] = []

    def ask(context: Context, event: Mapping[str, Any]) -> None:
        seen.append(context)
        context.call("auth.test", {})

    two.replace_parts(behaviour={"/example": ask})
    is_enterprise_install = {"team_id": ORG_TEAM, "enterprise_id": ORG, "is_enterprise_install": "true"}
    assert command(two, **is_enterprise_install).status == 200
    assert kept(two) == [(ORG, "/example", "ready")]
    two.work()
    assert (seen[0].tenant.id, two.slack.calls[-1].params["team_id"]) == (ORG, ORG_TEAM)


def test_a_workspace_that_only_the_enterprise_covers_is_served_by_the_enterprise(two: World) -> None:
    command(two, team_id=ORG_TEAM, enterprise_id=ORG)
    click_button(two, team={"id": ORG_TEAM}, enterprise={"id": ORG}, view=None)
    assert [tenant for tenant, _, _ in kept(two)] == [ORG, ORG]


def test_a_modal_sent_off_from_the_other_side_is_the_installing_sides(two: World) -> None:
    """I share a channel with your customer, am a customer myself, and send off the modal that your app opened there."""
    two.browser().install(SOUTH)
    two.work()
    two.replace_parts(behaviour={"view_submission:form": lambda context, event: None})
    view = {"callback_id": "form", "team_id": SOUTH, "app_installed_team_id": NORTH}
    theirs = {"team": {"id": SOUTH}, "user": {"id": "U0SOUTH001MEM", "team_id": SOUTH}, "is_enterprise_install": ...}
    click_button(two, type="view_submission", view=view, **theirs)
    click_button(two, type="view_submission", view={**view, "app_installed_team_id": ORG}, **theirs)
    assert [tenant for tenant, _, _ in kept(two)] == [NORTH, ORG]


# Nothing done


def test_another_apps_are_acknowledged_noted_and_not_kept(still: World) -> None:
    with nothing_happens(still):
        for reply in (command(still, api_app_id="A0OTHER001"), click_button(still, api_app_id="A0OTHER001")):
            assert (reply.status, reply.body, still.audit()[-1]) == (200, b"", "event.foreign_app")
    assert count(still, "foreign_app") == 2


def test_an_unknown_command_is_answered_at_once_and_an_unknown_action_acknowledged(still: World) -> None:
    before = count(still, "unhandled")
    with nothing_happens(still):
        reply = command(still, command="/unknown")
        assert (reply.status, reply.text) == (200, UNKNOWN_COMMAND)
        for changes in (
            {"actions": [{"action_id": "unknown"}]}, {"actions": [{"action_id": "4Rr/x+="}]},
            {"type": "shortcut", "callback_id": "unknown"}, {"type": "of_tomorrow"},
            {"type": "view_submission", "view": {"callback_id": ""}},
        ):  # fmt: skip
            reply = click_button(still, **changes)
            assert (reply.status, reply.body) == (200, b""), changes
    assert count(still, "unhandled") == before + 6


@pytest.mark.parametrize("team", [SOUTH, "T0NOWHERE1"])
def test_where_the_app_is_not_installed_a_command_is_told_so_and_a_press_acknowledged(still: World, team: str) -> None:
    before = count(still, "unknown")
    with nothing_happens(still):
        reply = command(still, team_id=team, response_url="")
        assert (reply.status, reply.text) == (200, NOT_INSTALLED)
        reply = click_button(still, team={"id": team}, view=None)
        assert (reply.status, reply.body) == (200, b"")
        assert command(still, team_id=None).text == NOT_INSTALLED
    assert count(still, "unknown") == before + 3


def test_a_tenant_that_is_being_removed_is_as_good_as_gone(ready: World) -> None:
    app = ready.service.app
    with app.db.transaction():
        installations.set_status(app.db, north_tenant(), "active", "purging")
    with nothing_happens(ready):
        assert (command(ready).text, click_button(ready).status) == (NOT_INSTALLED, 200)


@pytest.mark.parametrize("path", ["/slack/commands", "/slack/interactivity"])
def test_a_check_of_our_certificate_is_answered_and_nothing_done(still: World, path: str) -> None:
    with nothing_happens(still):
        fields = {"ssl_check": "1", "token": "legacy-verification-token"}
        reply = send(still, path, fields)
        assert (reply.status, reply.body) == (200, b"")
        full = {**command_form(still), "payload": json.dumps(button_payload()), "ssl_check": "1"}
        assert (send(still, path, full).body, kept(still)) == (b"", [])
        unsigned = still.request("POST", path, urlencode(fields).encode(), {"Content-Type": FORM})
        assert (unsigned.status, outcome(still)) == (401, "unsigned")
    assert send(still, "/slack/commands", {**command_form(still, command="/unknown"), "ssl_check": "0"}).text


def test_a_suspended_tenants_are_refused_and_not_kept(ready: World) -> None:
    suspend_tenant.suspend(ready.service.app, north_tenant(), Actor(ActorKind.WORKER, "x"))
    with nothing_happens(ready):
        for reply in (command(ready), click_button(ready)):
            assert (reply.status, outcome(ready)) == (403, "key_revoked")


# Refused


@pytest.mark.parametrize("path", ["/slack/commands", "/slack/interactivity"])
@pytest.mark.parametrize("media_type", ["", "application/json", "text/plain", "multipart/form-data; boundary=x"])
def test_another_type_of_content_is_refused(still: World, path: str, media_type: str) -> None:
    body = urlencode({**command_form(still), "payload": json.dumps(button_payload())}).encode()
    with nothing_happens(still):
        assert (still.post_signed(body, media_type, path).status, outcome(still)) == (415, "media_type")


@pytest.mark.parametrize("path", ["/slack/commands", "/slack/interactivity"])
@pytest.mark.claim("C-17")
def test_the_signature_is_asked_for_before_anything_is_read(still: World, path: str) -> None:
    for headers in ({}, still.sign(b"another"), still.sign(b"x", secret="x" * 16), still.sign(b"x", timestamp=1)):
        reply = still.request("POST", path, b"x", {**headers, "Content-Type": "text/plain"})
        assert reply.status == 401


@pytest.mark.parametrize("path", ["/slack/commands", "/slack/interactivity"])
@pytest.mark.parametrize("body", [b"x", b"a=1&a=2", b"a=%ff", b"\xff=1", b"&".join([b"a%d=1" % n for n in range(65)])])
def test_a_body_that_is_no_clear_form_is_refused(still: World, path: str, body: bytes) -> None:
    with nothing_happens(still):
        assert (still.post_signed(body, FORM, path).status, outcome(still)) == (400, "form")


ODD: dict[str, dict[str, Any]] = {
    "team": {"team": 7}, "team id": {"view": None, "team": {"id": ["T"]}}, "enterprise": {"enterprise": "E0EVERGRN1"},
    "user": {"user": [1]}, "view": {"view": "home"}, "installed": {"view": {"app_installed_team_id": {"id": NORTH}}},
    "actions": {"actions": 7}, "no actions": {"actions": []}, "action": {"actions": [7]}, "type": {"type": 7},
    "no type": {"type": None}, "nulls": {"actions": None, "team": None, "user": None, "view": None},
}  # fmt: skip


@pytest.mark.parametrize("what", ODD)
def test_a_payload_of_other_types_is_refused_and_breaks_nothing(still: World, what: str) -> None:
    with nothing_happens(still):
        assert (interact(still, button_payload() | ODD[what]).status, outcome(still)) == (400, "event")


@pytest.mark.parametrize("payload", [None, 7, "x", [], [button_payload()]])
def test_a_payload_that_is_no_object_is_refused(still: World, payload: Any) -> None:
    with nothing_happens(still):
        assert (interact(still, payload).status, outcome(still)) == (400, "json")
        assert (send(still, "/slack/interactivity", {"x": "1"}).status, outcome(still)) == (400, "json")


@pytest.mark.parametrize(
    "changes", [{"command": None}, {"command": "Example"}, {"team_id": "x"}, {"enterprise_id": "T"}]
)
def test_a_command_of_another_form_is_refused(still: World, changes: dict[str, Any]) -> None:
    with nothing_happens(still):
        assert (command(still, **changes).status, outcome(still)) == (400, "event")


def test_what_cannot_be_kept_is_not_acknowledged(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: Any) -> None:
        raise StoreBusyError("busy")

    monkeypatch.setattr(ready.service.app.db, "commit_in_group", busy)
    assert (command(ready).status, click_button(ready).status, kept(ready)) == (503, 503, [])
