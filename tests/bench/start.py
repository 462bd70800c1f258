"""Targets as processes of their own, and single requests to them."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import host, world
from tests.bench.load import answered
from tests.bench.targets import Kind, Target
from tests.support.world import SIGNING_SECRET, environment

ROOT = Path(__file__).resolve().parents[2]
Answer = tuple[str, list[tuple[str, str]], str]
"""Status line, headers and body."""


@dataclass(frozen=True)
class Server:
    """The processes of a target, and the ports that they listen on."""

    ports: list[int]
    pids: list[int]


FLUSH_SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>
static int flush(const char *name, int file) {
    const char *more = getenv("BENCH_FLUSH");
    if (more == NULL) return 0;
    usleep(atoi(more));
    return ((int (*)(int))dlsym(RTLD_NEXT, name))(file);
}
int fsync(int file) { return flush("fsync", file); }
int fdatasync(int file) { return flush("fdatasync", file); }
"""
"""Each flush takes so many microseconds longer; without that number none is done."""


def make_flush_shim(folder: Path) -> Path | None:
    """A library to be loaded before all others; None where there is no C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    made = folder / "flush.so"
    arguments = [compiler, "-shared", "-fPIC", "-O1", "-o", str(made), "-x", "c", "-"]
    subprocess.run(arguments, input=FLUSH_SHIM.encode(), check=True)
    return made


MAKE_TENANTS = """
import sys
from pathlib import Path
from tests.bench import world
world.make_tenants(Path(sys.argv[1]), int(sys.argv[2]))
"""
MAKE_ORGANIZATIONS = """
from tests.bench import host
host.make_organizations(Path(sys.argv[1]), int(sys.argv[2]))
"""


@dataclass(frozen=True)
class Place:
    """Where targets are started: `folder` holds what is prepared; `checkout` is another one of this project."""

    folder: Path
    checkout: Path | None
    flush_shim: Path | None
    answers: dict[str, Answer] = field(default_factory=dict)
    """What ours was found to answer, by path: hello says the same."""

    def root(self, of_checkout: bool) -> Path:
        """Whose code runs."""
        return self.checkout if of_checkout and self.checkout is not None else ROOT

    def tenants(self, number: int, of_checkout: bool = False, with_host: bool = False) -> Path:
        """A prepared folder with so many tenants, made by the code that will serve it; nothing of it is flushed."""
        made = self.folder / f"{number}{'-checkout' if of_checkout else ''}{'-host' if with_host else ''}"
        if not made.exists():
            root = self.root(of_checkout)
            given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(root)}
            if self.flush_shim is not None:
                given["LD_PRELOAD"] = str(self.flush_shim)
            program = MAKE_TENANTS + (MAKE_ORGANIZATIONS if with_host else "")
            arguments = [str(binaries(root) / "python"), "-c", program, str(made), str(number)]
            subprocess.run(arguments, cwd=root, env=given, check=True)
        return made

    @contextlib.contextmanager
    def copy(self, target: Target) -> Iterator[Path]:
        """A fresh copy of the prepared folder; nothing of it is left to be written while a flush is waited for."""
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            folder = Path(name) / "work"
            shutil.copytree(self.tenants(target.tenants, target.checkout, target.host), folder)
            os.sync()
            yield folder


def binaries(root: Path) -> Path:
    """Where a checkout's own programs are."""
    return Path(sys.executable).parent if root == ROOT else root / ".venv" / "bin"


THREADS = 16
"""Of the service itself."""
SET_THREADS = """
import sys, waitress.server
create = waitress.server.create_server
waitress.server.create_server = lambda *args, **given: create(*args, **{**given, "threads": int(sys.argv.pop())})
from slackapp.cli.main import main
sys.exit(main(["serve"]))
"""
"""The command line has no such option: the number is put into the place of its own."""


def command(
    target: Target, place: Place, folder: Path, *, port: int, slack_port: int, pause: float
) -> tuple[list[str], dict[str, str]]:
    """The arguments and the environment of one process, which works in that folder."""
    root = place.root(target.checkout)
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(root)}
    if target.slow_flush:
        given |= {"LD_PRELOAD": str(place.flush_shim), "BENCH_FLUSH": "2000"}
    if target.kind == Kind.OURS:
        arguments = [str(binaries(root) / "slackapp"), "serve"]
        if target.threads != THREADS:
            arguments = [str(binaries(root) / "python"), "-c", SET_THREADS, str(target.threads)]
        own = environment(
            folder, f"http://127.0.0.1:{slack_port}" if slack_port else world.NOBODY,
            SLACKAPP_LISTEN=f"127.0.0.1:{port}", SLACKAPP_STATE_LIMIT="10000000",
            SLACKAPP_BEHAVIOUR=f"tests.bench.behaviour:{target.behaviour}",
            **({} if target.one_processor else {"SLACKAPP_ONE_PROCESSOR": "no"}),
            **(host.settings(folder) if target.host else {}),
        )  # fmt: skip
        return arguments, {**given, **own}
    options = {
        "kind": target.kind, "folder": str(folder), "port": port, "threads": target.threads, "slack": slack_port,
        "signing_secret": SIGNING_SECRET, "answers": place.answers, "pause": pause,
        "one_processor": target.one_processor,
    }  # fmt: skip
    return [sys.executable, "-m", "tests.bench.servers", json.dumps(options)], given


@contextlib.contextmanager
def started(
    target: Target, place: Place, folder: Path, *, port: int, slack_port: int = 0, pause: float = 0.0
) -> Iterator[int]:
    """One process of a target, which is ended; yields its id."""
    arguments, given = command(target, place, folder, port=port, slack_port=slack_port, pause=pause)
    with (place.folder / "log").open("ab") as log:
        process = subprocess.Popen(arguments, cwd=place.folder, env=given, stderr=log)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def serve(target: Target, place: Place, slack_port: int = 0) -> Iterator[Server]:
    """All processes of a target, on a fresh copy of the prepared folder."""
    ports = free_ports(target.processes)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(place.copy(target))
        pids = [stack.enter_context(started(target, place, folder, port=port, slack_port=slack_port)) for port in ports]
        for port in ports:
            connect(port).close()
        yield Server(ports, pids)


@contextlib.contextmanager
def serve_slack(place: Place, pause: float) -> Iterator[Server]:
    """A Slack that takes so many seconds for an answer."""
    port = free_ports(1)[0]
    with started(Target(Kind.SLACK, threads=64), place, place.folder, port=port, pause=pause) as pid:
        connect(port).close()
        yield Server([port], [pid])


def connect(port: int) -> socket.socket:
    """A connection, as soon as somebody listens."""
    for _ in range(10_000):
        with contextlib.suppress(OSError):
            return socket.create_connection(("127.0.0.1", port))
        time.sleep(0.002)
    raise AssertionError("the server did not start")


def ask(sock: socket.socket, request: bytes) -> bytes:
    """The whole answer to a request."""
    sock.sendall(request)
    received = b""
    while answered(received) is None:
        more = sock.recv(65536)
        if not more:
            raise AssertionError("the connection was closed")
        received += more
    return received


def read_answer(received: bytes) -> Answer:
    """An answer, without what waitress adds to any."""
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    kept = [(name, value) for name, value in headers if name.lower() not in ("date", "server", "via", "connection")]
    return first.partition(" ")[2], kept, body.decode("latin-1")


def free_ports(number: int) -> list[int]:
    """Ports that nobody uses now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
