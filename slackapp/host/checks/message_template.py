"""A template says what its author wrote; what fills it in is shown as text, and is nothing else.

Stops:   a value that mentions somebody, makes a link or leads one to another site; a message with a hole in it, since a
         variable was forgotten or misspelt; a `$` that its author took for a variable, and that is none; a value that
         stands a thousand times, and fills the memory.
How:     a variable is `$name` or `${name}`, and `$$` is the character: the grammar of Python's `string.Template`, with
         names of ASCII. Where one stands decides how its value is written: escaped in mrkdwn, as it is in plain text,
         percent-encoded in an address, whose site the template itself must name. Nowhere else may a `$` stand. The
         values are those of the variables, all of them, and no other. A text that has one is shown verbatim.
Does not stop: `*` and `_`, which change how a value looks; an address in the `text` of a message, which Slack makes a
         link to just that.
Read:    docs.python.org/3/library/string.html#template-strings; docs.slack.dev/messaging/formatting-message-text
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from slackapp.host.blocks import escape
from slackapp.host.checks.message_content import MAX_BLOCKS_TEXT, MAX_TEXT
from slackapp.host.errors import HostRefusal, HostRefused

MAX_VARIABLES = 50
MAX_FILLED = MAX_TEXT + MAX_BLOCKS_TEXT
"""Characters that are filled in, all together: with more no message is short enough."""
_NAME = "[A-Za-z_][A-Za-z0-9_]*"
_DOLLAR = re.compile(rf"\$(?:\$|(?P<named>{_NAME})|\{{(?P<braced>{_NAME})\}}|)")
_MAX_NAME = 32
_FIELD = re.compile(r"[a-z_]{1,32}")
_MARKUP = re.compile(r"<([^<>|]*)(\|[^<>]*)?>")
_SITE = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?/")
_LEADS = re.compile(rf"{_SITE.pattern}|[@#]|!subteam\^")
"""What markup must begin with for a variable to stand in it: a site, or a mention of one person, channel or group."""

Write = Callable[[str], str]
"""Writes what a variable of that name becomes."""
Filled = Callable[[str, Write], str]
"""Fills a text in; what is refused raises ValueError."""


def _replace(text: str, write: Write) -> str:
    def one(found: re.Match[str]) -> str:
        name = found["named"] or found["braced"]
        if name is None and found[0] == "$$":
            return "$"
        # claim: C-320
        if name is None or len(name) > _MAX_NAME:
            raise ValueError
        return write(name)

    return _DOLLAR.sub(one, text)


def _fill_address(text: str, write: Write, allowed: re.Pattern[str] = _SITE) -> str:
    first = next((found.start() for found in _DOLLAR.finditer(text) if found[0] != "$$"), None)
    # claim: C-321
    if first is not None and not allowed.match(text, 0, first):
        raise ValueError
    # claim: C-321
    return _replace(text, lambda name: quote(write(name), safe=""))


def _fill_mrkdwn(text: str, write: Write) -> str:
    """Fills in what stands between pieces of markup, and what stands in them."""
    made, end = [], 0

    def shown(name: str) -> str:
        # claim: C-321
        return escape(write(name))

    def label(name: str) -> str:
        return shown(name).replace("|", "¦")

    for found in _MARKUP.finditer(text):
        made.append(_replace(text[end : found.start()], shown))
        made.append(f"<{_fill_address(found[1], write, _LEADS)}{_replace(found[2] or '', label)}>")
        end = found.end()
    return "".join((*made, _replace(text[end:], shown)))


_PLACES: Mapping[tuple[str, str], Filled] = {
    ("mrkdwn", "text"): _fill_mrkdwn,
    ("plain_text", "text"): _replace,
    ("text", "text"): _replace,
    ("link", "text"): _replace,
    ("link", "url"): _fill_address,
    ("button", "url"): _fill_address,
    ("button", "value"): _replace,
    ("image", "image_url"): _fill_address,
    ("image", "alt_text"): _replace,
}
"""Type of an object of Block Kit and its field → how that is filled in."""


def find_variables(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Finds the variables of a template, given the fields for Slack, by their names. Raises HostRefused.

    The pointer says where a `$` stands that cannot.
    """
    found: dict[str, None] = {}

    def note(name: str) -> str:
        found[name] = None
        return ""

    _fill_all(fields, note)
    # claim: C-322
    if len(found) > MAX_VARIABLES:
        raise HostRefused(HostRefusal.TEMPLATE)
    return tuple(sorted(found))


def fill_in(fields: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Fills a template in. Raises HostRefused, naming the variable that is missing, unknown or no text."""
    wanted = find_variables(fields)
    for name in sorted({*wanted, *values}):
        value = values.get(name)
        is_value = isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
        # claim: C-320
        if name not in wanted or not is_value:
            is_name = re.fullmatch(_NAME, name) is not None and len(name) <= _MAX_NAME
            raise HostRefused(HostRefusal.VARIABLE, field="/variables" + (f"/{name}" if is_name else ""))
    left = MAX_FILLED

    def write(name: str) -> str:
        nonlocal left
        left -= len(str(values[name]))
        # claim: C-289
        if left < 0:
            raise HostRefused(HostRefusal.CONTENT, field=f"/variables/{name}")
        return str(values[name])

    return _fill_all(fields, write)


def _fill_all(fields: Mapping[str, Any], write: Write) -> dict[str, Any]:
    """Fills in the text, which is mrkdwn, and the blocks."""
    made: dict[str, Any] = {}
    for name, value in fields.items():
        told = partial(_fill_text, _fill_mrkdwn, write=write) if name == "text" else partial(_fill_part, write=write)
        made[name] = told(value, f"/{name}")
    return made


def _fill_part(part: Any, pointer: str, write: Write) -> Any:
    """Fills in a part of a block, as the place of each of its texts has it."""
    if isinstance(part, list):
        return [_fill_part(each, f"{pointer}/{number}", write) for number, each in enumerate(part)]
    if not isinstance(part, dict):
        return part
    made: dict[str, Any] = {}
    for name, value in part.items():
        below = f"{pointer}/{name}" if _FIELD.fullmatch(name) else pointer
        if isinstance(value, str):
            made[name] = _fill_text(_PLACES.get((str(part.get("type")), name), _fill_nothing), value, below, write)
        else:
            made[name] = _fill_part(value, below, write)
    if part.get("type") == "mrkdwn" and made.get("text") != part.get("text"):
        # claim: C-321
        made["verbatim"] = True
    return made


def _fill_text(fill: Filled, text: str, pointer: str, write: Write) -> str:
    try:
        return fill(text, write)
    except ValueError:
        raise HostRefused(HostRefusal.TEMPLATE, field=pointer) from None


def _fill_nothing(text: str, write: Write) -> str:
    # claim: C-320
    if "$" in text:
        raise ValueError
    return text
