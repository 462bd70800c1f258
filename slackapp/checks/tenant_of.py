"""Tenant that a verified event belongs to.

Stops:   one customer's event being answered with another customer's token. In a channel shared between companies the
         top-level `team_id` can be the other company's, and `context_team_id` and the ids inside the event too.
How:     the first entry of `authorizations` decides; only where there is none, the top-level ids do. Nothing else in
         the body, and no header, is looked at. An enterprise's id is one wherever it stands, even in place of a team's.
         A Home tab acts for the workspace that it is shown in, a modal for where its app is installed.
Does not stop: anything, if the signature was not verified first.
Read:    docs.slack.dev/apis/events-api (authorizations); docs.slack.dev/apis/slack-connect
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from slackapp.checks.slack_ids import is_enterprise, is_workspace
from slackapp.errors import Refusal, Refused
from slackapp.model import Tenant, TenantKind

_AUTHORIZATION = {
    "team_id": str, "enterprise_id": str, "user_id": str, "is_bot": bool, "is_enterprise_install": bool,
}  # fmt: skip


def tenants_of_event(body: Mapping[str, Any]) -> tuple[Tenant, ...]:
    """Lists where to look, in this order: the workspace, then the enterprise that may cover it.

    Empty when the body names none. Raises Refused for ids that are not of Slack's form.
    """
    named, first = body, _first_authorization(body)
    # claim: C-10
    if first.get("team_id") or first.get("enterprise_id"):
        named = first
    return _tenants(named)


def tenant_of_lifecycle(body: Mapping[str, Any]) -> Tenant | None:
    """Finds exactly whom an uninstall or a revocation names, without falling back on a covering enterprise.

    An uninstall of one workspace must never erase the enterprise that the workspace belongs to: an authorization that
    names an enterprise, and does not say that it is enterprise-wide, decides nothing here.
    """
    first = _first_authorization(body)
    found = _tenants(first)
    # claim: C-62
    if not found or (found[0].is_enterprise and first.get("is_enterprise_install") is not True):
        found = _tenants(body)
    return found[0] if found else None


def tenants_of_command(form: Mapping[str, str]) -> tuple[Tenant, ...]:
    """Lists where to look for a slash command, whose enterprise flag is text. Raises Refused.

    docs.slack.dev/interactivity/implementing-slash-commands
    """
    flag = form.get("is_enterprise_install") == "true"
    named = {"team_id": form.get("team_id"), "enterprise_id": form.get("enterprise_id"), "is_enterprise_install": flag}
    return _tenants(named)


def tenants_of_interaction(payload: Mapping[str, Any]) -> tuple[Tenant, ...]:
    """Lists where to look for a button or a modal. Raises Refused.

    A modal may be sent off from the other side of a shared channel: then all ids but the view's own are the other
    company's, and only where the app is installed counts. Of a Home tab that field names the workspace where the app
    was installed first, which need not be the one that the tab was open in.
    """
    places, enterprise = _team_ids(payload), _id(_object(payload, "enterprise"), "id")
    is_enterprise_install = payload.get("is_enterprise_install") is True
    # claim: C-88
    if places.installed and not places.at_home and (not is_enterprise_install or is_enterprise(places.installed)):
        return _tenants({"team_id": places.installed})
    team = next((team for team in places.acting if team), "")
    return _tenants({"team_id": team, "enterprise_id": enterprise, "is_enterprise_install": is_enterprise_install})


def acting_team_of_interaction(payload: Mapping[str, Any], tenant: Tenant) -> str:
    """Finds the workspace of that enterprise in which a user acted, "" when that is not told. Raises Refused.

    From the other side of a shared channel come the other company's ids, all of them; then only the view tells.
    """
    places = _team_ids(payload)
    ours = tenant.id in (_id(_object(payload, "enterprise"), "id"), *places.acting)
    named = (*places.acting, places.installed) if ours else (places.installed,)
    return next((team for team in named if is_workspace(team)), "")


class _TeamIds(NamedTuple):
    """Teams that an interaction names: `acting` in the order in which it is believed."""

    at_home: bool
    installed: str
    acting: tuple[str, ...]


def _team_ids(payload: Mapping[str, Any]) -> _TeamIds:
    view, team, user = (_object(payload, name) for name in ("view", "team", "user"))
    shown, there, home = _id(view, "team_id"), _id(team, "id"), _id(user, "team_id")
    at_home = view.get("type") == "home"
    acting = (shown, there, home) if at_home else (there, home, shown)
    return _TeamIds(at_home, _id(view, "app_installed_team_id"), acting)


def _object(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = payload.get(name)
    if part is not None and not isinstance(part, Mapping):
        raise Refused(Refusal.EVENT)
    return part or {}


def acting_team(body: Mapping[str, Any]) -> str:
    """Finds our workspace that an event came from, "" when that is not told; an enterprise-wide token serves many."""
    first = _first_authorization(body)
    ours, at_the_top = first.get("enterprise_id"), body.get("enterprise_id")
    # In a shared channel the team at the top may be the other company's; not every event says that it is from one.
    shared = body.get("is_ext_shared_channel") or (ours and at_the_top and ours != at_the_top)
    named = (first.get("team_id"), "" if shared else body.get("team_id"))
    return next((str(team) for team in named if is_workspace(team)), "")


def _first_authorization(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Empty where there is none; its keys may be missing or null, and are of their types. Raises Refused."""
    authorizations = body.get("authorizations")
    if authorizations is None or authorizations == []:
        return {}
    # claim: C-89
    if not isinstance(authorizations, list) or not all(_is_authorization(entry) for entry in authorizations):
        raise Refused(Refusal.EVENT)
    first: Mapping[str, Any] = authorizations[0]
    return first


def _is_authorization(entry: object) -> bool:
    return isinstance(entry, dict) and all(
        entry.get(name) is None or isinstance(entry[name], kind) for name, kind in _AUTHORIZATION.items()
    )


def _tenants(named: Mapping[str, Any]) -> tuple[Tenant, ...]:
    team, enterprise = _ids(named)
    covering = (Tenant(TenantKind.ENTERPRISE, enterprise),) if enterprise else ()
    if named.get("is_enterprise_install") is True and covering:
        return covering
    return ((Tenant(TenantKind.WORKSPACE, team),) if team else ()) + covering


def _ids(named: Mapping[str, Any]) -> tuple[str, str]:
    team, enterprise = _id(named, "team_id"), _id(named, "enterprise_id")
    # An enterprise's id may stand in place of a team's, alone or beside itself; beside another's it says nothing clear.
    if is_enterprise(team) and enterprise in ("", team):
        team, enterprise = "", team
    # claim: C-74
    if (team and not is_workspace(team)) or (enterprise and not is_enterprise(enterprise)):
        raise Refused(Refusal.EVENT)
    return team, enterprise


def _id(part: Mapping[str, Any], name: str) -> str:
    """An id, empty where it is missing or null. Raises Refused for another type, be it one that counts as false."""
    value = part.get(name)
    # claim: C-89
    if value is not None and not isinstance(value, str):
        raise Refused(Refusal.EVENT)
    return value or ""
