"""Two serving processes on one database: what is done to the keys while they serve, and that they never fail a read."""

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from slackapp.app import system_clock
from slackapp.crypto import keyfile
from slackapp.demo.harness import free_port
from slackapp.flows.keys import rotate_keys
from slackapp.store import meta
from tests.support.client import request
from tests.support.operator import CommandLine, open_shell
from tests.support.world import HOST, NORTH, SOUTH, World

pytestmark = pytest.mark.long

TIMEOUT = 30


@dataclass
class Fleet:
    """Two processes of `slackapp serve`, and events that keep coming."""

    shell: CommandLine
    ports: list[int]
    statuses: list[int] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    sent: int = 0

    @property
    def world(self) -> World:
        return self.shell.world

    def send(self, port: int, tenant: str) -> int:
        """One mention to one of the processes; its answer."""
        self.sent += 1
        fields = {"type": "app_mention", "user": "U0SOMEBODY", "ts": f"18000.{self.sent:06}", "text": "hello"}
        fields["channel"] = self.world.slack.workspaces[tenant].general
        self.world.clock.now = int(time.time())
        whole = self.world.envelope(fields, f"EvLoad{self.sent}", team_id=tenant)
        body = json.dumps(whole).encode()
        headers = {**self.world.sign(body), "Content-Type": "application/json", "Host": HOST}
        return request("POST", f"http://127.0.0.1:{port}/slack/events", body, headers, TIMEOUT).status

    def keep_sending(self) -> None:
        while not self.stop.is_set():
            for port in self.ports:
                for tenant in (NORTH, SOUTH):
                    self.statuses.append(self.send(port, tenant))

    @contextlib.contextmanager
    def under_load(self) -> Iterator[None]:
        """Events before, during and after; each of them acknowledged, run, and answered at Slack."""
        self.stop.clear()
        self.statuses.clear()
        load = threading.Thread(target=self.keep_sending)
        load.start()
        try:
            wait(lambda: len(self.statuses) >= 8)
            yield
            after = len(self.statuses)
            wait(lambda: len(self.statuses) >= after + 8)
        finally:
            self.stop.set()
            load.join(TIMEOUT)
        assert set(self.statuses) == {200}
        wait(lambda: not self.world.rows("SELECT 1 FROM inbox WHERE state <> 'done' LIMIT 1"))
        results = {row[0] for row in self.world.rows("SELECT DISTINCT result FROM inbox WHERE kind = 'event'")}
        assert results == {"ok"}
        assert not self.world.rows("SELECT 1 FROM audit WHERE event IN ('token.unavailable', 'event.unavailable')")
        assert all(call.ok for call in self.world.slack.calls)

    def epochs(self) -> set[int]:
        """What the two processes say that they have noticed."""
        return {row[0] for row in self.world.rows("SELECT key_epoch FROM processes")}


def wait(until: Callable[[], bool]) -> None:
    """Looks again and again; a bound, and no measure."""
    for _ in range(TIMEOUT * 50):
        if until():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come about")


def serve(shell: CommandLine, port: int, errors: Path) -> "subprocess.Popen[bytes]":
    shell.patch.setenv("SLACKAPP_LISTEN", f"127.0.0.1:{port}")
    shell.patch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[3]))
    with errors.open("wb") as log:
        return subprocess.Popen([sys.executable, "-m", "slackapp", "serve"], cwd=shell.folder, stderr=log)


@pytest.fixture(scope="module")
def fleet(memory_folder: Path) -> Iterator[Fleet]:
    with open_shell(memory_folder, now=int(time.time())) as shell:
        shell.patch.setattr("slackapp.cli.service.session.system_clock", system_clock)
        shell.world.replace_parts(clock=system_clock)
        ports = [free_port(), free_port()]
        processes = [serve(shell, port, shell.folder / f"serve-{port}.log") for port in ports]
        try:
            wait(lambda: shell.world.count("processes") == 2)
            yield Fleet(shell, ports)
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                assert process.wait(TIMEOUT) == 0


def test_a_rotation_under_load_fails_no_read_in_any_process(fleet: Fleet) -> None:
    with fleet.under_load():
        assert "is the primary" in fleet.shell.good("keys", "rotate")
        assert fleet.shell.good("keys", "retire", "1")
        wait(lambda: {row[0] for row in fleet.world.rows("SELECT master_versions FROM processes")} == {"2"})
    assert fleet.shell.masters() == {("local", 2)}


def test_new_data_keys_under_load_fail_no_read_in_any_process(fleet: Fleet) -> None:
    with fleet.under_load():
        assert fleet.shell.run("keys", "reencrypt").status == 0


def test_every_process_reports_the_key_epoch_of_a_flush(fleet: Fleet) -> None:
    fleet.shell.good("keys", "flush")
    epoch = meta.key_epoch(fleet.world.service.app.db)
    wait(lambda: fleet.epochs() == {epoch})


def test_a_key_file_that_cannot_be_used_stops_no_serving_process_and_holds_a_rotation_up(fleet: Fleet) -> None:
    app, file = fleet.world.service.app, fleet.world.settings.master_key_file
    good = file.read_bytes()
    before = fleet.epochs()
    try:
        keyfile.replace_private(file, b"nonsense\n")
        epoch = rotate_keys.request_key_reload(app)
        wait(lambda: all("key_file_not_taken" in log.read_text() for log in fleet.shell.folder.glob("serve-*.log")))
        assert [fleet.send(port, tenant) for port in fleet.ports for tenant in (NORTH, SOUTH)] == [200] * 4
        assert fleet.epochs() == before
        assert len(rotate_keys.processes_behind(app, 2, epoch)) == 2
    finally:
        keyfile.replace_private(file, good)
    wait(lambda: fleet.epochs() == {epoch})
    with fleet.under_load():
        pass
