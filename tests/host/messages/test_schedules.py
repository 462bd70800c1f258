"""Whatever happens in whichever order, Slack's own list of its calls shows each message once, and in its order."""

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from slackapp.flows.events import run_event
from slackapp.flows.upkeep import interrupted_calls
from slackapp.host.flows import freeze_organization
from slackapp.localslack.model import Fault
from slackapp.model import Actor, ActorKind
from slackapp.store import queue
from tests.support.client import Reply
from tests.support.connected import ACME
from tests.support.host_world import Host
from tests.support.posting import MESSAGES, join, look, post, send_due
from tests.support.world import World

POST = "chat.postMessage"
STEPS = 70
THE_HOST = Actor(ActorKind.HOST, "r1", organization=ACME)
FAULTS = ("lost_answer", "late500", "html500", "cut", "ratelimited")


class KilledError(BaseException):
    """The end of the process, just there."""


def die(*_: Any, **__: Any) -> None:
    raise KilledError


@dataclass
class Schedule:
    """One random course of events. `asked` is how often somebody has said that a message goes out."""

    world: World
    host: Host
    patch: pytest.MonkeyPatch
    chance: random.Random
    channels: list[str]
    keys: dict[str, str] = field(default_factory=dict)
    in_order: dict[str, list[str]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    settled: set[str] = field(default_factory=set)
    taken_back: set[str] = field(default_factory=set)

    def accept(self) -> None:
        key, channel = f"k{len(self.keys)}", self.chance.choice(self.channels)
        body = {"text": key, "channel": channel}
        if self.chance.random() < 0.2:
            at = self.world.clock.now + self.chance.randrange(1, 200)
            body["sendAt"] = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        replies = [post(self.host, body, key) for _ in range(self.chance.randrange(1, 3))]
        assert {reply.status for reply in replies} <= {202, 409, 503}, replies[0].text
        if replies[0].status == 202:
            assert replies[0].json == replies[-1].json
            self.keys[key] = message_id = str(replies[0].json["id"])
            self.asked[message_id] += 1
            if "sendAt" not in body:
                self.in_order.setdefault(channel, []).append(message_id)

    def repeat(self) -> None:
        """Without the body that it came with, it is refused, and nothing is sent."""
        if self.keys:
            key = self.chance.choice(list(self.keys))
            assert post(self.host, {"text": "another", "channel": self.channels[0]}, key).status == 422

    def take_back(self) -> None:
        message_id = self._any()
        if message_id is not None:
            reply = self._call("DELETE", message_id)
            if reply.status == 202 and reply.json["status"] == "canceled":
                self.taken_back.add(message_id)

    def edit(self) -> None:
        message_id = self._any()
        if message_id is not None:
            self._call("PATCH", message_id, {"text": "edited"})

    def settle(self) -> None:
        message_id = self._any()
        if message_id is not None and look(self.host, message_id)["status"] == "unclear":
            outcome = self.chance.choice(("sent", "dropped", "again"))
            reply = self.host.of().post(f"{MESSAGES}/{message_id}/settlement", {"outcome": outcome})
            if reply.status == 200:
                self.asked[message_id] += outcome == "again"
                self.settled.add(message_id)

    def send(self) -> None:
        send_due(self.world)

    def wait(self) -> None:
        self.world.clock.advance(self.chance.choice((1, 1, 2, 30)))
        send_due(self.world)

    def go_wrong(self) -> None:
        """Slack does, at the next call."""
        self.world.slack.faults.add(Fault(POST, self.chance.choice(FAULTS), retry_after=self.chance.randrange(1, 40)))
        send_due(self.world)

    def kill(self) -> None:
        """The process dies after the next call, or before it; another one takes over when its lease has run out."""
        with self.patch.context() as patched:
            patched.setattr(run_event, "_failed", die)
            patched.setattr(queue, self.chance.choice(("finish", "note_intent")), die)
            try:
                send_due(self.world)
            except KilledError:
                self.world.clock.advance(queue.LEASE + 1)
        interrupted_calls.mark_unclear(self.world.service.app, self.world.clock())

    def freeze(self) -> None:
        app, now = self.world.service.app, self.world.clock()
        freeze_organization.run(app, ACME, THE_HOST, now)
        self.sweep()
        send_due(self.world)
        freeze_organization.end(app, ACME, THE_HOST, now)

    def sweep(self) -> None:
        app = self.world.service.app
        for circle in app.circles:
            circle.sweep(app, self.world.clock())

    def finish(self) -> None:
        self.world.slack.faults.clear()
        waiting = "SELECT 1 FROM messages WHERE status IN ('scheduled', 'queued', 'sending', 'parked')"
        for _ in range(400):
            if not self.world.rows(waiting):
                return
            self.sweep()
            send_due(self.world)
            self.world.clock.advance(1)
        raise AssertionError(list(map(tuple, self.world.rows("SELECT id, status, reason FROM messages"))))

    def _any(self) -> str | None:
        return self.chance.choice(list(self.keys.values())) if self.keys else None

    def _call(self, method: str, message_id: str, body: Any = None) -> Reply:
        reply = self.host.of().call(method, f"{MESSAGES}/{message_id}", body)
        assert reply.status in (202, 400, 409, 503), reply.text
        return reply


ACTS = [
    Schedule.accept, Schedule.accept, Schedule.accept, Schedule.accept, Schedule.send, Schedule.wait, Schedule.wait,
    Schedule.take_back, Schedule.edit, Schedule.settle, Schedule.go_wrong, Schedule.go_wrong, Schedule.kill,
    Schedule.freeze, Schedule.sweep, Schedule.repeat,
]  # fmt: skip


@pytest.mark.claim("C-246", "C-247", "C-257")
@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_each_message_is_shown_once_in_its_order_or_said_to_be_unclear(
    world: World, host: Host, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    (private,) = join(world, "private")
    team = world.slack.workspaces["T0NORTH001"]
    schedule = Schedule(world, host, monkeypatch, random.Random(seed), [team.general, team.random, private])
    for _ in range(STEPS):
        schedule.chance.choice(ACTS)(schedule)
    schedule.finish()
    calls = [call for call in world.slack.calls if call.method == POST and call.ok and call.params.get("metadata")]
    order = [str(json.loads(call.params["metadata"])["event_payload"]["id"]) for call in calls]
    shown = Counter(order)
    rows = {row["id"]: row for row in world.rows("SELECT * FROM messages WHERE type = 'message'")}
    assert rows.keys() == set(schedule.keys.values())
    told = Counter(row["message_id"] for row in world.rows("SELECT * FROM host_events WHERE type = 'message.sent'"))
    for message_id, row in rows.items():
        status, times = row["status"], shown[message_id]
        assert times <= schedule.asked[message_id], "unasked"
        assert status in ("sent", "unclear", "canceled", "failed"), status
        assert (status == "canceled") == (message_id in schedule.taken_back)
        assert status != "canceled" or not times or message_id in schedule.settled
        assert status != "sent" or times or message_id in schedule.settled
        assert status != "failed" or message_id in schedule.settled, row["reason"]
        assert told[message_id] == (status == "sent")
        assert (row["body"] is None) == (status != "unclear")
    for accepted in schedule.in_order.values():
        single = [each for each in accepted if shown[each] == 1 and schedule.asked[each] == 1]
        assert sorted(single, key=order.index) == single
