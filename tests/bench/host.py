"""What the host side is measured with: an organization for each tenant, and requests that its host has signed."""

import base64
import hashlib
import hmac
import itertools
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from slackapp.app import build, system_clock, system_entropy
from slackapp.config import settings as config
from slackapp.crypto import keyfile
from slackapp.model import SCHEDULER, Tenant
from tests.bench import world
from tests.bench.targets import Requests
from tests.support.world import HOST, environment

KEY_ID, SECRET = "0a1b2c3d", "k" * 43
HOST_URL = "http://localhost:4000"
MEMBER = "ann"
REQUESTS = (Requests.INTEGRATION, Requests.CHANNELS, Requests.AUTH, Requests.MESSAGES)
PATHS = {requests: f"/api/v2/slack/{requests}" for requests in REQUESTS}
WITH_LISTS = 20
"""Organizations whose channels are asked for, and which post: their lists are in memory once the server is warm."""


def settings(folder: Path) -> dict[str, str]:
    """What switches the host side on, without limits that a bench would come to."""
    keys = folder / "host.keys"
    if not keys.exists():
        keyfile.write_private(keys, f"slackapp-hk1:{KEY_ID}:{SECRET}\n".encode())
    return {
        "SLACKAPP_HOST_KEYS_FILE": str(keys), "SLACKAPP_HOST_URL": HOST_URL,
        "SLACKAPP_HOST_COMPLETE_PATH": "/slack/complete", "SLACKAPP_HOST_RATE_PER_MINUTE": "100000",
        "SLACKAPP_HOST_WORKSPACES": "2", "SLACKAPP_REQUIRE_ADMIN_INSTALLER": "yes",
        "SLACKAPP_BOT_SCOPES": "app_mentions:read,chat:write,channels:read,groups:read,users:read",
    }  # fmt: skip


def organization(number: int) -> str:
    """An organization's id."""
    return f"org-{number}"


def connection_id(number: int) -> str:
    """Its connection's."""
    return f"{number:024}"


def make_organizations(folder: Path, number: int) -> None:
    """An organization for each of the tenants that are there, which holds it, with one admin."""
    from slackapp.host.flows import change_connection
    from tests.support import connected

    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        given = config.load(environment(folder, world.NOBODY, **settings(folder)), {})
        service = build(given, system_clock, system_entropy, nowhere)
        db, now = service.app.db, system_clock()
        for each in range(number):
            with db.transaction():
                connected.add_member(db, organization(each), MEMBER, issued_at=now)
            attempt = connected.begin(db, each, organization(each), member=MEMBER, now=now)
            with db.transaction():
                held = connected.held(Tenant("T", world.team(each)))._replace(scopes=given.bot_scopes)
                change_connection.activate(db, attempt, held, SCHEDULER, now)
        service.stop()


def token(number: int, now: int, as_host: bool = False) -> str:
    """A token of that organization's admin, or of the host itself; each has an id of its own."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    claims = {
        "aud": f"http://{HOST}", "iat": now, "exp": now + 900, "jti": os.urandom(12).hex(),
        "org": organization(number), **({} if as_host else {"sub": MEMBER, "role": "admin"}),
    }  # fmt: skip
    header = {"alg": "HS256", "typ": "slackapp-host+jwt", "kid": KEY_ID}
    signed = ".".join(part(json.dumps(each).encode()) for each in (header, claims))
    return f"{signed}.{part(hmac.digest(SECRET.encode(), signed.encode(), hashlib.sha256))}"


def request(method: str, path: str, bearer: str, body: bytes = b"", *headers: str) -> bytes:
    """A request of the host's backend."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", f"Authorization: Bearer {bearer}", *headers]
    if method == "POST":
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def each_request() -> dict[str, bytes]:
    """One of each kind, by path."""
    return {PATHS[kind]: next(_requests(kind, 1)) for kind in REQUESTS}


def first_requests(kind: Requests) -> list[bytes]:
    """What is asked once, one after the other, before all others: what is in memory then needs no Slack."""
    return list(itertools.islice(_requests(kind, WITH_LISTS), WITH_LISTS if kind == Requests.CHANNELS else 0))


def _requests(kind: Requests, organizations: int) -> Iterator[bytes]:
    """Of all organizations in turn, without end. What begins something has a token for each; what reads, for a page."""
    now, tag = int(time.time()), os.urandom(4).hex()
    if kind == Requests.AUTH:
        for each in itertools.cycle(range(organizations)):
            yield request("POST", PATHS[kind], token(each, now), b"{}")
    few = [(each, token(each, now)) for each in range(min(organizations, WITH_LISTS))]
    if kind == Requests.MESSAGES:
        for number, (each, bearer) in enumerate(itertools.cycle(few)):
            body = json.dumps({"channel": f"C{each:010}", "text": f"Deployment {number} has finished."}).encode()
            yield request("POST", PATHS[kind], bearer, body, f"Idempotency-Key: {tag}-{number}")
    asked = range(min(organizations, WITH_LISTS)) if kind == Requests.CHANNELS else range(organizations)
    yield from itertools.cycle([request("GET", PATHS[kind], token(each, now)) for each in asked])


def write_requests(file: Path, number: int, kind: Requests, organizations: int) -> None:
    """Requests, each with its length before it."""
    with file.open("wb") as out:
        for each in itertools.islice(_requests(kind, organizations), number):
            out.write(len(each).to_bytes(4, "big") + each)
