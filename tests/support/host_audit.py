"""What each event of the host side means, as audit_meanings.py has it for the core's."""

from enum import StrEnum

from slackapp.host.errors import HostRefusal
from slackapp.host.model import GrantOutcome
from slackapp.host.rows import HostAuditEvent, HostAuditRecord, OrganizationPart, StatusReason
from slackapp.model import ActorKind, AuditRecord, AuditResult
from tests.support.audit_meanings import Meaning

_H, _M, _O, _W = ActorKind.HOST, ActorKind.MEMBER, ActorKind.OPERATOR, ActorKind.WORKER
_ORGANIZATION, _MEMBER = (HostAuditRecord.ORGANIZATION,), (HostAuditRecord.MEMBER,)
_KEY = (HostAuditRecord.HOST_KEY,)
_APPROVAL = (HostAuditRecord.APPROVAL,)
_REVIEW = (HostAuditRecord.REVIEW,)
_HOST_EVENT = (HostAuditRecord.HOST_EVENT,)

_A = ActorKind.ANYONE

HOST_MEANINGS: dict[StrEnum, Meaning] = {
    HostAuditEvent.OAUTH_INITIATED: Meaning("a member begins a connection", "connection purpose", (_M,)),
    HostAuditEvent.OAUTH_COMPLETED: Meaning(
        "what Slack has granted is an organization's, which has confirmed it", "tenant connection purpose", (_M,)
    ),
    HostAuditEvent.OAUTH_FAILED: Meaning(
        "a connect came to nothing", "connection", (_A, _H, _M, _W), (AuditResult.FAILED,),
        details=tuple(StatusReason),
    ),
    HostAuditEvent.INTEGRATION_CREATED: Meaning(
        "an organization has a connection that it had not", "tenant connection purpose", (_M,)
    ),
    HostAuditEvent.INTEGRATION_DELETED: Meaning(
        "an organization disconnects", "tenant connection", (_H, _M, _O)
    ),
    HostAuditEvent.GRANT_GIVEN_BACK: Meaning(
        "a grant that nobody keeps was given back to Slack", "tenant connection", (_A, _H, _M, _W),
        (AuditResult.OK, AuditResult.FAILED), details=tuple(GrantOutcome),
    ),
    HostAuditEvent.GRANT_READ: Meaning(
        "a grant that nobody has confirmed yet is opened, to be stored or given back", "connection", (_A, _H, _M, _W)
    ),
    HostAuditEvent.ROLE_CHANGED: Meaning("the host gives a member another role", "record", (_H, _M), records=_MEMBER),
    HostAuditEvent.MEMBER_OFFBOARDED: Meaning(
        "a member has left: its sessions and attempts end; how many connections wait for an owner", "record count",
        (_H, _M, _O), records=_MEMBER,
    ),
    HostAuditEvent.MEMBER_REINSTATED: Meaning("a member is back", "record", (_H, _M, _O), records=_MEMBER),
    HostAuditEvent.ORGANIZATION_CHANGED: Meaning(
        "an organization is provided otherwise; the detail is what has changed", "record", (_H, _M),
        records=_ORGANIZATION, details=tuple(OrganizationPart),
    ),
    HostAuditEvent.ORGANIZATION_FROZEN: Meaning(
        "an organization freezes all that it holds; how many tenants", "record count", (_H, _M, _O),
        records=_ORGANIZATION,
    ),
    HostAuditEvent.ORGANIZATION_UNFROZEN: Meaning(
        "that freeze ends; how many tenants", "record count", (_H, _M, _O), records=_ORGANIZATION
    ),
    HostAuditEvent.ORGANIZATION_DELETED: Meaning(
        "all of an organization is deleted, after what it held", "record", (_H, _W), records=_ORGANIZATION
    ),
    HostAuditEvent.TOKEN_REVEALED: Meaning(
        "the host itself is given an access token", "tenant connection purpose", (_H,)
    ),
    HostAuditEvent.INTEGRATION_CHANGED: Meaning(
        "people change a connection's owner, purpose, channels or age", "connection", (_H, _M)
    ),
    HostAuditEvent.INTEGRATION_SUSPENDED: Meaning(
        "a connection is suspended for its age, because nobody answers for it, or because nobody has in a review",
        "connection", (_H, _M, _O, _W), details=(StatusReason.AGE, StatusReason.OWNER, StatusReason.REVIEW),
    ),
    HostAuditEvent.INTEGRATION_RECONCILED: Meaning(
        "a connection is made to say again what its installation says", "tenant connection", (_O,)
    ),
    HostAuditEvent.APPROVAL_REQUESTED: Meaning("a member asks to connect", "record", (_M,), records=_APPROVAL),
    HostAuditEvent.APPROVAL_GRANTED: Meaning(
        "an owner or admin lets another member connect, once", "record", (_M,), records=_APPROVAL
    ),
    HostAuditEvent.APPROVAL_DENIED: Meaning(
        "an owner or admin does not let a member connect", "record", (_M,), records=_APPROVAL
    ),
    HostAuditEvent.APPROVAL_USED: Meaning("a connection is active by it", "record", (_M,), records=_APPROVAL),
    HostAuditEvent.REVIEW_OPENED: Meaning(
        "a review begins; of how many connections", "record count", (_H, _M, _O), records=_REVIEW
    ),
    HostAuditEvent.REVIEW_ATTESTED: Meaning(
        "an owner or admin says in a review that a connection is needed", "record connection", (_M, _O),
        records=_REVIEW,
    ),
    HostAuditEvent.REVIEW_REVOKED: Meaning(
        "an owner or admin ends a connection in a review", "record connection", (_M, _O), records=_REVIEW
    ),
    HostAuditEvent.REVIEW_CLOSED: Meaning(
        "a review is closed; how many connections nobody has answered for", "record count", (_H, _M, _O, _W),
        records=_REVIEW,
    ),
    HostAuditEvent.HOST_DISABLED: Meaning(
        "an organization is switched off, or, without one, everybody", "record", (_O,), records=_ORGANIZATION
    ),
    HostAuditEvent.HOST_ENABLED: Meaning("that ends", "record", (_O,), records=_ORGANIZATION),
    HostAuditEvent.HOST_KEY_ADDED: Meaning("a key that the host signs with is added", "record", (_O,), records=_KEY),
    HostAuditEvent.HOST_KEY_RETIRED: Meaning(
        "a key that the host signed with is taken out; how many sessions, tickets and attempts ended with it",
        "record count", (_O,), records=_KEY,
    ),
    HostAuditEvent.HOST_EVENT_RETRIED: Meaning(
        "an event is sent to the host once more; without a record, whatever was given up", "record", (_O,),
        records=_HOST_EVENT,
    ),
    **{
        refusal.audit: Meaning(
            f"{refusal.status}: {refusal.sentence}", "record", (*ActorKind,), (AuditResult.REFUSED,),
            records=(AuditRecord.ROUTE,),
        )
        for refusal in HostRefusal
    },
}  # fmt: skip
