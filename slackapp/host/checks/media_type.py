"""A body is of the media type that a route takes, and in UTF-8.

Stops:   a body that a proxy or a log reads as UTF-16 or UTF-7, and we as UTF-8.
How:     the type itself, without regard to case; of its parameters `charset`, where it is there, says UTF-8.
Does not stop: a body that is not what its header says; whoever parses it is strict.
Read:    RFC 9110 sections 8.3 (Content-Type) and 12.5.1 (Accept); RFC 8259 section 8.1 (JSON is UTF-8)
"""

import re

_QUALITY = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
_CSV = frozenset({"text/csv"})
_JSON = frozenset({"application/json", "application/*", "*/*"})
_UTF_8 = frozenset({"utf-8", "utf8"})


def is_media_type(content_type: str, expected: str) -> bool:
    """Tells whether the header `Content-Type` names that type, and no character set but UTF-8."""
    claimed, *parameters = content_type.lower().split(";")
    pairs = [parameter.partition("=") for parameter in parameters]
    charsets = {value.strip().strip('"') for name, _, value in pairs if name.strip() == "charset"}
    # claim: C-206
    if not charsets <= _UTF_8:
        return False
    return claimed.strip() == expected


def asks_for_csv(accept: str) -> bool:
    """Tells whether the header `Accept` asks for CSV rather than for JSON; of two that are equal the first counts."""
    table, other = _wish(accept, _CSV), _wish(accept, _JSON)
    return table[0] > 0 and table > other


def _wish(accept: str, types: frozenset[str]) -> tuple[float, int]:
    """Finds how much one of these types is wished for, and how early it is named."""
    found = (0.0, -len(accept))
    for place, each in enumerate(accept.lower().split(",")):
        named, *parameters = (part.strip() for part in each.split(";"))
        given = next((part.removeprefix("q=") for part in parameters if part.startswith("q=")), "1")
        if named in types and _QUALITY.fullmatch(given):
            found = max(found, (float(given), -place))
    return found
