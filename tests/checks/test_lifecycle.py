"""Whether an uninstall or a revocation is about the installation that we have now."""

from typing import Any

import pytest

from slackapp.checks.lifecycle import (
    LIFECYCLE_TYPES,
    UNDECIDED_SECONDS,
    Revocation,
    TimeVerdict,
    judge_by_time,
    parse_stored_revocation,
    read_revocation,
)
from slackapp.errors import Refusal
from tests.checks.helpers import refusal_of
from tests.support.world import holder_of

INSTALLED_AT = NOW = 1_800_000_000


@pytest.mark.parametrize(
    ("later", "verdict"),
    [
        (86_400, TimeVerdict.ACT),
        (301, TimeVerdict.ACT),
        (300, TimeVerdict.ASK),
        (1, TimeVerdict.ASK),
        (0, TimeVerdict.ASK),
        (-1, TimeVerdict.ASK),
        (-300, TimeVerdict.ASK),
        (-301, TimeVerdict.IGNORE),
        (-86_400, TimeVerdict.IGNORE),
    ],
)
def test_time_alone_decides_only_beyond_300_seconds(later: int, verdict: TimeVerdict) -> None:
    assert judge_by_time(INSTALLED_AT + later, INSTALLED_AT, NOW) is verdict


@pytest.mark.claim("C-60")
def test_the_repeat_of_an_old_uninstall_does_not_erase_the_new_installation() -> None:
    """I removed the app, installed it again, and Slack now repeats what it could not deliver hours ago."""
    assert judge_by_time(INSTALLED_AT - 3600, INSTALLED_AT, NOW) is TimeVerdict.IGNORE


@pytest.mark.claim("C-98")
def test_an_install_under_a_clock_that_was_a_day_ahead_is_asked_about_until_that_day() -> None:
    found = [
        judge_by_time(NOW, NOW + ahead, NOW)
        for ahead in (86_400, UNDECIDED_SECONDS + 1, UNDECIDED_SECONDS, -UNDECIDED_SECONDS - 1)
    ]
    assert found == [TimeVerdict.ASK] * 3 + [TimeVerdict.ACT]
    assert judge_by_time(NOW - 86_400, NOW + UNDECIDED_SECONDS, NOW) is TimeVerdict.IGNORE


def test_two_types_of_event_take_something_away() -> None:
    assert sorted(LIFECYCLE_TYPES) == ["app_uninstalled", "tokens_revoked"]


@pytest.mark.parametrize("event", [{}, {"tokens": {"oauth": ["U0PERSON01"]}}, {"tokens": "x"}])
def test_an_uninstall_takes_everything_whatever_else_it_says(event: dict[str, Any]) -> None:
    assert read_revocation("app_uninstalled", event) == Revocation(everything=True, bot=False, users=())


BOTS = Revocation(False, True, (), ("U0BOT00001",))
BOTH = Revocation(False, True, ("U0PERSON01",), ("U0BOT00001",))
REVOKED: dict[str, tuple[dict[str, Any], Revocation]] = {
    "a person's": ({"oauth": ["U0PERSON01"]}, Revocation(False, False, ("U0PERSON01",))),
    "two people's": ({"oauth": ["W0PERSON01", "U0PERSON02"]}, Revocation(False, False, ("W0PERSON01", "U0PERSON02"))),
    "one person's twice": ({"oauth": ["U0PERSON01", "U0PERSON01"]}, Revocation(False, False, ("U0PERSON01",))),
    "the bot's": ({"bot": ["U0BOT00001"]}, BOTS),
    "both": ({"oauth": ["U0PERSON01"], "bot": ["U0BOT00001"]}, BOTH),
    "the bot's, with an empty list beside it": ({"oauth": [], "bot": ["U0BOT00001"]}, BOTS),
    "a person's, with null beside it": (
        {"oauth": ["U0PERSON01"], "bot": None},
        Revocation(False, False, ("U0PERSON01",)),
    ),
    "nobody's": ({}, Revocation(False, False, ())),
    "nobody's, in empty lists": ({"oauth": [], "bot": []}, Revocation(False, False, ())),
}


@pytest.mark.parametrize(("tokens", "revocation"), REVOKED.values(), ids=REVOKED)
def test_a_revocation_takes_what_it_names_and_no_more(tokens: dict[str, Any], revocation: Revocation) -> None:
    assert read_revocation("tokens_revoked", {"tokens": tokens}) == revocation


BAD: dict[str, dict[str, Any]] = {
    "no tokens": {},
    "tokens null": {"tokens": None},
    "tokens a list": {"tokens": ["U0PERSON01"]},
    "list a string": {"tokens": {"oauth": "U0PERSON01"}},
    "list an object": {"tokens": {"oauth": {"U0PERSON01": 1}}},
    "a token instead of an id": {"tokens": {"oauth": ["xoxp-1"]}},
    "an id of a team": {"tokens": {"oauth": ["T0NORTH001"]}},
    "a number": {"tokens": {"oauth": ["U0PERSON01", 7]}},
    "a list inside": {"tokens": {"oauth": [["U0PERSON01"]]}},
    "a bad bot": {"tokens": {"bot": ["B0BOT00001"]}},
    "a bad bot beside a good person": {"tokens": {"oauth": ["U0PERSON01"], "bot": [None]}},
}


@pytest.mark.parametrize("event", BAD.values(), ids=BAD)
def test_a_malformed_revocation_is_refused(event: dict[str, Any]) -> None:
    assert refusal_of(lambda: read_revocation("tokens_revoked", event)) is Refusal.EVENT


STORED = {
    "everything": Revocation(True, False, ()),
    "": Revocation(False, False, ()),
    "bot": Revocation(False, True, ()),
    "U0PERSON01": Revocation(False, False, ("U0PERSON01",)),
    "bot,U0PERSON01,W0PERSON02": Revocation(False, True, ("U0PERSON01", "W0PERSON02")),
}


@pytest.mark.parametrize("kept", STORED)
def test_a_revocation_is_kept_as_ids_and_read_back_the_same(kept: str) -> None:
    assert str(STORED[kept]) == kept
    assert parse_stored_revocation(kept) == STORED[kept]


@pytest.mark.parametrize(
    ("kept", "named"),
    [
        ("everything", ["", "U0PERSON01", "W0PERSON02"]),
        ("bot", [""]),
        ("U0PERSON01", ["U0PERSON01"]),
        ("bot,W0PERSON02", ["", "W0PERSON02"]),
        ("", []),
    ],
)
def test_a_revocation_names_the_tokens_that_it_takes_and_no_others(kept: str, named: list[str]) -> None:
    """I revoke my own token, so that the bot's or my neighbour's goes with it."""
    revocation = parse_stored_revocation(kept)
    assert [user for user in ("", "U0PERSON01", "W0PERSON02") if revocation.covers(holder_of(user))] == named
