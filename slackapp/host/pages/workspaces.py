"""Pages of the workspaces that an organization has connected: all of them, one, its channels, and its end."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode

from slackapp.checks.scope_reasons import DescribedScope
from slackapp.host.channel_list import IncompleteReason, ListedChannel
from slackapp.host.flows.connect.finish_connect import CONNECT_PATH
from slackapp.host.flows.offboard import OWNER_DAYS
from slackapp.host.model import ChannelState, ConnectionStatus
from slackapp.host.pages import parts
from slackapp.host.pages.parts import WORKSPACES_PATH, chip, facts, say_time
from slackapp.host.pages.states import NextStep, State, urgency_of
from slackapp.host.rows import Connection, Purpose
from slackapp.host.store.messaging.channel_states import NotedChannel
from slackapp.model import Token
from slackapp.web.components import Field, Frame, Tone, buttons, document, escape, link_button, notice, text_field
from slackapp.web.components import choice_field as choices

TEST, CHANNEL, TAKE_OVER, DISCONNECT, BEGIN = "test", "channel", "take_over", "disconnect", "begin"
"""What a form is for."""
_INCOMPLETE = {
    IncompleteReason.MISSING_SCOPE: "channels of a kind that the workspace does not let the app see are missing",
    IncompleteReason.RATE_LIMITED: "Slack wanted a pause: look again in a minute",
    IncompleteReason.TOO_MANY: "the workspace has more channels than are listed: search for a name",
    IncompleteReason.SLACK_ERROR: "Slack broke off: look again in a minute",
}


_UNAVAILABLE: Mapping[ChannelState, tuple[str, str]] = {
    ChannelState.ARCHIVED: ("was archived in Slack", "Choose another one, or have it restored there."),
    ChannelState.DELETED: ("was deleted in Slack", "Choose another one."),
    ChannelState.LEFT: (
        "does not have the app in it any more", "Invite the app there, or choose another one.",
    ),
}  # fmt: skip


class Reader(NamedTuple):
    """Reader of a page: the frame around it, what the member may do, and the token of its forms.

    `room` is how many workspaces the organization may connect besides those that it has; `people` are names by id.
    """

    frame: Frame
    organization: str
    member: str
    room: int
    may_connect: bool
    may_manage: bool
    may_use: bool
    token: str
    now: int
    people: Mapping[str, str] = {}

    def name_of(self, member_id: str) -> str:
        """Names somebody for people, by the id where no name is known."""
        return self.people.get(member_id, member_id)


class ShownWorkspace(NamedTuple):
    """ShownWorkspace as it is shown: its connection with the words for it, and names in place of ids."""

    connection: Connection
    state: State
    purpose: str
    owner: str
    channel: str
    missing_scopes: tuple[str, ...] = ()
    unavailable: tuple[NotedChannel, ...] = ()
    token: Token | None = None

    @property
    def name(self) -> str:
        """Name of it; what was erased has none."""
        waits = self.connection.status in (ConnectionStatus.PENDING, ConnectionStatus.QUARANTINED)
        return self.connection.team_name or ("A workspace under way" if waits else "A workspace that was removed")


def show_all(
    reader: Reader,
    shown: Sequence[ShownWorkspace],
    purposes: Iterable[Purpose],
    told: Sequence[str],
    *,
    around: tuple[str, str] = ("", ""),
) -> str:
    """Shows all workspaces, and where another one is connected. `told` are sentences on what stops all of them.

    `around` is what else stands above and below, as HTML.
    """
    above = around[0] + "".join(notice(Tone.WARNING, f"<p>{escape(each)}</p>") for each in told)
    ordered = sorted(shown, key=lambda each: urgency_of(each.state))
    cards = "".join(f"<section>{_card(reader, each)}</section>" for each in ordered)
    none = parts.empty(f"{reader.organization} has not connected a Slack workspace yet.")
    return document(reader.frame, "Slack workspaces", above + (cards or f"<section>{none}</section>") + _begin(
        reader, purposes
    ) + around[1])  # fmt: skip


def _card(reader: Reader, shown: ShownWorkspace) -> str:
    known = [("What for", escape(shown.purpose)), ("Answers for it", escape(shown.owner))]
    known += [("Last used", say_time(shown.connection.last_used_at, reader.now))]
    more = (
        link_button(_path(shown.connection), "Details", Tone.PLAIN, shown.name) if shown.connection.installed_at else ""
    )
    return (
        f'<div class="head"><h2>{escape(shown.name)}</h2>{chip(shown.state.tone, shown.state.word)}</div>'
        f"<p>{escape(shown.state.sentence)}</p>{facts(known)}{_row(_next_step(reader, shown), more)}"
    )


def _begin(reader: Reader, purposes: Iterable[Purpose]) -> str:
    if not reader.may_connect:
        return "<section><h2>Connect a workspace</h2><p>An owner or admin of your organization does that.</p></section>"
    if reader.room < 1:
        return (
            f"<section><h2>Connect a workspace</h2><p>{escape(reader.organization)} has as many workspaces as it may "
            "connect. Disconnect one first.</p></section>"
        )
    options = [(each.purpose_id, each.text) for each in purposes]
    field = Field("purpose", "What is it for?", "Your organization sees this beside the workspace.")
    asked = choices(field, options) if options else ""
    return (
        "<section><h2>Connect a workspace</h2><p>Slack shows what the app asks for, and an admin of the workspace "
        f"approves.</p>{parts.form(CONNECT_PATH, reader.token, asked, BEGIN, label='Connect Slack')}</section>"
    )


def show_one(reader: Reader, shown: ShownWorkspace, scopes: Iterable[DescribedScope], told: str = "") -> str:
    """Shows one workspace. `scopes` are what it has granted, with why; `told` is what has just been done."""
    connection = shown.connection
    above = notice(Tone.GOOD, f"<p>{escape(told)}</p>", is_alert=True) if told else ""
    above += "".join(map(_unavailable, shown.unavailable))
    domain = f"<code>{escape(connection.team_domain)}.slack.com</code>" if connection.team_domain else ""
    known = [
        ("Address", domain),
        ("What for", escape(shown.purpose)),
        ("Answers for it", escape(shown.owner)),
        ("To be answered for", say_time(_answer_until(connection), reader.now, never="")),
        ("Default channel", _channel(shown)),
        ("Connected", say_time(connection.installed_at, reader.now)),
        ("Last used", say_time(connection.last_used_at, reader.now)),
        ("Last checked with Slack", say_time(connection.last_validated_at, reader.now)),
        *_token(reader, shown.token),
        ("To be renewed", say_time(connection.ends_at, reader.now, never="")),
        ("Id", f'<code class="copy">{escape(connection.id)}</code>'),
    ]
    return document(
        reader.frame,
        shown.name,
        f"{above}<section><p>{chip(shown.state.tone, shown.state.word)}</p><p>{escape(shown.state.sentence)}</p>"
        f"{_row(_next_step(reader, shown), *_others(reader, shown))}</section>"
        f"<section><h2>About it</h2>{facts(known)}</section>{_scopes(shown, scopes)}{_end(reader, shown)}",
    )


def _unavailable(noted: NotedChannel) -> str:
    """Says what is wrong with a channel that is chosen, and what to do."""
    channel, (what, advice) = f"<code>{escape(noted.channel_id)}</code>", _UNAVAILABLE[noted.state]
    return notice(Tone.WARNING, f"<p>The channel {channel} {what}. No message arrives there. {advice}</p>")


def _answer_until(connection: Connection) -> int | None:
    """Finds until when somebody must answer for it, where nobody does and it serves."""
    is_waiting = connection.status == ConnectionStatus.ACTIVE and connection.owner_missing_at is not None
    return (connection.owner_missing_at or 0) + OWNER_DAYS * 86_400 if is_waiting else None


def _token(reader: Reader, token: Token | None) -> list[tuple[str, str]]:
    """Lists the times of its token's life, and what went wrong with it last."""
    if token is None:
        return []
    renewed = token.issued_at if token.issued_at > token.granted_at else None
    failed = (
        f"{say_time(token.refused_at, reader.now)}: <code>{escape(token.reason)}</code>" if token.refused_at else ""
    )
    return [
        ("Token issued", say_time(token.granted_at, reader.now)),
        ("Token renewed", say_time(renewed, reader.now, never="Not yet")),
        ("Token expires", say_time(token.expires_at, reader.now, never="Never: it does not rotate")),
        ("Last failure", failed or "None"),
    ]


def _channel(shown: ShownWorkspace) -> str:
    channel_id = shown.connection.default_channel_id
    if not channel_id:
        return "None yet"
    name = f"#{escape(shown.channel)} " if shown.channel else ""
    return f'{name}<code class="copy">{escape(channel_id)}</code>'


def _scopes(shown: ShownWorkspace, scopes: Iterable[DescribedScope]) -> str:
    granted = "".join(map(parts.scope, scopes))
    missing = ", ".join(shown.missing_scopes)
    told = notice(Tone.WARNING, f"<p>Asked for, and not granted: {escape(missing)}</p>") if missing else ""
    return f"<section><h2>What it may do</h2>{told}<ul>{granted}</ul></section>" if granted or told else ""


def _end(reader: Reader, shown: ShownWorkspace) -> str:
    if not reader.may_manage or shown.connection.installed_at is None:
        return ""
    button = link_button(f"{_path(shown.connection)}/disconnect", "Disconnect", Tone.PLAIN)
    return f"<section><h2>Disconnect it</h2><p>You are asked once more before that.</p><p>{button}</p></section>"


def _others(reader: Reader, shown: ShownWorkspace) -> list[str]:
    """Lists buttons for what can be done besides the next step."""
    is_active, step = shown.connection.status == ConnectionStatus.ACTIVE, shown.state.step
    found = []
    if is_active and reader.may_use and step is not NextStep.TEST:
        found.append(_act(reader, shown, TEST, NextStep.TEST, tone=Tone.PLAIN))
    if is_active and reader.may_use and step is not NextStep.CHANNEL:
        found.append(link_button(f"{_path(shown.connection)}/channels", "Channels", Tone.PLAIN))
    if reader.may_connect and step is not NextStep.RECONNECT:
        found.append(_reconnect(reader, shown, Tone.PLAIN))
    return found


def _next_step(reader: Reader, shown: ShownWorkspace) -> str:
    """Makes the button of the one next step, or tells who can take it."""
    step = shown.state.step
    if step is NextStep.CONFIRM and reader.member == shown.connection.user_id:
        return link_button(CONNECT_PATH, step.value)
    if step in (NextStep.NOTHING, NextStep.CONFIRM):
        return ""
    is_allowed = {NextStep.TEST: reader.may_use, NextStep.RECONNECT: reader.may_connect}.get(step, reader.may_manage)
    if not is_allowed:
        return f"<span>Next: {escape(step.value)}. An owner or admin does that.</span>"
    if step is NextStep.RECONNECT:
        return _reconnect(reader, shown)
    if step is NextStep.CHANNEL:
        return link_button(f"{_path(shown.connection)}/channels", step.value)
    if step is NextStep.TEST:
        return _act(reader, shown, TEST, step, tone=Tone.PLAIN)
    return _act(reader, shown, TAKE_OVER, step)


def _act(reader: Reader, shown: ShownWorkspace, purpose: str, step: NextStep, tone: Tone | None = None) -> str:
    return parts.form(_path(shown.connection), reader.token, "", purpose, label=step.value, tone=tone)


def _reconnect(reader: Reader, shown: ShownWorkspace, tone: Tone | None = None) -> str:
    which = f'<input type="hidden" name="reconnect" value="{escape(shown.connection.id)}">'
    return parts.form(CONNECT_PATH, reader.token, which, BEGIN, label=NextStep.RECONNECT.value, tone=tone)


def ask_to_disconnect(reader: Reader, shown: ShownWorkspace) -> str:
    """Asks once, and names what is lost."""
    lost = (
        "<ul><li>The app is removed from the workspace in Slack.</li>"
        "<li>Its token, its settings and everything stored for it are erased, backups included.</li>"
        f"<li>Nothing of {escape(reader.organization)} can be sent there any more.</li></ul>"
        "<p>To connect it again takes an admin of the workspace.</p>"
    )
    path = _path(shown.connection)
    erase = parts.form(path, reader.token, "", DISCONNECT, label="Disconnect and erase", tone=Tone.DANGER)
    return document(
        reader.frame._replace(is_wide=False),
        f"Disconnect {shown.name}?",
        notice(Tone.WARNING, "<p>This cannot be undone.</p>")
        + lost
        + buttons(erase, link_button(path, "Keep it", Tone.PLAIN)),
    )


def show_end(reader: Reader, name: str, is_told: bool) -> str:
    """Shows that it is over, and whether Slack knows."""
    slack = (
        "Slack has removed the app from the workspace."
        if is_told
        else "Slack has not said that it removed the app: look in the workspace's list of apps, and remove it there."
    )
    return document(
        reader.frame._replace(is_wide=False),
        f"{name} is disconnected",
        f"<p>Everything that was stored for it here is erased. {slack}</p>"
        f"<p>{link_button(WORKSPACES_PATH, 'All workspaces')}</p>",
    )


class ChannelView(NamedTuple):
    """Channels that were found, what was searched for, and where the list goes on."""

    channels: Sequence[ListedChannel]
    search: str
    cursor: str | None
    incomplete: Sequence[IncompleteReason]
    team_id: str
    at: int


def show_channels(reader: Reader, shown: ShownWorkspace, view: ChannelView) -> str:
    """Shows the channels of a workspace: one of them may be the default."""
    path = f"{_path(shown.connection)}/channels"
    is_enterprise = shown.connection.tenant is not None and shown.connection.tenant.is_enterprise
    team = Field("teamId", "Id of the workspace in your Enterprise", "It begins with T.")
    asked = text_field(Field("search", "Part of the name"), view.search, "search", most=80)
    asked += text_field(team, view.team_id, most=21) if is_enterprise else ""
    missing = "".join(notice(Tone.WARNING, f"<p>Not complete: {_INCOMPLETE[each]}.</p>") for each in view.incomplete)
    rows = [_channel_row(reader, shown, each) for each in view.channels]
    listed = parts.table("By name", ("Channel", "About it", "Default"), rows) if rows else parts.empty(
        "Say which workspace of your Enterprise, and search." if is_enterprise and not view.team_id
        else "No channel has that in its name." if view.search
        else "There is no channel that the app may see."
    )  # fmt: skip
    onward = urlencode({"search": view.search, "teamId": view.team_id, "cursor": view.cursor or ""})
    more = f'<p><a href="{escape(path)}?{escape(onward)}">More channels</a></p>' if view.cursor else ""
    return document(
        reader.frame,
        f"Channels of {shown.name}",
        f'<section><form method="get" action="{escape(path)}" role="search">{asked}'
        f'<button class="button">Search</button></form></section><section>{missing}{listed}{more}'
        f'<p class="note">As Slack told it {say_time(view.at, reader.now)}. '
        f'<a href="{escape(_path(shown.connection))}">Back to {escape(shown.name)}</a></p></section>',
    )


def _channel_row(reader: Reader, shown: ShownWorkspace, channel: ListedChannel) -> tuple[str, str, str]:
    marks = (
        (channel.is_private, "private"), (channel.is_member, "the app is in it"),
        (channel.is_external, "shared with other companies"), (channel.is_read_only, "not everybody may post"),
    )  # fmt: skip
    about = ", ".join(word for holds, word in marks if holds) or "public"
    name = f'#{escape(channel.name)} <code class="copy">{escape(channel.id)}</code>'
    if channel.id == shown.connection.default_channel_id:
        return name, about, chip(Tone.GOOD, "Default")
    if not reader.may_manage:
        return name, about, ""
    which = f'<input type="hidden" name="channel" value="{escape(channel.id)}">'
    label = f"Make #{channel.name} the default"
    return name, about, parts.form(_path(shown.connection), reader.token, which, CHANNEL, label=label, tone=Tone.PLAIN)


def _row(*inner: str) -> str:
    found = [each for each in inner if each]
    return buttons(*found) if found else ""


def _path(connection: Connection) -> str:
    return f"{WORKSPACES_PATH}/{quote(connection.id, safe='')}"
