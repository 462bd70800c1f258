"""`examples/bolt_app.py`, as its reader runs it: a process of its own, on a local Slack."""

import contextlib
import html
import os
import random
import re
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from slackapp.app import system_entropy
from slackapp.crypto import keyfile
from slackapp.localslack import LocalApp, LocalSlack
from tests.bolt.apps import REFRESH
from tests.bolt.store_folder import CLIENT_ID, CLIENT_SECRET
from tests.support.client import HttpBrowser
from tests.support.race import ROOT
from tests.support.servers import serve
from tests.support.world import APP_ID, NORTH, SIGNING_SECRET

EXAMPLE = ROOT / "examples" / "bolt_app.py"
TIMEOUT = 30
"""Seconds until something is taken for not happening."""


@dataclass
class Example:
    """The running example, its folder, and the Slack that it talks to."""

    folder: Path
    slack: LocalSlack
    address: str

    def rows(self, sql: str) -> list[Any]:
        with contextlib.closing(sqlite3.connect(self.folder / "bolt.db", timeout=TIMEOUT)) as database:
            return database.execute(sql).fetchall()

    def change(self, sql: str) -> None:
        with contextlib.closing(sqlite3.connect(self.folder / "bolt.db", timeout=TIMEOUT)) as database, database:
            database.execute(sql)

    def install(self) -> tuple[int, str]:
        """Through Bolt's own page and Slack's; the answer to the redirect back."""
        browser = HttpBrowser(self.address)
        page = browser.get(f"{self.address}/slack/install")
        assert page.status == 200
        link = html.unescape(re.search(r'href="([^"]+/oauth/v2/authorize[^"]*)"', page.text)[1])
        back = browser.consent(link, NORTH).location
        assert HttpBrowser(self.address).get(back).status == 400, "Bolt's own cookie binds the state to the browser"
        answer = browser.get(back)
        assert browser.get(back).status in (400, 401), "and a state works once"
        return answer.status, answer.text

    def mention(self) -> str:
        """Somebody mentions the bot; what it answers in the thread."""
        before = len(self.slack.messages(NORTH))
        self.slack.mention(NORTH, "hello")
        assert [delivery.status for delivery in self.slack.deliver_due()] == [200]
        soon(lambda: len(self.slack.messages(NORTH)) > before)
        said = self.slack.conversation(NORTH)
        answer = self.slack.messages(NORTH)[-1]
        assert answer["thread_ts"] in [message["ts"] for message in said]
        return str(answer["text"])


def soon(is_so: Callable[[], object]) -> None:
    """Waits for what another process does."""
    until = time.monotonic() + TIMEOUT
    while not is_so():
        assert time.monotonic() < until, "it did not happen"
        threading.Event().wait(0.01)


def free_port() -> int:
    """Not one of those that the system gives to whoever connects somewhere: it could be taken in between."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("", port))
            return port


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Example]:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    app = LocalApp(
        app_id=APP_ID,
        client_id=CLIENT_ID,
        client_secrets=(CLIENT_SECRET,),
        signing_secret=SIGNING_SECRET,
        redirect_urls=(f"{address}/slack/oauth_redirect",),
        events_url=f"{address}/slack/events",
    )
    slack = LocalSlack(app, clock=time.time, entropy=system_entropy)
    slack.delivery_timeout = TIMEOUT
    keyfile.write_private(tmp_path / "master.key", keyfile.format_master_key(1, bytes(range(32))))
    with serve(slack) as slack.base_url:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),  # where Bolt keeps what it is given no store for
            "PYTHONPATH": str(ROOT),
            "PORT": str(port),
            "SLACK_APP_ID": APP_ID,
            "SLACK_CLIENT_ID": CLIENT_ID,
            "SLACK_CLIENT_SECRET": CLIENT_SECRET,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "SLACKAPP_SLACK_URL": slack.base_url,
        }
        with (tmp_path / "output.txt").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, str(EXAMPLE)], cwd=tmp_path, env=environment, stdout=output, stderr=output
            )
        try:
            soon(lambda: listens(port) or process.poll() is not None)
            assert process.poll() is None, (tmp_path / "output.txt").read_text()
            yield Example(tmp_path, slack, address)
        finally:
            process.terminate()
            process.wait(TIMEOUT)


def test_it_installs_answers_refreshes_once_and_leaves_nothing_after_the_uninstall(example: Example) -> None:
    status, page = example.install()
    assert (status, "Thank you" in page) == (200, True)
    slack = example.slack
    assert example.rows("SELECT outcome FROM oauth_states WHERE used_at IS NOT NULL AND purpose = 'bolt'") == [("",)]
    assert [path.name for path in example.folder.iterdir() if path.is_dir()] == []
    assert example.mention() == "Hello."
    assert [call.method for call in slack.calls].count(REFRESH) == 1, "the exchange of the code"

    example.change("UPDATE tokens SET due_at = 1")
    slack.expire_tokens(NORTH)
    assert example.mention() == "Hello.", "with a token that is new"
    assert example.mention() == "Hello."
    assert [(call.method, call.ok) for call in slack.calls if call.method == REFRESH] == [(REFRESH, True)] * 2
    assert all(call.ok for call in slack.calls)

    tables = "SELECT 'T' FROM installations UNION ALL SELECT 'K' FROM data_keys WHERE tenant_kind <> ''"
    assert len(example.rows(tables)) == 1 + 4
    slack.uninstall(NORTH)
    assert [delivery.status for delivery in slack.deliver_due()] == [200, 200]
    soon(lambda: example.rows("SELECT 1 FROM audit WHERE event = 'purge.complete'"))
    for table in ("installations", "installers", "tokens"):
        assert example.rows(f"SELECT * FROM {table}") == []
    assert example.rows(tables) == []
    files = [file for file in example.folder.iterdir() if file.name.startswith("bolt.db")]
    content, output = b"".join(file.read_bytes() for file in files), (example.folder / "output.txt").read_text()
    assert len(slack.issued_tokens) >= 4
    assert [secret for secret in slack.issued_tokens if secret.encode() in content] == []
    assert [secret for secret in slack.issued_tokens if secret in output and secret.startswith("xox")] == []


def test_the_bolt_example_has_few_lines() -> None:
    lines = [line for line in EXAMPLE.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(lines) <= 20
