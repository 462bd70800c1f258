"""The app's manifest, as Slack takes it: made from the settings and from what the behaviour handles.

As data, and as the little of YAML that it takes to write that down with comments: no library is needed.

Read:    docs.slack.dev/reference/app-manifest
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slackapp.checks import scope_reasons
from slackapp.checks.interaction import OPTIONS_PREFIXES
from slackapp.checks.lifecycle import LIFECYCLE_TYPES
from slackapp.model import CALLBACK_PATH, COMMANDS_PATH, EVENTS_PATH, HOST_CALLBACK_PATH, INTERACTIVITY_PATH

COMMANDS = {"/example": ("Says how the app is", "[status | help]")}
"""What Slack shows beside a command while it is typed; other commands get general words."""
_OTHER_COMMAND = ("Say help to see what it does", "[help]")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:(?:[.,!?]? |[_-])[A-Za-z0-9]+)*[.!?]?")
_RESERVED = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
_COMMAND = re.compile(r"/[A-Za-z0-9_-]+")
_HEAD = """\
# The app as Slack knows it. Written by: slackapp manifest --url {url}
# Give it your own address, then paste what it prints at https://api.slack.com/apps under "Create New App", "From a
# manifest". Each scope serves a feature that exists; docs/scopes.md says which.
"""
_WRITTEN_BY = re.compile(r"# The app as Slack knows it\. Written by: slackapp manifest --url (\S+)\n")
_LONG_DESCRIPTION = """\
{use} Behind {behind} stands
a small service that installs the app in many workspaces, keeps the tokens of each one encrypted and apart,
renews them before they expire, and erases everything it holds about a workspace when the app is removed."""
_MENTION = "Invite the app to a channel and mention it: it answers there, in a thread."
_REMOVE = "block_actions:remove_app"
"""The key of the example's button on its Home tab."""
_ADMINS = (
    "  # users:read, where SLACKAPP_HOME_ADMIN, SLACKAPP_REQUIRE_ADMIN_INSTALLER or the host side is on: to see who is "
    "an admin"
)


@dataclass(frozen=True)
class Plan:
    """Input of a manifest. `handles` are the keys of the behaviour's table, `reasons` its `SCOPES`.

    `host`: with the host side, to which Slack sends browsers back at an address of its own. `replies`: it hears of what
    people answer to messages.
    """

    url: str
    name: str
    description: str
    bot_scopes: tuple[str, ...]
    user_scopes: tuple[str, ...]
    handles: frozenset[str]
    reasons: Mapping[str, str]
    host: bool = False
    replies: bool = False


def manifest_data(plan: Plan) -> dict[str, Any]:
    """The manifest as data."""
    data: dict[str, Any] = _without_comments(_tree(plan))
    data["display_information"]["long_description"] = _long_description(plan.handles).replace("\n", " ")
    return data


def write(plan: Plan) -> str:
    """The manifest as text."""
    return _HEAD.format(url=plan.url) + "\n".join(_lines(_tree(plan), _notes(plan))) + "\n"


def find_address(text: str) -> str | None:
    """The address that a text of ours was written for, by its first line."""
    found = _WRITTEN_BY.match(text)
    return found[1] if found else None


def events_of(handles: Iterable[str]) -> tuple[str, ...]:
    """Lists the events to subscribe to: the behaviour's own, and always the two that tell of removal."""
    own = {key for key in handles if not key.startswith(("/", "slackapp.")) and ":" not in key}
    return tuple(sorted(own | LIFECYCLE_TYPES))


def _tree(plan: Plan) -> dict[str, Any]:
    """The data in its order; a key that begins with `#` is a comment."""
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": plan.name,
            "description": plan.description,
            "long_description": _long_description(plan.handles),
        },
        "features": _features(plan),
        "oauth_config": {"redirect_urls": _redirect_urls(plan), "scopes": _scopes(plan)},
        "settings": {
            "event_subscriptions": {"request_url": plan.url + EVENTS_PATH, "bot_events": _events(plan)},
            "interactivity": _interactivity(plan),
            "org_deploy_enabled": True,
            "socket_mode_enabled": False,
            "token_rotation_enabled": True,
        },
    }


def _events(plan: Plan) -> list[str]:
    told = scope_reasons.host_events(plan.bot_scopes, plan.replies) if plan.host else frozenset()
    return sorted({*events_of(plan.handles), *told})


def _redirect_urls(plan: Plan) -> list[str]:
    return [plan.url + CALLBACK_PATH, *([plan.url + HOST_CALLBACK_PATH] if plan.host else [])]


def _long_description(handles: Collection[str]) -> str:
    """Describes how the app is used, by what its table handles, and what stands behind it; in lines, as folded."""
    if "app_mention" in handles:
        return _LONG_DESCRIPTION.format(use=_MENTION, behind="this one reply")
    commands = sorted(key for key in handles if key.startswith("/"))
    use = f"Type {commands[0]} in any channel to use the app." if commands else "Install the app to use it."
    return _LONG_DESCRIPTION.format(use=use, behind="it")


def _features(plan: Plan) -> dict[str, Any]:
    features: dict[str, Any] = {
        "app_home": {
            "home_tab_enabled": "app_home_opened" in plan.handles,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": True,
        }
    }
    if plan.bot_scopes:
        handle = re.sub(r"[^a-z0-9._-]+", "-", plan.name.lower()).strip("-.") or "app"
        features["bot_user"] = {"display_name": handle, "always_online": False}
    for key in sorted(key for key in plan.handles if key.startswith(("shortcut:", "message_action:"))):
        features[f"# shortcuts: {key} is handled; its name and its type are yours to add here"] = None
    commands = sorted(key for key in plan.handles if key.startswith("/"))
    if commands and "commands" in plan.bot_scopes:
        features["slash_commands"] = [_command(plan.url, command) for command in commands]
    return features


def _command(url: str, command: str) -> dict[str, Any]:
    description, usage = COMMANDS.get(command, _OTHER_COMMAND)
    return {
        "command": command,
        "url": url + COMMANDS_PATH,
        "description": description,
        "usage_hint": usage,
        "should_escape": True,
    }


def _scopes(plan: Plan) -> dict[str, Any]:
    bot = {"bot": list(plan.bot_scopes)} if plan.bot_scopes else {}
    admins = {_ADMINS: None} if "users:read" not in plan.bot_scopes else {}
    user = {"user": list(plan.user_scopes)} if plan.user_scopes else {}
    return {**bot, **admins, **user}


def _interactivity(plan: Plan) -> dict[str, Any]:
    if not any(":" in key for key in plan.handles):
        return {"is_enabled": False}
    address = plan.url + INTERACTIVITY_PATH
    has_menus = any(key.startswith(OPTIONS_PREFIXES) for key in plan.handles)
    menus = {"message_menu_options_url": address} if has_menus else {}
    return {"is_enabled": True, "request_url": address, **menus}


def _notes(plan: Plan) -> dict[str, str]:
    """Comments behind a value, by its key, or by the scope or event that it is."""
    notes = {
        "messages_tab_read_only_enabled": "nothing listens to what is written here",
        "token_rotation_enabled": "cannot be switched off again at Slack",
    }
    if "slackapp.installed" in plan.handles:
        notes["messages_tab_enabled"] = "the greeting of the installer arrives here"
    if _REMOVE in plan.handles:
        notes["is_enabled"] = "the button on the Home tab"
        if "app_home_opened" in plan.handles:
            notes["home_tab_enabled"] = "how the app is; for admins how to remove it, where SLACKAPP_HOME_ADMIN is on"
    if plan.host:
        notes[plan.url + HOST_CALLBACK_PATH] = "the host side"
        notes |= dict.fromkeys(scope_reasons.host_events(plan.bot_scopes), "the host side: is a channel still there")
        answers = {event for events in scope_reasons.REPLY_EVENTS.values() for event in events}
        notes |= dict.fromkeys(answers, "the host side: who answers a message")
    for scope in plan.bot_scopes + plan.user_scopes:
        notes[scope] = scope_reasons.reason_text(scope, plan.handles, plan.reasons) or "why?"
    return {**scope_reasons.EVENTS_WITHOUT_SCOPE, **notes}


def _without_comments(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _without_comments(part) for key, part in value.items() if not key.lstrip().startswith("#")}


def _lines(mapping: Mapping[str, Any], notes: Mapping[str, str], indent: str = "") -> Iterator[str]:
    """YAML in blocks."""
    for key, value in mapping.items():
        if value is None:
            yield f"{indent}{key}"
        elif isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from _lines(value, notes, f"{indent}  ")
        elif isinstance(value, list):
            yield f"{indent}{key}:"
            for item in value:
                first, *others = [_with_comment(item, item, notes)] if isinstance(item, str) else _lines(item, notes)
                yield f"{indent}  - {first}"
                yield from (f"{indent}    {line}" for line in others)
        elif key == "long_description":
            yield f"{indent}{key}: >-"
            yield from (f"{indent}  {line}" for line in value.split("\n"))
        else:
            yield f"{indent}{key}: {_with_comment(_scalar(key, value), key, notes)}"


def _with_comment(text: str, name: str, notes: Mapping[str, str]) -> str:
    return f"{text} # {notes[name]}" if name in notes else text


def _scalar(key: str, value: Any) -> str:
    """Writes a value as YAML reads it back, a string plain where that is safe.

    JSON's quotation marks are YAML's, too.
    """
    if isinstance(value, str):
        is_plain = key.endswith("url") or (key == "command" and _COMMAND.fullmatch(value)) or _is_plain(value)
        return value if is_plain else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)


def _is_plain(text: str) -> bool:
    return bool(_PLAIN.fullmatch(text)) and text.lower() not in _RESERVED
