"""Two hundred workspaces whose tokens are due at the same moment, and the processes that all want them."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from slackapp.flows.audit import verify_audit
from tests.long import invariants
from tests.long.storm_child import SERVED, Order, StormReport, seed_of
from tests.support.prepared_world import Prepared, snapshot_world
from tests.support.servers import serve
from tests.support.world import World, environment, make_world

ROOT = Path(__file__).resolve().parents[2]
TENANTS = tuple(f"T0STORM{number:03}" for number in range(200))
REFRESH, ASK = "oauth.v2.access", "auth.test"
LIFE = 43_200
SERVERS = {"threads": 16, "connection_limit": 1000, "backlog": 1024}
"""Slack keeps up."""


@dataclass(frozen=True)
class Storm:
    """How many processes do what, with how many threads, and how often each."""

    what: str
    processes: int
    threads: int = 1
    uses: int = 1
    tenants: Sequence[str] = TENANTS


@dataclass(frozen=True)
class StormResult:
    """What came of a storm, over all processes."""

    storm: Storm
    seconds: float
    told: list[StormReport]

    @property
    def outcomes(self) -> Counter[str]:
        return sum((Counter(told.outcomes) for told in self.told), Counter())

    @property
    def failures(self) -> dict[str, int]:
        """All that was not served, and how often."""
        return {outcome: number for outcome, number in self.outcomes.items() if outcome != SERVED}

    @property
    def waits(self) -> list[float]:
        """How long those waited that were refused, once, because of another one's refresh."""
        return [wait for told in self.told for wait in told.waits]

    @property
    def bolt_tokens(self) -> list[str]:
        return [token for told in self.told for token in told.bolt_tokens]

    def print_figures(self, name: str, world: World) -> None:
        storm, seconds = self.storm, sorted(second for told in self.told for second in told.seconds) or [0.0]
        seeds = sorted({seed_of(process, thread) for process in range(storm.processes) for thread in range(2)})
        print(f"\n{name}: {storm.processes} processes of {storm.threads} threads, {len(storm.tenants)} tenants")
        print(f"  {dict(self.outcomes)}; refused once, and tried a second time: {len(self.waits)}")
        print(f"  at Slack: {dict(Counter(call.method for call in world.slack.calls))}; {self.seconds:.1f} s")
        print(f"  a use: median {seconds[len(seconds) // 2]:.2f} s, slowest {seconds[-1]:.2f} s; seeds {seeds}, …")


@contextlib.contextmanager
def installed(folder: Path) -> Iterator[Prepared]:
    """All of them, each installed as a user does it; of use again after each storm."""
    with make_world(folder) as world:
        # The probe of other tests would be one more writer here. The client itself refuses to call in a transaction.
        world.slack.probe = None
        for tenant in TENANTS:
            world.slack.add_workspace(tenant, f"Storm {tenant[-3:]}")
            assert world.browser().install(tenant).status == 303
        yield snapshot_world(world)


def beginning(before: Prepared, advance: int) -> World:
    """As it was, so many seconds later."""
    world = before.reset()
    with world.slack.lock:
        world.slack._rebuild_accounts()
    world.clock.advance(advance)
    world.service.stop()
    return world


def run_storm(world: World, storm: Storm) -> StormResult:
    """All processes begin at the same moment; until the last has ended."""
    with serve(world.slack, **SERVERS) as url, contextlib.ExitStack() as stack:  # type: ignore[arg-type]
        crews = [stack.enter_context(_crew(order)) for order in _orders(world, storm, url)]
        for crew in crews:
            assert crew.stdout is not None
            assert crew.stdout.readline() == "ready\n"
        began = time.monotonic()
        for crew in crews:
            assert crew.stdin is not None
            crew.stdin.write("go\n")
            crew.stdin.flush()
        outputs = [crew.communicate(timeout=300)[0] for crew in crews]
        seconds = time.monotonic() - began
        assert [crew.returncode for crew in crews] == [0] * len(crews)
    world.restart()
    return StormResult(storm, seconds, [StormReport(**json.loads(output)) for output in outputs])


def _orders(world: World, storm: Storm, url: str) -> list[Order]:
    given, now = environment(world.folder, url), world.clock.now
    return [
        Order(storm.what, number, storm.threads, storm.uses, list(storm.tenants), given, now)
        for number in range(storm.processes)
    ]


@contextlib.contextmanager
def _crew(order: Order) -> Iterator[subprocess.Popen[str]]:
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command, pipe = [sys.executable, "-m", "tests.long.storm_child"], subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=bare, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps(asdict(order)) + "\n")
            process.stdin.flush()
            yield process
        finally:
            process.kill()


def assert_refreshed_once(world: World, storm: Storm) -> None:
    """Each tenant once, by one call; its new pair is stored, and works; nothing is left of the race."""
    assert [call.error for call in world.slack.calls if not call.ok] == []
    calls = Counter(call.team for call in world.slack.calls if call.method == REFRESH)
    assert calls == Counter(storm.tenants)
    found = {pair.token.tenant.id: pair for pair in invariants.pairs(world) if pair.token.tenant.id in storm.tenants}
    assert [tenant for tenant, pair in found.items() if not pair.is_fresh] == []
    rows = world.rows("SELECT tenant_id, generation, status, lease_owner, lease_until FROM tokens")
    kept = {tuple(row)[1:] for row in rows if row["tenant_id"] in storm.tenants}
    assert (len(found), kept) == (len(storm.tenants), {(2, "live", "", 0)})
    events = Counter(world.audit())
    assert (events["token.refreshed"], events["token.refresh_failed"]) == (len(storm.tenants), 0)
    assert verify_audit.run(world.service.app, None)[1] == []
    assert world.service.app.db.is_sound(thorough=True)
    assert invariants.secrets_in(world.folder, world.slack.issued_tokens) == []
