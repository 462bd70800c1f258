"""Grants that nobody has confirmed yet: `sql/host/quarantines.sql`.

Whoever gives one back to Slack has a lease on it, by a clock that nobody sets: who finds the tenant leased waits.
"""

from slackapp.host.rows import Quarantine
from slackapp.model import Sealed, Tenant
from slackapp.store.columns import tenant_columns
from slackapp.store.engine.database import Database, Row

LIFETIME = 600
"""Seconds for which a grant waits for its confirmation."""
LEASE = 60
"""Seconds that giving one back may take: longer than every call to Slack in it."""


def add(
    db: Database, connection_id: str, cookie_hash: bytes, grant: Sealed, expires_at: int, *, installer_id: str = ""
) -> None:
    """Keeps a grant; `cookie_hash` is of the cookie that ties it to a browser, `installer_id` whoever approved."""
    kept = {"connection_id": connection_id, "cookie_hash": cookie_hash, "grant_sealed": grant.blob}
    db.execute("add_quarantine", {**kept, "expires_at": expires_at, "installer_id": installer_id})


def find_by_cookie(db: Database, cookie_hash: bytes) -> Quarantine | None:
    """Finds what this browser was given a cookie for, expired or not."""
    row = db.one("find_quarantine", {"cookie_hash": cookie_hash})
    return _quarantine(row) if row is not None else None


def find(db: Database, organization_id: str, connection_id: str) -> Quarantine | None:
    """Finds a connection's."""
    row = db.one("find_quarantine_of", {"organization_id": organization_id, "connection_id": connection_id})
    return _quarantine(row) if row is not None else None


def expire(db: Database, connection_id: str, now: int) -> None:
    """Lets it be over: from the next second on it is to be given back."""
    db.execute("end_quarantine", {"connection_id": connection_id, "now": now - 1})


def list_expired(db: Database, now: int, steady: int) -> list[Quarantine]:
    """Lists what is to be given back and nobody is at, at most 20; what was tried last comes last."""
    asked = {"now": now, "latest": now + LIFETIME + 60, "steady": steady, "lease": LEASE}
    return [_quarantine(row) for row in db.many("list_expired_quarantines", asked)]


def take_lease(db: Database, connection_id: str, owner: str, steady: int) -> bool:
    """Takes the right to give it back; False where somebody else has it."""
    lease = {"connection_id": connection_id, "owner": owner, "steady": steady, "lease": LEASE}
    return db.execute("lease_quarantine", lease) == 1


def release(db: Database, connection_id: str, owner: str, steady: int) -> None:
    """Ends one's own lease, and puts the grant behind all others: it was tried, and must wait."""
    db.execute("release_quarantine", {"connection_id": connection_id, "owner": owner, "steady": steady})


def has_other(db: Database, tenant: Tenant, installer_id: str, besides: str) -> bool:
    """Tells whether another grant for a tenant waits: of that installer, or of anybody for ""."""
    asked = {**tenant_columns(tenant), "installer_id": installer_id, "connection_id": besides}
    return db.one("has_other_quarantine", asked) is not None


def is_being_given_back(db: Database, tenant: Tenant, steady: int) -> bool:
    """Tells whether Slack is being asked just now to end what was granted for a tenant."""
    return db.one("is_tenant_given_back", {**tenant_columns(tenant), "steady": steady, "lease": LEASE}) is not None


def is_any_given_back(db: Database, steady: int) -> bool:
    """Tells whether that is so for any tenant."""
    return db.one("is_any_given_back", {"steady": steady, "lease": LEASE}) is not None


def has_workspaces(db: Database, enterprise_id: str) -> bool:
    """Tells whether a workspace of that enterprise is installed by itself."""
    return db.one("has_workspaces_installed", {"enterprise_id": enterprise_id}) is not None


def find_session_of_state(db: Database, state_hash: bytes) -> bytes | None:
    """Finds what a state is bound to, used or not: on the page the digest of a session's secret."""
    row = db.one("find_binding_of_state", {"id_hash": state_hash})
    return row["session_hash"] if row is not None else None


def delete(db: Database, connection_id: str) -> None:
    """Deletes a grant that was confirmed, or given back."""
    db.execute("delete_quarantine", {"connection_id": connection_id})


def drop_all(db: Database) -> None:
    """Drops all, in a restored copy: who was to confirm has done so since, or it was given back."""
    db.execute("drop_all_quarantines", {})


def _quarantine(row: Row) -> Quarantine:
    return Quarantine(row["organization_id"], row["connection_id"], Sealed(row["grant_sealed"]), row["expires_at"])
