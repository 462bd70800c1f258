"""docs/operations.md: its tables are the code's, its alerts name metrics that exist, its examples are log lines."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from slackapp.errors import Refusal
from slackapp.runtime.metric_table import BY_NAME, FREE_VALUES, HISTOGRAM, TABLE, Metric
from slackapp.runtime.metrics import PERSIST_SECONDS
from tests.support.world import World

PATH = Path(__file__).parent.parent / "docs" / "operations.md"
PAGE = PATH.read_text(encoding="utf-8")
MARKS = re.compile(r"<!-- metrics -->\n(.*?)<!-- /metrics -->", re.DOTALL)
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
RULES = [rule for block in BLOCKS for group in block.get("groups", ()) for rule in group["rules"]]
SELECTOR = re.compile(r"\b(slackapp_\w+|up)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~|=)"([^"]*)"')
LOGS = re.compile(r'\b_?log\.(info|error|bug)\(\s*("\w+"|\w+),\s*\{([^}]*)\}')
MUST_BE_WATCHED = {
    "SlackappInstallsFail", "SlackappRefreshesFail", "SlackappRefreshRefused", "SlackappScopeDrift",
    "SlackappPurgeStuck", "SlackappInboxOld", "SlackappInboxNeedsAPerson", "SlackappDown", "SlackappDiskFills",
    "SlackappDatabaseFails", "SlackappNotReady",
}  # fmt: skip


def metrics_table() -> str:
    """The table as the code has it."""
    lines = ["", "| metric | type | labels | meaning |", "| --- | --- | --- | --- |"]
    for metric in TABLE:
        labels = ", ".join(f"`{name}`" for name in sorted(metric.labels))
        lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.meaning} |")
    return "\n".join(lines) + "\n\n"


def test_the_table_of_metrics_is_the_codes() -> None:
    """Run this file as a program to write the table anew."""
    found = MARKS.search(PAGE)
    assert found is not None
    assert found[1] == metrics_table()


def test_the_numbers_on_the_page_are_the_codes() -> None:
    assert PAGE.count(f"{PERSIST_SECONDS} seconds") == 2
    assert {metric.max_series for metric in TABLE} == {500, 20_000}
    assert "at most 500\nseries, `slackapp_tenant_changes_total` 20,000" in PAGE


# Alerts


def named(name: str) -> Metric | None:
    """The metric behind a name in a rule; a histogram has three."""
    base = re.sub("_(bucket|sum|count)$", "", name)
    return BY_NAME.get(name) or (BY_NAME.get(base) if BY_NAME.get(base, TABLE[0]).kind == HISTOGRAM else None)


def wrong_in(expression: str) -> list[str]:
    """Metrics, labels and values in a rule that no sample will ever have."""
    wrong = []
    for name, matchers in SELECTOR.findall(expression):
        metric = named(name)
        if name == "up":
            continue  # Prometheus's own
        if metric is None:
            wrong.append(name)
            continue
        for label, operator, text in MATCHER.findall(matchers):
            values = metric.labels.get(label, ())
            for value in text.split("|") if operator == "=~" else [text]:
                if values is not FREE_VALUES and value not in values:
                    wrong.append(f"{name} {label} {value}")
        if MATCHER.sub("", matchers).strip(", "):
            wrong.append(matchers)
    return wrong


def test_every_metric_and_label_in_a_rule_exists() -> None:
    """Stops an alert that can never be raised."""
    assert len(RULES) == 21
    for rule in RULES:
        assert set(rule) <= {"alert", "expr", "for", "labels"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert re.fullmatch(r"\d+[mh]", rule.get("for", "1m"))
        assert SELECTOR.search(rule["expr"])
        assert wrong_in(rule["expr"]) == [], rule["alert"]
        for left, right in ("()", "[]", "{}"):
            assert rule["expr"].count(left) == rule["expr"].count(right)


@pytest.mark.parametrize(
    "expression",
    [
        "slackapp_purge_oldest_seconds > 1",
        'slackapp_problem{where="database"} == 1',
        'slackapp_problem{part="disk"} == 1',
        'slackapp_inbox_rows{state=~"dead|lost"} > 0',
        "slackapp_ready_bucket > 0",
        'slackapp_tokens{status!="live"} > 0',
    ],
)
def test_a_rule_with_a_mistake_is_found(expression: str) -> None:
    """Negative control."""
    assert wrong_in(expression)


def test_every_alert_has_a_section_that_says_what_to_do_and_what_must_be_watched_is() -> None:
    alerts = [rule["alert"] for rule in RULES]
    assert re.findall(r"^### (\w+)$", PAGE, re.MULTILINE) == alerts
    assert len(set(alerts)) == len(alerts)
    assert set(alerts) >= MUST_BE_WATCHED
    assert set(re.findall(r"\bSlackapp[A-Z]\w+", PAGE)) == set(alerts)


def test_prometheus_is_told_how_to_ask() -> None:
    (job,) = next(block["scrape_configs"] for block in BLOCKS if "scrape_configs" in block)
    assert job["authorization"]["type"] == "Bearer"
    assert any('up{job="%s"}' % job["job_name"] in rule["expr"] for rule in RULES)  # noqa: UP031
    assert job.get("metrics_path", "/metrics") == "/metrics"


# Health and logs


def rows_of(head: str) -> list[list[str]]:
    """A table's rows below its head."""
    body = PAGE.partition(f"\n{head}\n")[2].partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in body]


def test_the_fields_of_readyz_are_the_codes(world: World) -> None:
    fields = {row[0].strip("`") for row in rows_of("| field of `/readyz` | meaning |")}
    assert fields == set(world.request("GET", "/readyz", environ={"REMOTE_ADDR": "127.0.0.1"}).json)


def told_by_the_code() -> dict[str, tuple[str, set[str]]]:
    """Every event that the code logs: level and fields. A variable in its place is one of the database's two."""
    found: dict[str, tuple[str, set[str]]] = {}
    for file in (PATH.parents[1] / "slackapp").rglob("*.py"):
        for level, event, fields in LOGS.findall(file.read_text(encoding="utf-8")):
            for name in [event.strip('"')] if '"' in event else ["store_busy", "store_failed"]:
                found[name] = (level, set(re.findall(r'"(\w+)": ', fields)))
    return found


def test_the_table_of_the_log_has_every_event_with_its_level_and_fields() -> None:
    rows = rows_of("| event | level | fields | meaning |")
    listed = {row[0].strip("`"): (row[1], set(re.findall(r"`(\w+)`", row[2]))) for row in rows}
    told = told_by_the_code()
    told["request"] = ("info", {"request", "route", "status", "outcome", "tenant"})
    assert listed == told
    assert all(len(row) == 4 and row[3] for row in rows)


def test_the_examples_are_lines_of_the_log(world: World) -> None:
    block = PAGE.partition("```json\n")[2].partition("```")[0]
    examples: list[dict[str, Any]] = [json.loads(line) for line in block.splitlines()]
    world.request("GET", "/slack/oauth_redirect?code=x&state=y")
    world.browser().install()
    world.mention()
    lines = [json.loads(line) for line in world.log.getvalue().splitlines()]
    refused, event = lines[0], lines[-1]
    assert list(examples[0]) == list(event)
    assert list(examples[1]) == list(refused)
    assert [len(str(examples[0][name])) for name in ("tenant", "request")] == [12, len(event["request"]) + 1]
    outcomes = {"ok", "store_busy", "store_failed", "bug", *(refusal.name.lower() for refusal in Refusal)}
    assert {example["outcome"] for example in examples if "outcome" in example} <= outcomes
    assert told_by_the_code()[examples[2]["event"]] == ("error", {"task", "why"})


if __name__ == "__main__":
    written = MARKS.sub(lambda _: f"<!-- metrics -->\n{metrics_table()}<!-- /metrics -->", PAGE)
    PATH.write_text(written, encoding="utf-8")
