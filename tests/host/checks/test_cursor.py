"""Cursors: ours, for one organization and one list."""

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slackapp.host.checks.cursor import MAX_LENGTH, read_cursor, write_cursor
from slackapp.host.errors import HostRefused
from tests.host.checks.helpers import refusal_of

KEYS = {7: b"k" * 32, 8: b"l" * 32}
POSITIONS = ["", "1800000000000", "C0GENERAL1 general", "1800000000 " + "0" * 24, "é" * 80]


def written(position: str = "42", organization: str = "acme", name: str = "events", key_id: int = 7) -> str:
    return write_cursor(key_id, KEYS[key_id], organization=organization, name=name, position=position)


def read(claimed: str, organization: str = "acme", name: str = "events") -> str:
    return read_cursor(claimed, KEYS.get, organization=organization, name=name)


@pytest.mark.parametrize("position", POSITIONS)
def test_a_cursor_says_where_a_list_goes_on(position: str) -> None:
    cursor = written(position)
    assert read(cursor) == position
    assert len(cursor) <= MAX_LENGTH
    assert read(written(position, key_id=8)) == position


@pytest.mark.claim("C-181")
def test_a_cursor_of_another_organization_or_list_is_none() -> None:
    """I take along where another organization has stopped, or try one list's in another."""
    for organization, name in (("globex", "events"), ("acme", "channels"), ("acmeevents", ""), ("acme\0events", "")):
        assert refusal_of(lambda o=organization, n=name: read(written(organization=o, name=n))) == ("CURSOR", "cursor")
    # The parts have their lengths before them: no two triples are written alike.
    assert refusal_of(lambda: read(written("x", "acmee", "vents"))) == ("CURSOR", "cursor")


@pytest.mark.claim("C-181")
def test_a_cursor_that_was_changed_or_made_up_is_none() -> None:
    """I change a bit of it, or make one up, or take a key that is not there."""
    data = base64.urlsafe_b64decode(written() + "==")
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        text = base64.urlsafe_b64encode(changed).decode().rstrip("=")
        assert refusal_of(lambda text=text: read(text)) == ("CURSOR", "cursor")
    for text in ("", "x", "AAAA", "A" * 40, "é", "a b", written()[:-1], written() + "A", "\ud800", written() + "\n"):
        assert refusal_of(lambda text=text: read(text)) == ("CURSOR", "cursor")


@given(st.text(max_size=64))
def test_whatever_is_claimed_is_refused(claimed: str) -> None:
    with contextlib.suppress(HostRefused):
        raise AssertionError(read(claimed))
