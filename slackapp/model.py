"""The nouns: frozen, without behaviour. Ids are Slack's; times are Unix seconds."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, Protocol


class Secret:
    """A string that must not be seen: it prints as `***` and cannot be pickled, copied into JSON or formatted.

    Does not stop: code that calls `reveal()`, a debugger, or a reader of the process's memory. Python cannot
    erase a string from memory.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; every call of this is a place to review."""
        return self._value

    def __repr__(self) -> str:
        # claim: C-18
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]  # a secret is not a dictionary key

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")


@dataclass(frozen=True, order=True)
class Tenant:
    """Whom data belongs to: `('T', team id)` or, for an org-wide install, `('E', enterprise id)`.

    Made only from Slack's answer to an exchange, from a verified request, from our own rows, or from an operator's
    command. Encryption binds to it.
    """

    kind: str
    id: str

    def __str__(self) -> str:
        return self.id


NO_TENANT = Tenant("", "")
LOCAL_PROVIDER = "local"
"""The key provider that holds the master keys of the private file."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Names and addresses of this very machine."""
INSTALL_PATH = "/slack/install"
CALLBACK_PATH = "/slack/oauth_redirect"
INSTALLED_PATH = "/slack/installed"
EVENTS_PATH = "/slack/events"
COMMANDS_PATH = "/slack/commands"
INTERACTIVITY_PATH = "/slack/interactivity"
"""Paths of the service that also Slack, the manifest, or another page of ours must know."""


@dataclass(frozen=True)
class Actor:
    """On whose behalf something is done, and the request's or the row's id.

    The actor is `anyone`, `unverified`, `operator`, `worker`, or `slack:N` with the number of the signing secret.
    """

    name: str
    request_id: str


@dataclass(frozen=True)
class Sealed:
    """Ciphertext as it lies in the database. The only form in which `store` sees a token."""

    blob: bytes = field(repr=False)


@dataclass(frozen=True)
class RecordContext:
    """What a sealed record is bound to; it opens nowhere else."""

    tenant: Tenant
    purpose: str  # which of the tenant's data keys: bot, user, refresh, data
    user_id: str  # "" for what is the bot's or the tenant's own
    kind: str  # a constant such as "bot_access"; never a table or column name, which may change
    row: str
    generation: int


@dataclass(frozen=True)
class NewKey:
    """A data key that was just made, as it is to be stored: wrapped."""

    key_id: int
    purpose: str
    provider: str
    master_version: int
    wrapped: bytes = field(repr=False)


@dataclass(frozen=True)
class DataKey:
    """A row of `data_keys`: the key only in its wrapped form."""

    key_id: int
    tenant: Tenant
    purpose: str
    provider: str
    master_version: int
    wrapped: bytes = field(repr=False)
    state: str
    created_at: int


@dataclass(frozen=True)
class GrantedToken:
    """One token as Slack granted it. `expires_in` is in seconds; None for a long-lived token."""

    access: Secret
    refresh: Secret | None
    expires_in: int | None
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class Webhook:
    """An incoming webhook; its URL is as good as a token for that channel."""

    url: Secret
    channel: str
    channel_id: str
    configuration_url: str


@dataclass(frozen=True)
class Grant:
    """Slack's answer to the exchange of a code, checked (docs.slack.dev/reference/methods/oauth.v2.access)."""

    tenant: Tenant
    enterprise_id: str
    enterprise_name: str
    team_id: str
    team_name: str
    installer_id: str
    bot_user_id: str
    bot: GrantedToken | None
    user: GrantedToken | None
    webhook: Webhook | None


@dataclass(frozen=True)
class ExternalInstallation:
    """An installation as a Bolt app hands it over, or as another store held it. No answer of Slack stands behind it.

    `user_id` is "" where only a bot is handed over. `installed_at` is in Unix seconds. `details` and `bot_details` are
    what no column holds, about the person and about the bot: anything that JSON can say.
    """

    tenant: Tenant
    app_id: str
    enterprise_id: str
    enterprise_name: str
    team_id: str
    team_name: str
    bot_user_id: str
    user_id: str
    bot: GrantedToken | None
    user: GrantedToken | None
    webhook: Webhook | None
    installed_at: float
    details: Mapping[str, Any]
    bot_details: Mapping[str, Any]


@dataclass(frozen=True)
class Installation:
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
    status: str
    status_reason: str
    generation: int
    installed_at: int
    last_used_at: int
    last_validated_at: int
    bot_id: str = ""

    @property
    def is_enterprise_install(self) -> bool:
        """True for an install for a whole org."""
        return self.tenant.kind == "E"

    @property
    def name(self) -> str:
        """The name that a person knows the tenant by."""
        return (self.enterprise_name if self.is_enterprise_install else self.team_name) or self.tenant.id


@dataclass(frozen=True)
class Token:
    """A row of `tokens`: sealed, with what is needed to decide on a refresh. `user_id` is "" for the bot.

    `due_at` is when it is to be refreshed; None for one that does not expire. `reason` is why it is dead, or pauses:
    Slack's code, or ours. The rest is of a token that Slack refuses: since when, when last, how often while other
    tenants' calls succeeded, and until when it pauses; see `checks/token_refusals.py`.
    """

    tenant: Tenant
    user_id: str
    generation: int
    access: Sealed
    refresh: Sealed | None
    scopes: tuple[str, ...]
    granted_at: int
    issued_at: int
    expires_at: int | None
    due_at: int | None
    status: str
    lease_owner: str
    reason: str = ""
    refused_since: int | None = None
    refused_at: int = 0
    paused_until: int = 0
    contradicted: int = 0


@dataclass(frozen=True)
class InboxRow:
    """A row of `inbox`: something to do once. `kind` is `event` (from Slack) or `job` (our own)."""

    event_id: str
    kind: str
    tenant: Tenant
    type: str
    named: str
    body: Sealed | None
    attempts: int
    event_time: int
    received_at: int
    lease_owner: str


@dataclass(frozen=True)
class SlackAddresses:
    """The addresses that `SLACKAPP_SLACK_URL` stands for."""

    origin: str
    authorize: str
    api: str
    response_origin: str
    manage: str
    is_local: bool


@dataclass(frozen=True)
class Settings:
    """What was configured; see `config.SETTINGS` for the meaning of each."""

    name: str
    app_id: str
    client_id: str
    client_secret: Secret
    signing_secrets: tuple[Secret, ...]
    public_url: str
    database: Path
    master_key_file: Path
    credentials_directory: Path | None
    trusted_folder: Path | None
    slack: SlackAddresses
    operator_token: Secret | None
    listen: str
    trusted_proxy: str
    bot_scopes: tuple[str, ...]
    user_scopes: tuple[str, ...]
    require_admin_installer: bool
    allowed_teams: tuple[str, ...]
    home_admin: bool
    state_ttl: int
    state_limit: int
    rate_per_minute: int
    behaviour: str
    key_commands: tuple[tuple[str, Path], ...]
    key_backup_dir: Path | None
    audit_days: int
    metrics_tenants: bool
    description: str
    company: str
    support_email: str
    privacy_email: str

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """All that were configured."""
        token = (self.operator_token,) if self.operator_token is not None else ()
        return (self.client_secret, *self.signing_secrets, *token)

    @property
    def secure(self) -> bool:
        """True when the service is reached by https: decides on the cookie's name and flags, and nothing else does."""
        return self.public_url.startswith("https://")

    @property
    def redirect_uri(self) -> str:
        """The one redirect address; the same value goes to authorize and to the exchange."""
        return self.public_url + CALLBACK_PATH


@dataclass(frozen=True)
class SlackResponse:
    """A successful answer of the Web API.

    `scopes` are those that the calling token has now; None where Slack did not say.
    """

    data: Mapping[str, Any] = field(repr=False)
    scopes: tuple[str, ...] | None = None


Mac = Callable[[bytes], bytes]


class Clock(Protocol):
    """Two clocks. What is kept for people, for Slack and over a boot goes by the first; leases go by the second."""

    def __call__(self) -> int:
        """Unix seconds: the wall clock, which may be set while we run."""

    def steady(self) -> int:
        """Seconds of a clock that nobody sets: of one machine, the same for all its processes, from each boot anew."""


Entropy = Callable[[int], bytes]
"""That many bytes from the system's random source."""
