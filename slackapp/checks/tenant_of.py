"""Which tenant a verified event belongs to.

Stops:   one customer's event being answered with another customer's token. In a channel shared between companies the
         top-level `team_id` can be the other company's, and `context_team_id` and the ids inside the event too.
How:     the first entry of `authorizations` decides; only where there is none, the top-level ids do. Nothing else in
         the body, and no header, is looked at.
Does not stop: anything, if the signature was not verified first.
Read:    docs.slack.dev/apis/events-api (authorizations); docs.slack.dev/apis/slack-connect
"""

from collections.abc import Mapping
from typing import Any

from slackapp.checks.slack_ids import is_enterprise, is_workspace
from slackapp.errors import Refusal, Refused
from slackapp.model import Tenant


def tenants_of_event(body: Mapping[str, Any]) -> tuple[Tenant, ...]:
    """Where to look, in this order: the workspace, then the org that may cover it. Empty when the body names none.

    Raises Refused for ids that are not of Slack's form.
    """
    named, first = body, _first_authorization(body)
    # claim: C-10
    if first.get("team_id") or first.get("enterprise_id"):
        named = first
    return _tenants(named)


def tenant_of_lifecycle(body: Mapping[str, Any]) -> Tenant | None:
    """Whom an uninstall or a revocation is about: exactly who is named, without falling back on a covering org.

    An uninstall of one workspace must never erase the org that the workspace belongs to: an authorization that names
    an org, and does not say that it is org-wide, decides nothing here.
    """
    named = _first_authorization(body)
    # claim: C-62
    if not named.get("team_id") and named.get("is_enterprise_install") is not True:
        named = body
    found = _tenants(named)
    return found[0] if found else None


def tenants_of_command(form: Mapping[str, str]) -> tuple[Tenant, ...]:
    """Where to look for a slash command, whose flag is text. Raises Refused.

    docs.slack.dev/interactivity/implementing-slash-commands
    """
    flag = form.get("is_enterprise_install") == "true"
    named = {"team_id": form.get("team_id"), "enterprise_id": form.get("enterprise_id"), "is_enterprise_install": flag}
    return _tenants(named)


def tenants_of_interaction(payload: Mapping[str, Any]) -> tuple[Tenant, ...]:
    """Where to look for a button or a modal. Raises Refused.

    A modal may be sent off from the other side of a shared channel: then all ids but the view's own are the other
    company's, and only where the app is installed counts.
    """
    view, team, user, enterprise = (_part(payload, name) for name in ("view", "team", "user", "enterprise"))
    org_wide = payload.get("is_enterprise_install") is True
    installed = view.get("app_installed_team_id")
    if installed and (not org_wide or is_enterprise(installed)):
        return _tenants({"enterprise_id" if is_enterprise(installed) else "team_id": installed})
    return _tenants(
        {
            "team_id": team.get("id") or user.get("team_id") or view.get("team_id"),
            "enterprise_id": enterprise.get("id"),
            "is_enterprise_install": org_wide,
        }
    )


def _part(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = payload.get(name)
    if part is not None and not isinstance(part, Mapping):
        raise Refused(Refusal.EVENT)
    return part or {}


def acting_team(body: Mapping[str, Any]) -> str:
    """The workspace of ours that an event came from, "" when that is not told; an org-wide token serves many."""
    named = _first_authorization(body).get("team_id")
    # In a shared channel the team at the top may be the other company's.
    top = "" if body.get("is_ext_shared_channel") else body.get("team_id")
    return next((str(team) for team in (named, top) if is_workspace(team)), "")


def _first_authorization(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Empty where there is none; its keys may be missing or null. Raises Refused."""
    authorizations = body.get("authorizations")
    if authorizations is None or authorizations == []:
        return {}
    if not isinstance(authorizations, list) or not isinstance(authorizations[0], dict):
        raise Refused(Refusal.EVENT)
    return authorizations[0]


def _tenants(named: Mapping[str, Any]) -> tuple[Tenant, ...]:
    team, enterprise = _ids(named)
    org = (Tenant("E", enterprise),) if enterprise else ()
    if named.get("is_enterprise_install") is True and org:
        return org
    return ((Tenant("T", team),) if team else ()) + org


def _ids(named: Mapping[str, Any]) -> tuple[str, str]:
    team, enterprise = named.get("team_id") or "", named.get("enterprise_id") or ""
    if not isinstance(team, str) or not isinstance(enterprise, str):
        raise Refused(Refusal.EVENT)
    if team == enterprise:  # an org-wide authorization may repeat the org's id as its team
        team = ""
    # claim: C-74
    if (team and not is_workspace(team)) or (enterprise and not is_enterprise(enterprise)):
        raise Refused(Refusal.EVENT)
    return team, enterprise
