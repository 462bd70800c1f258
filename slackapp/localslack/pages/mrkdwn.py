"""A text as it is read: links, bold, code, users by their names. All else stands as the app wrote it.

Follows docs.slack.dev/messaging/formatting-message-text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

_MARKED = re.compile(
    r"<@(?P<person>[UW][A-Z0-9]+)>"
    r"|<(?P<link>(?:https?|mailto):[^<>|\s]+)(?:\|(?P<label>[^<>]+))?>"
    r"|`(?P<code>[^`\n]+)`"
    r"|(?<![\w*])\*(?P<bold>[^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])"
)


def html(text: str, name: Callable[[str], str]) -> str:
    """The text as HTML, all of it escaped; `name` gives a user's name by their id."""
    parts, end = [], 0
    for found in _MARKED.finditer(text):
        parts += [_plain(text[end : found.start()]), _drawn(found, name)]
        end = found.end()
    return "".join([*parts, _plain(text[end:])])


def _drawn(found: re.Match[str], name: Callable[[str], str]) -> str:
    if found["person"]:
        return escape(f"@{name(found['person'])}")
    if found["link"]:
        return f'<a href="{_plain(found["link"])}">{_plain(found["label"] or found["link"])}</a>'
    if found["code"]:
        return f"<code>{_plain(found['code'])}</code>"
    return f"<strong>{html(found['bold'], name)}</strong>"


def _plain(text: str) -> str:
    """The three characters that an app escapes for Slack, escaped for a browser instead, with all others."""
    return escape(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
