"""A token is the tenant's, and the person's, for whom it is kept: `auth.test` names both.

Stops:   a token that is stored for one customer and acts in another's workspace, whoever mixed them up before us.
How:     the ids of the answer against those of the place. An org-wide token is answered with the org's id in place of
         the team's, or beside it. In an enterprise a person has an id that begins with U and one that begins with W.
Does not stop: a token about which Slack says nothing, because it is dead or has expired.
Read:    docs.slack.dev/reference/methods/auth.test
"""

from collections.abc import Mapping
from typing import Any

from slackapp.model import Tenant


def is_tenants(tenant: Tenant, data: Mapping[str, Any]) -> bool:
    """Whether the answer names this team, or this org for an org-wide token."""
    named = (data.get("team_id"),) if tenant.kind == "T" else (data.get("team_id"), data.get("enterprise_id"))
    return tenant.id in named


def is_persons(user_id: str, data: Mapping[str, Any]) -> bool:
    """Whether the answer may name this person: by this id, or by one of the other kind."""
    named = data.get("user_id")
    return named == user_id or (isinstance(named, str) and {named[:1], user_id[:1]} == {"U", "W"})
