"""Decision whether an uninstall or a revocation is about the installation that we have now.

Stops:   a late `app_uninstalled` (Slack repeats after 1 and 5 minutes, and promises no order) that erases the
         installation made after it; and a customer who removed the app and whose tokens stay.
How:     the event's time against the installation's: clearly later, it is meant; clearly earlier, it is old; in
         between only Slack knows, and is asked. So it is where the installation's time is still to come: a clock of
         ours was ahead. Where there is nothing to ask with, the order of the two times decides.
Does not stop: a clock that was behind when the app was installed; then a late repeat may erase.
Read:    docs.slack.dev/reference/events/app_uninstalled, docs.slack.dev/reference/events/tokens_revoked
"""

import enum
from collections.abc import Mapping
from typing import Any, NamedTuple

from slackapp.checks.slack_ids import is_user
from slackapp.errors import Refusal, Refused
from slackapp.model import BOT, Holder

UNDECIDED_SECONDS = 300
"""Seconds around the time of installing within which time alone does not decide."""

LIFECYCLE_TYPES = frozenset({"app_uninstalled", "tokens_revoked"})


class TimeVerdict(enum.Enum):
    """Decision by time: act, ignore, or ask Slack."""

    ACT = "act"
    IGNORE = "ignore"
    ASK = "ask"


STORED_EVERYTHING = "everything"
STORED_BOT = "bot"


class Revocation(NamedTuple):
    """Tokens that an event revokes: everything, or the bot's and those of single users."""

    everything: bool
    bot: bool
    users: tuple[str, ...]
    bot_users: tuple[str, ...] = ()
    """The users that the bot's tokens are said to be of; not kept."""

    def covers_another_bot(self, bot_user_id: str) -> bool:
        """Tells whether the bot that is named is not, or not surely, the one with that id."""
        return self.bot and bot_user_id not in self.bot_users

    def covers(self, holder: Holder) -> bool:
        """Tells whether the token of that holder is among them."""
        return self.everything or (self.bot if holder == BOT else holder.id in self.users)

    def __str__(self) -> str:
        """The form in which it is kept: ids only."""
        return STORED_EVERYTHING if self.everything else ",".join(((STORED_BOT,) if self.bot else ()) + self.users)


def parse_stored_revocation(named: str) -> Revocation:
    """Parses the form in which a revocation is stored."""
    parts = tuple(named.split(",")) if named else ()
    users = tuple(part for part in parts if part not in (STORED_EVERYTHING, STORED_BOT))
    return Revocation(STORED_EVERYTHING in parts, STORED_BOT in parts, users)


def judge_by_time(event_time: int, installed_at: int, now: int, can_ask: bool = True) -> TimeVerdict:
    """Decides by time alone; all times are in Unix seconds.

    Without `can_ask` there is no token that Slack could be asked with.
    """
    if not can_ask:
        # claim: C-82
        return TimeVerdict.ACT if event_time > installed_at else TimeVerdict.IGNORE
    if event_time > installed_at + UNDECIDED_SECONDS:
        return TimeVerdict.ACT
    # claim: C-60
    if event_time < installed_at - UNDECIDED_SECONDS and installed_at <= now + UNDECIDED_SECONDS:
        return TimeVerdict.IGNORE
    return TimeVerdict.ASK


def read_revocation(event_type: str, event: Mapping[str, Any]) -> Revocation:
    """Reads which tokens an event revokes.

    The lists of `tokens_revoked` hold ids of users, never tokens. Raises Refused.
    """
    if event_type == "app_uninstalled":
        return Revocation(everything=True, bot=False, users=())
    tokens = event.get("tokens")
    if not isinstance(tokens, dict):
        raise Refused(Refusal.EVENT)
    bots = _users(tokens, "bot")
    return Revocation(everything=False, bot=bool(bots), users=_users(tokens, "oauth"), bot_users=bots)


def _users(tokens: Mapping[str, Any], key: str) -> tuple[str, ...]:
    listed = tokens.get(key)
    if listed is None:
        return ()
    if not isinstance(listed, list) or not all(is_user(user) for user in listed):
        raise Refused(Refusal.EVENT)
    return tuple(dict.fromkeys(listed))
