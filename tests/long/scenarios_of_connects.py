"""A connect: back from Slack, on the page and by API, confirmed, moved to another workspace, given back."""

import dataclasses
import json
from pathlib import Path

from slackapp.host.flows.connect import begin_connect
from slackapp.host.store import quarantines
from slackapp.model import Tenant
from tests.host.keys import write_keys
from tests.long.child import Child
from tests.long.scenarios import Arguments, Command, Run, Scenario, add, assert_usable, finish
from tests.support.callback_world import live_tokens
from tests.support.connected import ACME, ANN, add_member
from tests.support.connecting import COMPLETE, HOST_URL, Person, ann, led_to, run_upkeep, told
from tests.support.world import NORTH, SOUTH, World

SCOPES = "app_mentions:read,chat:write,incoming-webhook,users:read"
ALL_OVER = 1000
"""Seconds after which neither a state nor a grant waits any more."""


def on(folder: Path) -> dict[str, str]:
    """What switches the host side on; the file of the host's keys goes with the folder."""
    if not (folder / "host.keys").exists():
        write_keys(folder)
    return {
        "SLACKAPP_HOST_KEYS_FILE": str(folder / "host.keys"),
        "SLACKAPP_HOST_URL": HOST_URL,
        "SLACKAPP_HOST_COMPLETE_PATH": "/slack/complete",
        "SLACKAPP_BOT_SCOPES": SCOPES,
    }


def begun(world: World) -> Person:
    """Ann, of whose organization the service knows, and who may come back from Slack."""
    addresses = (*world.slack.app.redirect_urls, begin_connect.redirect_uri(world.settings))
    world.slack.app = dataclasses.replace(world.slack.app, redirect_urls=addresses)
    with world.service.app.db.transaction():
        add_member(world.service.app.db, ACME, ANN)
    return ann(world)


def approve(person: Person, address: str, target: str = NORTH) -> str:
    """Every install here has a bot's token and a user's."""
    return person.approve(f"{address}&user_scope=users:read", target)


def kept(person: Person, **more: str) -> Arguments:
    return {"cookies": json.dumps(person.browser.cookies), **more}


def person_of(world: World, arguments: Arguments) -> Person:
    """The same browser, with the cookies that it had."""
    person = ann(world)
    person.browser.cookies.update(json.loads(arguments["cookies"]))
    return person


def settle(world: World) -> None:
    """Upkeep, for as long as it takes: what waits is over, leases of the dead run out."""
    world.clock.advance(ALL_OVER)
    for _ in range(8):
        run_upkeep(world)
        if not world.count("quarantines"):
            break
        world.clock.advance(61)
    finish(world)


def assert_told_once(world: World, *targets: str) -> None:
    """One connection, which holds the last of these, and of which the host was told as often as it became active."""
    rows = world.rows("SELECT status, tenant_id FROM connections WHERE status <> 'failed'")
    assert [tuple(row) for row in rows] == [("active", targets[-1])]
    events = world.rows("SELECT type FROM host_events")
    assert [row["type"] for row in events] == ["connection.active"] * len(targets)
    assert world.count("quarantines") == 0


def connect_anew(person: Person) -> None:
    """Whatever became of the first attempt, another one ends well."""
    begun_again = person.begin()
    assert person.come_back(approve(person, begun_again.authorize_url)).location == COMPLETE
    person.sign_in()
    assert told(led_to(person.press("confirm")))["status"] == "success"


def is_lost(world: World) -> bool:
    """Whether the process died while Slack's answer was known to nobody else: nobody can end what it granted."""
    return bool(world.calls("oauth.v2.access")) and not world.facts("grant.read") and world.status() == ""


# By API: the grant waits


def _approved(world: World, command: Command) -> Arguments:
    person = begun(world)
    return kept(person, target=approve(person, person.begin().authorize_url))


def _come_back(actor: Child) -> None:
    world = actor.world()
    person = person_of(world, actor.arguments)
    actor.arm()
    reply = person.come_back(actor.arguments["target"])
    assert reply.location == COMPLETE
    actor.tell(f"cookie {json.dumps(person.browser.cookies)}")


def _waits_once(run: Run) -> None:
    world = run.world
    person = person_of(world, run.arguments)
    if run.told:
        person.browser.cookies.update(json.loads(run.told[0].removeprefix("cookie ")))
    before = person.statuses()
    assert before in (["pending"], ["quarantined"])
    assert (world.status(), world.count("host_events")) == ("", 0), "nothing is active"
    again = person.come_back(run.arguments["target"])
    assert len(world.calls("oauth.v2.access")) <= 1
    assert again.status == 503 or again.location == COMPLETE, "lost, or shown, or done now"
    person.sign_in()
    if run.told or "set-cookie" in again.headers:
        assert told(led_to(person.press("confirm")))["status"] == "success"
    else:
        # The cookie went to a browser that never got it: it is given back.
        lost = is_lost(world) and person.statuses() == ["pending"]
        settle(world)
        assert (person.statuses(), world.status()) == (["failed"], "")
        assert lost or (live_tokens(world, NORTH), world.slack.installed) == ([], [])
        connect_anew(person)
    assert_told_once(world, NORTH)
    assert_usable(world)


add(Scenario("come back to a connect", _approved, _come_back, _waits_once, settings=on))


# On the page: active at once


def _approved_on_page(world: World, command: Command) -> Arguments:
    person = begun(world)
    person.sign_in()
    return kept(person, target=approve(person, led_to(person.begin_on_page())))


def _connect(actor: Child) -> None:
    world = actor.world()
    person = person_of(world, actor.arguments)
    actor.arm()
    actor.tell(f"back {told(person.come_back(actor.arguments['target']).location)['status']}")


def _connected_once(run: Run) -> None:
    world = run.world
    person = person_of(world, run.arguments)
    if run.told:
        assert (run.told, person.statuses()) == (("back success",), ["active"])
    again = person.come_back(run.arguments["target"])
    assert len(world.calls("oauth.v2.access")) <= 1
    assert again.status == 503 or told(again.location)["status"] == "success"
    if person.statuses() != ["active"]:
        assert (again.status, world.status()) == (503, "")
        settle(world)
        assert person.statuses() == ["failed"]
        connect_anew(person)
    assert_told_once(world, NORTH)
    assert_usable(world)


add(Scenario("connect on the page", _approved_on_page, _connect, _connected_once, settings=on))


# The button


def _waiting(world: World, command: Command) -> Arguments:
    person = begun(world)
    person.come_back(approve(person, person.begin().authorize_url))
    person.sign_in()
    return kept(person)


def _confirm(actor: Child) -> None:
    world = actor.world()
    person = person_of(world, actor.arguments)
    actor.arm()
    actor.tell(f"confirmed {told(led_to(person.press('confirm')))['status']}")


def _confirmed_once(run: Run) -> None:
    world = run.world
    person = person_of(world, run.arguments)
    assert run.told in ((), ("confirmed success",))
    if run.told or person.statuses() == ["active"]:
        assert "Nothing to confirm" in person.press("confirm").text
    else:
        assert (person.statuses(), world.status()) == (["quarantined"], "")
        assert told(led_to(person.press("confirm")))["status"] == "success"
    assert_told_once(world, NORTH)
    assert (world.calls("apps.uninstall"), world.calls("auth.revoke")) == ([], [])
    finish(world)
    assert_usable(world)


add(Scenario("confirm a connect", _waiting, _confirm, _confirmed_once, settings=on))


# Another workspace than before


def _held_and_waiting(world: World, command: Command) -> Arguments:
    person = begun(world)
    connect_anew(person)
    finish(world)
    again = person.begin(reconnect=person.held().id)
    person.come_back(approve(person, again.authorize_url, SOUTH))
    person.sign_in()
    return kept(person, id=person.held().id)


def _moved_once(run: Run) -> None:
    world = run.world
    person = person_of(world, run.arguments)
    if world.status(SOUTH) == "":
        assert (world.status(NORTH), run.told) == ("active", ()), "what works is left when the other one is there"
        assert_usable(world)
        assert told(led_to(person.press("confirm")))["status"] == "success"
    assert person.held(SOUTH).id == run.arguments["id"]
    world.clock.advance(61)
    finish(world)
    assert (world.status(NORTH), world.status(SOUTH)) == ("", "active")
    assert (world.slack.installed, live_tokens(world, NORTH)) == ([SOUTH], [])
    assert_told_once(world, NORTH, SOUTH)
    assert_usable(world, Tenant("T", SOUTH))  # type: ignore[arg-type]


add(Scenario("leave a workspace for another", _held_and_waiting, _confirm, _moved_once, settings=on))


# Given back


def _over(world: World, command: Command) -> Arguments:
    arguments = _waiting(world, command)
    world.clock.advance(quarantines.LIFETIME + 1)
    return arguments


def _give_back(actor: Child) -> None:
    world = actor.world()
    actor.arm()
    run_upkeep(world)
    actor.tell("given back")


def _given_back_once(run: Run) -> None:
    world = run.world
    person = person_of(world, run.arguments)
    if run.told:
        assert (person.statuses(), live_tokens(world, NORTH)) == (["failed"], [])
    settle(world)
    assert (person.statuses(), live_tokens(world, NORTH), world.slack.installed) == (["failed"], [], [])
    assert [row["detail"] for row in world.facts("grant.given_back")] == ["uninstalled"]
    assert (world.count("installations"), world.count("host_events")) == (0, 0)
    connect_anew(person)
    assert_told_once(world, NORTH)
    assert_usable(world)


add(Scenario("give a grant back", _over, _give_back, _given_back_once, settings=on))
