"""Client on this machine: a loopback address, with no unknown proxy in front.

Stops:   a stranger whose request a proxy on this machine passes on, and who so seems to come from it.
How:     the address is of loopback. Where the service is reached by https there is a proxy in front, so that this is
         not enough: the proxy must be the one of the settings, for which the server puts the client's address in the
         place of its own; and the request must be for this machine by name, and not for the service's public name.
Does not stop: another user of the machine, who is told how the service is.
Read:    docs.pylonsproject.org/projects/waitress, "Using Behind a Reverse Proxy"
"""

from urllib.parse import urlsplit

from slackapp.model import LOOPBACK, Settings


def is_loopback_client(address: str, host: str, settings: Settings) -> bool:
    """Tells whether the client is on this machine; `address` is the server's word for it, `host` the header."""
    # claim: C-102
    if address not in LOOPBACK:
        return False
    # claim: C-102
    return not settings.secure or (bool(settings.trusted_proxy) and _name(host) in LOOPBACK)


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
