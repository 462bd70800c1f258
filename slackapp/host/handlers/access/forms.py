"""Forms of the inventory and of the uses of tokens, as `openapi.json` shows them."""

from slackapp.host.checks.fields import Fields, Form
from slackapp.host.checks.risks import Risk
from slackapp.host.forms import (
    CHANNEL_ID,
    CONNECTION_ID,
    ID,
    NUMBER,
    SEND_AT,
    TIME,
    WORD,
    WORDS,
    allow_null,
    form_of,
    list_of,
    word_of,
)
from slackapp.host.model import ConnectionKind, ConnectionStatus
from slackapp.host.rows import StatusReason

RISKS: Form = {"type": "array", "items": word_of(*Risk)}


def _times(names: tuple[str, ...]) -> Fields:
    return dict.fromkeys(names, allow_null(TIME))


USE = form_of(
    {
        "at": TIME,
        "event": WORD,
        "result": WORD,
        "actorKind": WORD,
        "actorId": allow_null(WORD),
        "connectionId": allow_null(ID),
        "workspaceId": allow_null(WORD),
        "credential": allow_null(WORD),
        "keyId": allow_null(NUMBER),
        "capability": WORD,
        "method": allow_null(WORD),
        "channel": allow_null(WORD),
        "purpose": allow_null(WORD),
        "requestId": allow_null(WORD),
        "traceId": allow_null(WORD),
    }
)
"""Use of a token."""
BINDING = form_of(
    {
        "id": ID,
        "kind": word_of(*ConnectionKind),
        "status": word_of(*ConnectionStatus),
        "statusReason": allow_null(word_of(*StatusReason)),
        "workspaceId": WORD,
        "workspaceName": WORD,
        "applicationId": allow_null(WORD),
        "ownerId": allow_null(ID),
        "ownerName": allow_null(WORD),
        "ownerMissingSince": allow_null(TIME),
        "begunBy": ID,
        "purpose": allow_null(ID),
        "purposeText": allow_null(WORD),
        "scopes": WORDS,
        "unusedScopes": WORDS,
        "defaultChannel": allow_null(CHANNEL_ID),
        "allowedChannels": WORDS,
        "keyId": allow_null(NUMBER),
        "masterKeyVersion": allow_null(NUMBER),
        **_times(("grantedAt", "lastValidatedAt", "lastUsedAt", "removedAt")),
        "lastUsedBy": allow_null(WORD),
        "lastMethod": allow_null(WORD),
        "maxAgeDays": allow_null(NUMBER),
        **_times(("endsAt", "issuedAt", "refreshedAt", "expiresAt", "lastFailureAt")),
        "lastFailure": allow_null(WORD),
        "risks": RISKS,
    }
)
"""Connection of the inventory."""
CREDENTIAL = form_of(
    {
        "id": WORD,
        "type": WORD,
        "connectionId": ID,
        "workspaceId": WORD,
        "applicationId": allow_null(WORD),
        "ownerId": allow_null(ID),
        "purpose": allow_null(ID),
        "status": WORD,
        "scopes": WORDS,
        "generation": allow_null(NUMBER),
        "keyId": allow_null(NUMBER),
        "masterKeyVersion": allow_null(NUMBER),
        **_times(("issuedAt", "refreshedAt", "expiresAt", "lastUsedAt", "lastValidatedAt", "removedAt")),
        "risks": RISKS,
    }
)
"""Credential of the inventory."""
INVENTORY: Fields = {
    "inventory": list_of(BINDING, 200), "credentials": list_of(CREDENTIAL, 1000), "cursor": allow_null(WORD)
}  # fmt: skip
VIEW: Form = {"type": "string", "enum": ["connections", "credentials"], "default": "connections"}
_AUDIT_WORD: Form = {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,128}$", "default": None}
USES_WANTED: Fields = {
    "connectionId": CONNECTION_ID,
    "capability": _AUDIT_WORD,
    "method": _AUDIT_WORD,
    "purpose": CONNECTION_ID,
    "traceId": _AUDIT_WORD,
    "from": {**SEND_AT, "default": None},
    "to": {**SEND_AT, "default": None},
}
