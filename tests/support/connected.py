"""Organizations, members and connections to put into a database, as the host side's flows would."""

from slackapp.host.flows import change_connection
from slackapp.host.model import ConnectionKind, ConnectionWay, HostRole, MemberStatus
from slackapp.host.rows import Connection, ConnectionKey, HeldWorkspace, Login, Member, NewConnection
from slackapp.host.store import connections, members, organizations
from slackapp.model import SCHEDULER, Sealed, Tenant
from slackapp.store.engine.database import Database

ACME, GLOBEX = "acme", "globex"
"""Two organizations that know nothing of each other."""
ANN = "ann"
"""A member of each."""
NOW = 1_800_000_000
KEY_ID = "hk1"


def login(organization: str = ACME, member: str = ANN, role: HostRole = HostRole.ADMIN) -> Login:
    """Whom a ticket or a session is for."""
    return Login(organization, member, role, KEY_ID)


def add_member(
    db: Database, organization: str = ACME, member: str = ANN, role: HostRole = HostRole.ADMIN, issued_at: int = NOW
) -> None:
    """An organization with a member, as a host token names them."""
    organizations.note(db, organization, organization.title(), issued_at=issued_at, now=issued_at)
    said = Member(organization, member, member.title(), role, issued_at, MemberStatus.ACTIVE)
    members.note(db, said, issued_at)


def state_hash(connection_id: str) -> bytes:
    """The hash of the state that a connection is begun with."""
    return connection_id.encode().ljust(32, b"s")


def begin(
    db: Database,
    number: int = 1,
    organization: str = ACME,
    *,
    member: str = ANN,
    metadata: Sealed | None = None,
    reconnects: str = "",
    kind: ConnectionKind = ConnectionKind.WORKSPACE,
    key_id: str = KEY_ID,
    now: int = NOW,
) -> Connection:
    """A pending connection of the organization."""
    connection_id = f"{number:024}"
    new = NewConnection(
        id=connection_id,
        organization_id=organization,
        user_id=member,
        kind=kind,
        way=ConnectionWay.API,
        host_key_id=key_id,
        purpose_id="alerts",
        state_hash=state_hash(connection_id),
        expires_at=now + 600,
        metadata=metadata,
        reconnects=reconnects,
    )
    with db.transaction():
        connections.add(db, new, now, most=1000)
    return read(db, organization, connection_id)


def read(db: Database, organization: str, connection_id: str) -> Connection:
    """The connection as it is now."""
    found = connections.find(db, organization, connection_id)
    assert found is not None
    return found


def held(tenant: Tenant, enterprise_id: str = "") -> HeldWorkspace:
    """What Slack says of a tenant."""
    enterprise_id = tenant.id if tenant.is_enterprise else enterprise_id
    return HeldWorkspace(tenant, enterprise_id, "A Private Name", "private-name", "U0BOT00001", ("chat:write",), "U1")


def connect(
    db: Database, tenant: Tenant, number: int = 1, organization: str = ACME, *, enterprise_id: str = "", now: int = NOW
) -> Connection:
    """An active connection; its organization and member are added where they are not there."""
    if organizations.find(db, organization) is None:
        with db.transaction():
            add_member(db, organization)
    attempt = begin(db, number, organization, now=now)
    with db.transaction():
        done = change_connection.activate(db, attempt, held(tenant, enterprise_id), SCHEDULER, now)
    assert done is not None
    return read(db, organization, done.connection.id)


def key_of(connection: Connection) -> ConnectionKey:
    """Its key, with the status as it was read."""
    return connection.key
