"""The form of Slack's ids."""

from collections.abc import Callable
from typing import Any

import pytest

from slackapp.checks.slack_ids import is_app, is_channel, is_enterprise, is_user, is_workspace, tenant_of_id
from slackapp.model import Tenant

KINDS: dict[Callable[[Any], bool], str] = {
    is_workspace: "T", is_enterprise: "E", is_user: "UW", is_app: "A", is_channel: "CDG",
}  # fmt: skip
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BAD_ENDS = ("", "0", "0" * 21, "0a1", "0-1", "0_1", "0 1", "0\n", "01\x00", "0É1", "0\uff11", "0'1", "0<1")


@pytest.mark.parametrize(("right", "letters"), KINDS.items(), ids=[right.__name__ for right in KINDS])
def test_an_id_is_the_letter_of_its_kind_and_2_to_20_capitals_or_digits(
    right: Callable[[Any], bool], letters: str
) -> None:
    for letter in LETTERS:
        assert right(letter + "0A") is right(letter + "Z9" * 10) is (letter in letters)


@pytest.mark.parametrize(("right", "letters"), KINDS.items(), ids=[right.__name__ for right in KINDS])
def test_what_is_no_id_is_refused(right: Callable[[Any], bool], letters: str) -> None:
    """I put a path, a line break, a tag or another type where an id belongs."""
    wrong: list[Any] = [letter + end for letter in letters for end in BAD_ENDS]
    wrong += [None, 1, True, b"T0NORTH001", ["T0NORTH001"], {"id": "T0NORTH001"}, letters[0].lower() + "0NORTH001"]
    wrong += [" " + letters[0] + "0NORTH001", ""]
    assert [value for value in wrong if right(value)] == []


@pytest.mark.parametrize(
    ("claimed", "tenant"),
    [
        ("T0NORTH001", Tenant("T", "T0NORTH001")),
        ("E0EVERGRN1", Tenant("E", "E0EVERGRN1")),
        ("U0PERSON01", None),
        ("T0NORTH001\n", None),
        ("t0north001", None),
        ("", None),
    ],
)
def test_an_operators_id_is_a_team_or_an_enterprise_by_its_first_letter(claimed: str, tenant: Tenant | None) -> None:
    assert tenant_of_id(claimed) == tenant
