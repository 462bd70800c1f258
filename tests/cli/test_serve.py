"""`slackapp serve`: whatever is wrong is said in one line before the port is bound, and a good service ends cleanly."""

import http.client
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from slackapp.crypto import keyfile
from tests.cli.process import TIMEOUT, run, settings, start
from tests.support.client import request

Spoil = Callable[[dict[str, str], Path], None]

UNUSABLE: dict[str, tuple[str, Spoil]] = {
    "a missing setting": ("SLACK_SIGNING_SECRET", lambda given, folder: drop(given, "SLACK_SIGNING_SECRET")),
    "an empty setting": ("SLACK_APP_ID", lambda given, folder: given.update(SLACK_APP_ID="")),
    "a malformed setting": ("SLACKAPP_STATE_TTL", lambda given, folder: given.update(SLACKAPP_STATE_TTL="901")),
    "an address that is not safe": (
        "SLACKAPP_PUBLIC_URL",
        lambda given, folder: given.update(SLACKAPP_PUBLIC_URL="http://app.example.com"),
    ),
    "an unknown name": ("SLACKAPP_SECURE", lambda given, folder: given.update(SLACKAPP_SECURE="0")),
    "a key file that others can read": (
        "SLACKAPP_MASTER_KEY_FILE",
        lambda given, folder: (folder / "master.key").chmod(0o644),
    ),
    "no key file": ("SLACKAPP_MASTER_KEY_FILE", lambda given, folder: (folder / "master.key").unlink()),
    "the key of another database": (
        "SLACKAPP_MASTER_KEY_FILE",
        lambda given, folder: other_key(folder),
    ),
    "another app on the same database": (
        "SLACK_APP_ID",
        lambda given, folder: given.update(SLACK_APP_ID="A0OTHER001"),
    ),
    "an operator's token that others can read": (
        "SLACKAPP_OPERATOR_TOKEN_FILE",
        lambda given, folder: (folder / "operator.token").chmod(0o640),
    ),
    "a database that others can read": (
        "SLACKAPP_DATABASE",
        lambda given, folder: (folder / "slackapp.db").chmod(0o644),
    ),
    "a behaviour that is not there": (
        "SLACKAPP_BEHAVIOUR",
        lambda given, folder: given.update(SLACKAPP_BEHAVIOUR="nothing.here:EVENTS"),
    ),
    "a port that somebody has": ("SLACKAPP_LISTEN", lambda given, folder: None),
}


def drop(given: dict[str, str], name: str) -> None:
    del given[name]


def other_key(folder: Path) -> None:
    (folder / "master.key").unlink()
    keyfile.write_private(folder / "master.key", keyfile.format_master_key(1, bytes(32)))


QUICK = ("a missing setting", "the key of another database", "a port that somebody has")
"""The others are tried in the long suite; what their settings are refused for: tests/config/test_settings.py."""


@pytest.fixture(scope="module")
def attempt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], subprocess.CompletedProcess[str]]]:
    """Starts one of the services above, on a database that was made with the good settings, and says how it ended.

    Somebody else listens at their port: a service that binds too early fails on that, and says so.
    """
    first = tmp_path_factory.mktemp("first")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert run(first, settings(first, SLACKAPP_LISTEN=f"127.0.0.1:{port}"), "serve").returncode == 78
        made = (first / "slackapp.db").read_bytes()

        def attempt(what: str) -> subprocess.CompletedProcess[str]:
            folder = tmp_path_factory.mktemp("unusable")
            given = settings(folder, SLACKAPP_LISTEN=f"127.0.0.1:{port}")
            keyfile.write_private(folder / "slackapp.db", made)
            UNUSABLE[what][1](given, folder)
            return run(folder, given, "serve")

        yield attempt


@pytest.mark.parametrize(
    "what", [what if what in QUICK else pytest.param(what, marks=pytest.mark.long) for what in UNUSABLE]
)
def test_what_is_wrong_is_one_line_and_status_78_before_the_port_is_bound(
    attempt: Callable[[str], subprocess.CompletedProcess[str]], what: str
) -> None:
    found = attempt(what)
    assert (found.returncode, found.stdout) == (78, "")
    (line,) = found.stderr.splitlines()
    assert line.startswith("slackapp: ")
    assert UNUSABLE[what][0] in line
    for secret in ("a-client-secret-for-tests", "a-signing-secret-for-tests", "an-operator-token"):
        assert secret not in line


def test_serve_takes_no_options(tmp_path: Path) -> None:
    assert run(tmp_path, settings(tmp_path), "serve", "--debug").returncode == 2


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def announced(process: subprocess.Popen[str]) -> str:
    """The line that says that the service listens; a process that ends before it says why."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith("slackapp serves"):
            return line
    raise AssertionError("".join(lines))


def declined(port: int) -> int:
    """The status of the way back after an install that was declined; its cookie comes in the second of two fields."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    connection.request("GET", "/slack/install", headers={"Host": "localhost:3000"})
    begun = connection.getresponse()
    begun.read()
    (state,) = parse_qs(urlsplit(begun.headers["Location"]).query)["state"]
    connection.putrequest("GET", f"/slack/oauth_redirect?error=access_denied&state={state}", skip_host=True)
    for name, value in (("Host", "localhost:3000"), ("Cookie", "a=1"), ("Cookie", begun.headers["Set-Cookie"])):
        connection.putheader(name, value.partition(";")[0])
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_good_service_announces_itself_answers_and_ends_cleanly(
    tmp_path: Path, free_port: int, number: signal.Signals
) -> None:
    given = settings(tmp_path, SLACKAPP_LISTEN=f"127.0.0.1:{free_port}")
    process = start(tmp_path, given, "serve")
    try:
        assert announced(process) == (
            f"slackapp serves http://localhost:3000 on 127.0.0.1:{free_port}, "
            "with the local Slack at http://127.0.0.1:9\n"
        )
        for path, status in (("/healthz", 200), ("/readyz", 200), ("/", 400)):
            answer = request("GET", f"http://127.0.0.1:{free_port}{path}", timeout=TIMEOUT)
            assert (answer.status, answer.headers.get("server")) == (status, None)
        assert declined(free_port) == 200
        process.send_signal(number)
        out, error = process.communicate(timeout=TIMEOUT)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in error
    with socket.create_server(("127.0.0.1", free_port)):
        pass  # the port is free again


@pytest.mark.long
def test_everything_the_service_makes_is_private(tmp_path: Path, free_port: int) -> None:
    process = start(tmp_path, settings(tmp_path, SLACKAPP_LISTEN=f"127.0.0.1:{free_port}"), "serve")
    try:
        announced(process)
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.glob("slackapp.db*")}
    finally:
        process.terminate()
        process.communicate(timeout=TIMEOUT)
    assert modes["slackapp.db"] == 0o600
    assert set(modes.values()) == {0o600}
