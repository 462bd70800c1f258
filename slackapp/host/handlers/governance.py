"""`/settings/reviews` and `/settings/freeze`: people look again at what is connected, and an owner stops it all.

What is done goes through the flows of the API, which ask and refuse the same.
"""

from slackapp.flows.app import App
from slackapp.host.callers import read_form
from slackapp.host.checks.fields import has_form
from slackapp.host.checks.roles import HostAction, is_allowed, require_role
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows import freeze_organization
from slackapp.host.flows.connect.open_session import PageMember
from slackapp.host.flows.reviews import answer_review, close_review, open_review, read_review
from slackapp.host.flows.reviews.answer_review import DecisionInput
from slackapp.host.forms import TEXT
from slackapp.host.handlers import settings
from slackapp.host.model import ReviewDecision
from slackapp.host.pages import freeze, reviews
from slackapp.host.pages.parts import REVIEWS_PATH, WORKSPACES_PATH
from slackapp.host.pages.reviews import ShownItem, ShownReview
from slackapp.host.store.reviews.reviews import Review
from slackapp.web.request import Request
from slackapp.web.response import Response, redirect

_PAGE = 50
"""Reviews that are shown, the newest first."""
_DECISIONS = {reviews.ATTEST: ReviewDecision.ATTESTED, reviews.REVOKE_NOW: ReviewDecision.REVOKED}


def show_reviews(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Shows the reviews of the member's organization."""
    # claim: C-235
    require_role(caller, HostAction.REPORT)
    listed = open_review.page(app, caller.organization, open_review.NEWEST, _PAGE)
    reader = settings.make_reader(app, caller, REVIEWS_PATH, now, people=(each.opened_by for each in listed))
    return settings.answer(reviews.show_all(reader, [_shown(app, each) for each in listed]))


def open_one(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Takes the form that opens a review."""
    form = read_form(request)
    # claim: C-235
    require_role(caller, HostAction.MANAGE)
    # claim: C-236
    if form.get("days", "") not in reviews.DAYS:
        raise HostRefused(HostRefusal.FIELD, field="days", actor=caller)
    return _back(app, open_review.run(app, caller, int(form["days"]), now))


def show_review(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Shows one review."""
    # claim: C-235
    require_role(caller, HostAction.REPORT)
    review = open_review.require(app, caller.organization, request.path_values["id"])
    items = [
        ShownItem(each.item, settings.describe_workspace(app, each.connection))
        for each in read_review.list_all(app, review)
    ]
    people = (who for each in items for who in (each.item.decided_by, each.workspace.connection.user_id))
    reader = settings.make_reader(app, caller, "", now, people=people)
    may_decide = is_allowed(caller.role, HostAction.DECIDE)
    return settings.answer(reviews.show_one(reader, _shown(app, review), items, may_decide))


def answer_one(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Takes an answer, or closes a review; asks once before something is lost."""
    form = read_form(request)
    review = open_review.require(app, caller.organization, request.path_values["id"])
    purpose, words = form.get("step", ""), form.get("note", "")
    reader = settings.make_reader(app, caller, "", now)
    if purpose in (reviews.CLOSE, reviews.CLOSE_NOW):
        # claim: C-235
        require_role(caller, HostAction.MANAGE)
        shown = _shown(app, review)
        if purpose == reviews.CLOSE and shown.counts[ReviewDecision.OPEN]:
            return settings.answer(reviews.ask_to_close(reader, shown))
        return _back(app, close_review.run(app, caller.organization, review.id, caller, now=now))
    require_role(caller, HostAction.DECIDE)
    # claim: C-236
    if purpose != reviews.REVOKE and purpose not in _DECISIONS:
        raise HostRefused(HostRefusal.FIELD, field="step", actor=caller)
    # claim: C-236
    if not has_form(TEXT, words):
        raise HostRefused(HostRefusal.FIELD, field="note", actor=caller)
    connection_id = form.get("connection", "")
    if purpose == reviews.REVOKE:
        found = read_review.require(app, review, connection_id)
        workspace = settings.describe_workspace(app, found.connection)
        return settings.answer(reviews.ask_to_revoke(reader, review, workspace, form))
    said = DecisionInput(connection_id, _DECISIONS[purpose], note=words, member_id=caller.id or "")
    answer_review.run(app, caller, review.id, said, now=now)
    return _back(app, review)


def ask_to_freeze(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Asks once whether all use of Slack shall stop, or go on."""
    # claim: C-235
    require_role(caller, HostAction.GOVERN)
    is_frozen = freeze_organization.is_frozen(app, caller.organization)
    return settings.answer(freeze.ask(settings.make_reader(app, caller, "", now), is_frozen))


def receive_freeze(app: App, request: Request, caller: PageMember, now: int) -> Response:
    """Stops all use of Slack, or ends that."""
    purpose = read_form(request).get("step", "")
    # claim: C-235
    require_role(caller, HostAction.GOVERN)
    # claim: C-236
    if purpose not in (freeze.FREEZE, freeze.LIFT):
        raise HostRefused(HostRefusal.FIELD, field="step", actor=caller)
    change = freeze_organization.run if purpose == freeze.FREEZE else freeze_organization.end
    change(app, caller.organization, caller, now)
    return redirect(303, app.settings.public_url + WORKSPACES_PATH)


def _shown(app: App, review: Review) -> ShownReview:
    return ShownReview(review, read_review.count(app, review))


def _back(app: App, review: Review) -> Response:
    return redirect(303, app.settings.public_url + reviews.path_of(review))
