"""Begins a connection: a pending row and a single-use state, whichever way it is begun. Arrows 1 to 4 of connecting.

Nothing of what works is touched. On the page the state is bound to the session of the member who asks; by API there is
no browser yet, and it is bound to the connection's own id.
"""

from functools import partial
from typing import NamedTuple

from slackapp.checks import browser_binding
from slackapp.checks.state_token import IssuedState
from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App
from slackapp.flows.install import begin_install, new_state
from slackapp.host.checks.metadata import parse_metadata
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows import pending_records
from slackapp.host.flows.connect import may_connect, note_connect
from slackapp.host.model import ConnectionKind, ConnectionWay, HostCaller
from slackapp.host.rows import NewConnection
from slackapp.host.store import connections, purposes, sessions
from slackapp.model import HOST_CALLBACK_PATH, Settings, StateBinding, StatePurpose
from slackapp.store.columns import by_word

MAX_ATTEMPTS = 20
"""Attempts of one organization whose end is open."""
_RETRY_AFTER = 60
_KINDS = by_word(ConnectionKind)


class ConnectRequest(NamedTuple):
    """Request to connect, as it stood in a body or a form: nothing of it is believed. None where nothing was given.

    `session` is the digest of the session's secret on the page, and None by API; `address` is the client's.
    """

    metadata: object
    purpose: object
    kind: object
    reconnect: object
    session: bytes | None
    network: str | None
    address: str


class BegunConnection(NamedTuple):
    """Connection that was begun: where Slack asks for consent, and the state in that address."""

    connection_id: str
    authorize_url: str
    state: str


def run(app: App, caller: HostCaller, request: ConnectRequest, now: int) -> BegunConnection:
    """Records a pending connection and its state. Raises Refused."""
    # 1. a member asks to connect
    member = _require_member(caller)
    reconnects, purpose = _text(request.reconnect, "reconnect"), _text(request.purpose, "purpose")
    kind = _kind(app, request.kind)
    # Without the host's page nobody could confirm it.
    # claim: C-163
    if request.session is None and not app.settings.host_complete_path:
        raise HostRefused(HostRefusal.DISABLED)
    metadata = parse_metadata(request.metadata, now, request.address)
    # 2. make a state that is bound to the session, or to the connection's id
    connection_id = app.entropy(12).hex()
    way = ConnectionWay.API if request.session is None else ConnectionWay.PAGE
    state = new_state.make(app, state_binding(connection_id, request.session), now)
    sealed = pending_records.seal_metadata(app, connection_id, metadata)
    # 3. whether the organization may; record the pending connection and the state's hash
    # Asked here for the sake of whoever asks: the transaction that makes it active asks all of it again.
    approval = may_connect.find_approval(app, caller.organization, member, caller.role, kind=kind, now=now)
    before = may_connect.require(app, caller.organization, member, reconnects, kind=kind)
    # claim: C-163
    if purpose and purposes.find(app.db, caller.organization, purpose) is None:
        raise HostRefused(HostRefusal.CONNECT_FIELD, field="purpose")
    purpose = purpose or ("" if reconnects else app.settings.host_purpose)  # what is brought back keeps its own
    new = NewConnection(
        id=connection_id,
        organization_id=caller.organization,
        user_id=member,
        kind=kind,
        way=way,
        host_key_id=caller.key_id,
        purpose_id=purpose,
        state_hash=state.id_hash,
        expires_at=state.expires_at,
        metadata=sealed,
        reconnects=reconnects,
        approval_id=approval,
    )
    record = partial(_record, app, caller, new, state, network=request.network, now=now)
    # On the page a power failure takes nothing but a link that leads nowhere then, as where an install begins; and what
    # comes of it is never on the disk without it. Whoever has used a token up has something for it.
    app.db.commit_in_group(record, durable=caller.unused is not None)
    note_connect.count(app, "begun")
    # 4. answer with Slack's address
    team = before.tenant.id if before is not None and before.tenant is not None else None
    is_personal = kind is ConnectionKind.PERSONAL
    address = begin_install.authorize_url(
        app,
        state.text,
        team,
        app.settings.host_user_scopes if is_personal else (),
        redirect_uri=redirect_uri(app.settings),
        asks_bot=not is_personal,
    )
    return BegunConnection(connection_id, address, state.text)


def _record(
    app: App, caller: HostCaller, new: NewConnection, state: IssuedState, *, network: str | None, now: int
) -> None:
    """Records both, and that it was begun. Raises Refused where there are too many, and then nothing is recorded.

    The host token is used up in the same commit.
    """
    # claim: C-148
    if caller.unused is not None and not sessions.use_token_id(app.db, *caller.unused):
        raise HostRefused(HostRefusal.TOKEN_USED, field="jti", actor=caller)
    # claim: C-163
    if not connections.add(app.db, new, now, most=MAX_ATTEMPTS):
        raise HostRefused(HostRefusal.ATTEMPTS, retry_after=_RETRY_AFTER)
    if not new_state.record(app, state, network, now):
        raise Refused(Refusal.STATE_LIMIT, retry_after=_RETRY_AFTER)
    note_connect.note_begun(app, new, caller, now)


def redirect_uri(settings: Settings) -> str:
    """The address that Slack sends browsers back to; the same value goes to the consent page and to the exchange."""
    return settings.public_url + HOST_CALLBACK_PATH


def state_binding(connection_id: str, session: bytes | None) -> StateBinding:
    """The binding of a connection's state: on the page to a session, by API to the connection."""
    if session is None:
        return StateBinding(StatePurpose.CONNECT_API, browser_binding.browser_digest(connection_id))
    return StateBinding(StatePurpose.CONNECT_PAGE, session)


def _require_member(caller: HostCaller) -> str:
    """A connection is some member's own word: the host itself connects nothing."""
    if caller.role is None or caller.id is None:
        raise HostRefused(HostRefusal.ROLE, actor=caller)
    return caller.id


def _kind(app: App, claimed: object) -> ConnectionKind:
    """The kind that is asked for: a workspace, unless it is said. Raises HostRefused."""
    kind = _KINDS.get(claimed or str(ConnectionKind.WORKSPACE)) if isinstance(claimed, str | None) else None
    # claim: C-163
    if kind is None:
        raise HostRefused(HostRefusal.CONNECT_FIELD, field="kind")
    # claim: C-340
    if kind is ConnectionKind.PERSONAL and not app.settings.host_user_scopes:
        raise HostRefused(HostRefusal.DISABLED)
    return kind


def _text(claimed: object, field: str) -> str:
    """An id of the organization's own, found among its rows; "" where none was given."""
    if claimed is None:
        return ""
    # claim: C-163
    if not isinstance(claimed, str) or not 0 < len(claimed) <= 64:
        raise HostRefused(HostRefusal.CONNECT_FIELD, field=field)
    return claimed
