"""Keeps a grant that was checked: its pair, where it lives, in the place of what was stored before."""

from collections.abc import Callable

from slackapp.errors import StoreBusyError
from slackapp.flows.app import App
from slackapp.flows.install import drop_dead_pair, store_grant
from slackapp.flows.keys.tenant_keys import refuse_on_key_error
from slackapp.model import Actor, AuditEntry, AuditEvent, Grant

_TRIES = 10


def run(
    app: App, grant: Grant, state_hash: bytes, actor: Actor, *, now: int, also: Callable[[], None] = lambda: None
) -> None:
    """Stores it; anew where another install of the tenant, or a refresh, was stored since Slack was asked.

    `also` is done in the transaction that stores it: what it raises is raised here, and then nothing was stored. Raises
    Refused and StoreError.
    """
    for _ in range(_TRIES):
        seen = store_grant.read_stored(app, grant)
        living = drop_dead_pair.run(app, grant, seen, actor)
        kept = AuditEntry(
            at=now, event=AuditEvent.TOKEN_UNAVAILABLE, actor=actor, tenant=grant.tenant, purpose="install"
        )
        with refuse_on_key_error(app, kept._replace):
            if store_grant.run(app, living, seen, state_hash, actor=actor, now=now, also=also):
                return
    raise StoreBusyError("the tenant's tokens kept changing")
