"""Context that a behaviour's functions are given, and the table that names them.

A protocol, so that a behaviour can be tried with a context of its own making, and imports no flow.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from slackapp.model import Tenant


class Context(Protocol):
    """Context of a behaviour: whom it acts for, and calls to Slack as that tenant. Nothing else.

    What a circle registers under a name in `Circle.context` comes beside these, as an attribute of that name, bound to
    the same tenant and the same run.
    """

    @property
    def tenant(self) -> Tenant:
        """Tenant it acts for."""

    @property
    def bot_user_id(self) -> str:
        """The app's own user there."""

    @property
    def installer_id(self) -> str:
        """Id of the user who installed the app there."""

    @property
    def user_id(self) -> str:
        """Id of the user who caused the event; "" where nobody is named, as in a mention by a workflow."""

    @property
    def home_admin(self) -> bool:
        """Tells whether admins may remove the app from its Home tab: `SLACKAPP_HOME_ADMIN`."""

    @property
    def public_url(self) -> str:
        """Address of the app's own pages: `/support`, `/slack/install`, …"""

    @property
    def missing_scopes(self) -> tuple[str, ...]:
        """Scopes that are asked for and were not granted there; a new install helps."""

    def call(self, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Calls a method of the Web API as this tenant's bot; the answer's fields."""

    def respond(self, text: str) -> None:
        """Answers a command or an interaction, seen by its user only; at most five times within 30 minutes."""

    def is_admin(self, user_id: str) -> bool:
        """Tells whether that user is an admin there, as Slack says now; needs the scope `users:read`."""

    def refuse(self, text: str) -> None:
        """Refuses what the user did: notes it in the audit, and tells the user."""

    def remove(self) -> None:
        """Removes the app from there and erases everything; nothing else can be done afterwards."""


Behaviour = Mapping[str, Callable[[Context, Mapping[str, Any]], Any]]
"""What happened to function: an event's type, `/command`, `block_actions:ACTION_ID`, `view_submission:CALLBACK_ID`.

What a function returns counts for `block_suggestion:ACTION_ID` alone: the options of that menu.
"""
