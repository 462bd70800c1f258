"""What each role may do: the table as it is meant, line by line, and nothing beside it."""

import pytest

from slackapp.host.checks.roles import ALLOWED, HostAction, is_allowed, require_role
from slackapp.host.errors import HostRefused
from slackapp.host.model import HostCaller, HostRole
from slackapp.model import ActorKind
from tests.host.checks.helpers import refusal_of

WHO: tuple[HostRole | None, ...] = (*HostRole, None)
MEANT = """
             owner  admin  member  auditor  host
connect      yes    yes    no      no       no
ask          yes    yes    yes     no       no
manage       yes    yes    no      no       yes
decide       yes    yes    no      no       no
use          yes    yes    yes     no       yes
read         yes    yes    yes     yes      yes
report       yes    yes    no      yes      yes
govern       yes    no     no      no       yes
provision    no     no     no      no       yes
"""
CELLS = [
    (action, role, cell == "yes")
    for action, *cells in (line.split() for line in MEANT.splitlines()[2:])
    for role, cell in zip(WHO, cells, strict=True)
]


def caller(role: HostRole | None) -> HostCaller:
    kind, who = (ActorKind.HOST, None) if role is None else (ActorKind.MEMBER, "ann")
    return HostCaller(kind, "r-1", who, organization="acme", role=role, key_id="k1")


@pytest.mark.claim("C-142")
@pytest.mark.parametrize(("action", "role", "meant"), CELLS)
def test_a_role_does_what_the_table_says_and_is_refused_the_rest(
    action: str, role: HostRole | None, meant: bool
) -> None:
    assert is_allowed(role, HostAction(action)) is meant
    if meant:
        require_role(caller(role), HostAction(action))
    else:
        assert refusal_of(lambda: require_role(caller(role), HostAction(action))) == ("ROLE", None)


def test_the_table_above_has_every_action_and_every_role() -> None:
    assert {action for action, _, _ in CELLS} == set(HostAction) == set(ALLOWED)
    assert len(CELLS) == len(HostAction) * len(WHO)


def test_the_refusal_says_who_asked() -> None:
    asked = caller(HostRole.AUDITOR)
    with pytest.raises(HostRefused) as caught:
        require_role(asked, HostAction.USE)
    assert caught.value.actor is asked
