"""Errors of the service, and the closed list of refusals.

Two families, never mixed. `Refused` means that the input was bad or the moment was wrong: it is expected,
counted, audited, and answered with the sentence of its `Refusal`. Everything else here tells the caller of a
function that something outside failed (the database, Slack, a key); what reaches the edge of the service
without being handled is a bug and becomes a bare 500.

No exception carries a value that came with a request, a token, or a key: a traceback must be safe to log.
"""

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from slackapp.model import NO_TENANT, Actor, AuditEvent, Tenant


class RefusalKind(enum.Enum):
    """Base of the closed lists of refusals: the core has one, `Refusal`, and a circle may have its own."""

    def __init__(self, code: str, status: int, sentence: str, audit: StrEnum) -> None:
        """Code, status and sentence are the public answer; `audit` is the event that the audit notes."""
        self.code = code
        self.status = status
        self.sentence = sentence
        self.audit = audit


class Refusal(RefusalKind):
    """The core's closed list of refusals. Members that share a code answer with the same bytes."""

    # The request as such
    NOT_FOUND = ("not_found", 404, "There is no such page.", AuditEvent.REFUSED_PATH)
    METHOD = ("method_not_allowed", 405, "This address does not take that method.", AuditEvent.REFUSED_METHOD)
    HOST = ("wrong_host", 400, "This service does not answer under that name.", AuditEvent.REFUSED_HOST)
    LENGTH = ("bad_length", 400, "The request's length is missing or wrong.", AuditEvent.REFUSED_LENGTH)
    TOO_LARGE = ("too_large", 413, "The request is too large.", AuditEvent.REFUSED_SIZE)
    QUERY = ("bad_query", 400, "The address has parameters that cannot be read.", AuditEvent.REFUSED_QUERY)
    MEDIA_TYPE = ("wrong_media_type", 415, "This address takes another type of content.", AuditEvent.REFUSED_MEDIA_TYPE)
    JSON = ("bad_json", 400, "The body is not acceptable JSON.", AuditEvent.REFUSED_JSON)
    FORM = ("bad_form", 400, "The body is not an acceptable form.", AuditEvent.REFUSED_FORM)
    EVENT = ("bad_event", 400, "The body is not an event that can be kept.", AuditEvent.REFUSED_EVENT)
    NO_OPTIONS = (
        "no_options", 404,
        "Nothing offers options for that menu: see block_suggestion:ACTION_ID in the behaviour's table, and the log.",
        AuditEvent.REFUSED_OPTIONS,
    )  # fmt: skip

    # Who is calling
    UNSIGNED = ("unsigned", 401, "The request is not signed by Slack.", AuditEvent.REFUSED_SIGNATURE_MALFORMED)
    SIGNATURE_STALE = ("unsigned", 401, "The request is not signed by Slack.", AuditEvent.REFUSED_SIGNATURE_STALE)
    SIGNATURE_WRONG = ("unsigned", 401, "The request is not signed by Slack.", AuditEvent.REFUSED_SIGNATURE_WRONG)
    OPERATOR = ("not_operator", 401, "This address is for the operator.", AuditEvent.REFUSED_OPERATOR)
    TOKEN_IN_QUERY = ("token_in_query", 400, "A token must not be in the address.", AuditEvent.REFUSED_TOKEN_IN_QUERY)

    # Install and callback
    TEAM_HINT = ("bad_team", 400, "That is not the id of a workspace.", AuditEvent.REFUSED_TEAM_HINT)
    STATE_MISSING = (
        "state_missing", 400, "This page was reached without going through our install link.",
        AuditEvent.REFUSED_STATE_MISSING,
    )  # fmt: skip
    STATE_MALFORMED = ("state_refused", 400, "This install link is not valid.", AuditEvent.REFUSED_STATE_MALFORMED)
    STATE_FORGED = ("state_refused", 400, "This install link is not valid.", AuditEvent.REFUSED_STATE_FORGED)
    BROWSER = (
        "browser_unknown", 400,
        "The install was begun in another browser, or this browser does not accept cookies.",
        AuditEvent.REFUSED_BROWSER,
    )  # fmt: skip
    STATE_EXPIRED = ("state_expired", 400, "This install link has expired.", AuditEvent.REFUSED_STATE_EXPIRED)
    STATE_AHEAD = ("state_refused", 400, "This install link is not valid.", AuditEvent.REFUSED_STATE_AHEAD)
    STATE_USED = ("state_used", 400, "This install link was used already.", AuditEvent.REFUSED_STATE_USED)
    CODE_MISSING = ("code_missing", 400, "Slack sent you back without a result.", AuditEvent.REFUSED_CODE_MISSING)
    SLACK_ERROR = ("slack_error", 400, "Slack could not complete the install.", AuditEvent.REFUSED_SLACK_ERROR)
    EXCHANGE = ("exchange_refused", 400, "Slack did not accept the install.", AuditEvent.REFUSED_EXCHANGE)
    GRANT_FOREIGN = ("grant_foreign", 400, "Slack's answer belongs to another app.", AuditEvent.REFUSED_GRANT_FOREIGN)
    GRANT_MALFORMED = ("grant_malformed", 502, "Slack's answer could not be used.", AuditEvent.REFUSED_GRANT_MALFORMED)
    TEAM_NOT_ALLOWED = (
        "team_not_allowed", 403, "This app is not for that workspace.", AuditEvent.REFUSED_TEAM_NOT_ALLOWED,
    )  # fmt: skip
    INSTALLER_NOT_ADMIN = (
        "installer_not_admin", 403,
        "Only an admin of the workspace may install this app.",
        AuditEvent.REFUSED_INSTALLER_NOT_ADMIN,
    )  # fmt: skip
    INSTALLER_UNKNOWN = (
        "installer_unknown", 403,
        "Only an admin may install this app, and it could not be established that you are one.",
        AuditEvent.REFUSED_INSTALLER_UNKNOWN,
    )  # fmt: skip
    NOT_STORED = ("not_stored", 503, "The install could not be stored.", AuditEvent.REFUSED_NOT_STORED)
    SLACK_UNREACHABLE = (
        "slack_unreachable", 503, "Slack could not be reached just now.", AuditEvent.REFUSED_SLACK_DOWN,
    )  # fmt: skip
    EXCHANGE_UNCLEAR = (
        "slack_unreachable", 503, "Slack could not be reached just now.", AuditEvent.REFUSED_EXCHANGE_UNCLEAR,
    )  # fmt: skip

    # The moment
    RATE = ("too_many_requests", 429, "Too many requests. Please wait a little.", AuditEvent.REFUSED_RATE)
    STATE_LIMIT = ("busy", 503, "The service is busy. Please try again shortly.", AuditEvent.REFUSED_STATE_LIMIT)
    BUSY = ("busy", 503, "The service is busy. Please try again shortly.", AuditEvent.REFUSED_BUSY)
    INSTALLING = ("busy", 503, "The service is busy. Please try again shortly.", AuditEvent.REFUSED_INSTALLING)

    # A tenant's tokens
    TOKEN_UNAVAILABLE = ("token_unavailable", 503, "The token cannot be used just now.", AuditEvent.REFUSED_TOKEN)
    KEY_REVOKED = ("key_revoked", 403, "The key for this workspace was withdrawn.", AuditEvent.REFUSED_KEY_REVOKED)
    KEY_UNAVAILABLE = (
        "key_unavailable", 503, "The key for this workspace cannot be reached just now.",
        AuditEvent.REFUSED_KEY_UNAVAILABLE,
    )  # fmt: skip
    NEEDS_REINSTALL = ("needs_reinstall", 409, "The app must be installed again.", AuditEvent.REFUSED_NEEDS_REINSTALL)
    NOT_INSTALLED = ("not_installed", 404, "The app is not installed there.", AuditEvent.REFUSED_NOT_INSTALLED)
    FROZEN = ("frozen", 503, "The service is stopped for this workspace just now.", AuditEvent.REFUSED_FROZEN)
    CAPABILITY = ("not_permitted", 403, "This part of the service may not do that.", AuditEvent.REFUSED_CAPABILITY)


class Refused(Exception):
    """Bad input or a wrong moment; carries nothing but the member of a closed list.

    `retry_after` is in seconds and is sent as the header of that name; `allow` is the value of the `Allow`
    header of a 405; `install_url` is where the app is installed again, where that helps. `tenant` is whom it was
    about, and `actor` who asked, where that was known already, for the log and the audit.
    """

    def __init__(
        self,
        refusal: RefusalKind,
        retry_after: int | None = None,
        allow: str | None = None,
        install_url: str | None = None,
        tenant: Tenant = NO_TENANT,
        actor: Actor | None = None,
    ) -> None:
        super().__init__(refusal.name)
        self.refusal = refusal
        self.retry_after = retry_after
        self.allow = allow
        self.install_url = install_url
        self.tenant = tenant
        self.actor = actor


class CapabilityError(Refused):
    """Refusal of a method that the caller's capability has not. Its text names the method, and what helps."""

    def __init__(self, capability: str, method: str | None) -> None:
        super().__init__(Refusal.CAPABILITY)
        self.capability = capability
        self.method = method

    def __str__(self) -> str:
        asked = f"{self.method} is" if self.method is not None else "to call nothing is"
        where = "METHODS of the behaviour's module" if self.capability == "behaviour" else "its Capability"
        return f"{asked} none of the methods of the capability {self.capability}; it must stand in {where}"


class ConfigError(Exception):
    """A setting or a private file is missing or wrong: one line that names it and what to do. Exit status 78."""


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Names the setting or the file before what is wrong with it: a ConfigError, or a parser's ValueError."""
    try:
        yield
    except (ConfigError, ValueError) as error:
        raise ConfigError(f"{what}: {error}") from None


class SettingMissingError(ConfigError):
    """A setting that must be given is not."""


class CommandError(Exception):
    """Command that cannot be done now, though no setting is at fault: one line with what to do. Exit status 1."""


class UsageError(CommandError):
    """The words of a command cannot be understood, or say too little: one line with what to do. Exit status 2."""


class DecryptError(Exception):
    """A sealed value does not open. One type and one text for every cause, so that no oracle arises."""

    def __init__(self) -> None:
        super().__init__("the value does not open")


class KeyRevokedError(Exception):
    """The tenant's key provider refuses: its owner took the key away. No repeat; the tenant is suspended."""


class KeyUnavailableError(Exception):
    """The key provider does not answer just now. A repeat may work."""


class KeyMissingError(Exception):
    """Missing data key of a tenant and purpose: purged, or never installed."""


class StoreError(Exception):
    """The database could not do it; nothing was changed."""


class StoreBusyError(StoreError):
    """Busy database: another connection held it for longer than we wait (2 s)."""


class StoreFullError(StoreError):
    """The disk is full or cannot be written."""


class StoreDamagedError(StoreError):
    """Damaged database, or a file that is none."""


class StoreConstraintError(Exception):
    """A row that a constraint of the schema refuses. A bug of whoever writes it, never an input; not caught inside a
    transaction, which it ends.
    """


class TransactionOpenError(RuntimeError):
    """A call to Slack was about to be made inside a database transaction. A bug, never an input."""


class SlackErrorKind(enum.Enum):
    """Kind of a failed call to Slack, for the token and for a repeat."""

    DEAD = "dead"  # the token will never work again
    UNCERTAIN = "doubt"  # the token is not taken, or the address that we call from; a repeat may work
    EXPIRED = "expired"  # refresh, then repeat once
    FORBIDDEN = "scope"  # the app lacks a scope, or the workspace's policy forbids it
    RATE_LIMITED = "rate"  # wait Retry-After seconds
    TRANSIENT = "transient"  # Slack or the network failed; the work may have been done
    BAD_REQUEST = "ours"  # the call itself was wrong; a repeat would be wrong again


class SlackCallError(Exception):
    """A call to Slack failed. `code` is Slack's error or one of ours; it never holds any of the answer's content."""

    def __init__(self, method: str, code: str, kind: SlackErrorKind, retry_after: int = 0) -> None:
        super().__init__(f"{method}: {code}")
        self.method = method
        self.code = code
        self.kind = kind
        self.retry_after = retry_after
