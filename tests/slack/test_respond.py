"""A post to a response_url goes through the same choke point as every call: not in a transaction, not redirected."""

import pytest

from slackapp.errors import SlackCallError, SlackErrorKind, TransactionOpenError
from slackapp.model import Secret
from tests.slack.conftest import MakeCaller
from tests.slack.servers import http, raw

CALLS = "slackapp_slack_calls_total"


@pytest.mark.claim("C-53")
def test_nothing_is_posted_inside_a_transaction(caller_of: MakeCaller) -> None:
    with raw(http(b"ok")) as slack:
        caller = caller_of(slack.url)
        caller.state["open"] = True
        with pytest.raises(TransactionOpenError):
            caller.client.respond(f"{slack.url}/commands/1", {"text": "x"})
        with pytest.raises(TransactionOpenError):
            caller.client.post_webhook(Secret(f"{slack.url}/services/1"), {"text": "x"}, lambda *answer: "")
        assert slack.requests == []


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        ("201 X", "refused", SlackErrorKind.BAD_REQUEST), ("302 X", "refused", SlackErrorKind.BAD_REQUEST),
        ("404 X", "refused", SlackErrorKind.BAD_REQUEST), ("429 X", "ratelimited", SlackErrorKind.RATE_LIMITED),
        ("500 X", "server_error", SlackErrorKind.TRANSIENT), ("503 X", "server_error", SlackErrorKind.TRANSIENT),
    ],
)  # fmt: skip
def test_what_is_no_200_is_sorted_and_counted(
    caller_of: MakeCaller, status: str, code: str, kind: SlackErrorKind
) -> None:
    with raw(http(b"x", status, "Location: http://127.0.0.1:1/x\r\n")) as slack:
        caller = caller_of(slack.url)
        with pytest.raises(SlackCallError) as caught:
            caller.client.respond(f"{slack.url}/commands/1", {"text": "x"})
    assert (caught.value.method, caught.value.code, caught.value.kind) == ("response_url", code, kind)
    assert caller.metrics.value(CALLS, {"method": "response_url", "result": code}) == 1


@pytest.mark.parametrize(("claimed", "wait"), [("60", 60), ("0", 1), ("soon", 30), ("9" * 20, 3600), (None, 30)])
@pytest.mark.claim("C-85")
def test_a_limited_rate_says_how_long_to_wait(caller_of: MakeCaller, claimed: str | None, wait: int) -> None:
    headers = f"Retry-After: {claimed}\r\n" if claimed is not None else ""
    with raw(http(b"<h1>slow down</h1>", "429 X", headers)) as slack, pytest.raises(SlackCallError) as caught:
        caller_of(slack.url).client.respond(f"{slack.url}/commands/1", {"text": "x"})
    assert (caught.value.kind, caught.value.retry_after) == (SlackErrorKind.RATE_LIMITED, wait)


def test_a_200_is_counted_and_its_body_is_nothing_to_us(caller_of: MakeCaller) -> None:
    with raw(http(b"\xff" * 300_000)) as slack:
        caller = caller_of(slack.url)
        caller.client.respond(f"{slack.url}/commands/1", {"text": "x"})
    assert caller.metrics.value(CALLS, {"method": "response_url", "result": "ok"}) == 1


def test_the_address_is_in_no_exception(caller_of: MakeCaller) -> None:
    """Who has it can post in the app's name."""
    with raw(http(b"x", "404 X")) as slack, pytest.raises(SlackCallError) as caught:
        caller_of(slack.url).client.respond(f"{slack.url}/commands/canary", {"text": "canary"})
    assert "canary" not in str(caught.value) + repr(caught.value.__dict__)
