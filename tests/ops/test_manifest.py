"""Writing and reading a manifest: what we write is YAML, and what we read is what YAML says, or is refused."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from slackapp import example
from slackapp.errors import CommandError
from slackapp.ops import manifest, manifest_text
from slackapp.ops.manifest import Plan

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


def load(text: str) -> object:
    """As PyYAML reads it."""
    return yaml.load(text, LOADER)  # noqa: S506  (a safe loader)


@pytest.fixture
def without_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a plain install."""
    monkeypatch.setitem(sys.modules, "yaml", None)


def test_the_shipped_manifest_is_what_is_written_for_the_address_in_the_documents() -> None:
    """To write it anew: slackapp manifest --url https://app.example.com > manifest.yml"""
    assert manifest.write(PLAN) == SHIPPED


def test_the_shipped_manifest_is_read_as_yaml_reads_it(without_yaml: None) -> None:
    assert manifest_text.read("manifest.yml", SHIPPED) == load(SHIPPED)


@pytest.mark.long
@settings(max_examples=10)
@given(st.one_of(WORDS, st.sampled_from(ODD)), st.one_of(WORDS, st.sampled_from(ODD)))
def test_whatever_the_name_it_is_read_back(name: str, description: str) -> None:
    text = manifest.write(replace(PLAN, name=name, description=description))
    shown = manifest_text._Reader(text).block(0)["display_information"]
    assert (shown["name"], shown["description"]) == (name, description)
    assert load(text) == manifest_text._Reader(text).block(0)


def test_the_manifest_follows_the_behaviour_and_the_scopes() -> None:
    handles = frozenset({"message.im", "/other", "shortcut:do", "view_submission:x", "slackapp.installed"})
    plan = Plan(
        url="https://x.unit.tests", name="Other One", description="Does it.", bot_scopes=("commands", "im:history"),
        user_scopes=("emoji:read",), handles=handles, reasons={"im:history": "to read what you write to it"},
    )  # fmt: skip
    text = manifest.write(plan)
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
    assert "shortcut:do" in manifest.write(plan)


def test_menus_and_commands_of_any_script_are_written_as_slack_reads_them(without_yaml: None) -> None:
    commands = ["/a#b", "/a:", "/example", '/x"y', "/\u4f8b"]
    handles = frozenset({*commands, "block_suggestion:pick"})
    text = manifest.write(replace(PLAN, handles=handles))
    for made in (load(text), manifest_text._Reader(text).block(0)):
        assert isinstance(made, dict)
        assert [command["command"] for command in made["features"]["slash_commands"]] == sorted(commands)
        interactivity = made["settings"]["interactivity"]
        assert interactivity.pop("is_enabled") is True
        assert interactivity.keys() == {"request_url", "message_menu_options_url"}
        assert set(interactivity.values()) == {"https://app.example.com/slack/interactivity"}


def test_without_a_bot_there_is_no_bot_and_without_buttons_no_interactivity() -> None:
    plan = replace(PLAN, bot_scopes=(), user_scopes=("emoji:read",), handles=frozenset({"app_mention", "/x"}))
    made = load(manifest.write(plan))
    assert isinstance(made, dict)
    assert made["oauth_config"]["scopes"] == {"user": ["emoji:read"]}
    assert made["features"].keys() == {"app_home"}
    assert made["settings"]["interactivity"] == {"is_enabled": False}


CHANGES = st.sampled_from(
    [
        " ", "  ", "\n", "#", " #", ":", ": ", "- ", '"', "'", "\\", "\t", "|", ">", "&a ", "*a", "!", "{", "[", ",",
        "0", "07", "1e3", "true", "True", "null", "yes", "~", "é", "\x85", "\r", "---", "%", "?", "a", "A",
    ]
)  # fmt: skip


CHANGED = st.lists(st.tuples(st.integers(0, len(SHIPPED) - 1), st.integers(0, 8), CHANGES), min_size=1, max_size=3)


@settings(max_examples=25)
@given(CHANGED)
def test_a_changed_text_is_read_as_yaml_reads_it_or_not_at_all(changes: list[tuple[int, int, str]]) -> None:
    """I write a manifest that this reads in one way, and Slack in another."""
    read_alike(changes)


@pytest.mark.long
@settings(max_examples=5000)
@given(CHANGED)
def test_many_changed_texts_are_read_as_yaml_reads_them_or_not_at_all(changes: list[tuple[int, int, str]]) -> None:
    read_alike(changes)


def read_alike(changes: list[tuple[int, int, str]]) -> None:
    """Applies the changes; what we then take, YAML takes for the same."""
    text = SHIPPED
    for at, length, new in changes:
        text = text[:at] + new + text[at + length :]
    try:
        ours = manifest_text._Reader(text).block(0)
    except manifest_text._Unknown:
        return
    assert ours == load(text)


TRICKS = {
    "a word that is a truth": ("Example", "yes"),
    "a word in capitals that is a truth": ("Example", "True"),
    "a word that is nothing": ("Example", "null"),
    "a number in base eight": ("major_version: 2", "major_version: 010"),
    "a key twice": ("major_version: 2", "minor_version: 2"),
    "a key that is a truth": ("major_version", "yes"),
    "a mapping inside a value": ("name: Example", "name: a: b"),
    "a value that ends like a key": ("name: Example", "name: a:"),
    "another indentation": ("  name: Example", "   name: Example"),
    "another depth": ("  event_subscriptions:", "    event_subscriptions:"),
    "a comment inside a folded text": ("    a small", "    # a small"),
    "a line left out inside a folded text": ("    a small", "\n    a small"),
    "a comment behind a folded text": ("\nfeatures:", "\n    # more\nfeatures:"),
    "no folded text": ("is removed.\nfeatures", "is removed.\n  x: >-\nfeatures"),
    "a tab": ("name: Example", "name:\tExample"),
    "space at an end": ("name: Example", "name: Example "),
    "an escape": ('"[status', '"\\u005bstatus'),
    "one quotation mark": ('"[status | help]"', "'[status | help]'"),
    "a list in a line": ('"[status | help]"', "[status, help]"),
    "a second document": ("features:", "---\nfeatures:"),
    "an anchor": ("name: Example", "name: &a Example"),
    "a list inside a list": ("    - /example", "    - - /example"),
    "a list without a dash": ("      - tokens_revoked", "      tokens_revoked"),
    "a mapping in between": ("_metadata:\n", "_metadata:\n- a\n"),
    "a key without a value": ("socket_mode_enabled: false", "socket_mode_enabled:"),
}


@pytest.mark.parametrize("trick", TRICKS)
def test_what_is_not_our_form_is_left_to_a_yaml_reader(trick: str, without_yaml: None) -> None:
    old, new = TRICKS[trick]
    text = SHIPPED.replace(old, new, 1)
    if trick == "a list inside a list":
        text = SHIPPED.replace("      - chat:write", "      - - chat:write")
    assert text != SHIPPED
    with pytest.raises(CommandError, match=r"x\.yml: line [0-9]+ is not in the form .*; install PyYAML, or give JSON"):
        manifest_text.read("x.yml", text)


def test_any_yaml_is_read_where_its_reader_is_installed() -> None:
    text = "display_information: {name: 'x'}\n"
    assert manifest_text.read("x.yml", text) == {"display_information": {"name": "x"}}


def test_json_is_read(without_yaml: None) -> None:
    assert manifest_text.read("x.json", json.dumps(load(SHIPPED))) == load(SHIPPED)


@pytest.mark.parametrize("text", ["{", "{]", "a: [", "x: 1", "", "[]", "- a", "display_information: x", "null", "\x00"])
def test_what_is_no_manifest_is_refused_by_the_name_of_the_file(text: str) -> None:
    with pytest.raises(CommandError, match=r"^x\.yml: "):
        manifest_text.read("x.yml", text)
