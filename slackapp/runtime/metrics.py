"""The counters of this process, and the text of all metrics for Prometheus.

Counting costs a look-up and an addition. What was counted is added to the database every few seconds, where all
processes add up, and begins there at the next start. A process that is killed loses what it had counted since. Whoever
reads the metrics is shown what is in the database, so that no number goes down when that happens.

Read:    prometheus.io/docs/instrumenting/exposition_formats (the text format)
"""

import itertools
import math
import platform
import re
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from slackapp.errors import StoreError
from slackapp.runtime.log import JsonLog
from slackapp.runtime.metric_table import BY_NAME, COUNTER, GAUGE, HISTOGRAM, TABLE, Metric, MetricKind
from slackapp.store import counters
from slackapp.store.counters import CounterDelta
from slackapp.store.engine.database import Database

PERSIST_SECONDS = 5
"""Seconds between two times that counts go to the database."""
MAX_SERIES_IN_MEMORY = 10_000
"""Series. Beyond that, what comes new counts as `other` until the rest is in the database."""
_MAX_ZERO_SERIES = 60
_SUM = 'le="sum"'
"""In a histogram, in the place of a bucket: the sum, in microseconds."""
_TENANT = re.compile(r'(?<=tenant=")[^"]*')

GaugeSample = tuple[str, Mapping[str, str], float]
"""A gauge: name, labels and value."""


@dataclass(slots=True)
class _Series:
    """Counter of one series; `persisted` of `count` are in the database."""

    labels: str
    overflow: str
    count: int = 0
    persisted: int = 0


class Metrics:
    """Counts by name and labels, which must stand in the table; safe for several threads."""

    def __init__(self, version: str = "", started_at: int = 0) -> None:
        self._version = version
        self._started_at = started_at
        self._lock = threading.Lock()
        self._persist_lock = threading.Lock()
        """Of whoever moves counts to the database, or adds up what is there and what is not."""
        self._series_by_call: dict[tuple[object, ...], _Series] = {}
        """By what the caller gave."""
        self._series: dict[tuple[str, str], _Series] = {}

    # Counting

    def count(self, name: str, labels: Mapping[str, str]) -> None:
        """Adds one."""
        given = (name, *labels.items())
        with self._lock:
            series = self._series_by_call.get(given)
            if series is None:
                series = self._register(given, name, labels)
            series.count += 1

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Adds how long the block took, however it ends."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.observe(name, time.monotonic() - began)

    def observe(self, name: str, seconds: float) -> None:
        """Adds a length of time to a histogram."""
        metric = _metric(name, {}, HISTOGRAM)
        at = bisect_left(metric.buckets, seconds)
        bucket = _le(metric.buckets[at] if at < len(metric.buckets) else math.inf)
        with self._lock:
            self._find(metric.name, bucket, bucket).count += 1
            self._find(metric.name, _SUM, _SUM).count += max(0, round(seconds * 1_000_000))

    def _register(self, given: tuple[object, ...], name: str, labels: Mapping[str, str]) -> _Series:
        metric = _metric(name, labels, COUNTER)
        folded = metric.normalize(labels)
        series = self._find(name, label_text(folded), label_text(metric.overflow_labels(folded)))
        # What was folded is not remembered: there may be any number of such values.
        if folded == labels and series.labels == label_text(folded):
            self._series_by_call[given] = series
        return series

    def _find(self, name: str, labels: str, rest: str) -> _Series:
        series = self._series.get((name, labels))
        if series is None:
            if len(self._series) >= MAX_SERIES_IN_MEMORY and labels != rest:
                return self._find(name, rest, rest)
            series = self._series[name, labels] = _Series(labels, rest)
        return series

    # Towards the database

    @contextmanager
    def unpersisted_counts(self) -> Iterator[Sequence[CounterDelta]]:
        """Yields the counts that are not in the database yet, for one caller at a time.

        Until the block ends, nobody else moves anything.
        """
        with self._persist_lock:
            with self._lock:
                found = [
                    CounterDelta(
                        name,
                        series.labels,
                        series.overflow,
                        BY_NAME[name].max_series,
                        amount=series.count - series.persisted,
                    )
                    for (name, _), series in self._series.items()
                    if series.count > series.persisted
                ]
            yield found

    def mark_persisted(self, counts: Sequence[CounterDelta]) -> None:
        """Marks counts as stored in the database."""
        with self._lock:
            for count in counts:
                self._series[count.name, count.labels].persisted += count.amount
            if len(self._series) > MAX_SERIES_IN_MEMORY // 2:
                self._series = {key: series for key, series in self._series.items() if series.count > series.persisted}
                self._series_by_call = {
                    key: series for key, series in self._series_by_call.items() if series.count > series.persisted
                }

    def persist(self, db: Database, log: JsonLog) -> None:
        """Adds what is new to the database, in one transaction. What fails waits for the next time."""
        try:
            with self.unpersisted_counts() as counts:
                if counts:
                    db.commit_in_group(partial(counters.add, db, counts))
                    self.mark_persisted(counts)
        except StoreError as error:
            log.error("counters_wait", {"why": str(error)})

    def totals(self, db: Database, log: JsonLog) -> dict[tuple[str, str], int]:
        """Sums over all processes, by name and labels, with what could not be added. Raises StoreError."""
        self.persist(db, log)
        with self.unpersisted_counts() as counts:
            found = counters.list_all(db)
            for count in counts:
                key = count.name, count.labels
                found[key] = found.get(key, 0) + count.amount
        return found

    def value(self, name: str, labels: Mapping[str, str]) -> int:
        """Reads what this process has counted in one series."""
        key = name, label_text(_metric(name, labels, COUNTER).normalize(labels))
        with self._lock:
            series = self._series.get(key)
            return series.count if series is not None else 0

    # As text

    def text(self) -> str:
        """Formats what this process has counted."""
        with self._lock:
            counts = {key: series.count for key, series in self._series.items()}
        return _text(_by_name(counts))

    def exposition(
        self, counts: Mapping[tuple[str, str], int], gauges: Sequence[GaugeSample], tenants: Mapping[str, str]
    ) -> str:
        """Counters by name and labels, and gauges; `tenants` says which hashes to write as which ids."""
        samples = {name: _zeros(BY_NAME[name]) | found for name, found in _by_name(counts).items()}
        for name in (metric.name for metric in TABLE if "tenant" in metric.labels):
            samples[name] = {
                _TENANT.sub(lambda found: tenants.get(found[0], found[0]), labels): value
                for labels, value in samples[name].items()
            }
        build = {"version": self._version, "python": platform.python_version()}
        own: tuple[GaugeSample, ...] = (
            ("slackapp_start_time_seconds", {}, self._started_at),
            ("slackapp_build_info", build, 1),
        )
        for name, given, value in (*gauges, *own):
            samples[name][label_text(_metric(name, given, GAUGE).normalize(given))] = value
        return _text(samples)


def label_text(labels: Mapping[str, str]) -> str:
    """Formats labels as the text format has them, sorted by name."""
    return ",".join(f'{name}="{_escape(labels[name])}"' for name in sorted(labels))


def _metric(name: str, labels: Mapping[str, str], kind: MetricKind) -> Metric:
    metric = BY_NAME.get(name)
    if metric is None or metric.kind != kind or metric.labels.keys() != labels.keys():
        raise ValueError(f"there is no {kind} {name} with the labels {sorted(labels)} in the table of metrics")
    return metric


def _by_name(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, float]]:
    """Groups the counts by metric; what another release has counted and this one does not know is left out."""
    found: dict[str, dict[str, float]] = {metric.name: {} for metric in TABLE}
    for (name, labels), value in counts.items():
        if name in found:
            found[name][labels] = value
    return found


def _zeros(metric: Metric) -> dict[str, float]:
    """A counter that comes into being at 1 has, for Prometheus, never risen: so it is there from the beginning.

    But only where all its labels come from closed lists, and short ones.
    """
    values = [sorted(allowed or ()) for _, allowed in sorted(metric.labels.items())]
    if metric.kind != COUNTER or not 0 < math.prod(map(len, values)) <= _MAX_ZERO_SERIES:
        return {}
    names = sorted(metric.labels)
    return {label_text(dict(zip(names, each, strict=True))): 0 for each in itertools.product(*values)}


def _text(samples: Mapping[str, Mapping[str, float]]) -> str:
    lines: list[str] = []
    for metric in TABLE:
        found = samples[metric.name]
        if found or metric.kind == HISTOGRAM:
            lines += (f"# HELP {metric.name} {metric.meaning}", f"# TYPE {metric.name} {metric.kind}")
            lines += _histogram(metric, found) if metric.kind == HISTOGRAM else _lines(metric.name, found)
    return "\n".join(lines) + "\n"


def _lines(name: str, samples: Mapping[str, float]) -> list[str]:
    return [f"{name}{{{labels}}} {value}" if labels else f"{name} {value}" for labels, value in sorted(samples.items())]


def _histogram(metric: Metric, samples: Mapping[str, float]) -> list[str]:
    """Formats a histogram: each bucket holds the smaller ones, too."""
    name, edges = metric.name, [_le(edge) for edge in (*metric.buckets, math.inf)]
    sums = itertools.accumulate(samples.get(edge, 0) for edge in edges)
    buckets = dict(zip(edges, sums, strict=True))
    return [
        *(f"{name}_bucket{{{edge}}} {value}" for edge, value in buckets.items()),
        f"{name}_sum {samples.get(_SUM, 0) / 1_000_000}",
        f"{name}_count {buckets[edges[-1]]}",
    ]


def _le(edge: float) -> str:
    return 'le="+Inf"' if edge == math.inf else f'le="{edge}"'


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
