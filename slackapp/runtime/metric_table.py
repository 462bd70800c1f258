"""Table of all metrics.

Stops:   an attacker who makes series: a value that stands in no closed list becomes `other`, and each metric has only
         so many series. A name or a label that is not in the table is a mistake of ours, and raises.
Read:    prometheus.io/docs/practices/naming (names, and what makes too many series)
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple

from slackapp.checks.slack_errors import DEAD_REFRESH_ERRORS, ERROR_KINDS
from slackapp.model import (
    ActorKind,
    EventOutcome,
    InstallationStatus,
    InstallOutcome,
    QueueState,
    RefreshOutcome,
    TenantChange,
    TokenHealth,
    TokenStatus,
)
from slackapp.runtime.health import PARTS

OPEN_STATES = tuple(state for state in QueueState if state != QueueState.DONE)
"""States of a row of the inbox that is not done."""
_INTERACTION_OUTCOMES = (
    EventOutcome.STORED, EventOutcome.REPEAT, EventOutcome.UNHANDLED, EventOutcome.UNKNOWN, EventOutcome.FOREIGN_APP,
    EventOutcome.OPTIONS, EventOutcome.NO_OPTIONS,
)  # fmt: skip


class MetricKind(StrEnum):
    """Kind of a metric, as Prometheus calls it."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


COUNTER, GAUGE, HISTOGRAM = MetricKind
FREE_VALUES = None
"""For a label whose values stand in our own code or in the behaviour's table; no request brings any."""
OTHER = "other"
_LONGEST = 80


SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
"""Buckets of what a machine does; the last one is endless."""
MINUTES = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0)
"""Those of what people do, in seconds, too."""


class Metric(NamedTuple):
    """A row of the table: what the number means, which labels it has with which values, and a histogram's buckets."""

    name: str
    kind: MetricKind
    meaning: str
    labels: Mapping[str, Collection[str] | None] = {}
    max_series: int = 500
    buckets: tuple[float, ...] = SECONDS

    def normalize(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Sorts the labels, with `other` for every value that may not stand there."""
        return {name: self._allowed(name, labels[name]) for name in sorted(labels)}

    def overflow_labels(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Chooses the labels for counts that exceed the limit of series."""
        return {name: OTHER if self.labels[name] is FREE_VALUES else value for name, value in labels.items()}

    def _allowed(self, name: str, value: str) -> str:
        values = self.labels[name]
        if values is FREE_VALUES:
            return value if len(value) <= _LONGEST and value.isascii() and value.isprintable() else OTHER
        return value if value in values else OTHER


TABLE = (
    # What comes in
    Metric(
        "slackapp_requests_total", COUNTER, "Requests, by route and status.",
        {"route": FREE_VALUES, "status": FREE_VALUES},
    ),
    Metric("slackapp_refusals_total", COUNTER, "Requests that were refused, by reason.", {"reason": FREE_VALUES}),
    Metric(
        "slackapp_signatures_total", COUNTER,
        "Requests that Slack has signed, by the secret: 1 is the first of the setting, 2 the second.",
        {"secret": ("1", "2")},
    ),
    # Installs
    Metric("slackapp_installs_begun_total", COUNTER, "Browsers that were sent to Slack's consent page."),
    Metric(
        "slackapp_installs_total", COUNTER, "Installs that came back from Slack, by how they ended.",
        {"result": tuple(InstallOutcome)},
    ),
    Metric(
        "slackapp_uninstalls_total", COUNTER,
        "Tenants that were removed, by whom: `operator`, `slack` (an event), `slack:admin` (the button), `worker`.",
        {"by": (ActorKind.OPERATOR, ActorKind.SLACK, "slack:admin", ActorKind.WORKER)},
    ),
    Metric(
        "slackapp_callback_seconds", HISTOGRAM,
        "How long the callback took that had a good state: exchange, checks and storing.",
    ),
    Metric(
        "slackapp_oauth_flows_total", COUNTER,
        "Connects of organizations: `begun`, `completed` or `failed`; of the last, why.",
        {"result": FREE_VALUES, "reason": FREE_VALUES},
    ),
    Metric(
        "slackapp_oauth_flow_seconds", HISTOGRAM,
        "How long connects took that were completed, from their begin on, in seconds.",
        buckets=MINUTES,
    ),
    Metric(
        "slackapp_messages_total", COUNTER,
        "What became of messages in their turn: `sent`, `failed`, `parked` or `unclear`; why, or `none`.",
        {"status": FREE_VALUES, "reason": FREE_VALUES},
    ),
    Metric("slackapp_tokens_revealed_total", COUNTER, "Access tokens that the host itself was given."),
    Metric("slackapp_errors_total", COUNTER, "Refusals by the host's API, by their code.", {"code": FREE_VALUES}),
    Metric(
        "slackapp_tenant_changes_total", COUNTER, "What happened to each tenant; its label is a keyed hash.",
        {
            "tenant": FREE_VALUES,
            "change": tuple(TenantChange),
        },
        max_series=20_000,
    ),
    # Tokens
    Metric(
        "slackapp_refresh_total", COUNTER, "Refreshes of tokens, by result and, unless it is `ok`, Slack's error.",
        {
            "result": tuple(RefreshOutcome),
            "reason": {"", *ERROR_KINDS, *DEAD_REFRESH_ERRORS, "grant_foreign", "grant_malformed"},
        },
    ),
    Metric(
        "slackapp_token_uses_refused_total", COUNTER,
        "Uses of a token that were refused before it was opened, by capability and reason.",
        {"capability": FREE_VALUES, "reason": FREE_VALUES},
    ),
    Metric("slackapp_token_unavailable_total", COUNTER, "Tokens and event bodies that did not open."),
    Metric(
        "slackapp_token_checks_total", COUNTER, "Tokens that Slack was asked about, by what it said.",
        {"result": tuple(TokenHealth)},
    ),
    Metric(
        "slackapp_scope_drift_total", COUNTER,
        "Daily checks that found scopes `missing` that the app asks for, or a `surplus` of others.",
        {"kind": ("missing", "surplus")},
    ),
    Metric(
        "slackapp_slack_calls_total", COUNTER, "Calls to Slack, by method and result: `ok`, or the error.",
        {"method": FREE_VALUES, "result": {"ok", "refused", "unknown_error", *ERROR_KINDS, *DEAD_REFRESH_ERRORS}},
    ),
    # Events
    Metric(
        "slackapp_events_total", COUNTER, "Events that Slack has sent, by type and by what became of them.",
        {
            "type": FREE_VALUES,
            "result": tuple(EventOutcome),
        },
    ),
    Metric(
        "slackapp_interactions_total", COUNTER, "Commands, buttons, modals and shortcuts, by what became of them.",
        {"result": _INTERACTION_OUTCOMES},
    ),
    Metric(
        "slackapp_inbox_total", COUNTER, "Rows of all queues that came to an end, by how.",
        {"result": (QueueState.DONE, QueueState.DEAD, QueueState.UNCLEAR)},
    ),
    Metric("slackapp_purges_total", COUNTER, "Purges of tenants.", {"result": ("begun", "complete")}),
    Metric(
        "slackapp_integrity_checks_total", COUNTER,
        "Checks of the whole database: a quick one behind each start, a thorough one every day.",
        {"result": ("ok", "damaged")},
    ),
    # How things are now
    Metric("slackapp_inbox_rows", GAUGE, "Rows of all queues that are not done, by state.", {"state": OPEN_STATES}),
    Metric(
        "slackapp_inbox_oldest_seconds", GAUGE, "How long ago the oldest of them came; 0 where there is none.",
        {"state": OPEN_STATES},
    ),
    Metric("slackapp_purges_pending", GAUGE, "Purges that are not complete."),
    Metric("slackapp_purges_oldest_seconds", GAUGE, "How long ago the oldest of them began; 0 where there is none."),
    Metric(
        "slackapp_tenants", GAUGE, "Installed tenants, by status.",
        {"status": tuple(InstallationStatus)},
    ),
    Metric(
        "slackapp_tokens", GAUGE, "Tokens of bots and persons, by status.",
        {"status": tuple(TokenStatus)},
    ),
    Metric("slackapp_tokens_paused", GAUGE, "Tokens that Slack refuses and that are tried again."),
    Metric("slackapp_brake", GAUGE, "1 while so many tenants fail that none is given up; see `slackapp brake`."),
    Metric("slackapp_ready", GAUGE, "1 when `/readyz` answers 200."),
    Metric(
        "slackapp_problem", GAUGE, "1 for each part that has a problem just now, as `/readyz` shows it.",
        {"part": tuple(PARTS.values())},
    ),
    Metric("slackapp_disk_free_bytes", GAUGE, "What is free where the database lies, for the service's user."),
    Metric("slackapp_processes", GAUGE, "Serving processes that have given a sign of life within a minute."),
    Metric("slackapp_start_time_seconds", GAUGE, "When this process started, in Unix seconds."),
    Metric(
        "slackapp_build_info", GAUGE, "1, with the release, and Python's.",
        {"version": FREE_VALUES, "python": FREE_VALUES},
    ),
)  # fmt: skip
BY_NAME = {metric.name: metric for metric in TABLE}
