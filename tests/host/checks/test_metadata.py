"""What a host says beside a connect: kept where it is typed and small, refused by the name of the field where not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slackapp.host.checks.metadata import MAX_SIZE, parse_metadata
from slackapp.host.errors import HostRefused
from tests.host.checks.helpers import refusal_of

NOW, ADDRESS = 1_800_000_000, "203.0.113.7"
OURS = {"initiatedAt": NOW, "ipAddress": ADDRESS}


def parse(claimed: object) -> bytes:
    return parse_metadata(claimed, NOW, ADDRESS)


def of_size(size: int) -> dict[str, str]:
    """Metadata of that many bytes as canonical JSON."""
    return {"x": "x" * (size - len('{"x":""}'))}


@pytest.mark.parametrize(
    "given_",
    [
        {},
        {"returnUrl": "/settings/integrations", "source": "settings", "projectId": "5f0c3a5e-7d0e-4d6e-9a43"},
        {"plan": "pro", "seats": 12, "trial": False, "ratio": 0.5, "team": {"name": "Ops"}, "tags": ["a", None]},
        {"source": "株" * 64, "n" * 64: ""},
    ],
)
def test_what_is_typed_is_kept_with_when_and_from_where(given_: dict[str, Any]) -> None:
    kept = parse(given_)
    assert json.loads(kept) == {**given_, **OURS}
    assert kept == json.dumps(json.loads(kept), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def test_without_any_there_is_when_and_from_where() -> None:
    assert json.loads(parse(None)) == OURS


@pytest.mark.claim("C-144")
@pytest.mark.parametrize("claimed", [[], [{}], "text", "", 0, False, True, 1.5])
def test_what_is_no_object_is_refused(claimed: object) -> None:
    assert refusal_of(lambda: parse(claimed)) == ("METADATA", "metadata")


@pytest.mark.claim("C-144")
@pytest.mark.parametrize("name", ["source", "projectId"])
@pytest.mark.parametrize("value", ["", "x" * 65, "a\nb", "\ud800", 1, True, None, [], {}])
def test_a_known_name_of_another_type_is_refused(name: str, value: object) -> None:
    assert refusal_of(lambda: parse({name: value})) == ("METADATA", f"metadata.{name}")


@pytest.mark.claim("C-144")
@pytest.mark.parametrize("name", OURS)
def test_when_and_from_where_are_not_the_hosts_to_say(name: str) -> None:
    """I say that the link was made by somebody else, long ago."""
    assert refusal_of(lambda: parse({name: OURS[name]})) == ("METADATA", f"metadata.{name}")


@pytest.mark.claim("C-144")
@pytest.mark.parametrize("name", ["", "n" * 65, "a\nb", "\u202ea", "\ud800"])
def test_a_name_that_cannot_be_shown_is_refused_and_not_repeated(name: str) -> None:
    assert refusal_of(lambda: parse({name: 1})) == ("METADATA", "metadata")


@pytest.mark.claim("C-143")
def test_the_address_to_return_to_has_its_own_form() -> None:
    assert refusal_of(lambda: parse({"returnUrl": "//evil.example"})) == ("RETURN_URL", "metadata.returnUrl")
    assert refusal_of(lambda: parse({"returnUrl": None})) == ("RETURN_URL", "metadata.returnUrl")


@pytest.mark.claim("C-144")
def test_a_byte_more_than_1024_is_too_large() -> None:
    assert len(parse(of_size(MAX_SIZE))) > MAX_SIZE, "ours come on top"
    assert refusal_of(lambda: parse(of_size(MAX_SIZE + 1))) == ("METADATA_SIZE", "metadata")
    assert refusal_of(lambda: parse({"x": "株" * 400})) == ("METADATA_SIZE", "metadata"), "bytes, and not characters"


@pytest.mark.parametrize("value", ["\ud800", ["\udfff"], {"a": {"\ud800": 1}}])
def test_a_value_without_bytes_is_refused(value: object) -> None:
    assert refusal_of(lambda: parse({"x": value})) == ("METADATA", "metadata")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON)
def test_anything_is_kept_as_it_is_or_refused(claimed: Any) -> None:
    try:
        kept = parse(claimed)
    except HostRefused:
        return
    assert json.loads(kept) == {**(claimed or {}), **OURS}
