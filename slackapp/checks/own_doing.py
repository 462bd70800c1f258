"""What happened was the app's own doing.

Stops:   an app that answers itself for ever: its own messages come back to it as events.
How:     who did it is named by the app's id, the bot's user, or the bot's id, in the event or in the message that it is
         about; which of them is there depends on how the message was posted, and what goes through a response_url has
         the bot's id alone.
Does not stop: two apps that answer each other.
Read:    docs.slack.dev/apis/events-api, docs.slack.dev/reference/events/message/bot_message
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_JOINED = ("member_joined_channel", "member_left_channel")
"""The bot's own coming and going is told on purpose: it is what the app waits for."""


@dataclass(frozen=True)
class Own:
    """Who we are there. `bot_user_id` and `bot_id` are "" where they are not known."""

    app_id: str
    bot_user_id: str
    bot_id: str


def is_own(event: Mapping[str, Any], own: Own) -> bool:
    """Whether we did it. `event` is the inner one of the Events API."""
    return event.get("type") not in _JOINED and any(_is_by(part, own) for part in _parts(event))


def names_a_bot(event: Mapping[str, Any]) -> bool:
    """Whether a bot's id tells who did it."""
    return event.get("type") not in _JOINED and any(_bot_id(part) for part in _parts(event))


def _parts(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    nested = event.get("message")  # of a message that was changed
    return (part for part in (event, nested) if isinstance(part, Mapping))


def _is_by(part: Mapping[str, Any], own: Own) -> bool:
    by_app = part.get("app_id") or _profile(part).get("app_id")
    return (
        by_app == own.app_id
        or (bool(own.bot_user_id) and part.get("user") == own.bot_user_id)
        or (bool(own.bot_id) and _bot_id(part) == own.bot_id)
    )


def _bot_id(part: Mapping[str, Any]) -> object:
    return part.get("bot_id") or _profile(part).get("id")


def _profile(part: Mapping[str, Any]) -> Mapping[str, Any]:
    profile = part.get("bot_profile")
    return profile if isinstance(profile, Mapping) else {}
