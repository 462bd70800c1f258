"""Who may install at all."""

import pytest

from slackapp.checks.distribution import require_allowed
from slackapp.errors import Refusal
from slackapp.model import Grant, Tenant
from tests.checks.helpers import accepts, refusal_of

NORTH, ORG, ORG_TEAM = "T0NORTH001", "E0EVERGRN1", "T0EVERAA01"


def grant(tenant: Tenant, enterprise_id: str = "", team_id: str = "") -> Grant:
    return Grant(tenant, enterprise_id, "", team_id or tenant.id, "", "U0SOMEBODY", "", None, None, None)


ALONE = grant(Tenant("T", NORTH))
INSIDE = grant(Tenant("T", ORG_TEAM), ORG)
ORG_WIDE = grant(Tenant("E", ORG), ORG, ORG_TEAM)


@pytest.mark.parametrize("which", [ALONE, INSIDE, ORG_WIDE], ids=["alone", "inside", "org-wide"])
def test_without_a_list_the_app_is_public(which: Grant) -> None:
    assert accepts(lambda: require_allowed(which, ()))


@pytest.mark.parametrize(
    ("which", "allowed", "passes"),
    [
        (ALONE, (NORTH,), True),
        (ALONE, ("T0SOUTH001", NORTH), True),
        (ALONE, ("T0SOUTH001",), False),
        (ALONE, (ORG,), False),
        (ALONE, (NORTH.lower(), NORTH[:-1], NORTH + "1"), False),
        (INSIDE, (ORG_TEAM,), True),
        (INSIDE, (ORG,), True),
        (INSIDE, (NORTH,), False),
        (ORG_WIDE, (ORG,), True),
        (ORG_WIDE, (ORG_TEAM,), False),
        (ORG_WIDE, (NORTH,), False),
    ],
)
@pytest.mark.claim("C-11")
def test_the_tenant_or_its_enterprise_stands_on_the_list(which: Grant, allowed: tuple[str, ...], passes: bool) -> None:
    """I was given the link by somebody whose workspace you serve; or mine is one of an org, and I install for all."""
    if passes:
        assert accepts(lambda: require_allowed(which, allowed))
    else:
        assert refusal_of(lambda: require_allowed(which, allowed)) is Refusal.TEAM_NOT_ALLOWED
