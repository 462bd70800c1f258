"""Callers of the host side's API: who has a host token, for which organization, and what he may do.

The order is the same for each route: the token, the organization's rate, who is there still, the role; and where
something is begun, opened or shown, the rate of that, and that the token is used for the first time.

Of a page it is the session, the rates, and for a form that it is ours: what is refused before that has proved nobody,
since a browser sends a cookie along with whatever another site has it send.
"""

import hashlib
from dataclasses import dataclass, replace
from functools import partial

from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App
from slackapp.host.checks.fields import parse_page_form
from slackapp.host.checks.form_token import FIELD, require_form_token
from slackapp.host.checks.host_token import LEEWAY, read_bearer, verify_host_token
from slackapp.host.checks.media_type import is_media_type
from slackapp.host.checks.page_origin import require_origin
from slackapp.host.checks.roles import HostAction, require_role
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows.connect import open_session
from slackapp.host.flows.connect.open_session import PageMember
from slackapp.host.flows.note_caller import note_caller
from slackapp.host.memory import host_memory
from slackapp.host.model import HostCaller, HostToken, UnusedToken
from slackapp.host.store import sessions
from slackapp.web.request import FORM, Request

_UNREADABLE = "host_keys_unreadable"


@dataclass(frozen=True)
class HostTokenCaller:
    """Caller of a route: the host or a member, by a host token, allowed what the route is for.

    `single_use`: something is begun, opened or shown there, so a token works there one time. `uses_later`: whoever
    begins it uses the token up, in the same commit; what is refused before has begun nothing, and leaves it.
    """

    action: HostAction
    single_use: bool = False
    uses_later: bool = False

    def __call__(self, app: App, request: Request, now: int) -> HostCaller:
        """Proves the caller. Raises Refused, and StoreError."""
        memory = host_memory(app)
        try:
            # claim: C-140
            token = verify_host_token(
                read_bearer(request.header("authorization")), app.settings.public_url, memory.keys.find, now
            )
        except HostRefused:
            if memory.keys.are_missing() and app.throttle.allows(_UNREADABLE, now):
                app.log.error("host_keys_unreadable", {"action": "see: slackapp host keys list"})
            raise
        # claim: C-148
        memory.requests.require(token.organization, now)
        caller = note_caller(app, token, request.request_id, now)
        # claim: C-142
        require_role(caller, self.action)
        if self.single_use:
            # claim: C-148
            memory.openings.require(token.organization, now)
            unused = _unused(token)
            if self.uses_later:
                return replace(caller, unused=unused)
            # claim: C-148
            _use_token(app, unused, caller)
        return caller


def page_member(app: App, request: Request, now: int) -> PageMember:
    """Proves a member of the pages, by its session's cookie, at the rates of the session and the organization.

    Raises Refused.
    """
    found, memory = open_session.find(app, request.header("cookie"), request.request_id, now), host_memory(app)
    # claim: C-165
    if found is None:
        raise HostRefused(HostRefusal.SESSION)
    memory.keys.require_live(found)
    # claim: C-207
    memory.views.require(found.digest.hex(), now)
    # claim: C-207
    memory.requests.require(found.organization, now)
    return found


def page_form(app: App, request: Request, now: int) -> PageMember:
    """Proves that a member sends a form of ours, and not another site. Raises Refused."""
    found = page_member(app, request, now)
    # claim: C-145
    require_origin(request.header("origin"), app.settings.public_url)
    # claim: C-166
    require_form_token(read_form(request).get(FIELD, ""), found.secret)
    return found


def read_form(request: Request) -> dict[str, str]:
    """Reads the fields of a page's form. Raises Refused."""
    if not is_media_type(request.header("content-type"), FORM):
        raise Refused(Refusal.MEDIA_TYPE)
    return parse_page_form(request.raw_body)


def _unused(token: HostToken) -> UnusedToken:
    named = "\n".join((token.key_id, token.organization, token.token_id))
    return UnusedToken(hashlib.sha256(named.encode()).digest(), token.expires_at + LEEWAY)


def _use_token(app: App, unused: UnusedToken, caller: HostCaller) -> None:
    """Uses the token up, on the disk. Whoever sends it again, at the same moment or later, is refused."""
    # Not waited for: what is begun under it is, and is never kept without it.
    # claim: C-148
    if not app.db.commit_in_group(partial(sessions.use_token_id, app.db, *unused), durable=False):
        raise HostRefused(HostRefusal.TOKEN_USED, field="jti", actor=caller)
