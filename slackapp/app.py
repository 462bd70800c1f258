"""The composition root: settings in, `App` out. The only place that knows the wall clock and the random source."""

import importlib
import inspect
import os
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType

from slackapp import __version__
from slackapp.behaviour import Behaviour
from slackapp.checks.capabilities import is_method
from slackapp.circles import (
    audit_events,
    capabilities,
    join_look_ups,
    record_limits,
    require_own_names,
    require_sealed_records,
)
from slackapp.config import settings as config
from slackapp.errors import ConfigError
from slackapp.flows.app import App, Circle
from slackapp.flows.core_data import CORE
from slackapp.flows.upkeep import interrupted_calls
from slackapp.host.circle import HOST
from slackapp.model import Clock, Entropy, Settings
from slackapp.routes import served_routes
from slackapp.runtime.hand_off import HandOff
from slackapp.runtime.health import Health
from slackapp.runtime.log import JsonLog, LineStream
from slackapp.runtime.metrics import Metrics
from slackapp.runtime.rate_limits import ConcurrencyLimit, Cooldowns, FailureLimit, RateLimiter, Throttle
from slackapp.slack.client import SlackClient
from slackapp.store.engine.database import Database
from slackapp.store.engine.open_database import open_database
from slackapp.vault.key_backup_file import KeyBackupFile
from slackapp.vault.open_keyring import open_keyring, read_master_keys
from slackapp.vault.vault import Vault
from slackapp.workers.queue_workers import QueueWorkers
from slackapp.workers.scheduler import Scheduler, check_tasks, delivery_tasks, local_tasks, remote_tasks
from slackapp.wsgi import Wsgi

REQUEST_THREADS = 16
"""Request threads; at most half of them exchange codes at a time, so that a slow Slack leaves the other half, and four
offer options of a menu, which a function of the behaviour does. One network, or one tenant, gets half of that."""
STOP_TIMEOUT = 8.0
"""Seconds that a stop waits for what runs, from the signal on."""
EXCHANGE_STOP_TIMEOUT = 20.0
"""The same for installs: a call lasts 10 s at most, and what Slack grants meanwhile must be stored or given back."""

CIRCLES: tuple[Circle, ...] = (CORE, HOST)
"""The core, and the circles that stand on it, each with what it registers."""


@dataclass
class Service:
    """Composed service: the WSGI application, the workers of its queues, and its schedulers."""

    app: App
    wsgi: Wsgi
    workers: tuple[QueueWorkers, ...]
    local_scheduler: Scheduler
    remote_scheduler: Scheduler
    check_scheduler: Scheduler
    deliveries: tuple[Scheduler, ...]
    threads: list[QueueWorkers | Scheduler] = field(default_factory=list)
    _stop_requested_at: float = 0.0

    @property
    def worker(self) -> QueueWorkers:
        """The workers of the inbox, which the core registers first."""
        return self.workers[0]

    def start(self) -> None:
        """Starts the threads, and says that the process lives."""
        self.app.db.begin_service()
        self.app.db.lock_process(self.app.process_id)
        self.local_scheduler.run_due(self.app)
        self.threads.extend((self.local_scheduler, self.remote_scheduler, self.check_scheduler))
        self.threads.extend((*self.deliveries, *self.workers))
        for thread in self.threads:
            thread.start(self.app)

    def request_stop(self) -> None:
        """Stops new work; may be called from a signal handler, and more than once."""
        for thread in self.threads:
            thread.stop()
        self._stop_requested_at = self._stop_requested_at or time.monotonic()

    def stop(self) -> None:
        """Waits for what runs, but not for long; leaves the rest, says that the process ends, and closes."""
        self.request_stop()
        for thread in self.threads:
            thread.join(self._stop_requested_at + STOP_TIMEOUT)
        # claim: C-86
        cut_off = self.app.exchange_limit.close(self._stop_requested_at + EXCHANGE_STOP_TIMEOUT)
        if cut_off:
            self.app.log.error("exchanges_cut_off", {"number": cut_off, "action": interrupted_calls.INSTALL_AGAIN})
        if self.threads:
            interrupted_calls.release_leases(self.app, self.app.clock())
            self.app.metrics.persist(self.app.db, self.app.log)
        self.app.log.flush()
        self.app.db.close()


class SystemClock:
    """The clocks of this machine."""

    def __call__(self) -> int:
        """Unix seconds."""
        return int(time.time())

    def steady(self) -> int:
        """Seconds since some moment of this boot, for every process of this machine the same moment."""
        return int(time.monotonic())


system_clock = SystemClock()
system_entropy: Entropy = os.urandom


def build(
    settings: Settings, clock: Clock, entropy: Entropy, log_stream: LineStream, log_texts: bool = False
) -> Service:
    """Opens the database and the keys, and builds the service from its parts. Raises ConfigError; binds no port.

    `log_texts`: the log also tells what an exception says, which may hold what came with a request.
    """
    behaviour = load_behaviour(settings.behaviour)
    workers = tuple(QueueWorkers(each) for circle in CIRCLES if circle.is_on(settings) for each in circle.queues)
    log = JsonLog(log_stream, clock, log_texts, settings.secrets)
    assembled = build_app(settings, clock, entropy, log, behaviour=behaviour, workers=workers)
    vault = replace(assembled.vault, capabilities=capabilities(CIRCLES, load_methods(settings.behaviour)))
    app = replace(assembled, vault=vault, scope_reasons=load_scope_reasons(settings.behaviour))
    return Service(
        app,
        Wsgi(app, served_routes(settings)),
        workers,
        local_scheduler=Scheduler("local-tasks", local_tasks()),
        remote_scheduler=Scheduler("remote-tasks", remote_tasks()),
        check_scheduler=Scheduler("check-tasks", check_tasks()),
        deliveries=tuple(Scheduler(f"{task.name}-events", (task,)) for task in delivery_tasks(CIRCLES, settings)),
    )


def build_app(
    settings: Settings,
    clock: Clock,
    entropy: Entropy,
    log: JsonLog,
    behaviour: Behaviour,
    workers: tuple[QueueWorkers, ...],
) -> App:
    """Builds what flows need, without anything that serves. Raises ConfigError, and ValueError for wrong circles."""
    require_own_names(CIRCLES)
    require_sealed_records(CIRCLES)

    def wake() -> None:
        for each in workers:
            each.wake()

    read_master_keys(settings)  # before the database is made: nothing is left behind by a start that is refused
    memory = {circle.name: circle.memory(settings) for circle in CIRCLES if circle.memory is not None}
    db = open_database(settings.database)
    try:
        db.create_or_migrate()
        if db.needs_check():
            check_database(db, settings, log)
        keyring = open_keyring(db, settings, entropy, clock, limits=record_limits(CIRCLES))
    except BaseException:
        db.close()  # who is inside another program tries again and again: nothing may stay open
        raise
    metrics, health = Metrics(__version__, clock()), Health()
    events, allowed = audit_events(CIRCLES), capabilities(CIRCLES, None)
    find_connection = join_look_ups(CIRCLES, settings)
    vault = Vault(db, keyring, clock, events=events, capabilities=allowed, find_connection=find_connection)
    return App(
        settings=settings,
        db=db,
        keyring=keyring,
        vault=vault,
        slack=SlackClient(settings, db.in_transaction, metrics, health),
        clock=clock,
        entropy=entropy,
        metrics=metrics,
        log=log,
        behaviour=behaviour,
        rate_limiter=RateLimiter(settings.rate_per_minute),
        throttle=Throttle(),
        cooldowns=Cooldowns(),
        health=health,
        wait=time.sleep,
        options_limit=ConcurrencyLimit(REQUEST_THREADS // 4).acquire,
        exchange_limit=ConcurrencyLimit(REQUEST_THREADS // 2),
        failed_code_limit=FailureLimit(network=10, everybody=60, newcomers=60),
        wake_worker=wake,
        hand_off=workers[0].hand_off if workers else HandOff(wake),
        is_worker_running=lambda: bool(workers) and all(each.is_alive() for each in workers),
        key_backup_file=KeyBackupFile(settings.key_backup_dir),
        process_id=entropy(8).hex(),
        scope_reasons={},
        circles=CIRCLES,
        memory=memory,
    )


def check_database(db: Database, settings: Settings, log: JsonLog) -> None:
    """Checks a database that a crash has left, or that was found damaged, and says so. Raises ConfigError."""
    log.info("database_check", {"why": "it was not closed cleanly", "action": "wait: nothing is served before"})
    log.flush()
    # claim: C-133
    if not db.is_sound(thorough=False):
        raise ConfigError(f"SLACKAPP_DATABASE: {settings.database} is damaged; restore a backup")
    log.info("database_sound", {})
    log.flush()


_NEEDS_A_LOOP = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)


def load_behaviour(setting: str) -> Behaviour:
    """The table that `SLACKAPP_BEHAVIOUR` names: event type to function. Raises ConfigError."""
    table = getattr(_module(setting), setting.partition(":")[2], None)
    if not isinstance(table, Mapping) or not all(isinstance(key, str) and callable(table[key]) for key in table):
        raise ConfigError(f"SLACKAPP_BEHAVIOUR: {setting} is not a mapping of event type to function")
    never_run = [key for key, function in table.items() if any(kind(function) for kind in _NEEDS_A_LOOP)]
    if never_run:
        raise ConfigError(
            f"SLACKAPP_BEHAVIOUR: {setting}: the function of {never_run[0]} is async, or a generator, and a call runs "
            "nothing of it; give a plain function"
        )
    return table


def _module(setting: str) -> ModuleType:
    try:
        return importlib.import_module(setting.partition(":")[0])
    except (Exception, SystemExit) as error:  # noqa: BLE001  (somebody else's module, with whatever is wrong in it)
        raise ConfigError(f"SLACKAPP_BEHAVIOUR: {setting} cannot be loaded ({_error_location(error)})") from None


def load_scope_reasons(setting: str) -> Mapping[str, str]:
    """Returns what the behaviour's module asks for, and why: its `SCOPES`, or nothing. Raises ConfigError."""
    scopes = getattr(_module(setting), "SCOPES", {})
    lines = isinstance(scopes, Mapping) and all(map(_is_line, (*scopes, *scopes.values())))
    if not lines or (scopes and _parse_setting("SLACKAPP_BOT_SCOPES", ",".join(scopes)) != tuple(scopes)):
        where = f"{setting.partition(':')[0]}.SCOPES"
        raise ConfigError(f"SLACKAPP_BEHAVIOUR: {where} is not a mapping of scope to reason, each on one line")
    return {scope: why.strip() for scope, why in scopes.items()}


def load_methods(setting: str) -> tuple[str, ...] | None:
    """Returns the only methods that the behaviour's module may call: its `METHODS`, or None. Raises ConfigError."""
    methods = getattr(_module(setting), "METHODS", None)
    if methods is None:
        return None
    if not isinstance(methods, (list, tuple, set, frozenset)) or not all(
        isinstance(each, str) and is_method(each) for each in methods
    ):
        where = f"{setting.partition(':')[0]}.METHODS"
        raise ConfigError(f"SLACKAPP_BEHAVIOUR: {where} is not a list of methods such as chat.postMessage")
    return tuple(sorted(methods))


def load_description(setting: str) -> str:
    """The first line of the behaviour's module, where it can stand as what the app does; "" where it cannot."""
    line = next(iter((_module(setting).__doc__ or "").strip().splitlines()), "")
    return line if line and _parse_setting("SLACKAPP_DESCRIPTION", line) == line else ""


def _parse_setting(name: str, text: str) -> object:
    """Parses a text as that setting; None where it cannot be one."""
    try:
        (value,) = config.load_some({name: text}, (name,)).values()
    except ConfigError:
        return None
    return value


def _is_line(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and bool(value.strip())


def _error_location(error: BaseException) -> str:
    """Names what is wrong with a module, and where: no text of an exception, which may hold anything."""
    name = type(error).__name__
    if isinstance(error, SyntaxError) and error.filename:
        return f"{name} in {error.filename}, line {error.lineno}"
    missing = f" of {error.name}" if isinstance(error, ImportError) and error.name else ""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<frozen")]
    theirs = [frame for frame in frames if frame.filename not in (__file__, importlib.__file__)]
    place = f" in {theirs[-1].filename}, line {theirs[-1].lineno}" if theirs else ""
    return f"{name}{missing}{place}"
