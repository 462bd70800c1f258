"""Pages of the example product: plain HTML, with a style of their own."""

import base64
import hashlib
from html import escape

STYLE = """
:root { color-scheme: light dark; --ground: #f3f6f5; --surface: #ffffff; --line: #c9d3d0; --edge: #6f7d79;
  --text: #17211f; --muted: #4a5754; --accent: #0b5a50; --on-accent: #ffffff; --bad: #a1260d; --focus: #1264a3; }
@media (prefers-color-scheme: dark) { :root { --ground: #121716; --surface: #1b2220; --line: #35413e; --edge: #8b9a96;
  --text: #e8efed; --muted: #afbcb8; --accent: #7fd6c6; --on-accent: #06231f; --bad: #ff9d8a; --focus: #8ec3ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 1.0625rem/1.55 system-ui, sans-serif; }
header, main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; }
header strong { flex: 1 1 12rem; }
section, .notice { margin: 0 0 1rem; padding: 1.5rem; background: var(--surface); border: 1px solid var(--line);
  border-radius: 14px; overflow-wrap: anywhere; }
.notice { padding: 1rem 1.5rem; border-left: 4px solid var(--accent); }
.notice.bad { border-left-color: var(--bad); }
h1 { margin: 0 0 1rem; font-size: 1.6rem; line-height: 1.25; }
h2 { margin: 0 0 .5rem; font-size: 1.15rem; }
p { margin: 0 0 1rem; }
section > :last-child, section > :last-child > .row, .notice > :last-child { margin-bottom: 0; }
.muted { color: var(--muted); font-size: .9375rem; }
.row { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; margin: 0 0 1rem; }
form { margin: 0; }
button, select { min-height: 2.75rem; max-width: 100%; padding: .5rem 1rem; border: 1px solid var(--edge);
  border-radius: 8px; background: var(--surface); color: var(--text); font: inherit; }
button { cursor: pointer; }
button.main { border-color: var(--accent); background: var(--accent); color: var(--on-accent); font-weight: 600; }
label { display: block; font-weight: 600; }
a { color: inherit; }
.again { display: inline-block; padding: .25rem 0; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 3px; }
table { width: 100%; margin: 0 0 1rem; border-collapse: collapse; }
th, td { padding: .5rem 1rem .5rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top; }
@media (max-width: 40rem) { .row, .row form, .row button, .row select { width: 100%; } section { padding: 1rem; }
  thead { position: absolute; left: -60rem; } tr { display: block; padding: .5rem 0;
  border-top: 1px solid var(--line); } td { display: block; padding: 0; border: 0; } }
"""
STATES = {
    "active": "is connected.",
    "needs_reconnect": "is connected, but Slack takes the app's token no more: an owner or admin connects it again.",
    "suspended": "is connected, and stopped for now: the Slack settings say why.",
}
"""What becomes of a workspace, in words for people."""
SEND_AT_ONCE = "document.forms[0].submit()"
"""The one script: the page with the ticket sends its form. Without script there is the button."""


def _hash(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": f"default-src 'none'; style-src {_hash(STYLE)}; script-src {_hash(SEND_AT_ONCE)}; "
    "img-src data:; base-uri 'none'; frame-ancestors 'none'",
    # The service takes the form with the ticket from this site alone: browsers must tell it which site it is.
    "Referrer-Policy": "strict-origin",
    "Cache-Control": "no-store",
}


def page(title, inner, top="<strong>Example product</strong>"):
    """Makes a page; whatever came from outside is escaped by who calls."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f'<link rel="icon" href="data:,"><title>{title}</title><style>{STYLE}</style></head>'
        f"<body><header>{top}</header><main>{inner}</main></body></html>"
    )


def button(action, label, kind="", **fields):
    """Makes a form with one button."""
    hidden = "".join(f'<input type="hidden" name="{name}" value="{escape(text)}">' for name, text in fields.items())
    return f'<form method="post" action="{action}">{hidden}<button class="{kind}">{escape(label)}</button></form>'


def hand_over(service, ticket):
    """Makes the form with the ticket, which goes to the service at once."""
    form = button(f"{service}/settings/session", "Go on to the Slack settings", "main", ticket=ticket)
    script = f"<script>{SEND_AT_ONCE}</script>"
    return page("One moment", f"<section><h1>One moment</h1><p>You are taken on.</p>{form}</section>{script}")


def log_in(organizations, people):
    """Makes the page on which one becomes somebody, by a button."""
    parts = []
    for organization, name in organizations.items():
        buttons = "".join(
            button("/login", f"{each.name}, {each.role}", person=each.id)
            for each in people
            if each.organization == organization
        )
        parts.append(f'<section><h2>{escape(name)}</h2><div class="row">{buttons}</div></section>')
    told = "<p>A product whose customers connect their Slack. Choose who you are: your role says what you may do.</p>"
    return page("Example product", f"<h1>Who are you?</h1>{told}{''.join(parts)}")


def front(session, organization, seen, notices):
    """Makes the front page of who is logged in. `seen` is what the service has told, and what our webhook took."""
    person, trouble = session.person, seen["trouble"] if seen["trouble"] != session.told else ""
    who = f"{escape(person.name)}, {person.role}"
    top = f"<strong>Example product</strong><span>{who}</span>{button('/leave', 'Be somebody else')}"
    return page(
        "Example product",
        f"<h1>{escape(organization)}</h1>{_notice(session.told, session.is_bad)}{_notice(trouble, True)}"
        f"{_slack(seen['integration'], seen['channels'])}{_send(seen['integration'], notices)}"
        f"{_messages(seen['messages'], seen['names'])}{_events(seen['events'])}",
        top,
    )


def _notice(text, is_bad):
    return f'<div class="notice{" bad" if is_bad else ""}" role="status"><p>{escape(text)}</p></div>' if text else ""


def _slack(integration, channels):
    """What is connected, and both ways to connect: the service's page, or the API."""
    status = integration["status"] if integration else ""
    buttons = [button("/settings", "Open the Slack settings", "main")]
    if status in ("", "revoked"):
        gone = "The workspace was removed at Slack." if status else "No workspace is connected."
        told = (
            f"{gone} There are two ways to connect one. The Slack settings are a page of the service, which does all "
            "of it. By API you go to Slack from here, and come back here to confirm."
        )
        buttons.append(button("/connect", "Connect by API"))
    else:
        name = escape(integration["workspace"]["name"])
        told = f"<strong>{name}</strong> {STATES.get(status, status)} {_where(integration, channels)}"
    if status == "needs_reconnect":
        buttons.append(button("/connect", "Reconnect by API", connection=integration["id"]))
    chosen = _channel_form(channels, integration["defaultChannel"]) if channels else ""
    return f'<section><h2>Slack</h2><p>{told}</p><div class="row">{"".join(buttons)}</div>{chosen}</section>'


def _where(integration, channels):
    """Where messages go that name no channel."""
    chosen = integration["defaultChannel"]
    if not chosen:
        return "Messages have no channel yet: choose one."
    return f"Messages go to #{escape({each['id']: each['name'] for each in channels}.get(chosen, chosen))}."


def _channel_form(channels, chosen):
    options = "".join(
        f'<option value="{each["id"]}"{" selected" if each["id"] == chosen else ""}>{escape(each["name"])}'
        f"{' (private)' if each['private'] else ''}</option>"
        for each in channels
    )
    return (
        '<form method="post" action="/channel"><label for="channel">Channel for messages</label>'
        f'<div class="row"><select id="channel" name="channel">{options}</select>'
        "<button>Use this channel</button></div></form>"
    )


def _send(integration, notices):
    kind = "main" if integration and integration["status"] == "active" and integration["defaultChannel"] else ""
    buttons = "".join(button("/send", each.button, kind, notice=name) for name, each in notices.items())
    return f'<section><h2>Tell Slack</h2><div class="row">{buttons}</div></section>'


def _messages(messages, names):
    rows = [
        (names.get(each["purpose"], each["purpose"]), _state(each["status"], each["reason"]), _clock(each["createdAt"]))
        for each in messages
    ]
    return _table("Messages", ("For", "Status", "Accepted"), rows, "Nothing was sent yet.")


def _events(events):
    rows = [(_state(each["type"], each["data"]["reason"]), _clock(each["timestamp"])) for each in events]
    empty = "The service has told nothing yet: connect Slack, and look again."
    return _table("What the service has told by webhook", ("Event", "Time"), rows, empty)


def _state(word, reason):
    return f"{word} ({reason})" if reason else word


def _clock(time):
    """Reads `2026-11-20T12:00:00Z` as people do."""
    return f"{time[:10]}, {time[11:19]} UTC"


def _table(title, heads, rows, empty):
    """Makes a section with a table, or the words for none."""
    again = '<p class="muted"><a class="again" href="/">Look again</a></p>'
    if not rows:
        return f"<section><h2>{title}</h2><p>{empty}</p>{again}</section>"
    head = "".join(f"<th scope=col>{each}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(each))}</td>" for each in row) + "</tr>" for row in rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<section><h2>{title}</h2>{table}{again}</section>"
