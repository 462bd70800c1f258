"""Parts of an `App`, which every flow is given. Tests replace its clock and its entropy; nothing is a global."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from slackapp.behaviour import Behaviour
from slackapp.model import Clock, Entropy, Settings
from slackapp.runtime.health import Health
from slackapp.runtime.log import JsonLog
from slackapp.runtime.metrics import Metrics
from slackapp.runtime.rate_limits import ConcurrencyLimit, Cooldowns, FailureLimit, RateLimiter, Throttle
from slackapp.slack.client import SlackClient
from slackapp.store.engine.sqlite import Database
from slackapp.vault.key_backup_file import KeyBackupFile
from slackapp.vault.keyring import Keyring


@dataclass(frozen=True)
class App:
    """Parts that a flow may use."""

    settings: Settings
    db: Database
    keyring: Keyring
    slack: SlackClient
    clock: Clock
    entropy: Entropy
    metrics: Metrics
    log: JsonLog
    behaviour: Behaviour
    rate_limiter: RateLimiter
    throttle: Throttle
    cooldowns: Cooldowns
    health: Health
    wait: Callable[[float], None]
    options_limit: Callable[[str], AbstractContextManager[bool]]
    exchange_limit: ConcurrencyLimit
    failed_code_limit: FailureLimit
    wake_worker: Callable[[], None]
    is_worker_running: Callable[[], bool]
    key_backup_file: KeyBackupFile
    process_id: str
    scope_reasons: Mapping[str, str]
    """Why each scope is asked for, in the words of the behaviour's own module."""
