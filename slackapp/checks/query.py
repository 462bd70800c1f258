"""The parameters of an address, each at most once.

Stops:   parameter pollution: two values of one name, of which one place checks the first and another uses the second.
How:     a bound on size and number; a known name must have one value, in strict UTF-8; unknown names are dropped.
Does not stop: a wrong value; whoever uses it checks its form.
Read:    RFC 6749 section 3.1 ("Request and response parameters MUST NOT be included more than once")
"""

from urllib.parse import unquote_plus

from slackapp.errors import Refusal, Refused

MAX_BYTES = 4096
MAX_FIELDS = 64


def read_query(raw_query: str, known: frozenset[str]) -> dict[str, str]:
    """The known parameters that are there. Raises Refused when one of them cannot be read, or comes twice."""
    # claim: C-67
    if len(raw_query) > MAX_BYTES:
        raise Refused(Refusal.QUERY)
    parts = [part.partition("=") for part in raw_query.split("&") if part]
    # claim: C-67
    if len(parts) > MAX_FIELDS:
        raise Refused(Refusal.QUERY)
    found: dict[str, str] = {}
    for raw_name, separator, raw_value in parts:
        name = unquote_plus(raw_name, errors="replace")
        if name not in known:
            continue
        # claim: C-67
        if name in found or not separator:
            raise Refused(Refusal.QUERY)
        try:
            found[name] = unquote_plus(raw_value, errors="strict")
        except UnicodeDecodeError:
            raise Refused(Refusal.QUERY) from None
    return found
