"""User who caused an event.

Stops:   a look-up, or a mention, of whatever stands where a user is due.
How:     events name a user by `user`, interactions by `user.id`, commands by `user_id`; it must have an id's form.
Does not stop: a bot's user, which has such an id, too. Workflows and incoming webhooks name nobody.
Read:    docs.slack.dev/reference/events/app_mention, docs.slack.dev/interactivity/handling-user-interaction
"""

from collections.abc import Mapping
from typing import Any

from slackapp.checks.slack_ids import is_user


def user_of(event: Mapping[str, Any]) -> str:
    """Reads the user's id; "" where nobody is named."""
    user = event.get("user")
    named = user.get("id") if isinstance(user, Mapping) else user or event.get("user_id")
    return str(named) if is_user(named) else ""
