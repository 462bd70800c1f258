"""What Slack really sends, shape by shape: understood, and run for the right tenant in the right workspace.

The shapes are those of docs.slack.dev and of what Slack's own libraries are tested with; the ids are this suite's.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from slackapp.behaviour import Context
from tests.support.interactions import FORM, command, interact
from tests.support.prepared_world import Prepared, snapshot_world
from tests.support.world import APP_ID, NORTH, ORG, ORG_TEAM, SOUTH, World, make_world

OTHER_ORG = "E0FOREIGN1"
OURS = [{"enterprise_id": None, "team_id": NORTH, "user_id": "U0NORTH001BOT", "is_bot": True}]
SHORT = [{"team_id": NORTH, "user_id": "U0SOMEBODY", "is_bot": False, "is_enterprise_install": False}]
ORG_WIDE = [{
    "enterprise_id": ORG, "team_id": None, "user_id": "W0EVERGRN1BOT", "is_bot": True, "is_enterprise_install": True,
}]  # fmt: skip
IN_ORG = {"team_id": ORG_TEAM, "enterprise_id": ORG, "authorizations": ORG_WIDE}
SHARED = {"is_ext_shared_channel": True, "context_enterprise_id": None, "event_context": "4-message"}
MESSAGE = {"type": "message", "text": "hello", "user": "U0SOMEBODY", "channel": "C1", "ts": "1583636399.000700"}
NESTED = {**MESSAGE, "edited": {"user": "U0SOMEBODY", "ts": "1.1"}, "blocks": [{"type": "rich_text", "elements": []}]}
EVENTS: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "a mention of old": ({**MESSAGE, "type": "app_mention"}, {"authed_users": ["U1"], "token": "t"}, NORTH, NORTH),
    "a mention in a shared channel": (
        {**MESSAGE, "type": "app_mention"}, {"authorizations": OURS, "team_id": SOUTH, **SHARED}, NORTH, NORTH,
    ),
    "somebody joins a shared channel": (
        {"type": "member_joined_channel", "user": "U2", "channel": "C1", "team": NORTH, "inviter": "U3"},
        {"authorizations": OURS, "team_id": SOUTH, "enterprise_id": OTHER_ORG, "context_team_id": NORTH, **SHARED},
        NORTH, NORTH,
    ),
    "a reaction from the other side": (
        {"type": "reaction_added", "user": "W1", "item": {"type": "message", "channel": "C1", "ts": "1.1"},
         "reaction": "heart_eyes", "item_user": "W1", "event_ts": "1.2"},
        {"authorizations": OURS, "team_id": SOUTH, "enterprise_id": OTHER_ORG}, NORTH, NORTH,
    ),
    "a reaction, the authorization without a flag": (
        {"type": "reaction_added", "user": "U1", "reaction": "x"}, {"authorizations": SHORT}, NORTH, NORTH,
    ),
    "a message that was changed": (
        {"type": "message", "subtype": "message_changed", "message": NESTED, "previous_message": MESSAGE,
         "channel": "C1", "hidden": True, "ts": "1.3"},
        {"authorizations": OURS}, NORTH, NORTH,
    ),
    "a message that was deleted": (
        {"type": "message", "subtype": "message_deleted", "previous_message": MESSAGE, "deleted_ts": "1.1"},
        {"authorizations": OURS}, NORTH, NORTH,
    ),
    "a file": (
        {**MESSAGE, "subtype": "file_share", "files": [{"id": "F1", "size": 92582, "is_public": True}]},
        {}, NORTH, NORTH,
    ),
    "another bot's message": (
        {**MESSAGE, "subtype": "bot_message", "user": None, "bot_id": "B0OTHER"}, {}, NORTH, NORTH,
    ),
    "a Home tab with its view": (
        {"type": "app_home_opened", "user": "U1", "channel": "D1", "tab": "home",
         "view": {"id": "V1", "team_id": NORTH, "type": "home", "blocks": [], "app_installed_team_id": SOUTH}},
        {}, NORTH, NORTH,
    ),
    "a Home tab in an org": (
        {"type": "app_home_opened", "user": "W1", "channel": "D1", "tab": "home", "event_ts": "1.1"}, IN_ORG,
        ORG, ORG_TEAM,
    ),
    "somebody leaves a channel in an org, no team in the authorization": (
        {"type": "member_left_channel", "user": "W1", "channel": "C1", "channel_type": "C", "team": ORG_TEAM},
        {**IN_ORG, "authorizations": [{**ORG_WIDE[0], "team_id": ...}]}, ORG, ORG_TEAM,
    ),
    "a workspace is added to an org's app": (
        {"type": "team_access_granted", "team_ids": [ORG_TEAM]}, {"enterprise_id": ORG, "team_id": None}, ORG, "",
    ),
    "an account is connected, in an org": (
        {"type": "user_connection", "subtype": "connect", "user": "W1", "trigger_id": "1.1.x"},
        {"team_id": ORG}, ORG, "",
    ),
    "an app is asked for": (
        {"type": "app_requested", "app_request": {"id": "1", "team": {"id": NORTH}, "enterprise": None, "scopes": []}},
        {"authorizations": SHORT}, NORTH, NORTH,
    ),
    "a step of a workflow": (
        {"type": "function_executed", "function": {"id": "Fn1", "callback_id": "step"}, "inputs": {"a": 1},
         "function_execution_id": "Fx1", "workflow_execution_id": "Wx1", "bot_access_token": "xwfp-canary"},
        {}, NORTH, NORTH,
    ),
    "a step of a workflow of old": (
        {"type": "workflow_step_execute", "callback_id": "step", "workflow_step": {"workflow_step_execute_id": "1"}},
        {}, NORTH, NORTH,
    ),
}  # fmt: skip

USER = {"id": "U0NORTH001MEM", "username": "somebody", "name": "somebody", "team_id": NORTH}
TEAM = {"team": {"id": NORTH, "domain": "northwind"}, "user": USER, "token": "legacy", "trigger_id": "1.1.x"}
WITH_APP = {**TEAM, "api_app_id": APP_ID, "enterprise": None, "is_enterprise_install": False}
ACTION = {"actions": [{"action_id": "act", "block_id": "b", "type": "button", "value": "x", "action_ts": "1.1"}]}
MODAL = {"id": "V1", "type": "modal", "callback_id": "form", "team_id": NORTH, "app_installed_team_id": NORTH}
HOME = {"id": "V1", "type": "home", "callback_id": "", "team_id": NORTH, "app_installed_team_id": SOUTH}
ORG_SIDE = {"enterprise": {"id": ORG, "name": "Evergreen"}, "is_enterprise_install": True, "api_app_id": APP_ID}
IN_TEAM = {"id": ORG_TEAM, "domain": "a", "enterprise_id": ORG, "enterprise_name": "Evergreen"}
THEIRS = {"team": {"id": SOUTH, "domain": "s"}, "user": {"id": "U2", "team_id": SOUTH}, "enterprise": {"id": OTHER_ORG}}
INTERACTIONS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "a button of a message": (
        "block_actions:act",
        {**WITH_APP, **ACTION, "user": {"id": "U1"}, "team": {"id": NORTH}, "state": {"values": {}},
         "container": {"type": "message", "message_ts": "1.1", "channel_id": "C1", "is_ephemeral": False},
         "message": {"bot_id": "B0NORTH001BOT", "app_id": APP_ID, "user": "U0NORTH001BOT", "text": "x"}},
        NORTH, "",
    ),
    "a button of the Home tab": ("block_actions:act", {**WITH_APP, **ACTION, "view": HOME}, NORTH, ""),
    "a button of an org's Home tab": (
        "block_actions:act",
        {**ORG_SIDE, **ACTION, "team": IN_TEAM, "user": {"id": "W1", "team_id": ORG_TEAM},
         "view": {**HOME, "team_id": ORG_TEAM, "app_installed_team_id": ORG}},
        ORG, ORG_TEAM,
    ),
    "a global shortcut": ("shortcut:go", {**TEAM, "callback_id": "go", "action_ts": "1.1"}, NORTH, ""),
    "an org's global shortcut": (
        "shortcut:go",
        {**ORG_SIDE, "api_app_id": ..., "team": None, "user": {"id": "W1", "team_id": ORG_TEAM}, "callback_id": "go"},
        ORG, ORG_TEAM,
    ),
    "a message shortcut": (
        "message_action:go",
        {**TEAM, "callback_id": "go", "user": {"id": "U1", "name": "x"}, "channel": {"id": "C1"}, "message": MESSAGE},
        NORTH, "",
    ),
    "a modal": ("view_submission:form", {**WITH_APP, "view": MODAL, "response_urls": []}, NORTH, ""),
    "a modal that was closed": ("view_closed:form", {**WITH_APP, "view": MODAL, "is_cleared": False}, NORTH, ""),
    "a modal of the other side": ("view_submission:form", {**THEIRS, "api_app_id": APP_ID, "view": MODAL}, NORTH, ""),
    "an org's modal, of the other side": (
        "view_submission:form",
        {**THEIRS, "api_app_id": APP_ID, "view": {**MODAL, "team_id": SOUTH, "app_installed_team_id": ORG}}, ORG, "",
    ),
    "a button of old": (
        "interactive_message:pick",
        {**TEAM, "callback_id": "pick", "actions": [{"name": "list", "type": "select"}], "original_message": {}},
        NORTH, "",
    ),
    "a dialog of old": ("dialog_submission:form", {**TEAM, "callback_id": "form", "submission": {"a": "b"}}, NORTH, ""),
    "the settings of a workflow's step": (
        "workflow_step_edit:step", {**TEAM, "callback_id": "step", "workflow_step": {"step_id": "1"}}, NORTH, "",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    """Installed in two workspaces and, enterprise-wide, in an enterprise."""
    with make_world(tmp_path_factory.mktemp("everywhere")) as world:
        for target in (NORTH, SOUTH, ORG):
            world.browser().install(target)
        world.work()
        yield snapshot_world(world)


class Ran:
    """Whom a function ran for, and which workspace its calls named."""

    def __init__(self, world: World, key: str) -> None:
        self.world = world
        self.whom: list[str] = []
        self.events: list[Mapping[str, Any]] = []
        world.replace_parts(behaviour={key: self})
        world.slack.called.clear()

    def __call__(self, context: Context, event: Mapping[str, Any]) -> None:
        self.whom.append(context.tenant.id)
        self.events.append(event)
        context.call("auth.test", {})

    @property
    def named(self) -> list[str]:
        self.world.work()
        return [call.params.get("team_id", "") for call in self.world.slack.calls if call.method == "auth.test"][-1:]


@pytest.mark.parametrize("what", EVENTS)
def test_an_event_is_understood(everywhere: Prepared, what: str) -> None:
    event, envelope, tenant, team = EVENTS[what]
    world = everywhere.reset()
    ran = Ran(world, event["type"])
    envelope = {**envelope, "authorizations": without_gaps(envelope.get("authorizations"))}
    reply = world.event({name: value for name, value in event.items() if value is not None}, **envelope)
    assert (reply.status, ran.named, ran.whom) == (200, [team if tenant == ORG else ""], [tenant])


def without_gaps(listed: Any) -> Any:
    """`...` leaves a key out."""
    return listed and [{name: value for name, value in entry.items() if value is not ...} for entry in listed]


@pytest.mark.parametrize("what", INTERACTIONS)
@pytest.mark.claim("C-88")
def test_an_interaction_is_understood(everywhere: Prepared, what: str) -> None:
    key, payload, tenant, team = INTERACTIONS[what]
    world = everywhere.reset()
    ran = Ran(world, key)
    kind = key.partition(":")[0]
    reply = interact(world, {"type": kind} | {name: value for name, value in payload.items() if value is not ...})
    assert (reply.status, reply.body, ran.named, ran.whom) == (200, b"", [team], [tenant])


COMMANDS: dict[str, tuple[dict[str, str], str, str]] = {
    "in a workspace of an org": (
        {"enterprise_id": ORG, "enterprise_name": "Sandbox Org", "team_domain": "x", "channel_name": "y"}, NORTH, "",
    ),
    "in an org": ({"team_id": ORG_TEAM, "enterprise_id": ORG, "is_enterprise_install": "true"}, ORG, ORG_TEAM),
    "in an org that stands where a team is due": ({"team_id": ORG}, ORG, ""),
    "of no app and no flag": ({"api_app_id": "", "is_enterprise_install": ""}, NORTH, ""),
}  # fmt: skip


@pytest.mark.parametrize("what", COMMANDS)
def test_a_command_is_understood(everywhere: Prepared, what: str) -> None:
    fields, tenant, team = COMMANDS[what]
    world = everywhere.reset()
    ran = Ran(world, "/example")
    missing = {name: None for name, value in fields.items() if not value}
    assert command(world, "", **{**fields, **missing}).status == 200
    assert (ran.named, ran.whom) == ([team], [tenant])


# Texts of users


ODD_TEXT = "a\0b \ud83d c \udc00"
"""What editors leave behind: a NUL, and emoji that were cut in the middle."""


def test_whatever_users_write_is_stored_sealed_and_given_to_the_behaviour(everywhere: Prepared) -> None:
    world = everywhere.reset()
    ran = Ran(world, "message")
    assert world.event({**MESSAGE, "text": ODD_TEXT, "blocks": [{"text": ODD_TEXT}]}).status == 200
    world.work()
    ran_too = Ran(world, "view_submission:form")
    assert interact(world, {**WITH_APP, "type": "view_submission", "view": {**MODAL, "state": ODD_TEXT}}).status == 200
    world.work()
    said = Ran(world, "/example")
    body = urlencode({
        "command": "/example", "text": ODD_TEXT, "team_id": NORTH, "user_id": "U1", "user_name": "x\0",
    }, errors="surrogatepass")  # fmt: skip
    assert world.post_signed(body.encode(), FORM, "/slack/commands").status == 200
    world.work()
    assert (ran.events[0]["text"], ran.events[0]["blocks"][0]["text"]) == (ODD_TEXT, ODD_TEXT)
    assert (ran_too.events[0]["view"]["state"], said.events[0]["text"]) == (ODD_TEXT, ODD_TEXT)
    assert [row["state"] for row in world.rows("SELECT state FROM inbox WHERE kind = 'event'")] == ["done"] * 3


def test_what_cannot_be_sent_back_as_it_is_is_sent_as_slack_shows_it(everywhere: Prepared) -> None:
    """An app that repeats a text fails no more than one that does not."""
    world = everywhere.reset()

    def repeat(context: Context, event: Mapping[str, Any]) -> None:
        context.call("chat.postMessage", {"channel": "U0NORTH001MEM", "text": event["text"]})

    world.replace_parts(behaviour={"message": repeat})
    world.event({**MESSAGE, "text": "x \ud83d \ud83d\ude00"})
    world.work()
    assert world.slack.messages(NORTH)[-1]["text"] == "x \ufffd \U0001f600"


def test_a_modal_is_answered_by_its_response_urls(everywhere: Prepared) -> None:
    """A modal that asks for a conversation has a list of them, and no other."""
    world = everywhere.reset()
    world.replace_parts(behaviour={"view_submission:form": lambda context, event: context.respond("thanks")})
    url = world.slack.response_url(NORTH)
    entry = {"response_url": url, "block_id": "b", "action_id": "a", "channel_id": "C0NORTH001GEN"}
    for odd in ([], [7], [{}], [{"response_url": 7}], {"response_url": url}, "x", None):
        interact(world, {**WITH_APP, "type": "view_submission", "view": MODAL, "response_urls": odd, "x": str(odd)})
    world.work()
    assert [row["state"] for row in world.rows("SELECT state FROM inbox WHERE kind = 'event'")] == ["dead"] * 7
    interact(world, {**WITH_APP, "type": "view_submission", "view": MODAL, "response_urls": [entry]})
    world.work()
    assert world.slack.messages(NORTH)[-1]["text"] == "thanks"


def test_the_context_names_the_user_of_every_kind_of_payload(everywhere: Prepared) -> None:
    world = everywhere.reset()
    who: list[str] = []

    def look(context: Context, event: Mapping[str, Any]) -> None:
        who.append(context.user_id)

    world.replace_parts(behaviour=dict.fromkeys(("message", "team_join", "shortcut:go", "/example"), look))
    for number, user in enumerate(("U1A", {"id": "W1B"}, None, 7, ["U1"], {"id": 7}, "x", {})):
        world.event({**MESSAGE, "user": user}, f"Ev{number}")
    interact(world, {**TEAM, "type": "shortcut", "callback_id": "go"})
    command(world, user_id="W0WHO")
    world.work()
    assert sorted(who) == sorted(["U1A", "W1B", *[""] * 6, "U0NORTH001MEM", "W0WHO"])
