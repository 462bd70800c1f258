"""What a flow is given: one `App`, and the protocols that its parts keep.

Everything that tests replace comes through here: the clock, the entropy, the client of Slack. Nothing is a global.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from slackapp.model import DataKey, NewKey, RecordContext, Sealed, Secret, Settings, SlackAnswer, Tenant

if TYPE_CHECKING:
    from slackapp.store.counters import Count
    from slackapp.store.db import Database


class Clock(Protocol):
    """Two clocks. What is kept for people, for Slack and over a boot goes by the first; leases go by the second."""

    def __call__(self) -> int:
        """Unix seconds: the wall clock, which may be set while we run."""

    def steady(self) -> int:
        """Seconds of a clock that nobody sets: of one machine, the same for all its processes, from each boot anew."""


Entropy = Callable[[int], bytes]
"""That many bytes from the system's random source."""


class TenantKeys(Protocol):
    """The data keys of one tenant, opened before a transaction begins, so that none is opened inside it."""

    @property
    def minted(self) -> tuple[NewKey, ...]:
        """Keys that are not in the database yet; empty for a tenant that has its keys."""

    @property
    def key_ids(self) -> frozenset[int]:
        """The ids of all of them."""

    def seal(self, context: RecordContext, plaintext: bytes) -> Sealed:
        """Seals under the key of the context's purpose."""


class KeyringPort(Protocol):
    """Seals and opens; the only way from a row to a plaintext."""

    def prepare(self, tenant: Tenant) -> TenantKeys:
        """The tenant's keys; new ones where it has none."""

    def seal(self, context: RecordContext, plaintext: bytes) -> Sealed:
        """Seals under the active key of the tenant and purpose. Raises KeyMissingError."""

    def open(self, context: RecordContext, sealed: Sealed) -> bytes:
        """Opens, or raises DecryptError."""

    def state_key(self) -> tuple[int, bytes]:
        """Id and bytes of the key that new states are signed with."""

    def state_key_by_id(self, key_id: int) -> bytes | None:
        """The key of that id, None when there is none such."""

    def audit_mac(self, data: bytes) -> bytes:
        """HMAC-SHA-256 under the audit's own key."""

    def label(self, tenant: Tenant) -> str:
        """A short keyed hash that stands for the tenant where its id must not."""

    def forget(self, tenant: Tenant) -> None:
        """Drops the tenant's keys from memory."""

    def forget_old(self) -> None:
        """Drops the keys whose time in memory is over."""

    def mint(self, tenant: Tenant, provider: str) -> TenantKeys:
        """New keys for every purpose, wrapped by that provider and not stored yet."""

    def rewrap(self, key: DataKey, provider: str) -> tuple[int, bytes]:
        """The same data key wrapped by that provider's newest master key: its version and the wrapped key."""

    def try_key(self, key: DataKey) -> str:
        """Tries a key, past what is kept in memory: `ok`, `broken`, or `withheld` by its owner's provider."""

    def provider_names(self) -> frozenset[str]:
        """The providers that are configured."""

    def provider_health(self, name: str) -> str:
        """`ok`, `revoked`, `unavailable` or `mismatch`."""

    def refresh(self) -> int:
        """Takes notice of what other processes did to the keys; the key epoch. Raises ConfigError."""

    def master_versions(self) -> frozenset[int]:
        """The versions of the local master key that this process can unwrap with."""

    def master_check(self, version: int) -> str:
        """A local master key's check value for this database."""


class SlackApi(Protocol):
    """The one choke point for calls to Slack. Raises SlackCallError, and TransactionOpenError for a bug of ours."""

    def call(self, method: str, token: Secret, params: Mapping[str, Any]) -> SlackAnswer:
        """A method on behalf of a token."""

    def call_as_app(self, method: str, params: Mapping[str, Any]) -> SlackAnswer:
        """A method that takes the app's client id and secret (`oauth.v2.access`)."""

    def uninstall(self, token: Secret) -> SlackAnswer:
        """`apps.uninstall`, which takes both."""

    def respond(self, url: str, message: Mapping[str, Any]) -> None:
        """A post to a response_url, whose origin has been checked. No token goes there."""

    def exchange(self, token: Secret) -> SlackAnswer:
        """`oauth.v2.exchange`, which takes both, and the token as a field."""


class Metrics(Protocol):
    """Counters, all of which stand in one table with their labels."""

    def count(self, name: str, labels: Mapping[str, str]) -> None:
        """Adds one. Raises ValueError for what is not in the table."""

    def timed(self, name: str) -> AbstractContextManager[None]:
        """Adds how long the block took to a histogram."""

    def unmoved(self) -> AbstractContextManager[Sequence[Count]]:
        """What is not in the database yet. Until the block ends, nobody else moves anything."""

    def moved(self, counts: Sequence[Count]) -> None:
        """They are in the database now."""

    def full_text(
        self,
        counts: Mapping[tuple[str, str], int],
        gauges: Sequence[tuple[str, Mapping[str, str], float]],
        tenants: Mapping[str, str],
    ) -> str:
        """All metrics as Prometheus reads them; `tenants` says which hashes to write as which ids."""


class Log(Protocol):
    """One line per event, fields only, no free text from outside."""

    def flush(self) -> None:
        """Hands on what waits."""

    def info(self, event: str, fields: Mapping[str, str | int]) -> None:
        """Something that is as it should be."""

    def error(self, event: str, fields: Mapping[str, str | int]) -> None:
        """Something that needs a person."""

    def bug(self, event: str, fields: Mapping[str, str | int]) -> None:
        """The exception being handled: type and place, without its text and without locals."""


class RateGate(Protocol):
    """A token bucket per key, bounded in memory."""

    def admit(self, key: str, now: int) -> int:
        """0 when admitted, else the seconds to wait."""


class FailureGate(Protocol):
    """How many failures there may be, over all networks."""

    def left(self, network: str, now: int) -> int:
        """0 for who may try, else the seconds to wait."""

    def spend(self, network: str, now: int) -> None:
        """Somebody there has failed."""


class Places(Protocol):
    """A number of places, the last of which are not for those who have some."""

    def take(self, key: str) -> AbstractContextManager[bool]:
        """Whether there was one for that key; it is given back at the end."""

    def close(self, until: float) -> int:
        """Gives none any more; how many somebody still has at that monotonic time."""


class Pauses(Protocol):
    """What Slack does not want to hear of for a while, bounded in memory."""

    def left(self, key: str, now: int) -> int:
        """The seconds that are left; 0 when there is no pause."""

    def hold(self, key: str, seconds: int, now: int) -> None:
        """Begins a pause; nothing for 0 seconds."""


class HealthPort(Protocol):
    """What is wrong just now, by part."""

    def note(self, part: str, problem: str) -> None:
        """ "" ends what was wrong with that part."""

    def problems(self) -> Mapping[str, str]:
        """All there are."""

    def is_ready(self, ask: Callable[[], bool], now: int) -> bool:
        """What `ask` says, or said a moment ago."""


class Once(Protocol):
    """True the first time that a key is shown in a minute."""

    def first(self, key: str, now: int) -> bool:
        """Whether this is the first time within that minute."""


class KeySlot(Protocol):
    """The single file of the key backup."""

    def alone(self, patience: float) -> AbstractContextManager[None]:
        """One writer at a time, over all processes; waits so many seconds for another. Raises StoreError."""

    def write(self, content: bytes) -> None:
        """Replaces what is there, whole. Raises StoreError."""

    def read(self) -> bytes | None:
        """What is there; None when there is nothing, or no place was set for it. Raises StoreError."""

    @property
    def is_set(self) -> bool:
        """Whether there is a place for it."""

    @property
    def is_half_written(self) -> bool:
        """Whether somebody writes it just now, or was killed doing so: what is there beside it holds keys, too."""


class Context(Protocol):
    """What a behaviour may do: look at who it acts for, and call Slack as that tenant. Nothing else."""

    @property
    def tenant(self) -> Tenant:
        """Whom it acts for."""

    @property
    def bot_user_id(self) -> str:
        """The app's own user there."""

    @property
    def installer_id(self) -> str:
        """Who installed the app there."""

    @property
    def user_id(self) -> str:
        """Who did what happened; "" where nobody is named, as in a mention by a workflow."""

    @property
    def home_admin(self) -> bool:
        """Whether admins may remove the app from its Home tab: `SLACKAPP_HOME_ADMIN`."""

    @property
    def public_url(self) -> str:
        """Where the app's own pages are: `/support`, `/slack/install`, …"""

    @property
    def missing_scopes(self) -> tuple[str, ...]:
        """What the app asks for by now and was not granted there: a new install mends it."""

    def call(self, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Calls a method of the Web API as this tenant's bot; the answer's fields."""

    def respond(self, text: str) -> None:
        """Answers a command or an interaction, for the person's eyes only; at most five times within 30 minutes."""

    def is_admin(self, user_id: str) -> bool:
        """Whether that person is an admin there, as Slack says now; needs the scope `users:read`."""

    def refuse(self, text: str) -> None:
        """Refuses what the person did: notes it in the audit, and tells them."""

    def remove(self) -> None:
        """Removes the app from there and erases everything; nothing else can be done afterwards."""


Behaviour = Mapping[str, Callable[[Context, Mapping[str, Any]], Any]]
"""What happened to function: an event's type, `/command`, `block_actions:ACTION_ID`, `view_submission:CALLBACK_ID`.

What a function returns counts for `block_suggestion:ACTION_ID` alone: the options of that menu.
"""


@dataclass(frozen=True)
class App:
    """Everything that a flow may use."""

    settings: Settings
    db: Database
    keyring: KeyringPort
    slack: SlackApi
    clock: Clock
    entropy: Entropy
    metrics: Metrics
    log: Log
    behaviour: Behaviour
    rate_gate: RateGate
    once: Once
    pauses: Pauses
    health: HealthPort
    wait: Callable[[float], None]
    options_slot: Callable[[str], AbstractContextManager[bool]]
    exchanges: Places
    bad_codes: FailureGate
    wake_worker: Callable[[], None]
    worker_runs: Callable[[], bool]
    key_slot: KeySlot
    process_id: str
    scope_reasons: Mapping[str, str]
    """Why each scope is asked for, in the words of the behaviour's own module."""
