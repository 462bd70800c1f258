"""The vault's way to the audit: only what is registered is written."""

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

import pytest

from slackapp.circles import audit_events
from slackapp.flows.app import Circle
from slackapp.model import AuditEntry, AuditEvent
from tests.support.operator import ACTOR
from tests.support.world import World, make_world


class ToyEvent(StrEnum):
    """Events of a circle."""

    PLAYED = "toy.played"


ENTRY = AuditEntry(at=1, event=AuditEvent.KEYS_FLUSHED, actor=ACTOR)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_world(tmp_path) as made:
        yield made


@pytest.mark.claim("C-112")
@pytest.mark.parametrize("event", [ToyEvent.PLAYED, "keys.flushed", "toy.played"])
def test_an_event_of_no_registered_set_is_not_written(world: World, event: StrEnum) -> None:
    """I write an event that no page tells of."""
    with pytest.raises(TypeError, match="no registered set"):
        world.service.app.vault.append_committed(ENTRY._replace(event=event))
    assert world.audit() == []


def test_a_circle_registers_its_events_and_then_they_are_written(world: World) -> None:
    events = audit_events((Circle(name="toy", audit_events=(ToyEvent,)),))
    vault = replace(world.service.app.vault, events=events)
    for event in (ToyEvent.PLAYED, AuditEvent.KEYS_FLUSHED):
        vault.append_committed(ENTRY._replace(event=event))
    assert world.audit() == ["toy.played", "keys.flushed"]


@pytest.mark.claim("C-27")
def test_a_row_outside_a_transaction_is_refused(world: World) -> None:
    with pytest.raises(RuntimeError, match="inside a transaction"):
        world.service.app.vault.append(ENTRY)
