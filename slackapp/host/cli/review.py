"""`slackapp review`: an operator opens, reads and closes reviews, and writes down what a member has said."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from slackapp.cli.service.session import open_service, operator_actor
from slackapp.cli.terminal import confirm
from slackapp.cli.terminal.arguments import add_verbs, number_of_rows
from slackapp.cli.terminal.printing import print_lines
from slackapp.cli.terminal.table import Columns, Truncation, add_options, format_time, print_rows
from slackapp.errors import CommandError, Refused, UsageError
from slackapp.flows.app import App
from slackapp.host.checks.fields import has_form
from slackapp.host.cli.switch import read_organization
from slackapp.host.flows import change_organization
from slackapp.host.flows.reviews import answer_review, close_review, open_review, read_review
from slackapp.host.flows.reviews.answer_review import DecisionInput
from slackapp.host.forms import TEXT
from slackapp.host.model import HostCaller, ReviewDecision
from slackapp.host.store.reviews.reviews import Review
from slackapp.model import ActorKind

_REVIEWS = Columns(
    wide=("id", "opened", "opened_by", "due", "closed", "closed_by", *ReviewDecision),
    narrow=("id", "due", "closed", ReviewDecision.OPEN, ReviewDecision.UNATTESTED),
    truncations={"id": Truncation.MIDDLE},
)
_ITEMS = Columns(
    wide=(
        "connection_id", "decision", "decided_by", "decided", "note", "status", "workspace", "owner_id", "purpose",
        "last_used",
    ),
    narrow=("connection_id", "decision", "decided_by", "status", "workspace"),
    truncations=dict.fromkeys(("connection_id", "workspace"), Truncation.MIDDLE),
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the verbs."""
    add = add_verbs(parser)
    start = add("start", "open a review of all that an organization holds", _start)
    start.add_argument("--days", type=number_of_rows, default=14, metavar="N", help="until it closes by itself (14)")
    listing = add("list", "an organization's reviews, the newest first, or what one has of each connection", _list)
    listing.add_argument("review", nargs="?", metavar="REVIEW")
    add_options(listing, "one JSON object per line")
    attest = add("attest", "write down what a member says of a connection: it is needed, or ends", _attest)
    attest.add_argument("review", metavar="REVIEW")
    attest.add_argument("connection", metavar="CONNECTION")
    attest.add_argument("--by", required=True, metavar="MEMBER", help="an owner or admin, whose word it is")
    attest.add_argument("--note", required=True, metavar="TEXT", help="why")
    attest.add_argument("--revoke", action="store_true", help="disconnect it, for good")
    close = add("close", "close a review: what nobody has spoken for is suspended", _close)
    close.add_argument("review", metavar="REVIEW")
    for verb in (start, listing, attest, close):
        verb.add_argument("--organization", required=True, metavar="ID")
    for verb in (attest, close):
        confirm.add_option(verb)


def _start(arguments: argparse.Namespace) -> int:
    with _opened(arguments) as (app, caller):
        opened = open_review.run(app, caller, arguments.days, app.clock())
        number = read_review.count(app, opened).total()
    print_lines(f"{opened.id}: {number} connections wait for an answer until {format_time(opened.due_at)}")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with _opened(arguments) as (app, caller):
        if arguments.review is None:
            found = open_review.page(app, caller.organization, open_review.NEWEST, 200)
            rows = [_review_fields(app, each) for each in found]
        else:
            review = open_review.require(app, caller.organization, arguments.review)
            rows = list(map(_item_fields, read_review.list_all(app, review)))
    print_rows(rows, _REVIEWS if arguments.review is None else _ITEMS, arguments)
    return 0


def _attest(arguments: argparse.Namespace) -> int:
    decision = ReviewDecision.REVOKED if arguments.revoke else ReviewDecision.ATTESTED
    said = DecisionInput(arguments.connection, decision, note=arguments.note, member_id=arguments.by)
    if not has_form(TEXT, arguments.note):
        raise UsageError("--note: takes one line of 1 to 200 characters")
    if arguments.revoke:
        told = f"{arguments.connection}: is disconnected for good, and everything stored for it is erased"
        confirm.confirm(told, arguments.connection, arguments.yes)
    with _opened(arguments) as (app, caller):
        done = answer_review.run(app, caller, arguments.review, said, now=app.clock())
    print_lines(f"{arguments.connection}: {done.item.decision}, by {done.item.decided_by}")
    if done.is_revoked_at_slack is False:
        print_lines("Slack has not said that it removed the app", error=True)
        return 1
    return 0


def _close(arguments: argparse.Namespace) -> int:
    with _opened(arguments) as (app, caller):
        review = open_review.require(app, caller.organization, arguments.review)
        waiting = read_review.count(app, review)[ReviewDecision.OPEN]
        if waiting:
            told = f"{arguments.review}: nobody has spoken for {waiting} connections, which are suspended"
            confirm.confirm(told, arguments.review, arguments.yes)
        closed = close_review.run(app, caller.organization, arguments.review, caller, now=app.clock())
        counts = read_review.count(app, closed)
    print_lines(
        f"{closed.id}: closed; " + ", ".join(f"{counts[each]} {each}" for each in ReviewDecision if counts[each])
    )
    return 0


@contextmanager
def _opened(arguments: argparse.Namespace) -> Iterator[tuple[App, HostCaller]]:
    """Opens the service, for an organization that is known. Raises CommandError for what is refused."""
    organization = read_organization(arguments.organization)
    with open_service() as service:
        app = service.app
        change_organization.require_known(app, organization)
        request_id = operator_actor(app).request_id
        caller = HostCaller(
            kind=ActorKind.OPERATOR, request_id=request_id, organization=organization, role=None, key_id=""
        )
        try:
            yield app, caller
        except Refused as refused:
            raise CommandError(refused.refusal.sentence) from None


def _review_fields(app: App, review: Review) -> dict[str, object]:
    counts = read_review.count(app, review)
    return {
        "id": review.id,
        "opened": format_time(review.opened_at),
        "opened_by": review.opened_by,
        "due": format_time(review.due_at),
        "closed": format_time(review.closed_at) if review.closed_at is not None else "",
        "closed_by": review.closed_by,
        **{str(decision): counts[decision] for decision in ReviewDecision},
    }


def _item_fields(shown: read_review.ReviewedConnection) -> dict[str, object]:
    item, connection = shown.item, shown.connection
    return {
        "connection_id": connection.id,
        "decision": item.decision,
        "decided_by": item.decided_by,
        "decided": format_time(item.decided_at) if item.decided_at is not None else "",
        "note": item.note,
        "status": connection.status,
        "workspace": connection.team_name,
        "owner_id": connection.owner_id,
        "purpose": connection.purpose_id,
        "last_used": format_time(connection.last_used_at) if connection.last_used_at is not None else "",
    }
