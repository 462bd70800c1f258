"""`/api/v2/slack/integration` and `/integrations`: what an organization has connected."""

from collections.abc import Mapping
from typing import Any

from slackapp.checks.capabilities import VALIDATE
from slackapp.checks.scopes import drift
from slackapp.checks.token_owner import AUTH_TEST
from slackapp.flows.app import App
from slackapp.host.call import Answer, HostCall, make_cursor, read_position
from slackapp.host.flows import call_slack, change_settings, choose_connection, list_channels, switch_host
from slackapp.host.flows.call_slack import SlackCall
from slackapp.host.flows.connect import disconnect
from slackapp.host.flows.events import note_channel
from slackapp.host.forms import chosen, optional_time, time_of
from slackapp.host.model import ConnectionKind, ConnectionStatus, DeliveryWay
from slackapp.host.rows import Connection, ConnectionSettings
from slackapp.host.store import connections

_DAY = 86_400
_NAMES = {"ownerId": "owner_id", "purpose": "purpose_id"}
_LIST = "integrations"


def show(app: App, call: HostCall, now: int) -> Answer:
    """Shows the integration, or null; nothing but that it is off where it is."""
    if not switch_host.is_enabled(app, call.caller.organization, call.caller.is_disabled):
        return {"enabled": False}
    found = choose_connection.find(app, call.caller, call.parameters["connectionId"])
    return {"enabled": True, "integration": _describe(app, found) if found is not None else None}


def list_all(app: App, call: HostCall, now: int) -> Answer:
    """Lists all workspaces, the oldest first."""
    behind = read_position(app, call, _LIST)
    at, _, connection_id = (behind or "0 ").partition(" ")
    most, organization = call.parameters["limit"], call.caller.organization
    found = connections.page(app.db, organization, ConnectionKind.WORKSPACE, (int(at), connection_id), most=most)
    cursor = None
    if len(found) == most:
        cursor = make_cursor(app, call, _LIST, f"{found[-1].created_at} {found[-1].id}")
    shown = [_describe(app, each) for each in found if choose_connection.is_shown(each)]
    return {"integrations": shown, "cursor": cursor}


def change(app: App, call: HostCall, now: int) -> Answer:
    """Changes the settings that the body names; those that it leaves out stay as they are."""
    before = choose_connection.require(app, call.caller, call.parameters["connectionId"])
    settings = change_settings.settings_of(before)._replace(**chosen(call.body, _NAMES))
    settings = read_settings(call.body, settings)
    if "teamId" in call.body:  # of the default channel
        named = list_channels.team_fields(before, call.body["teamId"])
        settings = settings._replace(default_channel_team_id=named.get("team_id", ""))
    if "delivery" in call.body:
        settings = settings._replace(delivery=DeliveryWay(call.body["delivery"]))
    after = change_settings.run(app, call.caller, before, settings, now=now)
    return {"enabled": True, "integration": _describe(app, after)}


def read_settings(body: Mapping[str, Any], settings: ConnectionSettings) -> ConnectionSettings:
    """Reads where it may post, and how old it may become; what the body leaves out stays as it is."""
    if "defaultChannel" in body:
        settings = settings._replace(default_channel_id=body["defaultChannel"] or "", default_channel_team_id="")
    if "allowedChannels" in body:
        settings = settings._replace(allowed_channels=tuple(dict.fromkeys(body["allowedChannels"])))
    if "maxAgeDays" in body:
        days = body["maxAgeDays"]
        settings = settings._replace(max_age=days * _DAY if days is not None else None)
    return settings


def delete(app: App, call: HostCall, now: int) -> Answer:
    """Ends it for good, whatever Slack answers; tells whether Slack knows."""
    found = choose_connection.require(app, call.caller, call.parameters["connectionId"])
    return {"revokedAtSlack": disconnect.run(app, call.caller, found.id, now)}


def test(app: App, call: HostCall, now: int) -> Answer:
    """Asks Slack now whether the token works, and for whom."""
    connection = choose_connection.require_active(app, call.caller, call.parameters["connectionId"])
    with call_slack.take_place(app, call.caller):
        answer = call_slack.call(app, SlackCall(connection, call.caller, VALIDATE, AUTH_TEST), {})
    connections.note_validated(app.db, connection.key, now)
    granted = answer.scopes if answer.scopes is not None else connection.scopes
    missing, _ = drift(app.settings.bot_scopes, granted)
    return {
        "ok": True,
        "workspace": describe_workspace(connection),
        "botUserId": connection.bot_user_id,
        "missingScopes": list(missing),
        "validatedAt": time_of(now),
    }


def _describe(app: App, connection: Connection) -> Answer:
    """Describes the connection of a workspace: what it may, who answers for it, and since when."""
    return {
        **describe_connection(app, connection, app.settings.bot_scopes),
        "ownerId": connection.owner_id,
        "ownerMissingSince": optional_time(connection.owner_missing_at),
        "delivery": connection.delivery,
        "webhookChannel": connection.webhook_channel_id or None,
        "defaultChannelTeamId": connection.default_channel_team_id or None,
        "unavailableChannels": [
            {"id": each.channel_id, "state": each.state, "since": time_of(each.noted_at)}
            for each in note_channel.find_unavailable(app.db, connection)
        ],
    }


def describe_connection(app: App, connection: Connection, asked: tuple[str, ...]) -> Answer:
    """Describes what every connection has; `asked` are the scopes that are asked for one of its kind."""
    missing, _ = drift(asked, connection.scopes)
    is_held, is_active = connection.token_vault_key is not None, connection.status == ConnectionStatus.ACTIVE
    return {
        "id": connection.id,
        "status": connection.status,
        "statusReason": connection.status_reason or None,
        "workspace": describe_workspace(connection),
        "scopes": list(connection.scopes),
        "missingScopes": list(missing) if is_held else [],
        "purpose": connection.purpose_id,
        "defaultChannel": connection.default_channel_id or None,
        "allowedChannels": list(connection.allowed_channels),
        "maxAgeDays": connection.max_age // _DAY if connection.max_age is not None else None,
        "installedAt": optional_time(connection.installed_at),
        "lastUsedAt": optional_time(connection.last_used_at),
        "lastValidatedAt": optional_time(connection.last_validated_at),
        "expiresAt": optional_time(connection.ends_at),
        "createdAt": time_of(connection.created_at),
        "updatedAt": time_of(connection.updated_at),
        "reconnectUrl": None if is_active else choose_connection.build_reconnect_url(app),
    }


def describe_workspace(connection: Connection) -> Answer:
    """Describes the workspace of a connection, or the enterprise."""
    return {
        "teamId": connection.team_id or None,
        "enterpriseId": connection.enterprise_id or None,
        "name": connection.team_name,
        "domain": connection.team_domain,
    }
