"""`/api/v2/slack/connections`: workspaces that members have connected for themselves, each by an own user token.

A member is shown and ends what is its own. Who sees what all members did is shown that it is there, and since when, and
not where it posts; an owner, an admin and the host may end it.
"""

from slackapp.flows.app import App
from slackapp.host.call import Answer, HostCall, HostRoute, make_cursor, read_position
from slackapp.host.checks.fields import Fields
from slackapp.host.checks.roles import HostAction, is_allowed
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows import change_settings
from slackapp.host.flows.connect import disconnect
from slackapp.host.flows.personal import reveal_token, token_holder
from slackapp.host.forms import (
    ANYTHING,
    CHANNEL_ID,
    CONNECTION,
    DAYS,
    FLAG,
    ID,
    PAGE,
    TIME,
    WORD,
    WORDS,
    allow_null,
    chosen,
    form_of,
    list_of,
    optional,
    time_of,
)  # fmt: skip
from slackapp.host.handlers import begin, integrations
from slackapp.host.model import ConnectionKind, HostCaller
from slackapp.host.rows import Connection
from slackapp.host.store import connections
from slackapp.host.store.personal import personal_connections as personal

_LIST, _PATH = "connections", "/api/v2/slack/connections"


def list_all(app: App, call: HostCall, now: int) -> Answer:
    """Lists personal connections, the oldest first: one's own, or all for who may see what all members did."""
    at, _, after = (read_position(app, call, _LIST) or "0 ").partition(" ")
    most, caller, behind = call.parameters["limit"], call.caller, (int(at), after)
    # claim: C-351
    if is_allowed(caller.role, HostAction.REPORT):
        found = connections.page(app.db, caller.organization, ConnectionKind.PERSONAL, behind, most=most)
    else:
        found = personal.page(app.db, caller.organization, caller.id or "", behind, most=most)
    cursor = None
    if len(found) == most:
        cursor = make_cursor(app, call, _LIST, f"{found[-1].created_at} {found[-1].id}")
    return {"connections": [describe(app, caller, each) for each in found if _is_shown(each)], "cursor": cursor}


def connect(app: App, call: HostCall, now: int) -> Answer:
    """Begins one of the member's own."""
    return begin.connect(app, call._replace(body={**call.body, "kind": ConnectionKind.PERSONAL}), now)


def show(app: App, call: HostCall, now: int) -> Answer:
    """Shows one."""
    return describe(app, call.caller, require(app, call.caller, call.id))


def change(app: App, call: HostCall, now: int) -> Answer:
    """Changes what the body names, of one's own; what it leaves out stays as it is."""
    before = token_holder.find_own(app, call.caller, call.id)
    if before is None:
        require(app, call.caller, call.id)
        # claim: C-351
        raise HostRefused(HostRefusal.ROLE, actor=call.caller)
    settings = change_settings.settings_of(before)._replace(**chosen(call.body, {"purpose": "purpose_id"}))
    settings = integrations.read_settings(call.body, settings)
    change_settings.run(app, call.caller, before, settings, now=now)
    return describe(app, call.caller, require(app, call.caller, call.id))


def delete(app: App, call: HostCall, now: int) -> Answer:
    """Ends it for good, whatever Slack answers; tells whether Slack knows."""
    found = require(app, call.caller, call.id)
    if found.user_id != call.caller.id and not is_allowed(call.caller.role, HostAction.MANAGE):
        raise HostRefused(HostRefusal.ROLE, actor=call.caller)
    kind = ConnectionKind.PERSONAL
    return {"revokedAtSlack": disconnect.run(app, call.caller, found.id, now, kind=kind)}


def reveal(app: App, call: HostCall, now: int) -> Answer:
    """Gives the host a fresh access token, where the operator lets it have those of the organization."""
    given = reveal_token.run(app, call.caller, call.id, purpose=call.body["purpose"], now=now)
    return {
        "active": True,
        "connectionId": given.connection.id,
        "token": given.token.reveal(),
        "scopes": list(given.scopes),
        "expiresAt": time_of(given.expires_at),
    }


def require(app: App, caller: HostCaller, connection_id: str) -> Connection:
    """Finds one that the caller may be shown. Raises HostRefused."""
    own = token_holder.find_own(app, caller, connection_id)
    if own is not None:
        return own
    found = connections.find(app.db, caller.organization, connection_id)
    # claim: C-351
    if found is None or not _is_shown(found) or not is_allowed(caller.role, HostAction.REPORT):
        raise HostRefused(HostRefusal.NOT_THERE)
    return found


def describe(app: App, caller: HostCaller, connection: Connection) -> Answer:
    """Describes a personal connection; where it posts is shown to its own member alone."""
    is_own = connection.user_id == caller.id
    elsewhere: Answer = {} if is_own else {"defaultChannel": None, "allowedChannels": []}
    return {
        **integrations.describe_connection(app, connection, app.settings.host_user_scopes),
        **elsewhere,
        "memberId": connection.user_id,
        "slackUserId": connection.installed_by_slack_user_id or None,
    }


def _is_shown(connection: Connection) -> bool:
    is_personal = connection.kind is ConnectionKind.PERSONAL
    return is_personal and connection.installed_at is not None and connection.deleted_at is None


_PERSONAL: Fields = {**CONNECTION, "memberId": ID, "slackUserId": allow_null(WORD)}
_BEGIN: Fields = {"metadata": optional(ANYTHING), "purpose": optional(ID), "reconnect": optional(ID)}
_SETTINGS: Fields = {
    "purpose": optional(ID),
    "defaultChannel": optional(allow_null(CHANNEL_ID)),
    "allowedChannels": optional(list_of(CHANNEL_ID, 200)),
    "maxAgeDays": optional(allow_null(DAYS)),
}
_ONE, _READ, _USE = f"{_PATH}/{{id}}", HostAction.READ, HostAction.USE
ROUTES = (
    HostRoute(
        "GET", _PATH, list_all, _READ, summary="List personal connections", parameters=PAGE,
        answer={"connections": list_of(form_of(_PERSONAL), 200), "cursor": allow_null(WORD)},
    ),
    HostRoute(
        "POST", _PATH, connect, HostAction.ASK, summary="Begin a connection of one's own", stops=True, single_use=True,
        uses_later=True, body=_BEGIN, answer={"connectionId": ID, "authUrl": WORD, "state": WORD},
        codes=("INTEGRATION_EXISTS", "WORKSPACE_LIMIT_REACHED", "APPROVAL_REQUIRED", "REGION_MISMATCH"),
    ),
    HostRoute(
        "GET", _ONE, show, _READ, summary="Show a personal connection", answer=_PERSONAL, codes=("NOT_FOUND",),
    ),
    HostRoute(
        "PATCH", _ONE, change, _USE, summary="Change the settings of one's own", stops=True, body=_SETTINGS,
        answer=_PERSONAL,
        codes=("NOT_FOUND", "INTEGRATION_INACTIVE", "SLACK_ERROR", "TOKEN_UNAVAILABLE", "INVALID_CHANNEL"),
    ),
    HostRoute(
        "POST", f"{_ONE}/token", reveal, HostAction.PROVISION, summary="Give the host a fresh token: off by default",
        stops=True, single_use=True, body={"purpose": ID},
        answer={"active": FLAG, "connectionId": ID, "token": WORD, "scopes": WORDS, "expiresAt": TIME},
        codes=("NOT_FOUND", "INTEGRATION_INACTIVE", "TOKEN_UNAVAILABLE"),
    ),
    HostRoute(
        "DELETE", _ONE, delete, _USE, summary="End it: revoke at Slack, and erase", answer={"revokedAtSlack": FLAG},
        codes=("NOT_FOUND",),
    ),
)  # fmt: skip
"""Its part of the API's routes."""
