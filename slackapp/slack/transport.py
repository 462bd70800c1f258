"""slack_sdk's client, held to our transport rules.

Stops:   a token sent on to where a redirect points; a call repeated by the library (a code or a refresh token works
         once); an endless or huge answer; a proxy from the environment reading tokens; an answer, and a token in it,
         that the library logs because it could not parse it.
How:     one opener without redirects and without proxies; the status and the body are judged here, before the
         library's own reading of them.
Does not stop: an answer that trickles: the 10 s are per read, and the size is bounded.
Read:    docs.slack.dev/tools/python-slack-sdk
"""

import http.client
import json
import logging
import urllib.error
import urllib.request
from typing import Any, NoReturn

from slack_sdk import WebClient

TIMEOUT = 10
"""Seconds for connecting, and for each read."""
ANSWER_LIMIT = 256 * 1024
"""Bytes."""


class UnreachableError(Exception):
    """No whole answer came. Slack may have done the work."""


class UnreadableAnswerError(Exception):
    """Something came that is no answer of the Web API."""

    def __init__(self, status: int) -> None:
        super().__init__("an answer that cannot be read")
        self.status = status


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


class Transport(WebClient):
    """One call, one request, one bounded answer."""

    def __init__(self, base_url: str) -> None:
        logger = logging.getLogger("slackapp.slack_sdk")
        logger.setLevel(logging.CRITICAL + 1)  # the library logs what it cannot parse, and tokens may be in it
        super().__init__(base_url=base_url, timeout=TIMEOUT, retry_handlers=[], logger=logger)
        self.proxy = None  # the constructor takes one from the environment

    def _perform_urllib_http_request_internal(self, url: str, req: urllib.request.Request) -> dict[str, Any]:
        status, headers, body = _exchange(req)
        try:
            data = json.loads(body)
        except ValueError:
            data = None
        if not isinstance(data, dict) or not isinstance(data.get("ok"), bool):
            raise UnreadableAnswerError(status)
        return {"status": status, "headers": headers, "body": body.decode("utf-8")}


def _exchange(request: urllib.request.Request) -> tuple[int, dict[str, str], bytes]:
    try:
        try:
            answer = _OPENER.open(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            answer = error  # an answer all the same
        with answer:
            body = answer.read(ANSWER_LIMIT + 1)
            headers = {name.lower(): value for name, value in answer.headers.items()}
            promised = headers.get("content-length")
            if promised is not None and promised.isdecimal() and len(body) < min(int(promised), ANSWER_LIMIT):
                _unreachable()  # read(n) does not tell that the connection ended early
    except (OSError, http.client.HTTPException):
        # URLError is an OSError; so are a refused connection, a failed handshake and a timeout.
        _unreachable()
    if len(body) > ANSWER_LIMIT:
        raise UnreadableAnswerError(answer.status)
    return answer.status, headers, body


def _unreachable() -> NoReturn:
    raise UnreachableError from None
