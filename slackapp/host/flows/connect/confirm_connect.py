"""Confirms a connection that was begun by API: what waits in a browser meets the login of whoever began it.

`/settings/connect`, after the host's own page has sent its member's ticket. Arrows 15 and further of connecting.
"""

import hmac
from typing import NamedTuple
from urllib.parse import urlsplit

from slackapp.errors import Refusal, Refused, SlackCallError, SlackErrorKind, StoreError
from slackapp.flows.app import App
from slackapp.flows.install import exchange_code
from slackapp.host.errors import HostRefusal, HostRefused, RefusedRedirect
from slackapp.host.flows import pending_records
from slackapp.host.flows.connect import activate_connect, finish_connect, give_back, return_to_host
from slackapp.host.flows.connect.activate_connect import ConfirmedGrant
from slackapp.host.flows.connect.open_session import PageMember
from slackapp.host.model import ConnectionStatus, ConnectionWay
from slackapp.host.rows import Connection, Quarantine, StatusReason
from slackapp.host.store import connections, organizations, purposes, quarantines
from slackapp.model import Grant


class WaitingConnection(NamedTuple):
    """Connection that a member is asked to confirm, in names for people; `purpose` may be empty.

    `leaves` is the id of the tenant that is left for it, removed and erased, with its name; both are "" for none.
    """

    workspace: str
    organization: str
    purpose: str
    leaves: str
    leaves_name: str


class _WaitingGrant(NamedTuple):
    quarantine: Quarantine
    attempt: Connection
    grant: Grant


def show(app: App, cookie_header: str, member: PageMember, now: int) -> WaitingConnection | None:
    """Finds what waits in this browser for this member, or None. Raises HostRefused for anybody else."""
    found = _find(app, cookie_header, member, now)
    if found is None:
        return None
    attempt = found.attempt
    organization = organizations.find(app.db, attempt.organization_id)
    purpose = purposes.find(app.db, attempt.organization_id, attempt.purpose_id)
    left = activate_connect.find_left(app, attempt, found.grant)
    leaves = left.tenant.id if left is not None and left.tenant is not None else ""
    return WaitingConnection(
        workspace=activate_connect.workspace_name(found.grant),
        organization=(organization.name if organization is not None else "") or attempt.organization_id,
        purpose=purpose.text if purpose is not None else "",
        leaves=leaves,
        leaves_name=(left.team_name if left is not None else "") or leaves,
    )


def run(app: App, cookie_header: str, member: PageMember, *, leaves: str, now: int) -> str | None:
    """Makes it active; returns where at the host to go, or None where nothing waits. Raises Refused.

    `leaves` is the id of the tenant that the member was told would be left.
    """
    found = _find(app, cookie_header, member, now)
    if found is None:
        return None
    return_url = return_to_host.read_return_url(app, found.attempt)
    try:
        # claim: C-192
        activate_connect.require_allowed(app, found.attempt, found.grant, now)
        # 18. what was granted a while ago still lives
        domain = _ask_slack(app, found.grant)
        # 19. store and activate in one transaction, which asks everything again
        confirmed = ConfirmedGrant(found.attempt, found.grant, member.digest, team_domain=domain, leaves=leaves)
        activate_connect.run(app, confirmed, member, now)
    except (Refused, StoreError) as error:
        refusal = error.refusal if isinstance(error, Refused) else Refusal.NOT_STORED
        reason = return_to_host.REASONS.get(refusal)
        if reason is None:
            raise
        if (done := _activated_meanwhile(app, found.attempt, return_url)) is not None:
            return done
        give_back.run(app, found.quarantine, reason, member, now=now)
        location = return_to_host.error_url(app, return_url, reason)
        raise RefusedRedirect(Refused(refusal, actor=member), location) from None
    return return_to_host.workspace_url(app, return_url, activate_connect.workspace_name(found.grant))


def _find(app: App, cookie_header: str, member: PageMember, now: int) -> _WaitingGrant | None:
    """Finds what waits. Raises HostRefused where it is over, or of anybody else: then it is given back at once."""
    # 17. what waits in this browser, and for whom
    quarantine = finish_connect.quarantine_of(app, cookie_header)
    if quarantine is None:
        return None
    attempt = connections.find(app.db, quarantine.organization_id, quarantine.connection_id)
    if attempt is None or attempt.status != ConnectionStatus.QUARANTINED:
        return None
    is_own = (member.organization, member.id) == (attempt.organization_id, attempt.user_id)
    if attempt.way == ConnectionWay.PAGE:
        began_in = quarantines.find_session_of_state(app.db, attempt.state_hash or b"") or b""
        # claim: C-169
        is_own = is_own and hmac.compare_digest(member.digest, began_in)
    # claim: C-171
    if not is_own or now > quarantine.expires_at:
        give_back.run(app, quarantine, StatusReason.NOT_CONFIRMED, member, now=now)
        raise HostRefused(HostRefusal.NOT_CONFIRMED, actor=member)
    return _WaitingGrant(quarantine, attempt, pending_records.open_grant(app, quarantine, member, now))


def _ask_slack(app: App, grant: Grant) -> str:
    """Asks Slack whether the token lives; returns the workspace's domain, as in its address. Raises Refused."""
    granted = grant.bot or grant.user
    if granted is None:
        raise HostRefused(HostRefusal.OTHER_GRANT)
    try:
        answer = app.slack.call("auth.test", granted.access, {})
    except SlackCallError as error:
        if error.kind in (SlackErrorKind.TRANSIENT, SlackErrorKind.RATE_LIMITED):
            wait = max(error.retry_after, exchange_code.BUSY_SECONDS)
            raise Refused(Refusal.SLACK_UNREACHABLE, retry_after=wait) from None
        # claim: C-172
        raise Refused(Refusal.EXCHANGE) from None
    url = answer.data.get("url")
    host = urlsplit(url).hostname if isinstance(url, str) else None
    return (host or "").partition(".")[0][:64]


def _activated_meanwhile(app: App, attempt: Connection, return_url: str) -> str | None:
    """Address after a success, where the same button was pressed twice and the first has done it."""
    found = connections.find_by_state(app.db, attempt.state_hash or b"")
    if found is None or found.status != ConnectionStatus.ACTIVE:
        return None
    return return_to_host.workspace_url(app, return_url, found.team_name)
