"""Closed sets of words. A value is the word that stands in the database, a metric or a log; it never changes.

Words that leave the process are StrEnum and are compared with `==`: a row, a metric and a test may hold the plain word.
"""

from enum import StrEnum


class TenantKind(StrEnum):
    """Kind of a tenant."""

    WORKSPACE = "T"
    ENTERPRISE = "E"
    NONE = ""  # of `NO_TENANT`: the service's own keys and audit rows


class ActorKind(StrEnum):
    """Kind of an actor."""

    ANYONE = "anyone"
    UNVERIFIED = "unverified"  # who was refused before anything was proved
    OPERATOR = "operator"
    WORKER = "worker"
    SLACK = "slack"
    BOLT = "bolt"
    HOST = "host"  # the product that runs this service, for a customer of its own
    MEMBER = "member"  # a person of such a customer


class InstallationStatus(StrEnum):
    """Status of an installation."""

    ACTIVE = "active"
    SUSPECT = "suspect"  # Slack has reported an end that time alone does not decide
    NEEDS_REINSTALL = "needs_reinstall"
    SUSPENDED = "suspended"  # its key is withdrawn, or its bot's token was another tenant's
    PURGING = "purging"


STATUSES_IN_USE = frozenset({InstallationStatus.ACTIVE, InstallationStatus.SUSPECT, InstallationStatus.NEEDS_REINSTALL})
"""Statuses in which Slack may be asked about an installation's tokens."""


class TokenStatus(StrEnum):
    """Status of a token."""

    LIVE = "live"
    REFRESH_REFUSED = "refresh_refused"  # served until it expires, and not refreshed any more
    DEAD = "dead"


class TokenPart(StrEnum):
    """Part of a token: one of the two of a rotating pair."""

    ACCESS = "access"
    REFRESH = "refresh"


class HolderKind(StrEnum):
    """Kind of a token's holder; Slack calls the token of a bot and of a user by the same word."""

    BOT = "bot"
    USER = "user"
    CONNECTION = "connection"


class TokenFreeze(StrEnum):
    """Freeze of one token alone, whatever its tenant's other tokens do."""

    NONE = ""
    FROZEN = "frozen"  # with the organization of its connection
    ENDING = "ending"  # only what ends it opens it


class KeyPurpose(StrEnum):
    """Purpose of a data key: of a tenant's the first four, of one connection's, of the service's own the rest."""

    BOT = "bot"
    USER = "user"
    REFRESH = "refresh"
    DATA = "data"
    CONNECTION = "connection"
    STATE = "state"
    AUDIT = "audit"
    LABEL = "label"
    FINGERPRINT = "fingerprint"
    PENDING = "pending"  # what waits before a tenant is anybody's


class KeyState(StrEnum):
    """State of a data key."""

    ACTIVE = "active"
    RETIRED = "retired"


class KeyTest(StrEnum):
    """Result of a try to unwrap a data key."""

    OK = "ok"
    BROKEN = "broken"
    WITHHELD = "withheld"  # by the provider of its owner


class ProviderHealth(StrEnum):
    """Result of a try of a key provider."""

    OK = "ok"
    REVOKED = "revoked"
    UNAVAILABLE = "unavailable"
    MISMATCH = "mismatch"
    NOT_CONFIGURED = "not configured"


class RecordKind(StrEnum):
    """Kind of a sealed record: a constant of the format, which never follows a renamed table or column."""

    BOT_ACCESS = "bot_access"
    USER_ACCESS = "user_access"
    BOT_REFRESH = "bot_refresh"
    USER_REFRESH = "user_refresh"
    CONNECTION_ACCESS = "connection_access"
    CONNECTION_REFRESH = "connection_refresh"
    WEBHOOK = "webhook"
    EVENT_BODY = "event_body"
    INSTALLER = "installer"
    INSTALLER_WEBHOOK = "installer_webhook"


class StatePurpose(StrEnum):
    """Purpose of a state: neither kind passes for the other."""

    INSTALL = "install"
    BOLT = "bolt"
    CONNECT_PAGE = "connect_page"
    CONNECT_API = "connect_api"


class StateOutcome(StrEnum):
    """Outcome of a state's use."""

    INSTALLED = "installed"
    DECLINED = "declined"
    FAILED = "failed"


class QueueKind(StrEnum):
    """Kind of a row that waits: from outside, or our own."""

    EVENT = "event"
    JOB = "job"


class QueueState(StrEnum):
    """State of a row that waits in a queue."""

    READY = "ready"
    RUNNING = "running"
    CALLING = "calling"
    UNCLEAR = "unclear"  # its process ended in a call to Slack
    DEAD = "dead"
    DONE = "done"


class EventOutcome(StrEnum):
    """Outcome of an event, a command or an interaction that Slack has sent."""

    STORED = "kept"
    REPEAT = "repeat"
    OWN = "own"
    UNHANDLED = "unhandled"
    UNKNOWN = "unknown"  # the tenant is not installed
    FOREIGN_APP = "foreign_app"
    NOTED = "noted"
    SUSPECT = "suspect"
    ERASED = "erased"
    IGNORED = "ignored"
    OPTIONS = "options"  # of a menu, in the answer itself
    NO_OPTIONS = "no_options"


class InstallOutcome(StrEnum):
    """Outcome of an install that came back from Slack."""

    INSTALLED = "installed"
    REINSTALLED = "reinstalled"
    DECLINED = "declined"
    FAILED = "failed"
    UNCLEAR = "unclear"  # nobody knows what Slack has granted


class RefreshOutcome(StrEnum):
    """Outcome of a refresh."""

    OK = "ok"
    FAILED = "failed"
    REFUSED = "refused"
    MALFORMED = "malformed"


class TokenHealth(StrEnum):
    """Health of a token, as Slack says when it is asked about it."""

    OK = "ok"
    DEAD = "dead"
    PAUSED = "paused"
    UNKNOWN = "unknown"
    FOREIGN = "foreign"  # Slack names another tenant


class TenantChange(StrEnum):
    """Change that is counted per tenant."""

    INSTALLED = "installed"
    REINSTALLED = "reinstalled"
    ERASED = "erased"
    REFRESH_FAILED = "refresh_failed"
    REFRESH_REFUSED = "refresh_refused"
    TOKEN_PAUSED = "token_paused"  # noqa: S105  (a word, no secret)
    TOKEN_DEAD = "token_dead"  # noqa: S105  (a word, no secret)
    SUSPENDED = "suspended"
    SCOPE_DRIFT = "scope_drift"
