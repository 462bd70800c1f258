"""Notes whom a host token speaks of: the organization, and the member with its newest name and role.

The host's word is newest where it was issued last, and of two words of one second the lower role counts. So a role that
has fallen does not come back by an older token that is still good. When the last word was issued is written to the
minute where it says nothing new.
"""

from slackapp.flows.app import App
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.model import HostCaller, HostRole, HostToken, MemberStatus
from slackapp.host.rows import HostAuditEvent, HostAuditRecord, KnownCaller, Member
from slackapp.host.store import members, organizations
from slackapp.model import ActorKind, AuditEntry

_TO_THE_MINUTE = 60


def note_caller(app: App, token: HostToken, request_id: str, now: int) -> HostCaller:
    """Returns the caller, with the role that counts.

    Raises HostRefused for a member who has left, or an organization that is being removed; StoreError.
    """
    known = members.find_caller(app.db, token.organization, token.member or "")
    # claim: C-149
    if known is not None and known.removed_at is not None:
        raise HostRefused(HostRefusal.ORGANIZATION_REMOVED, actor=_caller(token, token.role, request_id))
    if known is None or _names_anew(token, known):
        name = token.organization_name or ""
        organizations.note(app.db, token.organization, name, issued_at=token.issued_at, now=now)
    if token.member is None or token.role is None:
        return _caller(token, None, request_id)
    said = Member(
        organization_id=token.organization,
        member_id=token.member,
        name=token.member_name or "",
        role=token.role,
        issued_at=token.issued_at,
        status=MemberStatus.ACTIVE,
    )
    member = known.member if known is not None else None
    if member is None or _is_news(said, member):
        member = note_member(app, said, _caller(token, token.role, request_id), now)
    # claim: C-149
    if member.status != MemberStatus.ACTIVE:
        raise HostRefused(HostRefusal.OFFBOARDED, actor=_caller(token, member.role, request_id))
    return _caller(token, member.role, request_id)


def _caller(token: HostToken, role: HostRole | None, request_id: str) -> HostCaller:
    kind = ActorKind.HOST if token.member is None else ActorKind.MEMBER
    return HostCaller(kind, request_id, token.member, organization=token.organization, role=role, key_id=token.key_id)


def _names_anew(token: HostToken, known: KnownCaller) -> bool:
    name = token.organization_name
    return name not in (None, known.organization_name) and token.issued_at > known.named_at


def _is_news(said: Member, known: Member) -> bool:
    if said.issued_at < known.issued_at:
        return False
    is_other = said.role != known.role or said.name not in ("", known.name)
    return is_other or said.issued_at >= known.issued_at + _TO_THE_MINUTE


def note_member(app: App, said: Member, caller: HostCaller, now: int) -> Member:
    """Writes the host's word where it is the newest, and returns the member as it is then."""
    with app.db.transaction():
        before = members.find_caller(app.db, said.organization_id, said.member_id)
        # claim: C-149
        if before is None or before.removed_at is not None:  # by now
            raise HostRefused(HostRefusal.ORGANIZATION_REMOVED, actor=caller)
        members.note(app.db, said, now)
        after = members.find(app.db, said.organization_id, said.member_id) or said
        if before.member is not None and before.member.role != after.role:
            entry = AuditEntry(at=now, event=HostAuditEvent.ROLE_CHANGED, actor=caller)
            app.vault.append(entry._replace(record_kind=HostAuditRecord.MEMBER, record_id=said.member_id))
    return after
