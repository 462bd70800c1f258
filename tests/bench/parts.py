"""Parts, timed in this process: ours and Bolt's in turn, so that what disturbs the machine disturbs both."""

import io
import itertools
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from slack_sdk.oauth.installation_store.sqlite3 import SQLite3InstallationStore
from slack_sdk.oauth.state_store.sqlite3 import SQLite3OAuthStateStore

from slackapp.app import Service, build, system_clock, system_entropy
from slackapp.checks import state_token
from slackapp.checks.state_token import IssuedState
from slackapp.config import settings as config
from slackapp.crypto import records
from slackapp.flows.install import new_state, store_grant
from slackapp.model import BOT, AuditEntry, AuditEvent, StateBinding, StatePurpose
from slackapp.store import installations, oauth_states, tokens
from tests.bench import world
from tests.support.world import environment

BINDING = StateBinding(StatePurpose.INSTALL, bytes(32))


def timed(act: Callable[[], object], times: int) -> float:
    """Seconds for one, the median of all."""
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        act()
        took.append(time.perf_counter() - begun)
    return statistics.median(took)


def flush(folder: Path) -> Callable[[], object]:
    """What every durable commit waits for at least: 4 KiB on the disk. It differs a thousandfold between machines."""
    file = os.open(folder / "flush", os.O_CREAT | os.O_WRONLY, 0o600)
    page = bytes(4096)

    def act() -> None:
        os.write(file, page)
        os.fdatasync(file)

    return act


def service(folder: Path) -> Service:
    """Ours on a prepared folder."""
    settings = config.load(environment(folder, world.NOBODY, SLACKAPP_STATE_LIMIT="10000000"), {})
    return build(settings, system_clock, system_entropy, io.StringIO())


def look_up(app: Service, tenants: int) -> Callable[[], object]:
    """Find a tenant's token, note it in the audit on the disk, open it."""
    numbers = itertools.cycle(range(0, tenants, max(1, tenants // 997)))
    vault = app.app

    def act() -> None:
        tenant = world.grant(next(numbers)).tenant
        installation, token = installations.find(vault.db, tenant), tokens.find(vault.db, tenant, BOT)
        if installation is None or token is None:
            raise AssertionError("the tenant is not there")

        def note() -> None:
            app.app.vault.append(
                AuditEntry(
                    at=vault.clock(),
                    event=AuditEvent.TOKEN_READ,
                    actor=world.ACTOR,
                    tenant=tenant,
                    holder=BOT,
                    generation=token.generation,
                    purpose="bench",
                )
            )

        vault.db.commit_in_group(note)
        context = records.access_token_context(tenant, BOT, token.generation)
        vault.keyring.open_or_reread(context, token.access, lambda: None)

    return act


def bolt_look_up(folder: Path, tenants: int) -> Callable[[], object]:
    """The same in Bolt's SQLite store, which keeps no audit."""
    store = SQLite3InstallationStore(database=str(folder / "bolt.db"), client_id=world.CLIENT_ID)
    numbers = itertools.cycle(range(0, tenants, max(1, tenants // 997)))

    def act() -> None:
        if store.find_bot(enterprise_id=None, team_id=world.team(next(numbers))) is None:
            raise AssertionError("the tenant is not there")

    return act


def state(app: Service) -> Callable[[], object]:
    """Issue and consume, as an install does."""
    vault = app.app

    def act() -> None:
        now = vault.clock()
        made = new_state.make(vault, BINDING, now)
        vault.db.commit_in_group(lambda: new_state.record(vault, made, None, now), durable=False)
        claimed = state_token.parse_state(made.text)
        found = state_token.verify_state(claimed, BINDING, vault.keyring.state_key_by_id, now)
        if not vault.db.commit_in_group(lambda: oauth_states.consume(vault.db, found, now)):
            raise AssertionError("the state was not consumed")

    return act


def leave_states(app: Service, number: int) -> None:
    """States that nobody ever consumes."""
    db, now = app.app.db, app.app.clock()
    with db.transaction():
        for _ in range(number):
            oauth_states.add(db, IssuedState("", os.urandom(32), BINDING, now + 600), now, limit=10**7)


def bolt_state(folder: Path) -> Callable[[], object]:
    """The same in Bolt's SQLite state store."""
    store = SQLite3OAuthStateStore(database=str(folder / "bolt.db"), expiration_seconds=600)
    store.init()

    def act() -> None:
        if not store.consume(store.issue()):
            raise AssertionError("the state was not consumed")

    return act


def save(app: Service, tenants: int) -> Callable[[], object]:
    """A whole grant, sealed and audited."""
    numbers = itertools.cycle(range(tenants))

    def act() -> None:
        grant = world.grant(next(numbers))
        store_grant.run(app.app, grant, store_grant.read_stored(app.app, grant), bytes(32), world.ACTOR, system_clock())

    return act


def bolt_save(folder: Path, tenants: int) -> Callable[[], object]:
    """The same in Bolt's SQLite store."""
    store = SQLite3InstallationStore(database=str(folder / "bolt.db"), client_id=world.CLIENT_ID)
    numbers = itertools.cycle(range(tenants))
    return lambda: store.save(world.installation(next(numbers)))
