"""Connections of a tenant, as a circle stores their pairs."""

from slackapp.flows.app import App
from slackapp.flows.keys.tenant_keys import confirm_keys
from slackapp.model import GrantedToken, Holder, Secret, Tenant
from slackapp.store import tokens
from slackapp.vault.seal_pair import seal_pair


def connect(app: App, owner: Tenant, holder: Holder) -> None:
    """Stores a pair of a connection, under a key of its own."""
    keys, now = app.keyring.open_holder_keys(owner, holder), app.clock()
    granted = GrantedToken(Secret(f"xoxe.xoxb-{owner.id}-{holder.id}"), Secret("refresh"), 3600, ("read",))
    with app.db.transaction():
        confirm_keys(app, owner, keys, now)
        pair = seal_pair(keys, owner, holder, granted, generation=1, now=now)
        tokens.save(app.db, owner, holder, generation=1, pair=pair, now=now, provider="elsewhere")
