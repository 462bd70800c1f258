"""The example behaviour: answers mentions and a command, greets whoever installed the app, and keeps a Home tab.

A behaviour is a table, from what happened to a function. A function gets the context of one tenant, through which it
can call Slack as that tenant's bot and nothing else, and what happened. It may run again after a failure, but only as
long as it has made no call that Slack acted on.
"""

from collections.abc import Mapping
from typing import Any

from slackapp.behaviour import Context

REMOVE = "remove_app"
"""The action of the button on the Home tab."""
USAGE = "Try `/example status` or `/example help`."
ONLY_ADMINS = "I was not removed: only an admin of this workspace can do that, where it is switched on."
HELP = "I answer when I am mentioned in a channel. `/example status` says how I am; `/example help` says this."


def answer_mention(context: Context, event: Mapping[str, Any]) -> None:
    """Answers `app_mention` in the thread that the mention is in, or begins one under it.

    docs.slack.dev/reference/events/app_mention
    """
    thread = event.get("thread_ts") or event["ts"]
    # A workflow or an incoming webhook is no person. A bot is not mentioned: it might answer, and so on for ever.
    whom = f" <@{context.user_id}>" if context.user_id and not event.get("bot_id") else ""
    text = f"Hello{whom}. I heard you, and I am at work in this workspace only."
    context.call("chat.postMessage", {"channel": event["channel"], "thread_ts": thread, "text": text})


def greet_installer(context: Context, event: Mapping[str, Any]) -> None:
    """Greets the installer, once, after the first install of a tenant: `slackapp.installed`, ours."""
    text = "Thank you for installing me. Invite me to a channel and mention me; I answer in a thread."
    context.call("chat.postMessage", {"channel": context.installer_id, "text": text})


def answer_command(context: Context, command: Mapping[str, Any]) -> None:
    """Answers `/example` with help, status, or usage; seen only by the user who typed it."""
    word = str(command.get("text", "")).strip().lower()
    answers = {"": USAGE, "help": HELP, "status": f"I am installed here for {context.tenant}, and I am listening."}
    context.respond(answers.get(word, f"I do not know that word. {USAGE}"))


def show_home(context: Context, event: Mapping[str, Any]) -> None:
    """Shows how the app is, on `app_home_opened`, and to admins how to remove it.

    docs.slack.dev/reference/events/app_home_opened, docs.slack.dev/reference/methods/views.publish
    """
    if event.get("tab") != "home":
        return  # the event comes for the messages tab, too
    blocks = [_section("*This app is installed and listening.*\nMention it in a channel, or type `/example help`.")]
    if context.missing_scopes:
        link = f"<{context.public_url}/slack/install|Install it again>"
        lacks = ", ".join(f"`{scope}`" for scope in context.missing_scopes)
        blocks.append(_section(f":warning: It lacks permissions that it needs by now: {lacks}. {link} to grant them."))
    blocks.append(_section(f"Questions? <{context.public_url}/support|Support>"))
    if context.home_admin and context.is_admin(context.user_id):
        blocks.append({"type": "actions", "elements": [_remove_button()]})
    view = {"type": "home", "blocks": blocks}
    context.call("views.publish", {"user_id": context.user_id, "view": view})


def remove_app(context: Context, action: Mapping[str, Any]) -> None:
    """Removes the app, on `block_actions:remove_app`, which the user has confirmed.

    Asked again here: who saw the button may be no admin now.
    """
    if context.home_admin and context.is_admin(context.user_id):
        context.remove()
    else:
        context.refuse(ONLY_ADMINS)


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _remove_button() -> dict[str, Any]:
    confirm = {
        "title": {"type": "plain_text", "text": "Remove this app?"},
        "text": {"type": "plain_text", "text": "It is uninstalled for everybody here, and all its data are erased."},
        "confirm": {"type": "plain_text", "text": "Remove and erase"},
        "deny": {"type": "plain_text", "text": "Keep it"},
        "style": "danger",
    }
    label = {"type": "plain_text", "text": "Remove this app and erase its data"}
    return {"type": "button", "action_id": REMOVE, "style": "danger", "text": label, "confirm": confirm}


EVENTS = {
    "app_mention": answer_mention,
    "slackapp.installed": greet_installer,
    "/example": answer_command,
    "app_home_opened": show_home,
    f"block_actions:{REMOVE}": remove_app,
}
