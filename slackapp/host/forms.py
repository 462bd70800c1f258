"""Forms of what the API takes and answers: JSON Schema, shown in `openapi.json` as they are checked.

Times are texts of RFC 3339 in UTC.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from slackapp.host.channel_list import IncompleteReason
from slackapp.host.checks import cursor
from slackapp.host.checks.fields import Fields, Form
from slackapp.host.model import (
    ChannelState,
    ConnectionStatus,
    DeliveryWay,
    MemberStatus,
    MessageReason,
    MessageStatus,
    MessageType,
    ReplyType,
)
from slackapp.host.rows import ApprovalStatus, HostEvent, HostEventKind, StatusReason
from slackapp.model import InstallationStatus

_ID, _CHANNEL, _TEAM = "^[A-Za-z0-9_-]{1,64}$", "^[CG][A-Z0-9]{2,20}$", "^T[A-Z0-9]{2,20}$"

ID: Form = {"type": "string", "pattern": _ID}
_SHOWS = r"^.*[^\s\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200d\u2060-\u2064\u3164\uffa0].*$"
"""Something that can be seen: not blanks and characters without width alone."""

TEXT: Form = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": _SHOWS}
TIME: Form = {"type": "string", "format": "date-time"}
FLAG: Form = {"type": "boolean"}
ANYTHING: Form = {"type": "object"}
"""An object whose fields are the host's own."""
NUMBER: Form = {"type": "integer"}
WORD: Form = {"type": "string"}
WORDS: Form = {"type": "array", "items": WORD}
CHANNEL_ID: Form = {"type": "string", "pattern": _CHANNEL}
REGION: Form = {"type": "string", "pattern": "^([a-z0-9]+(-[a-z0-9]+)*)?$", "maxLength": 32}
LIMIT: Form = {"type": "integer", "minimum": 1, "maximum": 200, "default": 100}
CURSOR: Form = {"type": "string", "minLength": 1, "maxLength": cursor.MAX_LENGTH, "default": None}
SEARCH: Form = {"type": "string", "maxLength": 80, "default": ""}
CONNECTION_ID: Form = {**ID, "default": None}
TEAM: Form = {"type": "string", "pattern": _TEAM}
TEAM_ID: Form = {"type": "string", "pattern": _TEAM, "default": None}
DAYS: Form = {"type": "integer", "minimum": 1, "maximum": 3650}
CONTENT_DAYS: Form = {"type": "integer", "minimum": 0, "maximum": 365}
"""Days for which what messages said is kept; 0: not at all."""
REVIEW_DAYS: Form = {"type": "integer", "minimum": 1, "maximum": 366}
WORKSPACES: Form = {"type": "integer", "minimum": 1, "maximum": 1000}


def optional(form: Form) -> Form:
    """Lets a field of a body be left out; then it stays as it is."""
    return {**form, "optional": True}


def allow_null(form: Form) -> Form:
    """Takes null, too."""
    words = {"enum": [*form["enum"], None]} if "enum" in form else {}
    return {**form, "type": [form["type"], "null"], **words}


def list_of(form: Form, most: int) -> Form:
    """Takes a list of at most that many."""
    return {"type": "array", "items": form, "maxItems": most}


def form_of(fields: Fields) -> Form:
    """Takes an object of these fields."""
    return {"type": "object", "properties": fields}


def word_of(*words: str) -> Form:
    """Takes one of these words."""
    return {"type": "string", "enum": [str(word) for word in words]}


def _maybe(*names: str) -> Fields:
    return dict.fromkeys(names, allow_null(WORD))


PAGE: Mapping[str, Form] = {"limit": LIMIT, "cursor": CURSOR}
"""Parameters of a list."""
WHICH: Mapping[str, Form] = {"connectionId": CONNECTION_ID}
"""Parameter that names a connection, where there are several."""
PURPOSE = form_of({"id": ID, "text": TEXT})
WORKSPACE = form_of({"teamId": allow_null(WORD), "enterpriseId": allow_null(WORD), "name": WORD, "domain": WORD})
CONNECTION: Fields = {
    "id": ID,
    "status": word_of(*ConnectionStatus),
    "statusReason": allow_null(word_of(*StatusReason)),
    "workspace": WORKSPACE,
    "scopes": WORDS,
    "missingScopes": WORDS,
    "purpose": WORD,
    "defaultChannel": allow_null(CHANNEL_ID),
    "allowedChannels": list_of(CHANNEL_ID, 200),
    "maxAgeDays": allow_null(NUMBER),
    "installedAt": allow_null(TIME),
    "lastUsedAt": allow_null(TIME),
    "lastValidatedAt": allow_null(TIME),
    "expiresAt": allow_null(TIME),
    "createdAt": TIME,
    "updatedAt": TIME,
    "reconnectUrl": allow_null(WORD),
}
"""What is told of each connection, whatever its kind."""
_UNAVAILABLE: Fields = {"id": CHANNEL_ID, "state": word_of(*ChannelState), "since": TIME}
INTEGRATION = form_of(
    {
        **CONNECTION,
        "ownerId": WORD,
        "ownerMissingSince": allow_null(TIME),
        "delivery": word_of(*DeliveryWay),
        "webhookChannel": allow_null(CHANNEL_ID),
        "defaultChannelTeamId": allow_null(WORD),
        "unavailableChannels": list_of(form_of(_UNAVAILABLE), 201),
    }
)
SETTINGS: Fields = {
    "ownerId": optional(ID),
    "purpose": optional(ID),
    "defaultChannel": optional(allow_null(CHANNEL_ID)),
    "teamId": optional(TEAM),
    "delivery": optional(word_of(*DeliveryWay)),
    "allowedChannels": optional(list_of(CHANNEL_ID, 200)),
    "maxAgeDays": optional(allow_null(DAYS)),
}
"""Settings of a connection, of which a body has some."""
CHANNEL = form_of({"id": CHANNEL_ID, "name": WORD, "private": FLAG, "member": FLAG, "external": FLAG, "readOnly": FLAG})
INCOMPLETE = word_of(*IncompleteReason)
MEMBER_STATUS = word_of(*MemberStatus)
APPROVAL: Fields = {
    "id": ID,
    "memberId": ID,
    "reason": WORD,
    "status": word_of(*ApprovalStatus),
    "note": WORD,
    "decidedBy": allow_null(ID),
    "createdAt": TIME,
    "decidedAt": allow_null(TIME),
    "expiresAt": TIME,
    "usedAt": allow_null(TIME),
}
KINDS = ("workspace", "enterprise")
SHADOW_INSTALLATION: Fields = {
    "tenantId": WORD,
    "kind": word_of(*KINDS),
    "name": WORD,
    "status": word_of(*InstallationStatus),
    "installedAt": TIME,
    "lastUsedAt": allow_null(TIME),
}
_EVENT: Fields = {
    "id": WORD,
    "type": word_of(*HostEventKind),
    "at": TIME,
    "connectionId": allow_null(ID),
    "messageId": allow_null(ID),
    "reviewId": allow_null(ID),
    "reason": allow_null(word_of(*dict.fromkeys((*StatusReason, *MessageReason, *ChannelState)))),
}
EVENT = form_of(_EVENT)

MESSAGE_TEXT: Form = {"type": "string", "minLength": 1, "maxLength": 4000, "lines": True}
BLOCKS: Form = {"type": "array", "items": ANYTHING, "maxItems": 50}
SEND_AT: Form = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"}
INTERNAL_ID: Form = {"type": "string", "minLength": 1, "maxLength": 128}
SAID: Fields = {"text": optional(MESSAGE_TEXT), "blocks": optional(BLOCKS)}
"""What a message says, in words of its own."""
FROM_TEMPLATE: Fields = {**SAID, "template": optional(ID), "variables": optional(ANYTHING)}
"""The same, or what a template says."""
ONE_OF_SEVERAL: Fields = {
    **FROM_TEMPLATE,
    "connectionId": {**ID, "optional": True},
    "channel": {**CHANNEL_ID, "optional": True},
    "teamId": {**TEAM, "optional": True},
    "threadOf": {**ID, "optional": True},
    "sendAt": {**SEND_AT, "optional": True},
    "purpose": {**ID, "optional": True},
    "internalMessageId": {**INTERNAL_ID, "optional": True},
}
"""Fields of a message to be posted."""
_SUMMARY: Fields = {
    "name": ID,
    "variables": WORDS,
    "changedBy": allow_null(ID),
    "createdAt": TIME,
    "updatedAt": TIME,
}
_NUMBERS: Fields = dict.fromkeys(("sent", "failed", "parked", "unclear"), NUMBER)
DAY_COUNTS = form_of({"day": WORD, **_NUMBERS})
_FAILURES = list_of(form_of({"reason": WORD, "number": NUMBER}), 40)
ANALYTICS: Fields = {
    "days": list_of(DAY_COUNTS, 400),
    **_NUMBERS,
    "successRate": {"type": ["number", "null"]},
    "failures": _FAILURES,
    "channels": list_of(form_of({"connectionId": ID, "channel": WORD, "sent": NUMBER, "failed": NUMBER}), 200),
    "connects": form_of(
        {
            "begun": NUMBER,
            "connected": NUMBER,
            "underWay": NUMBER,
            "medianSeconds": allow_null(NUMBER),
            "failures": _FAILURES,
        }
    ),
}
REPORT_DAYS: Form = {"type": "integer", "minimum": 1, "maximum": 400, "default": 30}
TEMPLATE: Fields = {**_SUMMARY, "text": allow_null(MESSAGE_TEXT), "blocks": allow_null(BLOCKS)}
TEMPLATES = list_of(form_of(_SUMMARY), 100)
RECEIVED = form_of({"type": word_of(*ReplyType), "authorId": WORD, **_maybe("reaction", "ts"), "at": TIME})
"""What somebody answered to a message at Slack."""
RECEIVED_COUNT = form_of({"replies": NUMBER, "reactions": NUMBER})
_STATUS = allow_null(word_of(*MessageStatus))
ACCEPTED = form_of({"id": allow_null(ID), "status": _STATUS, **_maybe("error", "code", "field")})
MESSAGE = form_of(
    {
        "id": ID,
        "connectionId": ID,
        "internalMessageId": allow_null(WORD),
        "type": word_of(*MessageType),
        "status": word_of(*MessageStatus),
        "reason": allow_null(word_of(*MessageReason)),
        "slackError": allow_null(WORD),
        "delivery": word_of(*DeliveryWay),
        "channel": allow_null(WORD),
        "ts": allow_null(WORD),
        "threadTs": allow_null(WORD),
        "permalink": allow_null(WORD),
        "content": allow_null(ANYTHING),
        "targetId": allow_null(ID),
        "senderId": allow_null(ID),
        "purpose": WORD,
        "sendAt": allow_null(TIME),
        "createdAt": TIME,
        "sentAt": allow_null(TIME),
        "updatedAt": TIME,
        "traceId": allow_null(WORD),
    }
)

EVENT_BODY: Fields = {
    "type": word_of(*HostEventKind),
    "timestamp": TIME,
    "data": form_of(
        {"organizationId": ID, **{each: _EVENT[each] for each in ("connectionId", "messageId", "reviewId", "reason")}}
    ),
}
"""What the host is sent of an event."""


def about(event: HostEvent) -> dict[str, str | None]:
    """Writes the ids of what an event is about."""
    is_review = event.type is HostEventKind.REVIEW_DUE
    return {
        "connectionId": None if is_review else event.connection_id,
        "messageId": event.message_id or None,
        "reviewId": event.connection_id if is_review else None,
    }


@lru_cache(1024)
def time_of(seconds: int) -> str:
    """Writes a time, given in Unix seconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def optional_time(seconds: int | None) -> str | None:
    """Writes a time; null where there is none."""
    return time_of(seconds) if seconds is not None else None


def chosen(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Chooses the fields that were given, under the names that they have in rows."""
    return {names[name]: value for name, value in given.items() if name in names}
