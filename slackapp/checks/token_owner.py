"""Owner of a token, tenant and user, as Slack's answer to `auth.test` or a rotation names it.

Stops:   a token that is stored for one customer and acts in another's workspace, whoever mixed them up, and where.
How:     the ids of the answer against those of the place. An enterprise-wide token is answered with the enterprise's id
         in place of the team's, or beside it. In an enterprise a user has an id that begins with U and one with W.
         To store a token, the right id must be there; to stop using one, another id must be there. A connection is
         no user at Slack: of its token the tenant is compared, and the user by whoever keeps the connection.
Does not stop: a token about which Slack says nothing, because it is dead or has expired.
Read:    docs.slack.dev/reference/methods/auth.test, docs.slack.dev/authentication/using-token-rotation
"""

from collections.abc import Mapping
from typing import Any

from slackapp.model import Holder, HolderKind, Tenant

AUTH_TEST = "auth.test"


def names_tenant(tenant: Tenant, data: Mapping[str, Any]) -> bool:
    """Tells whether the answer names this team, or this enterprise for an enterprise-wide token."""
    return tenant.id in _named(tenant, data)


def may_name_user(user_id: str, data: Mapping[str, Any]) -> bool:
    """Tells whether the answer may name this user: by this id, or by one of the other kind."""
    named = data.get("user_id")
    return named == user_id or (isinstance(named, str) and {named[:1], user_id[:1]} == {"U", "W"})


def names_other_owner(tenant: Tenant, holder: Holder, data: Mapping[str, Any]) -> bool:
    """Tells whether an answer to `auth.test` names another tenant or another user."""
    named = _named(tenant, data)
    # claim: C-81
    return (any(_is_id(each) for each in named) and tenant.id not in named) or _names_other_user(holder, data)


def is_other_owners_pair(tenant: Tenant, holder: Holder, data: Mapping[str, Any]) -> bool:
    """Tells the same of the answer that brings a new pair."""
    party = data.get("enterprise" if tenant.is_enterprise else "team")
    party_id = party.get("id") if isinstance(party, Mapping) else None
    # claim: C-81
    return (_is_id(party_id) and party_id != tenant.id) or _names_other_user(holder, data)


def _named(tenant: Tenant, data: Mapping[str, Any]) -> tuple[Any, ...]:
    team = data.get("team_id")
    return (team, data.get("enterprise_id")) if tenant.is_enterprise else (team,)


def _names_other_user(holder: Holder, data: Mapping[str, Any]) -> bool:
    return holder.kind == HolderKind.USER and _is_id(data.get("user_id")) and not may_name_user(holder.id, data)


def _is_id(claimed: object) -> bool:
    return isinstance(claimed, str) and bool(claimed)
