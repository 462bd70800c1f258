"""When a token that Slack refuses is dead, and how long it pauses before."""

import pytest

from slackapp.checks import token_refusals
from slackapp.checks.token_refusals import FOREIGN_TOKEN, INVALID_AUTH, MAX_PAUSE, MIN_CONTRADICTIONS, MIN_PAUSE
from slackapp.model import BOT, Sealed, Tenant, Token

NOW = 1_800_000_000
TOKEN = Token(Tenant("T", "T0NORTH001"), BOT, 1, Sealed(b""), None, (), 0, 0, None, None, "live", "")


@pytest.mark.parametrize(("installed", "most"), [(0, 3), (1, 3), (39, 3), (40, 4), (199, 19), (200, 20), (100_000, 20)])
def test_a_tenth_may_fail_but_never_fewer_than_three_nor_more_than_twenty(installed: int, most: int) -> None:
    assert token_refusals.failing_limit(installed) == most


def test_a_token_pauses_as_long_as_it_has_been_refused_already_a_minute_to_an_hour() -> None:
    token, now, waits = TOKEN, NOW, []
    for _ in range(9):
        token = token_refusals.refused_again(token, INVALID_AUTH, now, contradicted=False)
        waits.append(token_refusals.pause_seconds_left(token, now))
        now = token.paused_until
        assert token_refusals.pause_seconds_left(token, now - 1) == 1
        assert token_refusals.pause_seconds_left(token, now) == 0
    assert waits == [MIN_PAUSE, 60, 120, 240, 480, 960, 1920, MAX_PAUSE, MAX_PAUSE]
    assert (token.refused_since, token.contradicted, token.reason) == (NOW, 0, INVALID_AUTH)


def test_a_clock_that_is_set_back_leaves_no_token_waiting_for_that_day() -> None:
    token = token_refusals.refused_again(TOKEN, INVALID_AUTH, NOW, contradicted=False)
    before = NOW - 86_400
    assert token_refusals.pause_seconds_left(token, before) == 0
    again = token_refusals.refused_again(token, INVALID_AUTH, before, contradicted=False)
    assert (again.refused_since, token_refusals.pause_seconds_left(again, before)) == (before, MIN_PAUSE)


def test_a_token_that_serves_does_not_pause() -> None:
    assert token_refusals.pause_seconds_left(TOKEN._replace(paused_until=NOW + 10), NOW) == 0


@pytest.mark.claim("C-79")
def test_a_clear_word_counts_at_once_and_any_other_only_against_contradiction() -> None:
    for contradicted in range(MIN_CONTRADICTIONS):
        assert not token_refusals.ends_token(TOKEN._replace(contradicted=contradicted), is_clear=False)
    assert token_refusals.ends_token(TOKEN._replace(contradicted=MIN_CONTRADICTIONS), is_clear=False)
    assert token_refusals.ends_token(TOKEN, is_clear=True)


@pytest.mark.claim("C-79")
@pytest.mark.parametrize(
    ("status", "reason", "erases"),
    [
        ("dead", "token_revoked", True),
        ("dead", "account_inactive", True),
        ("dead", "refresh_refused", True),
        ("dead", INVALID_AUTH, False),
        ("dead", FOREIGN_TOKEN, False),
        ("dead", "", False),  # of an earlier release, which did not note why
        ("live", "token_revoked", False),
        ("refresh_refused", "invalid_refresh_token", False),
    ],
)
def test_only_a_token_that_died_by_a_clear_word_confirms_an_uninstall(status: str, reason: str, erases: bool) -> None:
    assert token_refusals.confirms_uninstall(TOKEN._replace(status=status, reason=reason)) is erases
