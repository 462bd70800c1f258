"""Messages, timed in this process: delivered, claimed and looked up, each beside what it cannot do without.

deliver   the threads of the outbox, without the pace that Slack asks for; a loop that posts the same texts through
          the same client, and marks a row for each in SQLite
paced     with that pace, and a Slack that takes 50 ms: a hundred channels of ten workspaces
claim     whose turn it is, alone and beside 100,000 scheduled messages of the same workspaces
history   a page of 50 of 1,000,000 messages, as the answer shows it; the same rows read by SQLite
"""

import contextlib
import io
import json
import os
import random
import sqlite3
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from slackapp.app import Service, build, system_clock, system_entropy
from slackapp.config import settings as config
from slackapp.host.call import HostCall, make_cursor
from slackapp.host.checks.fields import read_parameters
from slackapp.host.flows.messages import accept_message, take_turns
from slackapp.host.flows.messages.accept_message import MessageDraft
from slackapp.host.model import HostCaller, HostRole
from slackapp.host.routes import API_ROUTES, SLACK
from slackapp.host.store import outbox
from slackapp.model import NO_TENANT, ActorKind, Secret
from slackapp.store import queue
from tests.bench import host, world
from tests.bench.parts import timed
from tests.support.world import environment

BATCHES, MESSAGES = 3, 300
WORKSPACES, CHANNELS = 10, 100
PACED_SECONDS = 6
SCHEDULED, CLAIMS = 100_000, 400
HISTORY, PAGE = 1_000_000, 50
FIELDS = {"text": "Deployment of api-gateway to production has finished: 14 services, 0 failed."}


def serve(folder: Path, slack_port: int) -> Service:
    """The service in this process, not started yet."""
    given = {**host.settings(folder), "SLACKAPP_HOST_POSTS_PER_MINUTE": "1000"}
    settings = config.load(environment(folder, f"http://127.0.0.1:{slack_port}", **given), {})
    return build(settings, system_clock, system_entropy, io.StringIO())


def channel(number: int) -> str:
    """A channel's id."""
    return f"C{number:010}"


def member(number: int) -> HostCaller:
    """An admin of an organization, who calls."""
    who = {"organization": host.organization(number), "role": HostRole.ADMIN, "key_id": host.KEY_ID}
    return HostCaller(ActorKind.MEMBER, "bench", host.MEMBER, **who)


def accept(service: Service, number: int) -> None:
    """So many messages, in turn to each channel, which come to the disk together."""
    app, now, drafts = service.app, system_clock(), []
    for each in range(number):
        draft = MessageDraft(FIELDS, channel=channel(each % CHANNELS))
        drafts.append(accept_message.prepare(app, member(each % WORKSPACES), draft))
    with app.db.transaction():
        for draft in drafts:
            accept_message.store(app, draft, now)
    app.wake_worker()


class Sent:
    """When each message has its end, as the service counts them."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._awaited, self._reached = 0, threading.Event()

    def note(self, app: object, status: object, reason: object) -> None:
        """In the place of the metric."""
        if status != "sent":
            raise AssertionError(f"a message was not sent: {status} {reason}")
        self.times.append(time.perf_counter())
        if len(self.times) >= self._awaited:
            self._reached.set()

    def wait_for(self, number: int, seconds: float) -> None:
        """Waits until so many have their end."""
        self._awaited = number
        if len(self.times) < number and not self._reached.wait(seconds):
            raise AssertionError(f"only {len(self.times)} of {number} messages were sent")
        self._reached.clear()


@contextlib.contextmanager
def delivering(folder: Path, slack_port: int, lifted: bool) -> Iterator[tuple[Service, Sent]]:
    """The service with its threads; `lifted`: no message waits for its pace."""
    service, sent = serve(folder, slack_port), Sent()
    kept = take_turns.count_message, take_turns.take_place
    take_turns.count_message = sent.note
    if lifted:
        take_turns.take_place = lambda app, tenant, channel_id, earliest: earliest
    service.start()
    try:
        yield service, sent
    finally:
        service.stop()
        take_turns.count_message, take_turns.take_place = kept


def deliver(service: Service, sent: Sent) -> float:
    """Messages a second, from the commit of the last one on."""
    before = len(sent.times)
    accept(service, MESSAGES)
    begun = time.perf_counter()
    sent.wait_for(before + MESSAGES, 60)
    return MESSAGES / (time.perf_counter() - begun)


def post_in_a_loop(service: Service, connection: sqlite3.Connection) -> float:
    """The same texts, one after the other."""
    connection.executemany("INSERT INTO posts (channel, text) VALUES (?, ?)", rows := [
        (channel(each % CHANNELS), FIELDS["text"]) for each in range(MESSAGES)
    ])  # fmt: skip
    connection.commit()
    begun = time.perf_counter()
    for number, channel_id, text in connection.execute("SELECT id, channel, text FROM posts WHERE ts = ''").fetchall():
        token = Secret(f"xoxb-bench-{number % WORKSPACES}")
        answer = service.app.slack.call("chat.postMessage", token, {"channel": channel_id, "text": text})
        connection.execute("UPDATE posts SET ts = ? WHERE id = ?", (answer.data["ts"], number))
        connection.commit()
    return len(rows) / (time.perf_counter() - begun)


def time_delivery(folder: Path, slack_port: int, order: random.Random) -> dict[str, dict[str, float]]:
    """Both in turn, the median of each."""
    rates: dict[str, list[float]] = {"deliver ours": [], "deliver loop": []}
    with contextlib.ExitStack() as stack:
        service, sent = stack.enter_context(delivering(folder, slack_port, lifted=True))
        connection = stack.enter_context(contextlib.closing(sqlite3.connect(folder / "posts.db")))
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE posts (id INTEGER PRIMARY KEY, channel, text, ts DEFAULT '')")
        acts: dict[str, Callable[[], float]] = {
            "deliver ours": lambda: deliver(service, sent),
            "deliver loop": lambda: post_in_a_loop(service, connection),
        }
        for act in acts.values():  # warm
            act()
        for _ in range(BATCHES):
            for name in order.sample(sorted(acts), len(acts)):
                rates[name].append(acts[name]())
    return {name: {"rate": statistics.median(each)} for name, each in rates.items()}


def time_pace(folder: Path, slack_port: int) -> dict[str, dict[str, float]]:
    """Messages a second once all channels are at it."""
    with delivering(folder, slack_port, lifted=False) as (service, sent):
        accept(service, CHANNELS * (PACED_SECONDS + 3))
        sent.wait_for(CHANNELS, 60)
        begun, before = time.perf_counter(), len(sent.times)
        time.sleep(PACED_SECONDS)
        rate = (len(sent.times) - before) / (time.perf_counter() - begun)
    return {"paced ours": {"rate": rate}}


COLUMNS = """id, organization_id, connection_id, tenant_kind, tenant_id, type, status, target_id, channel_id,
message_ts, sender_id, purpose_id, send_at, queued_at, sent_at, created_at, updated_at"""
ADD_HISTORY = f"""INSERT INTO messages ({COLUMNS})
WITH RECURSIVE each (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM each WHERE n < :number - 1)
SELECT printf('h%023d', n), :organization, :connection, 'T', :team, 'message', 'sent', '', printf('C%010d', n % 100),
       printf('1800000000.%06d', n), 'ann', '', NULL, :now, :now, :now, :now FROM each"""
ADD_SCHEDULED = f"""INSERT INTO messages ({COLUMNS})
WITH RECURSIVE each (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM each WHERE n < :number - 1)
SELECT printf('s%023d', n), organization_id, connections.id, 'T', tenant_id, 'message', 'scheduled', '',
       printf('C%010d', n % 100), '', 'ann', '', :now + 86400 + n, :now, NULL, :now, :now
  FROM each JOIN connections ON connections.id = printf('%024d', n % :organizations)"""
SCHEDULE_TURNS = """INSERT INTO outbox (event_id, kind, tenant_kind, tenant_id, type, state, event_time,
       received_at, next_at)
SELECT id, 'job', tenant_kind, tenant_id, 'slackapp.message', 'ready', created_at, send_at, send_at
  FROM messages WHERE status = 'scheduled'"""


def fill(folder: Path, *statements: str, **given: object) -> None:
    """Adds many rows at once: what it takes is not measured."""
    with contextlib.closing(sqlite3.connect(folder / "slackapp.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            connection.execute(statement, {**given, "now": system_clock()} if ":" in statement else {})
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.sync()


def claim(service: Service) -> dict[str, float]:
    """One look for whose turn it is, and the claim: seconds, by the clock and on the processor."""
    app, times = service.app, {"now": system_clock(), "steady": system_clock.steady()}
    begun, used = time.perf_counter(), time.thread_time()
    found = queue.list_due(app.db, outbox.QUEUE, NO_TENANT, NO_TENANT, **times, limit=outbox.QUEUE.threads)
    row = app.db.commit_in_group(
        lambda: queue.claim(app.db, outbox.QUEUE, found[0], owner="bench:1", steady=times["steady"]), durable=False
    )
    took = {"took": time.perf_counter() - begun, "cpu": time.thread_time() - used}
    if row is None:
        raise AssertionError("nothing was claimed")
    with app.db.transaction():
        queue.postpone(app.db, row, "bench", now=times["now"], wait=0, refund_attempt=True)
    return took


def time_claims(folder: Path) -> dict[str, dict[str, float]]:
    """Before and after the scheduled ones are there; each time the median of many."""
    figures = {}
    for name in ("claim ours", "claim scheduled"):
        if name == "claim scheduled":
            fill(folder, ADD_SCHEDULED, SCHEDULE_TURNS, number=SCHEDULED, organizations=WORKSPACES)
        service = serve(folder, 9)
        if name == "claim ours":
            accept(service, CHANNELS)
        found = [claim(service) for _ in range(CLAIMS)][CLAIMS // 4 :]  # what comes before warms up
        figures[name] = {figure: statistics.median(each[figure] for each in found) for figure in ("took", "cpu")}
        service.stop()
    return figures


def time_history(folder: Path, order: random.Random) -> dict[str, dict[str, float]]:
    """A page in the middle, of one organization's many messages."""
    organization, middle = host.organization(0), HISTORY // 2
    place = {"organization": organization, "connection": host.connection_id(0), "team": world.team(0)}
    fill(folder, ADD_HISTORY, number=HISTORY, **place)
    service = serve(folder, 9)
    route = next(each for each in API_ROUTES if (each.method, each.path) == ("GET", f"{SLACK}/messages"))
    call = HostCall(member(0), "", "", parameters={}, body={})
    query = urlencode({"limit": PAGE, "cursor": make_cursor(service.app, call, "messages", str(middle))})
    call = call._replace(parameters=read_parameters(query, route.parameters))
    with contextlib.closing(sqlite3.connect(folder / "slackapp.db", isolation_level=None)) as connection:
        bare = "SELECT * FROM messages WHERE organization_id = ? AND number < ? ORDER BY number DESC LIMIT ?"
        acts: dict[str, Callable[[], Any]] = {
            "history bare": lambda: connection.execute(bare, (organization, middle, PAGE)).fetchall(),
            "history ours": lambda: route.handler(service.app, call, system_clock())["messages"],  # type: ignore[index]
        }
        if {len(act()) for act in acts.values()} != {PAGE}:
            raise AssertionError("a page is not whole")
        figures = timed(acts, order)
    service.stop()
    return figures


def main() -> None:
    """Arguments: a folder to work in, ports of a Slack that answers at once and of one that takes 50 ms, seed."""
    folder, order = Path(sys.argv[1]), random.Random(int(sys.argv[4]))
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # as the service does by itself
    figures = time_delivery(folder, int(sys.argv[2]), order) | time_pace(folder, int(sys.argv[3]))
    figures |= time_claims(folder) | time_history(folder, order)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
