"""Every table that says whose a row is stands in what one circle has registered: nothing of a tenant is forgotten."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from slackapp.app import CIRCLES
from slackapp.flows.app import Circle, no_sealed_records
from tests.support.data_model import schema

PLAIN_BYTES = {
    "data_keys": "wrapped keys",
    "oauth_states": "hashes",
}
"""Tables with bytes that no key of a tenant has sealed, and what they are."""
TENANT_COLUMNS = frozenset(("tenant_kind", "tenant_id", "tenant", "labels"))
"""Columns by which a row is a tenant's; a label stands for one as a keyed hash."""
LEFT = {
    "audit": "ids only: what was done must be known after a purge, too",
    "freezes": "an operator's decision about an id, which holds for whoever comes back",
    "counters": "numbers under a keyed hash, from which nobody wins the tenant back",
}
"""Tables that no circle registers, and why."""


def problems(tables: Mapping[str, Iterable[str]], circles: Iterable[Circle]) -> list[str]:
    """Tables of tenants that no circle registers, or more than one does, and registered ones that are not there."""
    of_tenants = {name for name, columns in tables.items() if TENANT_COLUMNS & set(columns)}
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
    assert problems(found(), CIRCLES) == []


def unsealed(circles: Iterable[Circle]) -> set[str]:
    """Tables with a column of bytes, of which the circle says that nothing in them is sealed."""
    without = [data for circle in circles for data in circle.tenant_data if data.sealed_records is no_sealed_records]
    of_bytes = {table for table, columns in schema().items() if any(kind == "BLOB" for _, kind, _ in columns)}
    return of_bytes & {table for data in without for table in data.tables}


def test_what_has_bytes_says_where_they_are_sealed() -> None:
    """Stops new keys from leaving a sealed column closed for ever."""
    assert unsealed(CIRCLES) == PLAIN_BYTES.keys()
    forgetful = replace(CIRCLES[0], tenant_data=[replace(data, sealed_records=no_sealed_records)
                                                 for data in CIRCLES[0].tenant_data])  # fmt: skip
    assert unsealed([forgetful]) > PLAIN_BYTES.keys(), "negative control"


def test_no_two_data_have_one_name() -> None:
    names = [data.name for circle in CIRCLES for data in circle.tenant_data]
    assert len(names) == len(set(names))


def test_a_planted_table_a_second_registration_and_a_missing_table_are_found() -> None:
    """Negative control."""
    core = CIRCLES[0]
    assert problems({**found(), "planted": ("id", "tenant_id")}, CIRCLES) == ["planted: nobody erases it"]
    again = replace(core, tenant_data=core.tenant_data[:1])
    assert problems(found(), (*CIRCLES, again)) == ["data_keys: registered twice"]
    gone = {table: columns for table, columns in found().items() if table != "inbox"}
    assert problems(gone, CIRCLES) == ["inbox: there is no such table of tenants"]
