"""Pages of what an organization holds, and of what its tokens were used for, by whom and when."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode

from slackapp.host.checks.risks import UNCHECKED_DAYS, UNUSED_DAYS, Risk
from slackapp.host.flows.inventory.list_inventory import InventoryLine
from slackapp.host.model import ConnectionKind, ConnectionStatus
from slackapp.host.pages import parts
from slackapp.host.pages.parts import INVENTORY_PATH, TOKEN_USE_PATH, WORKSPACES_PATH, chip, facts, say_time
from slackapp.host.pages.workspaces import Reader
from slackapp.host.store.inventory.token_uses import AuditedUse, MethodUse
from slackapp.model import ActorKind, AuditResult
from slackapp.web.components import Field, Tone, button, buttons, choice_field, document, escape, link_button

_RISKS: Mapping[Risk, str] = {
    Risk.UNUSED: f"Not used for {UNUSED_DAYS} days",
    Risk.SCOPES_UNUSED: "May do more than it ever did",
    Risk.NO_OWNER: "Nobody answers for it",
    Risk.OVER_AGE: "Older than it may be",
    Risk.LONG_LIVED_TOKEN: "Its token never expires",
    Risk.UNCHECKED: f"Not checked with Slack for {UNCHECKED_DAYS} days",
}
_STATUSES: Mapping[ConnectionStatus, tuple[Tone, str]] = {
    ConnectionStatus.ACTIVE: (Tone.GOOD, "Connected"),
    ConnectionStatus.NEEDS_RECONNECT: (Tone.BAD, "Needs to be reconnected"),
    ConnectionStatus.SUSPENDED: (Tone.WARNING, "Suspended"),
    ConnectionStatus.REVOKED: (Tone.PLAIN, "Removed"),
}
_ACTORS: Mapping[str, str] = {
    ActorKind.MEMBER: "a member",
    ActorKind.HOST: "the product",
    ActorKind.WORKER: "this service",
    ActorKind.SLACK: "Slack",
    ActorKind.OPERATOR: "the operator",
}
_CAPABILITIES = {
    "": "Anything", "post": "Posting", "discover": "Looking for channels", "join": "Joining a channel",
    "settle": "Looking for an unclear message", "validate": "Checking the token", "refresh": "Renewing the token",
    "remove": "Ending it", "behaviour": "The app's own functions",
}  # fmt: skip


class UseView(NamedTuple):
    """Uses that were found, what was asked for, and where the list goes on; with names of connections and purposes."""

    uses: Sequence[AuditedUse]
    connection_id: str
    capability: str
    cursor: str | None
    names: Mapping[str, str]
    purposes: Mapping[str, str]


def show_inventory(reader: Reader, lines: Sequence[InventoryLine], cursor: str | None) -> str:
    """Shows what is held, what needs a look first, and then what was removed."""
    held = sorted((each for each in lines if each.entry.revoked_at is None), key=lambda each: -len(each.risks))
    gone = [each for each in lines if each.entry.revoked_at is not None]
    cards = "".join(f"<section>{_card(reader, each)}</section>" for each in held)
    none = f"<section>{parts.empty(f'{reader.organization} holds no access to Slack.')}</section>"
    rows = [_gone(reader, each) for each in gone]
    heads = ("Workspace", "Answered for it", "Granted", "Removed")
    removed = f"<section>{parts.table('What was removed', heads, rows)}</section>" if rows else ""
    files = buttons(
        link_button(f"{INVENTORY_PATH}.csv", "Download as CSV", Tone.PLAIN),
        link_button(f"{INVENTORY_PATH}.csv?view=credentials", "Credentials as CSV", Tone.PLAIN),
    )
    more = f'<p><a href="{INVENTORY_PATH}?{escape(urlencode({"cursor": cursor}))}">More</a></p>' if cursor else ""
    return document(
        reader.frame,
        "Access to Slack",
        f"<section><p>Everything that {escape(reader.organization)} may use in Slack, with who answers for it. What "
        f"needs a look comes first.</p>{files}</section>{cards or none}{removed}{more}",
    )


def _card(reader: Reader, line: InventoryLine) -> str:
    entry = line.entry
    tone, word = _STATUSES.get(entry.status, (Tone.PLAIN, str(entry.status)))
    kind = "" if entry.kind is ConnectionKind.WORKSPACE else " (a member's own)"
    chips = " ".join(chip(Tone.WARNING, _RISKS[risk]) for risk in line.risks)
    risks = f"<p>{chips}</p>" if chips else ""
    known = [
        ("Answers for it", _owner(line)),
        ("What for", escape(entry.purpose or entry.purpose_id or "Nobody has said")),
        ("What it may do", ", ".join(f"<code>{escape(each)}</code>" for each in entry.scopes)),
        ("Never used", ", ".join(f"<code>{escape(each)}</code>" for each in line.unused_scopes)),
        ("Channels", _channels(line)),
        ("Granted", say_time(entry.installed_at, reader.now)),
        ("Last checked with Slack", say_time(entry.last_validated_at, reader.now)),
        ("Last used", _last_use(reader, line)),
        ("How it ends", _end(reader, line)),
    ]
    name, path = entry.team_name or entry.tenant.id, f"{WORKSPACES_PATH}/{quote(entry.id, safe='')}"
    uses = f"{TOKEN_USE_PATH}?{escape(urlencode({'connection': entry.id}))}"
    details = link_button(path, "Details", Tone.PLAIN, name) if entry.kind is ConnectionKind.WORKSPACE else ""
    return (
        f'<div class="head"><h2>{escape(name)}{kind}</h2>{chip(tone, word)}</div>'
        f"{risks}{facts(known)}"
        f"{buttons(details, link_button(uses, 'What it was used for', Tone.PLAIN, name))}"
    )


def _owner(line: InventoryLine) -> str:
    entry = line.entry
    return "Nobody" if Risk.NO_OWNER in line.risks else escape(entry.owner_name or entry.owner_id)


def _channels(line: InventoryLine) -> str:
    entry = line.entry
    allowed = ", ".join(f"<code>{escape(each)}</code>" for each in entry.allowed_channels)
    default = f"by default <code>{escape(entry.default_channel_id)}</code>" if entry.default_channel_id else ""
    return "; ".join(each for each in (allowed or "Any that it can see", default) if each)


def _last_use(reader: Reader, line: InventoryLine) -> str:
    at = say_time(line.entry.last_used_at, reader.now)
    use = line.last_use
    if use is None:
        return at
    return f"{at}, by {_actor(reader, use)}: {_what(use)}"


def _actor(reader: Reader, use: AuditedUse | MethodUse) -> str:
    return escape(reader.name_of(use.actor_id) if use.actor_id else _ACTORS.get(use.actor, use.actor))


def _what(use: AuditedUse | MethodUse) -> str:
    return f"{escape(_CAPABILITIES.get(use.capability, use.capability))} <code>{escape(use.method)}</code>"


def _end(reader: Reader, line: InventoryLine) -> str:
    entry = line.entry
    ends = f"suspended {say_time(entry.ends_at, reader.now)}, when it is too old; " if entry.ends_at is not None else ""
    token = "its token does not expire" if entry.token_status is not None else ""
    if entry.rotates:
        token = f"its token expires {say_time(entry.expires_at, reader.now)}, and is renewed before"
    return f"By disconnecting it, or removing the app in Slack; {ends}{token}".rstrip("; ")


def _gone(reader: Reader, line: InventoryLine) -> tuple[str, str, str, str]:
    entry = line.entry
    return (
        f"<code>{escape(entry.tenant.id)}</code>",
        escape(entry.owner_name or entry.owner_id),
        say_time(entry.installed_at, reader.now),
        say_time(entry.revoked_at, reader.now),
    )


def show_uses(reader: Reader, view: UseView) -> str:
    """Shows what tokens were used for, the newest first."""
    asked = {"connection": view.connection_id, "capability": view.capability}
    every = [("", "All"), *view.names.items()]
    fields = choice_field(Field("connection", "Connection"), every, view.connection_id)
    fields += choice_field(Field("capability", "What"), [*_CAPABILITIES.items()], view.capability)
    heads = ("When", "Who", "What", "Where", "What for", "How it went")
    rows = [_use(reader, view, each) for each in view.uses]
    none = "No use is like that." if any(asked.values()) else "No token was used yet."
    listed = parts.table("The newest first", heads, rows) if rows else parts.empty(none)
    onward = urlencode({**asked, "cursor": view.cursor or ""})
    more = f'<p><a href="{TOKEN_USE_PATH}?{escape(onward)}">Older ones</a></p>' if view.cursor else ""
    file = link_button(f"{TOKEN_USE_PATH}.csv?{urlencode(asked)}", "Download as CSV", Tone.PLAIN)
    return document(
        reader.frame,
        "What tokens were used for",
        "<section><p>Before a token is used, that is written down here. Nobody can remove it.</p>"
        f'<form method="get" action="{TOKEN_USE_PATH}" role="search"><div class="fields">{fields}</div>'
        f"{buttons(button('Find'))}</form>"
        f"</section><section>{listed}{more}{buttons(file)}</section>",
    )


def _use(reader: Reader, view: UseView, use: AuditedUse) -> tuple[str, ...]:
    is_fine = use.result == AuditResult.OK
    where = view.names.get(use.connection_id) or use.tenant_id
    channel = f" <code>{escape(use.channel_id)}</code>" if use.channel_id else ""
    return (
        say_time(use.at, reader.now),
        _actor(reader, use),
        _what(use),
        f"{escape(where)}{channel}",
        escape(view.purposes.get(use.purpose_id, use.purpose_id)),
        chip(Tone.GOOD, "Allowed") if is_fine else chip(Tone.BAD, "Refused"),
    )
