"""Nouns that all rooms share: frozen data without behaviour. Ids are Slack's; times are Unix seconds.

They are NamedTuples: to make the class of one takes a sixth of what a frozen dataclass takes, and a start makes many.
"""

from slackapp.model.audit import AuditDetail, AuditEntry, AuditEvent, AuditRecord, AuditResult
from slackapp.model.enums import (
    STATUSES_IN_USE,
    ActorKind,
    EventOutcome,
    HolderKind,
    InstallationStatus,
    InstallOutcome,
    KeyPurpose,
    KeyState,
    KeyTest,
    ProviderHealth,
    QueueKind,
    QueueState,
    RecordKind,
    RefreshOutcome,
    StateOutcome,
    StatePurpose,
    TenantChange,
    TenantKind,
    TokenFreeze,
    TokenHealth,
    TokenPart,
    TokenStatus,
)
from slackapp.model.grants import ExternalInstallation, Grant, GrantedToken, SlackResponse, StateBinding, Webhook
from slackapp.model.identity import ADMIN, BOT, NO_TENANT, SCHEDULER, Actor, Holder, Secret, Tenant
from slackapp.model.rows import SLACK_PROVIDER, Installation, QueueEntry, Token, UnclearRow
from slackapp.model.sealed import (
    LOCAL_PROVIDER,
    ConnectionPurpose,
    DataKey,
    DataKeyPurpose,
    Mac,
    NewKey,
    RecordContext,
    Sealed,
)
from slackapp.model.settings import (
    CALLBACK_PATH,
    COMMANDS_PATH,
    EVENTS_PATH,
    HOST_CALLBACK_PATH,
    INSTALL_PATH,
    INSTALLED_PATH,
    INTERACTIVITY_PATH,
    LOOPBACK,
    Clock,
    Entropy,
    Settings,
    SlackAddresses,
)

__all__ = [
    "ADMIN", "BOT", "CALLBACK_PATH", "COMMANDS_PATH", "EVENTS_PATH", "HOST_CALLBACK_PATH", "INSTALLED_PATH",
    "INSTALL_PATH", "INTERACTIVITY_PATH", "LOCAL_PROVIDER", "LOOPBACK", "NO_TENANT", "SCHEDULER", "SLACK_PROVIDER",
    "STATUSES_IN_USE", "Actor", "ActorKind", "AuditDetail", "AuditEntry", "AuditEvent", "AuditRecord", "AuditResult",
    "Clock", "ConnectionPurpose", "DataKey", "DataKeyPurpose", "Entropy", "EventOutcome", "ExternalInstallation",
    "Grant", "GrantedToken", "Holder", "HolderKind", "InstallOutcome", "Installation", "InstallationStatus",
    "KeyPurpose", "KeyState", "KeyTest", "Mac", "NewKey", "ProviderHealth", "QueueEntry", "QueueKind", "QueueState",
    "RecordContext", "RecordKind", "RefreshOutcome", "Sealed", "Secret", "Settings", "SlackAddresses", "SlackResponse",
    "StateBinding", "StateOutcome", "StatePurpose", "Tenant", "TenantChange", "TenantKind", "Token", "TokenFreeze",
    "TokenHealth",
    "TokenPart", "TokenStatus", "UnclearRow", "Webhook",
]  # fmt: skip
