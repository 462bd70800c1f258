"""A use of a token as tests make it: by a function of the app's own, for a purpose that says so."""

from collections.abc import Mapping
from typing import Any

from slackapp.checks.capabilities import BEHAVIOUR
from slackapp.flows.app import App
from slackapp.flows.tokens import use_token
from slackapp.flows.tokens.use_token import TokenUse
from slackapp.model import BOT, Actor, Holder, InstallationStatus, SlackResponse, Tenant
from slackapp.store.queue import Run

IN_USE = frozenset({InstallationStatus.ACTIVE})


def make_use(tenant: Tenant, actor: Actor, holder: Holder = BOT, method: str = "auth.test", **others: Any) -> TokenUse:
    """The use; `others` replace its fields."""
    fields = {"capability": BEHAVIOUR, "purpose": "test", "method": method, **others}
    return TokenUse(tenant=tenant, holder=holder, actor=actor, **fields)


def call_as(
    app: App,
    tenant: Tenant,
    actor: Actor,
    *,
    holder: Holder = BOT,
    method: str = "auth.test",
    params: Mapping[str, Any] | None = None,
    row: Run | None = None,
) -> SlackResponse:
    """A call with that token."""
    return use_token.call(app, make_use(tenant, actor, holder, method), params or {}, row)
