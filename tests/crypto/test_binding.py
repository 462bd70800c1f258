"""What a record is bound to: it opens nowhere else."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slackapp.crypto import envelope, records
from slackapp.errors import DecryptError
from slackapp.model import BOT, ConnectionPurpose, Holder, HolderKind, KeyPurpose, RecordContext, Tenant
from tests.crypto.independent import prefixed

KEY, RANDOM = bytes(range(32)), bytes(44)
APP_ID = "A0LOCAL001"
NORTH, SOUTH, ORG = Tenant("T", "T0NORTH001"), Tenant("T", "T0SOUTH001"), Tenant("E", "E0EVERGRN1")
USER, OTHER = Holder.user("U0PERSON01"), Holder.user("U0PERSON02")
CONNECTION = Holder.connection(USER.id)
BASE = RecordContext(NORTH, "user", "U0PERSON01", "user_access", "U0PERSON01", 3)
TEXT = st.text("T12U\x00\x01é", max_size=3)


def test_the_context_of_a_record_is_every_field_with_its_length() -> None:
    expected = prefixed(
        b"slackapp-record", b"A0LOCAL001", b"T", b"T0NORTH001", b"U0PERSON01", b"user_access", b"U0PERSON01", b"3"
    )
    assert envelope.record_context(APP_ID, BASE) == expected


def test_the_context_of_a_wrapped_key_is_every_field_with_its_length() -> None:
    expected = prefixed(b"slackapp-dek", b"A0LOCAL001", b"T", b"T0NORTH001", b"bot", b"258", b"local", b"2")
    assert envelope.wrap_context(APP_ID, NORTH, "bot", 258, "local", 2) == expected


CONTEXTS = st.builds(
    RecordContext, st.builds(Tenant, TEXT, TEXT), st.just("bot"), TEXT, TEXT, TEXT, st.integers(0, 1200)
)


def context(*fields: str) -> RecordContext:
    kind, tenant_id, user, record_kind, row = fields
    return RecordContext(Tenant(kind, tenant_id), "bot", user, record_kind, row, 1)


@given(TEXT, CONTEXTS, TEXT, CONTEXTS)
@example("A", context("T", "T1", "2", "", ""), "A", context("T", "T12", "", "", ""))
@example("A", context("", "T1", "", "", ""), "A", context("T", "1", "", "", ""))
@example("AT", context("", "1", "", "", ""), "A", context("T", "1", "", "", ""))
def test_two_different_contexts_never_encode_alike(
    one_app: str, one: RecordContext, other_app: str, other: RecordContext
) -> None:
    """I choose ids whose ends run into each other, so that my record is taken for yours."""
    alike = envelope.record_context(one_app, one) == envelope.record_context(other_app, other)
    assert alike is ((one_app, one) == (other_app, other))


WRAPS = st.tuples(TEXT, st.builds(Tenant, TEXT, TEXT), TEXT, st.integers(0, 1200), TEXT, st.integers(0, 1200))


@given(WRAPS, WRAPS)
@example(("A", NORTH, "bot", 1, "23", 4), ("A", NORTH, "bot", 12, "3", 4))
def test_two_different_places_of_a_wrapped_key_never_encode_alike(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    assert (envelope.wrap_context(*one) == envelope.wrap_context(*other)) is (one == other)


@given(TEXT, CONTEXTS, WRAPS)
def test_a_record_is_never_taken_for_a_wrapped_key(app: str, record: RecordContext, wrap: tuple[Any, ...]) -> None:
    assert envelope.record_context(app, record) != envelope.wrap_context(*wrap)


PLACES: dict[str, tuple[str, RecordContext]] = {
    "here": (APP_ID, BASE),
    "another app": ("A0OTHER001", BASE),
    "another tenant": (APP_ID, BASE._replace(tenant=SOUTH)),
    "another kind of tenant": (APP_ID, BASE._replace(tenant=Tenant("E", NORTH.id))),
    "another user": (APP_ID, BASE._replace(user_id="U0PERSON02")),
    "another kind of record": (APP_ID, BASE._replace(kind="bot_access")),
    "another row": (APP_ID, BASE._replace(row="U0PERSON02")),
    "another generation": (APP_ID, BASE._replace(generation=4)),
    "the bot's access token": (APP_ID, records.access_token_context(NORTH, BOT, 3)),
    "the bot's refresh token": (APP_ID, records.refresh_token_context(NORTH, BOT, 3)),
    "this user's refresh token": (APP_ID, records.refresh_token_context(NORTH, USER, 3)),
    "another user's access token": (APP_ID, records.access_token_context(NORTH, OTHER, 3)),
    "the org's access token": (APP_ID, records.access_token_context(ORG, USER, 3)),
    "the access token of a connection of this id": (APP_ID, records.access_token_context(NORTH, CONNECTION, 3)),
    "its refresh token": (APP_ID, records.refresh_token_context(NORTH, CONNECTION, 3)),
    "the webhook": (APP_ID, records.webhook_context(NORTH, 3)),
    "an event": (APP_ID, records.event_body_context(NORTH, "Ev1")),
    "another event": (APP_ID, records.event_body_context(NORTH, "Ev2")),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.claim("C-29", "C-109")
def test_a_record_opens_at_its_own_place_and_at_no_other(place: str) -> None:
    """I move a sealed value to another row, column, user, tenant, app or generation of the database."""
    blob = envelope.seal(KEY, 1, envelope.record_context(*PLACES[place]), b"secret", RANDOM)
    opened = []
    for other, where in PLACES.items():
        try:
            envelope.open_sealed(KEY, 1, envelope.record_context(*where), blob, 100)
        except DecryptError:
            continue
        opened.append(other)
    assert opened == [place]


WRAPPED = {
    "here": (APP_ID, NORTH, "bot", 7, "local", 1),
    "another app": ("A0OTHER001", NORTH, "bot", 7, "local", 1),
    "another tenant": (APP_ID, SOUTH, "bot", 7, "local", 1),
    "another kind of tenant": (APP_ID, Tenant("E", NORTH.id), "bot", 7, "local", 1),
    "another purpose": (APP_ID, NORTH, "user", 7, "local", 1),
    "another key id": (APP_ID, NORTH, "bot", 8, "local", 1),
    "another provider": (APP_ID, NORTH, "bot", 7, "other", 1),
    "another master key": (APP_ID, NORTH, "bot", 7, "local", 2),
}


@pytest.mark.parametrize("place", WRAPPED)
@pytest.mark.claim("C-30")
def test_a_wrapped_key_opens_at_its_own_place_and_at_no_other(place: str) -> None:
    """I move a tenant's wrapped key to my own tenant, or to another purpose."""
    blob = envelope.seal(KEY, 1, envelope.wrap_context(*WRAPPED[place]), bytes(32), RANDOM)
    for other, where in WRAPPED.items():
        if other == place:
            assert envelope.open_sealed(KEY, 1, envelope.wrap_context(*where), blob, 32) == bytes(32)
        else:
            with pytest.raises(DecryptError):
                envelope.open_sealed(KEY, 1, envelope.wrap_context(*where), blob, 32)


OWN_KEY = ConnectionPurpose("U0PERSON01")
KINDS = {
    "bot_access": (records.access_token_context(NORTH, BOT, 3), ("bot", "", "bot", 3)),
    "user_access": (records.access_token_context(NORTH, USER, 3), ("user", "U0PERSON01", "U0PERSON01", 3)),
    "bot_refresh": (records.refresh_token_context(NORTH, BOT, 3), ("refresh", "", "bot", 3)),
    "user_refresh": (records.refresh_token_context(NORTH, USER, 3), ("refresh", "U0PERSON01", "U0PERSON01", 3)),
    "connection_access": (records.access_token_context(NORTH, CONNECTION, 3), (OWN_KEY, "", "U0PERSON01", 3)),
    "connection_refresh": (records.refresh_token_context(NORTH, CONNECTION, 3), (OWN_KEY, "", "U0PERSON01", 3)),
    "webhook": (records.webhook_context(NORTH, 3), ("data", "", "webhook", 3)),
    "event_body": (records.event_body_context(NORTH, "Ev1"), ("data", "", "Ev1", 0)),
    "installer": (records.installer_details_context(NORTH, USER, 3), ("data", "U0PERSON01", "U0PERSON01", 3)),
    "installer_webhook": (
        records.installer_webhook_context(NORTH, USER, 3),
        ("data", "U0PERSON01", "U0PERSON01", 3),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_record_has_its_key_its_owner_and_its_row(kind: str) -> None:
    """Stops a renamed kind: what was sealed under the old name would never open again."""
    found, (purpose, user_id, row, generation) = KINDS[kind]
    assert found == RecordContext(NORTH, purpose, user_id, kind, row, generation)


HOLDERS = st.one_of(
    st.just(BOT),
    st.builds(Holder, st.sampled_from([HolderKind.USER, HolderKind.CONNECTION]), st.text("bot:U1", min_size=1)),
)


@given(HOLDERS, HOLDERS)
@example(BOT, Holder.user("bot"))
@example(BOT, Holder.connection("bot"))
@example(Holder.user("c1"), Holder.connection("c1"))
@example(Holder.user("connection:c1"), Holder.connection("c1"))
@pytest.mark.claim("C-109")
def test_two_holders_never_have_one_place(one: Holder, other: Holder) -> None:
    """I choose a user's id so that my token passes for a connection's, or for the bot's."""
    for context in (records.access_token_context, records.refresh_token_context):
        places = [envelope.record_context(APP_ID, context(NORTH, holder, 3)) for holder in (one, other)]
        assert (places[0] == places[1]) is (one == other)


@given(st.text("bot:U1", min_size=1))
def test_no_connections_key_is_wrapped_as_the_tenants_or_the_services(connection_id: str) -> None:
    assert str(ConnectionPurpose(connection_id)) not in set(KeyPurpose)


def test_the_details_of_the_bot_have_a_row_of_their_own() -> None:
    assert records.installer_details_context(NORTH, BOT, 3) == RecordContext(NORTH, "data", "", "installer", "bot", 3)


def test_every_kind_of_record_has_a_limit_and_no_kind_has_another() -> None:
    assert KINDS.keys() == records.LIMITS.keys()
    assert {kind: limit for kind, limit in records.LIMITS.items() if "webhook" not in kind} == {
        "bot_access": 16 * 1024,
        "user_access": 16 * 1024,
        "bot_refresh": 16 * 1024,
        "user_refresh": 16 * 1024,
        "connection_access": 16 * 1024,
        "connection_refresh": 16 * 1024,
        "event_body": 1024 * 1024,
        "installer": 64 * 1024,
    }
