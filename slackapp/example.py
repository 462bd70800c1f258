"""The example behaviour: answers a mention in its thread, and greets whoever installed the app.

A behaviour is a table, event type to function. A function gets the context of one tenant, through which it can call
Slack as that tenant's bot and nothing else, and the event. It may run again after a failure, but only as long as it
has made no call that Slack acted on.
"""

from collections.abc import Mapping
from typing import Any

from slackapp.ports import Context


def answer_mention(context: Context, event: Mapping[str, Any]) -> None:
    """`app_mention`: answers in the thread that the mention is in, or begins one under it.

    docs.slack.dev/reference/events/app_mention
    """
    thread = event.get("thread_ts") or event["ts"]
    text = f"Hello <@{event['user']}>. I heard you, and I am at work in this workspace only."
    context.call("chat.postMessage", {"channel": event["channel"], "thread_ts": thread, "text": text})


def greet_installer(context: Context, event: Mapping[str, Any]) -> None:
    """`slackapp.installed`, ours: once, after the first install of a tenant."""
    text = "Thank you for installing me. Invite me to a channel and mention me; I answer in a thread."
    context.call("chat.postMessage", {"channel": context.installer_id, "text": text})


EVENTS = {
    "app_mention": answer_mention,
    "slackapp.installed": greet_installer,
}
