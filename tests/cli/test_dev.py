"""`slackapp dev`: nothing configured is enough; half-configured is refused; nothing is left running."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.cli import dev as dev_command
from slackapp.cli.service import dev_settings
from slackapp.crypto import keyfile
from slackapp.demo.harness import Browser, free_port, send
from tests.cli.process import Here

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


AUTHORIZE = "client_id=1000000001.2000000002&scope=chat:write"
MYBOT = '''"""Says hello to whoever asks."""
SCOPES = {"commands": "to take /hello", "chat:write": "to say hello"}
EVENTS = {"/hello": lambda context, command: context.respond("Hello!")}
'''


def start(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """`slackapp dev` to its end: one that must not come up."""
    command = [sys.executable, "-m", "slackapp", "dev"]
    given = {**ENVIRONMENT, **settings}
    return subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, timeout=60, check=False)


class Dev:
    """A running `slackapp dev`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.url = f"http://localhost:{free_port()}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "slackapp", "dev"],
            cwd=folder,
            env={**ENVIRONMENT, "SLACKAPP_LISTEN": self.url.rpartition(":")[2], **settings},
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = ""
        assert self.process.stderr is not None
        while "Stop with" not in self.said:
            line = self.process.stderr.readline()
            assert line, self.said
            self.said += line
        found = re.search(r"local Slack at (http://127\.0\.0\.1:\d+)", self.said)
        assert found is not None, self.said
        self.slack_url = found[1]

    def end(self, number: int) -> int:
        """Sends a signal; the exit status."""
        self.process.send_signal(number)
        self.said += self.process.communicate(timeout=20)[1]
        return self.process.returncode


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Here]:
    """Commands in the same folder; what they find there is forgotten afterwards."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield Here(tmp_path, monkeypatch, capsys)
    sys.modules.pop("mybot", None)


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    """A `slackapp dev` in an empty folder, with nothing configured but a free port."""
    made = Dev(tmp_path)
    yield made
    if made.process.poll() is None:
        made.end(signal.SIGKILL)


def test_with_nothing_configured_a_newcomer_can_install_at_once(dev: Dev, tmp_path: Path, here: Here) -> None:
    browser = Browser(dev.url)
    assert "Add to Slack" in browser.get("/").text
    browser.begin()
    assert browser.get(browser.consent("T0NORTH001")).status == 303
    page = browser.get("/slack/installed").text
    assert "Northwind" in page
    assert dev.slack_url in page
    beside = dev.url.replace("localhost", "127.0.0.1")
    for path in ("/", "/slack/install?team=T0NORTH001"):
        reply = send("GET", beside, path, "", {})
        assert (reply.status, reply.headers["location"]) == (302, f"{dev.url}{path}"), "the name that cookies belong to"
    assert send("GET", beside, "/healthz", "", {}).status == 200
    assert send("POST", beside, "/slack/events", "{}", {}).status == 400
    assert send("GET", beside, "/", "", {"Host": "evil.example"}).status == 400
    assert "Northwind" in here.run({}, "--dev", "tenants").stdout
    assert here.run({}, "--dev", "backup", "kept").returncode == 0
    assert "tenants open whole" in here.run({}, "--dev", "restore", "kept", "--check").stdout
    assert all(len(line) <= 80 for line in dev.said.splitlines()), dev.said
    product = re.search(r"whose customers connect Slack is at (\S+)\.\n", dev.said)
    assert product is not None
    reply = send("POST", product[1], "/login", "person=ann", {"Origin": product[1]})
    page = send("GET", product[1], "/", "", {"Cookie": reply.headers["set-cookie"].partition(";")[0]}).text
    assert ("No workspace is connected." in page, 'class="notice' in page) == (True, False), "its key is known here"
    assert "evt_" not in here.run({}, "--dev", "host", "events", "list").stdout
    assert "Local Slack" in send("GET", dev.slack_url, "/", "", {}).text
    assert (dev.end(signal.SIGINT), dev.said.splitlines()[-1]) == (0, "slackapp: stopped")
    assert "Traceback" not in dev.said
    private = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert private
    assert all(path.stat().st_mode & 0o077 == 0 for path in private)
    again = Dev(tmp_path)  # what was installed is still there: same keys, same database, same local Slack
    try:
        state = send("GET", again.slack_url, "/control/state.json", "", {}).text
        assert "T0NORTH001" in state
    finally:
        again.end(signal.SIGTERM)


def test_a_behaviour_of_one_s_own_is_found_here_and_everything_follows_it(tmp_path: Path, here: Here) -> None:
    (tmp_path / "mybot.py").write_text(MYBOT)
    dev = Dev(tmp_path, SLACKAPP_BEHAVIOUR="mybot:EVENTS", SLACKAPP_NAME="My Bot")
    try:
        assert "customers" not in dev.said, "it does not ask for the scope that shows who is an admin"
        front = send("GET", dev.url, "/", "", {}).text
        assert "<p>Says hello to whoever asks.</p>" in front
        assert "<li><code>commands</code>: to take /hello</li><li><code>chat:write</code>: to say hello</li>" in front
        browser = Browser(dev.url)
        browser.begin()
        assert "My Bot" in send("GET", dev.slack_url, f"/oauth/v2/authorize?{AUTHORIZE}", "", {}).text
        assert browser.get(browser.consent("T0NORTH001")).status == 303
        assert "type <code>/hello</code> in the local Slack" in browser.get("/slack/installed").text
        page = send("GET", dev.slack_url, "/", "", {}).text
        assert 'name="command" value="/hello"' in page
        assert "Nobody handles a mention" in page
        assert "Open the Home tab" not in page
        manifest = here.run({}, "--dev", "manifest").stdout
        assert "- commands # to take /hello\n      - chat:write # to say hello\n" in manifest
        assert "description: Says hello to whoever asks.\n" in manifest
    finally:
        dev.end(signal.SIGTERM)


@pytest.mark.parametrize(
    "given",
    [
        {"SLACKAPP_HOST_KEYS_FILE": "their.keys"},
        {"SLACKAPP_HOST_URL": "http://localhost:4567"},
        {"SLACKAPP_BOT_SCOPES": "chat:write"},
    ],
    ids=["own keys", "own address", "without the scope that shows who is an admin"],
)
def test_whoever_has_a_host_already_or_cannot_have_one_is_given_none(tmp_path: Path, given: dict[str, str]) -> None:
    shown = {"SLACKAPP_BOT_SCOPES": "chat:write,users:read", "SLACKAPP_PUBLIC_URL": "http://localhost:3000"}
    with dev_command._host_application(tmp_path, given, shown) as settings:
        assert settings == {}
    assert not [*tmp_path.iterdir()]


def test_a_start_that_fails_says_why_and_nothing_else(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        done = start(tmp_path, SLACKAPP_LISTEN=where)
    why = f"cannot listen on {where} (Address already in use); stop what listens there, or set another"
    assert (done.returncode, done.stderr) == (78, f"slackapp: SLACKAPP_LISTEN: {why}\n")


def test_a_command_beside_it_is_told_how_to_find_what_it_uses(tmp_path: Path, here: Here) -> None:
    missing = "slackapp: SLACK_APP_ID: is missing; set it in the environment or in .env"
    ended = here.run({}, "tenants")
    assert (ended.returncode, ended.stderr) == (78, f"{missing}\n"), "nobody has started it here"
    ended = here.run({}, "--dev", "tenants")
    assert ended.returncode == 78
    assert ended.stderr.startswith("slackapp: --dev: there is no data/local/settings.json; run this where ")
    (tmp_path / "data" / "local").mkdir(parents=True, mode=0o700)
    used = tmp_path / "data" / "local" / "settings.json"
    keyfile.write_private(used, b"{}")
    hint = "; or, to find what `slackapp dev` uses here: slackapp --dev tenants\n"
    ended = here.run({}, "tenants")
    assert (ended.returncode, ended.stderr) == (78, f"{missing}{hint}")
    used.write_text("[")
    ended = here.run({}, "--dev", "tenants")
    assert (ended.returncode, ended.stderr.count("\n")) == (78, 1)
    assert "data/local/settings.json: is not what `slackapp dev` wrote; remove it" in ended.stderr
    for command in ("dev", "serve", "demo", "localslack"):
        with pytest.raises(SystemExit, match="2"):
            here.run({}, "--dev", command)


def test_what_dev_used_is_kept_without_secrets_and_what_is_set_now_counts_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    secrets = {"SLACK_CLIENT_SECRET": "y" * 32, "SLACK_SIGNING_SECRET": "x" * 32}
    real = {"SLACK_APP_ID": "A0123456789", "SLACK_CLIENT_ID": "1.2", **secrets}
    folder = dev_settings.folder_of(real)
    made = dev_settings.make_defaults(folder, real)
    dev_settings.save_used(folder, {**made, **real, "SLACKAPP_NAME": "Then", "SLACKAPP_GONE": "in a release that was"})
    text = (tmp_path / "data" / "settings.json").read_text()
    assert not any(secret in text for secret in secrets.values())
    assert dev_settings.load_used({**real, "SLACKAPP_NAME": "Now"}) == {**made, **real, "SLACKAPP_NAME": "Now"}
    assert not dev_settings.was_used({}), "the local Slack's are kept apart"


@pytest.mark.claim("C-21")
def test_a_crash_would_not_write_the_keys_to_a_file(dev: Dev) -> None:
    limits = Path(f"/proc/{dev.process.pid}/limits")
    if not limits.exists():
        pytest.skip("this system has no /proc to look at")
    core = next(line for line in limits.read_text().splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]


@pytest.mark.long
def test_the_local_slack_and_the_product_end_when_dev_is_killed(dev: Dev) -> None:
    dev.end(signal.SIGKILL)
    product = re.search(r"customers connect Slack is at http://localhost:(\d+)", dev.said)
    assert product is not None
    waiting = {int(dev.slack_url.rpartition(":")[2]), int(product[1])}
    for _ in range(200):
        waiting = {port for port in waiting if is_open(port)}
        if not waiting:
            return
        time.sleep(0.05)
    raise AssertionError(f"something still listens: {waiting}")


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_some_of_the_credentials_are_refused_with_the_missing_one(tmp_path: Path) -> None:
    settings = {"SLACK_APP_ID": "A0123456789", "SLACK_CLIENT_ID": "1.2", "SLACK_SIGNING_SECRET": "x" * 32}
    done = start(tmp_path, **settings)
    assert done.returncode == 78
    assert done.stderr.startswith("slackapp: SLACK_CLIENT_SECRET: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_with_real_credentials_it_wants_https_and_never_starts_a_local_slack(tmp_path: Path) -> None:
    settings = {
        "SLACK_APP_ID": "A0123456789",
        "SLACK_CLIENT_ID": "1.2",
        "SLACK_CLIENT_SECRET": "y" * 32,
        "SLACK_SIGNING_SECRET": "x" * 32,
    }
    (tmp_path / ".env").write_text("\n".join(f"{name}={value}" for name, value in settings.items()))
    done = start(tmp_path)
    assert done.returncode == 78
    assert "SLACKAPP_PUBLIC_URL: must be https" in done.stderr
    assert not (tmp_path / "data" / "local").exists()
