"""manifest.yml is what a reader pastes into Slack: it asks for little, and only for what the service does."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.meta.source import ROOT

BASE = "https://app.example.com"


@pytest.fixture(scope="module")
def manifest() -> Any:
    """The manifest, read as data."""
    return yaml.safe_load((ROOT / "manifest.yml").read_text("utf-8"))


def strings(value: Any) -> Iterator[str]:
    """Every string inside a manifest."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def test_it_asks_for_three_scopes_of_the_bot_and_none_of_a_user(manifest: Any) -> None:
    """Stops scopes without a feature: each one is a thing a stolen token can do."""
    assert manifest["oauth_config"]["scopes"] == {"bot": ["app_mentions:read", "chat:write", "commands"]}


def test_it_subscribes_to_what_the_example_handles_and_to_both_lifecycle_events(manifest: Any) -> None:
    """Stops a manifest under which an uninstall is never heard of, and tokens outlive it."""
    assert manifest["settings"]["event_subscriptions"] == {
        "request_url": f"{BASE}/slack/events",
        "bot_events": ["app_home_opened", "app_mention", "app_uninstalled", "tokens_revoked"],
    }


def test_the_manifests_urls_are_https_on_one_host(manifest: Any) -> None:
    """Stops codes and events from travelling in clear, or to another host."""
    assert manifest["oauth_config"]["redirect_urls"] == [f"{BASE}/slack/oauth_redirect"]
    addresses = [text for text in strings(manifest) if "://" in text]
    assert addresses
    assert all(text.startswith(f"{BASE}/") and "#" not in text for text in addresses)


def test_it_rotates_tokens_and_takes_whole_organisations(manifest: Any) -> None:
    """Stops tokens that live for ever; Socket Mode is off because nothing serves it."""
    settings = manifest["settings"]
    assert settings["token_rotation_enabled"] is True
    assert settings["org_deploy_enabled"] is True
    assert settings["socket_mode_enabled"] is False
    assert "pkce_enabled" not in manifest["oauth_config"]


def test_the_manifest_stays_within_slacks_limits(manifest: Any) -> None:
    """Stops a manifest that Slack refuses (docs.slack.dev/reference/app-manifest)."""
    shown = manifest["display_information"]
    assert 1 <= len(shown["name"]) <= 35
    assert 1 <= len(shown["description"]) <= 140
    assert 175 <= len(shown["long_description"]) <= 4000
    assert 1 <= len(manifest["features"]["bot_user"]["display_name"]) <= 80
    assert set(manifest) == {"_metadata", "display_information", "features", "oauth_config", "settings"}
