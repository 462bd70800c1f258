"""Whose token Slack says that it is."""

from typing import Any

import pytest

from slackapp.checks import whose_token
from slackapp.model import Tenant

TEAM, ORG = Tenant("T", "T0NORTH001"), Tenant("E", "E0EVERGR01")


@pytest.mark.parametrize(
    ("tenant", "data", "is_its"),
    [
        (TEAM, {"team_id": TEAM.id}, True),
        (TEAM, {"team_id": TEAM.id, "enterprise_id": ORG.id}, True),
        (TEAM, {"team_id": "T0SOUTH001"}, False),
        (TEAM, {"team_id": ORG.id, "enterprise_id": ORG.id}, False),
        (TEAM, {"enterprise_id": TEAM.id}, False),
        (TEAM, {}, False),
        (TEAM, {"team_id": [TEAM.id]}, False),
        (ORG, {"team_id": ORG.id}, True),
        (ORG, {"team_id": TEAM.id, "enterprise_id": ORG.id}, True),
        (ORG, {"team_id": TEAM.id}, False),
        (ORG, {"team_id": None, "enterprise_id": "E0OTHER001"}, False),
    ],
)
def test_the_tenant_is_the_one_that_the_answer_names(tenant: Tenant, data: dict[str, Any], is_its: bool) -> None:
    assert whose_token.is_tenants(tenant, data) is is_its


@pytest.mark.parametrize(
    ("named", "is_its"),
    [("U111", True), ("W999", True), ("U222", False), ("", False), (None, False), (5, False), (["U111"], False)],
)
def test_a_person_may_be_named_by_the_other_of_two_kinds_of_id(named: Any, is_its: bool) -> None:
    assert whose_token.is_persons("U111", {"user_id": named}) is is_its
