"""Command or interaction that can be stored, read from a verified form, with the key of its function.

Stops:   a field of an unexpected type or size reaching a behaviour's look-up; an interaction of another app.
How:     `api_app_id`, where there is one, must be ours: shortcuts and legacy buttons have none, and the signing secret
         is one app's alone. Names of commands and types must have their forms, and ids of actions, which may be any
         text, a bounded length. The key, such as `/name` or `block_actions:ACTION`, alone chooses the function.
Does not stop: anything, if the signature was not verified first.
Read:    docs.slack.dev/interactivity (implementing slash commands, handling user interaction)
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from slackapp.checks.json_body import parse_json
from slackapp.errors import Refusal, Refused

# Any script: no space, no control character, no half of a surrogate pair.
_COMMAND = re.compile(r"/[^/\s\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,31}")
_NAME = re.compile(r"[^\x00\ud800-\udfff]{0,255}")
_TYPE = re.compile(r"[a-z_]{1,64}")
_TYPES_WITH_ID = frozenset(
    {"block_actions", "block_suggestion", "view_submission", "view_closed", "shortcut", "message_action"}
)
OPTIONS_PREFIXES = ("block_suggestion:", "dialog_suggestion:")
"""How the keys begin of what Slack wants answered in the response itself: the options of a menu."""


class Interaction(NamedTuple):
    """Interaction of a user: `key` chooses the function, `fields` is its input."""

    key: str
    fields: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Interaction({self.key})"


def read_command(form: Mapping[str, str], app_id: str) -> Interaction | None:
    """A slash command; None for another app's. Raises Refused."""
    # claim: C-70
    if not _is_ours(form.get("api_app_id"), app_id):
        return None
    command = form.get("command", "")
    if not _COMMAND.fullmatch(command):
        raise Refused(Refusal.EVENT)
    return Interaction(command, {name: value for name, value in form.items() if name != "token"})


def read_interaction(form: Mapping[str, str], app_id: str) -> Interaction | None:
    """A button, a modal, a shortcut; None for another app's. Raises Refused."""
    # A half of a surrogate pair in bytes is no UTF-8: parse_json refuses it.
    payload = parse_json(form.get("payload", "").encode("utf-8", "surrogatepass"))
    # claim: C-70
    if not _is_ours(payload.get("api_app_id"), app_id):
        return None
    kind = payload.get("type")
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
        raise Refused(Refusal.EVENT)
    name = _action_or_callback_id(kind, payload)
    if name is None and kind not in _TYPES_WITH_ID:
        name = ""  # a type of tomorrow
    # claim: C-74
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Refused(Refusal.EVENT)
    return Interaction(f"{kind}:{name}", {key: value for key, value in payload.items() if key != "token"})


def _is_ours(claimed_app: object, app_id: str) -> bool:
    if claimed_app is not None and not isinstance(claimed_app, str):
        raise Refused(Refusal.EVENT)
    return claimed_app is None or claimed_app == app_id


def _action_or_callback_id(kind: str, payload: Mapping[str, Any]) -> object:
    """Reads the app's id of what was used; Slack makes one up for an action without any."""
    holder: Any = payload
    if kind.startswith("view_"):
        holder = payload.get("view")
    elif kind == "block_actions":
        actions = payload.get("actions")
        holder = actions[0] if isinstance(actions, list) and actions else None
    of = "action_id" if kind in ("block_actions", "block_suggestion") else "callback_id"
    return holder.get(of) if isinstance(holder, Mapping) else None
