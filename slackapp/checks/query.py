"""The parameters of an address, each at most once.

Stops:   parameter pollution: two values of one name, of which one place checks the first and another uses the second.
How:     strict parsing, strict UTF-8, a bound on size and number; a known name that is repeated is refused, and
         unknown names are dropped.
Does not stop: a wrong value; whoever uses it checks its form.
Read:    RFC 6749 section 3.1 ("Request and response parameters MUST NOT be included more than once")
"""

from urllib.parse import parse_qsl

from slackapp.errors import Refusal, Refused

MAX_BYTES = 4096
MAX_FIELDS = 64


def read_query(raw_query: str, known: frozenset[str]) -> dict[str, str]:
    """The known parameters that are there. Raises Refused when they cannot be read, or one comes twice."""
    if len(raw_query) > MAX_BYTES:
        raise Refused(Refusal.QUERY)
    if not raw_query:
        return {}
    try:
        pairs = parse_qsl(
            raw_query, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise Refused(Refusal.QUERY) from None
    found = [(name, value) for name, value in pairs if name in known]
    if len(dict(found)) != len(found):
        raise Refused(Refusal.QUERY)
    return dict(found)
