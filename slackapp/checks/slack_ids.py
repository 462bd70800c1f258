"""The form of Slack's ids.

Stops:   anything that is not an id from reaching a database key, an encryption context, a page or an address.
How:     one letter that tells the kind, then 2 to 20 capital letters or digits.
Does not stop: an id of somebody else; where the id comes from decides that.
Read:    docs.slack.dev/reference/objects/user-object
"""

import re
from typing import Any

from slackapp.model import Tenant, TenantKind

_FORM = re.compile(r"[A-Z][A-Z0-9]{2,20}")


def is_workspace(value: Any) -> bool:
    """Tells whether it has the form of a workspace's id: `T…`."""
    return _is_id(value, "T")


def is_enterprise(value: Any) -> bool:
    """Tells whether it has the form of an enterprise's id: `E…`."""
    return _is_id(value, "E")


def tenant_of_id(claimed_id: str) -> Tenant | None:
    """Reads a tenant from an operator's id: its first letter tells team from enterprise; None for anything else."""
    if is_workspace(claimed_id):
        return Tenant(TenantKind.WORKSPACE, claimed_id)
    return Tenant(TenantKind.ENTERPRISE, claimed_id) if is_enterprise(claimed_id) else None


def is_user(value: Any) -> bool:
    """Tells whether it has the form of a user's id: `U…` or `W…`."""
    return _is_id(value, "UW")


def is_channel(value: Any) -> bool:
    """Tells whether it has the form of a channel's id: `C…`, `D…` or `G…`."""
    return _is_id(value, "CDG")


def is_bot(value: Any) -> bool:
    """Tells whether it has the form of a bot's id: `B…`."""
    return _is_id(value, "B")


def is_app(value: Any) -> bool:
    """Tells whether it has the form of an app's id: `A…`."""
    return _is_id(value, "A")


def _is_id(value: Any, letters: str) -> bool:
    return isinstance(value, str) and _FORM.fullmatch(value) is not None and value[0] in letters
