"""The caller is the operator."""

import pytest

from slackapp.checks.operator_token import verify_operator
from slackapp.errors import Refusal
from slackapp.model import Secret
from tests.checks.helpers import accepts, refusal_of

TOKEN = "an-operator-token-of-forty-characters-xx"
RIGHT = f"Bearer {TOKEN}"
BAD = {
    "nothing": "",
    "the token alone": TOKEN,
    "another token": "Bearer another-operator-token-of-forty-characters",
    "one character less": RIGHT[:-1],
    "one character more": RIGHT + "x",
    "other case": f"Bearer {TOKEN.upper()}",
    "scheme in other case": f"bearer {TOKEN}",
    "another scheme": f"Basic {TOKEN}",
    "no space": f"Bearer{TOKEN}",
    "two spaces": f"Bearer  {TOKEN}",
    "tab": f"Bearer\t{TOKEN}",
    "space after": RIGHT + " ",
    "line feed after": RIGHT + "\n",
    "sent twice, joined": f"{RIGHT}, {RIGHT}",
    "empty token": "Bearer ",
    "not ASCII": "Bearer é" + TOKEN,
    "too long": "Bearer " + "x" * 513,
}


def test_the_operator_is_let_in() -> None:
    assert accepts(lambda: verify_operator(RIGHT, "", Secret(TOKEN)))
    assert accepts(lambda: verify_operator(RIGHT, "team=T0NORTH001&x", Secret(TOKEN)))


def test_a_token_of_512_characters_is_let_in() -> None:
    assert accepts(lambda: verify_operator("Bearer " + "x" * 512, "", Secret("x" * 512)))


@pytest.mark.parametrize("authorization", BAD.values(), ids=BAD)
@pytest.mark.claim("C-73")
def test_nobody_else_is_the_operator(authorization: str) -> None:
    """I guess the operator's token, or send something that compares equal to it in some reading."""
    assert refusal_of(lambda: verify_operator(authorization, "", Secret(TOKEN))) is Refusal.OPERATOR


@pytest.mark.parametrize("authorization", ["", "Bearer ", RIGHT, "Bearer None"])
@pytest.mark.claim("C-73")
def test_without_a_configured_token_nobody_is_the_operator(authorization: str) -> None:
    """I call an installation that has no operator, with no token, so that nothing is compared with nothing."""
    assert refusal_of(lambda: verify_operator(authorization, "", None)) is Refusal.OPERATOR


@pytest.mark.parametrize(
    "query",
    [f"token={TOKEN}", f"team=T1&token={TOKEN}", f"access_token={TOKEN}", f"BEARER={TOKEN}", "token=", "token"],
)
@pytest.mark.parametrize("authorization", ["", RIGHT])
@pytest.mark.claim("C-73")
def test_a_token_in_the_address_is_refused_even_when_it_is_right(query: str, authorization: str) -> None:
    refused = refusal_of(lambda: verify_operator(authorization, query, Secret(TOKEN)))
    assert refused is Refusal.TOKEN_IN_QUERY
