"""`slackapp config`: shows every setting and no secret."""

from pathlib import Path

import pytest

from slackapp.config.setting_table import SETTINGS
from tests.cli.process import Here, settings
from tests.support.world import SIGNING_SECRET

SECRETS = ("a-client-secret-for-tests", SIGNING_SECRET, "an-operator-token-of-forty-characters-xx")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(tmp_path, monkeypatch, capsys)


def test_every_setting_is_shown_with_its_source_and_secrets_are_masked(tmp_path: Path, here: Here) -> None:
    ended = here.run(settings(tmp_path, SLACKAPP_NAME="Example App"), "config")
    assert (ended.returncode, ended.stderr) == (0, "")
    rows = [line.split(None, 2) for line in ended.stdout.splitlines()]
    assert [row[0] for row in rows] == [setting.name for setting in SETTINGS]
    shown = {row[0]: (row[1], row[2] if len(row) > 2 else "") for row in rows}
    for name in ("SLACK_CLIENT_SECRET", "SLACK_SIGNING_SECRET", "SLACKAPP_OPERATOR_TOKEN_FILE"):
        assert shown[name] == ("set", "***")
    assert shown["SLACKAPP_NAME"] == ("set", "Example App")
    assert shown["SLACKAPP_STATE_TTL"] == ("default", "600")
    assert shown["SLACKAPP_BOT_SCOPES"] == ("default", "app_mentions:read,chat:write,commands")
    assert shown["SLACKAPP_SLACK_URL"] == ("set", "http://127.0.0.1:9")
    for secret in SECRETS:
        assert secret not in ended.stdout


def test_a_proxy_of_the_environment_is_told_to_be_ignored_and_not_shown(tmp_path: Path, here: Here) -> None:
    proxies = {"HTTPS_PROXY": "http://me:pass@proxy.example.com", "all_proxy": "socks5://proxy.example.com"}
    ended = here.run({**settings(tmp_path), **proxies}, "config")
    told = [line.split(None, 2) for line in ended.stdout.splitlines()[len(SETTINGS) :]]
    why = "calls to Slack go straight out; no proxy is taken from the environment"
    assert told == [["HTTPS_PROXY", "ignored", why], ["all_proxy", "ignored", why]]
    assert "proxy.example.com" not in ended.stdout + ended.stderr


def test_config_creates_no_file(tmp_path: Path, here: Here) -> None:
    given = settings(tmp_path)
    before = sorted(tmp_path.iterdir())
    here.run(given, "config")
    assert sorted(tmp_path.iterdir()) == before


def test_settings_come_from_a_file_beside_it_and_the_environment_wins(tmp_path: Path, here: Here) -> None:
    given = settings(tmp_path)
    lines = [f"{name}={value}\n" for name, value in {**given, "SLACKAPP_NAME": "One"}.items()]
    (tmp_path / ".env").write_text("".join(lines))
    (tmp_path / ".env").chmod(0o600)
    ended = here.run({"SLACKAPP_STATE_TTL": "60"}, "config")
    assert (ended.returncode, ended.stderr) == (0, "")
    shown = {line.split()[0]: line.split()[1:] for line in ended.stdout.splitlines()}
    assert (shown["SLACKAPP_NAME"], shown["SLACKAPP_STATE_TTL"]) == (["set", "One"], ["set", "60"])


def test_a_file_of_settings_that_others_can_read_is_warned_of(tmp_path: Path, here: Here) -> None:
    given = settings(tmp_path)
    (tmp_path / ".env").write_text("SLACKAPP_NAME=One\n")
    (tmp_path / ".env").chmod(0o644)
    ended = here.run(given, "config")
    assert ended.returncode == 0
    assert "warning: others can read" in ended.stderr


def test_what_is_wrong_is_status_78_and_one_line_without_the_value(tmp_path: Path, here: Here) -> None:
    given = settings(tmp_path, SLACK_CLIENT_SECRET="short-secret")
    ended = here.run(given, "config")
    assert (ended.returncode, ended.stdout) == (78, "")
    (line,) = ended.stderr.splitlines()
    assert "SLACK_CLIENT_SECRET" in line
    assert "short-secret" not in line


def test_a_sensitive_scope_without_sight_of_the_installer_is_status_78_with_what_to_do(
    tmp_path: Path, here: Here
) -> None:
    ended = here.run(settings(tmp_path, SLACKAPP_BOT_SCOPES="chat:write,files:read"), "config")
    assert (ended.returncode, ended.stdout) == (78, "")
    (line,) = ended.stderr.splitlines()
    assert "SLACKAPP_BOT_SCOPES: add users:read; files:read is sensitive" in line


def test_who_may_install_is_shown(tmp_path: Path, here: Here) -> None:
    given = {"SLACKAPP_REQUIRE_ADMIN_INSTALLER": "1", "SLACKAPP_ALLOWED_TEAMS": "T0NORTH001, E0EVERGRN1"}
    ended = here.run(settings(tmp_path, SLACKAPP_BOT_SCOPES="chat:write,users:read", **given), "config")
    shown = {line.split()[0]: line.split()[1:] for line in ended.stdout.splitlines()}
    assert shown["SLACKAPP_REQUIRE_ADMIN_INSTALLER"] == ["set", "yes"]
    assert shown["SLACKAPP_ALLOWED_TEAMS"] == ["set", "T0NORTH001,E0EVERGRN1"]


def test_an_app_without_a_bot_is_configured_with_a_comma_alone(tmp_path: Path, here: Here) -> None:
    given = settings(tmp_path, SLACKAPP_BOT_SCOPES=",", SLACKAPP_USER_SCOPES="emoji:read")
    ended = here.run(given, "config")
    shown = {line.split()[0]: line.split()[1:] for line in ended.stdout.splitlines()}
    assert shown["SLACKAPP_USER_SCOPES"] == ["set", "emoji:read"]
    assert shown["SLACKAPP_BOT_SCOPES"] == ["set"]


def test_the_methods_of_the_behaviours_module_are_shown_where_it_lists_them(
    tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mybot.py").write_text("EVENTS = {}\nMETHODS = ['views.open', 'chat.postMessage']\n")
    given = settings(tmp_path)
    ended = here.run({**given, "SLACKAPP_BEHAVIOUR": "mybot:EVENTS"}, "config")
    assert [line.split() for line in ended.stdout.splitlines() if line.startswith("METHODS")] == [
        ["METHODS", "module", "chat.postMessage,views.open"]
    ]
    assert "METHODS" not in here.run(given, "config").stdout
