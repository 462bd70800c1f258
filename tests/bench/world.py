"""What is measured with: databases with many tenants, prepared requests, servers as processes of their own."""

import contextlib
import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from slack_sdk.oauth.installation_store import Installation
from slack_sdk.oauth.installation_store.sqlite3 import SQLite3InstallationStore

from slackapp.app import build, system_clock, system_entropy
from slackapp.config import settings as config
from slackapp.flows.install import store_grant
from slackapp.model import Actor, ActorKind, Grant, GrantedToken, Secret, Tenant
from tests.support.world import APP_ID, SIGNING_SECRET, environment

CLIENT_ID = "1000000001.2000000002"
ROOT = Path(__file__).resolve().parents[2]
NOBODY = "http://localhost:9"
ACTOR = Actor(ActorKind.OPERATOR, "bench")


def team(number: int) -> str:
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
    """Our database and Bolt's with that many tenants; without waiting for the disk, because this is not measured."""
    folder.mkdir(parents=True)
    settings = config.load(environment(folder, NOBODY), {})
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        service = build(settings, system_clock, system_entropy, nowhere)
    service.app.db._writer(durable=True).connection.execute("PRAGMA synchronous = OFF")
    for number in range(tenants):
        given = grant(number)
        store_grant.run(
            service.app, given, store_grant.read_stored(service.app, given), bytes(32), ACTOR, system_clock()
        )
    service.app.db._connection().execute("DELETE FROM inbox")
    service.stop()
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


def write_events(file: Path, port: int, number: int, tenants: int) -> None:
    """Signed mentions, of all tenants in turn, each with its length before it."""
    stamp, tag = str(int(time.time())), os.urandom(4).hex()
    with file.open("wb") as out:
        for count in range(number):
            body = json.dumps(event(team(count % tenants), f"Ev{tag}{count:08d}", int(stamp))).encode()
            base = b"v0:" + stamp.encode() + b":" + body
            signature = hmac.new(SIGNING_SECRET.encode(), base, hashlib.sha256).hexdigest()
            head = (
                f"POST /slack/events HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: application/json,*/*\r\n"
                "User-Agent: Slackbot 1.0 (+https://api.slack.com/robots)\r\nContent-Type: application/json\r\n"
                f"X-Slack-Request-Timestamp: {stamp}\r\nX-Slack-Signature: v0={signature}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            _put(out, head.encode() + body)


def write_gets(file: Path, port: int, number: int, path: str) -> None:
    """The same request many times."""
    with file.open("wb") as out:
        for _ in range(number):
            _put(out, f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())


def _put(out: Any, request: bytes) -> None:
    out.write(len(request).to_bytes(4, "big") + request)


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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(folder: Path, port: int, options: Mapping[str, object]) -> dict[str, str]:
    """Our settings, made here, so that starting the server does not include it."""
    return environment(
        folder,
        f"http://127.0.0.1:{options['slack']}" if options.get("slack") else NOBODY,
        SLACKAPP_PUBLIC_URL=f"http://localhost:{port}",
        SLACKAPP_BEHAVIOUR=f"tests.bench.behaviour:{options.get('behaviour', 'QUIET')}",
        SLACKAPP_STATE_LIMIT="10000000",
        SLACKAPP_RATE_PER_MINUTE="100000",
    )


@contextlib.contextmanager
def server(kind: str, folder: Path, **options: object) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A server process; yields its port. `options` go to `tests.bench.servers`."""
    port = free_port()
    prepared = {"environment": _environment(folder, port, options), "signing_secret": SIGNING_SECRET}
    given = json.dumps({"kind": kind, "folder": str(folder), "port": port, **prepared, **options})
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.bench.servers", given]
    with subprocess.Popen(command, cwd=ROOT, env=bare) as process:
        try:
            wait_for(port)
            yield port, process
        finally:
            process.terminate()
            process.wait(20)


def wait_for(port: int) -> None:
    """Until the port takes connections."""
    for _ in range(2000):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.01)
    raise AssertionError("the server did not start")


def load(port: int, file: Path, clients: int, seconds: float) -> dict[str, Any]:
    """Sends the prepared requests from a process of its own."""
    command = [sys.executable, "-m", "tests.bench.load", str(port), str(file), str(clients), str(seconds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def memory(process: "subprocess.Popen[bytes]") -> int:
    """Resident bytes."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")
