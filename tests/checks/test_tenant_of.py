"""Which tenant a verified event belongs to."""

from typing import Any

import pytest

from slackapp.checks.tenant_of import (
    acting_team,
    acting_team_of_interaction,
    tenant_of_lifecycle,
    tenants_of_command,
    tenants_of_event,
    tenants_of_interaction,
)
from slackapp.errors import Refusal
from slackapp.model import Tenant
from tests.checks.helpers import refusal_of

OURS, THEIRS, ORG = "T0NORTH001", "T0SOUTH001", "E0EVERGRN1"
TEAM, OTHER_TEAM, COVER = Tenant("T", OURS), Tenant("T", THEIRS), Tenant("E", ORG)


def entry(**fields: Any) -> list[dict[str, Any]]:
    """`authorizations` with one entry."""
    return [{"enterprise_id": None, "team_id": OURS, "user_id": "U0BOT", "is_bot": True, **fields}]


CASES: dict[str, tuple[dict[str, Any], tuple[Tenant, ...]]] = {
    "team at the top": ({"team_id": OURS}, (TEAM,)),
    "team in an org at the top": ({"team_id": OURS, "enterprise_id": ORG}, (TEAM, COVER)),
    "org alone at the top": ({"enterprise_id": ORG}, (COVER,)),
    "team null": ({"team_id": None, "enterprise_id": ORG}, (COVER,)),
    "org null": ({"team_id": OURS, "enterprise_id": None}, (TEAM,)),
    "org-wide at the top": ({"team_id": OURS, "enterprise_id": ORG, "is_enterprise_install": True}, (COVER,)),
    "flag false": ({"team_id": OURS, "enterprise_id": ORG, "is_enterprise_install": False}, (TEAM, COVER)),
    "flag as a string is no flag": (
        {"team_id": OURS, "enterprise_id": ORG, "is_enterprise_install": "true"},
        (TEAM, COVER),
    ),
    "flag without an org": ({"team_id": OURS, "is_enterprise_install": True}, (TEAM,)),
    "an org where a team is due": ({"team_id": ORG}, (COVER,)),
    "an org where a team is due, and beside it": ({"team_id": ORG, "enterprise_id": ORG}, (COVER,)),
    "an authorization with an org where a team is due": ({"authorizations": entry(team_id=ORG)}, (COVER,)),
    "nobody": ({}, ()),
    "nobody, in empty strings": ({"team_id": "", "enterprise_id": ""}, ()),
    "authorization alone": ({"authorizations": entry()}, (TEAM,)),
    "authorization before the top": ({"team_id": THEIRS, "authorizations": entry()}, (TEAM,)),
    "authorization before a foreign org": (
        {"team_id": THEIRS, "enterprise_id": "E0FOREIGN1", "authorizations": entry()},
        (TEAM,),
    ),
    "only the first authorization": ({"authorizations": entry() + entry(team_id=THEIRS)}, (TEAM,)),
    "org-wide authorization": ({"authorizations": entry(enterprise_id=ORG, is_enterprise_install=True)}, (COVER,)),
    "org-wide authorization without team": (
        {"team_id": THEIRS, "authorizations": entry(team_id=None, enterprise_id=ORG, is_enterprise_install=True)},
        (COVER,),
    ),
    "org-wide authorization with the org as its team": (
        {"authorizations": entry(team_id=ORG, enterprise_id=ORG, is_enterprise_install=True)},
        (COVER,),
    ),
    "the flag of the top is not the authorization's": (
        {"is_enterprise_install": True, "authorizations": entry(enterprise_id=ORG, is_enterprise_install=False)},
        (TEAM, COVER),
    ),
    "authorization that names nobody": ({"team_id": OURS, "authorizations": [{}]}, (TEAM,)),
    "authorization that names only an org": ({"authorizations": entry(team_id=None, enterprise_id=ORG)}, (COVER,)),
    "authorization that names only an org, in a channel shared with another company": (
        {"team_id": THEIRS, "enterprise_id": "E0FOREIGN1", "authorizations": entry(team_id=None, enterprise_id=ORG)},
        (COVER,),
    ),
    "no authorizations": ({"team_id": OURS, "authorizations": []}, (TEAM,)),
    "authorizations null": ({"team_id": OURS, "authorizations": None}, (TEAM,)),
    "nothing else is looked at": (
        {
            "team_id": OURS,
            "context_team_id": THEIRS,
            "context_enterprise_id": ORG,
            "event": {"team": THEIRS, "team_id": THEIRS, "user_team": THEIRS, "source_team": THEIRS},
        },
        (TEAM,),
    ),
}
BAD: dict[str, dict[str, Any]] = {
    "team of another form": {"team_id": "t0north001"},
    "team with a line feed": {"team_id": OURS + "\n"},
    "two orgs": {"team_id": ORG, "enterprise_id": "E0FOREIGN1"},
    "team 0": {"team_id": 0, "enterprise_id": ORG},
    "team false": {"team_id": False, "enterprise_id": ORG},
    "team an empty list": {"team_id": [], "enterprise_id": ORG},
    "org 0": {"team_id": OURS, "enterprise_id": 0},
    "authorization's team 0": {"team_id": OURS, "authorizations": entry(team_id=0)},
    "authorization's team false": {"team_id": OURS, "authorizations": entry(team_id=False, enterprise_id=ORG)},
    "authorization's org a list": {"team_id": OURS, "authorizations": entry(enterprise_id=[])},
    "authorization's user a number": {"team_id": OURS, "authorizations": entry(user_id=7)},
    "authorization's bot flag a text": {"team_id": OURS, "authorizations": entry(is_bot="true")},
    "authorization's org flag a text": {"team_id": OURS, "authorizations": entry(is_enterprise_install="true")},
    "authorization's org flag a number": {"team_id": OURS, "authorizations": entry(is_enterprise_install=1)},
    "a second authorization of another type": {"team_id": OURS, "authorizations": [*entry(), 7]},
    "team id as the org": {"enterprise_id": OURS},
    "team id as both": {"team_id": OURS, "enterprise_id": OURS},
    "team a number": {"team_id": 7},
    "team a list": {"team_id": [OURS]},
    "team an object": {"team_id": {"id": OURS}},
    "org of another form": {"team_id": OURS, "enterprise_id": "E"},
    "authorizations an object": {"team_id": OURS, "authorizations": {"team_id": OURS}},
    "authorizations a string": {"team_id": OURS, "authorizations": OURS},
    "authorizations false": {"team_id": OURS, "authorizations": False},
    "authorization a string": {"team_id": OURS, "authorizations": [OURS]},
    "authorization null": {"team_id": OURS, "authorizations": [None]},
    "authorization with a bad team": {"team_id": OURS, "authorizations": entry(team_id="x")},
}


@pytest.mark.parametrize(("body", "found"), CASES.values(), ids=CASES)
def test_an_event_belongs_to_the_tenant_of_its_first_authorization(
    body: dict[str, Any], found: tuple[Tenant, ...]
) -> None:
    assert tenants_of_event(body) == found


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
@pytest.mark.claim("C-74")
@pytest.mark.claim("C-89")
def test_ids_that_are_not_slacks_are_refused(body: dict[str, Any]) -> None:
    assert refusal_of(lambda: tenants_of_event(body)) is Refusal.EVENT
    assert refusal_of(lambda: tenant_of_lifecycle(body)) is Refusal.EVENT


@pytest.mark.claim("C-10")
def test_in_a_shared_channel_the_other_company_is_not_the_tenant() -> None:
    """I write in a channel that I share with your customer, so that you answer me with my neighbour's token."""
    assert tenants_of_event({"team_id": THEIRS, "authorizations": entry()}) == (TEAM,)


@pytest.mark.parametrize(
    ("body", "tenant"),
    [
        ({"team_id": OURS}, TEAM),
        ({"team_id": OURS, "enterprise_id": ORG}, TEAM),
        ({"enterprise_id": ORG}, COVER),
        ({"team_id": OURS, "enterprise_id": ORG, "is_enterprise_install": True}, COVER),
        (
            {"team_id": OURS, "authorizations": entry(team_id=None, enterprise_id=ORG, is_enterprise_install=True)},
            COVER,
        ),
        ({"team_id": OURS, "authorizations": entry(team_id=None, enterprise_id=ORG)}, TEAM),
        ({"team_id": THEIRS, "authorizations": entry()}, TEAM),
        ({"team_id": ORG}, COVER),
        ({"team_id": OURS, "enterprise_id": ORG, "authorizations": entry(team_id=ORG)}, TEAM),
        ({"authorizations": entry(team_id=ORG, is_enterprise_install=True)}, COVER),
        ({}, None),
    ],
    ids=[
        "workspace", "workspace in an org", "org", "org-wide", "org-wide authorization",
        "authorization that names an org and does not say that it is org-wide", "authorization",
        "org where a team is due", "authorization with an org where a team is due, without a flag",
        "the same, org-wide", "nobody",
    ],
)  # fmt: skip
@pytest.mark.claim("C-62")
def test_a_lifecycle_event_is_about_exactly_one_tenant(body: dict[str, Any], tenant: Tenant | None) -> None:
    """I remove the app from my workspace, and the whole enterprise that it belongs to loses it."""
    assert tenant_of_lifecycle(body) == tenant


@pytest.mark.parametrize(
    ("body", "team"),
    [
        ({"team_id": OURS}, OURS),
        ({"team_id": THEIRS, "authorizations": entry()}, OURS),
        ({"team_id": OURS, "authorizations": entry(team_id=None, is_enterprise_install=True)}, OURS),
        ({"team_id": THEIRS, "authorizations": entry(team_id=None, is_enterprise_install=True),
          "is_ext_shared_channel": True}, ""),
        ({"team_id": THEIRS, "enterprise_id": "E0FOREIGN1", "is_ext_shared_channel": False,
          "authorizations": entry(team_id=None, enterprise_id=ORG, is_enterprise_install=True)}, ""),
        ({"team_id": OURS, "enterprise_id": ORG,
          "authorizations": entry(team_id=None, enterprise_id=ORG, is_enterprise_install=True)}, OURS),
        ({"team_id": ORG}, ""),
        ({"team_id": None}, ""),
        ({}, ""),
    ],
    ids=["top", "authorization", "org-wide", "org-wide in a shared channel", "org-wide, at the top another org",
         "org-wide, at the top the same org", "an org", "null", "nothing"],
)  # fmt: skip
def test_the_workspace_that_an_event_came_from_is_never_the_other_companys(body: dict[str, Any], team: str) -> None:
    assert acting_team(body) == team


COMMANDS: dict[str, tuple[dict[str, str], tuple[Tenant, ...]]] = {
    "workspace": ({"team_id": OURS, "is_enterprise_install": "false"}, (TEAM,)),
    "workspace in an org": ({"team_id": OURS, "enterprise_id": ORG, "is_enterprise_install": "false"}, (TEAM, COVER)),
    "an org where a team is due": ({"team_id": ORG}, (COVER,)),
    "org-wide, as text": ({"team_id": OURS, "enterprise_id": ORG, "is_enterprise_install": "true"}, (COVER,)),
    "no flag": ({"team_id": OURS, "enterprise_id": ORG}, (TEAM, COVER)),
    "another spelling is no flag": (
        {"team_id": OURS, "enterprise_id": ORG, "is_enterprise_install": "True"},
        (TEAM, COVER),
    ),
    "flag without an org": ({"team_id": OURS, "is_enterprise_install": "true"}, (TEAM,)),
    "empty org": ({"team_id": OURS, "enterprise_id": ""}, (TEAM,)),
    "nobody": ({}, ()),
}


@pytest.mark.parametrize("what", COMMANDS)
def test_a_command_is_looked_up_by_its_own_ids(what: str) -> None:
    form, tenants = COMMANDS[what]
    assert tenants_of_command(form) == tenants


@pytest.mark.parametrize(
    "form", [{"team_id": "U0NORTH001"}, {"team_id": "x"}, {"team_id": OURS, "enterprise_id": "T1"}]
)
def test_a_command_with_an_id_of_another_form_is_refused(form: dict[str, str]) -> None:
    assert refusal_of(lambda: tenants_of_command(form)) is Refusal.EVENT


FOREIGN_ORG = {"id": "E0FOREIGN1"}
THEIR_SIDE = {"team": {"id": THEIRS}, "user": {"id": "U1", "team_id": THEIRS}, "enterprise": FOREIGN_ORG}
INTERACTIONS: dict[str, tuple[dict[str, Any], tuple[Tenant, ...]]] = {
    "workspace": ({"team": {"id": OURS}, "enterprise": None, "is_enterprise_install": False}, (TEAM,)),
    "workspace in an org": ({"team": {"id": OURS}, "enterprise": {"id": ORG}}, (TEAM, COVER)),
    "org-wide": ({"team": {"id": OURS}, "enterprise": {"id": ORG}, "is_enterprise_install": True}, (COVER,)),
    "org-wide without a team": ({"team": None, "enterprise": {"id": ORG}, "is_enterprise_install": True}, (COVER,)),
    "a flag as text is no flag": (
        {"team": {"id": OURS}, "enterprise": {"id": ORG}, "is_enterprise_install": "true"},
        (TEAM, COVER),
    ),
    "no team, but the person's": ({"team": None, "user": {"id": "U1", "team_id": OURS}}, (TEAM,)),
    "no team, but the view's": ({"team": None, "user": {"id": "U1"}, "view": {"team_id": OURS}}, (TEAM,)),
    "team before person before view": (
        {"team": {"id": OURS}, "user": {"team_id": THEIRS}, "view": {"team_id": THEIRS}},
        (TEAM,),
    ),
    "a modal from the other side of a shared channel": (
        {**THEIR_SIDE, "view": {"app_installed_team_id": OURS, "team_id": THEIRS}},
        (TEAM,),
    ),
    "the same, of an org-wide app": ({**THEIR_SIDE, "view": {"app_installed_team_id": ORG}}, (COVER,)),
    "the same, with a flag that does not fit": (
        {**THEIR_SIDE, "view": {"app_installed_team_id": ORG}, "is_enterprise_install": True},
        (COVER,),
    ),
    "an org-wide app's view in one of its workspaces": (
        {
            "team": {"id": OURS}, "enterprise": {"id": ORG}, "is_enterprise_install": True,
            "view": {"app_installed_team_id": OURS},
        },
        (COVER,),
    ),
    "a view that does not say": ({"team": {"id": OURS}, "view": {"app_installed_team_id": None}}, (TEAM,)),
    "nobody": ({}, ()),
    "nobody, in nulls": ({"team": None, "user": None, "view": None, "enterprise": None}, ()),
    "a Home tab of a workspace beside the first": (
        {"team": {"id": OURS}, "view": {"type": "home", "team_id": OURS, "app_installed_team_id": THEIRS}},
        (TEAM,),
    ),
    "a Home tab, the person's team being another": (
        {**THEIR_SIDE, "enterprise": None, "view": {"type": "home", "team_id": OURS, "app_installed_team_id": THEIRS}},
        (TEAM,),
    ),
    "a Home tab of an org-wide app": (
        {
            "team": {"id": OURS}, "enterprise": {"id": ORG}, "is_enterprise_install": True,
            "view": {"type": "home", "team_id": OURS, "app_installed_team_id": THEIRS},
        },
        (COVER,),
    ),
    "a Home tab of the org itself": (
        {"team": None, "user": {"team_id": THEIRS}, "view": {"type": "home", "team_id": ORG}},
        (COVER,),
    ),
    "a Home tab of a workspace in an org": (
        {"team": {"id": OURS}, "enterprise": {"id": ORG}, "view": {"type": "home", "team_id": OURS}},
        (TEAM, COVER),
    ),
    "a Home tab that does not say where": (
        {"team": {"id": OURS}, "view": {"type": "home", "app_installed_team_id": THEIRS}},
        (TEAM,),
    ),
    "an org where a team is due": ({"team": {"id": ORG}}, (COVER,)),
}  # fmt: skip


@pytest.mark.parametrize("what", INTERACTIONS)
@pytest.mark.claim("C-88")
def test_an_interaction_belongs_to_where_the_app_is_installed(what: str) -> None:
    """I send off your modal from my side of a shared channel, so that my neighbour's token does what it says."""
    payload, tenants = INTERACTIONS[what]
    assert tenants_of_interaction(payload) == tenants


ORG_SIDE = {"enterprise": {"id": ORG}, "is_enterprise_install": True}
IN_ORG: dict[str, tuple[dict[str, Any], str]] = {
    "the team": ({**ORG_SIDE, "team": {"id": OURS}, "user": {"team_id": OTHER_TEAM.id}}, OURS),
    "the person's, of a shortcut": ({**ORG_SIDE, "team": None, "user": {"team_id": OURS}}, OURS),
    "the person's is the org": ({**ORG_SIDE, "team": None, "user": {"team_id": ORG}, "view": {"team_id": OURS}}, OURS),
    "the Home tab's": ({**ORG_SIDE, "team": {"id": THEIRS}, "view": {"type": "home", "team_id": OURS}}, OURS),
    "the org's id alone": ({"team": {"id": ORG}, "user": {"team_id": OURS}}, OURS),
    "another company's": ({**THEIR_SIDE, "view": {"app_installed_team_id": ORG}}, ""),
    "another company's, opened in one of ours": ({**THEIR_SIDE, "view": {"app_installed_team_id": OURS}}, OURS),
    "nobody's": ({}, ""),
}


@pytest.mark.parametrize("what", IN_ORG)
@pytest.mark.claim("C-88")
def test_the_workspace_in_which_somebody_acted_is_one_of_the_enterprises_own(what: str) -> None:
    payload, team = IN_ORG[what]
    assert acting_team_of_interaction(payload, COVER) == team


@pytest.mark.parametrize(
    "wrong",
    [
        7,
        "x",
        [OURS],
        True,
        {"id": 0},
        {"id": False},
        {"id": []},
        {"id": 7},
        {"id": [OURS]},
        {"id": "U1"},
        {"id": OURS + " "},
    ],
)
@pytest.mark.parametrize("part", ["team", "enterprise", "user", "view", "installed"])
def test_an_interaction_with_a_part_of_another_type_is_refused(part: str, wrong: Any) -> None:
    inner = wrong["id"] if isinstance(wrong, dict) else wrong
    payload = {
        "team": {"team": wrong},
        "enterprise": {"enterprise": wrong},
        "user": {"user": {"team_id": inner} if isinstance(wrong, dict) else wrong},
        "view": {"view": {"team_id": inner} if isinstance(wrong, dict) else wrong},
        "installed": {"view": {"app_installed_team_id": inner}},
    }[part]
    assert refusal_of(lambda: tenants_of_interaction(payload)) is Refusal.EVENT
