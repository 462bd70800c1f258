"""API of the host side, on one screen: for each route who may call it, what it takes and answers.

`slackapp/routes.py` serves it, and `openapi.py` describes it, from the same table. What is asked in which order stands
in `call.answer`: nothing is read of a body, and nobody is called at Slack, before the role and the switch have passed.
"""

from slackapp.host.call import NOTHING, HostRoute
from slackapp.host.checks.fields import Fields
from slackapp.host.checks.roles import HostAction
from slackapp.host.forms import (
    ACCEPTED,
    ANALYTICS,
    ANYTHING,
    APPROVAL,
    CHANNEL,
    CHANNEL_ID,
    CONTENT_DAYS,
    EVENT,
    FLAG,
    FROM_TEMPLATE,
    ID,
    INCOMPLETE,
    INTEGRATION,
    INTERNAL_ID,
    MEMBER_STATUS,
    MESSAGE,
    NUMBER,
    ONE_OF_SEVERAL,
    PAGE,
    PURPOSE,
    RECEIVED,
    RECEIVED_COUNT,
    REGION,
    REPORT_DAYS,
    REVIEW_DAYS,
    SAID,
    SEARCH,
    SEND_AT,
    SETTINGS,
    SHADOW_INSTALLATION,
    TEAM_ID,
    TEMPLATE,
    TEMPLATES,
    TEXT,
    TIME,
    WHICH,
    WORD,
    WORDS,
    WORKSPACE,
    WORKSPACES,
    allow_null,
    form_of,
    list_of,
    optional,
    word_of,
)  # fmt: skip
from slackapp.host.handlers import (
    approvals,
    begin,
    channels,
    integrations,
    messages,
    organizations,
    personal,
    reviews,
)
from slackapp.host.handlers.access import inventory, token_uses
from slackapp.host.handlers.access.forms import INVENTORY, USE, USES_WANTED, VIEW
from slackapp.host.handlers.messaging import analytics, templates
from slackapp.host.handlers.reviews import REVIEW, REVIEW_ITEM
from slackapp.host.model import (
    ConnectionKind,
    HostRole,
    MessageOutcome,
    MessageStatus,
    ReviewDecision,
)
from slackapp.host.rows import ApprovalStatus

API = "/api/v2"
SLACK = f"{API}/slack"

MESSAGE_BODY, BULK_BODY = 128 * 1024, 512 * 1024
"""Bytes of the body of a message, and of several."""


_READ, _USE, _MANAGE = HostAction.READ, HostAction.USE, HostAction.MANAGE
_PROVISION, _GOVERN = HostAction.PROVISION, HostAction.GOVERN

_CONNECT: Fields = {
    "metadata": optional(ANYTHING),
    "purpose": optional(ID),
    "kind": optional(word_of(*ConnectionKind)),
    "reconnect": optional(ID),
}
_BEGUN: Fields = {"connectionId": ID, "authUrl": WORD, "state": WORD}
_LOGIN: Fields = {"memberId": ID, "role": word_of(*HostRole), "name": optional(TEXT)}
_MAY_NOT = (
    "INTEGRATION_EXISTS", "WORKSPACE_LIMIT_REACHED", "APPROVAL_REQUIRED", "REGION_MISMATCH",
)  # fmt: skip
_STATE: Fields = {"enabled": FLAG, "integration": optional(allow_null(INTEGRATION))}
_CHECKED: Fields = {
    "ok": FLAG, "workspace": WORKSPACE, "botUserId": WORD, "missingScopes": WORDS, "validatedAt": TIME,
}  # fmt: skip
_CHANNELS: Fields = {
    "channels": list_of(CHANNEL, 200),
    "cursor": allow_null(WORD),
    "complete": FLAG,
    "incompleteBecause": list_of(INCOMPLETE, 4),
    "asOf": TIME,
}
_PROVIDED: Fields = {
    "name": TEXT,
    "workspaceLimit": allow_null(WORKSPACES),
    "dataRegion": REGION,
    "contentDays": CONTENT_DAYS,
    "trackReplies": FLAG,
    "purposes": list_of(PURPOSE, 50),
}
_ORGANIZATION: Fields = {"id": ID, **_PROVIDED, "name": WORD, "enabled": FLAG, "frozen": FLAG, "createdAt": TIME}
_CHANGES: Fields = {name: optional(form) for name, form in _PROVIDED.items()}
_MEMBER: Fields = {"id": ID, "status": MEMBER_STATUS}
_EVENTS: Fields = {"events": list_of(EVENT, 200), "cursor": WORD, "more": FLAG}

_DECISION: Fields = {
    "decision": word_of(ApprovalStatus.APPROVED, ApprovalStatus.DENIED), "note": optional(TEXT),
}  # fmt: skip

_REVIEWED: Fields = {**REVIEW, "items": list_of(form_of(REVIEW_ITEM), 200), "cursor": allow_null(WORD)}
_ANSWER: Fields = {
    "connectionId": ID, "decision": word_of(ReviewDecision.ATTESTED, ReviewDecision.REVOKED), "note": TEXT,
}  # fmt: skip

_KNOWN = ("INTEGRATION_NOT_FOUND", "NOT_FOUND")
_ACTIVE = (*_KNOWN, "INTEGRATION_INACTIVE", "SLACK_ERROR", "TOKEN_UNAVAILABLE")

_REPLIED = (
    "NOT_FOUND", "INTEGRATION_INACTIVE", "INVALID_CHANNEL", "INVALID_CONTENT", "IDEMPOTENCY_CONFLICT",
    "IDEMPOTENCY_MISMATCH", "TOKEN_UNAVAILABLE",
)  # fmt: skip
_CHANGED = ("NOT_FOUND", "INTEGRATION_INACTIVE", "TOKEN_UNAVAILABLE")
_POSTED = ("INTEGRATION_NOT_FOUND", *_REPLIED)
_WHEN: Fields = {
    "sendAt": optional(SEND_AT), "purpose": optional(ID), "internalMessageId": optional(INTERNAL_ID),
}  # fmt: skip
_ACCEPTED: Fields = {"id": ID, "status": word_of(*MessageStatus)}
_MESSAGES: Fields = {"messages": list_of(MESSAGE, 200), "cursor": allow_null(WORD)}
_WANTED: Fields = {
    "status": {**word_of(*MessageStatus), "default": None},
    "channel": {**CHANNEL_ID, "default": None},
    "senderId": {**ID, "default": None},
}

_BEGIN = HostRoute(
    "POST", f"{SLACK}/auth", begin.connect, HostAction.ASK, summary="Begin to connect a workspace",
    stops=True, single_use=True, uses_later=True, body=_CONNECT, answer=_BEGUN, codes=_MAY_NOT,
)  # fmt: skip

API_ROUTES = (
    _BEGIN,
    _BEGIN._replace(path=f"{SLACK}/auth/init", summary="The same under another name"),
    HostRoute(
        "POST", f"{SLACK}/sessions", begin.issue_ticket, _PROVISION, summary="Issue a ticket for a member's browser",
        single_use=True, body=_LOGIN, answer={"ticket": WORD, "expiresAt": TIME},
    ),
    HostRoute(
        "GET", f"{SLACK}/integration", integrations.show, _READ, summary="Show the integration, or null",
        parameters=WHICH, answer=_STATE, codes=("NOT_FOUND",),
    ),
    HostRoute(
        "PUT", f"{SLACK}/integration", integrations.change, _MANAGE, summary="Change its settings",
        stops=True, parameters=WHICH, body=SETTINGS, answer=_STATE, codes=(*_ACTIVE, "INVALID_CHANNEL"),
    ),
    HostRoute(
        "DELETE", f"{SLACK}/integration", integrations.delete, _MANAGE,
        summary="Disconnect: uninstall at Slack, and erase", parameters=WHICH, answer={"revokedAtSlack": FLAG},
        codes=_KNOWN,
    ),
    HostRoute(
        "POST", f"{SLACK}/integration/test", integrations.test, _USE, summary="Ask Slack now whether it works",
        stops=True, parameters=WHICH, body=NOTHING, answer=_CHECKED, codes=_ACTIVE,
    ),
    HostRoute(
        "GET", f"{SLACK}/integrations", integrations.list_all, _READ, summary="List all workspaces",
        parameters=PAGE, answer={"integrations": list_of(INTEGRATION, 200), "cursor": allow_null(WORD)},
    ),
    *personal.ROUTES,
    HostRoute(
        "GET", f"{SLACK}/channels", channels.list_all, _USE, summary="List the channels that may be chosen",
        stops=True, parameters={**WHICH, **PAGE, "search": SEARCH, "teamId": TEAM_ID}, answer=_CHANNELS, codes=_ACTIVE,
    ),
    HostRoute(
        "POST", f"{SLACK}/channels/{{id}}/join", channels.join, _MANAGE, summary="Let the bot join a public channel",
        stops=True, parameters=WHICH, body=NOTHING, answer={"id": CHANNEL_ID, "member": FLAG},
        codes=(*_ACTIVE, "INVALID_CHANNEL"),
    ),
    HostRoute(
        "GET", f"{SLACK}/approvals", approvals.list_all, _READ, summary="List who has asked to connect",
        parameters=PAGE, answer={"approvals": list_of(form_of(APPROVAL), 200), "cursor": allow_null(WORD)},
    ),
    HostRoute(
        "POST", f"{SLACK}/approvals", approvals.ask, HostAction.ASK, summary="Ask to connect", stops=True,
        body={"reason": TEXT}, answer=APPROVAL,
    ),
    HostRoute(
        "POST", f"{SLACK}/approvals/{{id}}/decision", approvals.decide, HostAction.DECIDE,
        summary="Approve or deny what somebody else has asked", body=_DECISION, answer=APPROVAL, codes=("NOT_FOUND",),
    ),
    HostRoute(
        "GET", f"{SLACK}/reviews", reviews.list_all, HostAction.REPORT, summary="List reviews, the newest first",
        parameters=PAGE, answer={"reviews": list_of(form_of(REVIEW), 200), "cursor": allow_null(WORD)},
    ),
    HostRoute(
        "POST", f"{SLACK}/reviews", reviews.open_one, _MANAGE, summary="Open a review of all that is connected",
        body={"dueInDays": REVIEW_DAYS}, answer=REVIEW,
    ),
    HostRoute(
        "GET", f"{SLACK}/reviews/{{id}}", reviews.show, HostAction.REPORT, summary="Show a review, connection by "
        "connection", parameters=PAGE, answer=_REVIEWED, codes=("NOT_FOUND",),
    ),
    HostRoute(
        "POST", f"{SLACK}/reviews/{{id}}/decisions", reviews.decide, HostAction.DECIDE,
        summary="Keep a connection, or disconnect it", body=_ANSWER,
        answer={**REVIEW_ITEM, "revokedAtSlack": allow_null(FLAG)}, codes=("NOT_FOUND",),
    ),
    HostRoute(
        "POST", f"{SLACK}/reviews/{{id}}/close", reviews.close, _MANAGE,
        summary="Close it: what nobody has answered for is suspended", body=NOTHING, answer=REVIEW,
        codes=("NOT_FOUND",),
    ),
    HostRoute(
        "POST", f"{SLACK}/freeze", organizations.freeze, _GOVERN, summary="Open no token of it from now on",
        body=NOTHING, answer={"frozen": FLAG},
    ),
    HostRoute(
        "DELETE", f"{SLACK}/freeze", organizations.end_freeze, _GOVERN, summary="End that freeze, and no other",
        answer={"frozen": FLAG},
    ),
    HostRoute(
        "POST", f"{SLACK}/messages", messages.post, _USE, summary="Post a message", stops=True,
        body=ONE_OF_SEVERAL,
        answer=_ACCEPTED, codes=_POSTED, status=202, sends=True, max_body=MESSAGE_BODY,
    ),
    HostRoute(
        "POST", f"{SLACK}/messages/bulk", messages.post_all, _USE, summary="Post up to 25 messages, with a result each",
        stops=True, body={"messages": list_of(ANYTHING, 25)}, answer={"results": list_of(ACCEPTED, 25)},
        codes=("IDEMPOTENCY_MISMATCH", "TOKEN_UNAVAILABLE"), status=202, sends=True, max_body=BULK_BODY,
    ),
    HostRoute(
        "POST", f"{SLACK}/messages/{{id}}/settlement", messages.settle, _USE,
        summary="Say what became of an unclear message", stops=True, body={"outcome": word_of(*MessageOutcome)},
        answer=_ACCEPTED, codes=("NOT_FOUND",),
    ),
    HostRoute(
        "PATCH", f"{SLACK}/messages/{{id}}", messages.edit, _USE, summary="Give a message other words", stops=True,
        body=SAID, answer=_ACCEPTED, codes=(*_CHANGED, "INVALID_CONTENT"), status=202,
        max_body=MESSAGE_BODY,
    ),
    HostRoute(
        "DELETE", f"{SLACK}/messages/{{id}}", messages.withdraw, _USE,
        summary="Take a message back, or delete it at Slack", answer=_ACCEPTED,
        codes=_CHANGED, status=202,
    ),
    HostRoute(
        "GET", f"{SLACK}/messages", messages.list_all, _READ, summary="List messages, the newest first",
        parameters={**PAGE, **_WANTED}, answer=_MESSAGES, has_csv=True,
    ),
    HostRoute(
        "GET", f"{SLACK}/messages/{{id}}", messages.show, _READ, summary="Show what became of a message",
        answer=MESSAGE["properties"], codes=("NOT_FOUND",),
    ),
    HostRoute(
        "POST", f"{SLACK}/messages/{{id}}/replies", messages.reply, _USE, summary="Reply to a message", stops=True,
        body={**FROM_TEMPLATE, **_WHEN},
        answer=_ACCEPTED, codes=_REPLIED, status=202, sends=True, max_body=MESSAGE_BODY,
    ),
    HostRoute(
        "GET", f"{SLACK}/messages/{{id}}/replies", messages.list_replies, _READ,
        summary="List the replies sent from here, and what people answered", parameters=PAGE,
        answer={**_MESSAGES, "received": list_of(RECEIVED, 200), "receivedCount": RECEIVED_COUNT}, codes=("NOT_FOUND",),
    ),
    HostRoute(
        "GET", f"{SLACK}/analytics", analytics.show, HostAction.REPORT, summary="Show how connecting and sending go",
        parameters={"days": REPORT_DAYS}, answer=ANALYTICS, has_csv=True,
    ),
    HostRoute(
        "GET", f"{SLACK}/templates", templates.list_all, _USE, summary="List the templates of messages",
        answer={"templates": TEMPLATES},
    ),
    HostRoute(
        "GET", f"{SLACK}/templates/{{id}}", templates.show, _USE, summary="Show a template", answer=TEMPLATE,
        codes=("NOT_FOUND",),
    ),
    HostRoute(
        "PUT", f"{SLACK}/templates/{{id}}", templates.save, _MANAGE, summary="Save a template", stops=True,
        body=SAID, answer=TEMPLATE, codes=("INVALID_CONTENT",), max_body=MESSAGE_BODY,
    ),
    HostRoute(
        "DELETE", f"{SLACK}/templates/{{id}}", templates.delete, _MANAGE, summary="Delete a template",
        answer={"deleted": FLAG}, codes=("NOT_FOUND",),
    ),
    HostRoute(
        "GET", f"{SLACK}/inventory", inventory.list_all, HostAction.REPORT,
        summary="List what the organization holds and has held", parameters={**PAGE, "view": VIEW},
        answer=INVENTORY, has_csv=True,
    ),
    HostRoute(
        "GET", f"{SLACK}/token-use", token_uses.list_all, HostAction.REPORT,
        summary="List what tokens were used for, the newest first", parameters={**PAGE, **USES_WANTED},
        answer={"uses": list_of(USE, 200), "cursor": allow_null(WORD)}, has_csv=True,
    ),
    HostRoute(
        "GET", f"{API}/organization", organizations.show, _PROVISION, summary="Show the organization",
        answer=_ORGANIZATION,
    ),
    HostRoute(
        "PUT", f"{API}/organization", organizations.change, _PROVISION,
        summary="Change name, limit, region, purposes, or how long contents are kept", body=_CHANGES,
        answer=_ORGANIZATION,
    ),
    HostRoute(
        "DELETE", f"{API}/organization", organizations.delete, _PROVISION, summary="Delete it, with everything of it",
        answer={"deleted": FLAG},
    ),
    HostRoute(
        "POST", f"{API}/members/{{id}}/offboard", organizations.end_membership, _GOVERN,
        summary="End what a member has who has left", body=NOTHING, answer={**_MEMBER, "ownerWanted": NUMBER},
        codes=("NOT_FOUND",),
    ),
    HostRoute(
        "POST", f"{API}/members/{{id}}/reinstate", organizations.reinstate, _GOVERN, summary="Let a member in again",
        body=NOTHING, answer=_MEMBER, codes=("NOT_FOUND",),
    ),
    HostRoute(
        "GET", f"{API}/shadow-installations", organizations.list_shadow_installations, _PROVISION,
        summary="List installations that no organization holds", parameters=PAGE,
        answer={"installations": list_of(form_of(SHADOW_INSTALLATION), 200), "cursor": allow_null(WORD)},
    ),
    HostRoute(
        "GET", f"{API}/events", organizations.list_events, _PROVISION, summary="Read what has happened",
        parameters=PAGE, answer=_EVENTS,
    ),
)  # fmt: skip
