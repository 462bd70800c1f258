"""A body or a query has the fields that its route names, each of its form, and no other.

Stops:   a field that nobody reads, and whose sender believes that it counts; a value of another type, such as `"1"` for
         1 or `true` for 1; a text with a line break, a NUL or half a pair of surrogates in it, or one that has what
         stands beside it shown from right to left; a list without an end.
How:     a form is a JSON Schema of few words, and the very object that `openapi.json` shows. What it does not name is
         refused. Texts are plain, whatever the form says. Only the name of a field is told back.
Does not stop: a value of the right form that means nothing, such as the id of a member that is not there.
Read:    JSON Schema 2020-12 (json-schema.org); RFC 7493 (I-JSON); Unicode UAX #9 section 2 (directional characters)
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from slackapp.checks.form_body import parse_form
from slackapp.checks.json_body import parse_json
from slackapp.checks.query import MAX_BYTES, MAX_FIELDS, read_query
from slackapp.errors import Refusal, Refused
from slackapp.host.errors import HostRefusal, HostRefused

Form = Mapping[str, Any]
"""JSON Schema of a value, of the words that are checked here and no other."""
Fields = Mapping[str, Form]
"""Name of each field to its form; one that is `optional`, or has a `default`, may be left out."""

LINES = "text"
"""Field of a page's form that may have several lines. What it may hold is the check of a message."""
MAX_BODY = 16 * 1024
"""Bytes of a body."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_UNSAFE_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""Control characters, those of lines and of direction, and half a pair of surrogates."""
_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str) and is_plain(value),
    "lines": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
_RULES: Mapping[str, Callable[[Any, Any], bool]] = {
    "enum": lambda value, given: value in given,
    "pattern": lambda value, given: not isinstance(value, str) or re.fullmatch(given, value) is not None,
    "minLength": lambda value, given: not isinstance(value, str) or len(value) >= given,
    "maxLength": lambda value, given: not isinstance(value, str) or len(value) <= given,
    "minimum": lambda value, given: not isinstance(value, int) or value >= given,
    "maximum": lambda value, given: not isinstance(value, int) or value <= given,
    "maxItems": lambda value, given: not isinstance(value, list) or len(value) <= given,
    "items": lambda value, given: not isinstance(value, list) or all(has_form(given, each) for each in value),
    "properties": lambda value, given: not isinstance(value, dict) or _has_forms(given, value),
}


def is_plain(text: str) -> bool:
    """Tells whether a text is plain: one line, that shows as it is written, beside whatever it stands."""
    return _UNSAFE_CHARACTERS.search(text) is None


def has_form(form: Form, value: Any) -> bool:
    """Tells whether a value has the form."""
    types = form["type"] if isinstance(form["type"], list) else [form["type"]]
    if "lines" in form:  # what it may hold is another check's
        types = ["lines"]
    # claim: C-180
    if not any(is_of_type(value) for is_of_type in map(_TYPES.__getitem__, types)):
        return False
    # claim: C-180
    return all(rule(value, form[word]) for word, rule in _RULES.items() if word in form)


def is_optional(form: Form) -> bool:
    """Tells whether a field of that form may be left out."""
    return "optional" in form or "default" in form


def _has_forms(fields: Fields, value: Mapping[str, Any]) -> bool:
    """Tells whether an object inside a body has its fields, all of them, and no other."""
    return value.keys() == fields.keys() and all(has_form(form, value[name]) for name, form in fields.items())


def read_body(raw_body: bytes, fields: Fields, most: int = MAX_BODY) -> dict[str, Any]:
    """Reads the fields of a JSON body; those that are left out, and may be, are not in it. Raises HostRefused."""
    # claim: C-180
    if len(raw_body) > most:
        raise HostRefused(HostRefusal.BODY_SIZE)
    try:
        given = parse_json(raw_body)
    except Refused:
        raise HostRefused(HostRefusal.BODY) from None
    require_fields(given, fields)
    return given


def require_fields(given: Mapping[str, Any], fields: Fields, under: str = "") -> None:
    """Requires that an object has those fields that it must have, and no other. Raises HostRefused.

    `under` names the object where it is one of several.
    """
    _require_known(set(given), fields)
    for name, form in fields.items():
        # claim: C-180
        if not (has_form(form, given[name]) if name in given else is_optional(form)):
            raise HostRefused(HostRefusal.FIELD, field=f"{under}/{name}".lstrip("/"))


def parse_page_form(raw_body: bytes) -> dict[str, str]:
    """Parses the form of a page, whose texts are plain, but for what a message says. Raises Refused.

    A host's page may add some of its own: what nobody asks for is not refused.
    """
    form = parse_form(raw_body)
    # claim: C-205
    if not all(is_plain(value) for name, value in form.items() if name != LINES):
        raise Refused(Refusal.FORM)
    return form


def read_parameters(raw_query: str, fields: Fields) -> dict[str, Any]:
    """Reads the parameters of an address, numbers as such, with the default of those left out. Raises HostRefused."""
    # claim: C-180
    if len(raw_query) > MAX_BYTES or raw_query.count("&") >= MAX_FIELDS:
        raise HostRefused(HostRefusal.PARAMETERS)
    _require_known({part.partition("=")[0] for part in raw_query.split("&") if part}, fields)
    try:
        given = read_query(raw_query, frozenset(fields))
    except Refused:
        raise HostRefused(HostRefusal.PARAMETERS) from None
    found: dict[str, Any] = {}
    for name, form in fields.items():
        value: Any = given.get(name, form["default"])
        if name in given and form["type"] == "integer":
            value = int(given[name]) if re.fullmatch(r"[0-9]{1,9}", given[name]) else None
        # claim: C-180
        if name in given and not has_form(form, value):
            raise HostRefused(HostRefusal.FIELD, field=name)
        found[name] = value
    return found


def _require_known(names: set[str], fields: Fields) -> None:
    unknown = sorted(names - fields.keys())
    # claim: C-180
    if unknown:
        raise HostRefused(HostRefusal.UNKNOWN_FIELD, field=unknown[0] if _NAME.fullmatch(unknown[0]) else None)
