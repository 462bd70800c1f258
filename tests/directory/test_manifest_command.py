"""`slackapp manifest`: needs no settings, and follows those that there are."""

from pathlib import Path

import pytest

from slackapp.directory import read_manifest
from tests.cli.process import ROOT, Here

URL = "https://app.example.com"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(tmp_path, monkeypatch, capsys)


def test_without_any_setting_it_prints_the_shipped_manifest(here: Here) -> None:
    ended = here.run({}, "manifest", "--url", URL)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == (ROOT / "manifest.yml").read_text("utf-8")


def test_it_follows_the_settings(here: Here) -> None:
    given = {
        "SLACKAPP_PUBLIC_URL": "https://x.unit.tests",
        "SLACKAPP_NAME": "Other: One",
        "SLACKAPP_DESCRIPTION": "Does it.",
        "SLACKAPP_BOT_SCOPES": "chat:write,users:read",
        "SLACKAPP_USER_SCOPES": "emoji:read",
    }
    found = read_manifest.read("printed", here.run(given, "manifest").stdout)
    assert found["display_information"]["name"] == "Other: One"
    assert found["display_information"]["description"] == "Does it."
    assert found["oauth_config"]["scopes"] == {"bot": ["chat:write", "users:read"], "user": ["emoji:read"]}
    assert found["oauth_config"]["redirect_urls"] == ["https://x.unit.tests/slack/oauth_redirect"]
    assert "why?" in here.run(given, "manifest").stdout  # emoji:read has no reason yet


@pytest.mark.parametrize("way", [("--host",), ()])
def test_with_the_host_side_slack_may_send_browsers_back_there_too(here: Here, way: tuple[str, ...]) -> None:
    given = {"SLACKAPP_BOT_SCOPES": "chat:write,users:read,channels:read"}
    given |= {} if way else {"SLACKAPP_HOST_KEYS_FILE": "host.keys"}
    text = here.run(given, "manifest", "--url", URL, *way).stdout
    found = read_manifest.read("printed", text)
    assert found["oauth_config"]["redirect_urls"] == [
        f"{URL}/slack/oauth_redirect", f"{URL}/api/v2/slack/auth/callback",
    ]  # fmt: skip
    assert "- channels:read # to list the channels that may be chosen\n" in text
    assert "why?" not in text


@pytest.mark.claim("C-146")
def test_the_host_side_needs_to_see_who_is_an_admin_in_the_manifest_too(here: Here) -> None:
    ended = here.run({}, "manifest", "--url", URL, "--host")
    assert (ended.returncode, ended.stdout) == (78, "")
    assert ended.stderr.startswith("slackapp: SLACKAPP_BOT_SCOPES: add users:read; with SLACKAPP_HOST_KEYS_FILE ")


@pytest.mark.parametrize(
    ("given", "arguments", "status"),
    [
        ({}, (), 2),
        ({}, ("--url", "http://app.example.com"), 2),
        ({}, ("--url", f"{URL}/path"), 2),
        ({"SLACKAPP_NAME": "x" * 36}, ("--url", URL), 78),
        ({"SLACKAPP_NAMED": "x"}, ("--url", URL), 78),
        ({"SLACKAPP_BEHAVIOUR": "no.such:TABLE"}, ("--url", URL), 78),
    ],
)
def test_what_is_wrong_is_one_line_and_78_for_a_setting(
    here: Here, given: dict[str, str], arguments: tuple[str, ...], status: int
) -> None:
    ended = here.run(given, "manifest", *arguments)
    assert (ended.returncode, ended.stdout) == (status, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("slackapp: --url: " if not given else "slackapp: SLACKAPP_")
