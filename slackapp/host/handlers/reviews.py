"""`/api/v2/slack/reviews`: what is held is looked at again, and a named person says of each whether it is needed."""

from slackapp.flows.app import App
from slackapp.host.call import Answer, HostCall, make_cursor, read_position
from slackapp.host.checks.fields import Fields
from slackapp.host.flows.reviews import answer_review, close_review, open_review, read_review
from slackapp.host.flows.reviews.answer_review import DecisionInput
from slackapp.host.flows.reviews.read_review import ReviewedConnection
from slackapp.host.forms import ID, NUMBER, TIME, WORD, WORDS, allow_null, form_of, optional_time, time_of, word_of
from slackapp.host.model import ConnectionKind, ConnectionStatus, ReviewDecision
from slackapp.host.store.reviews.reviews import Review

REVIEW: Fields = {
    "id": ID,
    "openedBy": allow_null(ID),
    "openedAt": TIME,
    "dueAt": TIME,
    "closedBy": allow_null(ID),
    "closedAt": allow_null(TIME),
    "counts": form_of({str(decision): NUMBER for decision in ReviewDecision}),
}
REVIEW_ITEM: Fields = {
    "connectionId": ID,
    "decision": word_of(*ReviewDecision),
    "note": allow_null(WORD),
    "decidedBy": allow_null(ID),
    "decidedAt": allow_null(TIME),
    "kind": word_of(*ConnectionKind),
    "status": word_of(*ConnectionStatus),
    "workspaceName": WORD,
    "ownerId": WORD,
    "purpose": WORD,
    "scopes": WORDS,
    "installedAt": allow_null(TIME),
    "lastUsedAt": allow_null(TIME),
    "lastValidatedAt": allow_null(TIME),
}
_LIST, _ITEMS = "reviews", "review items"


def open_one(app: App, call: HostCall, now: int) -> Answer:
    """Opens a review of all that the organization holds."""
    return _describe(app, open_review.run(app, call.caller, call.body["dueInDays"], now))


def list_all(app: App, call: HostCall, now: int) -> Answer:
    """Lists the organization's reviews, the newest first."""
    position = read_position(app, call, _LIST)
    at, _, review_id = (position or "").partition(" ")
    before = (int(at), review_id) if position else open_review.NEWEST
    most = call.parameters["limit"]
    found = open_review.page(app, call.caller.organization, before, most)
    cursor = None
    if len(found) == most:
        cursor = make_cursor(app, call, _LIST, f"{found[-1].opened_at} {found[-1].id}")
    return {"reviews": [_describe(app, each) for each in found], "cursor": cursor}


def show(app: App, call: HostCall, now: int) -> Answer:
    """Shows a review, and its connections."""
    most, name = call.parameters["limit"], f"{_ITEMS} {call.id}"
    position = read_position(app, call, name)
    review = open_review.require(app, call.caller.organization, call.id)
    found = read_review.page(app, review, position or "", most)
    cursor = make_cursor(app, call, name, found[-1].connection.id) if len(found) == most else None
    return {**_describe(app, review), "items": list(map(_describe_item, found)), "cursor": cursor}


def decide(app: App, call: HostCall, now: int) -> Answer:
    """Keeps a connection, or ends it."""
    said = DecisionInput(
        connection_id=call.body["connectionId"],
        decision=ReviewDecision(call.body["decision"]),
        note=call.body["note"],
        member_id=call.caller.id or "",
    )
    answered = answer_review.run(app, call.caller, call.id, said, now=now)
    shown = read_review.find(app, call.caller.organization, answered.item)
    return {**_describe_item(shown), "revokedAtSlack": answered.is_revoked_at_slack}


def close(app: App, call: HostCall, now: int) -> Answer:
    """Closes a review: what nobody has answered for is suspended."""
    return _describe(app, close_review.run(app, call.caller.organization, call.id, call.caller, now=now))


def _describe(app: App, review: Review) -> Answer:
    counts = read_review.count(app, review)
    return {
        "id": review.id,
        "openedBy": review.opened_by or None,
        "openedAt": time_of(review.opened_at),
        "dueAt": time_of(review.due_at),
        "closedBy": review.closed_by or None,
        "closedAt": optional_time(review.closed_at),
        "counts": {str(decision): counts[decision] for decision in ReviewDecision},
    }


def _describe_item(shown: ReviewedConnection) -> Answer:
    item, connection = shown.item, shown.connection
    return {
        "connectionId": connection.id,
        "decision": item.decision,
        "note": item.note or None,
        "decidedBy": item.decided_by or None,
        "decidedAt": optional_time(item.decided_at),
        "kind": connection.kind,
        "status": connection.status,
        "workspaceName": connection.team_name,
        "ownerId": connection.owner_id,
        "purpose": connection.purpose_id,
        "scopes": connection.scopes,
        "installedAt": optional_time(connection.installed_at),
        "lastUsedAt": optional_time(connection.last_used_at),
        "lastValidatedAt": optional_time(connection.last_validated_at),
    }
