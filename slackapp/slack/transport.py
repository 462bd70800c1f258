"""slack_sdk's client, held to our transport rules.

Stops:   a token sent on to where a redirect points; a call repeated by the library (a code or a refresh token works
         once); an endless or huge answer; a proxy from the environment reading tokens; an answer, and a token in it,
         that the library logs because it could not parse it; a limited rate that is taken for a broken answer.
How:     one opener without redirects and without proxies, with one deadline for all of a call; the status and the body
         are judged here, before the library's own reading of them.
Does not stop: a Slack that takes 10 s for every call.
Read:    docs.slack.dev/tools/python-slack-sdk; RFC 6585 section 4 (429)
"""

import http.client
import json
import logging
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from slack_sdk import WebClient

from slackapp.slack.deadline import NotConnectedError, PlainHandler, TlsHandler

TIMEOUT = 10
"""Seconds for all of a call, from the look-up of the name to the last byte of the answer; below every lease."""
ANSWER_LIMIT = 256 * 1024
"""Bytes."""
TOO_MANY_REQUESTS = 429
_LIMITED = '{"ok": false, "error": "ratelimited"}'


class UnreachableError(Exception):
    """Missing or broken response of Slack.

    Slack may have done the work, but where `connected` is false: then nothing was sent.
    """

    def __init__(self, connected: bool) -> None:
        super().__init__("no whole answer")
        self.connected = connected


class UnreadableAnswerError(Exception):
    """Response that is no answer of the Web API."""

    def __init__(self, status: int) -> None:
        super().__init__("an answer that cannot be read")
        self.status = status


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(
    # claim: C-24
    _NoRedirect,
    # claim: C-24
    urllib.request.ProxyHandler({}),
    # claim: C-84
    PlainHandler(),
    # claim: C-84
    TlsHandler(),
)


class Transport(WebClient):
    """Transport of one call: one request, one bounded answer."""

    def __init__(self, base_url: str) -> None:
        logger = logging.getLogger("slackapp.slack_sdk")
        # claim: C-20
        logger.setLevel(logging.CRITICAL + 1)  # the library logs what it cannot parse, and tokens may be in it
        super().__init__(base_url=base_url, timeout=TIMEOUT, retry_handlers=[], logger=logger)
        self.proxy = None  # the constructor takes one from the environment

    def _perform_urllib_http_request_internal(self, url: str, req: urllib.request.Request) -> dict[str, Any]:
        status, headers, body = _exchange(req)
        if status == TOO_MANY_REQUESTS:
            return {"status": status, "headers": headers, "body": _LIMITED}
        try:
            text = body.decode("utf-8")
            data = json.loads(text)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict) or not isinstance(data.get("ok"), bool):
            raise UnreadableAnswerError(status)
        return {"status": status, "headers": headers, "body": text}


def post_json(url: str, message: Mapping[str, Any]) -> tuple[int, Mapping[str, str]]:
    """Posts to an address that was checked before; returns the answer's status and headers. Raises UnreachableError."""
    return post_bytes(url, json.dumps(message).encode(), {"Content-Type": "application/json; charset=utf-8"})


def post_bytes(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str]]:
    """Posts these very bytes, as `post_json` posts a message. Raises UnreachableError."""
    request = urllib.request.Request(url, body, dict(headers), method="POST")  # noqa: S310
    try:
        return _exchange(request)[:2]
    except UnreadableAnswerError as error:
        return error.status, {}  # too long an answer; its status is all that counts


def post_for_text(url: str, message: Mapping[str, Any]) -> tuple[int, Mapping[str, str], str]:
    """Posts as `post_json`; returns the text of the answer, too, or "" for one too long. Raises UnreachableError."""
    headers = {"Content-Type": "application/json; charset=utf-8"}
    request = urllib.request.Request(url, json.dumps(message).encode(), headers, method="POST")  # noqa: S310
    try:
        status, answered, body = _exchange(request)
    except UnreadableAnswerError as error:
        return error.status, {}, ""
    return status, answered, body.decode("utf-8", "replace")


def _exchange(request: urllib.request.Request) -> tuple[int, dict[str, str], bytes]:
    try:
        try:
            answer = _OPENER.open(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            answer = error  # an answer all the same
        with answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            # claim: C-85
            if answer.status == TOO_MANY_REQUESTS:
                return answer.status, headers, b""  # whatever follows, it is a page of whoever limits us
            body = b""
            # The body, or one byte more than the limit.
            while len(body) <= ANSWER_LIMIT and (chunk := answer.read1(ANSWER_LIMIT + 1 - len(body))):
                body += chunk
    except urllib.error.URLError as error:
        raise UnreachableError(not isinstance(error.reason, NotConnectedError)) from None
    except (OSError, http.client.HTTPException):
        raise UnreachableError(connected=True) from None
    # claim: C-65
    if len(body) > ANSWER_LIMIT:
        raise UnreadableAnswerError(answer.status)
    promised = headers.get("content-length", "")
    if promised.isdecimal() and (len(promised) > 15 or len(body) < int(promised)):
        raise UnreachableError(connected=True)  # read1() does not tell that the connection ended early
    return answer.status, headers, body
