"""Parts of an `App`, which every flow is given, and what a circle registers in it.

Tests replace its clock and its entropy; nothing is a global.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from slackapp.behaviour import Behaviour
from slackapp.checks.capabilities import Capability
from slackapp.model import (
    Clock,
    Entropy,
    GrantedToken,
    Holder,
    InstallationStatus,
    RecordContext,
    Sealed,
    Secret,
    Settings,
    Tenant,
    Token,
    UnclearRow,
)
from slackapp.runtime.hand_off import HandOff
from slackapp.runtime.health import Health
from slackapp.runtime.installation_cache import InstallationCache
from slackapp.runtime.log import JsonLog
from slackapp.runtime.metrics import Metrics
from slackapp.runtime.rate_limits import ConcurrencyLimit, Cooldowns, FailureLimit, RateLimiter, Throttle
from slackapp.slack.client import SlackClient
from slackapp.store.engine.database import Database
from slackapp.store.queue import Queue, Run
from slackapp.vault.key_backup_file import KeyBackupFile
from slackapp.vault.keyring import Keyring
from slackapp.vault.vault import FindConnection, Vault

PORTION_ROWS = 500
"""Rows of one tenant that are erased in a transaction, and read at a time."""


class SealedRecord(NamedTuple):
    """Sealed value of a tenant where it lies.

    `put_back` stores the same value there, sealed under another data key, and nothing where that value is gone by then.
    """

    context: RecordContext
    sealed: Sealed
    put_back: Callable[[Sealed], None]


def no_sealed_records(db: Database, tenant: Tenant) -> Iterable[SealedRecord]:
    """Yields nothing: for data in which nothing is sealed."""
    return ()


class TenantData(NamedTuple):
    """Data of tenants in some tables, with the steps by which the core takes care of it.

    `name` says in a plural what the rows are. A purge erases in the order of registration. Steps read and write the
    database that they are given and do nothing else: it may be a copy. Times, the last argument, are Unix seconds.
    """

    name: str
    tables: tuple[str, ...]
    erase: Callable[[Database, Tenant, int], int]
    """Erases, in the transaction that decides on the purge, what must go at once and is little; returns how many."""
    count: Callable[[Database, Tenant], int]  # type: ignore[assignment]  # in the place of tuple.count
    """Counts the rows that hold anything of a tenant but ids: 0 once it is erased."""
    list_tenants: Callable[[Database], Iterable[Tenant]]
    """Lists the tenants that have such rows."""
    export: Callable[[Database, Tenant], Iterable[Mapping[str, object]]]
    """Yields what is stored of a tenant in plain fields: never a secret; of a sealed value, that it is there."""
    sealed_records: Callable[[Database, Tenant], Iterable[SealedRecord]]
    """Yields every sealed value, reading a portion at a time: to seal it anew, and to try whether it opens. What it
    leaves out is lost with the tenant's old keys."""
    erase_portion: Callable[[Database, Tenant, int], int] = lambda db, tenant, now: 0
    """Erases the rest, at most `PORTION_ROWS` in a transaction; returns how many, and 0 when nothing is left."""
    restored: Callable[[Database, int], Sequence[UnclearRow]] = lambda db, now: ()
    """Marks, in a database that was restored, what may have been done since; returns the rows that are unclear now."""
    status_changed: Callable[[Database, Tenant, InstallationStatus, int], None] = lambda db, tenant, status, now: None
    """Follows a change of the installation's status, in the transaction that makes it; a new grant is none."""
    validated: Callable[[Database, Tenant, int], None] = lambda db, tenant, now: None
    """Follows that Slack was asked about every token of a tenant, and that each lives."""
    scopes_changed: Callable[[Database, Token, tuple[str, ...], bool, int], None] = (
        lambda db, token, scopes, is_drift, now: None
    )
    """Follows, in its transaction, that a token has other scopes, and whether these are not the ones asked for."""
    find_holders: Callable[[Database, Tenant, Sequence[str]], Sequence[Holder]] = lambda db, tenant, user_ids: ()
    """Finds the holders of its own whose tokens Slack has given to these users."""
    token_ended: Callable[[Database, Token, str | None, int], None] = lambda db, token, code, now: None
    """Follows a token that is dead by Slack's code, or erased (None), in the transaction that makes it so."""
    kept_because: str = ""
    """Why a purge leaves the rows, where they hold ids only."""
    collected: str = ""
    """What the page on privacy says of the rows, where its own words do not: such as `notes, encrypted`."""


class TenantEvent(NamedTuple):
    """Event of a tenant as a circle takes it. `is_own`: the app itself has caused it."""

    tenant: Tenant
    type: str
    event: Mapping[str, Any]
    is_own: bool


class ProviderCall(NamedTuple):
    """Call of a token provider: method, the capability that allows it, and what sends a secret and reads the answer.

    `send` raises SlackCallError, for every provider: its kind says what the failure means.
    """

    method: str
    capability: Capability
    send: Callable[["App", Secret], Mapping[str, Any]]


class TokenProvider(NamedTuple):
    """Provider that issues tokens: all that a refresh, an exchange and a state know of whoever that is."""

    name: str
    exchange_code: ProviderCall
    """Turns the code of an authorization into a grant."""
    exchange_token: ProviderCall
    """Turns a long-lived access token into a rotating pair."""
    refresh: ProviderCall
    """Turns a refresh token into a new pair."""
    names_other_owner: Callable[[Token, Mapping[str, Any]], bool]
    """Tells whether an answer names another owner than the token has, who is then never used again."""
    read_pair: Callable[["App", Token, Mapping[str, Any]], GrantedToken]
    """Verifies that an answer is a pair for this token. Raises Refused: GRANT_FOREIGN, GRANT_MALFORMED."""
    dead_refresh_errors: frozenset[str]
    """Answers to a refresh after which the same refresh token is never taken."""
    no_effect_errors: frozenset[str]
    """Failures of an exchange that pass, and after which it is sure that nothing was granted."""
    lease: int
    """Seconds that a refresh or an exchange has for itself: longer than two calls, shorter than a grace period."""
    scopes_asked: Callable[["App", Holder], tuple[str, ...]]
    install_url: Callable[["App", Tenant], str]
    """Builds the address at which somebody grants anew."""


class Circle(NamedTuple):
    """Registration of a circle, by which the core takes care of its data and knows nothing else of it."""

    name: str
    tenant_data: tuple[TenantData, ...] = ()
    capabilities: tuple[Capability, ...] = ()
    """What its parts may do with a token, under names of its own."""
    audit_events: tuple[type[StrEnum], ...] = ()
    """Sets of the events that the circle writes: a StrEnum each, as `AuditEvent` is the core's."""
    token_providers: tuple[TokenProvider, ...] = ()
    """Who issues tokens beside Slack, under names of their own."""
    record_limits: Mapping[str, int] = {}
    """Bytes that a sealed record of each kind may have: kinds that no other circle has."""
    service_records: Mapping[str, int] = {}
    """The same of what the service's own key seals: what waits before a tenant is anybody's."""
    events: Mapping[str, "EventReceiver"] = {}
    """Type of an event of Slack to what takes it before it is acknowledged, while the circle is on: with our own
    database only, and so that a repeat changes nothing. Nothing of it is kept for that."""
    sweep: Callable[["App", int], None] = lambda app, now: None
    """Deletes each minute what is too old, in transactions that are short, with our own database only."""
    remote_upkeep: Callable[["App", Callable[[], bool]], None] = lambda app, stopping: None
    """Does each minute what waits for others, such as Slack, until the function says that the service stops."""
    deliver: Callable[[Settings], Callable[["App", Callable[[], bool]], None] | None] = lambda settings: None
    """Chooses what sends, each second and in a thread of its own, what others are told; None where nobody is."""
    find_connection: FindConnection | None = None
    """Finds whose connection a token belongs to, so that each use of it is written down as that one's."""
    is_giving_back: Callable[["App"], bool] = lambda app: False
    """Tells whether Slack is being asked just now to remove the app from some tenant of which nothing is stored: what
    is granted there meanwhile goes with it."""
    queues: tuple[Queue, ...] = ()
    """What waits in tables of its own, of the shape that `sql/core/queue.sql` describes. Each has threads, which run
    its rows as those of the inbox are run, by `jobs`."""
    jobs: Mapping[str, "Job"] = {}
    """Type of a row of ours to the function that runs it: one that returns has done it, and what it raises is a failure
    of the row."""
    context: Mapping[str, "ContextAddition"] = {}
    """Name to the function that makes what `context.NAME` is, for one run and its tenant."""
    is_on: Callable[[Settings], bool] = lambda settings: True
    """Tells whether its queues are run: the tables of what is off are empty, and cost no threads."""
    told: str = ""
    """Whom it tells of a tenant while it is on, and what, for the page on privacy."""
    memory: Callable[[Settings], object] | None = None
    """Makes what it keeps in a process's memory, `app.memory[NAME]`, before anything is opened. Raises ConfigError."""


@dataclass(frozen=True)
class App:
    """Parts that a flow may use."""

    settings: Settings
    db: Database
    keyring: Keyring
    vault: Vault
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
    hand_off: HandOff
    is_worker_running: Callable[[], bool]
    key_backup_file: KeyBackupFile
    process_id: str
    scope_reasons: Mapping[str, str]
    """Why each scope is asked for, in the words of the behaviour's own module."""
    circles: tuple[Circle, ...]
    memory: Mapping[str, Any]
    """What each circle keeps in the memory of this process, by the circle's name."""
    installation_cache: InstallationCache = field(default_factory=InstallationCache)

    @cached_property
    def queues(self) -> tuple[Queue, ...]:
        """The queues of every circle."""
        return tuple(each for circle in self.circles for each in circle.queues)

    @cached_property
    def jobs(self) -> Mapping[str, "Job"]:
        """The jobs of every circle by their type, which no two have."""
        return {name: job for circle in self.circles for name, job in circle.jobs.items()}

    @cached_property
    def event_receivers(self) -> Mapping[str, tuple["EventReceiver", ...]]:
        """Receivers of every circle that is on, by the type of event; each of a type is given the event."""
        on = [circle for circle in self.circles if circle.is_on(self.settings)]
        types = {name for circle in on for name in circle.events}
        return {name: tuple(each.events[name] for each in on if name in each.events) for name in types}

    @cached_property
    def context_additions(self) -> Mapping[str, "ContextAddition"]:
        """Additions of every circle to the context of a behaviour, by their name, which no two have."""
        return {name: make for circle in self.circles for name, make in circle.context.items()}

    @cached_property
    def tenant_data(self) -> tuple[TenantData, ...]:
        """The data of every circle, in the order in which a purge erases it."""
        return tuple(data for circle in self.circles for data in circle.tenant_data)


Job = Callable[[App, Run, int], object]
"""Runs a row of our own, at that time."""
EventReceiver = Callable[[App, TenantEvent, int], None]
"""Takes an event of Slack, at that time."""
ContextAddition = Callable[[App, Run, Mapping[str, Any]], object]
"""Makes what a behaviour finds there, for a run and the body it came with: `body["event"]`, `acting_team(body)`."""
