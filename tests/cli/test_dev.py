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

from slackapp.cli.server import free_port
from slackapp.cli.stage import Browser, send

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


class Dev:
    """A running `slackapp dev`."""

    def __init__(self, folder: Path) -> None:
        self.url = f"http://localhost:{free_port()}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "slackapp", "dev"],
            cwd=folder,
            env={**ENVIRONMENT, "SLACKAPP_LISTEN": self.url.rpartition(":")[2]},
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
        self.process.communicate(timeout=20)
        return self.process.returncode


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    """A `slackapp dev` in an empty folder, with nothing configured but a free port."""
    made = Dev(tmp_path)
    yield made
    if made.process.poll() is None:
        made.end(signal.SIGKILL)


def test_with_nothing_configured_a_newcomer_can_install_at_once(dev: Dev, tmp_path: Path) -> None:
    browser = Browser(dev.url)
    assert "Add to Slack" in browser.get("/").text
    browser.begin()
    assert browser.get(browser.consent("T0NORTH001")).status == 303
    page = browser.get("/slack/installed").text
    assert "Northwind" in page
    assert dev.slack_url in page
    assert "Local Slack" in send("GET", dev.slack_url, "/", "", {}).text
    assert dev.end(signal.SIGTERM) == 0
    private = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert private
    assert all(path.stat().st_mode & 0o077 == 0 for path in private)
    again = Dev(tmp_path)  # what was installed is still there: same keys, same database, same local Slack
    try:
        state = send("GET", again.slack_url, "/control/state.json", "", {}).text
        assert "T0NORTH001" in state
    finally:
        again.end(signal.SIGINT)


@pytest.mark.claim("C-21")
def test_a_crash_would_not_write_the_keys_to_a_file(dev: Dev) -> None:
    limits = Path(f"/proc/{dev.process.pid}/limits")
    if not limits.exists():
        pytest.skip("this system has no /proc to look at")
    core = next(line for line in limits.read_text().splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]


@pytest.mark.long
def test_however_it_dies_no_local_slack_is_left_behind(dev: Dev) -> None:
    dev.end(signal.SIGKILL)
    port = int(dev.slack_url.rpartition(":")[2])
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return
        time.sleep(0.05)
    raise AssertionError("the local Slack still listens")


def test_some_of_the_credentials_are_refused_with_the_missing_one(tmp_path: Path) -> None:
    settings = {"SLACK_APP_ID": "A0123456789", "SLACK_CLIENT_ID": "1.2", "SLACK_SIGNING_SECRET": "x" * 32}
    done = subprocess.run(
        [sys.executable, "-m", "slackapp", "dev"],
        cwd=tmp_path,
        env={**ENVIRONMENT, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
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
    done = subprocess.run(
        [sys.executable, "-m", "slackapp", "dev"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 78
    assert "SLACKAPP_PUBLIC_URL: must be https" in done.stderr
    assert not (tmp_path / "data" / "local").exists()
