"""Whose token Slack says that it is."""

from typing import Any

import pytest

from slackapp.checks import token_owner
from slackapp.model import BOT, Holder, Tenant

TEAM, ORG = Tenant("T", "T0NORTH001"), Tenant("E", "E0EVERGR01")
USER = Holder.user("U1")


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
    assert token_owner.names_tenant(tenant, data) is is_its


@pytest.mark.parametrize(
    ("named", "is_its"),
    [("U111", True), ("W999", True), ("U222", False), ("", False), (None, False), (5, False), (["U111"], False)],
)
def test_a_user_may_be_named_by_the_other_of_two_kinds_of_id(named: Any, is_its: bool) -> None:
    assert token_owner.may_name_user("U111", {"user_id": named}) is is_its


@pytest.mark.claim("C-81")
@pytest.mark.parametrize(
    ("tenant", "team", "enterprise", "ours", "anothers"),
    [
        (TEAM, TEAM.id, None, True, False),
        (TEAM, TEAM.id, ORG.id, True, False),
        (TEAM, "T0SOUTH001", None, False, True),
        (TEAM, ORG.id, ORG.id, False, True),
        (TEAM, "T0SOUTH001", TEAM.id, False, True),
        (TEAM, None, ORG.id, False, False),
        (TEAM, [TEAM.id], None, False, False),
        (TEAM, "", None, False, False),
        (ORG, ORG.id, ORG.id, True, False),
        (ORG, "T0EVERAA01", ORG.id, True, False),
        (ORG, ORG.id, "E0STRANGER", True, False),
        (ORG, "T0EVERAA01", "E0STRANGER", False, True),
        (ORG, "T0NORTH001", None, False, True),
        (ORG, None, None, False, False),
    ],
)
def test_only_ids_that_are_there_say_whose_a_token_is(
    tenant: Tenant, team: Any, enterprise: Any, ours: bool, anothers: bool
) -> None:
    data = {"team_id": team, "enterprise_id": enterprise}
    found = token_owner.names_tenant(tenant, data), token_owner.names_other_owner(tenant, BOT, data)
    assert found == (ours, anothers)


@pytest.mark.claim("C-81")
@pytest.mark.parametrize(
    ("named", "anothers"),
    [("U111", False), ("W999", False), ("U222", True), ("", False), (None, False), (["U2"], False)],
)
def test_a_users_token_that_names_another_user_is_another_ones(named: Any, anothers: bool) -> None:
    data = {"team_id": TEAM.id, "user_id": named}
    assert token_owner.names_other_owner(TEAM, Holder.user("U111"), data) is anothers
    assert not token_owner.names_other_owner(TEAM, BOT, data), "the bot's own user is not stored from everywhere"


@pytest.mark.claim("C-81")
@pytest.mark.parametrize(
    ("tenant", "holder", "data", "anothers"),
    [
        (TEAM, BOT, {}, False),
        (TEAM, BOT, {"team": {"id": TEAM.id}}, False),
        (TEAM, BOT, {"team": {"id": "T0SOUTH001"}}, True),
        (TEAM, BOT, {"team": {"id": 7}}, False),
        (TEAM, BOT, {"team": None, "enterprise": {"id": ORG.id}}, False),
        (TEAM, BOT, {"user_id": "U0SOMEBODY"}, False),
        (TEAM, USER, {"user_id": "U1"}, False),
        (TEAM, USER, {"user_id": "W2"}, False),
        (TEAM, USER, {"user_id": "U2"}, True),
        (TEAM, USER, {"user_id": ["U2"]}, False),
        (ORG, BOT, {"enterprise": {"id": ORG.id}, "team": {"id": "T0SOUTH001"}}, False),
        (ORG, BOT, {"enterprise": {"id": "E0STRANGER"}}, True),
    ],
)
def test_the_ids_beside_a_new_pair_say_whose_it_is(
    tenant: Tenant, holder: Holder, data: dict[str, Any], anothers: bool
) -> None:
    assert token_owner.is_other_owners_pair(tenant, holder, data) is anothers
