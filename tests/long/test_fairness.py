"""One tenant's slow rows, for real: how long the others' wait, and whether all threads are used."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from slackapp.behaviour import Context
from slackapp.store import inbox
from tests.support.world import NORTH, SOUTH, World, make_world

pytestmark = pytest.mark.long
SLOW = 0.5
"""Seconds that one slow call takes."""
TIMEOUT = 60.0
WORKERS, MAX_PER_TENANT = inbox.QUEUE.threads, inbox.QUEUE.max_per_tenant


class Watch:
    """When each row began and ended, and how many of a tenant ran at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.began: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self.at_a_time: dict[str, int] = {}
        self._now: dict[str, int] = {}

    def act(self, context: Context, event: Mapping[str, Any]) -> None:
        """A behaviour that takes as long as the event says."""
        whose = context.tenant.id
        with self.lock:
            self.began[event["name"]] = time.monotonic()
            self._now[whose] = self._now.get(whose, 0) + 1
            self.at_a_time[whose] = max(self.at_a_time.get(whose, 0), self._now[whose])
        time.sleep(event["takes"])
        with self.lock:
            self._now[whose] -= 1
            self.ended[event["name"]] = time.monotonic()

    def wait(self, number: int) -> None:
        """Until so many have ended."""
        end = time.monotonic() + TIMEOUT
        while len(self.ended) < number:
            assert time.monotonic() < end, f"{len(self.ended)} of {number} rows have ended"
            time.sleep(0.005)


def send(world: World, name: str, tenant: str, takes: float) -> None:
    event = {"type": "app_mention", "user": "U0SOMEBODY", "name": name, "takes": takes}
    assert world.event(event, f"Ev{name}", team_id=tenant).status == 200


def test_thirty_two_slow_events_of_one_tenant_delay_anothers_by_no_more_than_one_slow_call(tmp_path: Path) -> None:
    with make_world(tmp_path) as world:
        for tenant in (NORTH, SOUTH):
            assert world.browser().install(tenant).status == 303
        world.work()
        watch = Watch()
        world.replace_parts(behaviour={"app_mention": watch.act})
        world.service.start()
        for number in range(32):
            send(world, f"Slow{number}", NORTH, SLOW)
        waited = []
        for number in range(8):
            time.sleep(SLOW / 3)
            sent = time.monotonic()
            send(world, f"Quick{number}", SOUTH, 0)
            while f"Quick{number}" not in watch.ended:
                assert time.monotonic() < sent + TIMEOUT
                time.sleep(0.005)
            waited.append(watch.began[f"Quick{number}"] - sent)
        print(f"another tenant's rows waited for {max(waited) * 1000:.0f} ms; a slow call takes {SLOW * 1000:.0f} ms")
        assert max(waited) < SLOW
        watch.wait(40)
        assert watch.at_a_time[NORTH] == MAX_PER_TENANT


def test_the_rows_of_many_tenants_use_all_threads(tmp_path: Path) -> None:
    with make_world(tmp_path) as world:
        tenants = [f"T0MANY{number:04}" for number in range(32)]
        for tenant in tenants:
            world.slack.add_workspace(tenant, tenant)
            assert world.browser().install(tenant).status == 303
        world.work()
        watch = Watch()
        world.replace_parts(behaviour={"app_mention": watch.act})
        for number, tenant in enumerate(tenants):
            send(world, f"Slow{number}", tenant, SLOW / 5)
        began = time.monotonic()
        world.service.start()
        watch.wait(32)
        took = max(watch.ended.values()) - began
        least = 32 * SLOW / 5 / WORKERS
        print(f"32 rows of {SLOW * 200:.0f} ms took {took:.2f} s; {WORKERS} threads need {least:.2f} s at least")
        assert took < 32 * SLOW / 5 / MAX_PER_TENANT
