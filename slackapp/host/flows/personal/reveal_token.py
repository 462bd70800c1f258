"""Gives the host a fresh access token of a connection: off by default, for the host itself alone, and loud.

What it has once, no freeze, capability or list of channels of ours stops any more, until the token is over. So nothing
is given that would live for long, nothing stale, and nothing of a connection that does not serve.
"""

from typing import NamedTuple

from slackapp.checks.capabilities import Capability
from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App
from slackapp.flows.keys import tenant_keys
from slackapp.flows.tokens import refresh_token, use_token
from slackapp.host.errors import HostRefusal, HostRefused, TokenRefused
from slackapp.host.flows import choose_connection
from slackapp.host.flows.personal import token_holder
from slackapp.host.model import ConnectionStatus, HostCaller
from slackapp.host.rows import Connection, HostAuditEvent, HostEventKind
from slackapp.host.store import connections, events, purposes
from slackapp.model import AuditEntry, Secret, Tenant, Token, TokenPart
from slackapp.vault.secret_reads import TokenRead

REVEAL = Capability("reveal", frozenset())
"""Opens a token and calls nothing."""
MAX_LIFE = 12 * 3600
"""Seconds for which a token that is given may live: as long as Slack lets one live that rotates."""
_OVER = (Refusal.NEEDS_REINSTALL, Refusal.NOT_INSTALLED)


class RevealedToken(NamedTuple):
    """Token that the host is given, with what it may do, and until when, in Unix seconds."""

    connection: Connection
    token: Secret
    scopes: tuple[str, ...]
    expires_at: int


def is_on(app: App, organization_id: str) -> bool:
    """Tells whether the operator lets the host have tokens of that organization."""
    return organization_id in app.settings.host_token_organizations


def run(app: App, caller: HostCaller, connection_id: str, *, purpose: str, now: int) -> RevealedToken:
    """Returns the access token, refreshed where little of its life is left. Raises Refused and StoreError."""
    # claim: C-353
    if not is_on(app, caller.organization):
        raise HostRefused(HostRefusal.TOKENS_OFF, actor=caller)
    # 1. the connection serves, and what the token is for is a purpose of the organization
    found = connections.find(app.db, caller.organization, connection_id)
    # claim: C-182
    if found is None or found.deleted_at is not None or found.installed_at is None:
        raise HostRefused(HostRefusal.NOT_THERE)
    # claim: C-354
    if purposes.find(app.db, caller.organization, purpose) is None:
        raise HostRefused(HostRefusal.FIELD, field="purpose")
    # claim: C-355
    if found.status != ConnectionStatus.ACTIVE or found.tenant is None:
        is_suspended = found.status == ConnectionStatus.SUSPENDED
        raise _refusal(app, HostRefusal.SUSPENDED if is_suspended else HostRefusal.INACTIVE)
    try:
        # 2. refresh it where little of its life is left; what does not expire is never given
        token = _find_fresh(app, caller, found, found.tenant, purpose=purpose)
        # 3. tell of it: the row of the audit first, then everybody who should know
        secret = _open(app, caller, found, token, purpose=purpose)
    except Refused as refused:
        if isinstance(refused, HostRefused):
            raise
        is_over = refused.refusal in _OVER
        raise _refusal(app, HostRefusal.INACTIVE if is_over else HostRefusal.TOKEN, refused.retry_after) from None
    _tell(app, caller, found, purpose=purpose, now=now)
    return RevealedToken(found, secret, token.scopes, token.expires_at or now)


def _find_fresh(app: App, caller: HostCaller, found: Connection, tenant: Tenant, *, purpose: str) -> Token:
    """Finds it with a good part of its life before it. Raises Refused."""
    use = use_token.TokenUse(
        tenant=tenant,
        holder=token_holder.holder_of(found),
        capability=REVEAL,
        method=None,
        purpose=purpose,
        actor=caller,
        statuses=token_holder.statuses_for(found),
    )
    token, now = use_token.find_usable(app, use), app.clock()
    # claim: C-356
    if token.expires_at is None or token.expires_at - now > MAX_LIFE:
        raise _refusal(app, HostRefusal.TOKEN_LASTS)
    # claim: C-355
    if refresh_token.is_due(token, now):  # the refresh did not come about
        raise _refusal(app, HostRefusal.TOKEN)
    return token


def _open(app: App, caller: HostCaller, found: Connection, token: Token, *, purpose: str) -> Secret:
    read = TokenRead(
        token=token,
        part=TokenPart.ACCESS,
        capability=REVEAL,
        method=None,
        purpose=purpose,
        actor=caller,
        statuses=token_holder.statuses_for(found),
    )
    # claim: C-355
    return tenant_keys.read_token(app, read)


def _tell(app: App, caller: HostCaller, found: Connection, *, purpose: str, now: int) -> None:
    """Tells of it, in the audit, among the events of the organization, and in the metrics, before it is given."""
    with app.db.transaction():
        current = connections.find(app.db, caller.organization, found.id)
        if current is None or current.status != ConnectionStatus.ACTIVE:  # it has ended meanwhile
            raise _refusal(app, HostRefusal.INACTIVE)
        entry = AuditEntry(at=now, event=HostAuditEvent.TOKEN_REVEALED, actor=caller, connection=found.id)
        # claim: C-354
        app.vault.append(entry._replace(tenant=found.tenant or entry.tenant, purpose=purpose))
        # claim: C-354
        events.add(app.db, found.key, HostEventKind.TOKEN_REVEALED, None, now=now)
        connections.note_used(app.db, found.key, now)
    app.metrics.count("slackapp_tokens_revealed_total", {})


def _refusal(app: App, refusal: HostRefusal, retry_after: int | None = None) -> TokenRefused:
    helps = refusal.code == HostRefusal.INACTIVE.code
    address = choose_connection.build_reconnect_url(app) if helps else None
    return TokenRefused(refusal, retry_after=retry_after, reconnect_url=address)
