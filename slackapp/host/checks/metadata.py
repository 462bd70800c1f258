"""The metadata of a connect is small, typed, and says nothing that only we may say.

Stops:   a value of another type than the page that shows it expects, or a text that shows as another one; a database
         that is filled; a host, or whoever writes to it, that makes up when and from where a connection was begun.
How:     one object, of at most 1,024 bytes as canonical JSON; the names that we know have their types, two are ours
         alone, others are kept as they are. Texts are plain, however deep they stand.
Does not stop: what the values mean; they are shown to nobody but the host's own people, as text.
Read:    RFC 8785 (canonical JSON) section 3.2
"""

import json
from collections.abc import Mapping
from typing import Any

from slackapp.host.checks.fields import is_plain
from slackapp.host.checks.return_url import parse_return_url
from slackapp.host.errors import HostRefusal, HostRefused

MAX_SIZE = 1024
"""Bytes, as canonical JSON."""
_LONGEST_NAME, _LONGEST_TEXT = 64, 64
"""Characters."""
_TEXTS = ("source", "projectId")
_RETURN_URL = "returnUrl"
_OURS = ("initiatedAt", "ipAddress")
_FIELD = "metadata"


def parse_metadata(claimed: object, initiated_at: int, ip_address: str) -> bytes:
    """Canonical JSON of the metadata, with the time (Unix seconds) and the client's address in it. Raises HostRefused.

    `claimed` is what stood in the body, None where nothing did.
    """
    # claim: C-144
    if claimed is not None and not isinstance(claimed, dict):
        raise HostRefused(HostRefusal.METADATA, field=_FIELD)
    given: Mapping[str, Any] = claimed or {}
    for name in given:
        # claim: C-144
        if name in _OURS or not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
            raise HostRefused(HostRefusal.METADATA, field=f"{_FIELD}.{name}" if name in _OURS else _FIELD)
    for name in _TEXTS:
        # claim: C-144
        if name in given and not _is_text(given[name]):
            raise HostRefused(HostRefusal.METADATA, field=f"{_FIELD}.{name}")
    if _RETURN_URL in given:
        # claim: C-143
        parse_return_url(given[_RETURN_URL], f"{_FIELD}.{_RETURN_URL}")
    for name, value in given.items():
        # claim: C-205
        if not _is_plain(value):
            raise HostRefused(HostRefusal.METADATA, field=f"{_FIELD}.{name}" if name == _RETURN_URL else _FIELD)
    # claim: C-144
    if len(_canonical(given)) > MAX_SIZE:
        raise HostRefused(HostRefusal.METADATA_SIZE, field=_FIELD)
    return _canonical({**given, "initiatedAt": initiated_at, "ipAddress": ip_address})


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= _LONGEST_TEXT and value.isprintable()


def _is_plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(_is_plain(each) for pair in value.items() for each in pair)
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return not isinstance(value, str) or is_plain(value)


def _canonical(value: Mapping[str, Any]) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
        return text.encode("utf-8")
    except ValueError:  # half a surrogate pair, written as an escape, has no bytes
        raise HostRefused(HostRefusal.METADATA, field=_FIELD) from None
