"""Delivery of events: signed, within three seconds, with redirects and retries as Slack makes them.

Follows docs.slack.dev/apis/events-api (retries, headers, time limit) and
docs.slack.dev/authentication/verifying-requests-from-slack (signature).
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ssl
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urljoin, urlsplit

from slackapp.localslack.api import chat
from slackapp.localslack.model import Delivery, QueuedDelivery

if TYPE_CHECKING:
    from slackapp.localslack.server import LocalSlack

RETRY_AFTER = (0, 60, 300)
"""Seconds between a failed attempt and the next one."""
MAX_REDIRECTS = 2
MAX_ANSWER = 65_536
AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"


class DeliveryError(Exception):
    """An attempt that got no usable answer; carries the retry reason."""

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


def sign(secret: str, timestamp: int | str, body: bytes) -> str:
    """The value of X-Slack-Signature for a raw body."""
    base = b"v0:" + str(timestamp).encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def deliver_due(slack: LocalSlack) -> list[Delivery]:
    """Delivers what is due, one attempt after the other; what was attempted.

    No lock is held while the app is being called: its handler may call the Web API here at the same time.
    """
    done: list[Delivery] = []
    while (item := _claim(slack)) is not None:
        delivery, no_retry = _attempt(slack, item)
        _finish(slack, item, delivery, no_retry)
        done.append(delivery)
    return done


def _claim(slack: LocalSlack) -> QueuedDelivery | None:
    with slack.lock:
        now = slack.clock()
        due = [item for item in slack.state.queue if item.due <= now and item.serial not in slack.in_flight]
        if not due:
            return None
        item = min(due, key=lambda waiting: (waiting.due, waiting.serial))
        slack.in_flight.add(item.serial)
        return item


def _attempt(slack: LocalSlack, item: QueuedDelivery) -> tuple[Delivery, bool]:
    retry = {}
    if item.attempt > 1:
        retry = {"x-slack-retry-num": str(item.attempt - 1), "x-slack-retry-reason": item.reason}
    return send(
        slack,
        item.body.encode(),
        url=item.url,
        content_type=item.content_type,
        event_id=item.event_id,
        kind=item.type,
        attempt=item.attempt,
        headers=retry,
    )


def send(
    slack: LocalSlack,
    body: bytes,
    *,
    url: str,
    content_type: str,
    event_id: str = "",
    kind: str = "",
    attempt: int = 1,
    headers: dict[str, str] | None = None,
    timestamp: int | str | None = None,
    secret: str | None = None,
) -> tuple[Delivery, bool]:
    """Send one signed request now; the delivery, and whether the app asked for no retry.

    The timestamp and the signature are fresh for every attempt, unless given.
    """
    now = slack.clock()
    stamp = int(now) if timestamp is None else timestamp
    sent = {
        "Content-Type": content_type,
        "User-Agent": AGENT,
        "Accept": "application/json,*/*",
        "X-Slack-Request-Timestamp": str(stamp),
        "X-Slack-Signature": sign(slack.app.signing_secret if secret is None else secret, stamp, body),
        **(headers or {}),
    }
    status, text, reason, no_retry = 0, "", "", False
    try:
        status, text, no_retry = _post(url, body, sent, slack.delivery_timeout)
        reason = "" if 200 <= status < 300 else "http_error"
    except DeliveryError as failure:
        status, reason = failure.status, failure.reason
    text_sent = body.decode("utf-8", "replace")
    done = Delivery(event_id, status, attempt, text, type=kind, reason=reason, sent=text_sent, at=now)
    return done, no_retry and bool(reason)


def _finish(slack: LocalSlack, item: QueuedDelivery, delivery: Delivery, no_retry: bool) -> None:
    with slack.lock:
        slack.in_flight.discard(item.serial)
        slack.delivered.append(delivery)
        spent = item.attempt > len(RETRY_AFTER) or no_retry or not item.retries
        if not delivery.reason or spent:
            slack.state.queue = [waiting for waiting in slack.state.queue if waiting.serial != item.serial]
        else:
            item.due = slack.clock() + RETRY_AFTER[item.attempt - 1]
            item.attempt += 1
            item.reason = delivery.reason
        if item.type == "slash_command":
            late = delivery.reason == "http_timeout"
            chat.keep_answer(slack, parse_qs(item.body), delivery.status, delivery.body, late=late)
        slack.save()


def _post(url: str, body: bytes, headers: dict[str, str], limit: float) -> tuple[int, str, bool]:
    deadline = time.monotonic() + limit
    for _ in range(MAX_REDIRECTS + 1):
        status, text, answer = _exchange(url, body, headers, deadline)
        location = answer.get("location", "")
        if status not in (301, 302) or not location:
            return status, text, answer.get("x-slack-no-retry") == "1"
        url = urljoin(url, location)
    raise DeliveryError("too_many_redirects", status)


def _exchange(url: str, body: bytes, headers: dict[str, str], deadline: float) -> tuple[int, str, dict[str, str]]:
    left = max(deadline - time.monotonic(), 0.001)
    try:
        where = urlsplit(url)
        maker = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
        connection = maker(where.hostname or "", where.port, timeout=left)
    except (ValueError, http.client.InvalidURL):
        raise DeliveryError("unknown_error") from None
    try:
        connection.request("POST", (where.path or "/") + (f"?{where.query}" if where.query else ""), body, headers)
        answer = connection.getresponse()
        text = _read(answer, deadline)
        return answer.status, text, {name.lower(): value for name, value in answer.getheaders()}
    except TimeoutError:
        raise DeliveryError("http_timeout") from None
    except ssl.SSLError:
        raise DeliveryError("ssl_error") from None
    except OSError:
        raise DeliveryError("connection_failed") from None
    except (http.client.HTTPException, ValueError):
        raise DeliveryError("unknown_error") from None
    finally:
        connection.close()


def _read(answer: http.client.HTTPResponse, deadline: float) -> str:
    """The answer's body up to MAX_ANSWER bytes; a body that trickles past the time limit is a timeout too."""
    parts, size = [], 0
    while size < MAX_ANSWER and (part := answer.read1(4096)):
        if time.monotonic() > deadline:
            raise TimeoutError
        parts.append(part)
        size += len(part)
    return b"".join(parts)[:MAX_ANSWER].decode("utf-8", "replace")
