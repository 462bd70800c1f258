"""Circles joined: what each registers, under names that are no other one's."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from slackapp.checks.capabilities import CAPABILITIES, Capability, merge_capabilities
from slackapp.flows.app import Circle, no_sealed_records
from slackapp.flows.events import run_event
from slackapp.flows.events.event_context import EventContext
from slackapp.model import SLACK_PROVIDER, AuditEvent, Holder, Settings, Tenant
from slackapp.store import inbox
from slackapp.store.engine.database import Database
from slackapp.vault.vault import FindConnection

_NAMES: tuple[tuple[str, Iterable[str], Callable[[Circle], Iterable[str]]], ...] = (
    # what                 the core's own, beside its circle      a circle's
    ("name", (), lambda circle: (circle.name,)),
    ("data", (), lambda circle: (data.name for data in circle.tenant_data)),
    ("table", (), lambda circle: (table for data in circle.tenant_data for table in data.tables)),
    ("kind of record", (), lambda circle: (*circle.record_limits, *circle.service_records)),
    ("queue", (), lambda circle: (queue.table for queue in circle.queues)),
    ("job", (*run_event.JOBS, inbox.INSTALLED), lambda circle: circle.jobs),
    ("word of the context", dir(EventContext), lambda circle: circle.context),
    ("capability", CAPABILITIES, lambda circle: (each.name for each in circle.capabilities)),
    ("event", AuditEvent, lambda circle: (event for events in circle.audit_events for event in events)),
    ("token provider", (SLACK_PROVIDER,), lambda circle: (each.name for each in circle.token_providers)),
)
"""What a circle registers by name: two that have one would be taken for one another."""


def require_own_names(circles: Iterable[Circle]) -> None:
    """Requires that each name is registered once. Raises ValueError, which says whose name is taken."""
    circles = tuple(circles)
    for what, core, names_of in _NAMES:
        owners = dict.fromkeys(map(str, core), "the core")
        for circle in circles:
            for name in names_of(circle):
                # claim: C-108, C-122
                if name in owners:
                    raise ValueError(f"{circle.name}: the {what} {name} is registered by {owners[name]}")
                owners[str(name)] = circle.name


def require_sealed_records(circles: Iterable[Circle]) -> None:
    """Requires that who seals says where that lies. Raises ValueError: new keys would leave it closed for ever."""
    for circle in circles:
        # claim: C-132
        if circle.record_limits and all(data.sealed_records is no_sealed_records for data in circle.tenant_data):
            raise ValueError(f"{circle.name}: seals {min(circle.record_limits)}, and registers no sealed records")


def audit_events(circles: Iterable[Circle]) -> frozenset[type[StrEnum]]:
    """The sets of events that may be written to the audit: the core's, and those of the circles."""
    return frozenset({AuditEvent, *(events for circle in circles for events in circle.audit_events)})


def capabilities(circles: Iterable[Circle], methods: Iterable[str] | None) -> Mapping[str, Capability]:
    """Joins the capabilities of the core and the circles. With `methods` the behaviour has exactly these."""
    return merge_capabilities([each for circle in circles for each in circle.capabilities], methods)


def record_limits(circles: Iterable[Circle]) -> Mapping[str, int]:
    """Joins what the circles seal: kind of record to bytes."""
    joined = ({**circle.record_limits, **circle.service_records} for circle in circles)
    return {kind: limit for limits in joined for kind, limit in limits.items()}


def join_look_ups(circles: Iterable[Circle], settings: Settings) -> FindConnection:
    """Joins the look-ups of a token's connection: of the circles that are on, the first that knows it tells."""
    look_ups = [circle.find_connection for circle in circles if circle.find_connection and circle.is_on(settings)]

    def find(db: Database, tenant: Tenant, holder: Holder | None) -> tuple[str, str] | None:
        return next((found for each in look_ups if (found := each(db, tenant, holder)) is not None), None)

    return find
