"""The way back to the host: where, and with which closed word."""

import json
from collections.abc import Mapping

from slackapp.errors import DecryptError, Refusal, RefusalKind
from slackapp.flows.app import App
from slackapp.host.checks.return_url import build_return_address
from slackapp.host.errors import HostRefusal
from slackapp.host.flows import pending_records
from slackapp.host.rows import Connection, StatusReason

REASONS: Mapping[RefusalKind, StatusReason] = {
    Refusal.STATE_MALFORMED: StatusReason.INVALID_STATE,
    Refusal.STATE_FORGED: StatusReason.INVALID_STATE,
    Refusal.STATE_EXPIRED: StatusReason.INVALID_STATE,
    Refusal.STATE_AHEAD: StatusReason.INVALID_STATE,
    Refusal.STATE_USED: StatusReason.INVALID_STATE,
    Refusal.CODE_MISSING: StatusReason.INVALID_STATE,
    HostRefusal.STATE_UNKNOWN: StatusReason.INVALID_STATE,
    HostRefusal.KEY_RETIRED: StatusReason.INVALID_STATE,
    Refusal.SLACK_ERROR: StatusReason.EXCHANGE_FAILED,
    Refusal.EXCHANGE: StatusReason.EXCHANGE_FAILED,
    Refusal.EXCHANGE_UNCLEAR: StatusReason.EXCHANGE_FAILED,
    Refusal.GRANT_FOREIGN: StatusReason.EXCHANGE_FAILED,
    Refusal.GRANT_MALFORMED: StatusReason.EXCHANGE_FAILED,
    Refusal.TEAM_NOT_ALLOWED: StatusReason.EXCHANGE_FAILED,
    HostRefusal.OTHER_GRANT: StatusReason.INVALID_SCOPE,
    HostRefusal.OTHER_USER: StatusReason.WORKSPACE_TAKEN,
    Refusal.INSTALLER_NOT_ADMIN: StatusReason.INSTALLER_NOT_ADMIN,
    Refusal.INSTALLER_UNKNOWN: StatusReason.INSTALLER_NOT_ADMIN,
    HostRefusal.EXISTS: StatusReason.WORKSPACE_LIMIT_REACHED,
    HostRefusal.LIMIT: StatusReason.WORKSPACE_LIMIT_REACHED,
    HostRefusal.TAKEN: StatusReason.WORKSPACE_TAKEN,
    HostRefusal.REGION: StatusReason.REGION_MISMATCH,
    HostRefusal.NOT_CONFIRMED: StatusReason.NOT_CONFIRMED,
    HostRefusal.ROLE: StatusReason.NOT_CONFIRMED,
    HostRefusal.APPROVAL: StatusReason.NOT_CONFIRMED,
    HostRefusal.DISABLED: StatusReason.NOT_CONFIRMED,
    HostRefusal.CONNECT_FIELD: StatusReason.NOT_CONFIRMED,
    Refusal.NOT_STORED: StatusReason.NOT_STORED,
    Refusal.KEY_REVOKED: StatusReason.NOT_STORED,
    Refusal.KEY_UNAVAILABLE: StatusReason.NOT_STORED,
    Refusal.TOKEN_UNAVAILABLE: StatusReason.NOT_STORED,
    Refusal.FROZEN: StatusReason.NOT_STORED,
}
"""What the host is told of a refusal. One that is not here is of the moment: the same page may be loaded again."""


def read_return_url(app: App, attempt: Connection) -> str:
    """Reads the path that was asked for when it was begun, or the default one."""
    try:
        asked = json.loads(pending_records.open_metadata(app, attempt)).get("returnUrl")
    except DecryptError:
        asked = None
    return asked if isinstance(asked, str) else app.settings.host_return_path


def workspace_url(app: App, return_url: str, workspace: str) -> str:
    """The address after a success."""
    told = {"status": "success", **({"workspace": workspace} if workspace else {})}
    return build_return_address(app.settings.host_url, return_url, told)


def error_url(app: App, return_url: str, reason: str) -> str:
    """The address after a failure."""
    return build_return_address(app.settings.host_url, return_url, {"status": "error", "error": reason})
