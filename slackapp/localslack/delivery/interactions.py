"""Interactions of users with what the app shows: buttons, shortcuts.

Follows docs.slack.dev/reference/interaction-payloads (block_actions, shortcuts).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slackapp.localslack.delivery import events
from slackapp.localslack.model import ControlError, Json
from slackapp.localslack.pages import blocks

if TYPE_CHECKING:
    from slackapp.localslack.server import LocalSlack


def press_home(slack: LocalSlack, team_id: str, user_id: str, action_id: str) -> None:
    """Presses a button of a user's own Home tab, its confirmation included. Raises ControlError."""
    view = slack.state.views.get(team_id, {}).get(user_id)
    if view is None:
        raise ControlError("nobody has opened that Home tab yet")
    held = {"container": {"type": "view", "view_id": view["id"]}, "view": view}
    slack.interact(
        _who(slack, team_id, user_id)
        | held
        | {
            "type": "block_actions",
            "trigger_id": _trigger(slack),
            "actions": [_action(slack, view["blocks"], action_id)],
        }
    )


def press_message(slack: LocalSlack, team_id: str, channel_id: str, ts: str, action_id: str) -> None:
    """Presses a button of a message, as the plain member, or as who alone sees the message.

    Raises NotInstalled, ControlError.
    """
    message = find_message(slack, team_id, channel_id, ts)
    user_id = message.get("ephemeral_to") or slack.workspaces[team_id].member
    slack.interact(
        _on_message(slack, team_id, user_id, message)
        | {
            "type": "block_actions",
            "actions": [_action(slack, message.get("blocks"), action_id)],
            "container": {
                "type": "message",
                "message_ts": ts,
                "channel_id": channel_id,
                "is_ephemeral": "ephemeral_to" in message,
            },
            "state": {"values": {}},
        }
    )


def shortcut(slack: LocalSlack, team_id: str, callback_id: str) -> None:
    """Uses a global shortcut, as the plain member. Raises NotInstalled."""
    events.install_for(slack, team_id)
    slack.interact(
        _who(slack, team_id, slack.workspaces[team_id].member)
        | {"type": "shortcut", "callback_id": callback_id, "trigger_id": _trigger(slack), "action_ts": slack.next_ts()}
    )


def message_action(slack: LocalSlack, team_id: str, callback_id: str, channel_id: str, ts: str) -> None:
    """Uses a shortcut on a message, as the plain member. Raises NotInstalled, ControlError."""
    message = find_message(slack, team_id, channel_id, ts)
    slack.interact(
        _on_message(slack, team_id, slack.workspaces[team_id].member, message)
        | {"type": "message_action", "callback_id": callback_id, "message_ts": ts, "action_ts": slack.next_ts()}
    )


def find_message(slack: LocalSlack, team_id: str, channel_id: str, ts: str) -> Json:
    """A message of a workspace. Raises ControlError."""
    for message in slack.conversation(team_id):
        if (message["channel"], message["ts"]) == (channel_id, ts):
            return message
    raise ControlError("there is no such message any more")


def _on_message(slack: LocalSlack, team_id: str, user_id: str, message: Json) -> Json:
    channel = slack.accounts.channel(message["channel"])
    name = channel.name if channel else "directmessage"
    return _who(slack, team_id, user_id) | {
        "channel": {"id": message["channel"], "name": name},
        "message": message,
        "trigger_id": _trigger(slack),
        "response_url": slack.response_url(team_id, user_id, message["channel"]),
    }


def _who(slack: LocalSlack, team_id: str, user_id: str) -> Json:
    workspace, user = slack.workspaces[team_id], slack.users.get(user_id)
    install, name = events.install_for(slack, team_id), user.name if user else ""
    enterprise = slack.enterprises.get(workspace.enterprise_id)
    return {
        "user": {"id": user_id, "username": name, "name": name, "team_id": team_id},
        "team": {"id": team_id, "domain": workspace.domain},
        "enterprise": {"id": enterprise.id, "name": enterprise.name} if enterprise else None,
        "is_enterprise_install": install.is_enterprise_install,
    }


def _action(slack: LocalSlack, held: object, action_id: str) -> Json:
    for found in blocks.buttons(held):
        if found.action_id == action_id:
            ids = {"block_id": found.block_id, "action_id": found.action_id}
            return found.element | ids | {"action_ts": slack.next_ts()}
    raise ControlError("there is no such button any more")


def _trigger(slack: LocalSlack) -> str:
    return f"{slack.next_serial()}.1.{slack.entropy(8).hex()}"
