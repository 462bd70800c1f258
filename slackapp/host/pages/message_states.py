"""Words for every status of a message, and for every reason: what it is, what that means, and what helps."""

from collections.abc import Mapping
from typing import NamedTuple

from slackapp.host.model import MessageReason, MessageStatus
from slackapp.host.store.messages import Message
from slackapp.web.components import Tone


class MessageState(NamedTuple):
    """State of a message, for people. `advice` is the next step, or "" where there is none to take."""

    tone: Tone
    word: str
    sentence: str
    advice: str = ""


STATES: Mapping[MessageStatus, MessageState] = {
    MessageStatus.SCHEDULED: MessageState(Tone.PLAIN, "Scheduled", "It goes out at its time."),
    MessageStatus.QUEUED: MessageState(Tone.PLAIN, "Waiting", "It goes out in its turn: one a second to a channel."),
    MessageStatus.SENDING: MessageState(Tone.PLAIN, "Being sent", "Slack is being asked just now."),
    MessageStatus.SENT: MessageState(Tone.GOOD, "Sent", "Slack has taken it."),
    MessageStatus.FAILED: MessageState(Tone.BAD, "Failed", "It was not sent, and will not be."),
    MessageStatus.PARKED: MessageState(
        Tone.WARNING, "Held back", "It waits for its workspace, for three days at most.",
        "Connect the workspace again: then it goes out by itself.",
    ),
    MessageStatus.UNCLEAR: MessageState(
        Tone.WARNING, "Unclear", "Nobody knows whether Slack has it. It is not sent again by itself.",
        "Look into the channel, and say here what you see.",
    ),
    MessageStatus.CANCELED: MessageState(Tone.PLAIN, "Canceled", "It was taken back before it was sent."),
}  # fmt: skip
"""By status: the words for it."""
REASONS: Mapping[MessageReason, tuple[str, str]] = {
    MessageReason.NEEDS_RECONNECT: (
        "Slack no longer takes the token of the workspace.", "An owner or admin connects the workspace again.",
    ),
    MessageReason.SUSPENDED: ("The workspace is suspended.", "Its page says why, and what ends that."),
    MessageReason.REVOKED: (
        "The workspace was disconnected.", "Connect a workspace, and send the message anew.",
    ),
    MessageReason.EXPIRED: (
        "Its workspace did not work for three days.", "Connect the workspace again, and send the message anew.",
    ),
    MessageReason.CHANNEL: (
        "The channel is gone or archived, or the app may not write there.",
        "Invite the app to the channel, or choose another one.",
    ),
    MessageReason.CONTENT: ("Slack does not take what it says.", "Make it shorter or simpler."),
    MessageReason.SCOPE: (
        "The workspace has not granted what this needs.", "An admin of the workspace connects it again.",
    ),
    MessageReason.POLICY: (
        "A rule of the workspace forbids it.", "Ask an admin of the workspace, who can change its rules.",
    ),
    MessageReason.THREAD: ("What it answers was not sent.", "Send it as a message of its own."),
    MessageReason.TARGET: (
        "What it changes is not there, or may not be changed any more.", "Send a new message.",
    ),
    MessageReason.REFUSED: ("Slack has refused it.", "Slack's code below says more to whoever runs the product."),
    MessageReason.INTERRUPTED: ("The service stopped while Slack was being asked.", ""),
    MessageReason.ANSWER_LOST: ("Slack's answer was lost.", ""),
    MessageReason.RESTORED: ("It waited when a backup was made that was restored since.", ""),
    MessageReason.DROPPED: ("It was unclear, and somebody has given it up.", ""),
}  # fmt: skip
"""By reason: what happened, and what helps."""


def state_of(message: Message) -> MessageState:
    """Finds the words for a message."""
    state = STATES[message.status]
    found = REASONS.get(MessageReason(message.reason)) if message.reason else None
    if found is None:
        return state
    sentence, advice = found
    return state._replace(sentence=f"{sentence} {state.sentence}", advice=advice or state.advice)
