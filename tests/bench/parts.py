"""Parts, timed in this process: ours and Bolt's in turn, so that what disturbs the machine disturbs both."""

import io
import itertools
import json
import os
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from slack_sdk.oauth.installation_store import InstallationStore
from slack_sdk.oauth.installation_store.sqlite3 import SQLite3InstallationStore
from slack_sdk.oauth.state_store.sqlite3 import SQLite3OAuthStateStore

from slackapp.app import Service, build, system_clock, system_entropy
from slackapp.bolt.stores import EncryptedInstallationStore
from slackapp.checks import state_token
from slackapp.checks.state_token import IssuedState
from slackapp.config import settings as config
from slackapp.flows.install import new_state, store_grant
from slackapp.model import StateBinding, StatePurpose
from slackapp.store import oauth_states
from tests.bench import world
from tests.bench.targets import MANY
from tests.support.world import APP_ID, environment

BINDING = StateBinding(StatePurpose.INSTALL, bytes(32))
BATCHES, CALLS = 8, 40
THREADS = 16
Act = Callable[[], object]


def timed(acts: Mapping[str, Act], order: random.Random) -> dict[str, dict[str, float]]:
    """Seconds for one, the median of all; and the processor's seconds, of all threads of the process."""
    took: dict[str, list[float]] = {name: [] for name in acts}
    used = dict.fromkeys(acts, 0.0)
    for act in acts.values():
        for _ in range(CALLS):  # warm
            act()
    for _ in range(BATCHES):
        for name in order.sample(sorted(acts), len(acts)):
            before = time.process_time()
            for _ in range(CALLS):
                begun = time.perf_counter()
                acts[name]()
                took[name].append(time.perf_counter() - begun)
            used[name] += time.process_time() - before
    return {
        name: {"took": statistics.median(each), "cpu": used[name] / (CALLS * BATCHES)} for name, each in took.items()
    }


def at_once(act: Act, seconds: float) -> dict[str, float]:
    """How often a second, from so many threads."""
    counts: list[int] = []
    begun = time.perf_counter()

    def loop() -> None:
        count = 0
        while time.perf_counter() < begun + seconds:
            act()
            count += 1
        counts.append(count)

    threads = [threading.Thread(target=loop) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(counts) != THREADS:
        raise AssertionError("a thread failed")
    return {"rate": sum(counts) / (time.perf_counter() - begun)}


def flush(folder: Path, appends: bool) -> Act:
    """What every durable commit waits for at least: 4 KiB on the disk. It differs a thousandfold between machines."""
    file = os.open(folder / f"flush-{appends}", os.O_CREAT | os.O_WRONLY, 0o600)
    page = bytes(4096)

    def act() -> None:
        os.pwrite(file, page, 0) if not appends else os.write(file, page)
        os.fdatasync(file)

    return act


def our_service(folder: Path) -> Service:
    """Ours on a prepared folder."""
    settings = config.load(environment(folder, world.NOBODY, SLACKAPP_STATE_LIMIT="10000000"), {})
    return build(settings, system_clock, system_entropy, io.StringIO())


def our_store(folder: Path) -> EncryptedInstallationStore:
    """What a Bolt app is given in the place of its own store."""
    return EncryptedInstallationStore(
        database=folder / "slackapp.db", master_key_file=folder / "master.key", client_id=world.CLIENT_ID,
        client_secret="a-client-secret-for-tests", app_id=APP_ID,
    )  # fmt: skip


def bolt_store(folder: Path) -> SQLite3InstallationStore:
    """Bolt's own."""
    return SQLite3InstallationStore(database=str(folder / "bolt.db"), client_id=world.CLIENT_ID)


def look_up(store: InstallationStore, tenants: int) -> Act:
    """A workspace's bot token: ours opens it, with a row of the audit on the disk; Bolt's keeps it in clear."""
    numbers = itertools.cycle(range(0, tenants, max(1, tenants // 997)))

    def act() -> None:
        found = store.find_bot(enterprise_id=None, team_id=world.team(next(numbers)))
        if found is None or not found.bot_token:
            raise AssertionError("the tenant is not there")

    return act


def state(service: Service) -> Act:
    """Issue and consume, as an install does."""
    app = service.app

    def act() -> None:
        now = app.clock()
        made = new_state.make(app, BINDING, now)
        app.db.commit_in_group(lambda: new_state.record(app, made, None, now), durable=False)
        claimed = state_token.parse_state(made.text)
        found = state_token.verify_state(claimed, BINDING, app.keyring.state_key_by_id, now)
        if not app.db.commit_in_group(lambda: oauth_states.consume(app.db, found, now)):
            raise AssertionError("the state was not consumed")

    return act


def leave_states(service: Service, number: int) -> None:
    """States that nobody ever consumes."""
    db, now = service.app.db, service.app.clock()
    with db.transaction():
        for _ in range(number):
            oauth_states.add(db, IssuedState("", os.urandom(32), BINDING, now + 600), now, limit=10**7)


def bolt_state(folder: Path) -> Act:
    """The same in Bolt's SQLite state store."""
    store = SQLite3OAuthStateStore(database=str(folder / "bolt.db"), expiration_seconds=600)
    store.init()

    def act() -> None:
        if not store.consume(store.issue()):
            raise AssertionError("the state was not consumed")

    return act


def save(service: Service, tenants: int) -> Act:
    """A whole grant, sealed and audited."""
    app, numbers = service.app, itertools.cycle(range(tenants))

    def act() -> None:
        grant = world.grant(next(numbers))
        store_grant.run(app, grant, store_grant.read_stored(app, grant), bytes(32), world.ACTOR, system_clock())

    return act


def bolt_save(folder: Path, tenants: int) -> Act:
    """The same in Bolt's SQLite store."""
    store, numbers = bolt_store(folder), itertools.cycle(range(tenants))
    return lambda: store.save(world.installation(next(numbers)))


def time_parts(folder: Path, many: Path | None, order: random.Random) -> dict[str, Any]:
    """All of it."""
    found = timed({"append": flush(folder, appends=True), "overwrite": flush(folder, appends=False)}, order)
    flushes = {name: each["took"] for name, each in found.items()}
    ours, bolt = our_store(folder), bolt_store(folder)
    looks = {"look ours": look_up(ours, 1000), "look bolt": look_up(bolt, 1000)}
    if many is not None:
        looks["look many"] = look_up(our_store(many), MANY)
    figures = timed(looks, order)
    for name in order.sample(("ours", "bolt"), 2):
        figures[f"look16 {name}"] = at_once(looks[f"look {name}"], 1.0)
    service = our_service(folder)
    figures |= timed({"state ours": state(service), "state bolt": bolt_state(folder)}, order)
    figures |= timed({"save ours": save(service, 1000), "save bolt": bolt_save(folder, 1000)}, order)
    leave_states(service, MANY)
    figures |= timed({"state left": state(service)}, order)
    service.stop()
    return {"figures": figures, "flush": flushes}


def main() -> None:
    """Arguments: folder, folder of 100,000 tenants or "", seed."""
    many = Path(sys.argv[2]) if sys.argv[2] else None
    print(json.dumps(time_parts(Path(sys.argv[1]), many, random.Random(int(sys.argv[3])))))


if __name__ == "__main__":
    main()
