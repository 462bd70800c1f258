"""Lines of the verification: each promise of connecting, with what must have been seen for it to hold."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from slackapp.model import HOST_CALLBACK_PATH, Settings

OVERDUE, UNVAULTED = "attempts that are long over", "connections without their token"
STORED = (OVERDUE, UNVAULTED)
"""What is looked for among the rows of this deployment's own database."""
FORGED, UNPROVED = "a forged state at the running service", "without a token at the running service"
RUNNING = (FORGED, UNPROVED)
"""What is asked of the running service."""
BROKEN_OFF = "an act that broke off"
"""Under which stands the type of an exception; what that act would have seen is missing."""


class VerificationLine(NamedTuple):
    """Line of the verification: a promise, and under which words what is expected."""

    item: str
    expected: Mapping[str, str]


class LineResult(NamedTuple):
    """Result of a line: number, promise, and what is wrong, each with what was seen and what was expected."""

    number: int
    item: str
    wrong: tuple[str, ...]


_LINES = (
    VerificationLine("a state is kept as a hash, with its end", {
        "a state is kept as its hash": "yes",
        OVERDUE: "0",
    }),
    VerificationLine("the way back takes one state with a code or an error", {
        "a way back with nothing": "invalid_state",
        "a way back with a state and no code": "invalid_state",
        "a way back with a code and an error": "invalid_state",
        "an attempt after that": "pending",
    }),
    VerificationLine("a code is exchanged once", {"exchanges for one code": "1"}),
    VerificationLine("the token lies in the vault, and nowhere in clear", {
        "its token is in the vault": "yes",
        "secrets were issued": "yes",
        "tokens in clear on the disk": "0",
        UNVAULTED: "0",
    }),
    VerificationLine("a connection is active once its member has confirmed", {
        "granted, and not confirmed": "quarantined",
        "the way to confirm": "yes",
        "confirmed": "success",
        "a connection that was confirmed": "active",
        "what the organization is shown": "active",
    }),
    VerificationLine("metadata is gone once an attempt has ended", {
        "metadata of a connection": "gone",
        "metadata of a declined attempt": "gone",
    }),
    VerificationLine("an attempt ends after fifteen minutes", {
        "a state lasts fifteen minutes at most": "yes",
        "a way back that is late": "invalid_state",
        "a late attempt": "yes",
    }),
    VerificationLine("a state that is forged, or was used, connects nothing", {
        "a way back with a forged state": "invalid_state",
        "the same state again": "success",
        FORGED: "invalid_state",
    }),
    VerificationLine("nobody sees, ends or takes another organization's", {
        "what another organization is shown": "none",
        "the same by its id": "404 NOT_FOUND",
        "disconnected by another organization": "404 NOT_FOUND",
        UNPROVED: "401",
    }),
    VerificationLine("no answer holds a token", {"answers with a token": "0"}),
    VerificationLine("what was disconnected is out of reach", {
        "disconnected": "200",
        "shown after that": "none",
        "by its id after that": "404 NOT_FOUND",
        "its channels after that": "404 INTEGRATION_NOT_FOUND",
    }),
    VerificationLine("who declines at Slack is told so", {"declined at Slack": "access_denied"}),
    VerificationLine("where Slack does not answer, a status says so", {
        "an exchange without an answer": "exchange_failed",
        "a call without an answer": "502 SLACK_ERROR",
    }),
)  # fmt: skip


def make_lines(settings: Settings) -> tuple[VerificationLine, ...]:
    """Makes the lines for these settings."""
    return (
        VerificationLine("the address at Slack names client, scopes, way back and state", {
            "client id of the address": settings.client_id,
            "scopes of the address": ",".join(settings.bot_scopes),
            "way back of the address": settings.public_url + HOST_CALLBACK_PATH,
            "consent page of the address": settings.slack.authorize,
        }),
        *_LINES,
        VerificationLine("a workspace is connected once", {
            "connected by another organization": "workspace_taken",
            "connected twice": "409 INTEGRATION_EXISTS" if settings.host_workspaces == 1 else "INTEGRATION_EXISTS",
        }),
        VerificationLine("what is not there is answered 404", {
            "disconnecting nothing": "404 INTEGRATION_NOT_FOUND",
            "a connection that is not there": "404 NOT_FOUND",
        }),
    )  # fmt: skip


def run(lines: Iterable[VerificationLine], seen: Mapping[str, str], not_looked_at: Iterable[str]) -> list[LineResult]:
    """Judges what was seen; what could not be looked at, and is named so, counts neither way."""
    left_out = frozenset(not_looked_at)
    return [
        LineResult(number, line.item, tuple(_wrong(line, seen, left_out))) for number, line in enumerate(lines, start=1)
    ]


def _wrong(line: VerificationLine, seen: Mapping[str, str], left_out: frozenset[str]) -> Iterable[str]:
    for words, expected in line.expected.items():
        found = seen.get(words) or " after ".join(filter(None, ("nothing", seen.get(BROKEN_OFF))))
        if words not in left_out and found != expected:
            yield f"{words}: {found}, not {expected}"
