"""The browser goes back to a page of the host, and nowhere else.

Stops:   an open redirect: a `returnUrl` that leads to another site, or that a browser reads otherwise than we do; one
         that already says what only we may say there.
How:     the origin is the setting's, always; what is claimed is a path of visible ASCII with one leading slash, no
         second one beside it, no backslash, no fragment. A query is kept, unless it uses one of our names.
Does not stop: a page of the host that itself leads on to any address it is given.
Read:    RFC 9700 section 4.11 (open redirection); the URL standard, section 4.4 (what a browser makes of a backslash)
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote_plus, urlencode

from slackapp.host.errors import HostRefusal, HostRefused

MAX_LENGTH = 512
"""Characters."""
OUR_NAMES = frozenset({"status", "workspace", "error"})
_FORM = re.compile(r"/(?!/)[!-~]*")
_FORBIDDEN = re.compile(r"[\\#]|^[^?]*//")


def parse_return_url(claimed: object, field: str) -> str:
    """Returns the path, with its query, as it was given. Raises HostRefused, which names the field."""
    # claim: C-143
    if not isinstance(claimed, str) or len(claimed) > MAX_LENGTH or not _FORM.fullmatch(claimed):
        raise HostRefused(HostRefusal.RETURN_URL, field=field)
    # claim: C-143
    if _FORBIDDEN.search(claimed):
        raise HostRefused(HostRefusal.RETURN_URL, field=field)
    query = claimed.partition("?")[2]
    # claim: C-143
    if OUR_NAMES & {unquote_plus(pair.partition("=")[0]) for pair in re.split("[&;]", query)}:
        raise HostRefused(HostRefusal.RETURN_URL, field=field)
    return claimed


def build_return_address(host_url: str, return_url: str, told: Mapping[str, str]) -> str:
    """Builds the address at the host that says what came of it: `told` has names of `OUR_NAMES` only."""
    joint = "&" if "?" in return_url else "?"
    return f"{host_url}{return_url}{joint}{urlencode(told, quote_via=quote)}"
