"""The control page offers what the app takes, says what nobody handles, and lets a person type in peace."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from tests.localslack.client import Client, make_client
from tests.support.client import FORM

NORTH, ORG, ORG_NORTH, ORG_SOUTH = "T0NORTH001", "E0EVERGRN1", "T0EVERAA01", "T0EVERBB01"
TABLE = (
    "app_home_opened",
    "reaction_added",
    "/hello",
    "/bye",
    "block_actions:yes",
    "shortcut:new_task",
    "message_action:keep",
    "view_submission:form",
    "slackapp.installed",
)
BUTTONS = [
    {
        "type": "section",
        "text": {"type": "mrkdwn", "text": "Lunch <b>now</b>?"},
        "accessory": {"type": "button", "action_id": "maybe", "text": {"type": "plain_text", "text": "Maybe"}},
    },
    {
        "type": "actions",
        "block_id": "answer",
        "elements": [
            {"type": "button", "action_id": "yes", "value": "1", "text": {"type": "plain_text", "text": "Yes & now"}},
            {"type": "button", "text": {"type": "plain_text", "text": "No"}},
            "nonsense",
            {"type": "overflow"},
        ],
    },
]


@pytest.fixture
def told() -> Iterator[Client]:
    """An app whose table is known, installed in one workspace."""
    with make_client(handles=TABLE) as on:
        on.install()
        yield on


def page(on: Client) -> str:
    return on.request("GET", "/").text


def press(on: Client, action: str, **fields: str) -> int:
    return on.request("POST", f"/control/{action}", urlencode(fields), FORM).status


def sent(on: Client) -> list[Any]:
    """The payloads of the interactions that the app got."""
    on.slack.deliver_due()
    forms = [parse_qs(body.decode()) for headers, body in on.app.requests if headers["path"] == "/slack/interactivity"]
    return [json.loads(form["payload"][0]) for form in forms]


def said(on: Client, team: str = NORTH) -> list[tuple[str, str]]:
    return [(message["text"], message.get("ephemeral_to", "")) for message in on.slack.conversation(team)]


def test_what_the_table_has_is_offered_and_nothing_else(told: Client) -> None:
    text = page(told)
    for offered in (
        'value="/hello" list=',
        '<option value="/bye">',
        "Shortcut: new_task",
        "Open the Home tab",
        "<option>reaction_added</option>",
    ):
        assert offered in text, offered
    assert "Mention the app" not in text
    assert "Nobody handles a mention: the app's table has no key such as <code>app_mention</code>" in text
    assert "/example" not in text
    assert "not played: <code>view_submission:form</code>" in text
    told.slack.app = told.slack.app.__class__(**{**vars(told.slack.app), "handles": ("app_mention",)})
    assert "Mention the app" in page(told)
    assert "Nobody handles a command" in page(told)
    assert "Send the event" not in page(told)


def test_a_command_that_nobody_handles_is_answered_by_slack(told: Client) -> None:
    assert press(told, "command", team=NORTH, command="/nobody", text="x") == 303
    told.slack.deliver_due()
    assert (told.app.requests, len(said(told))) == ([], 1)
    assert said(told)[0][0] == "Nobody handles /nobody. The commands of the app's table: /hello, /bye."
    assert "only visible to northwind-member" in page(told)
    assert press(told, "command", team=NORTH, command="hello") == 400
    assert press(told, "command", team=NORTH, command="/a b") == 400
    assert press(told, "command", team="T0NOWHERE1", command="/nobody") == 400


@pytest.mark.parametrize(
    ("status", "body", "shown"),
    [
        (200, b"I do not know that command.", ("I do not know that command.", "U0NORTH001MEM")),
        (200, b'{"text": "To all", "response_type": "in_channel"}', ("To all", "")),
        (200, b"", None),
        (200, b'{"blocks": 7}', None),
        (404, b"", ('/hello failed with the error "dispatch_failed".', "U0NORTH001MEM")),
    ],
)
def test_what_the_app_answers_at_once_is_shown(
    told: Client, status: int, body: bytes, shown: tuple[str, str] | None
) -> None:
    told.app.bodies = [body]
    told.app.answers = [(status, {})]
    assert press(told, "command", team=NORTH, command="/hello") == 303
    told.slack.deliver_due()
    assert said(told) == ([shown] if shown else [])


def test_the_buttons_of_a_message_are_drawn_and_pressed_as_slack_does_it(told: Client) -> None:
    token = told.install()["access_token"]
    message = {"channel": "C0NORTH001GEN", "text": "hi"}
    assert told.api("chat.postMessage", token, **message)["error"] == "not_in_channel"
    assert "Invite the app to #general" in page(told)
    assert [press(told, "invite", team=team) for team in (NORTH, NORTH, "T0NOWHERE1")] == [303, 303, 400]
    assert "Invite the app to #general" not in page(told)
    posted = told.api("chat.postMessage", token, channel="C0NORTH001GEN", text="fallback", blocks=json.dumps(BUTTONS))
    text = page(told)
    assert "Lunch &lt;b&gt;now&lt;/b&gt;?" in text
    assert "fallback" not in text
    assert ">Yes &amp; now</button>" in text
    assert "nobody handles <code>block_actions:maybe</code>" in text
    assert "nobody handles <code>block_actions:yes</code>" not in text
    at = {"team": NORTH, "channel": "C0NORTH001GEN", "ts": posted["ts"]}
    assert [press(told, "press", **at, action_id=action_id) for action_id in ("yes", "a1.1", "gone")] == [303, 303, 400]
    yes, no = sent(told)
    assert (yes["type"], yes["container"]["message_ts"], yes["message"]["ts"]) == (
        "block_actions",
        posted["ts"],
        posted["ts"],
    )
    assert (yes["channel"], yes["user"]["id"]) == ({"id": "C0NORTH001GEN", "name": "general"}, "U0NORTH001MEM")
    assert [(a["block_id"], a["action_id"], a["value"]) for a in yes["actions"]] == [("answer", "yes", "1")]
    assert no["actions"][0]["action_id"] == "a1.1"
    assert yes["response_url"].startswith(f"{told.base}/commands/{NORTH}/")
    assert press(told, "press", team=NORTH, channel="C0NORTH001GEN", ts="1.1", action_id="yes") == 400
    assert press(told, "press", team="T0NOWHERE1", channel="C", ts="1.1", action_id="yes") == 400


def test_a_messages_mrkdwn_is_drawn(told: Client) -> None:
    token = told.install()["access_token"]
    press(told, "invite", team=NORTH)
    member = "U0NORTH001MEM"
    for text, drawn in (
        (f"*Hi <@{member}>!*", "<strong>Hi @northwind-member!</strong>"),
        ("type `/hello *there*`", "type <code>/hello *there*</code>"),
        (
            "<https://example.com/?a=1&amp;b=%22|our &lt;docs&gt;>",
            '<a href="https://example.com/?a=1&amp;b=%22">our &lt;docs&gt;</a>',
        ),
        ("<https://example.com/>", '<a href="https://example.com/">https://example.com/</a>'),
        ("2 * 3 * 4 &amp; a*b*c", "2 * 3 * 4 &amp; a*b*c"),
        ("<javascript:alert(1)|x>", "&lt;javascript:alert(1)|x&gt;"),
        ('<https://example.com/"onclick="x|y>', '<a href="https://example.com/&quot;onclick=&quot;x">y</a>'),
        ("<b>*<i>*</b>", "&lt;b&gt;<strong>&lt;i&gt;</strong>&lt;/b&gt;"),
    ):
        told.api("chat.postMessage", token, channel="C0NORTH001GEN", text=text)
        assert f'<div class="said">{drawn}</div>' in page(told), text


def test_a_home_tab_goes_with_the_app(told: Client) -> None:
    token = told.install()["access_token"]
    view = {"type": "home", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "All is well."}}]}
    assert told.api("views.publish", token, user_id="U0NORTH001ADM", view=json.dumps(view))["ok"]
    assert "All is well." in page(told)
    assert press(told, "uninstall", team=NORTH) == 303
    assert "is installed nowhere. Install it" in page(told)
    told.install()
    assert "All is well." not in page(told)


def test_shortcuts_and_other_events_are_sent(told: Client) -> None:
    told.slack.mention(NORTH, "hi")
    ts = told.slack.conversation(NORTH)[0]["ts"]
    assert press(told, "shortcut", team=NORTH, callback_id="new_task") == 303
    assert press(told, "shortcut", team=NORTH, callback_id="keep", channel="C0NORTH001GEN", ts=ts) == 303
    first, second = sent(told)
    assert (first["type"], first["callback_id"], first["team"]["id"]) == ("shortcut", "new_task", NORTH)
    assert (second["type"], second["callback_id"], second["message"]["ts"]) == ("message_action", "keep", ts)
    assert press(told, "event", team=NORTH, type="reaction_added", fields='{"reaction": "eyes"}') == 303
    told.slack.deliver_due()
    event = told.app.events[-1]["event"]
    assert (event["type"], event["reaction"], "event_ts" in event) == ("reaction_added", "eyes", True)
    for wrong in ({"fields": "["}, {"fields": "[]"}, {"type": ""}):
        assert press(told, "event", **{"team": NORTH, "type": "reaction_added", **wrong}) == 400
    assert press(told, "event", team="T0NOWHERE1", type="reaction_added") == 400
    assert press(told, "shortcut", team="T0NOWHERE1", callback_id="new_task") == 400


def test_an_enterprise_wide_install_is_in_no_workspace_until_it_is_added(on: Client) -> None:
    on.slack.org_adds_workspaces = type(on.slack)(on.slack.app, on.clock, lambda n: b"x" * n).org_adds_workspaces
    on.install(ORG)
    text = page(on)
    assert "It is not in Evergreen North, Evergreen South yet." in text
    assert "Mention the app" not in text
    add = f"/manage/{ORG}/integrations/profile/A0LOCAL001/workspaces/add"
    assert f'href="{add}"' in text
    assert press(on, "mention", team=ORG_NORTH) == 400
    asked = on.request("GET", add)
    assert (asked.status, asked.text.count('type="checkbox"')) == (200, 2)
    assert on.request("POST", add, urlencode({"team": NORTH}), FORM).status == 400
    evil = {**FORM, "Origin": "http://evil.example"}
    assert on.request("POST", add, urlencode({"team": ORG_NORTH}), evil).status == 403
    for _ in range(2):
        done = on.request("POST", add, urlencode({"team": ORG_NORTH}), FORM)
        assert (done.status, done.headers["location"]) == (303, "/")
    on.slack.deliver_due()
    told = [(event["event"]["type"], event["event"]["team_ids"]) for event in on.app.events]
    assert told == [("team_access_granted", [ORG_NORTH])]
    assert "In Evergreen North" in page(on)
    assert "It is not in Evergreen South yet." in page(on)
    assert on.request("GET", add).text.count('type="checkbox"') == 1
    assert press(on, "mention", team=ORG_NORTH) == 303
    assert press(on, "withdraw", team=ORG_NORTH, org=ORG) == 303
    assert "In Evergreen North" not in page(on)
    on.request("POST", add, urlencode([("team", ORG_NORTH), ("team", ORG_SOUTH)]), FORM)
    assert "Every workspace has the app" in on.request("GET", add).text
    for path in (add.replace("A0LOCAL001", "A0OTHER001"), add.replace(ORG, "E0NOWHERE1")):
        assert [on.request(method, path, "", FORM).status for method in ("GET", "POST")] == [404, 404]


def test_the_page_is_kept_fresh_by_a_script_of_its_own_and_never_loads_itself_again(on: Client) -> None:
    assert 'href="http://localhost:3000/"' in page(on), "where to install it from"
    on.install()
    assert press(on, "mention", team=NORTH, text="hi") == 303
    answer = on.request("GET", "/")
    assert "http-equiv" not in answer.text
    assert answer.text.count("<script") == 1
    assert '<script src="/local.js" defer></script>' in answer.text
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'; connect-src 'self'" in policy
    assert "unsafe" not in policy
    script = on.request("GET", "/local.js")
    assert (script.status, script.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    parts = re.findall(r'data-part="([^"]+)"', answer.text)
    assert parts == ["app", f"tenant-{NORTH}", f"talk-{NORTH}", "faults", "deliveries"]
    forms = re.findall(r'action="([^"]+)"', answer.text)
    assert len(forms) > 5
    assert all(action.startswith("/control/") for action in forms), "the script sends these, and stays"


def test_no_page_asks_for_an_icon_that_is_not_there(on: Client) -> None:
    asked = on.request("GET", "/oauth/v2/authorize").text
    for text in (page(on), asked):
        assert '<link rel="icon" type="image/svg+xml" href="/favicon.ico">' in text
    icon = on.request("GET", "/favicon.ico")
    assert (icon.status, icon.headers["content-type"], icon.text[:4]) == (200, "image/svg+xml", "<svg")
