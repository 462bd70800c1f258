"""Writing and reading a manifest: what we write is YAML, and it says what we say it does."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from slackapp import example
from slackapp.checks.scope_reasons import BY_SCOPE, HOST_EVENTS
from slackapp.directory import read_manifest, write_manifest
from slackapp.directory.write_manifest import Plan
from slackapp.errors import CommandError

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = (ROOT / "manifest.yml").read_text("utf-8")
PLAN = Plan(
    url="https://app.example.com",
    name="Example",
    description="Answers mentions. Shows how to distribute an app safely.",
    bot_scopes=("app_mentions:read", "chat:write", "commands"),
    user_scopes=(),
    handles=frozenset(example.EVENTS),
    reasons={},
)
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
WORDS = st.text(
    st.characters(exclude_categories=["C", "Z"], include_characters=" ", max_codepoint=0x2FF), min_size=1, max_size=35
)
ODD = [
    "yes",
    "null",
    "No",
    "1",
    "1.5",
    "a: b",
    "a #b",
    "- a",
    "'a'",
    '"',
    "a\\",
    "~",
    "@x",
    "Bob & Co",
    "é",
    "a:",
    " a",
    "a ",
]


HANDLES = [
    "app_mention", "app_home_opened", "message.im", "/example", "/other", "/a#b", "/a:", '/x"y', "/\u4f8b",
    "shortcut:do", "message_action:x", "view_submission:x", "block_suggestion:pick", "block_actions:remove_app",
    "slackapp.installed",
]  # fmt: skip


def load(text: str) -> object:
    """As PyYAML reads it."""
    return yaml.load(text, LOADER)  # noqa: S506  (a safe loader)


@pytest.fixture
def without_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a plain install."""
    monkeypatch.setitem(sys.modules, "yaml", None)


def test_the_shipped_manifest_is_what_is_written_for_the_address_in_the_documents() -> None:
    """To write it anew: slackapp manifest --url https://app.example.com > manifest.yml"""
    assert write_manifest.write(PLAN) == SHIPPED


def test_a_text_of_ours_names_its_address_and_another_one_none() -> None:
    assert write_manifest.find_address(SHIPPED) == PLAN.url
    assert write_manifest.find_address(f"\n{SHIPPED}") is None


@pytest.mark.long
@settings(max_examples=10)
@given(st.one_of(WORDS, st.sampled_from(ODD)), st.one_of(WORDS, st.sampled_from(ODD)))
def test_whatever_the_name_it_is_read_back(name: str, description: str) -> None:
    plan = replace(PLAN, name=name, description=description)
    shown = write_manifest.manifest_data(plan)["display_information"]
    assert (shown["name"], shown["description"]) == (name, description)
    assert load(write_manifest.write(plan)) == write_manifest.manifest_data(plan)


@settings(max_examples=50)
@given(
    st.frozensets(st.sampled_from(HANDLES)),
    st.lists(st.sampled_from(["commands", "chat:write", "users:read"]), unique=True),
    st.lists(st.sampled_from(["emoji:read", "search:read"]), unique=True),
)
def test_the_text_says_what_the_content_says(handles: frozenset[str], bot: list[str], user: list[str]) -> None:
    assume(bot or user)
    plan = replace(PLAN, handles=handles, bot_scopes=tuple(bot), user_scopes=tuple(user))
    assert load(write_manifest.write(plan)) == write_manifest.manifest_data(plan)


def test_the_manifest_follows_the_behaviour_and_the_scopes() -> None:
    handles = frozenset({"message.im", "/other", "shortcut:do", "view_submission:x", "slackapp.installed"})
    plan = Plan(
        url="https://x.unit.tests", name="Other One", description="Does it.", bot_scopes=("commands", "im:history"),
        user_scopes=("emoji:read",), handles=handles, reasons={"im:history": "to read what you write to it"},
    )  # fmt: skip
    text = write_manifest.write(plan)
    assert "- commands # to take /other\n      - im:history # to read what you write to it\n" in text
    assert "- emoji:read # why?\n" in text
    assert "Invite the app to a channel" not in text
    assert "Type /other in any channel" in text
    assert "the button on the Home tab" not in text
    assert "Invite the app" in SHIPPED
    assert "the button on the Home tab" in SHIPPED
    made = load(text)
    assert isinstance(made, dict)
    assert made["oauth_config"]["scopes"] == {"bot": ["commands", "im:history"], "user": ["emoji:read"]}
    assert made["settings"]["event_subscriptions"]["bot_events"] == ["app_uninstalled", "message.im", "tokens_revoked"]
    assert made["settings"]["interactivity"]["request_url"] == "https://x.unit.tests/slack/interactivity"
    assert [command["command"] for command in made["features"]["slash_commands"]] == ["/other"]
    assert made["features"]["app_home"]["home_tab_enabled"] is False
    assert made["features"]["bot_user"]["display_name"] == "other-one"
    assert "shortcut:do" in write_manifest.write(plan)


def test_the_host_side_hears_of_channels_as_far_as_the_scopes_go() -> None:
    plan = Plan(
        url="https://x.unit.tests", name="One", description="Does it.", bot_scopes=("channels:read", "chat:write"),
        user_scopes=(), handles=frozenset(), reasons={}, host=True,
    )  # fmt: skip

    def events(plan: Plan) -> set[str]:
        return set(write_manifest.manifest_data(plan)["settings"]["event_subscriptions"]["bot_events"])

    without = {"app_uninstalled", "tokens_revoked"}
    assert events(plan) == without | set(HOST_EVENTS["channels:read"])
    assert events(replace(plan, host=False)) == without
    assert events(replace(plan, bot_scopes=("chat:write",))) == without, "no event without its scope"
    assert {scope for scope in HOST_EVENTS if scope not in BY_SCOPE} == set(), "and no scope without a reason"


def test_menus_and_commands_of_any_script_are_written_as_slack_reads_them() -> None:
    commands = ["/a#b", "/a:", "/example", '/x"y', "/\u4f8b"]
    handles = frozenset({*commands, "block_suggestion:pick"})
    text = write_manifest.write(replace(PLAN, handles=handles))
    for made in (load(text), write_manifest.manifest_data(replace(PLAN, handles=handles))):
        assert isinstance(made, dict)
        assert [command["command"] for command in made["features"]["slash_commands"]] == sorted(commands)
        interactivity = made["settings"]["interactivity"]
        assert interactivity.pop("is_enabled") is True
        assert interactivity.keys() == {"request_url", "message_menu_options_url"}
        assert set(interactivity.values()) == {"https://app.example.com/slack/interactivity"}


def test_without_a_bot_there_is_no_bot_and_without_buttons_no_interactivity() -> None:
    plan = replace(PLAN, bot_scopes=(), user_scopes=("emoji:read",), handles=frozenset({"app_mention", "/x"}))
    made = load(write_manifest.write(plan))
    assert isinstance(made, dict)
    assert made["oauth_config"]["scopes"] == {"user": ["emoji:read"]}
    assert made["features"].keys() == {"app_home"}
    assert made["settings"]["interactivity"] == {"is_enabled": False}


def test_any_yaml_is_read_where_its_reader_is_installed() -> None:
    text = "display_information: {name: 'x'}\n"
    assert read_manifest.read("x.yml", text) == {"display_information": {"name": "x"}}


def test_other_yaml_is_refused_with_a_hint_where_its_reader_is_not_installed(without_yaml: None) -> None:
    with pytest.raises(CommandError, match=r"^x\.yml: .*; run pip install pyyaml, or give JSON$"):
        read_manifest.read("x.yml", SHIPPED)


def test_json_is_read(without_yaml: None) -> None:
    assert read_manifest.read("x.json", json.dumps(load(SHIPPED))) == load(SHIPPED)


@pytest.mark.parametrize(
    "text", ["{", "{]", "a: [", "x: 1", "", "[]", "- a", "display_information: x", "null", "\x00", "2026-13-45"]
)
def test_what_is_no_manifest_is_refused_by_the_name_of_the_file(text: str) -> None:
    with pytest.raises(CommandError, match=r"^x\.yml: "):
        read_manifest.read("x.yml", text)
