"""Tens of thousands of requests to the host side that nobody should send: each gets its answer, in its form."""

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.host.answers import CODES
from slackapp.host.checks.form_token import make_form_token
from slackapp.model import HOST_CALLBACK_PATH
from tests.long.host_fuzz import HostFuzz
from tests.support.callback_world import approved, cookie_of
from tests.support.connecting import Person
from tests.support.host_world import Host, connect, make_host_world
from tests.support.world import World

pytestmark = pytest.mark.long
SEED, REQUESTS, BATCH = 20_260_103, 40_000, 500


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    rates = {"SLACKAPP_HOST_RATE_PER_MINUTE": "100000"}
    with make_host_world(tmp_path, **rates, SLACKAPP_STATE_LIMIT="10000") as made:
        connect(made, Host(made))
        yield made


def test_40_000_changed_requests(world: World) -> None:
    """I have a host key, and send everything that a program can make of good requests."""
    way, person = approved(world), Person(world, world.browser())
    host, began = Host(world), time.monotonic()
    ticket = host.post("slack/sessions", {"memberId": "cyd", "role": "admin"}).json["ticket"]
    assert person.post("/settings/session", {"ticket": ticket}, world.settings.host_url).status == 303
    session = cookie_of(person.browser).partition("=")[2]
    fuzz = HostFuzz(random.Random(SEED), world.clock, way.state, "", 0, session, make_form_token(session))
    statuses, outcomes, codes = Counter[int](), Counter[str](), Counter[str]()
    for number in range(REQUESTS):
        asked = fuzz.request()
        environ = {"CONTENT_LENGTH": asked.length} if asked.length is not None else {}
        reply = world.request(asked.method, asked.target, asked.body, asked.headers, environ)
        statuses[reply.status] += 1
        if asked.target.startswith("/api/") and reply.status >= 400 and asked.method != "HEAD":
            if reply.headers["content-type"].startswith("text/html"):
                assert asked.target.partition("?")[0] == HOST_CALLBACK_PATH, asked
            else:
                codes[reply.json["code"]] += 1
                assert CODES[reply.json["code"]] == reply.status == reply.json["status"], asked
        assert reply.status < 500, asked
        if number % BATCH == BATCH - 1:
            for line in world.log.getvalue().splitlines():
                told = json.loads(line)
                assert told["level"] != "bug", line
                outcomes[told.get("outcome", told["event"])] += 1
            world.log.seek(0)
            world.log.truncate()
            world.clock.advance(2)
            assert Host(world).call("DELETE", "slack/freeze").status == 200
    print(f"\n{REQUESTS} requests, seed {SEED}, in {time.monotonic() - began:.0f} s")
    print("statuses:", dict(sorted(statuses.items())))
    print("codes:", dict(codes.most_common()))
    print("outcomes:", dict(outcomes.most_common()))
    assert {200, 302, 400, 401, 403, 404, 405, 409, 415} <= set(statuses)
    assert codes.keys() >= {"BAD_REQUEST", "UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "INTEGRATION_INACTIVE"}
    assert way.finish().status in (303, 302), "the public install that was under way"
