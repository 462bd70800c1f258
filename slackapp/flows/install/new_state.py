"""State of an authorization that begins: made and recorded, for any purpose and any provider.

It is verified by `checks/state_token.py`, and used up by `store/oauth_states.py`.
"""

from slackapp.checks import state_token
from slackapp.checks.state_token import IssuedState
from slackapp.flows.app import App
from slackapp.model import Settings, StateBinding
from slackapp.store import oauth_states


def make(app: App, binding: StateBinding, now: int) -> IssuedState:
    """Makes a state that lives as long as the settings say. It works once it is recorded, and once at all."""
    key_id, key = app.keyring.state_key()
    random = app.entropy(state_token.RANDOM_BYTES)
    return state_token.issue_state(
        binding, key_id=key_id, key=key, random=random, now=now, expires_at=now + app.settings.state_ttl
    )


def record(app: App, state: IssuedState, network: str | None, now: int) -> bool:
    """Records its hash; False where there are as many states as may be, in all or of one network."""
    settings = app.settings
    if network is None:
        return oauth_states.add(app.db, state, now, limit=settings.state_limit)
    hashed = state_token.network_hash(app.keyring.state_key()[1], network)
    return oauth_states.add(
        app.db, state, now, limit=settings.state_limit, network=hashed, network_limit=_states_per_network(settings)
    )


def _states_per_network(settings: Settings) -> int:
    """Limits one network's states: as many as its rate gives one address, and never more than half.

    An IPv6 site has 65,536 networks of the kind that rates are counted by.
    """
    return max(1, min(settings.state_limit // 2, settings.rate_per_minute * (settings.state_ttl // 60 + 1)))
