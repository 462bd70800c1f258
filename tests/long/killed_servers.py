"""Real servers that are started and killed again and again, on one database, under whatever load."""

import contextlib
import math
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from tests.cli.process import ROOT
from tests.long.kill_child import Order
from tests.support.world import World, environment


class KillWorld:
    """The servers that are killed, and the clock that everybody goes by. `between`: seconds from a kill to a start.

    `changes` are settings of the servers.
    """

    def __init__(self, world: World, processes: int, between: int, changes: Mapping[str, str]) -> None:
        self.world = world
        self.between = between
        self.changes = changes
        self.ahead = world.clock.now - time.time()
        self.kills = 0
        self.restarts: list[float] = []
        self.over = threading.Event()
        self.log = world.folder / "log"
        self.servers = [KilledServer(self) for _ in range(processes)]

    def now(self) -> float:
        return time.time() + self.ahead

    def kill(self, runs: int, seed: int, longest: float) -> None:
        """Starts and kills, so many times in all, each server after at most so many seconds."""
        each = math.ceil(runs / len(self.servers))
        with ThreadPoolExecutor(len(self.servers)) as pool:
            for killed in [pool.submit(server.run_often, each, seed, longest) for server in self.servers]:
                killed.result()

    def close(self) -> None:
        self.over.set()
        for server in self.servers:
            server.close()


class KilledServer:
    """A server that is started and killed, again and again."""

    def __init__(self, kill_world: KillWorld) -> None:
        self._kill_world = kill_world
        self.up = threading.Event()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        command, pipe = [sys.executable, "-m", "tests.long.kill_child"], subprocess.PIPE
        self._nursery = subprocess.Popen(command, cwd=ROOT, env=bare, stdin=pipe, stdout=pipe, text=True)
        world, changes = kill_world.world, {**kill_world.changes, "SLACKAPP_LISTEN": f"127.0.0.1:{self.port}"}
        self._environment = environment(world.folder, world.slack_url, **changes)

    def run_often(self, runs: int, seed: int, longest: float) -> None:
        """So many servers, one after the other."""
        chance = random.Random(seed + self.port)
        for _ in range(runs):
            self.run(chance.uniform(0, longest))

    def run(self, seconds: float) -> None:
        """One server, from its start to its kill."""
        kill_world = self._kill_world
        kill_world.ahead += kill_world.between
        kill_world.world.clock.now = int(kill_world.now())
        began = time.monotonic()
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(Order(self._environment, kill_world.ahead, str(kill_world.log)).as_line())
        self._nursery.stdin.flush()
        process = int(self._nursery.stdout.readline())
        self._wait(process)
        kill_world.restarts.append(time.monotonic() - began)  # the first one imports everything
        self.up.set()
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)
        self.up.clear()
        kill_world.kills += 1
        assert int(self._nursery.stdout.readline()) == -signal.SIGKILL, kill_world.log.read_text()

    def _wait(self, process: int) -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.002)
        os.kill(process, signal.SIGKILL)
        raise AssertionError(f"it did not start again: {self._kill_world.log.read_text()[-2000:]}")

    def close(self) -> None:
        self.up.set()
        self._nursery.kill()
        self._nursery.communicate()
