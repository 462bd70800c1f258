"""The app's manifest, as Slack takes it: written from the settings and from what the behaviour handles.

A template of our own, so that its comments stay and no library is needed. It uses the little of YAML that
`manifest_text` reads: blocks, plain and quoted strings, one folded text, comments.

Read:    docs.slack.dev/reference/app-manifest
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from slackapp.checks import scope_reasons
from slackapp.checks.interaction import AT_ONCE
from slackapp.checks.lifecycle import LIFECYCLE_TYPES

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
    {use} Behind {behind} stands
    a small service that installs the app in many workspaces, keeps the tokens of each one encrypted and apart,
    renews them before they expire, and erases everything it holds about a workspace when the app is removed.
features:
"""
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
    return (
        _HEAD.format(url=plan.url, name=quoted(plan.name), description=quoted(plan.description), **_use(plan.handles))
        + _features(plan)
        + _oauth(plan)
        + _settings(plan)
        + _TAIL
    )


def _use(handles: Collection[str]) -> dict[str, str]:
    """How the app is used, by what its table handles."""
    if "app_mention" in handles:
        return {"use": _MENTION, "behind": "this one reply"}
    commands = sorted(key for key in handles if key.startswith("/"))
    use = f"Type {commands[0]} in any channel to use the app." if commands else "Install the app to use it."
    return {"use": use, "behind": "it"}


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
        handle = re.sub(r"[^a-z0-9._-]+", "-", plan.name.lower()).strip("-.") or "app"
        text += f"  bot_user:\n    display_name: {quoted(handle)}\n    always_online: false\n"
    for key in sorted(key for key in plan.handles if key.startswith(("shortcut:", "message_action:"))):
        text += f"  # shortcuts: {key} is handled; its name and its type are yours to add here\n"
    commands = sorted(key for key in plan.handles if key.startswith("/"))
    if commands and "commands" in plan.bot_scopes:
        text += "  slash_commands:\n" + "".join(_command(plan.url, command) for command in commands)
    return text


def _command(url: str, command: str) -> str:
    description, usage = COMMANDS.get(command, _OTHER_COMMAND)
    name = command if _COMMAND.fullmatch(command) else json.dumps(command, ensure_ascii=False)
    return (
        f"    - command: {name}\n      url: {url}/slack/commands\n      description: {description}\n"
        f"      usage_hint: {quoted(usage)}\n      should_escape: true\n"
    )


def _oauth(plan: Plan) -> str:
    text = f"oauth_config:\n  redirect_urls:\n    - {plan.url}/slack/oauth_redirect\n  scopes:\n"
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
    text = f"settings:\n  event_subscriptions:\n    request_url: {plan.url}/slack/events\n    bot_events:\n"
    for event in events_of(plan.handles):
        why = scope_reasons.WITHOUT_SCOPE.get(event, "")
        text += f"      - {event}{f' # {why}' if why else ''}\n"
    if any(":" in key for key in plan.handles):
        address = f"{plan.url}/slack/interactivity"
        button = _BUTTON if _REMOVE in plan.handles else ""
        text += f"  interactivity:\n    is_enabled: true{button}\n    request_url: {address}\n"
        if any(key.startswith(AT_ONCE) for key in plan.handles):
            text += f"    message_menu_options_url: {address}\n"
    else:
        text += "  interactivity:\n    is_enabled: false\n"
    return text
