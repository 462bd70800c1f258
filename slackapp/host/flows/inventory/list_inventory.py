"""Inventory for whoever reviews: each connection with its risks and its last use, and a row for each credential."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from slackapp.flows.app import App
from slackapp.host.checks.risks import Risk, find_risks, find_unused_scopes
from slackapp.host.forms import optional_time
from slackapp.host.inventory import BEGIN, Credential, InventoryEntry, Position
from slackapp.host.model import ConnectionKind
from slackapp.host.store.inventory import bindings, token_uses
from slackapp.host.store.inventory.token_uses import MethodUse
from slackapp.model import HolderKind, TokenPart, TokenStatus

_DAY = 86_400
_CHECK = "check"
"""Purpose of the service's own look at a token."""
WEBHOOK = "webhook"


class InventoryLine(NamedTuple):
    """Line of the inventory. `last_use` is by people or for a message, and not the service's own look."""

    entry: InventoryEntry
    risks: tuple[Risk, ...]
    unused_scopes: tuple[str, ...]
    last_use: MethodUse | None


def run(app: App, organization_id: str, after: Position = BEGIN, *, most: int, now: int) -> list[InventoryLine]:
    """Lists what an organization holds and has held, behind that position."""
    return [_line(app, entry, now) for entry in bindings.page(app.db, organization_id, after, most=most)]


def _line(app: App, entry: InventoryEntry, now: int) -> InventoryLine:
    used = token_uses.list_by_method(app.db, entry.organization_id, entry.id)
    methods = {use.method for use in used}
    own = [use for use in used if use.method and use.purpose_id != _CHECK]
    return InventoryLine(
        entry=entry,
        risks=find_risks(entry, methods, now),
        unused_scopes=find_unused_scopes(entry.scopes, methods) if entry.revoked_at is None else (),
        last_use=own[0] if own else None,
    )


def describe(line: InventoryLine) -> dict[str, Any]:
    """Describes a connection: ids, words and times."""
    entry, use = line.entry, line.last_use
    return {
        "id": entry.id,
        "kind": entry.kind,
        "status": entry.status,
        "statusReason": entry.status_reason or None,
        "workspaceId": entry.tenant.id,
        "workspaceName": entry.team_name,
        "applicationId": entry.app_id,
        "ownerId": entry.owner_id or None,
        "ownerName": entry.owner_name or None,
        "ownerMissingSince": optional_time(entry.owner_missing_at),
        "begunBy": entry.user_id,
        "purpose": entry.purpose_id or None,
        "purposeText": entry.purpose,
        "scopes": list(entry.scopes),
        "unusedScopes": list(line.unused_scopes),
        "defaultChannel": entry.default_channel_id or None,
        "allowedChannels": list(entry.allowed_channels),
        "keyId": entry.key_id,
        "masterKeyVersion": entry.master_version,
        "grantedAt": optional_time(entry.installed_at),
        "lastValidatedAt": optional_time(entry.last_validated_at),
        "lastUsedAt": optional_time(entry.last_used_at),
        "lastUsedBy": (use.actor_id or use.actor) if use is not None else None,
        "lastMethod": use.method if use is not None else None,
        "removedAt": optional_time(entry.revoked_at),
        "endsAt": optional_time(entry.ends_at),
        "maxAgeDays": entry.max_age // _DAY if entry.max_age is not None else None,
        **_token_times(entry),
        "risks": [str(risk) for risk in line.risks],
    }


def _token_times(entry: InventoryEntry) -> Mapping[str, Any]:
    """Names the times of the token: refreshed is what is newer than its grant."""
    is_refreshed = entry.issued_at is not None and entry.granted_at is not None and entry.issued_at > entry.granted_at
    return {
        "issuedAt": optional_time(entry.granted_at),
        "refreshedAt": optional_time(entry.issued_at) if is_refreshed else None,
        "expiresAt": optional_time(entry.expires_at),
        "lastFailureAt": optional_time(entry.refused_at or None),
        "lastFailure": entry.reason or None,
    }


def describe_credentials(app: App, line: InventoryLine) -> list[dict[str, Any]]:
    """Describes each credential of a connection, under an id of its own; of what was removed, that it was there."""
    entry = line.entry
    if entry.revoked_at is not None:
        return [_credential(line, f"{entry.kind}_token", {"status": entry.status})]
    found = []
    for token in bindings.list_credentials(app.db, entry):
        found.append(_token(line, token, TokenPart.ACCESS))
        if token.rotates:
            found.append(_token(line, token, TokenPart.REFRESH))
    webhook = bindings.find_webhook(app.db, entry.tenant) if entry.kind is ConnectionKind.WORKSPACE else None
    if webhook is not None:
        keys = {"keyId": webhook.key_id, "masterKeyVersion": webhook.master_version}
        found.append(_credential(line, WEBHOOK, {"issuedAt": optional_time(webhook.installed_at), **keys}))
    return found


def _token(line: InventoryLine, token: Credential, part: TokenPart) -> dict[str, Any]:
    is_access = part is TokenPart.ACCESS
    whose = f":{token.holder_id}" if token.holder_kind is HolderKind.USER else ""
    told = {
        "status": token.status,
        "scopes": list(token.scopes) if is_access else [],
        "generation": token.generation,
        "issuedAt": optional_time(token.granted_at),
        "refreshedAt": optional_time(token.issued_at) if token.issued_at > token.granted_at else None,
        "expiresAt": optional_time(token.expires_at) if is_access else None,
        "keyId": token.key_id,
        "masterKeyVersion": token.master_version,
    }
    return _credential(line, f"{token.holder_kind}_{part}{whose}", told)


def _credential(line: InventoryLine, name: str, told: Mapping[str, Any]) -> dict[str, Any]:
    entry = line.entry
    nothing: dict[str, Any] = {
        "status": TokenStatus.LIVE, "scopes": [], "generation": None, "issuedAt": None, "refreshedAt": None,
        "expiresAt": None, "keyId": None, "masterKeyVersion": None,
    }  # fmt: skip
    return {
        "id": f"{entry.id}:{name}",
        "type": name.partition(":")[0],
        "connectionId": entry.id,
        "workspaceId": entry.tenant.id,
        "applicationId": entry.app_id,
        "ownerId": entry.owner_id or None,
        "purpose": entry.purpose_id or None,
        **nothing,
        **told,
        "lastUsedAt": optional_time(entry.last_used_at),
        "lastValidatedAt": optional_time(entry.last_validated_at),
        "removedAt": optional_time(entry.revoked_at),
        "risks": [str(risk) for risk in line.risks],
    }
