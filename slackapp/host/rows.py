"""Rows of the host side's tables, as its flows decide by them. Times are Unix seconds; None: not yet, or never."""

from enum import StrEnum
from typing import NamedTuple

from slackapp.host.model import ConnectionKind, ConnectionStatus, ConnectionWay, DeliveryWay, HostRole, MemberStatus
from slackapp.model import Sealed, Tenant


class StatusReason(StrEnum):
    """Reason for which a connection is in its status."""

    # Does not serve until somebody connects again
    TOKEN_DEAD = "token_dead"  # noqa: S105  (a word, no secret)
    # Suspended
    REVIEW = "review"
    FREEZE = "freeze"
    KEY = "key"
    AGE = "age"
    OWNER = "owner"
    # Revoked
    UNINSTALLED = "uninstalled"
    DISCONNECTED = "disconnected"
    OFFBOARDED = "offboarded"
    TOKEN_REVOKED = "token_revoked"  # noqa: S105  (a word, no secret)
    DEACTIVATED = "deactivated"  # the user's account at Slack
    # Failed: what the host is told, too
    ACCESS_DENIED = "access_denied"
    INVALID_STATE = "invalid_state"
    EXCHANGE_FAILED = "exchange_failed"
    INVALID_SCOPE = "invalid_scope"
    WORKSPACE_LIMIT_REACHED = "workspace_limit_reached"
    WORKSPACE_TAKEN = "workspace_taken"
    INSTALLER_NOT_ADMIN = "installer_not_admin"
    REGION_MISMATCH = "region_mismatch"
    NOT_CONFIRMED = "not_confirmed"
    NOT_STORED = "not_stored"


class ApprovalStatus(StrEnum):
    """Status of a member's wish to connect."""

    REQUESTED = "requested"
    APPROVED = "approved"
    DENIED = "denied"
    USED = "used"


class HostEventKind(StrEnum):
    """Type of an event that the host is told of."""

    CONNECTION_ACTIVE = "connection.active"
    CONNECTION_NEEDS_RECONNECT = "connection.needs_reconnect"
    CONNECTION_SUSPENDED = "connection.suspended"
    CONNECTION_REVOKED = "connection.revoked"
    CONNECTION_EXPIRING = "connection.expiring"
    SCOPE_DRIFT = "scope.drift"
    OWNER_MISSING = "owner.missing"
    TOKEN_REVEALED = "token.revealed"  # noqa: S105  (a word, no secret)
    CHANNEL_UNAVAILABLE = "channel.unavailable"
    REVIEW_DUE = "review.due"
    MESSAGE_SENT = "message.sent"
    MESSAGE_FAILED = "message.failed"
    MESSAGE_PARKED = "message.parked"


class DeliveryStatus(StrEnum):
    """Status of what is sent to the host."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    UNSENT = "unsent"  # there was no address; the feed has it


class HostAuditEvent(StrEnum):
    """Event of the host side."""

    OAUTH_INITIATED = "oauth.initiated"
    OAUTH_COMPLETED = "oauth.completed"
    OAUTH_FAILED = "oauth.failed"
    INTEGRATION_CREATED = "integration.created"
    INTEGRATION_DELETED = "integration.deleted"
    GRANT_READ = "grant.read"
    GRANT_GIVEN_BACK = "grant.given_back"
    ROLE_CHANGED = "role.changed"
    MEMBER_OFFBOARDED = "member.offboarded"
    MEMBER_REINSTATED = "member.reinstated"
    ORGANIZATION_CHANGED = "organization.changed"
    ORGANIZATION_FROZEN = "organization.frozen"
    ORGANIZATION_UNFROZEN = "organization.unfrozen"
    ORGANIZATION_DELETED = "organization.deleted"
    INTEGRATION_CHANGED = "integration.changed"
    INTEGRATION_SUSPENDED = "integration.suspended"
    INTEGRATION_RECONCILED = "integration.reconciled"
    APPROVAL_REQUESTED = "approval.requested"
    APPROVAL_GRANTED = "approval.granted"
    APPROVAL_DENIED = "approval.denied"
    APPROVAL_USED = "approval.used"
    REVIEW_OPENED = "review.opened"
    REVIEW_ATTESTED = "review.attested"
    REVIEW_REVOKED = "review.revoked"
    REVIEW_CLOSED = "review.closed"
    TOKEN_REVEALED = "token.revealed"  # noqa: S105  (a word, no secret)
    HOST_DISABLED = "host.disabled"
    HOST_ENABLED = "host.enabled"
    HOST_KEY_ADDED = "host_key.added"
    HOST_KEY_RETIRED = "host_key.retired"
    HOST_EVENT_RETRIED = "host_event.retried"


class UsageAction(StrEnum):
    """Action that is counted for an organization, day by day."""

    CONNECT_BEGUN = "connect_begun"
    CONNECT_COMPLETED = "connect_completed"
    CONNECT_FAILED = "connect_failed"
    SLACK_CALL = "slack_call"


class OrganizationPart(StrEnum):
    """Part of an organization that the host provides, as the audit names it."""

    NAME = "organization_name"
    WORKSPACE_LIMIT = "organization_limit"
    DATA_REGION = "organization_region"
    PURPOSES = "organization_purposes"
    TEMPLATES = "organization_templates"
    CONTENT_DAYS = "organization_content"
    TRACKS_REPLIES = "organization_replies"


class HostAuditRecord(StrEnum):
    """Kind of the record that an event of the host side is about."""

    MEMBER = "member"
    ORGANIZATION = "organization"
    HOST_KEY = "host_key"
    APPROVAL = "approval"
    REVIEW = "review"
    HOST_EVENT = "host_event"


class Organization(NamedTuple):
    """A row of `organizations`. `workspace_limit` is None where the setting says how many it may connect.

    `content_days` is for how long what its messages said is kept: 0, not at all. With
    `tracks_replies` it is noted who answers.
    """

    organization_id: str
    name: str
    named_at: int
    workspace_limit: int | None
    data_region: str
    content_days: int
    tracks_replies: bool
    frozen_at: int | None
    removed_at: int | None
    created_at: int
    updated_at: int


class Member(NamedTuple):
    """A row of `members`. `issued_at` is when the host issued the token that said so."""

    organization_id: str
    member_id: str
    name: str
    role: HostRole
    issued_at: int
    status: MemberStatus


class KnownCaller(NamedTuple):
    """Organization and member that a host token names. `member` is None for one who is not known.

    `is_disabled` tells whether the organization is switched off, or everybody.
    """

    organization_name: str
    named_at: int
    removed_at: int | None
    member: Member | None
    is_disabled: bool


class ConnectPermission(NamedTuple):
    """Facts that decide whether an organization may connect by a member. `member_status` is None for an unknown one.

    `held` is the number of workspaces that it holds.
    """

    removed_at: int | None
    workspace_limit: int | None
    data_region: str
    member_status: str | None
    is_disabled: bool
    held: int


class Purpose(NamedTuple):
    """A row of `purposes`."""

    purpose_id: str
    text: str


class Connection(NamedTuple):
    """A row of `connections`. `tenant` is None until Slack has said which, and where it came to nothing.

    `state_hash` is of the state that it was begun with, used or not. `reconnects` is the id of the connection that a
    grant is to bring back; `token_vault_key` names its token in the vault while it holds one.
    """

    id: str
    organization_id: str
    user_id: str
    kind: ConnectionKind
    status: ConnectionStatus
    status_reason: str
    way: ConnectionWay
    host_key_id: str
    approval_id: str
    reconnects: str
    state_hash: bytes | None
    oauth_expires_at: int | None
    oauth_metadata: Sealed | None
    tenant: Tenant | None
    team_id: str
    enterprise_id: str
    team_name: str
    team_domain: str
    bot_user_id: str
    scopes: tuple[str, ...]
    token_vault_key: str | None
    installed_by_slack_user_id: str
    owner_id: str
    owner_missing_at: int | None
    purpose_id: str
    default_channel_id: str
    default_channel_team_id: str
    allowed_channels: tuple[str, ...]
    max_age: int | None
    installed_at: int | None
    last_used_at: int | None
    last_validated_at: int | None
    created_at: int
    updated_at: int
    deleted_at: int | None
    revoked_at: int | None = None
    age_told_at: int | None = None
    unattested_at: int | None = None
    delivery: DeliveryWay = DeliveryWay.BOT
    webhook_channel_id: str = ""

    @property
    def ends_at(self) -> int | None:
        """Time at which it is too old; None where no age is set, or it was not held yet."""
        if self.max_age is None or self.installed_at is None:
            return None
        return self.installed_at + self.max_age

    @property
    def key(self) -> "ConnectionKey":
        """Key by which it is changed."""
        return ConnectionKey(self.organization_id, self.id, self.status)


class ConnectionKey(NamedTuple):
    """Key of a connection, its organization first, with the status that was seen, in which it is changed."""

    organization_id: str
    id: str
    status: ConnectionStatus


class NewConnection(NamedTuple):
    """New connection, pending. `state_hash` is of its state, 32 bytes."""

    id: str
    organization_id: str
    user_id: str
    kind: ConnectionKind
    way: ConnectionWay
    host_key_id: str
    purpose_id: str
    state_hash: bytes
    expires_at: int
    metadata: Sealed | None = None
    reconnects: str = ""
    approval_id: str = ""


class HeldWorkspace(NamedTuple):
    """Workspace, or enterprise, that a connection comes to hold, as Slack has told of it."""

    tenant: Tenant
    enterprise_id: str
    team_name: str
    team_domain: str
    bot_user_id: str
    scopes: tuple[str, ...]
    installer_id: str


class ConnectionSettings(NamedTuple):
    """Settings that people give a connection. `max_age` is in seconds."""

    owner_id: str
    purpose_id: str
    default_channel_id: str = ""
    default_channel_team_id: str = ""
    allowed_channels: tuple[str, ...] = ()
    max_age: int | None = None
    delivery: DeliveryWay = DeliveryWay.BOT
    webhook_channel_id: str = ""


class Quarantine(NamedTuple):
    """A row of `quarantines`: a grant that nobody has confirmed yet, sealed under the service's own key."""

    organization_id: str
    connection_id: str
    grant: Sealed
    expires_at: int


class Login(NamedTuple):
    """Login of a member: for whom the host had a ticket or session opened, and under which key."""

    organization_id: str
    member_id: str
    role: HostRole
    host_key_id: str


class Session(NamedTuple):
    """A row of `host_sessions`, that counts."""

    login: Login
    created_at: int
    seen_at: int
    expires_at: int


class Approval(NamedTuple):
    """A row of `approvals`."""

    id: str
    organization_id: str
    member_id: str
    reason: str
    status: ApprovalStatus
    note: str
    decided_by: str
    created_at: int
    decided_at: int | None
    expires_at: int
    used_at: int | None


class IdempotentResponse(NamedTuple):
    """Answer to a key that was used before, and to which body; `answer_status` is 0 while the first request runs."""

    body_hash: bytes
    answer_status: int
    answer: str
    expires_at: int


class HostEvent(NamedTuple):
    """A row of `host_events`. The number grows in the order of commits; `message_id` is "" where it is about none.

    Where it is about a review, this one's id stands in the place of the connection's.
    """

    number: int
    organization_id: str
    connection_id: str
    type: HostEventKind
    at: int
    detail: str
    message_id: str


class EventDelivery(NamedTuple):
    """A row of `host_events`, as it fares on its way. `answer_status` is of HTTP, 0 where no answer came."""

    number: int
    organization_id: str
    connection_id: str
    message_id: str
    type: HostEventKind
    at: int
    detail: str
    state: DeliveryStatus
    attempts: int
    next_at: int
    answer_status: int
