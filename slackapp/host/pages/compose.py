"""Pages on which a message is written, from a template or freely, and on which templates are kept."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from slackapp.host.channel_list import ListedChannel
from slackapp.host.checks.message_content import MAX_TEXT
from slackapp.host.pages import parts
from slackapp.host.pages.parts import COMPOSE_PATH, MESSAGES_PATH, TEMPLATES_PATH, WORKSPACES_PATH, facts, say_time
from slackapp.host.pages.workspaces import Reader
from slackapp.host.rows import Connection, Purpose
from slackapp.web.components import (
    Field,
    Tone,
    button,
    buttons,
    choice_field,
    document,
    escape,
    hidden,
    lines_field,
    link_button,
    notice,
    text_field,
)

SEND, SAVE, DELETE = "send", "save", "delete"
"""What a form is for."""
VARIABLE = "v_"
"""Beginning of the name of a field that fills in a variable."""
_CHANNEL = "channel"


class TemplateView(NamedTuple):
    """Template as it is shown: the text of one that is made of blocks is None."""

    name: str
    variables: Sequence[str]
    text: str | None
    changed_by: str = ""
    updated_at: int = 0


class ComposeView(NamedTuple):
    """Form of a message: what may be chosen, what was typed, and which field is wrong.

    `channels` is None where Slack could not be asked; `key` makes a second click harmless.
    """

    workspaces: Sequence[Connection]
    chosen: Connection
    channels: Sequence[ListedChannel] | None
    templates: Sequence[TemplateView]
    template: TemplateView | None
    purposes: Sequence[Purpose]
    key: str
    typed: Mapping[str, str] = {}
    wrong: str = ""
    error: str = ""


def show_nothing_connected(reader: Reader) -> str:
    """Shows what must be first."""
    none = parts.empty("No workspace is connected that could send it.")
    way = buttons(link_button(WORKSPACES_PATH, "All workspaces"))
    return document(reader.frame, "Write a message", f"<section>{none}{way}</section>")


def show_compose(reader: Reader, view: ComposeView) -> str:
    """Shows the form of a message."""
    above = notice(Tone.BAD, f"<p>{escape(view.error)}</p>", is_alert=True) if view.error else ""
    form = (
        f'<form method="post" action="{COMPOSE_PATH}">{_hidden(reader, view)}{_where(view)}{_what(view)}{_when(view)}'
        f"{buttons(button('Send it'), link_button(MESSAGES_PATH, 'Leave it', Tone.PLAIN))}</form>"
    )
    return document(
        reader.frame,
        "Write a message",
        f"{above}{_others(view)}<section><h2>To {escape(view.chosen.team_name)}</h2>{form}</section>",
    )


def _hidden(reader: Reader, view: ComposeView) -> str:
    fields = {"form_token": reader.token, "step": SEND, "key": view.key, "connectionId": view.chosen.id}
    if view.template is not None:
        fields["template"] = view.template.name
    return "".join(hidden(name, value) for name, value in fields.items())


def _others(view: ComposeView) -> str:
    """Links to the same form for another workspace, or with another template."""
    made = []
    for each in view.workspaces:
        if each.id != view.chosen.id:
            made.append(_link({"connectionId": each.id}, f"Send to {each.team_name} instead"))
    for template in view.templates:
        if view.template is None or template.name != view.template.name:
            asked = {"connectionId": view.chosen.id, "template": template.name}
            made.append(_link(asked, f"Use template {template.name}"))
    if view.template is not None:
        made.append(_link({"connectionId": view.chosen.id}, "Write freely"))
    return buttons(*made) if made else ""


def _link(asked: Mapping[str, str], label: str) -> str:
    return link_button(f"{COMPOSE_PATH}?{urlencode(asked)}", label, Tone.PLAIN)


def _where(view: ComposeView) -> str:
    default, allowed = view.chosen.default_channel_id, view.chosen.allowed_channels
    error = _error_of(view, _CHANNEL)
    typed = view.typed.get(_CHANNEL, "")
    if view.channels is None:
        hint = (
            "Slack could not be asked for the channels. It begins with C or G; without one it goes to the default one."
        )
        return text_field(Field(_CHANNEL, "Id of the channel", hint, error), typed, most=21)
    names = {each.id: f"#{each.name}" for each in view.channels if not allowed or each.id in allowed}
    options = [(each.id, names[each.id]) for each in view.channels if each.is_member and each.id in names]
    if default:
        options.insert(0, ("", f"The default channel, {names.get(default, default)}"))
    is_in = "Those that the app is in." if options else "The app is in no channel yet."
    hint = f"{is_in} Invite it in Slack to add one."
    return choice_field(Field(_CHANNEL, "Channel", hint, error), options, typed)


def _error_of(view: ComposeView, field: str) -> str:
    return view.error if view.wrong == field else ""


def _what(view: ComposeView) -> str:
    if view.template is None:
        hint = f"*bold*, _italic_, `code`; up to {MAX_TEXT:,} characters."
        field = Field("text", "What to say", hint, _error_of(view, "text"))
        return lines_field(field, view.typed.get("text", ""), MAX_TEXT)
    fields = "".join(
        text_field(
            Field(name, name.removeprefix(VARIABLE), error=_error_of(view, name)),
            view.typed.get(name, ""),
            most=MAX_TEXT,
        )
        for name in (f"{VARIABLE}{each}" for each in view.template.variables)
    )
    return f"<p>Template <code>{escape(view.template.name)}</code></p>{_said(view.template)}{fields}"


def _when(view: ComposeView) -> str:
    hint = "In UTC. Left empty, it goes out at once."
    field = Field("when", "When", hint, _error_of(view, "when"))
    made = text_field(field, view.typed.get("when", ""), "datetime-local", most=16)
    options = [("", "As the workspace"), *((each.purpose_id, each.text) for each in view.purposes)]
    return made + choice_field(Field("purpose", "What is it for?"), options, view.typed.get("purpose", ""))


def show_templates(reader: Reader, templates: Sequence[TemplateView], edited: TemplateView | None, error: str) -> str:
    """Shows the templates; whoever manages may save and delete them. `edited` fills the form."""
    above = notice(Tone.BAD, f"<p>{escape(error)}</p>", is_alert=True) if error else ""
    cards = "".join(_card(reader, each) for each in templates)
    none = f"<section>{parts.empty('No template is kept yet.')}</section>"
    return document(
        reader.frame,
        "Templates",
        f"{above}{cards or none}{_save(reader, edited, error)}"
        f"<p>{link_button(MESSAGES_PATH, 'All messages', Tone.PLAIN)}</p>",
    )


def _card(reader: Reader, template: TemplateView) -> str:
    made = [_link({"template": template.name}, f"Use {template.name}")]
    if reader.may_manage and template.text is not None:
        address = f"{TEMPLATES_PATH}?{urlencode({'name': template.name})}"
        made.append(link_button(address, f"Change {template.name}", Tone.PLAIN))
    if reader.may_manage:
        which = hidden("name", template.name)
        label = f"Delete {template.name}"
        made.append(parts.form(TEMPLATES_PATH, reader.token, which, DELETE, label=label, tone=Tone.PLAIN))
    variables = ", ".join(f"<code>{escape(each)}</code>" for each in template.variables) or "None"
    by = f" by {escape(reader.name_of(template.changed_by))}" if template.changed_by else ""
    known = facts([("Variables", variables), ("Changed", say_time(template.updated_at, reader.now) + by)])
    return f"<section><h2>{escape(template.name)}</h2>{_said(template)}{known}{buttons(*made)}</section>"


def _said(template: TemplateView) -> str:
    return f"<blockquote>{escape(template.text)}</blockquote>" if template.text else "<p>It is made of blocks.</p>"


def _save(reader: Reader, edited: TemplateView | None, error: str) -> str:
    if not reader.may_manage:
        return "<section><h2>Keep another one</h2><p>An owner or admin does that.</p></section>"
    name, text = (edited.name, edited.text or "") if edited is not None else ("", "")
    hint = "A variable is $name or ${name}, a dollar sign $$."
    inner = text_field(Field("name", "Name", "Letters, digits, - and _."), name, most=64)
    inner += lines_field(Field("text", "What it says", hint, error), text, MAX_TEXT)
    made = parts.form(TEMPLATES_PATH, reader.token, inner, SAVE, label="Save the template")
    return f"<section><h2>{'Change it' if name and not error else 'Keep another one'}</h2>{made}</section>"
