"""Rows of tables, as flows decide by them and operators see them."""

from typing import NamedTuple

from slackapp.model.enums import InstallationStatus, QueueKind, QueueState, TokenStatus
from slackapp.model.identity import Holder, Tenant
from slackapp.model.sealed import Sealed

SLACK_PROVIDER = "slack"
"""The token provider that has issued every token of an install."""


class Installation(NamedTuple):
    """A row of `installations`: all about a tenant but its tokens. `bot_id` is "" until Slack was asked for it."""

    tenant: Tenant
    app_id: str
    enterprise_id: str
    enterprise_name: str
    team_id: str
    team_name: str
    bot_user_id: str
    installer_id: str
    scopes_asked: tuple[str, ...]
    scopes_granted: tuple[str, ...]
    status: InstallationStatus
    status_reason: str
    generation: int
    installed_at: int
    last_used_at: int = 0
    last_validated_at: int = 0
    bot_id: str = ""

    @property
    def is_enterprise_install(self) -> bool:
        """Tells whether the install covers a whole enterprise."""
        return self.tenant.is_enterprise

    @property
    def name(self) -> str:
        """The name that users know the tenant by."""
        return (self.enterprise_name if self.is_enterprise_install else self.team_name) or self.tenant.id


class Token(NamedTuple):
    """A row of `tokens`: sealed, with what is needed to decide on a refresh. `provider` has issued it.

    `due_at` is when it is to be refreshed; None for one that does not expire. `reason` is why it is dead, or pauses:
    Slack's code, or ours. The rest is of a token that Slack refuses: since when, when last, how often while other
    tenants' calls succeeded, and until when it pauses; see `checks/token_refusals.py`.
    """

    tenant: Tenant
    holder: Holder
    generation: int
    access: Sealed
    refresh: Sealed | None
    scopes: tuple[str, ...]
    granted_at: int
    issued_at: int
    expires_at: int | None
    due_at: int | None
    status: TokenStatus
    lease_owner: str
    reason: str = ""
    refused_since: int | None = None
    refused_at: int = 0
    paused_until: int = 0
    contradicted: int = 0
    provider: str = SLACK_PROVIDER


class QueueEntry(NamedTuple):
    """A row of a queue as the operator sees it: all but what is in it. Times are Unix seconds."""

    event_id: str
    kind: QueueKind
    tenant: Tenant
    type: str
    state: QueueState
    attempts: int
    event_time: int
    received_at: int
    next_at: int
    finished_at: int | None
    result: str
    trace_id: str
    has_body: bool
    queue: str


class UnclearRow(NamedTuple):
    """A row whose process ended in the middle of a call to Slack: nobody knows whether Slack did it."""

    tenant: Tenant
    event_id: str
    type: str
    trace_id: str = ""
