"""`/settings/messages`, `/settings/compose`, `/settings/templates`: what was sent, and what is to be.

What is done goes through the handlers of the API, which ask and refuse the same.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from slackapp.checks.query import read_query
from slackapp.errors import Refused
from slackapp.flows.app import App
from slackapp.host.call import HostCall
from slackapp.host.callers import read_form
from slackapp.host.checks.fields import has_form, require_fields
from slackapp.host.checks.message_template import find_variables
from slackapp.host.checks.message_transitions import WAITING
from slackapp.host.checks.roles import HostAction, is_allowed, require_role
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows import list_channels, switch_host
from slackapp.host.flows.connect.open_session import PageMember
from slackapp.host.flows.messages import change_message, show_message
from slackapp.host.forms import CHANNEL_ID, ID, ONE_OF_SEVERAL
from slackapp.host.handlers import messages as api
from slackapp.host.handlers import settings
from slackapp.host.handlers.messaging import templates as api_templates
from slackapp.host.model import ConnectionKind, ConnectionStatus, MessageOutcome, MessageStatus
from slackapp.host.pages import compose
from slackapp.host.pages import messages as pages
from slackapp.host.pages.compose import ComposeView, TemplateView
from slackapp.host.pages.message_states import state_of
from slackapp.host.pages.messages import History, HistoryFilter, MessageView, ShownMessage
from slackapp.host.pages.parts import MESSAGES_PATH, TEMPLATES_PATH
from slackapp.host.rows import Connection
from slackapp.host.store import connections, messages, purposes
from slackapp.host.store.messages import Message, MessageFilter
from slackapp.host.store.messaging import templates
from slackapp.host.store.messaging.templates import Template
from slackapp.web.request import Request
from slackapp.web.response import Response, csv_file, redirect

_PAGE, _FILE_MESSAGES = 50, 5000
"""Messages of one page, and of a file."""
_DAY = 86_400
_KEY_BYTES = 16
_FILTER = ("status", "channel", "purpose", "day", "cursor")
_DONE = {
    pages.CANCEL: "It is canceled, and what it said is erased.",
    MessageOutcome.SENT: "It counts as sent.",
    MessageOutcome.AGAIN: "It goes out again, in its turn.",
    MessageOutcome.DROPPED: "It is given up.",
}


def show_history(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Shows the messages of the member's organization, by filter."""
    require_role(caller, HostAction.READ)
    wanted, found = _find(app, request, caller, _PAGE)
    history = History(
        shown=_shown(app, caller, found),
        wanted=wanted,
        purposes=purposes.list_all(app.db, caller.organization),
        cursor=str(found[-1].number) if len(found) == _PAGE else None,
    )
    return settings.answer(pages.show_history(settings.make_reader(app, caller, MESSAGES_PATH, now), history))


def show_file(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Answers the messages of the page as a file."""
    require_role(caller, HostAction.READ)
    return csv_file("messages", api.write_table(_find(app, request, caller, _FILE_MESSAGES)[1]))


def _find(app: App, request: Request, caller: PageMember, most: int) -> tuple[HistoryFilter, list[Message]]:
    query = read_query(request.raw_query, frozenset(_FILTER))
    wanted = HistoryFilter(**{name: query.get(name, "") for name in _FILTER[:-1]})
    before = settings.read_number(query.get("cursor", ""), messages.NEWEST)
    return wanted, messages.page(app.db, caller.organization, _read_filter(wanted), before, most=most)


def _read_filter(wanted: HistoryFilter) -> MessageFilter:
    """Reads a filter; what means nothing is refused by the name of its field."""
    status = next((each for each in MessageStatus if each == wanted.status), None)
    since, until = 0, messages.NEWEST
    if wanted.day:
        try:
            since = int(datetime.strptime(wanted.day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
        except ValueError:
            raise HostRefused(HostRefusal.FIELD, field="day") from None
        until = since + _DAY
    for name, form, value in (("channel", CHANNEL_ID, wanted.channel), ("purpose", ID, wanted.purpose)):
        # claim: C-325
        if value and not has_form(form, value):
            raise HostRefused(HostRefusal.FIELD, field=name)
    # claim: C-325
    if wanted.status and status is None:
        raise HostRefused(HostRefusal.FIELD, field="status")
    return MessageFilter(status, wanted.channel or None, purpose_id=wanted.purpose or None, since=since, until=until)


def show_one(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Shows one message."""
    require_role(caller, HostAction.READ)
    return _show_one(app, caller, request, "", now=now)


def _show_one(app: App, caller: PageMember, request: Request, told: str, *, now: int) -> Response:
    message = api.require_message(app, _call(caller, request))
    permalink = show_message.find_permalink(app, caller, message, now)
    (said,) = show_message.find_contents(app, caller, [message], now)
    (shown,) = _shown(app, caller, [message._replace(permalink=permalink)])
    may_change = is_allowed(caller.role, HostAction.USE) and change_message.may_change(caller, message)
    reader = settings.make_reader(app, caller, "", now)
    return settings.answer(pages.show_one(reader, MessageView(shown, is_own=may_change, said=said, told=told)))


def change_one(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Takes a form about one message: cancels it, or settles it."""
    # claim: C-326
    require_role(caller, HostAction.USE)
    step, call = read_form(request).get("step", ""), _call(caller, request)
    outcome = next((each for each in MessageOutcome if each == step), None)
    if step == pages.CANCEL:
        message = api.require_message(app, call)
        # claim: C-327
        if message.status not in WAITING:
            raise HostRefused(HostRefusal.MESSAGE_STATUS)
        change_message.withdraw(app, caller, message, now)
    elif outcome is not None:
        # claim: C-326
        switch_host.require_enabled(app, caller)
        api.settle(app, call._replace(body={"outcome": outcome}), now)
    else:
        raise HostRefused(HostRefusal.FIELD, field="step", actor=caller)
    return _show_one(app, caller, request, _DONE[step], now=now)


# Writing


def show_compose(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Shows the form of a message."""
    query = read_query(request.raw_query, frozenset({"connectionId", "template"}))
    return _compose(app, caller, {name: value for name, value in query.items() if value}, None, now=now)


def send(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Takes a message; one that is refused is shown as it was typed, with what is wrong."""
    # claim: C-326
    require_role(caller, HostAction.USE)
    # claim: C-326
    switch_host.require_enabled(app, caller)
    form = read_form(request)
    if form.get("step") != compose.SEND or not has_form(ID, form.get("key", "")):
        raise HostRefused(HostRefusal.FIELD, field="step", actor=caller)
    try:
        body = _read_message(form)
        require_fields(body, ONE_OF_SEVERAL)
        call = _call(caller, request)._replace(body=body, route=f"POST {request.path}", key=form["key"])
        accepted = api.post(app, call, now)
    except HostRefused as refused:
        return _compose(app, caller, form, refused, now=now)
    return redirect(303, f"{app.settings.public_url}{MESSAGES_PATH}/{accepted['id']}")


def _read_message(form: Mapping[str, str]) -> dict[str, Any]:
    """Reads the fields of a message from those of the page."""
    body: dict[str, Any] = {
        name: form[name] for name in ("connectionId", "channel", "purpose", "template") if form.get(name)
    }
    if form.get("template"):
        start = len(compose.VARIABLE)
        body["variables"] = {name[start:]: form[name] for name in form if name.startswith(compose.VARIABLE)}
    else:
        body["text"] = form.get("text", "").replace("\r\n", "\n")
    if when := form.get("when"):
        seconds = "" if re.fullmatch(r".*T[0-9]{2}:[0-9]{2}:[0-9]{2}", when) else ":00"
        body["sendAt"] = f"{when}{seconds}Z"
    return body


def _compose(app: App, caller: PageMember, form: Mapping[str, str], refused: HostRefused | None, now: int) -> Response:
    # claim: C-326
    require_role(caller, HostAction.USE)
    # claim: C-326
    switch_host.require_enabled(app, caller)
    reader = settings.make_reader(app, caller, "", now)
    found = connections.page(app.db, caller.organization, ConnectionKind.WORKSPACE)
    active = [each for each in found if each.status is ConnectionStatus.ACTIVE]
    if not active:
        return settings.answer(compose.show_nothing_connected(reader))
    chosen = next((each for each in active if each.id == form.get("connectionId")), active[0])
    kept = [_template(each) for each in templates.list_all(app.db, caller.organization)]
    view = ComposeView(
        workspaces=active,
        chosen=chosen,
        channels=_channels(app, caller, chosen),
        templates=kept,
        template=next((each for each in kept if each.name == form.get("template")), None),
        purposes=purposes.list_all(app.db, caller.organization),
        key=app.entropy(_KEY_BYTES).hex(),
        typed=form,
        wrong=_field_of(refused) if refused is not None else "",
        error=refused.refusal.sentence if refused is not None else "",
    )
    return _answer(compose.show_compose(reader, view), refused)


def _field_of(refused: HostRefused) -> str:
    """Names the field of the page that is wrong, or ""."""
    first, _, rest = (refused.field or "").lstrip("/").partition("/")
    return compose.VARIABLE + rest if first == "variables" else {"sendAt": "when"}.get(first, first)


def _channels(app: App, caller: PageMember, chosen: Connection) -> Sequence[Any] | None:
    """Lists the channels; None where Slack cannot be asked, or must be told which workspace."""
    if chosen.tenant is None or chosen.tenant.is_enterprise:
        return None
    try:
        return list_channels.run(app, chosen, "", caller).channels
    except Refused:
        return None


# Templates


def show_templates(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Shows the templates; one that is named is in the form, to be changed."""
    require_role(caller, HostAction.USE)
    name = read_query(request.raw_query, frozenset({"name"})).get("name", "")
    found = templates.find(app.db, caller.organization, name) if name else None
    return _templates(app, caller, _template(found) if found is not None else None, None, now=now)


def change_template(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Takes a form that saves or deletes a template."""
    # claim: C-326
    require_role(caller, HostAction.MANAGE)
    form = read_form(request)
    name, text = form.get("name", ""), form.get("text", "").replace("\r\n", "\n")
    call = _call(caller, request)._replace(id=name)
    if form.get("step") == compose.DELETE:
        api_templates.delete(app, call, now)
    elif form.get("step") == compose.SAVE:
        # claim: C-326
        switch_host.require_enabled(app, caller)
        try:
            api_templates.save(app, call._replace(body={"text": text}), now)
        except HostRefused as refused:
            return _templates(app, caller, TemplateView(name, (), text), refused, now=now)
    else:
        raise HostRefused(HostRefusal.FIELD, field="step", actor=caller)
    return redirect(303, app.settings.public_url + TEMPLATES_PATH)


def _templates(
    app: App, caller: PageMember, edited: TemplateView | None, refused: HostRefused | None, *, now: int
) -> Response:
    kept = [_template(each) for each in templates.list_all(app.db, caller.organization)]
    reader = settings.make_reader(app, caller, "", now, people=(each.changed_by for each in kept))
    error = refused.refusal.sentence if refused is not None else ""
    return _answer(compose.show_templates(reader, kept, edited, error), refused)


def _answer(page: str, refused: HostRefused | None) -> Response:
    """Answers with a page; where something was refused, by that refusal's status."""
    shown = settings.answer(page)
    return shown if refused is None else shown._replace(status=refused.refusal.status, code=refused.refusal.code)


def _template(template: Template) -> TemplateView:
    variables, text = find_variables(template.content), template.content.get("text")
    is_text = "blocks" not in template.content
    return TemplateView(
        name=template.name,
        variables=variables,
        text=text if is_text else None,
        changed_by=template.changed_by,
        updated_at=template.updated_at,
    )


# Names in the place of ids


def _shown(app: App, caller: PageMember, found: Sequence[Message]) -> list[ShownMessage]:
    known = {each.id: each for each in connections.page(app.db, caller.organization, ConnectionKind.WORKSPACE)}
    channels = {each.id: list_channels.find_names(app, each) for each in known.values()}
    texts = {each.purpose_id: each.text for each in purposes.list_all(app.db, caller.organization)}
    names = settings.find_names(app, caller.organization, (message.sender_id for message in found))
    return [
        ShownMessage(
            message=message,
            state=state_of(message),
            workspace=known[message.connection_id].team_name if message.connection_id in known else "",
            channel=channels.get(message.connection_id, {}).get(message.channel_id, ""),
            purpose=texts.get(message.purpose_id, message.purpose_id),
            sender=names.get(message.sender_id, message.sender_id) or "The product",
        )
        for message in found
    ]


def _call(caller: PageMember, request: Request) -> HostCall:
    return HostCall(caller, request.path_values.get("id", ""), request.address, parameters={}, body={})
