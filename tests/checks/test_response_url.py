"""A response_url leads to Slack, or nothing is posted to it."""

from typing import Any

import pytest

from slackapp.checks.response_url import is_response_url

SLACK, LOCAL = "https://hooks.slack.com", "http://127.0.0.1:3001"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        (f"{SLACK}/commands/T0NORTH001/123/aB-c_d", SLACK),
        (f"{SLACK}/actions/T0NORTH001/1/x.y~z", SLACK),
        (f"{SLACK}/" + "a" * 1024, SLACK),
        (f"{LOCAL}/commands/T0NORTH001/1/ab", LOCAL),
    ],
)
def test_an_address_of_slack_is_a_response_url(url: str, origin: str) -> None:
    assert is_response_url(url, origin)


FOREIGN: dict[str, Any] = {
    "nothing": None, "empty": "", "a number": 7, "a list": [f"{SLACK}/x"], "bytes": f"{SLACK}/x".encode(),
    "another scheme": "http://hooks.slack.com/x", "a scheme in capitals": "HTTPS://hooks.slack.com/x",
    "a file": "file:///etc/passwd", "another host": "https://evil.example/x",
    "a host below another": "https://hooks.slack.com.evil.example/x", "a host above": "https://slack.com/x",
    "an inner address": "http://169.254.169.254/x", "ours as a user": "https://hooks.slack.com@evil.example/x",
    "a user": "https://me@hooks.slack.com/x", "a user and a password": "https://a:b@hooks.slack.com/x",
    "a port": "https://hooks.slack.com:8443/x", "the usual port, spelled out": "https://hooks.slack.com:443/x",
    "no path": SLACK, "only a slash": f"{SLACK}/", "a backslash": f"{SLACK}\\@evil.example/x",
    "a backslash in the path": f"{SLACK}/\\evil.example", "a fragment": f"{SLACK}/x#y", "a query": f"{SLACK}/x?to=evil",
    "an at sign": f"{SLACK}/x@evil.example", "a percent": f"{SLACK}/%2e%2e/x", "a blank": f"{SLACK}/x y",
    "a blank before": f" {SLACK}/x", "a line break": f"{SLACK}/x\n", "a header after": f"{SLACK}/x\r\nHost: evil",
    "a NUL": f"{SLACK}/x\x00", "a letter beyond ASCII": f"{SLACK}/é", "a digit beyond ASCII": f"{SLACK}/\u0661",
    "too long": f"{SLACK}/" + "a" * 1025,
}  # fmt: skip


@pytest.mark.parametrize("what", FOREIGN)
def test_no_other_address_is_a_response_url(what: str) -> None:
    assert not is_response_url(FOREIGN[what], SLACK)


def test_the_local_slack_is_an_address_only_where_it_is_the_slack() -> None:
    assert not is_response_url(f"{LOCAL}/commands/1", SLACK)
    assert not is_response_url("http://127.0.0.1:30010/commands/1", LOCAL)
    assert not is_response_url(f"{SLACK}/commands/1", LOCAL)
