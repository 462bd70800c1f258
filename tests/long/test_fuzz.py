"""Hundreds of thousands of requests that nobody should send: the service says no, in one line, and stays as it was."""

import json
import logging
import random
import re
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from slackapp.cli.service import server
from tests.attacks.test_requests import Served, get, serving, status
from tests.long.fuzz import Asked, Fuzz
from tests.support.callback_world import Approved, approved, cookie_of
from tests.support.world import HOST, World, make_world

pytestmark = pytest.mark.long
SEED, SOCKET_SEED = 20_260_101, 20_260_102
IN_PROCESS, OVER_SOCKETS, BATCH = 200_000, 20_000, 1_000
WARM_UP = 10
"""Batches, after which memory must not grow any more."""
MOST_GROWTH = 20 * 1024 * 1024
HEADER = re.compile(r"[\x20-\x7e\xa0-\xff]*")


@dataclass
class Tally:
    """What came of the requests."""

    statuses: Counter[int] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    lines: int = 0

    def read_log(self, world: World) -> None:
        """Every line is one JSON object and nothing went wrong; then the log is emptied."""
        log = world.log.getvalue()
        world.log.seek(0)
        world.log.truncate()
        assert "\r" not in log
        assert log.endswith("\n")
        for line in log.removesuffix("\n").split("\n"):
            assert line.isascii() and line.isprintable()  # noqa: PT018  (hundreds of thousands of them)
            found = json.loads(line)
            assert found["level"] != "bug", line
            if found["event"] == "request":
                self.outcomes[found["outcome"]] += 1
            else:
                self.outcomes[f"{found['event']} {found.get('where', '')}".strip()] += 1
            self.lines += 1

    def say(self, what: str, seed: int, began: float, growth: int) -> None:
        took = time.monotonic() - began
        print(f"\n{sum(self.statuses.values())} requests {what}, seed {seed}, in {took:.0f} s; {self.lines} log lines")
        print("statuses:", dict(sorted(self.statuses.items())))
        print("outcomes:", dict(self.outcomes.most_common()))
        print(f"growth of memory: {growth / 1024 / 1024:.1f} MiB")


def rss() -> int:
    """Bytes of this process in memory."""
    if sys.platform != "linux":
        pytest.skip("memory is read from /proc")
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.fixture
def approved_world(tmp_path: Path) -> Iterator[tuple[World, Approved]]:
    """A world with one installation, and another one under way, which can be finished after all of it."""
    with make_world(tmp_path) as world:
        assert world.browser().install().status == 303
        world.work()
        world.replace_parts(
            is_worker_running=lambda: True
        )  # it does not, so that rows stay; but then nothing here is a 503
        way = approved(world)
        calls = world.calls()
        yield world, way
        assert world.calls() == calls, "nothing made us call Slack"
        assert world.status() == "active"
        assert way.finish().status == 303
        assert world.mention("EvAfterwards").status == 200
        assert world.rows("SELECT 1 FROM inbox WHERE event_id = 'EvAfterwards'")


def ask(world: World, asked: Asked, address: str) -> int:
    """Hands a request to the application as a server would."""
    environ = {"REMOTE_ADDR": address}
    if asked.length is not None:
        environ["CONTENT_LENGTH"] = asked.length
    reply = world.request(asked.method, asked.target, asked.body, asked.headers, environ)
    assert all(HEADER.fullmatch(value) for value in reply.headers.values())
    return reply.status


def test_200_000_changed_requests_in_process(approved_world: tuple[World, Approved]) -> None:
    """I send everything that a program can make of good requests."""
    world, way = approved_world
    pick, tally, began, start = random.Random(SEED), Tally(), time.monotonic(), 0
    fuzz = Fuzz(pick, world.clock, way.state, cookie_of(way.browser).partition("=")[2])
    for batch in range(IN_PROCESS // BATCH):
        if batch == WARM_UP:
            start = rss()
        for _ in range(BATCH):
            tally.statuses[ask(world, fuzz.request(), f"192.0.2.{pick.randrange(256)}")] += 1
        tally.read_log(world)
        world.clock.advance(2)
        assert world.request("GET", "/slack/install").status == 302
        assert world.post_signed(b'{"type": "url_verification", "challenge": "good"}').text == "good"
        tally.read_log(world)
    growth = rss() - start
    tally.say("in process", SEED, began, growth)
    assert max(tally.statuses) < 500
    assert {200, 302, 400, 401, 404, 405, 413, 415} <= set(tally.statuses)
    # What lies behind the signature, the token and the state was reached, and often.
    reached = [
        "json",
        "form",
        "event",
        "media_type",
        "state_malformed",
        "state_forged",
        "browser",
        "query",
        "team_hint",
    ]
    assert min(tally.outcomes[outcome] for outcome in (*reached, "ok", "operator", "signature_stale")) > 200
    assert min(tally.outcomes[outcome] for outcome in ("token_in_query", "code_missing", "state_missing")) > 10
    assert growth < MOST_GROWTH


# Over sockets


BROKEN = [
    b"", b"\r\n", b"\x00", b"GET", b"GET /\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET http://[evil/ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /slack/events HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
    b"POST /slack/events HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /slack/events HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET / HTTP/1.1\r\n folded: x\r\n\r\n",
    b"POST /slack/events HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\nHost: x\n\n\r\n\r\n",
    b"POST /slack/events HTTP/1.1\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
]  # fmt: skip


def wire(fuzz: Fuzz) -> tuple[bytes, bool]:
    """A request as bytes, and whether it is one that a server need not understand."""
    asked, pick = fuzz.request(), fuzz.random
    length = str(len(asked.body)) if asked.length is None else asked.length
    headers = {"Host": HOST, "Content-Length": length, **asked.headers, "Connection": "close"}
    lines = [f"{asked.method} {asked.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    data = "\r\n".join([*lines, "", ""]).encode("latin-1") + asked.body
    if pick.random() < 0.2:
        data = fuzz._bytes(pick.choice(BROKEN) if pick.random() < 0.5 else data)
        return data, True
    return data, False


def exchange(served: Served, data: bytes) -> bytes:
    """The raw answer; b"" where the server closes, or waits for more, without one."""
    found = b""
    with socket.create_connection(served.address, 10) as connection:
        try:
            connection.sendall(data)
            if is_open_ended(data):
                connection.shutdown(socket.SHUT_WR)
            connection.settimeout(1)
            while chunk := connection.recv(65536):
                found += chunk
        except (ConnectionError, TimeoutError):
            pass
    return found


def is_open_ended(data: bytes) -> bool:
    """Whether a server would wait for more."""
    head, end, body = data.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r", head + b"\r")
    return not end or b"chunked" in head or (found is not None and int(found[1]) > len(body))


def one(served: Served, sent: tuple[bytes, bool]) -> tuple[int, bytes]:
    data, broken = sent
    answer = exchange(served, data)
    if broken:
        served.assert_well()
    return status(answer) if answer.startswith(b"HTTP/1.") else -len(answer), data


def test_20_000_changed_requests_over_sockets(approved_world: tuple[World, Approved]) -> None:
    """I send bytes that are no requests, too; what follows on another connection must not suffer from it."""
    world, way = approved_world
    tally, began, start = Tally(), time.monotonic(), 0
    fuzz = Fuzz(random.Random(SOCKET_SEED), world.clock, way.state, cookie_of(way.browser).partition("=")[2])
    logger = logging.getLogger("waitress")
    before = (logger.handlers, logger.propagate, logging.getLogger("waitress.queue").level)
    server._quiet_waitress(world.service.app.log)
    try:
        with serving(world) as served, ThreadPoolExecutor(4) as senders:
            for batch in range(OVER_SOCKETS // BATCH):
                if batch == WARM_UP // 2:
                    start = rss()
                for found, data in senders.map(lambda sent: one(served, sent), [wire(fuzz) for _ in range(BATCH)]):
                    tally.statuses[found] += 1
                    assert 0 <= found < 500 or found == 503 or (found in (501, 505) and is_framing(data)), (found, data)
                tally.read_log(world)
                world.clock.advance(2)
                assert status(served.send(get(b"/slack/install"))) == 302
            growth = rss() - start
    finally:
        logger.handlers, logger.propagate = before[:2]
        logging.getLogger("waitress.queue").setLevel(before[2])
    tally.say("over sockets", SOCKET_SEED, began, growth)
    assert tally.statuses[503] == tally.outcomes["store_busy"], "503 for volume alone"
    assert {0, 200, 302, 400, 401, 404, 405, 413, 415} <= set(tally.statuses)
    assert growth < MOST_GROWTH


def is_framing(data: bytes) -> bool:
    """What the server itself has no way to read."""
    return b"transfer-encoding" in data.lower() or b"HTTP/1.1" not in data
