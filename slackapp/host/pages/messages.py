"""Pages of messages: all that were accepted, by filter, and the life of one."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from slackapp.host.checks.message_transitions import WAITING
from slackapp.host.model import MessageOutcome, MessageStatus, MessageType
from slackapp.host.pages import parts
from slackapp.host.pages.message_states import STATES, MessageState
from slackapp.host.pages.parts import (
    COMPOSE_PATH,
    MESSAGES_FILE_PATH,
    MESSAGES_PATH,
    TEMPLATES_PATH,
    WORKSPACES_PATH,
    chip,
    facts,
    say_time,
)
from slackapp.host.pages.workspaces import Reader
from slackapp.host.rows import Purpose
from slackapp.host.store.messages import Message
from slackapp.web.components import (
    Field,
    Tone,
    button,
    buttons,
    choice_field,
    document,
    escape,
    link_button,
    notice,
    text_field,
)

CANCEL = "cancel"
"""What a form is for, beside the outcomes of what is unclear."""
_TYPES = {
    MessageType.MESSAGE: "Message",
    MessageType.REPLY: "Reply",
    MessageType.UPDATE: "Change of a message",
    MessageType.DELETE: "Deletion of a message",
}


class ShownMessage(NamedTuple):
    """Message as it is shown, with names in the place of ids: "" where none is known."""

    message: Message
    state: MessageState
    workspace: str
    channel: str
    purpose: str
    sender: str

    @property
    def place(self) -> str:
        """Place that it goes to, for people."""
        if not self.message.channel_id:
            return "a channel that was erased"
        return f"#{self.channel}" if self.channel else self.message.channel_id


class HistoryFilter(NamedTuple):
    """Filter of the history as its form has it: "" takes every one."""

    status: str = ""
    channel: str = ""
    purpose: str = ""
    day: str = ""


class History(NamedTuple):
    """History that was found, and where it goes on."""

    shown: Sequence[ShownMessage]
    wanted: HistoryFilter
    purposes: Sequence[Purpose]
    cursor: str | None


def show_history(reader: Reader, history: History) -> str:
    """Shows messages, the newest first."""
    rows = [_row(reader, each) for each in history.shown]
    heads = ("When", "What became of it", "Where", "What for", "By")
    is_filtered = any(history.wanted)
    none = "No message is like that." if is_filtered else "Nothing was sent yet."
    listed = parts.table("The newest first", heads, rows) if rows else parts.empty(none)
    asked = {name: value for name, value in history.wanted._asdict().items() if value}
    onward = urlencode({**asked, "cursor": history.cursor or ""})
    address = f"{MESSAGES_FILE_PATH}?{urlencode(asked)}" if asked else MESSAGES_FILE_PATH
    table = buttons(link_button(address, "Download as CSV", Tone.PLAIN)) if rows else ""
    more = f'<p><a href="{MESSAGES_PATH}?{escape(onward)}">Older messages</a></p>' if history.cursor else ""
    write = link_button(COMPOSE_PATH, "Write a message") if reader.may_use else ""
    kept = link_button(TEMPLATES_PATH, "Templates", Tone.PLAIN) if reader.may_use else ""
    return document(
        reader.frame,
        "Messages",
        f"{buttons(write, kept) if write else ''}<section><h2>Find</h2>{_filter(history)}</section>"
        f"<section><h2>History</h2>{listed}{more}{table}</section>",
    )


def _filter(history: History) -> str:
    wanted = history.wanted
    statuses = [("", "Every status"), *((str(status), state.word) for status, state in STATES.items())]
    purposes = [("", "Every purpose"), *((each.purpose_id, each.text) for each in history.purposes)]
    fields = (
        choice_field(Field("status", "What became of it"), statuses, wanted.status)
        + choice_field(Field("purpose", "What for"), purposes, wanted.purpose)
        + text_field(Field("channel", "Id of the channel"), wanted.channel, most=21)
        + text_field(Field("day", "Day, in UTC"), wanted.day, "date", most=10)
    )
    again = link_button(MESSAGES_PATH, "Show all", Tone.PLAIN) if any(wanted) else ""
    row = buttons(button("Find"), again)
    return f'<form method="get" action="{MESSAGES_PATH}" role="search"><div class="fields">{fields}</div>{row}</form>'


def _row(reader: Reader, shown: ShownMessage) -> tuple[str, ...]:
    message = shown.message
    told = f"{_TYPES[message.type]} to {shown.place}, {message.id}"
    when = parts.time_link(path_of(message), message.created_at, reader.now, told)
    kind = "" if message.type is MessageType.MESSAGE else f"<br>{escape(_TYPES[message.type])}"
    where = f"{escape(shown.place)}<br>{escape(shown.workspace)}"
    return when, chip(shown.state.tone, shown.state.word) + kind, where, escape(shown.purpose), escape(shown.sender)


class MessageView(NamedTuple):
    """Message that is shown by itself; `is_own` says whether the reader may change it.

    `said` is what it says, where that is kept and is for the reader.
    """

    shown: ShownMessage
    is_own: bool
    said: Mapping[str, Any] | None = None
    told: str = ""


def show_one(reader: Reader, view: MessageView) -> str:
    """Shows the life of one message."""
    shown, message = view.shown, view.shown.message
    above = notice(Tone.GOOD, f"<p>{escape(view.told)}</p>", is_alert=True) if view.told else ""
    advice = f"<p><strong>Next:</strong> {escape(shown.state.advice)}</p>" if shown.state.advice else ""
    link = f'<a href="{escape(message.permalink)}" rel="noreferrer">Open it in Slack</a>' if message.permalink else ""
    workspace = f'<a href="{WORKSPACES_PATH}/{escape(message.connection_id)}">{escape(shown.workspace)}</a>'
    known = [
        ("Workspace", workspace),
        ("Channel", _channel(shown)),
        ("What for", escape(shown.purpose)),
        ("By", escape(shown.sender)),
        ("In Slack", link),
        ("Slack's code", _code(message.slack_error)),
        ("The product's own id", _code(message.internal_message_id)),
        ("Id", _code(message.id)),
    ]
    steps = "".join(f"<li>{escape(told)} {when}</li>" for told, when in _steps(reader, shown))
    said = f"<section><h2>What it says</h2>{_said(view.said)}</section>" if view.said else ""
    return document(
        reader.frame,
        f"{_TYPES[message.type]} to {shown.place}",
        f"{above}<section><p>{chip(shown.state.tone, shown.state.word)}</p><p>{escape(shown.state.sentence)}</p>"
        f"{advice}{_actions(reader, view)}</section><section><h2>What happened</h2><ol>{steps}</ol></section>{said}"
        f"<section><h2>About it</h2>{facts(known)}</section>"
        f"<p>{link_button(MESSAGES_PATH, 'All messages', Tone.PLAIN)}</p>",
    )


def _said(fields: Mapping[str, Any]) -> str:
    text = f"<blockquote>{escape(fields['text'])}</blockquote>" if "text" in fields else ""
    blocks = json.dumps(fields.get("blocks", []), indent=2, ensure_ascii=False)
    return f"{text}<pre>{escape(blocks)}</pre>" if "blocks" in fields else text


def _channel(shown: ShownMessage) -> str:
    name = f"#{escape(shown.channel)} " if shown.channel else ""
    return f"{name}{_code(shown.message.channel_id)}" if shown.message.channel_id else "Erased with its workspace"


def _code(text: str) -> str:
    return f'<code class="copy">{escape(text)}</code>' if text else ""


def _steps(reader: Reader, shown: ShownMessage) -> Iterable[tuple[str, str]]:
    """Lists what happened, each with its time."""
    message = shown.message
    yield "Accepted", say_time(message.created_at, reader.now)
    if message.send_at is not None:
        is_ahead = message.status is MessageStatus.SCHEDULED
        yield "To go out" if is_ahead else "Was to go out", say_time(message.send_at, reader.now)
    if message.sent_at is not None:
        yield "Sent", say_time(message.sent_at, reader.now)
    elif message.updated_at != message.created_at or message.status not in WAITING:
        yield shown.state.word, say_time(message.parked_at or message.updated_at, reader.now)


def _actions(reader: Reader, view: MessageView) -> str:
    """Makes the buttons of whoever may change the message."""
    message = view.shown.message
    if not view.is_own:
        return ""
    path = path_of(message)
    if message.status in WAITING:
        taken = parts.form(path, reader.token, "", CANCEL, label="Cancel the message", tone=Tone.DANGER)
        return f"<p>If you cancel it, it is not sent, and what it says is erased.</p>{buttons(taken)}"
    if message.status is not MessageStatus.UNCLEAR:
        return ""
    made = [parts.form(path, reader.token, "", MessageOutcome.SENT, label="It is there")]
    if message.body is not None:
        again = "It is not there: send it again"
        made.append(parts.form(path, reader.token, "", MessageOutcome.AGAIN, label=again, tone=Tone.PLAIN))
    made.append(parts.form(path, reader.token, "", MessageOutcome.DROPPED, label="Give it up", tone=Tone.DANGER))
    return buttons(*made)


def path_of(message: Message) -> str:
    """Address of its page."""
    return f"{MESSAGES_PATH}/{message.id}"
