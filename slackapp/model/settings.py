"""Settings, clocks and random source of a process, and the paths that it serves."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from slackapp.model.identity import Secret

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Names and addresses of this very machine."""
INSTALL_PATH = "/slack/install"
CALLBACK_PATH = "/slack/oauth_redirect"
INSTALLED_PATH = "/slack/installed"
EVENTS_PATH = "/slack/events"
COMMANDS_PATH = "/slack/commands"
INTERACTIVITY_PATH = "/slack/interactivity"
HOST_CALLBACK_PATH = "/api/v2/slack/auth/callback"
"""Paths of the service that also Slack, the manifest, or another page of ours must know."""


class SlackAddresses(NamedTuple):
    """The addresses that `SLACKAPP_SLACK_URL` stands for."""

    origin: str
    authorize: str
    api: str
    response_origin: str
    manage: str
    is_local: bool


class Settings(NamedTuple):
    """Configuration; see `config/setting_table.py` for the meaning of each."""

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
    strict: bool
    one_processor: bool
    description: str
    company: str
    support_email: str
    privacy_email: str
    host_keys_file: Path | None
    host_url: str
    host_complete_path: str
    host_return_path: str
    host_workspaces: int
    host_organizations: tuple[str, ...]
    host_approval: bool
    host_purpose: str
    host_user_scopes: tuple[str, ...]
    host_token_organizations: tuple[str, ...]
    host_rate_per_minute: int
    host_posts_per_minute: int
    host_webhook_url: str
    host_webhook_secret_file: Path | None
    host_redirect_uri: str
    integration_enabled: bool
    data_region: str

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Secrets that were configured."""
        token = (self.operator_token,) if self.operator_token is not None else ()
        return (self.client_secret, *self.signing_secrets, *token)

    @property
    def secure(self) -> bool:
        """Tells whether the service is reached by https, which alone decides on the cookie's name and flags."""
        return self.public_url.startswith("https://")

    @property
    def redirect_uri(self) -> str:
        """The redirect address; the same value goes to authorize and to the exchange."""
        return self.public_url + CALLBACK_PATH


class Clock(Protocol):
    """Clocks of a process.

    What is kept for people, for Slack and over a boot goes by the first; leases go by the second.
    """

    def __call__(self) -> int:
        """Unix seconds: the wall clock, which may be set while we run."""

    def steady(self) -> int:
        """Seconds of a clock that nobody sets: of one machine, the same for all its processes, from each boot anew."""


Entropy = Callable[[int], bytes]
"""That many bytes from the system's random source."""
