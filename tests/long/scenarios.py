"""What is swept: what comes before, what the process that dies does, and how everything comes right again.

`act` runs in that process, `prepare` and `finish` in the one that watches. `finish` first says what must hold at once,
then lets repeats, the worker or a second try finish it, and says what must hold in the end.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from slackapp.errors import Refusal, Refused
from slackapp.flows.upkeep import interrupted_calls
from slackapp.localslack import LocalSlack
from slackapp.model import Actor, ActorKind, Tenant
from tests.long import invariants
from tests.support.client import Reply
from tests.support.token_use import call_as
from tests.support.world import NORTH, ORG, SOUTH, Browser, World, holder_of, north_tenant

if TYPE_CHECKING:
    from tests.long.child import Child

SETTINGS = {
    "SLACKAPP_BOT_SCOPES": "app_mentions:read,chat:write,incoming-webhook",
    "SLACKAPP_USER_SCOPES": "users:read",
}
ACTOR = Actor(ActorKind.WORKER, "check")
ADMINS = {NORTH: "U0NORTH001ADM", SOUTH: "U0SOUTH001ADM", ORG: "W0EVERADM1"}
LIFE = 43_200

Arguments = dict[str, str]
Command = Callable[..., None]


class AgainPort(Protocol):
    """The scenario in a new process, or a command of the command line."""

    def __call__(self, *command: str, expected: str = "status 0") -> None: ...


@dataclass(frozen=True)
class Run:
    """What is found after the process ended: a fresh service on its files, and what it had told.

    What is wrong goes into `lost` where the sweep can go on all the same, so that it finds all the steps that do so.
    """

    world: World
    killed: bool
    told: tuple[str, ...]
    arguments: Arguments
    again: AgainPort
    lost: list[str]


def _as_it_is(folder: Path) -> None:
    """Nothing to change."""


def _nothing_more(folder: Path) -> dict[str, str]:
    """The settings of all are enough."""
    return {}


def _is_consistent(slack: LocalSlack) -> None:
    """Nothing goes wrong there."""


@dataclass(frozen=True)
class Scenario:
    """One thing that is done. `change` makes the files at the start older, or takes them away.

    `fault` is what Slack or the network does wrong. `source` names a file of another app: there tokens lie in clear,
    and what is moved out of it may be here in part until all of it is. `settings` are those beside what all have, for
    the folder of a run.
    """

    name: str
    prepare: Callable[[World, Command], Arguments]
    act: Callable[["Child"], None]
    finish: Callable[[Run], None]
    change: Callable[[Path], None] = _as_it_is
    fault: Callable[[LocalSlack], None] = _is_consistent
    source: str = ""
    settings: Callable[[Path], dict[str, str]] = _nothing_more


SCENARIOS: dict[str, Scenario] = {}


def by_name(name: str) -> Scenario:
    """One of all, also the one that only runs a command."""
    from tests.long import (  # noqa: F401  (they add theirs)
        scenarios_of_connects,
        scenarios_of_ends,
        scenarios_of_installs,
        scenarios_of_keys,
        scenarios_of_messages,
        scenarios_of_reviews,
        scenarios_of_stores,
        scenarios_of_tokens,
    )

    return SCENARIOS[name]


def add(scenario: Scenario) -> None:
    SCENARIOS[scenario.name] = scenario


def _command(actor: "Child") -> None:
    actor.command(*json.loads(actor.arguments["line"]))


add(Scenario("command", lambda world, command: {}, _command, lambda run: None))


# What scenarios share


def install(world: World, *tenants: str) -> None:
    """Installs, and greets."""
    for tenant in tenants or (NORTH,):
        assert world.browser().install(tenant).status == 303
    world.work()


def ask(world: World, tenant: Tenant | None = None, user_id: str = "") -> Mapping[str, Any]:
    """A call with the stored token, which Slack must take."""
    return call_as(world.service.app, tenant or north_tenant(), ACTOR, holder=holder_of(user_id)).data


def assert_usable(world: World, tenant: Tenant | None = None) -> None:
    """The bot's and the user's token open, and Slack takes both."""
    tenant = tenant or north_tenant()
    for user_id in ("", ADMINS[tenant.id]):
        assert ask(world, tenant, user_id)["ok"] is True


def finish(world: World) -> None:
    """The worker, for as long as it takes: leases of the dead run out, what waits becomes due."""
    for _ in range(8):
        interrupted_calls.mark_unclear(world.service.app, world.clock())
        world.work()
        if not world.rows("SELECT 1 FROM inbox WHERE state NOT IN ('done', 'unclear', 'dead')"):
            return
        world.clock.advance(121)
    raise AssertionError([tuple(row) for row in world.rows("SELECT event_id, state, result FROM inbox")])


def wrapped_keys(world: World, tenant_id: str) -> str:
    """A tenant's wrapped keys, in hex, to look for later."""
    rows = world.rows("SELECT wrapped FROM data_keys WHERE tenant_id = ?", tenant_id)
    return ",".join(row["wrapped"].hex() for row in rows)


def assert_purged(run: Run, tenant_id: str = NORTH) -> None:
    wrapped = [bytes.fromhex(key) for key in run.arguments["wrapped"].split(",")]
    left = invariants.not_purged(run.world, tenant_id, wrapped)
    assert not left, "; ".join(left)
    assert tenant_id not in run.world.slack.installed


def waiting_event(world: World, event_id: str, tenant_id: str = NORTH) -> None:
    """An event that is kept and not yet run."""
    assert world.mention(event_id, team_id=tenant_id).status == 200


def go_on(world: World, arguments: Arguments, browser: Browser | None = None) -> Reply:
    """The browser comes back from Slack."""
    browser = browser or world.browser()
    browser.cookies.update(json.loads(arguments["cookies"]))
    return browser.get(arguments["target"])


def approve(world: World, target: str = NORTH) -> Arguments:
    """A user approves an install; the browser is on its way back."""
    browser = world.browser()
    consented = browser.consent(browser.begin(), target)
    path, _, query = consented.location.partition("?")
    return {"target": f"/slack/oauth_redirect?{query}", "cookies": json.dumps(browser.cookies), "path": path}


def at_once(world: World) -> bool:
    """Whether the token can be had now; else a dead process holds its lease."""
    try:
        return bool(ask(world)["ok"])
    except Refused as refused:
        if refused.refusal is not Refusal.TOKEN_UNAVAILABLE:
            raise
        return False
