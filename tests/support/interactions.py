"""What users do with the app in Slack, as Slack tells it: commands typed, buttons pressed."""

import contextlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from slackapp.localslack.model import NotInstalled
from tests.support.client import Reply
from tests.support.world import APP_ID, NORTH, World

FORM = "application/x-www-form-urlencoded"
ADMIN, MEMBER, GUEST = "U0NORTH001ADM", "U0NORTH001MEM", "U0NORTH001GST"


def send(world: World, path: str, fields: Mapping[str, Any]) -> Reply:
    """A form, signed."""
    return world.post_signed(urlencode(fields).encode(), FORM, path)


def command_form(world: World, text: str = "help", **changes: Any) -> dict[str, Any]:
    """The form of a command; `changes` replace fields, and drop those that are given as None."""
    team = changes.get("team_id", NORTH)
    url = ""
    with contextlib.suppress(NotInstalled, KeyError):
        url = world.slack.response_url(team)
    whole = {
        "token": "legacy-verification-token", "team_id": NORTH, "channel_id": "C0NORTH001GEN", "user_id": MEMBER,
        "command": "/example", "text": text, "api_app_id": APP_ID, "is_enterprise_install": "false",
        "response_url": url, "trigger_id": "1.1.aa", **changes,
    }  # fmt: skip
    return {name: value for name, value in whole.items() if value is not None}


def command(world: World, text: str = "help", **changes: Any) -> Reply:
    """Somebody types a command."""
    return send(world, "/slack/commands", command_form(world, text, **changes))


def button_payload(user_id: str = ADMIN, **changes: Any) -> dict[str, Any]:
    """The payload of a press on the Home tab's button."""
    whole = {
        "type": "block_actions", "api_app_id": APP_ID, "token": "legacy-verification-token",
        "team": {"id": NORTH, "domain": "northwind"}, "user": {"id": user_id, "team_id": NORTH}, "enterprise": None,
        "is_enterprise_install": False, "view": {"type": "home", "team_id": NORTH, "app_installed_team_id": NORTH},
        "actions": [{"type": "button", "action_id": "remove_app", "action_ts": "1.1"}], **changes,
    }  # fmt: skip
    return {name: value for name, value in whole.items() if value is not ...}


def click_button(world: World, user_id: str = ADMIN, **changes: Any) -> Reply:
    """Somebody presses a button; `...` leaves a part out."""
    return interact(world, button_payload(user_id, **changes))


def interact(world: World, payload: Any) -> Reply:
    """A payload as it is."""
    return send(world, "/slack/interactivity", {"payload": json.dumps(payload)})
