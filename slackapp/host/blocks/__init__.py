"""Blocks of Block Kit for messages, whose texts are escaped unless they are marked as mrkdwn.

Made for other programs to import: `section("a < b")` shows just that, `section(Mrkdwn("*bold*"))` is Slack's markup.
Untrusted text cannot mention anybody, nor make a link: `&`, `<` and `>` are all that Slack reads
(docs.slack.dev/messaging/formatting-message-text), and `verbatim` keeps it from looking for more.
"""

from collections.abc import Iterable
from typing import Any

Block = dict[str, Any]
_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))


class Mrkdwn(str):
    """Text in Slack's own markup, taken as it is."""

    __slots__ = ()


def escape(text: str) -> Mrkdwn:
    """Escapes a text for mrkdwn; what is marked as such stays."""
    if isinstance(text, Mrkdwn):
        return text
    for character, entity in _ESCAPES:
        # claim: C-270
        text = text.replace(character, entity)
    return Mrkdwn(text)


def link(url: str, label: str) -> Mrkdwn:
    """Makes a link. Raises ValueError for an address that is not of the web."""
    if not url.startswith(("https://", "http://")):
        raise ValueError("a link begins with https:// or http://")
    for character, code in ((" ", "%20"), ("|", "%7C"), ("<", "%3C"), (">", "%3E")):
        # claim: C-270
        url = url.replace(character, code)
    return Mrkdwn(f"<{url.replace('&', '&amp;')}|{escape(label).replace('|', '¦')}>")


def join(*parts: str) -> Mrkdwn:
    """Joins texts, each escaped unless it is mrkdwn."""
    return Mrkdwn("".join(map(escape, parts)))


def header(text: str) -> Block:
    """Makes a headline, in plain text."""
    return {"type": "header", "text": _plain(text)}


def section(text: str, fields: Iterable[str] = (), accessory: Block | None = None) -> Block:
    """Makes a paragraph, with short fields in two columns beside it."""
    found = [_text(each) for each in fields]
    parts = {"fields": found} if found else {}
    beside = {"accessory": accessory} if accessory is not None else {}
    return {"type": "section", "text": _text(text), **parts, **beside}


def context(*texts: str) -> Block:
    """Makes a line of small texts."""
    return {"type": "context", "elements": [_text(each) for each in texts]}


def divider() -> Block:
    """Makes a line across."""
    return {"type": "divider"}


def image(url: str, alt_text: str) -> Block:
    """Makes a picture, with the words for whoever does not see it."""
    return {"type": "image", "image_url": url, "alt_text": alt_text}


def actions(*buttons: Block) -> Block:
    """Makes a row of buttons."""
    return {"type": "actions", "elements": list(buttons)}


def button(text: str, action_id: str, value: str = "", url: str = "") -> Block:
    """Makes a button: with `url` it also leads there."""
    optional = {name: given for name, given in (("value", value), ("url", url)) if given}
    return {"type": "button", "text": _plain(text), "action_id": action_id, **optional}


def _text(text: str) -> Block:
    return {"type": "mrkdwn", "text": str(escape(text)), "verbatim": not isinstance(text, Mrkdwn)}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": True}
