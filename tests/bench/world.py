"""What is measured with: databases with many tenants, and prepared requests."""

import contextlib
import hashlib
import hmac
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slack_sdk.oauth.installation_store import Installation
from slack_sdk.oauth.installation_store.sqlite3 import SQLite3InstallationStore

from slackapp.app import build, system_clock, system_entropy
from slackapp.config import settings as config
from slackapp.flows.install import store_grant
from slackapp.model import Actor, ActorKind, Grant, GrantedToken, Secret, Tenant
from tests.support.world import APP_ID, HOST, SIGNING_SECRET, environment

CLIENT_ID = "1000000001.2000000002"
NOBODY = "http://localhost:9"
ACTOR = Actor(ActorKind.OPERATOR, "bench")


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
    request = get(path)
    file.write_bytes((len(request).to_bytes(4, "big") + request) * number)


def get(target: str, cookie: str = "") -> bytes:
    """A request of a browser."""
    lines = [f"GET {target} HTTP/1.1", f"Host: {HOST}", *([f"Cookie: {cookie}"] if cookie else []), "", ""]
    return "\r\n".join(lines).encode()


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
