"""Client for Slack: the one choke point for calls.

No call is made while this thread has a database transaction open: a slow Slack would hold the lock that every other
request needs. What comes back is either the answer or one exception that says what the failure means.
"""

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from slackapp.checks.scopes import scope_set
from slackapp.checks.slack_errors import classify_error
from slackapp.errors import SlackCallError, SlackErrorKind, TransactionOpenError
from slackapp.model import Secret, Settings, SlackResponse
from slackapp.runtime.health import Health
from slackapp.runtime.metrics import Metrics

if TYPE_CHECKING:
    from slackapp.slack.transport import Transport

_MIN_WAIT, _DEFAULT_WAIT, _MAX_WAIT = 1, 30, 3600
"""Seconds that a limited rate is waited for: at least, when Slack does not say it in whole seconds, and at most."""
_RESPONSE_CODES = {200: "ok", 429: "ratelimited"}


_WEBHOOK = "incoming_webhook"
JudgeAnswer = Callable[[int, str], tuple[str, SlackErrorKind] | None]
"""Judges status and text of an answer: code and kind of a failure, or None."""


class SlackClient:
    """Calls methods of the Web API below `settings.slack.api`."""

    def __init__(
        self, settings: Settings, in_transaction: Callable[[], bool], metrics: Metrics, health: Health
    ) -> None:
        self._settings = settings
        self._health = health
        self._in_transaction = in_transaction
        self._metrics = metrics

    def call(self, method: str, token: Secret, params: Mapping[str, Any]) -> SlackResponse:
        """Calls a method on behalf of a token. Raises SlackCallError."""
        return self._request(method, params, {"Authorization": f"Bearer {token.reveal()}"}, None)

    def call_as_app(self, method: str, params: Mapping[str, Any]) -> SlackResponse:
        """Calls a method that takes the app's client id and secret, by HTTP Basic. Raises SlackCallError."""
        return self._request(method, params, {}, self._credentials())

    def uninstall(self, token: Secret) -> SlackResponse:
        """Calls `apps.uninstall`, which takes the token and, as fields, the app's id and secret.

        Raises SlackCallError.
        """
        return self.call("apps.uninstall", token, self._credentials())

    def respond(self, url: str, message: Mapping[str, Any]) -> None:
        """Posts to a response_url. Raises SlackCallError."""
        # claim: C-53
        if self._in_transaction():
            raise TransactionOpenError("a response_url was called inside a database transaction")
        from slackapp.slack.transport import UnreachableError, post_json

        try:
            status, headers = post_json(url, message)
        except UnreachableError as error:
            raise self._failed("response_url", "unreachable" if error.connected else "no_connection") from None
        code = _RESPONSE_CODES.get(status) or ("server_error" if status >= 500 else "refused")
        self._judge("response_url", code, headers)

    def post_webhook(self, url: Secret, message: Mapping[str, Any], judge: JudgeAnswer) -> None:
        """Posts to an incoming webhook, which answers with a text that `judge` knows. Raises SlackCallError."""
        # claim: C-53
        if self._in_transaction():
            raise TransactionOpenError("a webhook was called inside a database transaction")
        from slackapp.slack.transport import UnreachableError, post_for_text

        try:
            status, headers, text = post_for_text(url.reveal(), message)
        except UnreachableError as error:
            raise self._failed(_WEBHOOK, "unreachable" if error.connected else "no_connection") from None
        judged = judge(status, text)
        self._metrics.count("slackapp_slack_calls_total", {"method": _WEBHOOK, "result": judged[0] if judged else "ok"})
        if judged is not None:
            raise SlackCallError(_WEBHOOK, *judged, _retry_after(judged[0], headers))

    def exchange(self, token: Secret) -> SlackResponse:
        """Calls `oauth.v2.exchange`: id and secret are fields, and the token a header. Raises SlackCallError."""
        return self._request("oauth.v2.exchange", {**self._credentials(), "token": token.reveal()}, {}, None)

    def _credentials(self) -> dict[str, str]:
        return {"client_id": self._settings.client_id, "client_secret": self._settings.client_secret.reveal()}

    def _request(
        self, method: str, params: Mapping[str, Any], headers: dict[str, str], auth: dict[str, str] | None
    ) -> SlackResponse:
        # claim: C-53
        if self._in_transaction():
            raise TransactionOpenError(f"{method} was called inside a database transaction")
        from slack_sdk.errors import SlackApiError  # costs 85 ms: imported at the first call, not at start

        from slackapp.slack.transport import UnreachableError, UnreadableAnswerError

        try:
            answer: Any = self._transport.api_call(method, params=_fields(params), headers=headers, auth=auth)
        except SlackApiError as error:
            answer = error.response
        except UnreachableError as error:
            raise self._failed(method, "unreachable" if error.connected else "no_connection") from None
        except UnreadableAnswerError as error:
            raise self._failed(method, "server_error" if error.status >= 500 else "unreadable_answer") from None
        self._health.set_problem("slack", None)
        self._judge(method, "ok" if answer.data["ok"] else _error_code(answer), answer.headers)
        return SlackResponse(answer.data, _scopes(answer.headers))

    def _judge(self, method: str, code: str, headers: Mapping[str, str]) -> None:
        """Counts a call that was answered. Raises SlackCallError for any other code than `ok`."""
        self._metrics.count("slackapp_slack_calls_total", {"method": method, "result": code})
        if code != "ok":
            raise SlackCallError(method, code, classify_error(code), _retry_after(code, headers))

    def _failed(self, method: str, code: str) -> SlackCallError:
        self._health.set_problem("slack", code)
        self._metrics.count("slackapp_slack_calls_total", {"method": method, "result": code})
        return SlackCallError(method, code, SlackErrorKind.TRANSIENT)

    @cached_property
    def _transport(self) -> "Transport":
        from slackapp.slack.transport import Transport

        return Transport(self._settings.slack.api)


def _fields(params: Mapping[str, Any]) -> dict[str, Any]:
    # Form fields are text; blocks, views and other structures travel as JSON in a field.
    return {name: json.dumps(value) if isinstance(value, (dict, list)) else value for name, value in params.items()}


def _error_code(answer: Any) -> str:
    if answer.status_code == 429:
        return "ratelimited"
    code = answer.data.get("error")
    # The code goes into the log and the audit, so it must look like one.
    return code if isinstance(code, str) and len(code) <= 64 and code.replace("_", "a").isalnum() else "unknown_error"


def _scopes(headers: Mapping[str, str]) -> tuple[str, ...] | None:
    """Reads what the calling token may do now (docs.slack.dev/apis/web-api): spaces may follow the commas."""
    claimed = headers.get("x-oauth-scopes")
    if claimed is None or not claimed.isascii() or not claimed.isprintable():
        return None
    return scope_set(claimed.split(","))


def _retry_after(code: str, headers: Mapping[str, str]) -> int:
    if classify_error(code) is not SlackErrorKind.RATE_LIMITED:
        return 0
    claimed = headers.get("retry-after", "")
    if not claimed.isdecimal():
        return _DEFAULT_WAIT
    # A wait of no seconds would be a failure to whoever tells the two apart by it.
    return max(_MIN_WAIT, min(int(claimed), _MAX_WAIT)) if len(claimed) < 16 else _MAX_WAIT
