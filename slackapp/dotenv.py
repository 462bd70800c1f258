"""The form of `.env`: the part of a shell's that people use there, NAME=VALUE on a line.

`export` before a name, quotes around a value, a comment behind it and a byte order mark are understood. A line that
tries to set something of ours and cannot be understood is refused by its number. What else stands there belongs to
other programs: it never stops this one, not even in a form that only they know.
"""

import re

from slackapp.errors import ConfigError

OURS = ("SLACK_", "SLACKAPP_")
_LINE_END = re.compile(r"\r\n|\n|\r")
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?(?P<name>[^=]*?)\s*=(?P<value>.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOOKS_OURS = re.compile(r"\s*(?:export\s+)?SLACK", re.IGNORECASE)
_PLAIN = re.compile(r"(?:(?!\s#).)*", re.DOTALL)
_QUOTED = re.compile(
    r"""\s*(?:'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)")(?P<rest>[^\n]*)""",
    re.DOTALL,
)
_BEHIND = re.compile(r"\s*(?:\s#.*)?")
_ESCAPED = re.compile(r"\\([\"\\$`])")


def parse(text: str) -> dict[str, str]:
    """Name to value, of every line that can be read. Raises ConfigError with a line's number, never its content."""
    lines = _LINE_END.split(text.removeprefix("\ufeff"))
    found: dict[str, str] = {}
    number = 0
    while number < len(lines):
        line, number = lines[number], number + 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        assignment = _ASSIGNMENT.fullmatch(line)
        if assignment is None:
            raise ConfigError(f"line {number} is not of the form NAME=VALUE")
        name, value = assignment["name"], assignment["value"]
        if not _LOOKS_OURS.match(line):
            number += _more_lines(value, lines[number:])
            continue
        if not _NAME.fullmatch(name):
            raise ConfigError(f"line {number} is not of the form NAME=VALUE")
        found[name] = _value(value, number)
    return found


def _value(text: str, number: int) -> str:
    if text.lstrip()[:1] not in ("'", '"'):
        plain = _PLAIN.match(text)
        return plain[0].strip() if plain is not None else ""
    quoted = _QUOTED.fullmatch(text)
    if quoted is None:
        raise ConfigError(f"line {number}: the quote before the value is not closed behind it on the same line")
    if not _BEHIND.fullmatch(quoted["rest"]):
        raise ConfigError(
            f"line {number}: something stands behind the closing quote; a comment begins with a space and #"
        )
    return quoted["single"] if quoted["single"] is not None else _ESCAPED.sub(r"\1", quoted["double"])


def _more_lines(value: str, following: list[str]) -> int:
    """How many further lines a quoted value of another program goes on for; none, where its quote is never closed."""
    if value.lstrip()[:1] not in ("'", '"') or _QUOTED.match(value):
        return 0
    for number in range(1, len(following) + 1):
        if _QUOTED.match("\n".join((value, *following[:number]))):
            return number
    return 0
