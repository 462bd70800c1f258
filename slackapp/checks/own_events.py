"""Events that the app itself has caused.

Stops:   an app that answers itself for ever: its own messages come back to it as events.
How:     who did it is named by the app's id, the bot's user, or the bot's id, in the event or in the message that it is
         about; which of them is there depends on how the message was posted, and what goes through a response_url has
         the bot's id alone.
Does not stop: two apps that answer each other.
Read:    docs.slack.dev/apis/events-api, docs.slack.dev/reference/events/message/bot_message
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

_MEMBERSHIP_TYPES = ("member_joined_channel", "member_left_channel")
"""The bot's own coming and going is told on purpose: it is what the app waits for."""


class BotIdentity(NamedTuple):
    """Identity of the app in one tenant. `bot_user_id` and `bot_id` are "" where they are not known."""

    app_id: str
    bot_user_id: str
    bot_id: str


def is_own_event(event: Mapping[str, Any], identity: BotIdentity) -> bool:
    """Tells whether the app caused the event. `event` is the inner one of the Events API."""
    return event.get("type") not in _MEMBERSHIP_TYPES and any(_is_made_by(part, identity) for part in _parts(event))


def names_bot(event: Mapping[str, Any]) -> bool:
    """Tells whether a bot's id names the author of an event."""
    return event.get("type") not in _MEMBERSHIP_TYPES and any(_bot_id(part) for part in _parts(event))


def _parts(event: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    nested = event.get("message")  # of a message that was changed
    return (event, nested) if isinstance(nested, dict) else (event,)


def _is_made_by(part: Mapping[str, Any], identity: BotIdentity) -> bool:
    by_app = part.get("app_id") or _profile(part).get("app_id")
    return (
        by_app == identity.app_id
        or (bool(identity.bot_user_id) and part.get("user") == identity.bot_user_id)
        or (bool(identity.bot_id) and _bot_id(part) == identity.bot_id)
    )


def _bot_id(part: Mapping[str, Any]) -> object:
    return part.get("bot_id") or _profile(part).get("id")


def _profile(part: Mapping[str, Any]) -> Mapping[str, Any]:
    profile = part.get("bot_profile")
    return profile if isinstance(profile, dict) else {}
