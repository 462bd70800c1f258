"""A form comes from the one site that may send it.

Stops:   (login) CSRF: another site that has a browser send a form, to slip somebody else's session under it or to
         press a button in its name.
How:     `Origin` must be there and be exactly the expected one: the host's for the form that opens a session, our own
         for all others. Browsers send it with every POST, and no page can change it.
Does not stop: script that runs on the host's own pages, or a browser that is not one.
Read:    the Fetch standard, section 3.2 (Origin header); OWASP, Cross-Site Request Forgery Prevention
"""

from slackapp.host.errors import HostRefusal, HostRefused


def require_origin(claimed_origin: str, expected: str) -> None:
    """Raises HostRefused unless the header `Origin` names the expected site, such as `https://product.example.com`."""
    # A page of the referrer policy `no-referrer` or `same-origin` sends this, as the standard has it.
    # claim: C-145
    if claimed_origin == "null":
        raise HostRefused(HostRefusal.HIDDEN_ORIGIN)
    # claim: C-145
    if claimed_origin != expected:
        raise HostRefused(HostRefusal.OTHER_ORIGIN)
