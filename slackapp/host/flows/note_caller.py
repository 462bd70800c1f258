"""Notes whom a host token speaks of: the organization, and the member with its newest name and role.

The host's word is newest where it was issued last, by its own clock alone, and of two words of one second the lower
role counts. So a role that has fallen does not come back by an older token that is still good, used before or not. When
the newest word was issued is kept to the second also where it says nothing new; a power failure may undo that alone.
"""

from functools import partial

from slackapp.flows.app import App
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.model import HostCaller, HostRole, HostToken, MemberStatus
from slackapp.host.rows import HostAuditEvent, HostAuditRecord, KnownCaller, Member
from slackapp.host.store import members, organizations
from slackapp.model import ActorKind, AuditEntry


def note_caller(app: App, token: HostToken, request_id: str, now: int) -> HostCaller:
    """Returns the caller, with the role that counts.

    Raises HostRefused for a member who has left, or an organization that is being removed; StoreError.
    """
    known = members.find_caller(app.db, token.organization, token.member or "")
    # claim: C-149
    if known is not None and known.removed_at is not None:
        raise HostRefused(HostRefusal.ORGANIZATION_REMOVED, actor=_caller(token, token.role, request_id))
    name = token.organization_name or ""
    if known is None or (name and token.issued_at > known.named_at):
        note = partial(organizations.note, app.db, token.organization, name, issued_at=token.issued_at, now=now)
        app.db.commit_in_group(note, durable=False)
    if token.member is None or token.role is None:
        return _caller(token, None, request_id, known)
    said = Member(
        organization_id=token.organization,
        member_id=token.member,
        name=token.member_name or "",
        role=token.role,
        issued_at=token.issued_at,
        status=MemberStatus.ACTIVE,
    )
    member = known.member if known is not None else None
    if member is None or not _is_noted(app, said, member, now):
        member = note_member(app, said, _caller(token, token.role, request_id), now)
    # claim: C-149
    if member.status != MemberStatus.ACTIVE:
        raise HostRefused(HostRefusal.OFFBOARDED, actor=_caller(token, member.role, request_id))
    return _caller(token, member.role, request_id, known)


def _caller(token: HostToken, role: HostRole | None, request_id: str, known: KnownCaller | None = None) -> HostCaller:
    kind = ActorKind.HOST if token.member is None else ActorKind.MEMBER
    return HostCaller(
        kind=kind,
        request_id=request_id,
        id=token.member,
        organization=token.organization,
        role=role,
        key_id=token.key_id,
        issued_at=token.issued_at,
        is_disabled=known.is_disabled if known is not None else None,
    )


def _is_noted(app: App, said: Member, known: Member, now: int) -> bool:
    """Tells whether the host's word is older, or says nothing new, which is noted then."""
    if said.issued_at < known.issued_at:
        return True
    if said.role != known.role or said.name not in ("", known.name):
        return False
    if said.issued_at == known.issued_at:
        return True
    return app.db.commit_in_group(partial(members.note_again, app.db, said, now), durable=False)


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
