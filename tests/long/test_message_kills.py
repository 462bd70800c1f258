"""A thousand times kill -9 under four hosts that post, while Slack loses answers and asks for patience.

What counts is what Slack has: its own list of the calls that it has carried out says which message was shown, how often
and in which order. Nothing that was accepted is lost, nothing is shown twice, and what nobody knows is unclear.
"""

import contextlib
import http.client
import json
import os
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from slackapp.flows.upkeep import interrupted_calls
from slackapp.localslack.accounts import Channel
from slackapp.localslack.model import Fault
from tests.host.keys import sign
from tests.long import invariants
from tests.long.killed_servers import KilledServer, KillWorld
from tests.long.scenarios_of_connects import on
from tests.support import posting
from tests.support.client import Reply, request
from tests.support.connected import ACME, GLOBEX
from tests.support.host_world import ON, Host, connect, make_host_world
from tests.support.prepared_world import memory_folder
from tests.support.world import HOST, NORTH, SOUTH, World

pytestmark = pytest.mark.long
RUNS = int(os.environ.get("SLACKAPP_KILLS", "1000"))
SEED = 20_271_201
CLIENTS = 4
LONGEST = 0.9
"""Seconds from the moment at which the server takes connections to its end, at most."""
BETWEEN = 122
"""Seconds by which the clock goes on from one run to the next: the leases of the dead have run out."""
CHANNELS = 12
"""Of each workspace."""
POST = "chat.postMessage"
WHOSE = {ACME: NORTH, GLOBEX: SOUTH}
LOST = ("lost_answer", "late500", "html500", "cut")
"""Answers that say nothing of what Slack did: the first two times it did it."""
FAULTS = (*LOST, "ratelimited")
KEPT_SLACK_BUSY = 0.02
"""Seconds between two faults, at least."""
CHANGES = {**ON, "SLACKAPP_HOST_POSTS_PER_MINUTE": "6000"}
LATER = "%Y-%m-%dT%H:%M:%SZ"


@dataclass
class Post:
    """A message as a host wants it to be posted, once."""

    number: int
    client: int
    organization: str
    channel: str
    send_at: str = ""
    id: str = ""
    """Once it was accepted."""
    is_refused: bool = False
    is_canceled: bool = False

    @property
    def key(self) -> str:
        return f"client{self.client}-{self.number}"

    @property
    def body(self) -> dict[str, str]:
        said = {"text": self.key, "channel": self.channel, "internalMessageId": self.key}
        return {**said, "sendAt": self.send_at} if self.send_at else said


@dataclass
class HostAnswers:
    """What the hosts were told."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    answers: Counter[str] = field(default_factory=Counter)
    cut: int = 0


class HostClient:
    """A host that posts one message after the other, and repeats under the same key what was not answered."""

    def __init__(self, kill_world: "MessageKills", number: int) -> None:
        self._kill_world = kill_world
        self._number = number
        self._server: KilledServer = kill_world.servers[number % len(kill_world.servers)]
        self._chance = random.Random(SEED + number)
        self._tokens = 0
        self.posts: list[Post] = []

    def run(self) -> None:
        kill_world, post = self._kill_world, self._next()
        while not kill_world.over.is_set():
            self._server.up.wait()
            try:
                if self.go_on(post, self._request):
                    post = self._next()
                    time.sleep(self._chance.uniform(0, 0.02))
            except (OSError, http.client.HTTPException):
                with kill_world.told.lock:
                    kill_world.told.cut += 1
                time.sleep(0.003)

    def go_on(self, post: Post, send: Any) -> bool:
        """Asks once; whether the host is through with that message."""
        if not post.id:
            reply: Reply = send(post, "POST", posting.MESSAGES, post.body, {"Idempotency-Key": post.key})
            self._count("post", reply)
            post.is_refused = reply.status == 400 and reply.json["field"] == "sendAt"
            post.id = str(reply.json["id"]) if reply.status == 202 else ""
            return post.is_refused or (bool(post.id) and not self._is_taken_back(post))
        reply = send(post, "DELETE", f"{posting.MESSAGES}/{post.id}", None, {})
        self._count("delete", reply)
        post.is_canceled = reply.status == 202 and reply.json["status"] == "canceled"
        return reply.status in (202, 400)

    def _is_taken_back(self, post: Post) -> bool:
        return post.number % 10 == 0

    def _next(self) -> Post:
        organization = self._chance.choice(list(WHOSE))
        channel = channel_id(WHOSE[organization], self._chance.randrange(CHANNELS))
        post = Post(len(self.posts), self._number, organization, channel)
        if self._chance.random() < 0.1:
            at = self._kill_world.now() + self._chance.randrange(1, 2 * BETWEEN)
            post.send_at = datetime.fromtimestamp(at, UTC).strftime(LATER)
        self.posts.append(post)
        return post

    def _request(self, post: Post, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Reply:
        now, self._tokens = int(self._kill_world.now()), self._tokens + 1
        claims = {"aud": f"http://{HOST}", "iat": now, "exp": now + 60, "org": post.organization}
        token = sign({**claims, "jti": f"c{self._number:07}-{self._tokens:024}"})
        raw = json.dumps(body).encode() if body is not None else b""
        given = {"Host": HOST, "Authorization": f"Bearer {token}", **headers}
        if body is not None:
            given["Content-Type"] = "application/json"
        return request(method, f"http://127.0.0.1:{self._server.port}/api/v2/{path}", raw, given, 5)

    def _count(self, what: str, reply: Reply) -> None:
        code = reply.json.get("code", "") if reply.status >= 400 else ""
        with self._kill_world.told.lock:
            self._kill_world.told.answers[f"{what} {reply.status} {code}".strip()] += 1


class MessageKills(KillWorld):
    """The servers under hosts that post, and what those were told."""

    def __init__(self, world: World, processes: int, between: int) -> None:
        super().__init__(world, processes, between, {**on(world.folder), **CHANGES})
        self.told = HostAnswers()

    def lose_answers(self) -> None:
        """Has Slack go wrong now and then, until it is over."""
        chance = random.Random(SEED)
        while not self.over.wait(KEPT_SLACK_BUSY + chance.expovariate(10)):
            if not self.world.slack.faults.waiting():
                self.world.slack.faults.add(Fault(POST, chance.choice(FAULTS)))
        self.world.slack.faults.clear()


def channel_id(tenant_id: str, number: int) -> str:
    return f"C0{tenant_id[2:7]}{number:03}"


@contextlib.contextmanager
def make_kill_world(folder: Path, processes: int, between: int) -> Iterator[MessageKills]:
    with make_host_world(folder, **CHANGES) as world:
        world.slack.probe = None  # one more writer; the client itself refuses to call in a transaction
        for number, (organization, tenant_id) in enumerate(WHOSE.items(), start=1):
            connect(world, Host(world, organization), tenant_id, number)
            for each in range(CHANNELS):
                channel = Channel(channel_id(tenant_id, each), f"kills-{each}", tenant_id)
                world.slack.accounts.channels[channel.id] = channel
                world.slack.state.joined.append(channel.id)
        world.slack.called = deque()
        world.service.stop()
        kill_world = MessageKills(world, processes, between)
        try:
            yield kill_world
        finally:
            kill_world.close()


def finish(kill_world: MessageKills, clients: list[HostClient]) -> None:
    """A last process, which nobody kills, does what is left; the hosts get the answers that they still miss."""
    world = kill_world.world
    kill_world.ahead += 10 * BETWEEN
    world.clock.now = int(kill_world.now())
    world.restart()
    app = world.service.app

    def send(post: Post, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Reply:
        return Host(world, post.organization).call(method, path, body, headers)

    interrupted_calls.mark_unclear(app, world.clock.now)
    asking = list(clients)
    for _ in range(2000):
        asking = [client for client in asking if not client.go_on(client.posts[-1], send)]
        for circle in app.circles:
            circle.sweep(app, world.clock.now)
        posting.send_due(world)
        world.clock.advance(1)
        if asking:
            continue
        if not world.rows("SELECT 1 FROM messages WHERE status IN ('scheduled', 'queued', 'sending', 'parked')"):
            return
        if not world.rows("SELECT 1 FROM messages WHERE status IN ('queued', 'sending', 'parked')"):
            world.clock.advance(BETWEEN)
    waiting = world.rows("SELECT id, status FROM messages WHERE status IN ('scheduled', 'queued', 'sending', 'parked')")
    raise AssertionError(([client.posts[-1] for client in asking], kill_world.told.answers, list(map(tuple, waiting))))


def shown_ids(world: World) -> list[str]:
    """The messages that Slack has shown, in that order, by our own ids: it had carried out the call."""
    calls = [call for call in world.slack.calls if call.method == POST and call.ok]
    return [str(json.loads(call.params["metadata"])["event_payload"]["id"]) for call in calls]


def broken_promises(world: World, posts: list[Post]) -> list[str]:
    """What does not hold of messages, in words."""
    shown = Counter(shown_ids(world))
    rows = {row["id"]: row for row in world.rows("SELECT * FROM messages WHERE type = 'message'")}
    found = [f"{each} was shown {times} times" for each, times in shown.items() if times > 1]
    found += [f"{each} was shown and is no message" for each in shown if each not in rows]
    accepted = {post.id: post for post in posts if post.id}
    found += [f"{each} was accepted and is lost" for each in accepted if each not in rows]
    found += [f"{each} was never asked for" for each in rows if each not in accepted]
    if len({row["internal_message_id"] for row in rows.values()}) != len(rows):
        found.append("two messages for one key")
    for message_id, row in rows.items():
        end = (row["status"], row["reason"], shown[message_id])
        if end not in ENDS:
            found.append(f"{message_id} is {end}")
        if (row["body"] is None) != (row["status"] != "unclear"):
            found.append(f"{message_id} is {row['status']} and its content is {row['body'] and 'there'}")
        post = accepted.get(message_id)
        if post is not None and post.is_canceled and row["status"] != "canceled":
            found.append(f"{message_id} was taken back, and is {row['status']}")
    told = Counter(row["message_id"] for row in world.rows("SELECT message_id FROM host_events WHERE message_id <> ''"))
    return found + [f"{each} is sent and told {told[each]} times" for each in told if told[each] != 1]


ENDS = {
    ("sent", "", 1), ("canceled", "", 0),
    ("unclear", "answer_lost", 0), ("unclear", "answer_lost", 1),
    ("unclear", "interrupted", 0), ("unclear", "interrupted", 1),
}  # fmt: skip
"""Status, reason, and how often Slack has shown it."""


def out_of_order(world: World, posts: list[Post]) -> list[str]:
    """Messages that a host had accepted before another one of the same channel, and that were shown after it."""
    place = {message_id: number for number, message_id in enumerate(shown_ids(world))}
    last: dict[tuple[int, str], Post] = {}
    found = []
    for post in posts:
        if post.id not in place or post.send_at:
            continue
        before = last.get((post.client, post.channel))
        if before is not None and place[before.id] > place[post.id]:
            found.append(f"{post.key} was shown before {before.key}")
        last[post.client, post.channel] = post
    return found


def not_told(world: World) -> list[str]:
    """Messages of which Slack's answer was lost, with whatever it did, and that are not unclear."""
    lost = [call for call in world.slack.calls if call.method == POST and call.fault in LOST]
    ids = [json.loads(call.params["metadata"])["event_payload"]["id"] for call in lost]
    status = {row["id"]: row["status"] for row in world.rows("SELECT id, status FROM messages")}
    return [each for each in ids if status[each] != "unclear"]


@pytest.mark.parametrize(("processes", "between"), [(1, BETWEEN), (1, 0), (3, 0)])
def test_a_thousand_kills_lose_no_message_and_double_none(processes: int, between: int) -> None:
    """Where no time goes by, no lease runs out: what a killed process had is taken over by those that live."""
    runs = RUNS // 3
    with memory_folder() as folder, make_kill_world(folder, processes, between) as kill_world:
        clients = [HostClient(kill_world, number) for number in range(CLIENTS)]
        threads = [threading.Thread(target=each) for each in (kill_world.lose_answers, *(one.run for one in clients))]
        for thread in threads:
            thread.start()
        began = time.monotonic()
        kill_world.kill(runs, SEED, LONGEST)
        seconds = time.monotonic() - began
        kill_world.close()
        for thread in threads:
            thread.join(30)
        finish(kill_world, clients)
        world, told, posts = kill_world.world, kill_world.told, [post for client in clients for post in client.posts]
        states = Counter(row["status"] for row in world.rows("SELECT status FROM messages WHERE type = 'message'"))
        print(f"\n{kill_world.kills} kills of {processes} processes in {seconds:.0f} s, seed {SEED}")
        print(f"  answers: {dict(told.answers)}; {told.cut} requests cut off by a kill")
        print(f"  messages: {dict(states)}; {len(shown_ids(world))} shown by Slack")
        assert broken_promises(world, posts) == []
        assert out_of_order(world, posts) == []
        assert not_told(world) == []
        assert invariants.secrets_in(folder, world.slack.issued_tokens) == []
        log = [json.loads(line) for line in kill_world.log.read_text().splitlines() if line.startswith("{")]
        assert [line for line in log if line["level"] == "bug"] == []
        assert {each for each in told.answers if each.split()[1].startswith("5") and "503" not in each} == set()
        assert states["unclear"] > 0
        assert len(posts) > runs
