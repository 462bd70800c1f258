"""A body is a form of a kind that every later reader understands alike.

Stops:   repeated fields, floods of fields, bytes that are no UTF-8, names with NUL or half a surrogate pair.
How:     strict parsing with a bound on the number of fields; any repetition is refused. Values are texts of users: a
         NUL, or half a surrogate pair as the three bytes that stand for it, stays as it is.
Does not stop: a large body; the request's bound does. Read only after the signature holds.
Read:    the URL standard, section 5 (application/x-www-form-urlencoded)
"""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from slackapp.errors import Refusal, Refused

MAX_FIELDS = 64
_UNSAFE_CHARACTERS = re.compile(r"[\x00\ud800-\udfff]")


def parse_form(raw_body: bytes) -> dict[str, str]:
    """Name to value. Raises Refused."""
    try:
        pairs = parse_qsl(
            raw_body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="surrogatepass",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        raise Refused(Refusal.FORM) from None
    # claim: C-66
    if len(dict(pairs)) != len(pairs):
        raise Refused(Refusal.FORM)
    # claim: C-66
    if any(_UNSAFE_CHARACTERS.search(name) for name, _ in pairs):
        raise Refused(Refusal.FORM)
    return dict(pairs)


def is_ssl_check(form: Mapping[str, str]) -> bool:
    """Tells whether Slack only checks our certificate: a signed check is acknowledged, and nothing else is done."""
    return form.get("ssl_check") == "1"
