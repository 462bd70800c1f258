"""Reads a manifest: the form that `manifest` writes, JSON, or any YAML where PyYAML is installed.

The form of our own is read strictly. Whatever it does not know it refuses, so that a text is never read in another way
than Slack reads it.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from slackapp.errors import CommandError

_REST = r"(?:[A-Za-z0-9_./()-]|:(?=[A-Za-z0-9/]))*"
_PLAIN = rf"/?[A-Za-z]{_REST}(?:[,.!?]? [A-Za-z0-9_(]{_REST})*[.!?]?"
_SCALAR = rf'(?P<value>"(?:[^"\\]|\\["\\])*"|0|[1-9][0-9]{{0,8}}|{_PLAIN})'
_LINE = re.compile(rf"(?P<dash>- )?(?:(?P<key>[a-z_]+):(?: +(?P<folded>>-)| +{_SCALAR})?|(?P<item>.+?))(?: +#.*)?")
_ITEM = re.compile(_SCALAR)
_WORDS = {"true": True, "false": False}
_AMBIGUOUS = {"yes", "no", "on", "off", "null", "y", "n"}
"""Words that YAML does not take for themselves."""


class _Unknown(Exception):
    """A line that is not of our form; its number."""


def read(name: str, text: str) -> Mapping[str, Any]:
    """The manifest as data. Raises CommandError, which names the file."""
    found = _read_any(name, text)
    if not isinstance(found, dict) or not isinstance(found.get("display_information"), dict):
        raise CommandError(f"{name}: is not a manifest; it has no display_information")
    return found


def _read_any(name: str, text: str) -> Any:
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text)
        except ValueError:
            raise CommandError(f"{name}: is not JSON, although it begins like it") from None
    try:
        return _Reader(text).block(0)
    except _Unknown as unknown:
        return _read_yaml(name, text, unknown)


def _read_yaml(name: str, text: str, unknown: _Unknown) -> Any:
    try:
        import yaml
    except ImportError:
        raise CommandError(
            f"{name}: line {unknown} is not in the form that `slackapp manifest` writes; install PyYAML, or give JSON"
        ) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise CommandError(f"{name}: is not YAML") from None


class _Reader:
    """Goes through the lines once; each block is told by its indentation."""

    def __init__(self, text: str) -> None:
        numbered = list(enumerate(text.removesuffix("\n").split("\n"), start=1))
        for number, line in numbered:
            if not line.isprintable() or line.endswith(" "):
                raise _Unknown(number)
        self._comments = {number: self._indent(line) for number, line in numbered if line.lstrip().startswith("#")}
        self._lines = [(number, line) for number, line in numbered if line and number not in self._comments]
        self._at = 0

    def block(self, indent: int) -> Any:
        """A mapping or a list that begins here; all of the text for indentation 0."""
        number, line = self._peek()
        if self._indent(line) != indent:
            raise _Unknown(number)
        found = self._list(indent) if line.lstrip().startswith("- ") else self._mapping(indent)
        if indent == 0 and self._at < len(self._lines):
            raise _Unknown(self._peek()[0])
        return found

    def _mapping(self, indent: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self._is_at(indent):
            number, line = self._next()
            match = _LINE.fullmatch(line.strip())
            key = match["key"] if match and not match["dash"] else None
            if match is None or not key or key in found or key in _AMBIGUOUS or key in _WORDS:
                raise _Unknown(number)
            found[key] = self._value(match, indent, number)
        return found

    def _value(self, match: re.Match[str], indent: int, number: int) -> Any:
        if match["folded"]:
            return self._folded(indent, number)
        return self._scalar(match["value"], number) if match["value"] else self.block(indent + 2)

    def _list(self, indent: int) -> list[Any]:
        found: list[Any] = []
        while self._is_at(indent):
            number, line = self._peek()
            match = _LINE.fullmatch(line.strip())
            if match is None or not match["dash"]:
                raise _Unknown(number)
            if match["key"]:
                self._lines[self._at] = (number, line.replace("- ", "  ", 1))  # a mapping begins behind the dash
                found.append(self._mapping(indent + 2))
            else:
                self._at += 1
                found.append(self._scalar(match["item"], number))
        return found

    def _folded(self, indent: int, number: int) -> str:
        """The lines that follow, without a gap: an empty line would be a break, and `#` no comment here."""
        lines: list[str] = []
        while self._at < len(self._lines) and self._indent(self._peek()[1]) > indent:
            here, line = self._next()
            number += 1
            if here != number or self._indent(line) != indent + 2:
                raise _Unknown(here)
            lines.append(line.strip())
        if not lines or self._comments.get(number + 1, 0) > indent:
            raise _Unknown(number + 1)
        return " ".join(lines)

    def _scalar(self, text: str, number: int) -> Any:
        spelt_otherwise = text.lower() in _WORDS and text not in _WORDS
        if not _ITEM.fullmatch(text) or text.lower() in _AMBIGUOUS or spelt_otherwise:
            raise _Unknown(number)
        if text.startswith('"'):
            return json.loads(text)
        return int(text) if text.isdigit() else _WORDS.get(text, text)

    def _is_at(self, indent: int) -> bool:
        return self._at < len(self._lines) and self._indent(self._lines[self._at][1]) == indent

    def _peek(self) -> tuple[int, str]:
        if self._at >= len(self._lines):
            raise _Unknown(self._lines[-1][0] if self._lines else 0)
        return self._lines[self._at]

    def _next(self) -> tuple[int, str]:
        found = self._peek()
        self._at += 1
        return found

    @staticmethod
    def _indent(line: str) -> int:
        return len(line) - len(line.lstrip(" "))
