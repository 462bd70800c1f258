"""Keys that the app under test handles: `app_mention`, `/command`, `block_actions:ID`.

Where nobody has told what the table holds, everything is offered and nothing is said to be unhandled.
"""

from __future__ import annotations

from slackapp.localslack.model import LocalApp

SPOKEN = ("app_mention", "app_home_opened", "app_uninstalled", "tokens_revoked")
"""Events that have a button of their own here."""
MODALS = ("view_submission:", "view_closed:", "block_suggestion:")
"""What needs a modal, which is not drawn here."""


def is_handled(app: LocalApp, key: str) -> bool:
    """Tells whether the app handles that key, as far as it is known."""
    return app.handles is None or key in app.handles


def commands(app: LocalApp) -> list[str]:
    """The slash commands of the table."""
    return [key for key in app.handles or () if key.startswith("/")]


def ids(app: LocalApp, kind: str) -> list[str]:
    """The ids behind a prefix such as `shortcut:`."""
    return [key.removeprefix(kind) for key in app.handles or () if key.startswith(kind)]


def modal_keys(app: LocalApp) -> list[str]:
    """The keys that cannot be played here."""
    return [key for key in app.handles or () if key.startswith(MODALS)]


def events(app: LocalApp) -> list[str]:
    """The types of the table's other events."""
    own = (key for key in app.handles or () if ":" not in key and not key.startswith(("/", "slackapp.")))
    return [key for key in own if key not in SPOKEN]
