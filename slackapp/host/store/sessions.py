"""Tickets, the sessions that they become, and token ids: `sql/host/sessions.sql`, `token_ids.sql`.

A ticket and a session count for a member of the same role only.
"""

from typing import Any

from slackapp.host.model import HostRole
from slackapp.host.rows import Login, Member, Session
from slackapp.store.columns import by_word, read_columns
from slackapp.store.engine.database import Database, Row

TICKET_SECONDS = 60
SESSION_SECONDS = 8 * 3600
"""Seconds that a session lives at most."""
IDLE_SECONDS = 1800
"""Seconds after its last use for which it counts."""
_CLOCKS = 60
"""Seconds that clocks may differ by: what lasts for longer from now was made by one that was ahead."""
_ROLES = by_word(HostRole)


def add_ticket(db: Database, ticket_hash: bytes, login: Login, now: int) -> bool:
    """Adds a ticket; False where there is no such member with that role."""
    times = {"expires_at": now + TICKET_SECONDS}
    return db.execute("add_ticket", {"ticket_hash": ticket_hash, **_columns(login), **times}) == 1


def use_ticket(db: Database, ticket_hash: bytes, now: int) -> Login | None:
    """Uses a ticket up: of many callers at once, one is told whom it is for."""
    asked = {"ticket_hash": ticket_hash, "now": now, "latest": now + TICKET_SECONDS + _CLOCKS}
    row = db.one("use_ticket", asked)
    return Login(**_fields(row)) if row is not None else None


def add(db: Database, session_hash: bytes, login: Login, now: int) -> bool:
    """Adds a session; False where there is no such member with that role."""
    times = {"now": now, "expires_at": now + SESSION_SECONDS}
    return db.execute("add_session", {"session_hash": session_hash, **_columns(login), **times}) == 1


def find(db: Database, session_hash: bytes, now: int) -> Session | None:
    """Finds a session that counts: not over, not idle, its member there, with the role that it was opened for."""
    times = {"now": now, "idle_since": now - IDLE_SECONDS, "latest": now + SESSION_SECONDS + _CLOCKS}
    row = db.one("find_session", {"session_hash": session_hash, **times})
    if row is None:
        return None
    fields = _fields(row)
    login = Login(**{name: fields.pop(name) for name in Login._fields})
    return Session(login, **fields)


def note_used(db: Database, session_hash: bytes, session: Session, now: int) -> None:
    """Notes that it was used, to the minute."""
    if session.seen_at < now - 59:
        db.execute("touch_session", {"session_hash": session_hash, "seen_at": session.seen_at, "now": now})


def end(db: Database, session_hash: bytes) -> None:
    """Ends a session."""
    db.execute("end_session", {"session_hash": session_hash})


def end_of_member(db: Database, organization_id: str, member_id: str) -> int:
    """Ends a member's tickets and sessions; how many."""
    whose = {"organization_id": organization_id, "member_id": member_id}
    return db.execute("end_tickets_of_member", whose) + db.execute("end_sessions_of_member", whose)


def end_of_other_roles(db: Database, member: Member) -> int:
    """Ends what was opened for a member in another role than it has; how many."""
    whose = {"organization_id": member.organization_id, "member_id": member.member_id, "role": str(member.role)}
    return db.execute("end_tickets_of_other_roles", whose) + db.execute("end_sessions_of_other_roles", whose)


def end_of_organization(db: Database, organization_id: str) -> int:
    """Ends all of an organization's tickets and sessions; how many."""
    whose = {"organization_id": organization_id}
    return db.execute("end_tickets_of_organization", whose) + db.execute("end_sessions_of_organization", whose)


def end_under_key(db: Database, host_key_id: str) -> int:
    """Ends what was opened under a host key; how many."""
    key = {"host_key_id": host_key_id}
    return db.execute("end_tickets_under_key", key) + db.execute("end_sessions_under_key", key)


def end_all(db: Database) -> None:
    """Ends everybody's, in a restored copy: they may have been ended since."""
    db.execute("end_all_tickets", {})
    db.execute("end_all_sessions", {})


def sweep(db: Database, now: int) -> None:
    """Deletes what is over."""
    db.execute("sweep_tickets", {"before": now, "latest": latest_ticket(now)})
    db.execute("sweep_sessions", {"before": now, "latest": latest_session(now)})


def latest_ticket(now: int) -> int:
    """Returns when a ticket ends at the latest."""
    return now + TICKET_SECONDS + _CLOCKS


def latest_session(now: int) -> int:
    """Returns when a session ends at the latest."""
    return now + SESSION_SECONDS + _CLOCKS


# Ids of host tokens that work once


def use_token_id(db: Database, id_hash: bytes, expires_at: int) -> bool:
    """Uses an id up, in one statement: of many callers at once, one gets True. The hash is 32 bytes.

    Inside a transaction that undoes it, it was not used.
    """
    return db.execute("use_token_id", {"id_hash": id_hash, "expires_at": expires_at}) == 1


def sweep_token_ids(db: Database, before: int) -> None:
    """Deletes ids of tokens that have expired before then."""
    db.execute("sweep_token_ids", {"before": before})


def _columns(login: Login) -> dict[str, str]:
    return {
        "organization_id": login.organization_id,
        "member_id": login.member_id,
        "role": str(login.role),
        "host_key_id": login.host_key_id,
    }


def _fields(row: Row) -> dict[str, Any]:
    return {**read_columns(row), "role": _ROLES[row["role"]]}
