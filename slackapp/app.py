"""The composition root: settings in, `App` out. The only place that knows the wall clock and the random source."""

import importlib
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from slackapp.errors import ConfigError
from slackapp.keys.opening import open_keyring, read_master_keys
from slackapp.model import Settings
from slackapp.ops.gates import OncePerMinute, Slots, TokenBuckets
from slackapp.ops.key_slot import FileSlot
from slackapp.ops.log import JsonLog
from slackapp.ops.metrics import Counters
from slackapp.ops.worker import Worker
from slackapp.ports import App, Behaviour, Clock, Entropy
from slackapp.slack.client import SlackClient
from slackapp.store.db import Database
from slackapp.wsgi import Wsgi

THREADS = 16
"""Request threads; at most half of them exchange codes at a time, so that a slow Slack leaves the other half."""


@dataclass(frozen=True)
class Service:
    """A composed service: the WSGI application and the worker that runs its inbox."""

    app: App
    wsgi: Wsgi
    worker: Worker

    def start(self) -> None:
        """Starts the worker."""
        self.worker.start(self.app)

    def stop(self) -> None:
        """Stops the worker and closes the database."""
        self.worker.stop(self.app)
        self.app.db.close()


def system_clock() -> int:
    """Unix seconds."""
    return int(time.time())


def system_entropy(number: int) -> bytes:
    """That many random bytes from the operating system."""
    return os.urandom(number)


def build(settings: Settings, clock: Clock, entropy: Entropy, log_stream: TextIO) -> Service:
    """Opens the database and the keys and puts everything together. Raises ConfigError; binds no port."""
    behaviour = load_behaviour(settings.behaviour)
    read_master_keys(settings)  # before the database is made: nothing is left behind by a start that is refused
    db = Database(settings.database)
    db.prepare_file()
    if not db.is_sound():
        raise ConfigError(f"SLACKAPP_DATABASE: {settings.database} is damaged; restore a backup")
    keyring = open_keyring(db, settings, entropy, clock)
    metrics, wake = Counters(), threading.Event()
    worker = Worker(wake)
    app = App(
        settings=settings,
        db=db,
        keyring=keyring,
        slack=SlackClient(settings, db.in_transaction, metrics),
        clock=clock,
        entropy=entropy,
        metrics=metrics,
        log=JsonLog(log_stream, clock),
        behaviour=behaviour,
        rate_gate=TokenBuckets(settings.rate_per_minute),
        once=OncePerMinute(),
        exchange_slot=Slots(THREADS // 2).take,
        wake_worker=wake.set,
        worker_runs=worker.is_alive,
        key_slot=FileSlot(settings.key_backup_dir),
        process_id=entropy(8).hex(),
    )
    return Service(app, Wsgi(app), worker)


def load_behaviour(setting: str) -> Behaviour:
    """The table that `SLACKAPP_BEHAVIOUR` names: event type to function. Raises ConfigError."""
    module_name, _, table_name = setting.partition(":")
    try:
        table = getattr(importlib.import_module(module_name), table_name)
    except Exception as error:  # noqa: BLE001  (somebody else's module, with whatever is wrong in it)
        raise ConfigError(f"SLACKAPP_BEHAVIOUR: {setting} cannot be loaded ({type(error).__name__})") from None
    if not isinstance(table, Mapping) or not all(isinstance(key, str) and callable(table[key]) for key in table):
        raise ConfigError(f"SLACKAPP_BEHAVIOUR: {setting} is not a mapping of event type to function")
    return table
