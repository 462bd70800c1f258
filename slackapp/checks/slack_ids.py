"""The form of Slack's ids.

Stops:   anything that is not an id from reaching a database key, an encryption context, a page or an address.
How:     one letter that tells the kind, then 2 to 20 capital letters or digits.
Does not stop: an id of somebody else; where the id comes from decides that.
Read:    docs.slack.dev/reference/objects/user-object
"""

import re
from typing import Any

from slackapp.model import Tenant, TenantKind

_WORKSPACE = re.compile(r"T[A-Z0-9]{2,20}")
_ENTERPRISE = re.compile(r"E[A-Z0-9]{2,20}")
_USER = re.compile(r"[UW][A-Z0-9]{2,20}")
_BOT = re.compile(r"B[A-Z0-9]{2,20}")
_APP = re.compile(r"A[A-Z0-9]{2,20}")


def is_workspace(value: Any) -> bool:
    """Tells whether it has the form of a workspace's id: `T…`."""
    return isinstance(value, str) and _WORKSPACE.fullmatch(value) is not None


def is_enterprise(value: Any) -> bool:
    """Tells whether it has the form of an enterprise's id: `E…`."""
    return isinstance(value, str) and _ENTERPRISE.fullmatch(value) is not None


def tenant_of_id(claimed_id: str) -> Tenant | None:
    """Reads a tenant from an operator's id: its first letter tells team from enterprise; None for anything else."""
    if is_workspace(claimed_id):
        return Tenant(TenantKind.WORKSPACE, claimed_id)
    return Tenant(TenantKind.ENTERPRISE, claimed_id) if is_enterprise(claimed_id) else None


def is_user(value: Any) -> bool:
    """Tells whether it has the form of a user's id: `U…` or `W…`."""
    return isinstance(value, str) and _USER.fullmatch(value) is not None


def is_bot(value: Any) -> bool:
    """Tells whether it has the form of a bot's id: `B…`."""
    return isinstance(value, str) and _BOT.fullmatch(value) is not None


def is_app(value: Any) -> bool:
    """Tells whether it has the form of an app's id: `A…`."""
    return isinstance(value, str) and _APP.fullmatch(value) is not None
