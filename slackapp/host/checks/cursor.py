"""A cursor is ours, for this organization and this list.

    cursor = base64url(key id, 4 bytes | HMAC-SHA-256, cut to 16 bytes | position)

Stops:   a position that somebody has made up, or has taken along from another organization, or from another list.
How:     a MAC under the service's key for states, with words before it that no state begins with, over organization,
         list and position, each with its length before it. The position says where the last one stood: what is added
         or goes meanwhile moves nothing.
Does not stop: whoever is given one by the organization itself; and it is no secret: the position can be read.
Read:    RFC 2104 (HMAC)
"""

import base64
import binascii
import hmac
from collections.abc import Callable

from slackapp.host.errors import HostRefusal, HostRefused

_LABEL = b"host-cursor-v1"
_MAC = 16
_HEAD = 4 + _MAC
MAX_LENGTH = 1024
"""Characters of a cursor."""


def write_cursor(key_id: int, key: bytes, *, organization: str, name: str, position: str) -> str:
    """Writes the cursor of a list of an organization, which is called `name`, behind a position."""
    mac = _mac(key, organization, name, position)
    return base64.urlsafe_b64encode(key_id.to_bytes(4, "big") + mac + position.encode()).rstrip(b"=").decode()


def read_cursor(claimed: str, find_key: Callable[[int], bytes | None], *, organization: str, name: str) -> str:
    """Reads the position. `find_key` finds a key by its id. Raises HostRefused."""
    try:
        data = base64.b64decode(claimed + "=" * (-len(claimed) % 4), altchars=b"-_", validate=True)
        position = data[_HEAD:].decode()
    except (binascii.Error, ValueError):
        raise HostRefused(HostRefusal.CURSOR, field="cursor") from None
    key = find_key(int.from_bytes(data[:4], "big"))
    # claim: C-181
    if key is None or not hmac.compare_digest(_mac(key, organization, name, position), data[4:_HEAD]):
        raise HostRefused(HostRefusal.CURSOR, field="cursor")
    return position


def _mac(key: bytes, *parts: str) -> bytes:
    whole = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
    # claim: C-181
    return hmac.digest(key, _LABEL + whole, "sha256")[:_MAC]
