"""The caller is the operator.

Stops:   anyone without the token from the operator's private file.
How:     `Authorization: Bearer …`, compared as a hash in constant time. A token in the address is refused even when it
         is right: addresses end up in logs.
Does not stop: somebody who read the file.
Read:    RFC 6750 sections 2.1 and 5.3
"""

import hashlib
import hmac
import re

from slackapp.errors import Refusal, Refused
from slackapp.model import Secret

_BEARER = re.compile(r"Bearer ([\x21-\x7e]{1,512})")
_TOKEN_NAMES = ("token", "access_token", "bearer")


def verify_operator(authorization: str, raw_query: str, token: Secret | None) -> None:
    """Raises Refused. Without a configured token nobody is the operator."""
    # claim: C-73
    if any(part.partition("=")[0].lower() in _TOKEN_NAMES for part in raw_query.split("&")):
        raise Refused(Refusal.TOKEN_IN_QUERY)
    match = _BEARER.fullmatch(authorization)
    # claim: C-73
    if match is None or token is None:
        raise Refused(Refusal.OPERATOR)
    claimed, right = (hashlib.sha256(text.encode()).digest() for text in (match[1], token.reveal()))
    # claim: C-73
    if not hmac.compare_digest(claimed, right):
        raise Refused(Refusal.OPERATOR)
