"""The callback comes from the browser that began the install.

Stops:   an attacker who completes the consent himself and sends the callback's address to somebody else; a cookie that
         a sibling domain planted (the prefix `__Host-` forbids it, and two of the same name are refused).
How:     a random cookie, set when the install begins; the state's MAC and its row carry the cookie's digest.
Does not stop: somebody who can read the browser's cookies.
Read:    RFC 6265bis section 4.1.3 (cookie name prefixes); RFC 9700 section 4.7
"""

import base64
import hashlib
import re

from slackapp.errors import Refusal, Refused

SECRET_BYTES = 32
_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")


def cookie_name(secure: bool, label: str = "oauth") -> str:
    """Name of the cookie; there are others of the same form.

    `__Host-` needs `Secure`, which a browser honours on https only: on plain loopback http the prefix goes.
    """
    return f"__Host-slackapp_{label}" if secure else f"slackapp_{label}"


def new_browser_secret(random: bytes) -> str:
    """A value for the cookie from 32 random bytes: 43 characters."""
    return base64.urlsafe_b64encode(random).rstrip(b"=").decode()


def find_browser_secret(cookie_header: str, secure: bool, label: str = "oauth") -> str | None:
    """The browser's secret, or None when there is none, more than one, or one that we cannot have made."""
    name = cookie_name(secure, label)
    pairs = [part.strip(" \t").partition("=") for part in cookie_header.split(";")]
    values = [value for key, separator, value in pairs if key == name and separator]
    # claim: C-04
    if len(values) != 1 or not _VALUE.fullmatch(values[0]):
        return None
    return values[0]


def require_browser_secret(cookie_header: str, secure: bool) -> str:
    """Finds the secret, where its absence is a refusal of its own: nothing is ever compared with nothing."""
    secret = find_browser_secret(cookie_header, secure)
    # claim: C-04
    if secret is None:
        raise Refused(Refusal.BROWSER)
    return secret


def browser_digest(secret: str) -> bytes:
    """Digests the browser's secret for state and database: SHA-256, 32 bytes."""
    return hashlib.sha256(secret.encode()).digest()


def set_cookie(secret: str, secure: bool, max_age: int, label: str = "oauth") -> str:
    """The header's value. `Lax`, because the way back from Slack is a top-level GET from another site."""
    flags = "; Secure" if secure else ""
    return f"{cookie_name(secure, label)}={secret}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{flags}"
