"""A thousand times kill -9, at random moments, under four clients: nothing that was acknowledged is lost.

The server is the real one, on waitress, with its worker threads and its scheduler. That a killed process leaves a whole
database says nothing about a power failure: what the kernel has taken, it keeps.
"""

import contextlib
import http.client
import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from slackapp.flows.events import inbox_admin
from slackapp.flows.upkeep import interrupted_calls
from slackapp.model import QueueState
from slackapp.store import queue
from tests.cli.behaviours import EVENTS, POST
from tests.long import invariants
from tests.long.killed_servers import KillWorld
from tests.support.client import Reply, request
from tests.support.operator import ACTOR
from tests.support.prepared_world import memory_folder
from tests.support.world import HOST, NORTH, SOUTH, World, make_world

pytestmark = pytest.mark.long
RUNS = int(os.environ.get("SLACKAPP_KILLS", "1000"))
SEED = 20_261_122
CLIENTS = 4
LONGEST = 0.14
"""Seconds from the moment at which the server takes connections to its end, at most."""
BETWEEN = queue.LEASE + 2
"""Seconds by which the clock goes on from one run to the next: the leases of the dead have run out."""
QUIET = "Quiet"
"""How the ids of events begin at which the behaviour makes no call."""
KILLED_TOO_OFTEN = "the process ended in it each time"
NEW = tuple(f"T0KILLS{number:03}" for number in range(40))
CHANGES = {"SLACKAPP_BEHAVIOUR": "tests.cli.behaviours:EVENTS", "SLACKAPP_STATE_LIMIT": "1000000"}


@dataclass
class Acknowledged:
    """What the clients were told; shared by them."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    acknowledged: dict[str, str] = field(default_factory=dict)
    """Event id, and whose event it is."""
    installed: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    cut: int = 0
    """Requests that were under way when the server died."""
    again: list[tuple[str, str]] = field(default_factory=list)
    """Events without an answer, which Slack would send again."""


class EventKills(KillWorld):
    """The servers under events and installs, and what their clients were told."""

    def __init__(self, world: World, processes: int, between: int) -> None:
        super().__init__(world, processes, between, CHANGES)
        self.told = Acknowledged()


class Client:
    """Sends events, and installs now and then; whatever stays without an answer is sent again."""

    def __init__(self, kill_world: EventKills, number: int) -> None:
        self._kill_world = kill_world
        self._number = number
        self._server = kill_world.servers[number % len(kill_world.servers)]
        self._chance = random.Random(SEED + number)
        self._sent = 0

    def run(self) -> None:
        kill_world = self._kill_world
        while not kill_world.over.is_set():
            self._server.up.wait()
            try:
                if self._chance.random() < 0.08:
                    self._install(self._chance.choice(NEW))
                else:
                    self._event(*self._next())
            except (OSError, http.client.HTTPException):
                with kill_world.told.lock:
                    kill_world.told.cut += 1
                time.sleep(0.003)

    def _next(self) -> tuple[str, str]:
        told = self._kill_world.told
        with told.lock:
            if told.again:
                return told.again.pop()
            if told.acknowledged and self._chance.random() < 0.1:
                return self._chance.choice(list(told.acknowledged.items())[-50:])  # Slack repeats what it need not
        self._sent += 1
        kind = QUIET if self._chance.random() < 0.3 else "Ev"
        return f"{kind}{self._number}x{self._sent}", self._chance.choice((NORTH, SOUTH))

    def _event(self, event_id: str, team: str) -> None:
        kill_world, told = self._kill_world, self._kill_world.told
        general = kill_world.world.slack.workspaces[team].general
        said = {} if event_id.startswith(QUIET) else {"say": f"{event_id} {team}"}
        event = {"type": "app_mention", "user": "U0SOMEBODY", "channel": general, **said}
        body = json.dumps(kill_world.world.envelope(event, event_id, team_id=team)).encode()
        headers = {**kill_world.world.sign(body, int(kill_world.now())), "Content-Type": "application/json"}
        try:
            status = self._request("POST", "/slack/events", body, headers).status
        except (OSError, http.client.HTTPException):
            with told.lock:
                told.again.append((event_id, team))
            raise
        with told.lock:
            told.answers[f"event {status}"] += 1
            if status == 200:
                told.acknowledged[event_id] = team
            else:
                told.again.append((event_id, team))

    def _install(self, team: str) -> None:
        begun = self._request("GET", "/slack/install", b"", {})
        told = self._kill_world.told
        if begun.status != 302:
            with told.lock:
                told.answers[f"install {begun.status}"] += 1
            return
        back = urlsplit(self._kill_world.world.browser().consent(begun, team).location)
        cookie = begun.headers["set-cookie"].partition(";")[0]
        status = self._request("GET", f"{back.path}?{back.query}", b"", {"Cookie": cookie}).status
        with told.lock:
            told.answers[f"callback {status}"] += 1
            told.installed[team] += status == 303

    def _request(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        return request(method, f"http://127.0.0.1:{self._server.port}{path}", body, {"Host": HOST, **headers}, 5)


@contextlib.contextmanager
def make_kill_world(folder: Path, processes: int, between: int) -> Iterator[EventKills]:
    with make_world(folder, rotation=False, **CHANGES) as world:
        world.slack.probe = None  # one more writer; the client itself refuses to call in a transaction
        for team in NEW:
            world.slack.add_workspace(team, f"Kills {team[-3:]}")
        for team in (NORTH, SOUTH):
            assert world.browser().install(team).status == 303
            world.slack.mention(team, "come in")
        world.work()
        world.slack.called.clear()
        world.service.stop()
        kill_world = EventKills(world, processes, between)
        try:
            yield kill_world
        finally:
            kill_world.close()


def finish(kill_world: EventKills) -> int:
    """A last process, which nobody kills, does what is left; an operator repeats what was killed too often.

    A row in which the process has ended six times is put aside, for it may be the reason. It is not lost: nothing was
    called, and whoever asks for it again gets it done once. Returns how many there were.
    """
    world = kill_world.world
    kill_world.ahead += 10 * BETWEEN
    world.clock.now = int(kill_world.now())
    world.restart()
    world.replace_parts(behaviour=EVENTS)
    app = world.service.app
    interrupted_calls.mark_unclear(app, world.clock.now)
    world.work()
    put_aside = [
        row for row in inbox_admin.list_rows(app, None, QueueState.DEAD, 1000)[0] if row.result == KILLED_TOO_OFTEN
    ]
    for entry in put_aside:
        assert inbox_admin.retry(app, entry, ACTOR)
    world.work()
    return len(put_aside)


def broken_promises(kill_world: EventKills) -> list[str]:
    world, told = kill_world.world, kill_world.told
    rows = {row["event_id"]: row for row in world.rows("SELECT * FROM inbox WHERE type = 'app_mention'")}
    posts: Counter[str] = Counter()
    found = []
    for team in (NORTH, SOUTH, *NEW):
        for message in world.slack.messages(team):
            said, _, whose = str(message["text"]).partition(" ")
            posts[said] += 1
            if whose != team:
                found.append(f"{said} of {whose} was answered in {team}")
    for event_id, team in told.acknowledged.items():
        if event_id not in rows:
            found.append(f"{event_id} was acknowledged and is lost")
        elif rows[event_id]["tenant_id"] != team:
            found.append(f"{event_id} of {team} is a row of {rows[event_id]['tenant_id']}")
    for event_id, row in rows.items():
        ends = {("done", 0)} if event_id.startswith(QUIET) else {("done", 1), ("unclear", 0), ("unclear", 1)}
        if (row["state"], posts[event_id]) not in ends:
            found.append(f"{event_id} is {row['state']} ({row['result']}) with {posts[event_id]} posts")
        if (row["body"] is None) != (row["state"] == "done"):
            found.append(f"{event_id} is {row['state']} and its body is {row['body'] and 'there'}")
    found += [f"{event_id}: {number} posts" for event_id, number in posts.items() if number > 1]
    unclear = Counter(row["request_id"] for row in world.rows("SELECT * FROM audit WHERE event = 'event.unclear'"))
    found += [f"{event_id}: unclear {number} times" for event_id, number in unclear.items() if number > 1]
    shown = {event_id for event_id, row in rows.items() if row["state"] == "unclear"}
    if set(unclear) & set(rows) != shown:
        found.append(f"unclear rows and their audit differ: {set(unclear) ^ shown}")
    found += [f"{team}: installed, and not there" for team in told.installed if world.status(team) != "active"]
    return found


def half_installs(world: World) -> list[str]:
    sql = """
        SELECT tenant_id FROM installations AS i
         WHERE (SELECT count(*) FROM tokens AS t WHERE t.tenant_id = i.tenant_id) <> 1
            OR (SELECT count(*) FROM data_keys AS k WHERE k.tenant_id = i.tenant_id AND k.state = 'active') <> 4
            OR (SELECT count(*) FROM installers AS p WHERE p.tenant_id = i.tenant_id) <> 1"""
    return [f"{row[0]}: half an install" for row in world.rows(sql)]


@pytest.mark.parametrize(("processes", "between"), [(1, BETWEEN), (1, 0), (2, 0), (3, 0)])
def test_a_thousand_kills_lose_nothing_repeat_nothing_and_cross_nothing(processes: int, between: int) -> None:
    """Where no time goes by, no lease runs out: what a killed process had is taken over by those that live."""
    runs = RUNS // 4
    with memory_folder() as folder, make_kill_world(folder, processes, between) as kill_world:
        clients = [threading.Thread(target=Client(kill_world, number).run) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        began = time.monotonic()
        kill_world.kill(runs, SEED, LONGEST)
        seconds = time.monotonic() - began
        kill_world.close()
        for client in clients:
            client.join(30)
        put_aside = finish(kill_world)
        _print(kill_world, seconds, put_aside)
        world, told = kill_world.world, kill_world.told
        assert broken_promises(kill_world) == []
        assert half_installs(world) == []
        assert invariants.violations(world, in_parts=True) == []
        assert invariants.secrets_in(folder, world.slack.issued_tokens) == []
        log = [json.loads(line) for line in kill_world.log.read_text().splitlines() if line.startswith("{")]
        assert [line for line in log if line["level"] == "bug"] == []
        assert {answer for answer in told.answers if answer[-3] == "5" and not answer.endswith("503")} == set()
        assert len(told.acknowledged) > runs
        assert told.cut > runs / 2, "most kills hit requests that were under way"


def _print(kill_world: EventKills, seconds: float, put_aside: int) -> None:
    world, told = kill_world.world, kill_world.told
    states: Any = Counter(row["state"] for row in world.rows("SELECT state FROM inbox WHERE type = 'app_mention'"))
    posts = sum(len(world.slack.messages(team)) for team in (NORTH, SOUTH))
    told, processes = kill_world.told, len(kill_world.servers)
    print(f"\n{kill_world.kills} kills of {processes} processes in {seconds:.0f} s, seed {SEED}, {CLIENTS} clients")
    left = len(list(world.folder.glob("*.process-*")))
    again = world.rows("SELECT count(*) FROM inbox WHERE attempts > 1")[0][0]
    print(f"  {left} lock files of processes are left; {again} rows had more than one attempt, {put_aside} too many")
    print(f"  answers: {dict(told.answers)}; {told.cut} requests cut off by a kill")
    print(f"  {len(told.acknowledged)} events acknowledged; rows: {dict(states)}; {posts} calls of {POST}")
    longest = max(kill_world.restarts[processes:])
    print(f"  tenants installed on the way: {len(told.installed)}; restart at most {longest:.2f} s")
