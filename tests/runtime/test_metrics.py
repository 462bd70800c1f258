"""Every metric stands in one table; what is counted is read back by the reference parser of the text format."""

import threading
from collections.abc import Mapping

import pytest
from prometheus_client.parser import text_string_to_metric_families

from slackapp.runtime import metrics
from slackapp.runtime.metric_table import BY_NAME, COUNTER, FREE_VALUES, GAUGE, HISTOGRAM, OTHER, TABLE
from slackapp.runtime.metric_table import SECONDS as BUCKETS
from slackapp.runtime.metrics import Metrics

EVENTS, REFUSALS, CALLBACK = "slackapp_events_total", "slackapp_refusals_total", "slackapp_callback_seconds"
SIGNATURES = "slackapp_signatures_total"
TENANTS = "slackapp_tenant_changes_total"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parse(text: str) -> Samples:
    """Every sample, as the reference parser reads it; none of them twice."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(found) == len(samples), "a sample is given twice"
    return found


def at(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((name, frozenset(labels.items())))


def full(counters: Metrics, tenants: Mapping[str, str] | None = None) -> str:
    """The text for Prometheus, of a database in which everything is that was counted."""
    with counters.unpersisted_counts() as counts:
        stored = {(count.name, count.labels): count.amount for count in counts}
    return counters.exposition(stored, (), tenants or {})


@pytest.fixture
def counters() -> Metrics:
    return Metrics("1.2.3", 1_800_000_000)


# The table


def test_the_names_in_the_table_are_as_prometheus_wants_them() -> None:
    assert len(BY_NAME) == len(TABLE)
    for metric in TABLE:
        assert metric.name.startswith("slackapp_")
        assert metric.kind in (COUNTER, GAUGE, HISTOGRAM)
        assert metric.name.endswith("_total") is (metric.kind == COUNTER)
        assert metric.meaning.endswith(".")
        assert not {"\n", "\\"} & set(metric.meaning), "it stands in a line of the text format as it is"


def test_each_metric_that_is_shown_has_its_line_of_help_and_its_type(counters: Metrics) -> None:
    families = {family.name: family for family in text_string_to_metric_families(full(counters))}
    for name, family in families.items():
        metric = BY_NAME.get(name) or BY_NAME[f"{name}_total"]
        assert (family.type, family.documentation) == (metric.kind, metric.meaning)
    assert {"slackapp_installs", "slackapp_build_info", CALLBACK} <= families.keys()


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("slackapp_unheard_of_total", {}),
        (EVENTS, {}),
        (EVENTS, {"type": "app_mention"}),
        (EVENTS, {"type": "app_mention", "result": "kept", "team": "T0NORTH001"}),
        (REFUSALS, {"why": "json"}),
        ("slackapp_ready", {}),
        (CALLBACK, {}),
    ],
)
def test_a_name_or_a_label_that_is_not_in_the_table_is_a_bug(
    counters: Metrics, name: str, labels: dict[str, str]
) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="in the table of metrics"):
            counters.count(name, labels)
    assert counters.text() == Metrics().text()


def test_a_metric_used_as_another_kind_raises(counters: Metrics) -> None:
    with pytest.raises(ValueError, match="no histogram"):
        counters.observe("slackapp_installs_begun_total", 1.0)
    with pytest.raises(ValueError, match="no gauge"):
        counters.exposition({}, [("slackapp_installs_begun_total", {}, 1)], {})


# Series


def test_counts_are_read_back(counters: Metrics) -> None:
    for _ in range(3):
        counters.count("slackapp_requests_total", {"route": "/slack/install", "status": "302"})
    counters.count("slackapp_requests_total", {"status": "302", "route": "/slack/install"})
    counters.count("slackapp_requests_total", {"route": "/slack/install", "status": "400"})
    counters.count("slackapp_installs_begun_total", {})
    found = parse(counters.text())
    assert at(found, "slackapp_requests_total", route="/slack/install", status="302") == 4
    assert at(found, "slackapp_requests_total", route="/slack/install", status="400") == 1
    assert at(found, "slackapp_installs_begun_total") == 1
    assert counters.value("slackapp_requests_total", {"status": "302", "route": "/slack/install"}) == 4
    assert counters.value(REFUSALS, {"reason": "json"}) == 0


@pytest.mark.parametrize(
    "value", ['a"b', "a\\b", 'a",b="c', "\\n", '\\"', "a{b}c 1", "", "/command", "block_actions:x"]
)
def test_a_label_of_ours_holds_any_plain_text(counters: Metrics, value: str) -> None:
    """I name an action of my app so that it writes a counter of its own."""
    counters.count(EVENTS, {"type": value, "result": "kept"})
    assert at(parse(full(counters)), EVENTS, type=value, result="kept") == 1


@pytest.mark.parametrize("value", ["a\nb", "é", "a\x00", "x" * 81, "\u2028"])
def test_a_label_that_is_not_plain_text_counts_as_other(counters: Metrics, value: str) -> None:
    counters.count(EVENTS, {"type": value, "result": "kept"})
    assert at(parse(full(counters)), EVENTS, type=OTHER, result="kept") == 1


def test_values_that_stand_in_no_list_are_one_series_however_many_come(counters: Metrics) -> None:
    """I send you things that you have no word for, one after the other, until your memory is full."""
    before = len(parse(full(counters)))
    for number in range(2000):
        counters.count(EVENTS, {"type": "app_mention", "result": f"made up {number}"})
        counters.count(SIGNATURES, {"secret": f"made up {number}"})
    found = parse(full(counters))
    assert at(found, EVENTS, type="app_mention", result=OTHER) == 2000
    assert at(found, SIGNATURES, secret=OTHER) == 2000
    assert len(found) == before + 2
    assert len(counters._series_by_call) == 0, "what was folded is not remembered"


def test_a_memory_that_is_full_folds_what_comes_new_until_the_rest_is_in_the_database(
    counters: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "MAX_SERIES_IN_MEMORY", 4)
    for number in range(6):
        counters.count(TENANTS, {"tenant": f"{number:012}", "change": "installed"})
    found = parse(full(counters))
    assert at(found, TENANTS, tenant="000000000003", change="installed") == 1
    assert at(found, TENANTS, tenant=OTHER, change="installed") == 2
    with counters.unpersisted_counts() as counts:
        counters.mark_persisted(counts)
    counters.count(TENANTS, {"tenant": "000000000005", "change": "installed"})
    with counters.unpersisted_counts() as counts:
        assert [(count.labels, count.amount) for count in counts] == [('change="installed",tenant="000000000005"', 1)]


def test_no_count_is_lost_between_threads(counters: Metrics) -> None:
    labels = {"reason": "json"}
    threads = [
        threading.Thread(target=lambda: [counters.count(REFUSALS, labels) for _ in range(500)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    persisted = 0
    while any(thread.is_alive() for thread in threads):
        with counters.unpersisted_counts() as counts:
            counters.mark_persisted(counts)
            persisted += sum(count.amount for count in counts)
    with counters.unpersisted_counts() as counts:
        persisted += sum(count.amount for count in counts)
    assert (counters.value(REFUSALS, labels), persisted) == (4000, 4000)


def test_only_one_thread_persists_counts_at_a_time(counters: Metrics) -> None:
    """Stops the same count from being added twice, by the scheduler and by whoever asks for the metrics."""
    with counters.unpersisted_counts():
        assert not counters._persist_lock.acquire(blocking=False)
    with counters.unpersisted_counts():
        pass


# Towards the database


def test_what_was_persisted_is_not_returned_again_and_what_was_not_is(counters: Metrics) -> None:
    counters.count(REFUSALS, {"reason": "json"})
    with counters.unpersisted_counts() as first:
        pass
    counters.count(REFUSALS, {"reason": "json"})
    with counters.unpersisted_counts() as second:
        counters.mark_persisted(second)
    counters.count(REFUSALS, {"reason": "host"})
    with counters.unpersisted_counts() as third:
        pass
    assert [(count.labels, count.amount) for count in first] == [('reason="json"', 1)]
    assert [(count.labels, count.amount) for count in second] == [('reason="json"', 2)]
    assert [(count.labels, count.amount) for count in third] == [('reason="host"', 1)]


def test_each_count_says_how_many_series_there_may_be_and_where_the_rest_goes(counters: Metrics) -> None:
    counters.count(TENANTS, {"tenant": "0123456789ab", "change": "erased"})
    with counters.unpersisted_counts() as (count,):
        assert (count.max_series, count.overflow_labels) == (20_000, 'change="erased",tenant="other"')


# As text


def test_a_counter_whose_labels_are_known_is_there_before_it_counts(counters: Metrics) -> None:
    """Stops the first failure from going unnoticed: what comes into being at 1 has never risen."""
    found = parse(full(counters))
    assert at(found, "slackapp_installs_total", result="failed") == 0
    assert at(found, "slackapp_token_unavailable_total") == 0
    assert at(found, "slackapp_integrity_checks_total", result="damaged") == 0
    open_ended = {metric.name for metric in TABLE if FREE_VALUES in metric.labels.values()}
    assert open_ended & {name for name, _ in found} == {"slackapp_build_info"}


def test_what_another_release_has_counted_is_left_out(counters: Metrics) -> None:
    assert counters.exposition({("slackapp_gone_total", 'x="y"'): 3}, (), {}) == full(counters)


def test_a_tenant_is_shown_as_its_hash_or_as_the_id_that_was_given_for_it(counters: Metrics) -> None:
    for tenant in ("aaaaaaaaaaaa", "bbbbbbbbbbbb"):
        counters.count(TENANTS, {"tenant": tenant, "change": "installed"})
    assert at(parse(full(counters)), TENANTS, tenant="aaaaaaaaaaaa", change="installed") == 1
    named = parse(full(counters, {"aaaaaaaaaaaa": "T0NORTH001"}))
    assert at(named, TENANTS, tenant="T0NORTH001", change="installed") == 1
    assert at(named, TENANTS, tenant="bbbbbbbbbbbb", change="installed") == 1
    assert at(named, TENANTS, tenant="aaaaaaaaaaaa", change="installed") is None


def test_metrics_show_start_time_and_version(counters: Metrics) -> None:
    found = parse(full(counters))
    assert at(found, "slackapp_start_time_seconds") == 1_800_000_000
    assert [dict(labels)["version"] for name, labels in found if name == "slackapp_build_info"] == ["1.2.3"]


def test_a_histogram_counts_in_each_bucket_what_is_not_longer(counters: Metrics) -> None:
    for seconds in (0.0, 0.05, 0.051, 2.5, 20.0, 20.1, 3600.0):
        counters.observe(CALLBACK, seconds)
    found = parse(full(counters))
    counts = [at(found, f"{CALLBACK}_bucket", le=str(edge)) for edge in BUCKETS]
    assert counts == [2, 3, 3, 3, 3, 4, 4, 4, 5]
    assert at(found, f"{CALLBACK}_bucket", le="+Inf") == at(found, f"{CALLBACK}_count") == 7
    assert at(found, f"{CALLBACK}_sum") == pytest.approx(3642.701)


def test_a_block_is_measured_however_it_ends(counters: Metrics) -> None:
    with counters.timed(CALLBACK):
        pass
    with pytest.raises(KeyError), counters.timed(CALLBACK):
        raise KeyError
    assert at(parse(full(counters)), f"{CALLBACK}_count") == 2


def test_a_histogram_is_there_before_it_counts(counters: Metrics) -> None:
    assert at(parse(full(counters)), f"{CALLBACK}_count") == 0
