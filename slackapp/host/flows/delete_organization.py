"""Deletes an organization with everything of it: what stays are opaque ids in the audit.

That it was decided is committed first: from then on nobody acts for it. Slack is told of each tenant that it holds, and
grants that wait are given back, before the rows go. Whatever ends the process in between, upkeep goes on with it. Where
an older copy of the database is restored, the host deletes it again. That an operator has switched it off outlives it,
by its id: a new organization of that id is still off.
"""

from dataclasses import replace

from slackapp.flows.app import App
from slackapp.host.flows import change_connection
from slackapp.host.flows.connect import leave_tenant
from slackapp.host.rows import HostAuditEvent, HostAuditRecord, StatusReason
from slackapp.host.store import (
    connections,
    events,
    idempotency_keys,
    members,
    messages,
    organizations,
    purposes,
    sessions,
)
from slackapp.host.store.messaging import message_counts, templates
from slackapp.host.store.personal import personal_connections as personal
from slackapp.host.store.reviews import reviews
from slackapp.model import SCHEDULER, Actor, AuditEntry


def run(app: App, organization_id: str, actor: Actor, now: int) -> bool:
    """Deletes an organization; True once nothing of it is left, False where upkeep goes on with it. Idempotent.

    Raises StoreError.
    """
    # 1. from now on nobody acts for it
    with app.db.transaction():
        # claim: C-156
        organizations.begin_removal(app.db, organization_id, now)
        # claim: C-156
        sessions.end_of_organization(app.db, organization_id)
        for key in connections.list_attempts_of(app.db, organization_id):
            change_connection.end_attempt(app.db, key, now)
    # 2. tell Slack, and erase each tenant that it holds
    for key, tenant, kind in connections.list_held(app.db, organization_id):
        with app.db.transaction():
            left = leave_tenant.begin(app, tenant, kind, key.id, actor=actor, now=now)
            if left.holders:
                change_connection.revoke(app.db, key, StatusReason.DISCONNECTED, now)
        leave_tenant.finish(app, left, actor)
    # 3. the rows, once nothing is held and nothing waits to be given back
    while _delete_messages(app, organization_id):
        pass
    if not _delete_rows(app, organization_id, actor):
        return False
    # 4. what they have left in logs; then the id
    if app.db.erase_residue():
        return False
    with app.db.transaction():
        organizations.delete(app.db, organization_id)
    return True


def resume_all(app: App, now: int) -> None:
    """Goes on with every removal that is not over. Raises StoreError."""
    for organization_id in organizations.list_removed(app.db):
        run(app, organization_id, replace(SCHEDULER, organization=organization_id), now)


def _delete_messages(app: App, organization_id: str) -> bool:
    """Deletes a portion of its messages, in a transaction that is short; False where none is left."""
    with app.db.transaction():
        return messages.delete_of_organization(app.db, organization_id) > 0


def _delete_rows(app: App, organization_id: str, actor: Actor) -> bool:
    with app.db.transaction():
        if connections.list_held(app.db, organization_id) or connections.count_attempts(app.db, organization_id):
            return False
        # claim: C-344
        if personal.count_ending(app.db, organization_id):
            return False
        for erase in (
            events.erase, idempotency_keys.erase, organizations.erase_usage, message_counts.erase,
            purposes.delete_all, templates.delete_all, reviews.erase, members.delete_all,
        ):  # fmt: skip
            # claim: C-156
            erase(app.db, organization_id)
        # claim: C-156
        if organizations.blank(app.db, organization_id):
            entry = AuditEntry(at=app.clock(), event=HostAuditEvent.ORGANIZATION_DELETED, actor=actor)
            app.vault.append(entry._replace(record_kind=HostAuditRecord.ORGANIZATION, record_id=organization_id))
    return True
