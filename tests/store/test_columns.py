"""What a tenant, a holder and a word of a closed set are in a row, and that they come back as they were."""

import contextlib
import sqlite3

import pytest

from slackapp.model import (
    BOT,
    NO_TENANT,
    ConnectionPurpose,
    DataKeyPurpose,
    Holder,
    KeyPurpose,
    QueueState,
    Tenant,
    TenantKind,
)
from slackapp.store.columns import by_word, key_columns, purpose_columns, read_holder, read_purpose, read_tenant

USER = Holder.user("U0PERSON01")
NORTH, ORG = Tenant(TenantKind.WORKSPACE, "T0NORTH001"), Tenant(TenantKind.ENTERPRISE, "E0EVERGRN1")


@pytest.mark.parametrize(
    ("tenant", "holder", "columns"),
    [
        (NORTH, BOT, ("T", "T0NORTH001", "bot", "")),
        (NORTH, USER, ("T", "T0NORTH001", "user", "U0PERSON01")),
        (NORTH, Holder.connection("U0PERSON01"), ("T", "T0NORTH001", "connection", "U0PERSON01")),
        (ORG, BOT, ("E", "E0EVERGRN1", "bot", "")),
        (NO_TENANT, BOT, ("", "", "bot", "")),
    ],
)
def test_tenant_and_holder_are_four_plain_words(tenant: Tenant, holder: Holder, columns: tuple[str, ...]) -> None:
    """Stops a row that is read as another's."""
    named = key_columns(tenant, holder)
    names = ("tenant_kind", "tenant_id", "holder_kind", "holder_id")
    assert tuple(named.items()) == tuple(zip(names, columns, strict=True))
    assert {type(value) for value in named.values()} == {str}
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.row_factory = sqlite3.Row
        row = connection.execute(f"SELECT {', '.join(f':{name} AS {name}' for name in names)}", named)
        stored = row.fetchone()
    assert (read_tenant(stored), read_holder(stored)) == (tenant, holder)
    assert isinstance(read_tenant(stored).kind, TenantKind)


PURPOSES = [*(each for each in KeyPurpose if each != KeyPurpose.CONNECTION), ConnectionPurpose("c1")]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_the_purpose_of_a_data_key_is_two_plain_words(purpose: DataKeyPurpose) -> None:
    named = purpose_columns(purpose)
    assert {type(value) for value in named.values()} == {str}
    assert read_purpose(named) == purpose
    assert (named["connection_id"] != "") is (named["purpose"] == "connection")


def test_every_word_of_a_closed_set_is_its_member() -> None:
    assert by_word(QueueState) == {"ready": "ready", "running": "running", "calling": "calling", "unclear": "unclear",
                                   "dead": "dead", "done": "done"}  # fmt: skip
    assert all(isinstance(member, QueueState) for member in by_word(QueueState).values())
