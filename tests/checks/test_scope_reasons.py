"""The table of scopes: nothing is asked for without a reason, and nothing works without what it asks for."""

from pathlib import Path

import pytest

from slackapp import example
from slackapp.checks.lifecycle import LIFECYCLE_TYPES
from slackapp.checks.scope_reasons import (
    BY_SCOPE,
    EVENTS_WITHOUT_SCOPE,
    REASONS,
    reason_text,
    scopes_for,
    unknown_features,
)
from slackapp.config import settings as config
from slackapp.config.setting_table import SETTINGS
from slackapp.directory.write_manifest import events_of
from slackapp.localslack.api import scopes as slack_scopes

ROOT = Path(__file__).resolve().parents[2]
NAMES = {setting.name for setting in SETTINGS}
DEFAULT = config.load_some({}, ("SLACKAPP_BOT_SCOPES",))["bot_scopes"]


def test_every_scope_that_is_asked_for_has_its_row() -> None:
    assert [scope for scope in DEFAULT if scope not in BY_SCOPE] == []
    assert "files:read" not in BY_SCOPE


def test_every_feature_of_the_code_stands_in_the_table() -> None:
    """I add an event to the behaviour and forget what it needs."""
    features = [*example.EVENTS, *LIFECYCLE_TYPES, *events_of(example.EVENTS)]
    assert unknown_features(features) == ()
    assert unknown_features([*features, "message.im", "/other"]) == ("message.im",)
    assert scopes_for("/other") == ("commands",)


def test_a_reason_follows_what_the_table_handles_and_what_its_module_says() -> None:
    """My behaviour takes /hello, and the page told everybody about /example."""
    assert reason_text("commands", example.EVENTS, {}) == "to take /example"
    assert reason_text("commands", ("/hello", "/bye", "app_mention"), {}) == "to take /bye, /hello"
    assert reason_text("commands", ("app_mention",), {}) == ""
    assert reason_text("commands", ("/hello",), {"commands": "to say hello"}) == "to say hello"
    assert reason_text("app_mentions:read", ("app_mention",), {}) == "to receive the mention"
    assert reason_text("app_mentions:read", ("/hello",), {}) == ""
    assert reason_text("reactions:read", ("reaction_added",), {"reactions:read": "to count"}) == "to count"
    assert reason_text("files:read", example.EVENTS, {}) == ""
    assert reason_text("users:read", (), {}) == "to see who is an admin", "a setting needs it, whatever the behaviour"


def test_every_feature_of_the_table_is_in_the_code() -> None:
    """I take a feature out and leave its scope in."""
    there = {*example.EVENTS, *LIFECYCLE_TYPES, *NAMES}
    named = {feature for reason in REASONS for feature in (*reason.features, *reason.optional)}
    assert named | EVENTS_WITHOUT_SCOPE.keys() <= there


@pytest.mark.parametrize("feature", sorted(example.EVENTS))
def test_what_a_feature_needs_is_asked_for_unless_a_setting_switches_it_on(feature: str) -> None:
    assert set(scopes_for(feature)) - set(DEFAULT) <= (
        {"users:read"} if feature.startswith("block_actions:") else set()
    )


def test_an_event_needs_what_slack_says_and_an_event_without_scope_needs_none() -> None:
    """docs.slack.dev/reference/events names the scope of each event."""
    assert scopes_for("app_mention") == ("app_mentions:read", "chat:write")
    assert scopes_for("SLACKAPP_HOME_ADMIN") == ("users:read",)
    assert all(scopes_for(event) == () for event in EVENTS_WITHOUT_SCOPE)


def test_each_row_is_one_scope_that_exists_with_a_reason_and_a_feature() -> None:
    assert len({reason.scope for reason in REASONS}) == len(REASONS)
    for reason in REASONS:
        assert slack_scopes.exists(reason.scope)
        assert reason.why
        assert reason.features or reason.optional


def test_the_page_shows_the_table() -> None:
    """Run this file as a program to write it anew."""
    assert page() == (ROOT / "docs" / "scopes.md").read_text("utf-8")


def page() -> str:
    """docs/scopes.md, as the table has it."""
    text = (ROOT / "docs" / "scopes.md").read_text("utf-8")
    before, mark, rest = text.partition("<!-- table -->\n")
    return f"{before}{mark}\n{table()}\n<!-- /table -->{rest.partition('<!-- /table -->')[2]}"


def table() -> str:
    """The table as the page shows it."""
    lines = ["| scope | why | where a customer connects | what needs it | capability | methods |", "| --- " * 6 + "|"]
    for reason in REASONS:
        features = ", ".join(f"`{feature}`" for feature in reason.features or reason.optional)
        features += "" if reason.features else ", which does without it"
        named = [", ".join(f"`{each}`" for each in names) for names in (reason.capabilities, reason.methods)]
        lines.append(f"| `{reason.scope}` | {reason.why} | {reason.host_why} | {features} | {' | '.join(named)} |")
    lines += ["", "| event without a scope | why |", "| --- | --- |"]
    lines += [f"| `{event}` | {why} |" for event, why in EVENTS_WITHOUT_SCOPE.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (ROOT / "docs" / "scopes.md").write_text(page(), encoding="utf-8")
