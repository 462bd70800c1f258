"""A verified body is an event for our app that can be kept.

Stops:   an event of another app that shares our address; an event without the id that makes it happen once.
How:     `api_app_id` must be ours; id, type and time must have their forms; everything else is left as it came.
Does not stop: an event of a workspace that we do not know; the look-up of the tenant does.
Read:    docs.slack.dev/apis/events-api (the envelope)
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from slackapp.errors import Refusal, Refused

_EVENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TYPE = re.compile(r"[a-z0-9_]{1,80}")  # no dot: the types of our own jobs have one
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{1,256}")
_YEAR_2100 = 4_102_444_800


class Envelope(NamedTuple):
    """Identifying fields of an event."""

    event_id: str
    type: str
    event_time: int
    event: Mapping[str, Any]


def challenge_of(body: Mapping[str, Any]) -> str | None:
    """The challenge of Slack's handshake, which needs no tenant; None for any other body. Raises Refused."""
    if body.get("type") != "url_verification":
        return None
    challenge = body.get("challenge")
    if not isinstance(challenge, str) or not _CHALLENGE.fullmatch(challenge):
        raise Refused(Refusal.EVENT)
    return challenge


def is_for_app(body: Mapping[str, Any], app_id: str) -> bool:
    """Tells whether the body names our app or another; raises Refused where it names none."""
    claimed_app = body.get("api_app_id")
    if not isinstance(claimed_app, str):
        raise Refused(Refusal.EVENT)
    return claimed_app == app_id


def read_envelope(body: Mapping[str, Any]) -> Envelope:
    """Reads the fields that identify an event. Raises Refused when something of it is missing or not of its form."""
    event = body.get("event")
    if body.get("type") != "event_callback" or not isinstance(event, dict):
        raise Refused(Refusal.EVENT)
    event_id, event_type, event_time = body.get("event_id"), event.get("type"), body.get("event_time")
    # claim: C-74
    if not isinstance(event_id, str) or not _EVENT_ID.fullmatch(event_id):
        raise Refused(Refusal.EVENT)
    if not isinstance(event_type, str) or not _TYPE.fullmatch(event_type):
        raise Refused(Refusal.EVENT)
    if type(event_time) is not int or not 0 < event_time < _YEAR_2100:
        raise Refused(Refusal.EVENT)
    return Envelope(event_id, event_type, event_time, event)
