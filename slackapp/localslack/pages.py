"""The look of the few pages: plain HTML, one small style sheet, no script."""
from __future__ import annotations

import base64
import hashlib
from html import escape

from slackapp.localslack.wire import Response

CSS = """
:root{color-scheme:light dark;--line:#8884;--accent:#4a154b;--soft:#8881}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:0 auto;padding:1rem}
header{border-bottom:3px solid var(--accent);margin-bottom:1.25rem}
h1{font-size:1.4rem;margin:.5rem 0}h2{font-size:1.1rem;margin:1.5rem 0 .5rem}
section,fieldset{border:1px solid var(--line);border-radius:.6rem;padding:.8rem 1rem;margin:0 0 1rem}
legend{font-weight:600;padding:0 .4rem}label{display:block;padding:.3rem 0}
ul{margin:.3rem 0;padding-left:1.2rem}code,.scope{font-family:ui-monospace,monospace;overflow-wrap:anywhere}
button,input[type=text],select{font:inherit;padding:.55rem .9rem;border-radius:.5rem;border:1px solid var(--line)}
button{cursor:pointer;margin:.2rem .3rem .2rem 0}button.main{background:var(--accent);color:#fff;border:0}
input[type=text],select{width:100%;max-width:24rem;margin:.2rem 0}
table{border-collapse:collapse;width:100%;display:block;overflow-x:auto}
td,th{text-align:left;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top}
form{margin:.3rem 0}.note{background:var(--soft);border-radius:.5rem;padding:.5rem .8rem}
.small{font-size:.85rem;opacity:.8}
"""

# The style sheet is allowed by its hash, so that nothing else inline can ever run or apply.
POLICY = (
    "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()}'"
)


def page(title: str, body: str, *, status: int = 200, refresh: str = "") -> Response:
    """A whole page. `body` is HTML that is escaped already; `title` is escaped here.

    `refresh` is the path to load again after one second. There is no form-action rule: browsers apply it
    to the redirect after the consent form too, which leads to the app.
    """
    again = f'<meta http-equiv="refresh" content="1;url={escape(refresh)}">' if refresh else ""
    html = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">{again}<style>{CSS}</style></head>'
        f"<body><header><h1>{escape(title)}</h1><p class=\"small\">Local Slack: a stand-in for slack.com on this "
        f"machine.</p></header>{body}</body></html>"
    )
    headers = (("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", POLICY),
               ("Referrer-Policy", "same-origin"), ("X-Frame-Options", "DENY"))
    return Response(status, headers, html.encode())


def problem(code: str, sentence: str, *, status: int = 400) -> Response:
    """An error on our own page: the error code and what it means."""
    body = f'<section><p><code>{escape(code)}</code></p><p>{escape(sentence)}</p></section>'
    return page("Something went wrong", body, status=status)


def hidden(name: str, value: str) -> str:
    """A hidden form field."""
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'


def button(label: str, name: str = "", value: str = "", *, main: bool = False) -> str:
    """A submit button."""
    named = f' name="{escape(name)}" value="{escape(value)}"' if name else ""
    return f'<button{" class=main" if main else ""}{named}>{escape(label)}</button>'
