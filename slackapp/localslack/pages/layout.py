"""The look of the few pages: plain HTML, one small style sheet, and one small script on the control page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape

from slackapp.localslack.pages.script import SCRIPT_PATH
from slackapp.localslack.wire import HttpResponse
from slackapp.web import components
from slackapp.web.components import Frame, Tone, hidden
from slackapp.web.style import HASH, STYLE

CSS = f"""{STYLE}
form {{ margin: .5rem 0; }}
form.line {{ display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; }}
form.line label {{ flex: 1 1 12rem; }}
label {{ font-weight: 400; }}
.told {{ color: var(--bad); font-weight: 600; }}
.told:empty {{ display: none; }}
.scope {{ font-family: ui-monospace, monospace; overflow-wrap: anywhere; }}
.talk {{ list-style: none; margin: 0; padding: 0; }}
.talk li {{ border-top: 1px solid var(--line); padding: .5rem 0; margin: 0; }}
.said {{ white-space: pre-wrap; overflow-wrap: anywhere; }}
.small {{ color: var(--muted); font-size: .9375rem; }}
"""
FRAME = Frame("Local Slack, a stand-in for slack.com on this machine", mark=HASH, style=CSS, foot=())

_STYLE = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
# The style sheet is allowed by its hash, so that nothing else inline can ever run or apply.
POLICY = f"default-src 'none'; base-uri 'none'; frame-ancestors 'none'; img-src 'self'; style-src 'sha256-{_STYLE}'"
LIVE_POLICY = f"{POLICY}; script-src 'self'; connect-src 'self'"


def page(title: str, body: str, *, status: int = 200, live: bool = False) -> HttpResponse:
    """A whole page. `body` is HTML that is escaped already; `title` is escaped there.

    A `live` page has the script that keeps it fresh. There is no form-action rule: browsers apply it to the redirect
    after the consent form too, which leads to the app.
    """
    script = f'<script src="{SCRIPT_PATH}" defer></script>' if live else ""
    html = components.document(FRAME._replace(head=script, is_wide=live), title, body)
    headers = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", LIVE_POLICY if live else POLICY),
        ("Referrer-Policy", "same-origin"),
        ("X-Frame-Options", "DENY"),
    )
    return HttpResponse(status, headers, html.encode())


def problem(code: str, sentence: str, *, status: int = 400) -> HttpResponse:
    """An error on our own page: the error code and what it means."""
    body = (
        f'<section><p>{escape(sentence)}</p><p class="small"><code>{escape(code)}</code></p>'
        '<p><a href="/">Back to the local Slack</a></p></section>'
    )
    return page("Something went wrong", body, status=status)


def button(label: str, name: str = "", value: str = "", *, main: bool = False) -> str:
    """A submit button."""
    return components.button(label, None if main else Tone.PLAIN, name, value)


def control(action: str, inner: str, *, line: bool = False) -> str:
    """A form of the control page; `inner` is HTML that is escaped already."""
    return f'<form method="post" action="/control/{action}"{" class=line" if line else ""}>{inner}</form>'


def press(action: str, label: str, fields: Mapping[str, str]) -> str:
    """A form that is one button."""
    return control(action, "".join(hidden(name, value) for name, value in fields.items()) + button(label))
