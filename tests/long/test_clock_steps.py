"""The wall clock is set a day forward and a day back, again and again, while the service works: nothing is run twice,
nothing waits for the wrong day, and nothing is forgotten that Slack may repeat."""

import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from slackapp.behaviour import Context
from slackapp.errors import SlackCallError, SlackErrorKind
from slackapp.store import inbox
from slackapp.workers.scheduler import DAY, MINUTE
from tests.support.world import NORTH, SOUTH, World, make_world

pytestmark = pytest.mark.long
TENANTS = (NORTH, SOUTH)


def upkeep(world: World) -> None:
    world.service.local_scheduler.run_due(world.service.app)
    world.service.remote_scheduler.run_due(world.service.app)


@pytest.mark.parametrize("seed", range(6))
def test_a_clock_that_is_set_all_the_time_runs_nothing_twice_and_leaves_nothing_waiting(
    tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    ran: Counter[str] = Counter()

    def act(context: Context, event: Mapping[str, Any]) -> None:
        if dice.random() < 0.2:
            raise ValueError  # it is postponed
        if dice.random() < 0.1:
            raise SlackCallError("chat.postMessage", "ratelimited", SlackErrorKind.RATE_LIMITED, retry_after=60)
        ran[event["name"]] += 1

    with make_world(tmp_path) as world:
        for tenant in TENANTS:
            assert world.browser().install(tenant).status == 303
        world.work()
        world.replace_parts(behaviour={"app_mention": act})
        sent = 0
        for _ in range(250):
            deed = dice.randrange(6)
            if deed == 0:
                event = {"type": "app_mention", "user": "U0SOMEBODY", "name": str(sent)}
                assert world.event(event, f"Ev{sent}", team_id=TENANTS[sent % 2]).status == 200
                sent += 1
            elif deed == 1 and sent:
                name = str(dice.randrange(max(0, sent - 5), sent))  # what Slack repeats
                event = {"type": "app_mention", "user": "U0SOMEBODY", "name": name}
                assert world.event(event, f"Ev{name}", team_id=TENANTS[int(name) % 2]).status == 200
            elif deed == 2:
                world.clock.set(dice.choice((-3 * DAY, -DAY, -3600, 3600, DAY, 3 * DAY)))
                world.service.local_scheduler.run_due(world.service.app)  # which looks at it every second
            elif deed == 3:
                upkeep(world)
            else:
                world.clock.advance(dice.choice((1, 20, MINUTE, 600)))
                world.work()
        world.clock.set(-DAY)
        upkeep(world)
        for _ in range(12):
            world.clock.advance(inbox.QUEUE.max_wait // 12)
            world.work()
            upkeep(world)
        states = Counter(row["state"] for row in world.rows("SELECT state FROM inbox WHERE kind = 'event'"))
        assert set(states) <= {"done", "dead"}, "nothing waits for another day"
        assert max(ran.values()) == 1
        assert len(ran) == sent - states["dead"]
        tokens = world.rows("SELECT issued_at, due_at, status, lease_until FROM tokens")
        assert all(token["issued_at"] <= world.clock() + MINUTE and token["status"] == "live" for token in tokens)
        assert all(token["due_at"] <= world.clock() + DAY // 2 for token in tokens)
        checks = [row[0] for row in world.rows("SELECT check_begun_at FROM installations")]
        assert all(begun <= world.clock() + MINUTE for begun in checks)
        print(f"{sent} events, {dict(states)}")
