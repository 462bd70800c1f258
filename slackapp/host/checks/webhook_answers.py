"""Meaning of each answer of an incoming webhook: a plain text and a status, unlike those of the Web API.

Stops:   a message that is sent twice because an error looked as if it would pass; one that is given up though it may
         pass; and a broken webhook that is taken for a dead token, which it says nothing about.
How:     the text decides before the status, for reports on statuses disagree. `ok` alone is done; a limited rate waits;
         what a server failed at, and what is no answer of a webhook, may have had its effect. All else is a refusal,
         with the text as its code where that looks like one. A redirect is a refusal, and is not followed.
Does not stop: an error that Slack adds tomorrow with another meaning.
Read:    docs.slack.dev/messaging/sending-messages-using-incoming-webhooks (handling errors)
"""

import re

from slackapp.errors import SlackErrorKind

_CODE = re.compile(r"[a-z][a-z0-9_]{2,63}")
_PASSES = frozenset({"rollup_error"})
_TAKEN = (200, "ok")
_REDIRECT, _REFUSED, _LIMITED, _SERVER = 300, 400, 429, 500


def judge_answer(status: int, text: str) -> tuple[str, SlackErrorKind] | None:
    """Judges an answer: code and kind of the failure, or None where the message was taken."""
    said = text.strip()
    if (status, said) == _TAKEN:
        return None
    if status == _LIMITED:
        return "ratelimited", SlackErrorKind.RATE_LIMITED
    code = said if _CODE.fullmatch(said) else ""
    # claim: C-308
    if status >= _SERVER or code in _PASSES:
        return code or "server_error", SlackErrorKind.TRANSIENT
    if status >= _REFUSED or code:
        return code or "refused", SlackErrorKind.BAD_REQUEST
    if status >= _REDIRECT:
        return "redirected", SlackErrorKind.BAD_REQUEST
    # claim: C-308
    return "unreadable_answer", SlackErrorKind.TRANSIENT
