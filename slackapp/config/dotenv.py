"""The form of `.env`: the part of a shell's that people use there, NAME=VALUE on a line.

`export` before a name or of a name, quotes around a value, a comment behind it and a byte order mark are understood. A
line that tries to set something of ours and cannot be understood is refused by its number; so is a value that a shell,
or docker compose, would put something else in the place of. What else stands there belongs to other programs: it never
stops this one, not even in a form that only they know.
"""

import re
from collections.abc import Callable

from slackapp.errors import ConfigError

_LINE_END = re.compile(r"\r\n|\n|\r")
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?(?P<name>[^=]*?)\s*=(?P<value>.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORD = re.compile(r"(?:^|(?<=\s))[\w.-]+")
_EXPORTED_BEFORE = re.compile(r"\s*export(?:\s+[A-Za-z_][A-Za-z0-9_]*)+\s*(?:\s#.*)?", re.DOTALL)
_PLAIN = re.compile(r"(?:(?!\s#).)*", re.DOTALL)
_QUOTED = re.compile(
    r"""\s*(?:'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)")(?P<rest>[^\n]*)""",
    re.DOTALL,
)
_TRAILING_COMMENT = re.compile(r"\s*(?:\s#.*)?")
_ESCAPED = re.compile(r"\\([\"\\$`])")
_REPLACED = re.compile(r"\$[A-Za-z_{('\"]|`")
_HOME = re.compile(r"~(?:/|$)")
_CONTINUES = re.compile(r"\\$|;(?:\s|$)|\s(?:export\s|SLACK\w*=)")
"""What ends a value before the end of its line, or goes on behind it, where nothing is quoted."""


def parse(text: str, is_ours: Callable[[str], bool]) -> dict[str, str]:
    """Name to value, of what is ours. Raises ConfigError with a line's number, never its content."""
    lines = _LINE_END.split(text.removeprefix("\ufeff"))
    found: dict[str, str] = {}
    number = 0
    while number < len(lines):
        line, number = lines[number], number + 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        assignment = _ASSIGNMENT.fullmatch(line)
        if not _sets_ours(line, is_ours):
            number += _more_lines(assignment["value"], lines[number:]) if assignment is not None else 0
        elif assignment is not None and _NAME.fullmatch(assignment["name"]):
            found[assignment["name"]] = _value(assignment["value"], number)
        elif not _EXPORTED_BEFORE.fullmatch(line):
            raise ConfigError(f"line {number} is not of the form NAME=VALUE")
    return found


def _sets_ours(line: str, is_ours: Callable[[str], bool]) -> bool:
    """Tells whether a line sets something of ours, or tries to: `slackapp-name = x`, `declare -x SLACKAPP_NAME=x`."""
    before, assigns, _ = line.partition("=")
    words = [word.replace("-", "_").replace(".", "_").upper() for word in _WORD.findall(before) if word != "export"]
    return any(map(is_ours, words if assigns else words[:1]))


def _value(text: str, number: int) -> str:
    if text.lstrip()[:1] not in ("'", '"'):
        plain = _PLAIN.match(text)
        value = plain[0].strip() if plain is not None else ""
        if _CONTINUES.search(value):
            raise ConfigError(f"line {number}: the value does not end with the line; put it in quotes")
        return _refuse_substitution(value, value, number, _HOME.match(value) is not None)
    quoted = _QUOTED.fullmatch(text)
    if quoted is None:
        raise ConfigError(f"line {number}: the quote before the value is not closed behind it on the same line")
    if not _TRAILING_COMMENT.fullmatch(quoted["rest"]):
        raise ConfigError(
            f"line {number}: something stands behind the closing quote; a comment begins with a space and #"
        )
    if quoted["single"] is not None:
        return quoted["single"]
    return _refuse_substitution(_ESCAPED.sub(r"\1", quoted["double"]), _ESCAPED.sub("", quoted["double"]), number)


def _refuse_substitution(value: str, unescaped: str, number: int, home: bool = False) -> str:
    if home or _REPLACED.search(unescaped):
        raise ConfigError(f"line {number}: nothing is put in the place of $, ` or ~ here; write what is meant itself")
    return value


def _more_lines(value: str, following: list[str]) -> int:
    """Counts the further lines of another program's quoted value; none, where its quote is never closed."""
    if value.lstrip()[:1] not in ("'", '"') or _QUOTED.match(value):
        return 0
    for number in range(1, len(following) + 1):
        if _QUOTED.match("\n".join((value, *following[:number]))):
            return number
    return 0
