"""States for a Bolt app: signed, short-lived and single-use as ours, but not bound to a browser.

Bolt binds its own cookie to the state, and asks for one without saying to which browser it goes. The purpose is part of
the MAC and of the row, so that neither kind of state passes for the other.
"""

import hashlib

from slackapp.checks import state_token
from slackapp.errors import Refusal, Refused, StoreError
from slackapp.flows.app import App
from slackapp.flows.install import new_state
from slackapp.model import StateBinding, StatePurpose
from slackapp.store import oauth_states

NO_BROWSER = hashlib.sha256(b"").digest()
_BINDING = StateBinding(StatePurpose.BOLT, NO_BROWSER)


def issue(app: App) -> str:
    """A new state. Raises Refused(STATE_LIMIT) and StoreError."""
    now = app.clock()
    state = new_state.make(app, _BINDING, now)
    with app.db.transaction():
        oauth_states.sweep(app.db, now)  # here, because a Bolt app has no scheduler of ours
        if not new_state.record(app, state, None, now):
            raise Refused(Refusal.STATE_LIMIT)
    return state.text


def consume(app: App, claimed_state: object) -> bool:
    """Uses the state up: True once, for one that we issued and that has not expired. Never raises, as Bolt wants it."""
    try:
        if not isinstance(claimed_state, str):
            return False
        claimed, now = state_token.parse_state(claimed_state), app.clock()
        state = state_token.verify_state(claimed, _BINDING, app.keyring.state_key_by_id, now)
        with app.db.transaction():
            return oauth_states.consume(app.db, state, now)
    except Refused:
        return False
    except StoreError as error:
        app.log.error("state_not_consumed", {"why": str(error)})
        return False
