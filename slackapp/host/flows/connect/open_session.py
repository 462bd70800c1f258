"""Sessions of the pages: a ticket that the host was given becomes a cookie of the member's own browser."""

from dataclasses import dataclass, field

from slackapp.checks import browser_binding
from slackapp.flows.app import App
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.model import HostCaller
from slackapp.host.rows import Login
from slackapp.host.store import sessions
from slackapp.model import ActorKind

COOKIE = "session"
"""In the cookie's name."""


@dataclass(frozen=True, kw_only=True)
class PageMember(HostCaller):
    """Member whose browser has shown a session, by its cookie's secret."""

    secret: str = field(repr=False)

    @property
    def digest(self) -> bytes:
        """Digest of the secret: by it the session is found."""
        return browser_binding.browser_digest(self.secret)


def issue_ticket(app: App, login: Login, now: int) -> str:
    """Makes a ticket for a member. Raises HostRefused where there is no such member with that role."""
    ticket = browser_binding.new_browser_secret(app.entropy(browser_binding.SECRET_BYTES))
    if not sessions.add_ticket(app.db, browser_binding.browser_digest(ticket), login, now):
        raise HostRefused(HostRefusal.ROLE)
    return ticket


def run(app: App, claimed_ticket: str, now: int) -> str:
    """Uses a ticket up; returns the value of `Set-Cookie`. Raises HostRefused."""
    # 15. the host's page brings the ticket of whoever is logged in there; it works once
    login = sessions.use_ticket(app.db, browser_binding.browser_digest(claimed_ticket), now)
    # claim: C-165
    if login is None:
        raise HostRefused(HostRefusal.TICKET)
    # 16. the session begins, bound to that member, the role and the host's key
    secret = browser_binding.new_browser_secret(app.entropy(browser_binding.SECRET_BYTES))
    if not sessions.add(app.db, browser_binding.browser_digest(secret), login, now):
        raise HostRefused(HostRefusal.TICKET)
    return browser_binding.set_cookie(secret, app.settings.secure, sessions.SESSION_SECONDS, COOKIE)


def find(app: App, cookie_header: str, request_id: str | None, now: int) -> PageMember | None:
    """Finds the member whose session a browser has shown, where that counts now. Notes that it was used."""
    secret = browser_binding.find_browser_secret(cookie_header, app.settings.secure, COOKIE)
    if secret is None:
        return None
    digest = browser_binding.browser_digest(secret)
    session = sessions.find(app.db, digest, now)
    if session is None:
        return None
    sessions.note_used(app.db, digest, session, now)
    return PageMember(
        kind=ActorKind.MEMBER,
        request_id=request_id,
        id=session.login.member_id,
        organization=session.login.organization_id,
        role=session.login.role,
        key_id=session.login.host_key_id,
        secret=secret,
    )
