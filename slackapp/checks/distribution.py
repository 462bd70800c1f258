"""Tenants that may install: all, or the workspaces and enterprises on a list.

Stops:   a workspace that the operator does not serve storing its tokens here, however it came by the link.
How:     the tenant of Slack's answer, or the organisation that Slack says its workspace belongs to, must be on the
         list. An org-wide install needs the organisation itself there; one of its workspaces is not enough.
Does not stop: a tenant that was installed before it was taken off the list; `slackapp uninstall` removes it.
Read:    docs.slack.dev/app-management/distribution
"""

from slackapp.errors import Refusal, Refused
from slackapp.model import Grant


def require_allowed(grant: Grant, allowed: tuple[str, ...]) -> None:
    """Requires a tenant of the list; an empty list is no list: the app is public. Raises Refused."""
    # claim: C-11
    if allowed and grant.tenant.id not in allowed and grant.enterprise_id not in allowed:
        raise Refused(Refusal.TEAM_NOT_ALLOWED)
