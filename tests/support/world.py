"""Our service and a local Slack, for the length of one test: real HTTP to Slack, a clock that the test moves.

Requests to our service go straight into its WSGI application, as a server would hand them over.
"""

import contextlib
import hashlib
import hmac
import io
import json
import sqlite3
import tempfile
import unittest.mock
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slackapp.app import Service, build, system_entropy
from slackapp.config import settings as config
from slackapp.crypto import keyfile
from slackapp.flows.app import App
from slackapp.localslack import LocalApp, LocalSlack
from slackapp.localslack.model import NotInstalled
from slackapp.model import BOT, Holder, Settings, Tenant
from slackapp.routes import served_routes
from slackapp.runtime.hand_off import ClaimedEvent
from slackapp.store.engine.connections import ConnectionHandle
from slackapp.store.engine.sqlite import SqliteDatabase
from slackapp.store.queue import RowId
from slackapp.vault.vault import Vault
from slackapp.wsgi import Wsgi
from tests.support.client import Reply, cookie_header, keep_cookie, post_form
from tests.support.servers import serve_shared

NORTH = "T0NORTH001"
SOUTH = "T0SOUTH001"
ORG = "E0EVERGRN1"
ORG_TEAM = "T0EVERAA01"
APP_ID = "A0LOCAL001"
SIGNING_SECRET = "a-signing-secret-for-tests"
HOST = "localhost:3000"
START = 1_800_000_000
MASTER_KEY = keyfile.format_master_key(1, bytes(range(32)))
MAX_RUNS = 10
"""Of one row while the clock stands still; more than any row has."""
BOOTED = START - 1_000_000
"""The machine has run for some days: whoever takes one clock for the other finds nothing in its time."""


@dataclass
class Clock:
    """Stands still until it is moved; Unix seconds."""

    now: int = START
    set_by: int = BOOTED

    def __call__(self) -> int:
        return self.now

    def steady(self) -> int:
        """Seconds since the machine was started."""
        return self.now - self.set_by

    def advance(self, seconds: int) -> None:
        """Time goes by."""
        self.now += seconds

    def set(self, seconds: int) -> None:
        """Somebody sets the wall clock, forward or back, and no time goes by."""
        self.now += seconds
        self.set_by += seconds


@dataclass
class Browser:
    """Keeps cookies by name, and sends all of them back."""

    world: "World"
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, target: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> Reply:
        reply = self.world.request(method, target, headers={**(headers or {}), **cookie_header(self.cookies)})
        keep_cookie(self.cookies, reply)
        return reply

    def begin(self, query: str = "") -> Reply:
        """`GET /slack/install`."""
        return self.get(f"/slack/install{query}")

    def consent(self, begun: Reply, target: str = NORTH, user: str = "admin", decision: str = "approve") -> Reply:
        """What the user does on Slack's page; the redirect back to us."""
        fields = {**begun.query, "target": target, "user": user, "decision": decision}
        return self.world.slack_form("/oauth/v2/authorize", fields)

    def follow_callback(self, consented: Reply) -> Reply:
        """`GET /slack/oauth_redirect?…`, as Slack's redirect says."""
        parts = urlsplit(consented.location)
        return self.get(f"{parts.path}?{parts.query}")

    def install(self, target: str = NORTH, user: str = "admin") -> Reply:
        """The whole round trip; the answer of the callback."""
        return self.follow_callback(self.consent(self.begin(), target, user))


@dataclass
class World:
    """One test's world."""

    folder: Path
    settings: Settings
    clock: Clock
    slack: LocalSlack
    slack_url: str
    service: Service
    log: io.StringIO

    # Requests to us

    def request(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        environ: Mapping[str, Any] | None = None,
    ) -> Reply:
        """One request, as waitress would hand it over."""
        path, _, query = target.partition("?")
        given: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "REQUEST_URI": target,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REMOTE_ADDR": "192.0.2.7",
            "wsgi.input": io.BytesIO(body),
        }
        if method not in ("GET", "HEAD") or body:
            given["CONTENT_LENGTH"] = str(len(body))
        for name, value in {"Host": HOST, **(headers or {})}.items():
            key = name.upper().replace("-", "_")
            given[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        given |= environ or {}
        answered: list[tuple[str, list[tuple[str, str]]]] = []
        chunks = self.service.wsgi(given, lambda status, headers: answered.append((status, headers)))
        status, found = answered[0]
        return Reply(int(status[:3]), {name.lower(): value for name, value in found}, b"".join(chunks))

    def browser(self) -> Browser:
        """A browser without cookies."""
        return Browser(self)

    def sign(self, body: bytes, timestamp: int | None = None, secret: str = SIGNING_SECRET) -> dict[str, str]:
        """The two headers of a request from Slack."""
        stamp = str(self.clock.now if timestamp is None else timestamp)
        digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}

    def post_signed(self, body: bytes, content_type: str = "application/json", path: str = "/slack/events") -> Reply:
        """A body as Slack would send it."""
        return self.request("POST", path, body, {**self.sign(body), "Content-Type": content_type})

    def event(self, event: Mapping[str, Any], event_id: str = "Ev0001", **envelope: Any) -> Reply:
        """An event of the Events API; `envelope` replaces keys, and drops those that are given as None."""
        return self.post_signed(json.dumps(self.envelope(event, event_id, **envelope)).encode())

    def envelope(self, event: Mapping[str, Any], event_id: str = "Ev0001", **changes: Any) -> dict[str, Any]:
        """The body around an event."""
        whole: dict[str, Any] = {
            "type": "event_callback",
            "api_app_id": APP_ID,
            "team_id": NORTH,
            "event": event,
            "event_id": event_id,
            "event_time": self.clock.now,
            **changes,
        }
        return {key: value for key, value in whole.items() if value is not None}

    def mention(self, event_id: str = "Ev0001", **envelope: Any) -> Reply:
        """Somebody mentions the bot in #general, and thereby invites it there."""
        team = envelope.get("team_id", NORTH)
        with contextlib.suppress(NotInstalled, KeyError):
            self.slack.mention(team, "hello")
        channel = self.slack.workspaces[team].general if team in self.slack.workspaces else "C0GENERAL1"
        fields = {"type": "app_mention", "user": "U0SOMEBODY", "channel": channel, "ts": "1800000000.000100"}
        return self.event({**fields, "text": "hello"}, event_id, **envelope)

    def work(self) -> int:
        """Runs what is due in the inbox; how many rows. Where it never ends, the test fails and does not hang."""
        worker, runs = self.service.worker, Counter[RowId | ClaimedEvent]()
        run = worker._run

        def bounded(app: App, found: RowId | ClaimedEvent) -> bool:
            runs[found] += 1
            assert runs[found] <= MAX_RUNS, f"it is due again and again: {found}"
            return run(app, found)

        with unittest.mock.patch.object(worker, "_run", bounded):
            return worker.run_due(self.service.app)

    # Slack

    def slack_form(self, path: str, fields: Mapping[str, str]) -> Reply:
        """A form sent to the local Slack by a browser."""
        return post_form(f"{self.slack_url}{path}", fields)

    def calls(self, method: str = "") -> list[str]:
        """The methods that Slack was asked for, in order; or only one of them."""
        return [call.method for call in self.slack.calls if not method or call.method == method]

    # What is stored

    def rows(self, sql: str, *parameters: Any) -> list[sqlite3.Row]:
        """Looks into the database, past all of our own code."""
        with self._looking() as connection:
            return connection.execute(sql, parameters).fetchall()

    @contextlib.contextmanager
    def _looking(self) -> Iterator[sqlite3.Connection]:
        """By the connection by which this thread reads, where it has one: a new one would read the whole schema."""
        held = getattr(self.service.app.db._local, "held", None)  # it sees what is committed, and nothing else
        if held is not None and held.is_open and _FILES.get(held) == _file_id(self.settings.database):
            yield held.connection
            return
        with contextlib.closing(sqlite3.connect(f"file:{self.settings.database}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            yield connection

    def count(self, table: str) -> int:
        """Rows in a table."""
        return int(self.rows(f"SELECT count(*) FROM {table}")[0][0])

    def audit(self) -> list[str]:
        """The events in the audit, in order."""
        return [row["event"] for row in self.rows("SELECT event FROM audit ORDER BY id")]

    def facts(self, event: str) -> list[dict[str, Any]]:
        """What the audit's rows of that event say, each in the columns that are filled."""
        return [facts_of(row) for row in self.rows("SELECT * FROM audit WHERE event = ? ORDER BY id", event)]

    def status(self, tenant_id: str = NORTH) -> str:
        """An installation's status; "" when there is none."""
        found = self.rows("SELECT status FROM installations WHERE tenant_id = ?", tenant_id)
        return str(found[0]["status"]) if found else ""

    def snapshot(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table, to show that nothing changed; but the audit, the counters, and who was served."""
        with self._looking() as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            return {
                table: list(map(tuple, connection.execute(f"SELECT * FROM {table}")))
                for table in sorted(tables - {"audit", "counters", "answered"})
            }

    def bytes_on_disk(self) -> bytes:
        """The database file, its log and its index, as they lie there."""
        files = sorted(self.settings.database.parent.glob(self.settings.database.name + "*"))
        return b"".join(file.read_bytes() for file in files)

    def restart(self, **changes: Any) -> None:
        """Another process on the same files: nothing in memory stays."""
        self.service.stop()
        self.settings = self.settings._replace(**changes)
        self.service = self.start_process()

    def start_process(self) -> Service:
        """A process beside ours, on the same files."""
        return started(self.settings, self.clock, self.log)

    def replace_parts(self, **parts: Any) -> None:
        """Other parts for the service, such as its behaviour."""
        self.service = with_parts(self.service, **parts)


_FRAME = ("id", "at", "format", "event", "request_id", "trace_id", "tenant_kind", "chain")


def facts_of(row: sqlite3.Row) -> dict[str, Any]:
    """What a row of the audit says, in the columns that are filled, but for its place, time and request."""
    return {name: row[name] for name in row.keys() if name not in _FRAME and row[name] not in ("", None)}  # noqa: SIM118


@contextlib.contextmanager
def reading(world: World) -> Iterator[None]:
    """Somebody has a read transaction open, such as a backup."""
    with contextlib.closing(sqlite3.connect(world.settings.database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM audit").fetchone()
        yield
        reader.execute("ROLLBACK")


def with_parts(service: Service, **parts: Any) -> Service:
    """The same service with other parts."""
    app = replace(service.app, **parts)
    shared = {field.name for field in fields(Vault)} & parts.keys()
    app = replace(app, vault=replace(app.vault, **{name: parts[name] for name in shared}))
    return replace(service, app=app, wsgi=Wsgi(app, served_routes(app.settings)))


_FILES: weakref.WeakKeyDictionary[ConnectionHandle, tuple[int, int]] = weakref.WeakKeyDictionary()
"""Which file a connection was opened on: another one may lie in its place by now."""


def _file_id(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def started(settings: Settings, clock: Clock, log: io.StringIO) -> Service:
    """A process of its own, as far as this program goes."""
    service = with_parts(build(settings, clock, system_entropy, log), wait=never_wait)
    _FILES[service.app.db._local.held] = _file_id(settings.database)
    return service


def never_wait(seconds: float) -> None:
    """Stops a test that would sleep for real; one in which somebody waits gives its own `wait`."""
    raise AssertionError(f"somebody waits for {seconds} s")


def north_tenant() -> Tenant:
    """The workspace that most tests install into."""
    return Tenant("T", NORTH)


def holder_of(user_id: str) -> Holder:
    """The user of that id; "" for the bot."""
    return Holder.user(user_id) if user_id else BOT


def environment(folder: Path, slack_url: str, **changes: str) -> dict[str, str]:
    """Settings as an operator would give them."""
    key_file = folder / "master.key"
    if not key_file.exists():
        keyfile.write_private(key_file, MASTER_KEY)
    token_file = folder / "operator.token"
    if not token_file.exists():
        keyfile.write_private(token_file, b"an-operator-token-of-forty-characters-xx")
    return {
        "SLACK_APP_ID": APP_ID,
        "SLACK_CLIENT_ID": "1000000001.2000000002",
        "SLACK_CLIENT_SECRET": "a-client-secret-for-tests",
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SLACKAPP_PUBLIC_URL": f"http://{HOST}",
        "SLACKAPP_DATABASE": str(folder / "slackapp.db"),
        "SLACKAPP_MASTER_KEY_FILE": str(key_file),
        "SLACKAPP_OPERATOR_TOKEN_FILE": str(token_file),
        "SLACKAPP_SLACK_URL": slack_url,
        "SLACKAPP_RATE_PER_MINUTE": "100000",
        **changes,
    }


@contextlib.contextmanager
def make_world(folder: Path, rotation: bool = True, **changes: str) -> Iterator[World]:
    """`changes` are settings. Ends with the proof that Slack was never called inside a transaction."""
    clock = Clock()
    local_app = LocalApp(
        app_id=APP_ID,
        client_id="1000000001.2000000002",
        client_secrets=("a-client-secret-for-tests",),
        signing_secret=SIGNING_SECRET,
        redirect_urls=(f"http://{HOST}/slack/oauth_redirect",),
        events_url=f"http://{HOST}/slack/events",
        rotation=rotation,
    )
    slack = LocalSlack(local_app, clock=clock, entropy=system_entropy, probe=lock_probe(folder / "slackapp.db"))
    slack.org_adds_workspaces = True
    with serve_shared(slack) as slack_url:
        slack.base_url = slack_url
        settings = config.load(environment(folder, slack_url, **changes), {})
        if not settings.database.exists():
            usual = not _FIRST_START & changes.keys() and settings.master_key_file.read_bytes() == MASTER_KEY
            keyfile.write_private(settings.database, begun_database() if usual else empty_database())
        log = io.StringIO()
        service = started(settings, clock, log)
        world = World(folder, settings, clock, slack, slack_url, service, log)
        try:
            yield world
        finally:
            world.service.stop()
    assert slack.violations == []


@cache
def empty_database() -> bytes:
    """A database with its tables and nothing in them: made once, because making one takes as long as a whole test."""
    with tempfile.TemporaryDirectory() as folder:
        database = SqliteDatabase(Path(folder) / "slackapp.db")
        database.create_or_migrate()
        database.close()
        return database.path.read_bytes()


_FIRST_START = {"SLACK_APP_ID", "SLACK_CLIENT_ID", "SLACKAPP_MASTER_KEY_FILE"}
"""Settings that the first start writes into the database, or that decide how it seals."""


@cache
def begun_database() -> bytes:
    """A database as its first start leaves it, with the service's own keys; those of one service: `new_service`."""
    with tempfile.TemporaryDirectory() as folder:
        settings = config.load(environment(Path(folder), "http://127.0.0.1:1"), {})
        keyfile.write_private(settings.database, empty_database())
        started(settings, Clock(), io.StringIO()).stop()
        return settings.database.read_bytes()


def new_service(folder: Path) -> None:
    """Lets the world of that folder be a service with a database and keys of its own, made by its first start."""
    keyfile.write_private(folder / "slackapp.db", empty_database())


def lock_probe(database: Path) -> Callable[[str], None]:
    """Raises when somebody keeps the database locked while Slack is being called.

    A writer of another thread is done within milliseconds; a caller of Slack with a transaction open is not done before
    Slack has answered, however long one waits.
    """

    def probe(method: str) -> None:
        connection = sqlite3.connect(database, timeout=1.5, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            raise AssertionError(f"{method} was called while the database was locked ({error})") from None
        finally:
            connection.close()

    return probe
