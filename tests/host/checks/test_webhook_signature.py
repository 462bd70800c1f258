"""Signatures of events to the host: known answers, and what the reference library says of ours."""

import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from slackapp.host.checks.webhook_signature import SIGNATURE_HEADER, signed_headers

# The example of the reference library's own documentation, and of the specification.
SECRET = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
EVENT_ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def library(secret: bytes) -> Webhook:
    return Webhook(f"whsec_{base64.b64encode(secret).decode()}")


@pytest.mark.claim("C-277")
def test_a_known_answer() -> None:
    assert signed_headers(EVENT_ID, AT, BODY, [SECRET]) == {
        "Webhook-Id": EVENT_ID, "Webhook-Timestamp": str(AT), SIGNATURE_HEADER: SIGNATURE,
    }  # fmt: skip


@pytest.mark.claim("C-277")
def test_the_reference_library_takes_it_by_either_secret() -> None:
    now = int(datetime.now(UTC).timestamp())
    body = '{"type":"connection.active","name":"ö"}'.encode()
    headers = dict(signed_headers("evt_1", now, body, [b"n" * 32, b"o" * 24]))
    for secret in (b"n" * 32, b"o" * 24):
        assert library(secret).verify(body, headers)["type"] == "connection.active"


@pytest.mark.claim("C-277")
@pytest.mark.parametrize("changed", ["id", "time", "body", "secret"])
def test_the_reference_library_refuses_what_was_changed(changed: str) -> None:
    now = int(datetime.now(UTC).timestamp())
    headers = dict(signed_headers("evt_1", now, b"{}", [b"n" * 32]))
    body, secret = b"{}", b"n" * 32
    if changed == "id":
        headers["Webhook-Id"] = "evt_2"
    elif changed == "time":
        headers["Webhook-Timestamp"] = str(now - 1)
    elif changed == "body":
        body = b"{ }"
    else:
        secret = b"m" * 32
    with pytest.raises(WebhookVerificationError):
        library(secret).verify(body, headers)
