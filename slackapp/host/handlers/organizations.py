"""`/api/v2/organization`, `/members`, `/events`: what the host provides, who has left, and what has happened."""

from slackapp.flows.app import App
from slackapp.host.call import Answer, HostCall, make_cursor, read_position
from slackapp.host.checks.fields import has_form
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.flows import change_organization, delete_organization, freeze_organization, offboard, switch_host
from slackapp.host.flows.change_organization import ProvidedOrganization
from slackapp.host.flows.reviews import reconcile
from slackapp.host.forms import ID, KINDS, about, chosen, optional_time, time_of
from slackapp.host.model import MemberStatus
from slackapp.host.rows import Purpose
from slackapp.host.store import events, members
from slackapp.model import ActorKind

_NAMES = {
    "workspaceLimit": "workspace_limit",
    "dataRegion": "data_region",
    "contentDays": "content_days",
    "trackReplies": "tracks_replies",
}
_EVENTS, _SHADOW = "events", "shadow installations"


def show(app: App, call: HostCall, now: int) -> Answer:
    """Shows the organization that the token names."""
    return _describe(app, change_organization.find(app, call.caller))


def change(app: App, call: HostCall, now: int) -> Answer:
    """Changes what the body names; what it leaves out stays as it is."""
    known = change_organization.find(app, call.caller)
    organization = known.organization._replace(**chosen(call.body, _NAMES))
    if "name" in call.body:
        named_at = max(organization.named_at, call.caller.issued_at)
        organization = organization._replace(name=call.body["name"], named_at=named_at)
    purposes = known.purposes
    if "purposes" in call.body:
        purposes = [Purpose(each["id"], each["text"]) for each in call.body["purposes"]]
    wanted = ProvidedOrganization(organization, purposes)
    return _describe(app, change_organization.save(app, call.caller, wanted, now))


def delete(app: App, call: HostCall, now: int) -> Answer:
    """Deletes the organization with everything of it; what cannot be done at once is done by and by."""
    return {"deleted": delete_organization.run(app, call.caller.organization, call.caller, now)}


def freeze(app: App, call: HostCall, now: int) -> Answer:
    """Freezes all that the organization holds, from this commit on."""
    freeze_organization.run(app, call.caller.organization, call.caller, now)
    return {"frozen": True}


def end_freeze(app: App, call: HostCall, now: int) -> Answer:
    """Ends that freeze; one of the operator stays."""
    freeze_organization.end(app, call.caller.organization, call.caller, now)
    return {"frozen": False}


def end_membership(app: App, call: HostCall, now: int) -> Answer:
    """Ends what a member has who has left. Nobody does this to themselves: somebody must be there to undo it."""
    # claim: C-188
    if call.caller.kind == ActorKind.MEMBER and call.caller.id == call.id:
        raise HostRefused(HostRefusal.ROLE)
    _require_id(call.id)
    waiting = offboard.run(app, call.caller.organization, call.id, call.caller, now=now)
    return {"id": call.id, "status": MemberStatus.OFFBOARDED, "ownerWanted": len(waiting or ())}


def reinstate(app: App, call: HostCall, now: int) -> Answer:
    """Lets a member be one again, who had left."""
    _require_id(call.id)
    organization = call.caller.organization
    is_back = offboard.reinstate(app, organization, call.id, call.caller, now=now)
    # claim: C-182
    if not is_back and members.find(app.db, organization, call.id) is None:
        raise HostRefused(HostRefusal.NOT_THERE)
    return {"id": call.id, "status": MemberStatus.ACTIVE}


def list_events(app: App, call: HostCall, now: int) -> Answer:
    """Lists events in the order in which they happened. The cursor is there at the end, too: for what comes next."""
    behind = int(read_position(app, call, _EVENTS) or 0)
    most = call.parameters["limit"]
    # claim: C-189
    found = events.page(app.db, call.caller.organization, behind, most)
    told = [
        {
            "id": str(each.number),
            "type": each.type,
            "at": time_of(each.at),
            **about(each),
            "reason": each.detail or None,
        }
        for each in found
    ]
    position = str(found[-1].number if found else behind)
    return {"events": told, "cursor": make_cursor(app, call, _EVENTS, position), "more": len(found) == most}


def list_shadow_installations(app: App, call: HostCall, now: int) -> Answer:
    """Lists installations that no organization holds, such as those from the public page."""
    position = read_position(app, call, _SHADOW)
    most = call.parameters["limit"]
    found = reconcile.page_shadow(app, position or "", most)
    told = [
        {
            "tenantId": each.tenant.id,
            "kind": KINDS[each.tenant.is_enterprise],
            "name": each.name,
            "status": each.status,
            "installedAt": time_of(each.installed_at),
            "lastUsedAt": optional_time(each.last_used_at),
        }
        for each in found
    ]
    cursor = make_cursor(app, call, _SHADOW, found[-1].tenant.id) if len(found) == most else None
    return {"installations": told, "cursor": cursor}


def _require_id(claimed_id: str) -> None:
    """Raises HostRefused for what no member can be called."""
    if not has_form(ID, claimed_id):
        raise HostRefused(HostRefusal.NOT_THERE)


def _describe(app: App, provided: ProvidedOrganization) -> Answer:
    organization = provided.organization
    return {
        "id": organization.organization_id,
        "name": organization.name,
        "enabled": switch_host.is_enabled(app, organization.organization_id),
        "frozen": organization.frozen_at is not None,
        "workspaceLimit": organization.workspace_limit,
        "dataRegion": organization.data_region,
        "contentDays": organization.content_days,
        "trackReplies": organization.tracks_replies,
        "purposes": [{"id": each.purpose_id, "text": each.text} for each in provided.purposes],
        "createdAt": time_of(organization.created_at),
    }
