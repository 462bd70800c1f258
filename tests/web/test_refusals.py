"""What a refusal looks like: the same bytes for every input of its class."""

import json
from collections import defaultdict
from collections.abc import Callable

import pytest

from slackapp.errors import Refusal, Refused
from slackapp.web.components import Frame
from slackapp.web.refusals import refusal_data, refusal_page
from slackapp.web.response import Response

Answer = Callable[[Refused, Frame], Response]
FRAME = Frame("app", "p1-2")

BY_CODE: defaultdict[str, list[Refusal]] = defaultdict(list)
for _member in Refusal:
    BY_CODE[_member.code].append(_member)


@pytest.mark.parametrize("refusal", Refusal, ids=lambda refusal: refusal.name)
def test_a_program_gets_the_code_and_nothing_else(refusal: Refusal) -> None:
    response = refusal_data(Refused(refusal), FRAME)
    assert response.status == refusal.status
    assert json.loads(response.body) == {"error": refusal.code}
    assert response.content_type == "application/json; charset=utf-8"


def test_a_program_is_told_where_the_app_is_installed_again_where_that_helps() -> None:
    url = "https://app.example.com/slack/install?team=T0NORTH001"
    response = refusal_data(Refused(Refusal.NEEDS_REINSTALL, install_url=url), FRAME)
    assert response.status == 409
    assert json.loads(response.body) == {"error": "needs_reinstall", "install_url": url}


@pytest.mark.parametrize("refusal", Refusal, ids=lambda refusal: refusal.name)
def test_a_person_gets_the_sentence(refusal: Refusal) -> None:
    response = refusal_page(Refused(refusal), FRAME)
    assert response.status == refusal.status
    assert f"<p>{refusal.sentence}</p>".replace("'", "&#x27;") in response.body.decode()
    assert response.content_type == "text/html; charset=utf-8"


@pytest.mark.parametrize("answer", [refusal_page, refusal_data])
@pytest.mark.parametrize("code", BY_CODE)
def test_refusals_that_share_a_code_answer_with_the_same_bytes(code: str, answer: Answer) -> None:
    """I compare two answers, to learn which of your checks I have passed already."""
    answers = [answer(Refused(refusal), FRAME) for refusal in BY_CODE[code]]
    assert len({(response.status, response.body) for response in answers}) == 1


def test_each_refusal_has_its_own_name_in_the_audit() -> None:
    assert len({refusal.audit for refusal in Refusal}) == len(Refusal)


@pytest.mark.parametrize("answer", [refusal_page, refusal_data])
def test_a_refusal_sends_retry_after_allow_and_www_authenticate(answer: Answer) -> None:
    def headers(refused: Refused) -> dict[str, str]:
        return dict(answer(refused, FRAME).headers)

    assert headers(Refused(Refusal.NOT_FOUND)) == {}
    assert headers(Refused(Refusal.BUSY, retry_after=5)) == {"Retry-After": "5"}
    assert headers(Refused(Refusal.RATE, retry_after=0)) == {"Retry-After": "0"}
    assert headers(Refused(Refusal.METHOD, allow="GET, HEAD")) == {"Allow": "GET, HEAD"}
    assert headers(Refused(Refusal.OPERATOR)) == {"WWW-Authenticate": "Bearer"}


def test_a_refusal_carries_nothing_of_the_request() -> None:
    refused = Refused(Refusal.STATE_FORGED, retry_after=3, allow="GET")
    assert (str(refused), refused.args) == ("STATE_FORGED", ("STATE_FORGED",))


@pytest.mark.parametrize("refusal", Refusal, ids=lambda refusal: refusal.name)
def test_only_a_busy_moment_or_slack_is_a_5xx(refusal: Refusal) -> None:
    """I look for a request of mine that counts as a failure of yours."""
    of_the_moment = {"busy", "not_stored", "token_unavailable", "key_unavailable", "frozen", "slack_unreachable"}
    assert (refusal.status >= 500) is (refusal.code in of_the_moment | {"grant_malformed"})
