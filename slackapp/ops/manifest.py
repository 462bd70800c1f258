"""The app's manifest, as Slack takes it: written from the settings and from what the behaviour handles.

A template of our own, so that its comments stay and no library is needed. What it says is there as data, too: what we
have written ourselves, nobody needs to read.

Read:    docs.slack.dev/reference/app-manifest
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from slackapp.checks import scope_reasons
from slackapp.checks.interaction import AT_ONCE
from slackapp.checks.lifecycle import LIFECYCLE_TYPES
from slackapp.model import CALLBACK_PATH, COMMANDS_PATH, EVENTS_PATH, INTERACTIVITY_PATH

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
_metadata:
  major_version: 2
  minor_version: 1
display_information:
  name: {name}
  description: {description}
  long_description: >-
    {long_description}
features:
"""
_LONG_DESCRIPTION = """\
{use} Behind {behind} stands
a small service that installs the app in many workspaces, keeps the tokens of each one encrypted and apart,
renews them before they expire, and erases everything it holds about a workspace when the app is removed."""
_WRITTEN_BY = re.compile(r"# The app as Slack knows it\. Written by: slackapp manifest --url (\S+)\n")
_HOME = """\
  app_home:
    home_tab_enabled: {home}
    messages_tab_enabled: true{greeting}
    messages_tab_read_only_enabled: true # nothing listens to what is written here
"""
_GREETING = " # the greeting of the installer arrives here"
_BUTTON = " # the button on the Home tab"
_MENTION = "Invite the app to a channel and mention it: it answers there, in a thread."
_REMOVE = "block_actions:remove_app"
"""The key of the example's button on its Home tab."""
_HOME_COMMENT = " # how the app is; for admins how to remove it, where SLACKAPP_HOME_ADMIN is on"
_TAIL = """\
  org_deploy_enabled: true
  socket_mode_enabled: false
  token_rotation_enabled: true # cannot be switched off again at Slack
"""


@dataclass(frozen=True)
class Plan:
    """What a manifest is written from. `handles` are the keys of the behaviour's table, `reasons` its `SCOPES`."""

    url: str
    name: str
    description: str
    bot_scopes: tuple[str, ...]
    user_scopes: tuple[str, ...]
    handles: frozenset[str]
    reasons: Mapping[str, str]


def write(plan: Plan) -> str:
    """The whole text."""
    long_description = _long_description(plan.handles).replace("\n", "\n    ")
    name, description = quoted(plan.name), quoted(plan.description)
    return (
        _HEAD.format(url=plan.url, name=name, description=description, long_description=long_description)
        + _features(plan)
        + _oauth(plan)
        + _settings(plan)
        + _TAIL
    )


def written_for(text: str) -> str | None:
    """The address that a text of ours was written for, by its first line."""
    found = _WRITTEN_BY.match(text)
    return found[1] if found else None


def content(plan: Plan) -> dict[str, Any]:
    """What the text says, as data."""
    scopes = {"bot": list(plan.bot_scopes), "user": list(plan.user_scopes)}
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": plan.name,
            "description": plan.description,
            "long_description": _long_description(plan.handles).replace("\n", " "),
        },
        "features": _features_content(plan),
        "oauth_config": {
            "redirect_urls": [plan.url + CALLBACK_PATH],
            "scopes": {kind: names for kind, names in scopes.items() if names},
        },
        "settings": {
            "event_subscriptions": {"request_url": plan.url + EVENTS_PATH, "bot_events": list(events_of(plan.handles))},
            "interactivity": _interactivity_content(plan),
            "org_deploy_enabled": True,
            "socket_mode_enabled": False,
            "token_rotation_enabled": True,
        },
    }


def _features_content(plan: Plan) -> dict[str, Any]:
    features: dict[str, Any] = {
        "app_home": {
            "home_tab_enabled": "app_home_opened" in plan.handles,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": True,
        }
    }
    if plan.bot_scopes:
        features["bot_user"] = {"display_name": _handle(plan.name), "always_online": False}
    commands = _commands(plan)
    if commands:
        features["slash_commands"] = [
            {
                "command": command,
                "url": plan.url + COMMANDS_PATH,
                "description": description,
                "usage_hint": usage,
                "should_escape": True,
            }
            for command, (description, usage) in commands.items()
        ]
    return features


def _interactivity_content(plan: Plan) -> dict[str, Any]:
    if not _is_interactive(plan):
        return {"is_enabled": False}
    address = plan.url + INTERACTIVITY_PATH
    menus = {"message_menu_options_url": address} if _has_menus(plan) else {}
    return {"is_enabled": True, "request_url": address, **menus}


def _long_description(handles: Collection[str]) -> str:
    """As it is folded; with how the app is used, by what its table handles."""
    if "app_mention" in handles:
        return _LONG_DESCRIPTION.format(use=_MENTION, behind="this one reply")
    commands = sorted(key for key in handles if key.startswith("/"))
    use = f"Type {commands[0]} in any channel to use the app." if commands else "Install the app to use it."
    return _LONG_DESCRIPTION.format(use=use, behind="it")


def _handle(name: str) -> str:
    """The bot's name at Slack."""
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-.") or "app"


def _commands(plan: Plan) -> dict[str, tuple[str, str]]:
    """Each command of the table, with what Slack shows beside it."""
    commands = sorted(key for key in plan.handles if key.startswith("/")) if "commands" in plan.bot_scopes else []
    return {command: COMMANDS.get(command, _OTHER_COMMAND) for command in commands}


def _is_interactive(plan: Plan) -> bool:
    return any(":" in key for key in plan.handles)


def _has_menus(plan: Plan) -> bool:
    return any(key.startswith(AT_ONCE) for key in plan.handles)


def quoted(text: str) -> str:
    """A string as YAML reads it back, plain where that is safe. JSON's quotation marks are YAML's, too."""
    plain = _PLAIN.fullmatch(text) and text.lower() not in _RESERVED
    return text if plain else json.dumps(text, ensure_ascii=False)


def events_of(handles: Iterable[str]) -> tuple[str, ...]:
    """What must be subscribed to: the behaviour's own events, and the two that tell us to erase, whatever it is."""
    own = {key for key in handles if not key.startswith(("/", "slackapp.")) and ":" not in key}
    return tuple(sorted(own | LIFECYCLE_TYPES))


def _features(plan: Plan) -> str:
    has_home = "app_home_opened" in plan.handles
    text = _HOME.format(
        home=f"true{_HOME_COMMENT if _REMOVE in plan.handles else ''}" if has_home else "false",
        greeting=_GREETING if "slackapp.installed" in plan.handles else "",
    )
    if plan.bot_scopes:
        text += f"  bot_user:\n    display_name: {quoted(_handle(plan.name))}\n    always_online: false\n"
    for key in sorted(key for key in plan.handles if key.startswith(("shortcut:", "message_action:"))):
        text += f"  # shortcuts: {key} is handled; its name and its type are yours to add here\n"
    commands = _commands(plan)
    if commands:
        text += "  slash_commands:\n" + "".join(_command(plan.url, name, *said) for name, said in commands.items())
    return text


def _command(url: str, command: str, description: str, usage: str) -> str:
    name = command if _COMMAND.fullmatch(command) else json.dumps(command, ensure_ascii=False)
    return (
        f"    - command: {name}\n      url: {url}{COMMANDS_PATH}\n      description: {description}\n"
        f"      usage_hint: {quoted(usage)}\n      should_escape: true\n"
    )


def _oauth(plan: Plan) -> str:
    text = f"oauth_config:\n  redirect_urls:\n    - {plan.url}{CALLBACK_PATH}\n  scopes:\n"
    if plan.bot_scopes:
        text += "    bot:\n" + _scopes(plan, plan.bot_scopes)
    if "users:read" not in plan.bot_scopes:
        text += (
            "      # users:read, where SLACKAPP_HOME_ADMIN or SLACKAPP_REQUIRE_ADMIN_INSTALLER is on: "
            "to see who is an admin\n"
        )
    if plan.user_scopes:
        text += "    user:\n" + _scopes(plan, plan.user_scopes)
    return text


def _scopes(plan: Plan, scopes: Iterable[str]) -> str:
    reasons = [(scope, scope_reasons.why(scope, plan.handles, plan.reasons)) for scope in scopes]
    return "".join(f"      - {scope} # {why or 'why?'}\n" for scope, why in reasons)


def _settings(plan: Plan) -> str:
    text = f"settings:\n  event_subscriptions:\n    request_url: {plan.url}{EVENTS_PATH}\n    bot_events:\n"
    for event in events_of(plan.handles):
        why = scope_reasons.WITHOUT_SCOPE.get(event, "")
        text += f"      - {event}{f' # {why}' if why else ''}\n"
    if _is_interactive(plan):
        address = f"{plan.url}{INTERACTIVITY_PATH}"
        button = _BUTTON if _REMOVE in plan.handles else ""
        text += f"  interactivity:\n    is_enabled: true{button}\n    request_url: {address}\n"
        if _has_menus(plan):
            text += f"    message_menu_options_url: {address}\n"
    else:
        text += "  interactivity:\n    is_enabled: false\n"
    return text
