"""What a tenant, a holder and a word of a closed set are in a row, and that they come back as they were."""

import contextlib
import sqlite3

import pytest

from slackapp.model import BOT, NO_TENANT, Holder, InboxState, Tenant, TenantKind
from slackapp.store.columns import by_word, holder_columns, read_holder, read_tenant

USER = Holder.user("U0PERSON01")
NORTH, ORG = Tenant(TenantKind.WORKSPACE, "T0NORTH001"), Tenant(TenantKind.ENTERPRISE, "E0EVERGRN1")


@pytest.mark.parametrize(
    ("tenant", "holder", "columns"),
    [
        (NORTH, BOT, ("T", "T0NORTH001", "")),
        (NORTH, USER, ("T", "T0NORTH001", "U0PERSON01")),
        (ORG, BOT, ("E", "E0EVERGRN1", "")),
        (NO_TENANT, BOT, ("", "", "")),
    ],
)
def test_tenant_and_holder_are_three_plain_words(tenant: Tenant, holder: Holder, columns: tuple[str, ...]) -> None:
    """Stops a row that the release before this one would read as another's."""
    named = holder_columns(tenant, holder)
    assert tuple(named.items()) == tuple(zip(("tenant_kind", "tenant_id", "user_id"), columns, strict=True))
    assert {type(value) for value in named.values()} == {str}
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.row_factory = sqlite3.Row
        row = connection.execute(
            "SELECT :tenant_kind AS tenant_kind, :tenant_id AS tenant_id, :user_id AS user_id", named
        )
        stored = row.fetchone()
    assert (read_tenant(stored), read_holder(stored)) == (tenant, holder)
    assert isinstance(read_tenant(stored).kind, TenantKind)


def test_every_word_of_a_closed_set_is_its_member() -> None:
    assert by_word(InboxState) == {"ready": "ready", "running": "running", "calling": "calling", "unclear": "unclear",
                                   "dead": "dead", "done": "done"}  # fmt: skip
    assert all(isinstance(member, InboxState) for member in by_word(InboxState).values())
