"""Eight clients of one server, each with one connection and one request after the other, for so many seconds.

Takes one argument, JSON; prints what was answered, how long each event's acknowledgement took, and which were given.
"""

import hashlib
import hmac
import http.client
import json
import random
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from slackapp.app import REQUEST_THREADS
from tests.support.client import post_form
from tests.support.world import APP_ID, HOST, SIGNING_SECRET


@dataclass(frozen=True)
class Load:
    """`tenants` are those whose events are sent, with their channels; `new` are installed into."""

    name: str
    port: int
    slack: str
    threads: int
    seconds: float
    tenants: dict[str, str]
    new: list[str]


@dataclass
class Sent:
    """What came of it."""

    answers: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    acknowledged: dict[str, str] = field(default_factory=dict)


class Client:
    """Three of four requests are events; the others begin or finish an install, or look at how the service is."""

    def __init__(self, load: Load, number: int, sent: Sent, lock: threading.Lock, places: threading.Semaphore) -> None:
        self._places = places
        self._load = load
        self._name = f"{load.name}x{number}"
        self._chance = random.Random(self._name)
        self._sent = sent
        self._lock = lock
        self._connection = http.client.HTTPConnection("127.0.0.1", load.port, timeout=30)
        self._count = 0

    def run(self) -> None:
        end = time.monotonic() + self._load.seconds
        while time.monotonic() < end:
            draw = self._chance.random()
            if draw < 0.8:
                self._event()
            elif draw < 0.83:
                self._install()
            elif draw < 0.9:
                self._told("begin", self._get("/slack/install")[0])
            else:
                self._told("readyz", self._get("/readyz")[0])

    def _told(self, what: str, status: int) -> None:
        with self._lock:
            self._sent.answers[f"{what} {status}"] += 1

    def _event(self) -> None:
        self._count += 1
        event_id, team = f"Ev{self._name}x{self._count}", self._chance.choice(list(self._load.tenants))
        said = {"type": "app_mention", "user": "U0SOMEBODY", "channel": self._load.tenants[team], "ts": "1.2"}
        if self._count % 10 == 0:
            said["say"] = event_id  # and one call to Slack for every tenth
        stamp = str(int(time.time()))
        whole = {"type": "event_callback", "api_app_id": APP_ID, "team_id": team, "event": said, "event_id": event_id}
        body = json.dumps({**whole, "event_time": int(stamp)}).encode()
        digest = hmac.new(SIGNING_SECRET.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        signed = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}
        began = time.monotonic()
        status, _ = self._request("POST", "/slack/events", body, {**signed, "Content-Type": "application/json"})
        took = time.monotonic() - began
        with self._lock:
            self._sent.answers[f"event {status}"] += 1
            self._sent.seconds.append(took)
            if status == 200:
                self._sent.acknowledged[event_id] = team

    def _install(self) -> None:
        with self._places:
            self._install_in_turn()

    def _install_in_turn(self) -> None:
        status, headers = self._get("/slack/install")
        self._told("begin", status)
        if status != 302:
            return  # it is told, and the one who reads it judges
        query = {name: values[0] for name, values in parse_qs(urlsplit(headers["location"]).query).items()}
        form = {**query, "target": self._chance.choice(self._load.new), "user": "admin", "decision": "approve"}
        back = urlsplit(post_form(f"{self._load.slack}/oauth/v2/authorize", form, timeout=30).location)
        cookie = headers["set-cookie"].partition(";")[0]
        status, _ = self._request("GET", f"{back.path}?{back.query}", b"", {"Cookie": cookie})
        self._told("callback", status)

    def _get(self, path: str) -> tuple[int, dict[str, str]]:
        return self._request("GET", path, b"", {})

    def _request(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
        self._connection.request(method, path, body or None, {"Host": HOST, **headers})
        answer = self._connection.getresponse()
        answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}


def main() -> None:
    """One load."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    load, sent, lock = Load(**given), Sent(), threading.Lock()
    # All of these clients have one address, which may finish so many installs at a time: half of the places.
    places = threading.Semaphore(REQUEST_THREADS // 4)
    clients = [Client(load, number, sent, lock, places) for number in range(load.threads)]
    threads = [threading.Thread(target=client.run) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(vars(sent)))


if __name__ == "__main__":
    main()
