"""Pages of reviews: all of them, and one with a card for each connection that waits."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from slackapp.host.checks import form_token
from slackapp.host.checks.risks import UNUSED_DAYS
from slackapp.host.model import ConnectionKind, ReviewDecision
from slackapp.host.pages import parts
from slackapp.host.pages.parts import REVIEWS_PATH, chip, facts, say_time
from slackapp.host.pages.workspaces import Reader, ShownWorkspace
from slackapp.host.store.reviews.reviews import Review, ReviewItem
from slackapp.web.components import (
    Field,
    Tone,
    button,
    buttons,
    choice_field,
    document,
    escape,
    hidden,
    link_button,
    notice,
)

OPEN, ATTEST, REVOKE, REVOKE_NOW, CLOSE, CLOSE_NOW = "open", "attest", "revoke", "revoke_now", "close", "close_now"
"""What a form is for."""
DAYS = {"7": "In a week", "14": "In two weeks", "30": "In a month", "90": "In three months"}
"""When a review may be due: value and words."""
_UNUSED_SECONDS = UNUSED_DAYS * 86_400
_WORDS = {
    ReviewDecision.OPEN: (Tone.WARNING, "Waits for an answer"),
    ReviewDecision.ATTESTED: (Tone.GOOD, "Needed"),
    ReviewDecision.REVOKED: (Tone.PLAIN, "Disconnected"),
    ReviewDecision.UNATTESTED: (Tone.BAD, "Nobody answered"),
    ReviewDecision.ENDED: (Tone.PLAIN, "Had ended before"),
}


class ShownReview(NamedTuple):
    """Review as it is shown: with how many connections have which answer."""

    review: Review
    counts: Counter[ReviewDecision]


class ShownItem(NamedTuple):
    """Item as it is shown: with its connection, in words."""

    item: ReviewItem
    workspace: ShownWorkspace

    @property
    def waits(self) -> bool:
        """Tells whether an answer may be given."""
        return self.item.decision in (ReviewDecision.OPEN, ReviewDecision.UNATTESTED)


def show_all(reader: Reader, shown: Sequence[ShownReview]) -> str:
    """Shows all reviews, and where the next one is opened."""
    is_any_open = any(each.review.closed_at is None for each in shown)
    cards = "".join(f"<section>{_card(reader, each)}</section>" for each in shown)
    none = f"<section>{parts.empty('Nobody has reviewed yet what is connected.')}</section>"
    return document(reader.frame, "Reviews", ("" if is_any_open else _begin(reader)) + (cards or none))


def _begin(reader: Reader) -> str:
    if not reader.may_manage:
        return ""
    field = choice_field(
        Field("days", "Due", "Whatever has no answer then is suspended, until it gets one."), list(DAYS.items()), "14"
    )
    asked = parts.form(REVIEWS_PATH, reader.token, field, OPEN, label="Begin a review")
    return (
        "<section><h2>Look again at what is connected</h2><p>An owner or admin says of each connection whether it is "
        f"still needed, and why.</p>{asked}</section>"
    )


def _card(reader: Reader, shown: ShownReview) -> str:
    review, counts = shown
    is_open, total = review.closed_at is None, counts.total()
    tone, word = (Tone.WARNING, "Open") if is_open else (Tone.PLAIN, "Closed")
    known = [
        ("Begun", say_time(review.opened_at, reader.now)),
        ("By", escape(reader.name_of(review.opened_by) or "The product")),
        ("Due" if is_open else "Closed", say_time(review.due_at if is_open else review.closed_at, reader.now)),
        ("Answers", f"{total - counts[ReviewDecision.OPEN] - counts[ReviewDecision.UNATTESTED]:,} of {total:,}"),
    ]
    label = "Answer" if is_open or counts[ReviewDecision.UNATTESTED] else "Look at it"
    return (
        f'<div class="head"><h2>Review of {_date(review)}</h2>{chip(tone, word)}</div>{facts(known)}'
        f"{buttons(link_button(path_of(review), label, None if is_open else Tone.PLAIN))}"
    )


def show_one(reader: Reader, shown: ShownReview, items: Sequence[ShownItem], may_decide: bool) -> str:
    """Shows one review: what waits first, then what was said."""
    review = shown.review
    waiting = sorted((each for each in items if each.waits), key=lambda each: each.workspace.name)
    cards = "".join(f"<section>{_item(reader, review, each, may_decide)}</section>" for each in waiting)
    rows = [_said(reader, each) for each in items if not each.waits]
    heads = ("Connection", "Answer", "By", "When", "Why")
    said = f"<section><h2>Answers</h2>{parts.table('What was said', heads, rows)}</section>" if rows else ""
    none = "" if items else f"<section>{parts.empty('Nothing was connected when it began.')}</section>"
    return document(
        reader.frame, f"Review of {_date(review)}", f"{_state(reader, shown)}{cards}{none}{said}{_end(reader, shown)}"
    )


def _state(reader: Reader, shown: ShownReview) -> str:
    """Says where it stands, and what comes next."""
    review, counts = shown
    lapsed = counts[ReviewDecision.UNATTESTED]
    if review.closed_at is not None:
        closed = f"It was closed {say_time(review.closed_at, reader.now)}."
        told = (
            f" {lapsed:,} without an answer are suspended until somebody says that they are needed." if lapsed else ""
        )
        return notice(Tone.WARNING if lapsed else Tone.GOOD, f"<p>{closed}{escape(told)}</p>")
    left = counts[ReviewDecision.OPEN]
    if not left:
        return notice(Tone.GOOD, "<p>Every connection has its answer. The review can be closed.</p>")
    due = say_time(review.due_at, reader.now)
    waiting = f"{left:,} of {counts.total():,} wait for an answer."
    return notice(Tone.WARNING, f"<p>{waiting} It is due {due}: whatever has none then is suspended.</p>")


def _item(reader: Reader, review: Review, shown: ShownItem, may_decide: bool) -> str:
    workspace = shown.workspace
    connection, state = workspace.connection, workspace.state
    used_at = connection.last_used_at or connection.installed_at or connection.created_at
    is_unused = reader.now - used_at > _UNUSED_SECONDS
    personal = connection.user_id if connection.kind == ConnectionKind.PERSONAL else ""
    known = [
        ("Personal, of", escape(reader.name_of(personal))),
        ("What for", escape(workspace.purpose)),
        ("Answers for it", escape(workspace.owner)),
        ("Connected", say_time(connection.installed_at, reader.now)),
        ("Last used", say_time(connection.last_used_at, reader.now)),
        ("Last checked with Slack", say_time(connection.last_validated_at, reader.now)),
        ("What it may do", "".join(f"<code>{escape(each)}</code> " for each in connection.scopes)),
    ]
    unused = notice(Tone.WARNING, "<p>Not used for 90 days.</p>") if is_unused else ""
    return (
        f'<div class="head"><h2>{escape(workspace.name)}</h2>{chip(state.tone, state.word)}</div>'
        f"{unused}{facts(known)}{_answer(reader, review, shown) if may_decide else ''}"
    )


def _answer(reader: Reader, review: Review, shown: ShownItem) -> str:
    """Makes one form with a note and both answers."""
    connection_id = shown.item.connection_id
    field, name = f"note-{connection_id}", shown.workspace.name
    needed = button("It is needed", None, "step", ATTEST, about=name)
    disconnect = button("Disconnect", Tone.PLAIN, "step", REVOKE, about=name)
    return (
        f'<form method="post" action="{escape(path_of(review))}">{hidden(form_token.FIELD, reader.token)}'
        f'{hidden("connection", connection_id)}<div class="field"><label for="{field}">Why</label>'
        f'<input id="{field}" name="note" maxlength="200" autocomplete="off" required></div>'
        f"{buttons(needed, disconnect)}</form>"
    )


def _said(reader: Reader, shown: ShownItem) -> tuple[str, ...]:
    item = shown.item
    return (
        escape(shown.workspace.name),
        chip(*_WORDS[item.decision]),
        escape(reader.name_of(item.decided_by)),
        say_time(item.decided_at, reader.now, never=""),
        escape(item.note),
    )


def _end(reader: Reader, shown: ShownReview) -> str:
    if not reader.may_manage or shown.review.closed_at is not None:
        return ""
    close = parts.form(path_of(shown.review), reader.token, "", CLOSE, label="Close the review", tone=Tone.PLAIN)
    return f"<section><h2>Close it</h2><p>It closes by itself when it is due.</p>{close}</section>"


def ask_to_close(reader: Reader, shown: ShownReview) -> str:
    """Asks once, and says what is suspended."""
    left = shown.counts[ReviewDecision.OPEN]
    number = f"{left:,} connections have" if left != 1 else "1 connection has"
    lost = f"{number} no answer. Nothing is sent there until somebody says that it is needed."
    path = path_of(shown.review)
    close = parts.form(path, reader.token, "", CLOSE_NOW, label="Close and suspend", tone=Tone.DANGER)
    return document(
        reader.frame._replace(is_wide=False),
        "Close the review?",
        notice(Tone.WARNING, f"<p>{escape(lost)}</p>") + buttons(close, link_button(path, "Go on with it", Tone.PLAIN)),
    )


def ask_to_revoke(reader: Reader, review: Review, workspace: ShownWorkspace, said: Mapping[str, str]) -> str:
    """Asks once, and names what is lost; `said` is what the form carried."""
    kept = "".join(hidden(name, said.get(name, "")) for name in ("connection", "note"))
    path = path_of(review)
    erase = parts.form(path, reader.token, kept, REVOKE_NOW, label="Disconnect and erase", tone=Tone.DANGER)
    lost = (
        f"<ul><li>The app loses its access to {escape(workspace.name)}.</li><li>Its token and everything stored for it "
        "are erased, backups included.</li><li>This answer stays in the review.</li></ul>"
    )
    return document(
        reader.frame._replace(is_wide=False),
        f"Disconnect {workspace.name}?",
        notice(Tone.WARNING, "<p>This cannot be undone.</p>")
        + lost
        + buttons(erase, link_button(path, "Go back", Tone.PLAIN)),
    )


def path_of(review: Review) -> str:
    """Makes the address of a review's page."""
    return f"{REVIEWS_PATH}/{quote(review.id, safe='')}"


def _date(review: Review) -> str:
    return parts.say_date(review.opened_at)
