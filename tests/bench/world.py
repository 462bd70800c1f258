"""What is measured with: databases with many tenants, prepared requests, servers as processes of their own."""

import contextlib
import hashlib
import hmac
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slack_sdk.oauth.installation_store import Installation
from slack_sdk.oauth.installation_store.sqlite3 import SQLite3InstallationStore

from slackapp.app import build, system_clock, system_entropy
from slackapp.config import settings as config
from slackapp.flows.install import store_grant
from slackapp.model import Actor, ActorKind, Grant, GrantedToken, Secret, Tenant
from tests.bench.load import answered
from tests.bench.targets import Kind, Target
from tests.support.world import APP_ID, HOST, SIGNING_SECRET, environment

CLIENT_ID = "1000000001.2000000002"
ROOT = Path(__file__).resolve().parents[2]
NOBODY = "http://localhost:9"
ACTOR = Actor(ActorKind.OPERATOR, "bench")
Answer = tuple[str, list[tuple[str, str]], str]
"""Status line, headers and body."""


def team(number: int) -> str:
    """A tenant's id."""
    return f"T{number:09d}"


def grant(number: int) -> Grant:
    """What Slack would have granted."""
    token = GrantedToken(Secret(f"xoxb-bench-{number}"), None, None, ("app_mentions:read", "chat:write"))
    return Grant(
        tenant=Tenant("T", team(number)), enterprise_id="", enterprise_name="", team_id=team(number), team_name="Bench",
        installer_id="U00000001", bot_user_id="U00000002", bot=token, user=None, webhook=None,
    )  # fmt: skip


def installation(number: int) -> Installation:
    """The same for Bolt's stores."""
    return Installation(
        app_id=APP_ID, team_id=team(number), team_name="Bench", bot_token=f"xoxb-bench-{number}", bot_id="B00000001",
        bot_user_id="U00000002", bot_scopes=["app_mentions:read", "chat:write"], user_id="U00000001",
        installed_at=time.time(),
    )  # fmt: skip


def make_tenants(folder: Path, tenants: int) -> None:
    """Our database and Bolt's with that many tenants."""
    folder.mkdir(parents=True)
    settings = config.load(environment(folder, NOBODY), {})
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        service = build(settings, system_clock, system_entropy, nowhere)
    for number in range(tenants):
        given = grant(number)
        store_grant.run(
            service.app, given, store_grant.read_stored(service.app, given), bytes(32), ACTOR, system_clock()
        )
    service.stop()
    with contextlib.closing(sqlite3.connect(folder / "slackapp.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM inbox")  # greetings
    store = SQLite3InstallationStore(database=str(folder / "bolt.db"), client_id=CLIENT_ID)
    store.init()
    with store.connect() as connection:
        connection.execute("PRAGMA synchronous = OFF")
        fields = "client_id, app_id, team_id, bot_token, bot_id, bot_user_id, bot_scopes"
        rows = [
            (CLIENT_ID, APP_ID, team(n), f"xoxb-bench-{n}", "B00000001", "U00000002", "app_mentions:read,chat:write")
            for n in range(tenants)
        ]
        connection.executemany(f"INSERT INTO slack_bots ({fields}) VALUES (?,?,?,?,?,?,?)", rows)
        connection.executemany(
            f"INSERT INTO slack_installations ({fields}, user_id) VALUES (?,?,?,?,?,?,?,'U00000001')", rows
        )


def write_events(file: Path, number: int, tenants: int) -> None:
    """Signed mentions, of all tenants in turn, each with its length before it."""
    with file.open("wb") as out:
        for request in events(number, tenants):
            out.write(len(request).to_bytes(4, "big") + request)


def events(number: int, tenants: int) -> Iterator[bytes]:
    """Signed mentions, each with an id of its own."""
    stamp, tag = str(int(time.time())), os.urandom(4).hex()
    for count in range(number):
        body = json.dumps(event(team(count % tenants), f"Ev{tag}{count:08d}", int(stamp))).encode()
        signature = hmac.new(SIGNING_SECRET.encode(), b"v0:%b:%b" % (stamp.encode(), body), hashlib.sha256).hexdigest()
        head = (
            f"POST /slack/events HTTP/1.1\r\nHost: {HOST}\r\nAccept: application/json,*/*\r\n"
            "User-Agent: Slackbot 1.0 (+https://api.slack.com/robots)\r\nContent-Type: application/json\r\n"
            f"X-Slack-Request-Timestamp: {stamp}\r\nX-Slack-Signature: v0={signature}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        yield head.encode() + body


def write_gets(file: Path, number: int, path: str) -> None:
    """The same request many times."""
    request = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    file.write_bytes((len(request).to_bytes(4, "big") + request) * number)


def event(team_id: str, event_id: str, at: int) -> dict[str, Any]:
    """A mention as Slack sends it."""
    return {
        "token": "unused", "team_id": team_id, "api_app_id": APP_ID, "type": "event_callback", "event_id": event_id,
        "event_time": at, "is_ext_shared_channel": False, "event_context": "4-eyJldCI6ImFwcF9tZW50aW9uIn0",
        "event": {
            "type": "app_mention", "user": "U0SOMEBODY", "text": "<@U00000002> hello there", "ts": "1800000000.000100",
            "channel": "C0GENERAL1", "event_ts": "1800000000.000100",
        },
        "authorizations": [
            {"enterprise_id": None, "team_id": team_id, "user_id": "U00000002", "is_bot": True,
             "is_enterprise_install": False},
        ],
    }  # fmt: skip


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


@dataclass(frozen=True)
class Place:
    """Where targets are started: `folder` holds what is prepared; `checkout` is another one of this project."""

    folder: Path
    checkout: Path | None
    flush_shim: Path | None
    answers: dict[str, Answer] = field(default_factory=dict)
    """What ours was found to answer, by path: hello says the same."""

    @property
    def work(self) -> Path:
        """The copy that the servers use; a fresh one for each."""
        return self.folder / "work"

    def root(self, of_checkout: bool) -> Path:
        """Whose code runs."""
        return self.checkout if of_checkout and self.checkout is not None else ROOT

    def tenants(self, number: int, of_checkout: bool = False) -> Path:
        """A prepared folder with so many tenants, made by the code that will serve it; nothing of it is flushed."""
        made = self.folder / f"{number}{'-checkout' if of_checkout else ''}"
        if not made.exists():
            root = self.root(of_checkout)
            given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(root)}
            if self.flush_shim is not None:
                given["LD_PRELOAD"] = str(self.flush_shim)
            arguments = [str(binaries(root) / "python"), "-c", MAKE_TENANTS, str(made), str(number)]
            subprocess.run(arguments, cwd=root, env=given, check=True)
        return made


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


def command(target: Target, place: Place, port: int, slack_port: int) -> tuple[list[str], dict[str, str]]:
    """The arguments and the environment of one process."""
    root = place.root(target.checkout)
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(root)}
    if target.slow_flush:
        given |= {"LD_PRELOAD": str(place.flush_shim), "BENCH_FLUSH": "2000"}
    if target.kind == Kind.OURS:
        arguments = [str(binaries(root) / "slackapp"), "serve"]
        if target.threads != THREADS:
            arguments = [str(binaries(root) / "python"), "-c", SET_THREADS, str(target.threads)]
        own = environment(
            place.work, f"http://127.0.0.1:{slack_port}" if slack_port else NOBODY,
            SLACKAPP_LISTEN=f"127.0.0.1:{port}", SLACKAPP_STATE_LIMIT="10000000",
            SLACKAPP_BEHAVIOUR=f"tests.bench.behaviour:{target.behaviour}",
        )  # fmt: skip
        return arguments, {**given, **own}
    options = {
        "kind": target.kind, "folder": str(place.work), "port": port, "threads": target.threads, "slack": slack_port,
        "signing_secret": SIGNING_SECRET, "answers": place.answers, "pause": target.slack_pause,
    }  # fmt: skip
    return [sys.executable, "-m", "tests.bench.servers", json.dumps(options)], given


@contextlib.contextmanager
def serve(target: Target, place: Place, slack_port: int = 0) -> Iterator[Server]:
    """Starts a target on a fresh copy of the prepared folder, and ends it."""
    copy(place, target)
    ports = free_ports(target.processes)
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(started(target, place, port, slack_port)) for port in ports]
        for port in ports:
            connect(port).close()
        yield Server(ports, [process.pid for process in processes])


def copy(place: Place, target: Target) -> None:
    """A fresh copy of the prepared folder; nothing of it is left to be written while a flush is waited for."""
    shutil.rmtree(place.work, ignore_errors=True)
    shutil.copytree(place.tenants(target.tenants, target.checkout), place.work)
    os.sync()


@contextlib.contextmanager
def started(target: Target, place: Place, port: int, slack_port: int = 0) -> Iterator["subprocess.Popen[bytes]"]:
    """One process of a target, which is ended."""
    arguments, given = command(target, place, port, slack_port)
    with (place.folder / "log").open("ab") as log:
        process = subprocess.Popen(arguments, cwd=place.folder, env=given, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


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
