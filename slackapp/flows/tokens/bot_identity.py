"""Bot's own id, which an install does not tell: Slack is asked at first use, and every day.

Read:    docs.slack.dev/reference/methods/oauth.v2.access (has none), docs.slack.dev/reference/methods/auth.test
"""

from collections.abc import Mapping
from typing import Any

from slackapp.checks.capabilities import VALIDATE
from slackapp.checks.own_events import BotIdentity, is_own_event, names_bot
from slackapp.checks.slack_ids import is_bot
from slackapp.flows.app import App
from slackapp.flows.tokens import use_token
from slackapp.model import BOT, Installation
from slackapp.store import installations
from slackapp.store.queue import Run


def stored_identity(app: App, installation: Installation) -> BotIdentity:
    """Reads the app's identity in a tenant, as far as it is stored."""
    return BotIdentity(app.settings.app_id, installation.bot_user_id, installation.bot_id)


def is_made_by_bot(app: App, row: Run, installation: Installation, event: Mapping[str, Any]) -> bool:
    """Tells whether an event stored before the bot's id was known is the app's own doing.

    Raises SlackCallError, Refused.
    """
    # A button on a message of ours was pressed by a user all the same; only an event's type is the row's.
    if event.get("type") != row.type:
        return False
    if installation.bot_user_id and not installation.bot_id and names_bot(event):
        use = use_token.TokenUse(
            tenant=row.tenant,
            holder=BOT,
            capability=VALIDATE,
            method="auth.test",
            purpose="own_bot",
            actor=row.actor,
        )
        answer = use_token.call(app, use, {})
        save_bot_id(app, installation, answer.data)
        installation = installations.find(app.db, row.tenant) or installation
    return is_own_event(event, stored_identity(app, installation))


def save_bot_id(app: App, installation: Installation, answer: Mapping[str, Any]) -> None:
    """Stores the id that `auth.test` gave for the bot's token, unless that bot has been replaced meanwhile."""
    bot_id = answer.get("bot_id")
    if is_bot(bot_id) and bot_id != installation.bot_id:
        installations.set_bot_id(app.db, installation, str(bot_id))
