"""What the API says to a refusal: a sentence, a code of a closed list and its status, and the field that is wrong."""

import json

import pytest

from slackapp.errors import Refusal, RefusalKind, Refused
from slackapp.host.answers import CODES, refusal_api
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.model import HostRefusedEvent
from slackapp.web.response import to_wsgi


@pytest.mark.parametrize("refusal", HostRefusal, ids=lambda refusal: refusal.name)
def test_each_refusal_of_the_host_side_has_a_code_of_the_list_with_its_status(refusal: HostRefusal) -> None:
    response = refusal_api(HostRefused(refusal, field="exp"))
    assert json.loads(response.body) == {
        "error": refusal.sentence, "code": refusal.code, "status": refusal.status, "field": "exp",
    }  # fmt: skip
    assert response.status == refusal.status == CODES[refusal.code]
    assert ("WWW-Authenticate", "Bearer") in response.headers or refusal.status != 401


@pytest.mark.parametrize("refusal", Refusal, ids=lambda refusal: refusal.name)
def test_each_refusal_of_the_core_has_one_too(refusal: RefusalKind) -> None:
    response = refusal_api(Refused(refusal, retry_after=7))
    body = json.loads(response.body)
    assert body == {"error": refusal.sentence, "code": body["code"], "status": response.status}
    assert CODES[body["code"]] == response.status
    assert ("Retry-After", "7") in response.headers
    to_wsgi(response, "r-1")


def test_what_the_core_refuses_means_the_same_here() -> None:
    meant = {
        Refusal.JSON: "BAD_REQUEST", Refusal.QUERY: "BAD_REQUEST", Refusal.MEDIA_TYPE: "BAD_REQUEST",
        Refusal.TOO_LARGE: "TOO_LARGE", Refusal.NOT_FOUND: "NOT_FOUND", Refusal.RATE: "RATE_LIMITED",
        Refusal.BUSY: "BUSY", Refusal.NEEDS_REINSTALL: "INTEGRATION_INACTIVE", Refusal.FROZEN: "TOKEN_UNAVAILABLE",
        Refusal.KEY_REVOKED: "TOKEN_UNAVAILABLE", Refusal.SLACK_UNREACHABLE: "SLACK_ERROR",
        Refusal.GRANT_MALFORMED: "SLACK_ERROR", Refusal.CAPABILITY: "FORBIDDEN",
    }  # fmt: skip
    assert {refusal: json.loads(refusal_api(Refused(refusal)).body)["code"] for refusal in meant} == meant


def test_each_refusal_has_its_own_name_in_the_audit() -> None:
    assert [refusal.audit for refusal in HostRefusal] == [HostRefusedEvent[refusal.name] for refusal in HostRefusal]
    assert {refusal.name for refusal in HostRefusal} == {event.name for event in HostRefusedEvent}


def test_the_key_is_not_told_from_the_mac() -> None:
    """I try ids of keys, to learn which you have."""
    assert refusal_api(HostRefused(HostRefusal.TOKEN_KEY)) == refusal_api(HostRefused(HostRefusal.TOKEN_FORGED))
