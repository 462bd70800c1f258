"""One of several processes that all want tokens at the same moment, with threads that do.

Reads an order (a line of JSON), opens everything, says that it is ready, and begins at the next line. What came of each
use is counted and told at the end; nothing that fails is left out.
"""

import json
import random
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, cast

from slackapp.app import Service, SystemClock, build, system_clock, system_entropy
from slackapp.bolt import EncryptedInstallationStore
from slackapp.config import settings as config
from slackapp.errors import Refusal, Refused, SlackCallError, StoreError
from slackapp.flows.tokens import refresh_due
from slackapp.model import Actor, ActorKind, Tenant
from tests.support.token_use import call_as
from tests.support.world import BOOTED

SERVED = "served"
ACTOR = Actor(ActorKind.WORKER, "storm")


@dataclass(frozen=True)
class Order:
    """What to do: `use`, `find_bot` or `remote_tasks`; with how many threads, and how often each."""

    what: str
    process: int
    threads: int
    uses: int
    tenants: list[str]
    environment: dict[str, str]
    now: int


@dataclass
class StormReport:
    """What came of it: how often what, and how long it took, in seconds.

    `waits` are those of refusals because of another one's refresh; each was followed by one second try. `bolt_tokens`
    are the tokens that a Bolt app got. `refreshed` is what the scheduler says of itself.
    """

    outcomes: dict[str, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    bolt_tokens: list[str] = field(default_factory=list)
    refreshed: int = 0


def seed_of(process: int, thread: int) -> int:
    """Every other thread has an order of its own; the rest share one."""
    return 0 if thread % 2 == 0 else 1000 * (process + 1) + thread


def tenants_of(order: Order, thread: int) -> list[str]:
    """Those who share an order meet their namesakes of the other processes everywhere, and leave no tenant out."""
    mixed = random.Random(seed_of(order.process, thread)).sample(order.tenants, len(order.tenants))
    start = thread // 2 * order.uses % len(mixed) if thread % 2 == 0 else 0
    return (mixed[start:] + mixed[:start])[: order.uses]


class ThreadGroup:
    """The threads of one process."""

    def __init__(self, order: Order, use: Callable[[str], str]) -> None:
        self._order = order
        self._use = use
        self._lock = threading.Lock()
        self.told = StormReport()

    def run(self) -> None:
        threads = [threading.Thread(target=self._work, args=(number,)) for number in range(self._order.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self, number: int) -> None:
        for tenant in tenants_of(self._order, number):
            began = time.monotonic()
            outcome, token = self._use_and_name(tenant)
            waited = time.monotonic() - began
            if outcome == Refusal.TOKEN_UNAVAILABLE.name:
                outcome, token = self._use_and_name(tenant)
                with self._lock:
                    self.told.waits.append(waited)
            with self._lock:
                self.told.outcomes[outcome] = self.told.outcomes.get(outcome, 0) + 1
                self.told.seconds.append(time.monotonic() - began)
                self.told.bolt_tokens.append(token)

    def _use_and_name(self, tenant: str) -> tuple[str, str]:
        try:
            return SERVED, self._use(tenant)
        except Refused as refused:
            return refused.refusal.name, ""
        except SlackCallError as error:
            return f"Slack: {error.code}", ""
        except StoreError as error:
            return str(error), ""
        except Exception as error:  # noqa: BLE001  (whatever else comes out is what the storm has found)
            if str(error) == f"slackapp: {Refusal.TOKEN_UNAVAILABLE.sentence}":
                return Refusal.TOKEN_UNAVAILABLE.name, ""
            return "".join(traceback.format_exception_only(error)).strip(), ""


def _call(service: Service) -> Callable[[str], str]:
    def use(tenant: str) -> str:
        answer = call_as(service.app, Tenant("T", tenant), ACTOR).data
        return "" if answer["team_id"] == tenant else f"the token of {answer['team_id']}"

    return use


def _find(order: Order) -> Callable[[str], str]:
    given = order.environment
    store = EncryptedInstallationStore(
        database=given["SLACKAPP_DATABASE"],
        master_key_file=given["SLACKAPP_MASTER_KEY_FILE"],
        client_id=given["SLACK_CLIENT_ID"],
        client_secret=given["SLACK_CLIENT_SECRET"],
        app_id=given["SLACK_APP_ID"],
        slack_url=given["SLACKAPP_SLACK_URL"],
    )

    def use(tenant: str) -> str:
        found = store.find_bot(enterprise_id=None, team_id=tenant)
        return str(found.bot_token) if found is not None else "no bot"

    return use


def _prepared(order: Order) -> Callable[[], StormReport]:
    if order.what == "find_bot":
        crew = ThreadGroup(order, _find(order))
    else:
        service = build(config.load(order.environment, {}), system_clock, system_entropy, sys.stderr)
        if order.what == "remote_tasks":
            return lambda: StormReport(refreshed=refresh_due.run(service.app, lambda: False))
        crew = ThreadGroup(order, _call(service))

    def run() -> StormReport:
        crew.run()
        return crew.told

    return run


def main() -> None:
    """One order."""
    order = Order(**json.loads(sys.stdin.readline()))
    time.time = cast(Any, lambda: float(order.now))
    SystemClock.steady = cast(Any, lambda clock: int(time.time()) - BOOTED)  # time goes by, and nobody sets the clock
    run = _prepared(order)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(asdict(run())), flush=True)


if __name__ == "__main__":
    main()
