"""The nouns of the local Slack: app, fault, call, delivery and tokens.

Rows that live in the state file (`Install`, `Token`, …) change over time and are plain dataclasses;
everything handed to a caller is frozen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

Json = dict[str, Any]
TokenKind = Literal["bot", "user"]
FaultKind = Literal[
    "html500", "cut", "lost_answer", "late500", "slow", "ratelimited", "duplicate", "garbage", "huge", "redirect",
    "error", "patch"
]  # fmt: skip


class Null:
    """JSON null in a patch or an override, where Python's None means "leave the key out"."""


NULL: Final = Null()


class StateFileError(Exception):
    """The state file (or credentials file) cannot be used; the message names the file and the reason."""


class NotInstalled(LookupError):
    """The app is not installed where the caller wants something to happen, or lacks the scope for it."""


class ControlError(ValueError):
    """A control form that does not say what to do, or is about something that is gone; carries one sentence."""


@dataclass(frozen=True)
class LocalApp:
    """The Slack app under test, as its settings page at Slack would describe it.

    The first of `client_secrets` is current; a further one is a regenerated secret that is still valid
    (docs.slack.dev/authentication/verifying-requests-from-slack). `optional_scopes` may be declined by the
    user who installs. `home_team`, when set, makes the app one that is not distributed: only that
    workspace can install it. Empty URLs mean "not configured". `handles` are the keys of the app's table of functions
    (`app_mention`, `/command`, `block_actions:ID`, …); None where they are not known.
    """

    app_id: str
    client_id: str
    client_secrets: tuple[str, ...] = field(repr=False)
    signing_secret: str = field(repr=False)
    redirect_urls: tuple[str, ...]
    events_url: str = ""
    name: str = "Example"
    rotation: bool = True
    org_deploy: bool = True
    optional_scopes: tuple[str, ...] = ()
    commands_url: str = ""
    interactivity_url: str = ""
    home_team: str = ""
    handles: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Fault:
    """Misbehaviour of Slack, used up after `times` calls (-1: until cleared).

    `method` is a Web API method, `*` for any, or `events` for deliveries (`duplicate`, and `slow` for late).
    Not processed: `html500`, `cut`, `ratelimited`, `redirect`, `error`. Processed first: `lost_answer` (then the
    connection is cut), `late500` (then HTTP 500 is answered), `slow` (the answer waits `seconds`), `garbage`, `huge`
    (the answer is padded to `size` bytes), `duplicate` (processed twice, the second answer is sent) and `patch`.
    `patch` merges its keys into
    any processed answer; None deletes a key, `NULL` sets JSON null. `team` limits the fault to one tenant id.
    `retry_after` is in seconds, `location` is where `redirect` points.
    """

    method: str
    kind: FaultKind
    times: int = 1
    seconds: float = 0.0
    error: str = "internal_error"
    retry_after: int = 1
    patch: Json = field(default_factory=dict)
    team: str = ""
    size: int = 2_000_000
    location: str = ""


@dataclass(frozen=True)
class RecordedCall:
    """Web API call as it arrived: never holds a token, secret or code.

    `at` is in Unix seconds; `team` is the tenant id of the token or empty; `credentials` says how the caller
    identified itself: `header`, `body`, `basic` or empty; `fault` names the fault that hit it.
    """

    method: str
    at: float
    team: str
    ok: bool
    error: str
    params: dict[str, str]
    credentials: str = ""
    fault: str = ""


@dataclass(frozen=True)
class Delivery:
    """Attempt to deliver one event.

    `status` is the HTTP status, or 0 where no answer came; `attempt` counts from 1; `body` is the text of the
    app's answer (up to 64 KiB), `sent` the JSON or form that was sent; `reason` is the retry reason of a failure.
    """

    event_id: str
    status: int
    attempt: int
    body: str
    type: str = ""
    reason: str = ""
    sent: str = ""
    at: float = 0.0


@dataclass
class AppInstall:
    """The app in one tenant: a workspace (`team_id` set) or a whole enterprise (`team_id` empty,
    `is_enterprise_install`).
    """

    tenant: str
    team_id: str
    enterprise_id: str
    is_enterprise_install: bool
    bot_user_id: str
    bot_id: str
    installer: str
    installed_at: float
    bot_scopes: list[str] = field(default_factory=list)
    user_scopes: dict[str, list[str]] = field(default_factory=dict)
    granted_teams: list[str] = field(default_factory=list)


@dataclass
class SlackToken:
    """An access token. `expires_at` 0 means long-lived; `dead` is the error a dead one is answered with."""

    value: str
    kind: TokenKind
    tenant: str
    user_id: str
    serial: int
    expires_at: float = 0.0
    dead: str = ""
    exchanged: bool = False


@dataclass
class SlackRefreshToken:
    """A refresh token. `used_at` is when it was first used; it works on for the grace period after that."""

    value: str
    kind: TokenKind
    tenant: str
    user_id: str
    used_at: float | None = None
    dead: bool = False


@dataclass
class AuthorizationCode:
    """Authorization code: what a user approved; `redirect_uri` is empty where the request named none."""

    value: str
    tenant: str
    user_id: str
    bot_scopes: list[str]
    user_scopes: list[str]
    redirect_uri: str
    issued_at: float
    webhook_channel: str = ""
    used: bool = False


@dataclass
class PostUrl:
    """An incoming webhook (`uses` -1: unlimited) or a response_url (5 uses, until `expires_at`)."""

    path: str
    tenant: str
    team_id: str
    channel: str
    user_id: str = ""
    uses: int = -1
    expires_at: float = 0.0


@dataclass
class QueuedDelivery:
    """A request to the app that is still to be made. `due` is in Unix seconds, `attempt` counts from 1."""

    serial: int
    event_id: str
    type: str
    url: str
    content_type: str
    body: str
    due: float
    attempt: int = 1
    reason: str = ""
    retries: bool = True
