"""Entries of the audit, and the closed words that they are written in; docs/audit-events.md tells of each event."""

from enum import StrEnum
from typing import NamedTuple

from slackapp.model.identity import NO_TENANT, Actor, Holder, Tenant


class AuditEvent(StrEnum):
    """Event that the core writes. A circle has a set of its own, which is registered."""

    # Installs
    INSTALLED = "installed"
    REINSTALLED = "reinstalled"
    INSTALL_DECLINED = "install.declined"
    INSTALL_FAILED = "install.failed"
    INSTALL_UNCLEAR = "install.unclear"
    PAIR_SAVED = "pair.saved"
    PAIR_OUTDATED = "pair.outdated"
    SCOPES_CHANGED = "scopes.changed"
    SCOPE_MISSING = "scope.missing"
    SCOPE_SURPLUS = "scope.surplus"
    TENANT_JOINED_ORG = "tenant.joined_org"

    # Secrets that are opened
    TOKEN_READ = "token.read"
    TOKEN_UNAVAILABLE = "token.unavailable"
    EVENT_READ = "event.read"
    EVENT_UNAVAILABLE = "event.unavailable"
    DETAILS_READ = "details.read"
    WEBHOOK_READ = "webhook.read"

    # A token's life
    TOKEN_REFRESHED = "token.refreshed"
    TOKEN_REFRESH_FAILED = "token.refresh_failed"
    TOKEN_EXCHANGED = "token.exchanged"
    TOKEN_EXCHANGE_FAILED = "token.exchange_failed"
    TOKEN_PAUSED = "token.paused"
    TOKEN_RESUMED = "token.resumed"
    TOKEN_DEAD = "token.dead"
    TOKEN_FOUND = "token.found"
    TOKEN_REVOKED = "token.revoked"
    TOKEN_FOREIGN = "token.foreign"
    BRAKE_ON = "brake.on"
    BRAKE_OFF = "brake.off"
    FREEZE_ON = "freeze.on"
    FREEZE_OFF = "freeze.off"

    # Events of Slack, and the rows that run them
    EVENT_FOREIGN_APP = "event.foreign_app"
    EVENT_UNKNOWN_TENANT = "event.unknown_tenant"
    EVENT_UNCLEAR = "event.unclear"
    EVENT_RETRIED = "event.retried"
    EVENT_DROPPED = "event.dropped"
    ACTION_REFUSED = "action.refused"
    SIGNATURE_OLD_SECRET = "signature.old_secret"

    # Removal
    APP_UNINSTALLED = "app_uninstalled"
    APP_UNINSTALLED_SETTLED = "app_uninstalled.settled"
    TOKENS_REVOKED = "tokens_revoked"
    TOKENS_REVOKED_SETTLED = "tokens_revoked.settled"
    TOKENS_ERASED = "tokens.erased"
    UNINSTALL_BEGUN = "uninstall.begun"
    UNINSTALLED = "uninstalled"
    PURGE_BEGUN = "purge.begun"
    PURGE_COMPLETE = "purge.complete"

    # Keys, backups, and the audit itself
    KEYS_PROMOTED = "keys.promoted"
    KEYS_REWRAPPED = "keys.rewrapped"
    KEYS_RETIRED = "keys.retired"
    KEYS_FLUSHED = "keys.flushed"
    KEYS_REENCRYPTED = "keys.reencrypted"
    TENANT_SUSPENDED = "tenant.suspended"
    TENANT_RESTORED = "tenant.restored"
    BACKUP_MADE = "backup.made"
    BACKUP_RESTORED = "backup.restored"
    TENANT_EXPORTED = "tenant.exported"
    AUDIT_CUT = "audit.cut"

    # What was refused: one for each member of `Refusal`
    REFUSED_PATH = "refused.path"
    REFUSED_METHOD = "refused.method"
    REFUSED_HOST = "refused.host"
    REFUSED_LENGTH = "refused.length"
    REFUSED_SIZE = "refused.size"
    REFUSED_QUERY = "refused.query"
    REFUSED_MEDIA_TYPE = "refused.media_type"
    REFUSED_JSON = "refused.json"
    REFUSED_FORM = "refused.form"
    REFUSED_EVENT = "refused.event"
    REFUSED_OPTIONS = "refused.options"
    REFUSED_SIGNATURE_MALFORMED = "refused.signature.malformed"
    REFUSED_SIGNATURE_STALE = "refused.signature.stale"
    REFUSED_SIGNATURE_WRONG = "refused.signature.wrong"
    REFUSED_OPERATOR = "refused.operator"
    REFUSED_TOKEN_IN_QUERY = "refused.token_in_query"
    REFUSED_TEAM_HINT = "refused.team_hint"
    REFUSED_STATE_MISSING = "refused.state.missing"
    REFUSED_STATE_MALFORMED = "refused.state.malformed"
    REFUSED_STATE_FORGED = "refused.state.forged"
    REFUSED_BROWSER = "refused.browser"
    REFUSED_STATE_EXPIRED = "refused.state.expired"
    REFUSED_STATE_AHEAD = "refused.state.ahead"
    REFUSED_STATE_USED = "refused.state.used"
    REFUSED_CODE_MISSING = "refused.code_missing"
    REFUSED_SLACK_ERROR = "refused.slack_error"
    REFUSED_EXCHANGE = "refused.exchange"
    REFUSED_GRANT_FOREIGN = "refused.grant.foreign"
    REFUSED_GRANT_MALFORMED = "refused.grant.malformed"
    REFUSED_TEAM_NOT_ALLOWED = "refused.team_not_allowed"
    REFUSED_INSTALLER_NOT_ADMIN = "refused.installer.not_admin"
    REFUSED_INSTALLER_UNKNOWN = "refused.installer.unknown"
    REFUSED_NOT_STORED = "refused.not_stored"
    REFUSED_SLACK_DOWN = "refused.slack_down"
    REFUSED_EXCHANGE_UNCLEAR = "refused.exchange.unclear"
    REFUSED_RATE = "refused.rate"
    REFUSED_STATE_LIMIT = "refused.state.limit"
    REFUSED_BUSY = "refused.busy"
    REFUSED_INSTALLING = "refused.installing"
    REFUSED_TOKEN = "refused.token"
    REFUSED_KEY_REVOKED = "refused.key_revoked"
    REFUSED_KEY_UNAVAILABLE = "refused.key_unavailable"
    REFUSED_NEEDS_REINSTALL = "refused.needs_reinstall"
    REFUSED_NOT_INSTALLED = "refused.not_installed"
    REFUSED_CAPABILITY = "refused.capability"
    REFUSED_FROZEN = "refused.frozen"


class AuditResult(StrEnum):
    """Result of an event, in our own words; what Slack answers is told by its code."""

    OK = "ok"
    ON = "on"
    FAILED = "failed"
    REFUSED = "refused"
    IGNORED = "ignored"
    UNCLEAR = "unclear"
    NONE = "none"
    RELEASED = "released"  # the brake, by the operator
    SERVED = "success"  # the brake, by calls that succeed again
    NOBODY_WAITS = "nobody_waits"  # the brake, which kept nobody any more


class AuditDetail(StrEnum):
    """Detail of an event, where no column has it."""

    APP_UNINSTALLED = "app_uninstalled"  # the reasons of a purge
    TOKENS_REVOKED = "tokens_revoked"
    UNINSTALL = "uninstall"
    OPERATOR = "operator"
    DELETED = "deleted"
    NOTHING_LEFT = "nothing_left"
    WITHOUT_BOT = "without_bot"  # an install that brought a user's token alone
    ALL_USERS = "all_users"
    NOTHING_TO_REVOKE = "nothing_to_revoke"  # what Slack said to an uninstall
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    NOT_ACCEPTED = "not_accepted"
    SOME_ALIVE = "some_alive"  # of the tokens that an event had named


class AuditRecord(StrEnum):
    """Kind of the record that an event is about; a sealed record has a `RecordKind`."""

    EVENT = "event"
    ROUTE = "route"
    SCOPE = "scope"
    ENTERPRISE = "enterprise"
    MASTER_KEY = "master_key"
    KEY_PROVIDER = "key_provider"
    BACKUP = "backup"
    AUDIT_ROW = "audit_row"


class AuditEntry(NamedTuple):
    """Entry of the audit: ids, closed words and numbers; never a name, free text, content or a secret.

    `at` is in Unix seconds. `record_kind` and `record_id` say which record; `generation` is the token's or the
    installation's; None stands where there is no number. `result` is one of our words, or Slack's code. `detail` is a
    member of a closed set, which the event names.
    """

    at: int
    event: StrEnum
    actor: Actor
    tenant: Tenant = NO_TENANT
    connection: str = ""
    holder: Holder | None = None
    record_kind: StrEnum | None = None
    record_id: str = ""
    generation: int | None = None
    key_id: int | None = None
    count: int | None = None  # type: ignore[assignment]  # in the place of tuple.count
    capability: str = ""
    method: str = ""
    channel: str = ""
    purpose: str = ""
    result: str = AuditResult.OK
    detail: StrEnum | None = None
