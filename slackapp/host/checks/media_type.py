"""A body is of the media type that a route takes, and in UTF-8.

Stops:   a body that a proxy or a log reads as UTF-16 or UTF-7, and we as UTF-8.
How:     the type itself, without regard to case; of its parameters `charset`, where it is there, says UTF-8.
Does not stop: a body that is not what its header says; whoever parses it is strict.
Read:    RFC 9110 section 8.3 (Content-Type); RFC 8259 section 8.1 (JSON is UTF-8)
"""

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
