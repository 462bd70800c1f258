"""A signed form is a command or an interaction of ours, or it is refused; what is used is chosen by one key."""

import json
from typing import Any

import pytest

from slackapp.checks.interaction import read_command, read_interaction
from slackapp.errors import Refusal
from tests.checks.helpers import refusal_of

APP = "A0LOCAL001"
PRESS = {"type": "block_actions", "actions": [{"action_id": "remove_app"}], "user": {"id": "U1"}}


def form_of(payload: Any) -> dict[str, str]:
    return {"payload": payload if isinstance(payload, str) else json.dumps(payload)}


def press(**changes: Any) -> dict[str, str]:
    return form_of({"api_app_id": APP, **PRESS, **changes})


def test_a_command_is_chosen_by_its_name_and_keeps_its_fields_but_not_the_old_token() -> None:
    form = {"api_app_id": APP, "command": "/example", "text": "help", "token": "legacy"}
    found = read_command(form, APP)
    assert found is not None
    assert (found.key, found.fields) == ("/example", {"api_app_id": APP, "command": "/example", "text": "help"})


@pytest.mark.parametrize("app_id", ["", "A0OTHER001", f"{APP} ", APP.lower()])
@pytest.mark.claim("C-70")
def test_what_is_another_apps_is_not_ours(app_id: str) -> None:
    """Before anything else of it is looked at."""
    assert read_command({"command": "/Bad Command", "api_app_id": app_id}, APP) is None
    assert read_interaction(form_of({"api_app_id": app_id, "type": 7}), APP) is None


def test_what_names_no_app_is_ours() -> None:
    """Shortcuts and legacy buttons do not say whose they are; the secret that signed them is one app's alone."""
    shortcut = {"type": "shortcut", "callback_id": "go"}
    for payload in (shortcut, {**shortcut, "api_app_id": None}):
        found = read_interaction(form_of(payload), APP)
        assert found is not None
        assert found.key == "shortcut:go"
    assert read_command({"command": "/example"}, APP) is not None


@pytest.mark.parametrize("app_id", [7, 0, False, [APP], {"id": APP}])
def test_an_app_id_of_another_type_is_refused(app_id: Any) -> None:
    assert refusal_of(lambda: read_interaction(form_of({**PRESS, "api_app_id": app_id}), APP)) is Refusal.EVENT


@pytest.mark.parametrize(
    "name",
    [
        "", "/", "example", "/ex ample", "/example\n", "/" + "a" * 32, "//a", "/a\0", "/a\x85", "/a\u2028", "/a\u3000",
        "/a\ud800", "/a\x7f", "/a\x1b",
    ],
    ids=ascii,
)  # fmt: skip
def test_a_command_without_a_commands_name_is_refused(name: str) -> None:
    assert refusal_of(lambda: read_command({"api_app_id": APP, "command": name}, APP)) is Refusal.EVENT


def test_a_command_may_be_as_long_as_slack_lets_it_be() -> None:
    found = read_command({"api_app_id": APP, "command": "/" + "a" * 31}, APP)
    assert found is not None


@pytest.mark.parametrize(
    "name",
    [
        "/\u4f8b",
        "/\u043f\u043e\u043c\u043e\u0449\u044c",
        "/\xe9t\xe9",
        "/Example",
        "/a.b",
        "/\U0001f44b",
        "/" + "\u4f8b" * 31,
    ],
)
def test_a_command_may_be_of_any_script(name: str) -> None:
    found = read_command({"api_app_id": APP, "command": name}, APP)
    assert found is not None
    assert found.key == name


KEYS: dict[str, dict[str, Any]] = {
    "block_actions:remove_app": PRESS,
    "block_actions:first": {"type": "block_actions", "actions": [{"action_id": "first"}, {"action_id": "second"}]},
    "block_actions:4Rr/x+=": {"type": "block_actions", "actions": [{"action_id": "4Rr/x+="}]},
    "block_suggestion:pick": {"type": "block_suggestion", "action_id": "pick"},
    "view_submission:form": {"type": "view_submission", "view": {"callback_id": "form"}, "callback_id": "not this"},
    "view_submission:": {"type": "view_submission", "view": {"callback_id": ""}},
    "view_closed:form": {"type": "view_closed", "view": {"callback_id": "form"}},
    "shortcut:go": {"type": "shortcut", "callback_id": "go"},
    "message_action:on": {"type": "message_action", "callback_id": "on", "actions": 7},
    "of_tomorrow:": {"type": "of_tomorrow", "surprise": [None]},
    "of_tomorrow:x": {"type": "of_tomorrow", "callback_id": "x"},
}


@pytest.mark.parametrize("key", KEYS)
def test_an_interaction_is_chosen_by_its_type_and_the_id_that_the_app_gave(key: str) -> None:
    found = read_interaction(form_of({"api_app_id": APP, "token": "legacy", **KEYS[key]}), APP)
    assert found is not None
    assert (found.key, found.fields) == (key, {"api_app_id": APP, **KEYS[key]})


@pytest.mark.parametrize(
    "changes",
    [
        {"type": None}, {"type": 7}, {"type": []}, {"type": ""}, {"type": "Block_Actions"}, {"type": "a" * 65},
        {"type": "block_actions:x"}, {"type": "/example"},
        {"actions": None}, {"actions": []}, {"actions": {}}, {"actions": "x"}, {"actions": [None]}, {"actions": [[]]},
        {"actions": [{}]}, {"actions": [{"action_id": None}]}, {"actions": [{"action_id": 7}]},
        {"actions": [{"action_id": {}}]}, {"actions": [{"action_id": "x" * 256}]},
        {"actions": [{"action_id": "x\0"}]}, {"actions": [{"action_id": "x\ud800"}]},
        {"type": "view_submission"}, {"type": "view_submission", "view": None}, {"type": "view_submission", "view": []},
        {"type": "view_submission", "view": {}}, {"type": "view_submission", "view": {"callback_id": 7}},
        {"type": "shortcut"}, {"type": "shortcut", "callback_id": None}, {"type": "message_action", "callback_id": []},
        {"type": "of_tomorrow", "callback_id": 7},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.claim("C-74")
def test_an_interaction_with_a_part_missing_or_of_another_type_is_refused(changes: dict[str, Any]) -> None:
    assert refusal_of(lambda: read_interaction(press(**changes), APP)) is Refusal.EVENT


def test_an_actions_id_may_be_as_long_as_slack_lets_it_be() -> None:
    found = read_interaction(press(actions=[{"action_id": "x" * 255}]), APP)
    assert found is not None


@pytest.mark.parametrize(
    "payload", ["", "{", "[]", "null", "7", '"x"', '{"a": 1, "a": 2}', '{"a": NaN}', '"\\ud800"', "\ud800"]
)
def test_a_payload_that_is_no_object_is_refused(payload: str) -> None:
    assert refusal_of(lambda: read_interaction({"payload": payload}, APP)) is Refusal.JSON
    assert refusal_of(lambda: read_interaction({}, APP)) is Refusal.JSON


def test_what_somebody_typed_is_not_shown() -> None:
    found = read_command({"api_app_id": APP, "command": "/example", "text": "canary"}, APP)
    assert "canary" not in repr(found)
