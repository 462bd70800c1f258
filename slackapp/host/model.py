"""Nouns of the host side: who calls it, and what ties an organization to a tenant.

An organization is a customer of the host, the product that runs this service; its people are members. Both have ids of
the host's, 1 to 64 of `A-Z a-z 0-9 _ -`. A connection is the tie between an organization, or one of its members, and a
tenant of Slack.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from slackapp.model import Actor


class HostRole(StrEnum):
    """Role of a member in its organization, the one with the most rights first."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    AUDITOR = "auditor"


class MemberStatus(StrEnum):
    """Status of a member."""

    ACTIVE = "active"
    OFFBOARDED = "offboarded"  # has left; may do nothing until the host reinstates it


class ConnectionKind(StrEnum):
    """Kind of a connection."""

    WORKSPACE = "workspace"  # by the bot
    PERSONAL = "personal"  # by a member's own user token


class ConnectionStatus(StrEnum):
    """Status of a connection."""

    PENDING = "pending"  # begun; Slack has not answered yet
    QUARANTINED = "quarantined"  # granted, and not confirmed by the member's own login yet
    ACTIVE = "active"
    NEEDS_RECONNECT = "needs_reconnect"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    FAILED = "failed"


class ConnectionWay(StrEnum):
    """Way in which a connection was begun."""

    PAGE = "page"
    API = "api"


class ChannelState(StrEnum):
    """State of a channel to which nothing can be posted."""

    ARCHIVED = "archived"
    DELETED = "deleted"
    LEFT = "left"  # the app is not in it any more


class ReviewDecision(StrEnum):
    """Decision on a connection in a review."""

    OPEN = "open"  # nobody has said anything
    ATTESTED = "attested"  # it is needed
    REVOKED = "revoked"
    UNATTESTED = "unattested"  # the review was closed before anybody said anything
    ENDED = "ended"  # the connection was over before


class DeliveryWay(StrEnum):
    """Way by which messages reach a channel."""

    BOT = "bot"  # by the bot's token
    WEBHOOK = "webhook"  # by the incoming webhook that was granted, to its channel


class ReplyType(StrEnum):
    """Type of what people answer to a message."""

    REPLY = "reply"
    REACTION = "reaction"


class DifferenceKind(StrEnum):
    """Kind of a difference."""

    UNUSABLE = "unusable"  # a token that does not work, or could not be asked about
    SCOPES = "scopes"  # the token may less than is asked for
    UNBACKED = "unbacked"  # a connection whose installation is gone
    STATUS = "status"  # a connection that would serve, of an installation that does not
    TEAMS = "teams"  # an enterprise that has the app in no workspace, or not in that of the default channel
    SHADOW = "shadow"  # an installation that no organization holds


class MessageType(StrEnum):
    """Type of a message: what is done at Slack."""

    MESSAGE = "message"
    REPLY = "reply"
    UPDATE = "update"
    DELETE = "delete"


class MessageStatus(StrEnum):
    """Status of a message."""

    SCHEDULED = "scheduled"  # waits for its time
    QUEUED = "queued"  # waits for its turn
    SENDING = "sending"  # the call is announced, and may be under way
    SENT = "sent"
    FAILED = "failed"  # for good, with a reason
    PARKED = "parked"  # waits for the connection, for 72 hours
    UNCLEAR = "unclear"  # nobody knows whether Slack has it
    CANCELED = "canceled"


class MessageReason(StrEnum):
    """Reason for which a message is in its status."""

    # Parked
    NEEDS_RECONNECT = "needs_reconnect"
    SUSPENDED = "suspended"
    # Failed
    REVOKED = "revoked"  # the connection is over
    EXPIRED = "expired"  # was parked for too long
    CHANNEL = "channel"  # is not there, archived, not allowed, or the app may not post there
    CONTENT = "content"
    SCOPE = "scope"
    POLICY = "policy"  # of the workspace
    THREAD = "thread"  # what it answers was not sent
    TARGET = "target"  # what it changes is not there, or may not be changed
    REFUSED = "refused"  # by Slack, for some other reason
    # Unclear
    INTERRUPTED = "interrupted"  # the process ended in the call
    ANSWER_LOST = "answer_lost"
    RESTORED = "restored"  # waited when the backup was made
    # Failed, after it was unclear
    DROPPED = "dropped"  # somebody has given it up


class MessageOutcome(StrEnum):
    """Outcome of an unclear message, as a person says who has looked."""

    SENT = "sent"  # it is there
    AGAIN = "again"  # it is not: it goes out once more
    DROPPED = "dropped"  # whatever it is, it is left


class MessageRecord(StrEnum):
    """Kind of the sealed record of a message: a constant of the format."""

    CONTENT = "message_content"


class PendingRecord(StrEnum):
    """Kind of a record that is sealed before there is a tenant: a constant of the format."""

    METADATA = "connection_metadata"
    GRANT = "pending_grant"


class GrantOutcome(StrEnum):
    """Outcome of a grant that nobody keeps."""

    UNINSTALLED = "uninstalled"  # the app was removed from the tenant, where it is nobody's
    REVOKED = "revoked"  # this pair alone
    LEFT = "left"  # the token is the one in use
    ABANDONED = "abandoned"  # Slack did not take it for an hour


class HostRefusedEvent(StrEnum):
    """Event of the audit: one for each member of `errors.HostRefusal`."""

    TOKEN_MISSING = "refused.host_token.missing"
    TOKEN_FORM = "refused.host_token.form"
    TOKEN_HEADER = "refused.host_token.header"
    TOKEN_KEY = "refused.host_token.key"
    TOKEN_FORGED = "refused.host_token.forged"
    TOKEN_CLAIM = "refused.host_token.claim"
    TOKEN_EARLY = "refused.host_token.early"
    TOKEN_EXPIRED = "refused.host_token.expired"
    TOKEN_USED = "refused.host_token.used"
    KEY_RETIRED = "refused.host_key.retired"
    OFFBOARDED = "refused.member.offboarded"
    ORGANIZATION_REMOVED = "refused.organization.removed"
    DISABLED = "refused.disabled"
    ROLE = "refused.role"
    RETURN_URL = "refused.return_url"
    METADATA = "refused.metadata"
    METADATA_SIZE = "refused.metadata.size"
    OTHER_ORIGIN = "refused.origin"
    HIDDEN_ORIGIN = "refused.origin.hidden"
    BODY = "refused.body"
    BODY_SIZE = "refused.body.size"
    UNKNOWN_FIELD = "refused.field.unknown"
    FIELD = "refused.field"
    PARAMETERS = "refused.parameters"
    CURSOR = "refused.cursor"
    CHOICE = "refused.choice"
    NOT_THERE = "refused.not_there"
    NO_INTEGRATION = "refused.no_integration"
    INACTIVE = "refused.inactive"
    SUSPENDED = "refused.suspended"
    SCOPE = "refused.scope"
    CHANNEL = "refused.channel"
    NO_CHANNEL = "refused.channel.none"
    NO_WEBHOOK = "refused.channel.webhook"
    CHANNEL_NOT_ALLOWED = "refused.channel.not_allowed"
    CONTENT = "refused.content"
    TEMPLATE = "refused.template"
    TEMPLATES = "refused.templates"
    VARIABLE = "refused.variable"
    KEY_MISSING = "refused.idempotency.missing"
    KEY_RUNS = "refused.idempotency.runs"
    KEY_REUSED = "refused.idempotency.reused"
    INTERNAL_ID = "refused.internal_id"
    SEND_AT = "refused.send_at"
    MESSAGE_STATUS = "refused.message_status"
    NOT_OWN = "refused.message.not_own"
    TOKENS_OFF = "refused.token.off"
    TOKEN_LASTS = "refused.token.lasts"
    SLACK_FAILED = "refused.slack_failed"
    SLACK_RATE = "refused.slack_rate"
    TOKEN = "refused.token_use"
    CROWDED = "refused.crowded"
    CHANGED = "refused.changed"
    SESSION = "refused.session"
    TICKET = "refused.ticket"
    FORM_TOKEN = "refused.form_token"
    CONNECT_FIELD = "refused.connect_field"
    REGION = "refused.region"
    APPROVAL = "refused.approval"
    OWN_APPROVAL = "refused.approval.own"
    REVIEW_OPEN = "refused.review.open"
    REVIEW_ANSWERED = "refused.review.answered"
    OWN_REVIEW = "refused.review.own"
    EXISTS = "refused.exists"
    LIMIT = "refused.limit"
    TAKEN = "refused.taken"
    LEAVES = "refused.leaves"
    NOT_CONFIRMED = "refused.not_confirmed"
    ATTEMPTS = "refused.attempts"
    STATE_UNKNOWN = "refused.connect_state"
    OTHER_USER = "refused.other_user"
    OTHER_GRANT = "refused.other_grant"


class HostToken(NamedTuple):
    """Host token that was verified: what the host's backend says of one request or one page view.

    `member` and `role` are both None where the host speaks for itself. Times are Unix seconds. `token_id` is the claim
    `jti`, of which one use may be all there is.
    """

    key_id: str
    token_id: str
    organization: str
    member: str | None
    role: HostRole | None
    issued_at: int
    expires_at: int
    organization_name: str | None
    member_name: str | None


class UnusedToken(NamedTuple):
    """Host token that works once and was not used: the hash of its id, and until when it is good."""

    id_hash: bytes
    expires_at: int


@dataclass(frozen=True, kw_only=True)
class HostCaller(Actor):
    """Caller of the host side, for one organization: a member, or the host itself without id and role.

    `key_id` names the host key that it came under: what it opens ends with that key. `issued_at` is when the host has
    signed for it, by the host's clock; 0 where it came by a session. `is_disabled` is what its switch said at the begin
    of this request, and None where nobody has looked. `unused` is the token that is to be used up with what is begun.
    """

    organization: str
    role: HostRole | None
    key_id: str
    issued_at: int = 0
    is_disabled: bool | None = None
    unused: UnusedToken | None = None
