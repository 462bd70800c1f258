"""Every table that says whose a row is stands in what one circle has registered: nothing of a tenant is forgotten.

A row is a tenant's where a column names one, under any of the names that Slack or its customers have for it, or where a
foreign key leads to an installation, over however many tables.
"""

from collections.abc import Iterable, Mapping, Set

import pytest

from slackapp.app import CIRCLES
from slackapp.flows.app import Circle, no_sealed_records
from tests.support.data_model import references, schema

PLAIN_BYTES = {
    "data_keys": "wrapped keys",
    "oauth_states": "hashes",
    "connections": "hashes, and what the service's own key seals before a tenant is anybody's",
}
"""Tables with bytes that no key of a tenant has sealed, and what they are."""
TENANT_COLUMNS = frozenset(("tenant_kind", "tenant", "labels"))
"""Columns by which a row is a tenant's; a label stands for one as a keyed hash."""
ID_ENDINGS = ("tenant_id", "workspace_id", "team_id", "enterprise_id")
"""Endings of columns that hold a tenant's id."""
INSTALLATIONS = "installations"
LEFT = {
    "audit": "ids only: what was done must be known after a purge, too",
    "freezes": "an operator's decision about an id, which holds for whoever comes back",
    "counters": "numbers under a keyed hash, from which nobody wins the tenant back",
}
"""Tables that no circle registers, and why."""


def names_tenant(column: str) -> bool:
    """Whether a column says whose a row is."""
    return column in TENANT_COLUMNS or column.endswith(ID_ENDINGS)


def leads_to_installations(table: str, keys: Mapping[str, Set[str]], seen: Set[str] = frozenset()) -> bool:
    """Whether a table's foreign keys lead to an installation, over others or at once."""
    nearest = keys.get(table, set()) - seen
    return INSTALLATIONS in nearest or any(leads_to_installations(one, keys, seen | {table}) for one in nearest)


def problems(tables: Mapping[str, Iterable[str]], keys: Mapping[str, Set[str]], circles: Iterable[Circle]) -> list[str]:
    """Tables of tenants that no circle registers, or more than one does, and registered ones that are not there."""
    of_tenants = {
        name for name, columns in tables.items()
        if any(map(names_tenant, columns)) or leads_to_installations(name, keys)
    }  # fmt: skip
    registered = [table for circle in circles for data in circle.tenant_data for table in data.tables]
    return [
        *(f"{table}: nobody erases it" for table in sorted(of_tenants - {*registered} - LEFT.keys())),
        *(f"{table}: registered twice" for table in sorted({one for one in registered if registered.count(one) > 1})),
        *(f"{table}: there is no such table of tenants" for table in sorted({*registered, *LEFT} - of_tenants)),
        *(f"{table}: registered, and left" for table in sorted({*registered} & LEFT.keys())),
    ]


def found() -> dict[str, list[str]]:
    return {table: [name for name, _, _ in columns] for table, columns in schema().items()}


def test_every_table_of_tenants_is_registered_once() -> None:
    """Stops a purge, a backup's trial or new keys from passing over a table that came later."""
    assert problems(found(), references(), CIRCLES) == []


def unsealed(circles: Iterable[Circle]) -> set[str]:
    """Tables with a column of bytes, of which the circle says that nothing in them is sealed."""
    without = [data for circle in circles for data in circle.tenant_data if data.sealed_records is no_sealed_records]
    of_bytes = {table for table, columns in schema().items() if any(kind == "BLOB" for _, kind, _ in columns)}
    return of_bytes & {table for data in without for table in data.tables}


def test_what_has_bytes_says_where_they_are_sealed() -> None:
    """Stops new keys from leaving a sealed column closed for ever."""
    assert unsealed(CIRCLES) == PLAIN_BYTES.keys()
    forgetful = CIRCLES[0]._replace(tenant_data=[data._replace(sealed_records=no_sealed_records)
                                                 for data in CIRCLES[0].tenant_data])  # fmt: skip
    assert unsealed([forgetful, *CIRCLES[1:]]) > PLAIN_BYTES.keys(), "negative control"


def test_no_two_data_have_one_name() -> None:
    names = [data.name for circle in CIRCLES for data in circle.tenant_data]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "column", ["tenant_id", "workspace_id", "home_team_id", "slack_enterprise_id", "tenant", "labels"]
)
def test_a_planted_table_is_found_by_any_name_of_a_tenant(column: str) -> None:
    """Negative control."""
    planted = {**found(), "planted": ("id", column)}
    assert problems(planted, references(), CIRCLES) == ["planted: nobody erases it"]


@pytest.mark.parametrize("referenced", ["installations", "tokens", "between"])
def test_a_planted_table_is_found_by_where_its_foreign_keys_lead(referenced: str) -> None:
    """Negative control: at once, over a table of ours, and over two that refer to each other."""
    planted = {**found(), "planted": ("id", "owner")}
    keys = {**references(), "planted": {referenced}, "between": {"planted", "tokens"}}
    assert problems(planted, keys, CIRCLES) == ["planted: nobody erases it"]
    assert problems(planted, {**keys, "planted": {"meta"}}, CIRCLES) == []


def test_a_second_registration_and_a_missing_table_are_found() -> None:
    """Negative control."""
    core = CIRCLES[0]
    again = core._replace(tenant_data=core.tenant_data[:1])
    assert problems(found(), references(), (*CIRCLES, again)) == ["data_keys: registered twice"]
    gone = {table: columns for table, columns in found().items() if table != "inbox"}
    assert problems(gone, references(), CIRCLES) == ["inbox: there is no such table of tenants"]
