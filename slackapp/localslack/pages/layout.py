"""The look of the few pages: plain HTML, one small style sheet, and one small script on the control page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape

from slackapp.localslack.pages.script import SCRIPT_PATH
from slackapp.localslack.wire import HttpResponse
from slackapp.web.style import COLOURS, COMMON, ICON_LINK

CSS = f"""{COLOURS}{COMMON}
body {{ max-width: 60rem; margin: 0 auto; padding: 1rem 1.25rem 3rem; }}
header {{ border-bottom: 3px solid var(--accent); margin-bottom: 1.25rem; }}
h1 {{ margin: .5rem 0; }}
h2 {{ margin: 1.5rem 0 .5rem; }}
h3 {{ margin: 1.2rem 0 .3rem; font-size: 1.0625rem; }}
section, fieldset {{ background: var(--surface); border: 1px solid var(--line); border-radius: 14px;
                    padding: .8rem 1.25rem 1rem; margin: 0 0 1rem; }}
section h2 {{ margin-top: .3rem; }}
section > :last-child {{ margin-bottom: 0; }}
legend {{ font-weight: 600; padding: 0 .4rem; }}
label {{ display: block; padding: .2rem 0; }}
form {{ margin: .3rem 0; }}
form.line {{ display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; }}
form.line label {{ flex: 1 1 12rem; padding: 0; }}
.buttons {{ display: flex; flex-wrap: wrap; align-items: center; gap: .5rem; margin: .5rem 0; }}
.buttons form {{ margin: 0; }}
button, input[type=text], select, textarea {{ font: inherit; padding: .5rem .9rem; border: 1px solid var(--edge);
    border-radius: 8px; background: var(--surface); color: var(--text); max-width: 100%; }}
input[type=text], select, textarea {{ display: block; width: 100%; }}
button {{ cursor: pointer; }}
button:hover {{ background: var(--inset); }}
button.main {{ background: var(--accent); color: var(--on-accent); border-color: var(--accent); font-weight: 600; }}
button.main:hover {{ background: var(--accent-over); }}
.button {{ padding: .5rem .9rem; margin: .2rem 0; }}
.told {{ color: var(--bad); font-weight: 600; }}
.told:empty {{ display: none; }}
.scope {{ font-family: ui-monospace, monospace; overflow-wrap: anywhere; }}
.talk {{ list-style: none; margin: 0; padding: 0; }}
.talk li {{ border-top: 1px solid var(--line); padding: .5rem 0; margin: 0; }}
.said {{ white-space: pre-wrap; overflow-wrap: anywhere; }}
.small {{ color: var(--muted); font-size: .9375rem; }}
table {{ border-collapse: collapse; width: 100%; }}
td {{ text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }}
@media (max-width: 40rem) {{ body {{ padding: .5rem .75rem 2rem; }} section {{ padding: .6rem .9rem .8rem; }} }}
"""

_STYLE = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
# The style sheet is allowed by its hash, so that nothing else inline can ever run or apply.
POLICY = f"default-src 'none'; base-uri 'none'; frame-ancestors 'none'; img-src 'self'; style-src 'sha256-{_STYLE}'"
LIVE_POLICY = f"{POLICY}; script-src 'self'; connect-src 'self'"


def page(title: str, body: str, *, status: int = 200, live: bool = False) -> HttpResponse:
    """A whole page. `body` is HTML that is escaped already; `title` is escaped here.

    A `live` page has the script that keeps it fresh. There is no form-action rule: browsers apply it to the redirect
    after the consent form too, which leads to the app.
    """
    script = f'<script src="{SCRIPT_PATH}" defer></script>' if live else ""
    html = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">{ICON_LINK}<style>{CSS}</style>{script}'
        f'</head><body><header><h1>{escape(title)}</h1><p class="small">Local Slack: a stand-in for slack.com on '
        f"this machine.</p></header><main>{body}</main></body></html>"
    )
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


def hidden(name: str, value: str) -> str:
    """A hidden form field."""
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'


def button(label: str, name: str = "", value: str = "", *, main: bool = False) -> str:
    """A submit button."""
    named = f' name="{escape(name)}" value="{escape(value)}"' if name else ""
    return f"<button{' class=main' if main else ''}{named}>{escape(label)}</button>"


def control(action: str, inner: str, *, line: bool = False) -> str:
    """A form of the control page; `inner` is HTML that is escaped already."""
    return f'<form method="post" action="/control/{action}"{" class=line" if line else ""}>{inner}</form>'


def press(action: str, label: str, fields: Mapping[str, str]) -> str:
    """A form that is one button."""
    return control(action, "".join(hidden(name, value) for name, value in fields.items()) + button(label))
