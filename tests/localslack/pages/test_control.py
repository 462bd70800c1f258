"""The control page, the state file, and the command."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from slackapp.cli import localslack as command
from slackapp.errors import CommandError, UsageError
from slackapp.localslack import LocalSlack, StateFileError, credentials
from tests.localslack.client import APP, Client, Clock, make_client
from tests.support.client import FORM

ROOT = Path(__file__).resolve().parents[2]


def press(on: Client, action: str, headers: dict[str, str] | None = None, **fields: str) -> int:
    return on.request("POST", f"/control/{action}", urlencode(fields), {**FORM, **(headers or {})}).status


def test_the_page_shows_installs_and_answers_but_never_a_secret(on: Client) -> None:
    token = on.install(scope="chat:write,app_mentions:read,incoming-webhook", user_scope="search:read")["access_token"]
    on.slack.command("T0NORTH001", "/x")
    assert press(on, "mention", team="T0NORTH001", text="are you there?") == 303
    on.api("chat.postMessage", token, channel="C0NORTH001GEN", text="<b>I am</b>", thread_ts="1.1")
    on.slack.deliver_due()
    page = on.request("GET", "/").text
    state = on.request("GET", "/control/state.json").text
    assert "are you there?" in page
    assert "&lt;b&gt;I am&lt;/b&gt;" in page
    secrets = [*on.slack.issued_tokens, "current-secret", "a-signing-secret"]
    assert not [secret for secret in secrets if secret in page or secret in state]


def test_the_state_for_scripts_names_tenants_messages_deliveries_and_calls(on: Client) -> None:
    on.install()
    on.slack.mention("T0NORTH001", "hi")
    on.slack.deliver_due()
    state = on.request("GET", "/control/state.json").json
    assert [tenant["tenant"] for tenant in state["installed"]] == ["T0NORTH001"]
    assert state["calls"] == {"oauth.v2.access": 1}
    assert [(d["type"], d["status"], d["attempt"]) for d in state["deliveries"]] == [("app_mention", 200, 1)]
    assert set(state["messages"]) == set(on.slack.workspaces)


def test_the_buttons_do_what_they_say(on: Client) -> None:
    answer = on.install()
    assert press(on, "expire", team="T0NORTH001") == 303
    assert on.api("auth.test", answer["access_token"])["error"] == "token_expired"
    assert press(on, "fault", method="api.test", kind="html500") == 303
    assert on.request("GET", "/api/api.test").status == 500
    assert press(on, "home", team="T0NORTH001") == 303
    assert press(on, "uninstall", team="T0NORTH001", order="tokens_revoked") == 303
    assert [d.type for d in on.slack.deliver_due()] == ["app_home_opened", "tokens_revoked"]
    on.install("T0SOUTH001", user_scope="search:read")
    assert press(on, "revoke", team="T0SOUTH001", user="U0SOUTH001ADM") == 303
    assert press(on, "revoke", team="T0SOUTH001") == 303
    assert on.slack.installed == []


def test_tokens_die_and_no_event_says_so(on: Client) -> None:
    """The app learns it from its next call, as where an admin has deactivated it, or its secret was rotated."""
    answer = on.install()
    assert "Let its tokens die unannounced" in on.request("GET", "/").text
    assert press(on, "spoil", team="T0NORTH001") == 303
    assert on.api("auth.test", answer["access_token"])["error"] == "token_expired"
    assert on.refresh(answer["refresh_token"])["error"] == "invalid_refresh_token"
    assert (on.slack.installed, on.slack.deliver_due()) == (["T0NORTH001"], [])


def test_a_command_and_a_press_are_sent_as_slack_sends_them(on: Client) -> None:
    token = on.install()["access_token"]
    assert press(on, "command", team="T0NORTH001", text="help") == 303
    view = {
        "type": "home",
        "blocks": [
            {
                "type": "actions",
                "elements": [
                    {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go <there>"}}
                ],
            }
        ],
    }
    on.api("views.publish", token, user_id="U0NORTH001ADM", view=json.dumps(view))
    page = on.request("GET", "/").text
    assert "Home tab of northwind-admin in Northwind" in page
    assert ">Go &lt;there&gt;</button>" in page
    assert press(on, "press", team="T0NORTH001", user="U0NORTH001ADM", action_id="go") == 303
    on.slack.deliver_due()
    (first, typed), (second, pressed) = on.app.requests
    assert (first["path"], second["path"]) == ("/slack/commands", "/slack/interactivity")
    form = parse_qs(typed.decode())
    assert (form["command"], form["text"], form["is_enterprise_install"]) == (["/example"], ["help"], ["false"])
    payload = json.loads(parse_qs(pressed.decode())["payload"][0])
    assert (payload["type"], payload["user"]["id"], payload["actions"][0]["action_id"]) == (
        "block_actions",
        "U0NORTH001ADM",
        "go",
    )
    assert (payload["team"]["id"], payload["view"]["app_installed_team_id"]) == ("T0NORTH001", "T0NORTH001")


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("mention", {"team": "T0NORTH001"}),
        ("command", {"team": "T0NORTH001"}),
        ("home", {"team": "T0NOWHERE1"}),
        ("press", {"team": "T0NORTH001", "user": "U0NORTH001ADM", "action_id": "go"}),
        ("press", {"team": "T0NOWHERE1"}),
        ("uninstall", {"team": "T0NOWHERE1"}),
        ("fault", {"kind": "earthquake"}),
        ("fault", {"kind": "slow", "seconds": "long"}),
    ],
)
def test_a_button_that_cannot_work_says_why(on: Client, action: str, fields: dict[str, Any]) -> None:
    assert press(on, action, **fields) == 400
    assert press(on, "no-such-button") == 404


def test_a_page_of_another_site_cannot_press_the_buttons(on: Client) -> None:
    assert press(on, "fault", {"Origin": "http://evil.example"}, kind="cut") == 403
    assert press(on, "fault", {"Origin": "null"}, kind="cut") == 403
    assert press(on, "fault", {"Sec-Fetch-Site": "cross-site"}, kind="cut") == 403
    assert press(on, "fault", {"Origin": on.base, "Sec-Fetch-Site": "same-origin"}, kind="cut") == 303


def test_what_was_issued_is_shown_only_when_asked_for(on: Client) -> None:
    code = on.code()
    assert on.request("GET", "/control/issued.json").status == 404
    on.slack.reveal_issued = True
    assert on.request("GET", "/control/issued.json").json == {"issued": [code]}


def test_everything_outlives_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "slack.json"
    with make_client(file) as on:
        answer = on.install(scope="chat:write,app_mentions:read,incoming-webhook")
        code = on.code("T0SOUTH001")
        on.slack.add_workspace("T0WEST0001", "Westbrook")
        on.slack.mention("T0NORTH001", "hi")
        on.api("chat.postMessage", answer["access_token"], channel="C0NORTH001GEN", text="kept")
        issued, url = on.slack.issued_tokens, on.slack.app.redirect_urls[0]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with make_client(file) as on:
        assert on.slack.issued_tokens == issued
        assert on.api("auth.test", answer["access_token"])["ok"]
        assert on.access(code=code, redirect_uri=url)["ok"]
        assert [message["text"] for message in on.slack.messages("T0NORTH001")] == ["kept"]
        assert on.slack.workspaces["T0WEST0001"].name == "Westbrook"
        assert len(on.slack.state.queue) == 1
        assert on.refresh(answer["refresh_token"])["ok"]
    assert [path.name for path in tmp_path.iterdir()] == ["slack.json"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format": 1, "installs": {"T": {"nonsense": 1}}}', '{"format": 2}', "\x00"]
)
def test_a_damaged_state_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "slack.json"
    file.write_text(text)
    with pytest.raises(StateFileError, match=str(file)):
        LocalSlack(APP, clock=Clock(), entropy=os.urandom, state_file=file)


def test_a_state_row_of_the_wrong_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "slack.json"
    slack = LocalSlack(APP, clock=Clock(), entropy=os.urandom, state_file=file)
    slack.save()
    data = json.loads(file.read_text())
    file.write_text(json.dumps({**data, "issued": "all of them"}))
    with pytest.raises(StateFileError, match="issued"):
        LocalSlack(APP, clock=Clock(), entropy=os.urandom, state_file=file)


def test_credentials_are_made_once_and_kept_privately(tmp_path: Path) -> None:
    file = tmp_path / "made" / "app.json"
    first, new = credentials.load_or_make(file, ("http://localhost:3000/cb",), "http://localhost:3000/ev", os.urandom)
    again, still_new = credentials.load_or_make(
        file, ("http://localhost:3000/cb",), "http://localhost:3000/ev", os.urandom
    )
    assert (first, new, still_new) == (again, True, False)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert f"SLACK_CLIENT_SECRET={first.client_secrets[0]}" in credentials.environment(first, "http://127.0.0.1:3001")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"client_secret": None}, "client_secret is missing"),
        ({"app_id": ""}, "app_id is missing"),
        ({"colour": "red"}, "unknown: colour"),
        ({"rotation": "yes"}, "true or false"),
        ({"name": 7}, "must be strings"),
    ],
)
def test_an_app_config_that_is_wrong_is_refused_by_name(
    tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    file = tmp_path / "app.json"
    good: dict[str, object] = {"app_id": "A0LOCAL001", "client_id": "1.2", "client_secret": "s", "signing_secret": "t"}
    file.write_text(json.dumps(good))
    assert credentials.from_file(file, (), "").client_secrets == ("s",)
    file.write_text(json.dumps({k: v for k, v in {**good, **change}.items() if v is not None}))
    with pytest.raises(StateFileError, match=f"{file}.*{complaint}"):
        credentials.from_file(file, (), "")


def run_with(*options: str) -> int:
    parser = argparse.ArgumentParser()
    command.configure(parser)
    return command.run(parser.parse_args(options))


@pytest.mark.parametrize(
    "listen",
    [
        "0.0.0.0:3001",
        "[::]:3001",
        "example.com:3001",
        "127.0.0.1",
        "127.0.0.1:x",
        "127.0.0.1.evil.example:3001",
        "evil@127.0.0.1:3001",
        ":3001",
    ],
)
def test_the_command_serves_loopback_only(tmp_path: Path, listen: str) -> None:
    with pytest.raises(UsageError, match=r"^--listen .*: (HOST:PORT is expected|the local Slack serves loopback only)"):
        run_with("--listen", listen, "--state", str(tmp_path / "s"))
    assert not (tmp_path / "s").exists()


def test_the_command_refuses_a_damaged_file_by_name(tmp_path: Path) -> None:
    (tmp_path / "app.json").write_text("{")
    with pytest.raises(CommandError, match=f"^{tmp_path / 'app.json'}: "):
        run_with("--state", str(tmp_path))


def test_a_port_that_is_taken_is_said_with_the_address(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CommandError, match=f"^--listen {where}: cannot listen there .Address already in use.$"):
            run_with("--listen", where, "--state", str(tmp_path))


SCRIPT = """
import argparse, sys
from slackapp.cli import localslack
parser = argparse.ArgumentParser()
localslack.configure(parser)
sys.exit(localslack.run(parser.parse_args()))
"""


@pytest.mark.long
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_command_says_when_it_is_ready_and_leaves_with_0(tmp_path: Path, end: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "--listen", "127.0.0.1:0", "--state", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.strip())
            if line.startswith("local Slack on http://127.0.0.1:"):
                break
        process.send_signal(end)
        assert process.wait(10) == 0
    assert [line for line in lines if line.startswith("SLACK_SIGNING_SECRET=")]
