"""A form of our own pages was filled in by the session that it was shown to.

Stops:   another page that has the browser send a form of ours, where `Origin` alone would not show it; a form of an
         earlier session, or of somebody else's, sent under this one.
How:     a token in the form, made of the session's secret: who does not have the cookie cannot make it, and nothing of
         it is kept.
Does not stop: script on our own pages; there is none.
Read:    OWASP, Cross-Site Request Forgery Prevention (HMAC based token pattern)
"""

import base64
import hmac

from slackapp.host.errors import HostRefusal, HostRefused

FIELD = "form_token"
_LABEL = b"form-token-v1"


def make_form_token(session_secret: str) -> str:
    """The token for forms of a session."""
    mac = hmac.digest(session_secret.encode(), _LABEL, "sha256")
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def require_form_token(claimed: str, session_secret: str) -> None:
    """Raises HostRefused unless it is the token of that session."""
    # claim: C-166
    if not hmac.compare_digest(claimed.encode(), make_form_token(session_secret).encode()):
        raise HostRefused(HostRefusal.FORM_TOKEN)
