"""Harness of the demo: local Slack and service as processes of their own, and a browser without a screen."""

import contextlib
import http.client
import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from slackapp.app import build, system_clock, system_entropy
from slackapp.checks.scope_reasons import REASONS
from slackapp.config import settings as config
from slackapp.crypto import keyfile
from slackapp.crypto.envelope import KEY_BYTES
from slackapp.flows.app import App
from slackapp.host.verification.rehearse import make_host_key, read_host_key
from slackapp.model import CALLBACK_PATH, EVENTS_PATH, HOST_CALLBACK_PATH, INSTALL_PATH

_MAX_POLLS = 100
"""How often something is looked for, a tenth of a second apart."""
HOST_URL, HOST_COMPLETE_PATH = "http://localhost:4000", "/slack/complete"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class StepError(Exception):
    """A step did not go as told."""


@dataclass(frozen=True)
class Reply:
    """An answer over HTTP."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the address that it redirects to."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.headers["location"]).query).items()}


class Browser:
    """Browser that follows no redirect by itself, and keeps the one cookie."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._cookie = ""
        self._begun: Reply | None = None

    @property
    def has_cookie(self) -> bool:
        """Tells whether the service gave it one."""
        return bool(self._cookie)

    def get(self, target: str) -> Reply:
        """Gets a page of the service, by its path or its whole address."""
        parts = urlsplit(target)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        reply = send("GET", self._url, path, "", headers={"Cookie": self._cookie} if self._cookie else {})
        if "set-cookie" in reply.headers:
            self._cookie = reply.headers["set-cookie"].partition(";")[0]
        return reply

    def begin(self) -> Reply:
        """Clicks "Add to Slack"."""
        self._begun = self.get(INSTALL_PATH)
        return self._begun

    def consent(self, workspace: str) -> str:
        """Approves on Slack's page; the address that Slack sends the browser to."""
        if self._begun is None:
            raise StepError("there is no install to consent to")
        return consent(self._begun.headers["location"], workspace)


def consent(address: str, workspace: str) -> str:
    """Approves on Slack's page at that address; the address that Slack sends the browser to."""
    authorize = urlsplit(address)
    slack = f"{authorize.scheme}://{authorize.netloc}"
    page = send("GET", slack, f"{authorize.path}?{authorize.query}", "", headers={})
    if page.status != 200:
        raise StepError(f"Slack's page answered {page.status}")
    query = {name: values[0] for name, values in parse_qs(authorize.query).items()}
    fields = {**query, "target": workspace, "user": "admin", "decision": "approve"}
    return send("POST", slack, authorize.path, urlencode(fields), headers=_FORM).headers["location"]


class Harness:
    """Browser, local Slack, service and database of a demo run."""

    def __init__(self, folder: Path, url: str, slack_url: str, app: App, operator_token: str) -> None:
        self.app = app
        self.browser = Browser(url)
        self._folder = folder
        self.url = url
        self._slack_url = slack_url
        self._operator_token = operator_token

    @property
    def host_key(self) -> tuple[str, bytes]:
        """The id of the host's key, and the key."""
        return read_host_key(self.app.settings)

    def check(self, holds: bool, otherwise: str) -> None:
        """Raises StepError unless it holds."""
        if not holds:
            raise StepError(otherwise)

    def wait_for(self, holds: Callable[[], bool], what: str) -> None:
        """Looks until it holds, for ten seconds at most."""
        for _ in range(_MAX_POLLS):
            if holds():
                return
            time.sleep(0.1)
        raise StepError(f"{what} did not come about within ten seconds")

    def install(self, workspace: str) -> None:
        """Runs the whole install, in a browser of its own."""
        browser = Browser(self.url)
        browser.begin()
        reply = browser.get(browser.consent(workspace))
        self.check(reply.status == 303, f"the callback answered {reply.status}")

    def press_control(self, action: str, fields: Mapping[str, str]) -> None:
        """Presses a button on the local Slack's control page."""
        reply = send("POST", self._slack_url, f"/control/{action}", urlencode(fields), headers=_FORM)
        self.check(reply.status == 303, f"the local Slack answered {reply.status} to {action}")

    def mention_and_wait(self, team: str, text: str) -> None:
        """Mentions the bot, and waits until its answer is seen in a thread."""
        before = self._answers(team)
        self.press_control("mention", {"team": team, "text": text})
        self.wait_for(lambda: self._answers(team) == before + 1, "the bot's answer")

    def _answers(self, team: str) -> int:
        return sum(1 for message in self.list_messages(team) if message.get("thread_ts"))

    def list_messages(self, team: str) -> list[dict[str, Any]]:
        """Lists what was said in a workspace of the local Slack."""
        state = json.loads(send("GET", self._slack_url, "/control/state.json", "", headers={}).text)
        found: list[dict[str, Any]] = state["messages"][team]
        return found

    def uninstall(self, tenant_id: str) -> dict[str, Any]:
        """Posts to `/slack/uninstall` as the operator."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._operator_token}"}
        reply = send("POST", self.url, "/slack/uninstall", json.dumps({"id": tenant_id}), headers=headers)
        self.check(reply.status == 200, f"the operator's uninstall answered {reply.status}")
        answer: dict[str, Any] = json.loads(reply.text)
        return answer

    def list_issued_secrets(self) -> list[str]:
        """Lists the tokens and codes that the local Slack ever issued."""
        reply = send("GET", self._slack_url, "/control/issued.json", "", headers={})
        found: list[str] = json.loads(reply.text)["issued"]
        return found

    def read_written_files(self) -> bytes:
        """Reads everything that the service has written: database, WAL, index, log."""
        files = [*self._folder.glob("slackapp.db*"), self._folder / "service.log"]
        return b"".join(file.read_bytes() for file in files)

    def slack_state(self) -> bytes:
        """The local Slack's own state, in which its tokens do lie."""
        return (self._folder / "slack.json").read_bytes()


def send(method: str, origin: str, target: str, body: str, headers: Mapping[str, str]) -> Reply:
    """Sends one request, and follows no redirect."""
    connection = http.client.HTTPConnection(urlsplit(origin).netloc, timeout=15)
    try:
        connection.request(method, target, body or None, dict(headers))
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, found, answer.read().decode())
    except OSError as error:
        raise StepError(f"{method} {origin}{urlsplit(target).path} could not be reached ({error.strerror})") from None
    finally:
        connection.close()


@contextlib.contextmanager
def open_local_slack(folder: Path, *way_back: str) -> Iterator[dict[str, str]]:
    """Starts a local Slack, and ends it; the settings of a service that talks to it.

    `way_back` are further paths to which it sends browsers back.
    """
    port, slack_port = free_port(), free_port()
    url, slack_url = f"http://localhost:{port}", f"http://127.0.0.1:{slack_port}"
    settings = _settings(folder, url, slack_url, port)
    also = (word for path in way_back for word in ("--redirect-url", f"{url}{path}"))
    with _process((*_local_slack(folder, url, slack_port), *also), {}, folder / "slack.log", slack_url):
        yield settings


@contextlib.contextmanager
def open_harness(folder: Path) -> Iterator[Harness]:
    """Starts both processes in `folder`, and ends them."""
    with contextlib.ExitStack() as running:
        local = running.enter_context(open_local_slack(folder, HOST_CALLBACK_PATH))
        environment = {**local, **_host_settings(folder)}
        url, slack_url = environment["SLACKAPP_PUBLIC_URL"], environment["SLACKAPP_SLACK_URL"]
        running.enter_context(_process(("serve",), environment, folder / "service.log", url))
        service = build(config.load(environment, {}), system_clock, system_entropy, io.StringIO())
        running.callback(service.stop)
        yield Harness(folder, url, slack_url, service.app, operator_token=(folder / "operator.token").read_text())


def _settings(folder: Path, url: str, slack_url: str, port: int) -> dict[str, str]:
    keyfile.create_master_key_file(folder / "master.key", system_entropy(KEY_BYTES))
    keyfile.write_private(folder / "operator.token", system_entropy(32).hex().encode())
    app = {
        "app_id": "A0LOCAL001",
        "client_id": "1000000001.2000000002",
        "client_secret": system_entropy(16).hex(),
        "signing_secret": system_entropy(16).hex(),
        "name": "Example",
    }
    keyfile.write_private(folder / "app.json", json.dumps(app).encode())
    return {
        **{f"SLACK_{name.upper()}": value for name, value in app.items() if name != "name"},
        "SLACKAPP_PUBLIC_URL": url,
        "SLACKAPP_SLACK_URL": slack_url,
        "SLACKAPP_LISTEN": f"127.0.0.1:{port}",
        "SLACKAPP_DATABASE": str(folder / "slackapp.db"),
        "SLACKAPP_MASTER_KEY_FILE": str(folder / "master.key"),
        "SLACKAPP_OPERATOR_TOKEN_FILE": str(folder / "operator.token"),
    }


def _host_settings(folder: Path) -> dict[str, str]:
    """Settings that switch the host side on; nothing answers at the host's address."""
    make_host_key(folder / "host.keys", system_entropy)
    return {
        "SLACKAPP_BOT_SCOPES": ",".join(reason.scope for reason in REASONS),
        "SLACKAPP_HOST_KEYS_FILE": str(folder / "host.keys"),
        "SLACKAPP_HOST_URL": HOST_URL,
        "SLACKAPP_HOST_COMPLETE_PATH": HOST_COMPLETE_PATH,
    }


def _local_slack(folder: Path, url: str, port: int) -> tuple[str, ...]:
    return (
        "localslack", "--listen", f"127.0.0.1:{port}", "--state", str(folder / "slack.json"),
        "--app-config", str(folder / "app.json"), "--redirect-url", f"{url}{CALLBACK_PATH}",
        "--events-url", f"{url}{EVENTS_PATH}", "--reveal-issued", "--until-stdin-closes",
    )  # fmt: skip


@contextlib.contextmanager
def _process(command: tuple[str, ...], settings: Mapping[str, str], log: Path, url: str) -> Iterator[None]:
    """Runs one of our commands until the block ends, with settings that are not this shell's."""
    arguments = [sys.executable, "-m", "slackapp", *command]
    with (
        log.open("wb") as output,
        subprocess.Popen(  # noqa: S603  (our own command)
            arguments, stdin=subprocess.PIPE, stdout=output, stderr=output, cwd=log.parent, env=_environment(settings)
        ) as child,
    ):
        try:
            _wait_until_it_answers(child, url, log)
            yield
        finally:
            child.terminate()


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    # The child finds the package in the same place as this process does, whatever its working folder.
    return {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **settings}


def _wait_until_it_answers(child: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    for _ in range(_MAX_POLLS):
        if child.poll() is not None:
            raise StepError(f"a process ended by itself: {log.read_text()[-500:]}")
        with contextlib.closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=1)) as connection:
            try:
                connection.request("GET", "/")
                connection.getresponse().read()
            except OSError:
                time.sleep(0.1)
                continue
            return
    raise StepError(f"{url} did not answer")


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
