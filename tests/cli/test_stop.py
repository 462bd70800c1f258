"""The end of a real service: what runs comes to its end or is shown as unclear, the rest is anybody's, and soon."""

import contextlib
import http.client
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from slackapp.localslack.model import Fault
from tests.cli.behaviours import POST
from tests.cli.process import ROOT, TIMEOUT
from tests.support.callback_world import live_tokens
from tests.support.client import Reply, request
from tests.support.world import HOST, NORTH, SOUTH, World, environment, make_world

AT_MOST = 10.0
"""Seconds from the signal to the end of the process."""
HANGS = 12.0
"""Seconds after which a Slack that hangs answers, where anybody still waits for it."""
SERVE = """
import sys
from slackapp import app
from slackapp.cli.main import main
app.STOP_TIMEOUT = float(sys.argv[1])
sys.exit(main(["serve"]))
"""


@dataclass
class Running:
    """A service as a process, on the files of a world in which the app is installed."""

    world: World
    port: int
    process: subprocess.Popen[str]

    def request(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Reply:
        return request(method, f"http://127.0.0.1:{self.port}{path}", body, {"Host": HOST, **(headers or {})}, TIMEOUT)

    def event(self, event_id: str, **fields: Any) -> None:
        """A mention that the service acknowledges."""
        general = self.world.slack.workspaces[NORTH].general
        event = {"type": "app_mention", "user": "U0SOMEBODY", "channel": general, **fields}
        body = json.dumps(self.world.envelope(event, event_id)).encode()
        signed = {**self.world.sign(body), "Content-Type": "application/json"}
        assert self.request("POST", "/slack/events", body, signed).status == 200

    def states(self) -> dict[str, str]:
        rows = self.world.rows("SELECT event_id, state FROM inbox WHERE kind = 'event'")
        return {row["event_id"]: row["state"] for row in rows}

    def until(self, **states: str) -> None:
        end = time.monotonic() + TIMEOUT
        while {name: self.states().get(name) for name in states} != states:
            assert time.monotonic() < end, self.states()
            time.sleep(0.01)

    def stop(self, number: int = signal.SIGTERM, again: float = 0.0) -> float:
        """Seconds from the signal to the end, which is a good one. `again` seconds later a second signal is sent."""
        began = time.monotonic()
        self.process.send_signal(number)
        if again:
            time.sleep(again)
            self.process.send_signal(number)
        out, error = self.process.communicate(timeout=TIMEOUT)
        seconds = time.monotonic() - began
        assert (self.process.returncode, out) == (0, ""), error
        assert "Traceback" not in error
        return seconds


@contextlib.contextmanager
def serving(folder: Path, stop_after: float) -> Iterator[Running]:
    """Ends with the proof that nothing was left claimed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    changes = {"SLACKAPP_LISTEN": f"127.0.0.1:{port}", "SLACKAPP_BEHAVIOUR": "tests.cli.behaviours:EVENTS"}
    with make_world(folder, **changes) as world:
        world.clock.now = int(time.time())
        assert world.browser().install().status == 303
        world.slack.mention(NORTH, "come in")
        world.work()
        world.slack.called.clear()
        world.service.stop()
        given = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **environment(folder, world.slack_url, **changes)}
        command, pipe = [sys.executable, "-c", SERVE, str(stop_after)], subprocess.PIPE
        process = subprocess.Popen(command, cwd=folder, env=given, stdout=pipe, stderr=pipe, text=True)
        try:
            _wait_for(port)
            yield Running(world, port, process)
        finally:
            process.kill()
            process.communicate()


def _wait_for(port: int) -> None:
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.01)
    raise AssertionError("the service did not start")


def leases(world: World) -> set[tuple[str, int]]:
    return {(row["lease_owner"], row["lease_until"]) for row in world.rows("SELECT * FROM inbox")}


@pytest.mark.long
@pytest.mark.parametrize(
    ("stop_after", "number"),
    [(1.0, signal.SIGTERM), (8.0, signal.SIGINT)],
    ids=["a shorter wait", "as it is"],
)
def test_what_runs_ends_or_is_unclear_and_what_waits_is_anybodys_at_once(
    tmp_path: Path, stop_after: float, number: int
) -> None:
    with serving(tmp_path, stop_after) as running:
        world = running.world
        world.slack.fault(Fault(POST, "slow", seconds=stop_after + 3))
        # Three at a time: the fourth thread is for other tenants.
        running.event("EvCall", say="in a call")
        running.until(EvCall="calling")
        running.event("EvShort", think=stop_after / 2)
        running.event("EvLong", think=HANGS)
        running.until(EvShort="running", EvLong="running")
        for waiting in range(5):
            running.event(f"EvWaits{waiting}", say=f"waiting {waiting}")
        seconds = running.stop(number, again=0.2)
        print(f"\nstopped after {seconds:.1f} s")
        assert seconds < min(AT_MOST, stop_after + 5)
        waits = {f"EvWaits{waiting}": "ready" for waiting in range(5)}
        ended = {"EvCall": "unclear", "EvShort": "done", "EvLong": "ready"}
        assert running.states() == {**ended, **waits}
        assert leases(world) == {("", 0)}
        assert world.count("processes") == 0, "it has signed off"
        assert world.audit().count("event.unclear") == 1
        world.clock.now = int(time.time()) + 1
        world.restart()
        world.replace_parts(behaviour={"app_mention": lambda context, event: context.call(POST, _said(event)) and None})
        assert world.work() == 6
        assert set(running.states().values()) == {"done", "unclear"}
        said = [call.params.get("text") for call in world.slack.calls if call.method == POST]
        assert said.count("in a call") == 1, "nothing is repeated unasked"


def _said(event: Any) -> dict[str, str]:
    return {"channel": event["channel"], "text": event.get("say", "at last")}


@contextlib.contextmanager
def exchanging(running: Running, target: str, seconds: float) -> Iterator[None]:
    """A user's install, whose exchange Slack has done and answers so many seconds later."""
    world = running.world
    world.slack.fault(Fault("oauth.v2.access", "slow", seconds=seconds))
    begun = running.request("GET", "/slack/install")
    cookie = begun.headers["set-cookie"].partition(";")[0]
    reply = world.browser().consent(begun, target)
    back = urlsplit(reply.location)

    def come_back() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            running.request("GET", f"{back.path}?{back.query}", headers={"Cookie": cookie})

    user = threading.Thread(target=come_back)
    user.start()
    end = time.monotonic() + TIMEOUT
    while not world.calls("oauth.v2.access"):
        assert time.monotonic() < end
        time.sleep(0.01)
    yield
    user.join(TIMEOUT)


@pytest.mark.long
@pytest.mark.claim("C-86")
@pytest.mark.parametrize("fault", ["", "not_stored"])
def test_a_stop_waits_for_what_slack_grants_and_leaves_no_token_that_nobody_holds(tmp_path: Path, fault: str) -> None:
    with serving(tmp_path, 1.0) as running:
        world = running.world
        if fault:
            connection = sqlite3.connect(world.settings.database, isolation_level=None)
            connection.execute("CREATE TRIGGER t BEFORE INSERT ON tokens BEGIN SELECT RAISE(ABORT, 'planted'); END")
            connection.close()
        with exchanging(running, SOUTH, 7):
            print(f"\nwith a slow exchange: stopped after {running.stop():.1f} s")
        held = world.rows("SELECT 1 FROM tokens WHERE tenant_id = ?", SOUTH)
        assert len(live_tokens(world, SOUTH)) == len(held) == (0 if fault else 1)


@pytest.mark.long
@pytest.mark.claim("C-86")
def test_a_kill_amid_an_exchange_is_told_by_the_next_process(tmp_path: Path) -> None:
    with serving(tmp_path, 1.0) as running:
        world = running.world
        with exchanging(running, SOUTH, 3):
            running.process.kill()
            running.process.communicate()
        assert len(live_tokens(world, SOUTH)) == 1, "nobody holds it, and nobody can"
        world.clock.now = int(time.time()) + 61
        world.restart()
        world.service.local_scheduler.run_due(world.service.app)
        assert "install.unclear" in world.audit()
        assert "exchanges_lost" in world.log.getvalue()


@pytest.mark.long
def test_a_user_whose_install_hangs_does_not_hold_up_the_end_for_longer_than_a_call(tmp_path: Path) -> None:
    with serving(tmp_path, 8.0) as running, exchanging(running, SOUTH, HANGS):
        world = running.world
        world.slack.fault(Fault(POST, "slow", seconds=HANGS))
        running.event("EvCall", say="in a call")
        running.until(EvCall="calling")
        seconds = running.stop()
        print(f"\nwith a hanging exchange: stopped after {seconds:.1f} s")
        assert seconds < HANGS
        assert running.states() == {"EvCall": "unclear"}
        assert "install.unclear" in world.audit(), "its answer was not waited for any longer"


@pytest.mark.long
def test_a_database_that_somebody_holds_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with serving(tmp_path, 8.0) as running:
        world = running.world
        world.slack.fault(Fault(POST, "slow", seconds=HANGS))
        running.event("EvCall", say="in a call")
        running.until(EvCall="calling")
        world.slack.probe = None  # it would take the lock of this test for one of the service's
        other = sqlite3.connect(world.settings.database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        seconds = running.stop()
        other.execute("ROLLBACK")
        other.close()
        print(f"\nwith a locked database: stopped after {seconds:.1f} s")
        assert seconds < AT_MOST
        assert running.states() == {"EvCall": "calling"}, "its lease runs out"
