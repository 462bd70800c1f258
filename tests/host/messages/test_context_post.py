"""What the app's own functions post goes into the outbox, once for each run, whatever ends it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from slackapp.checks.capabilities import merge_capabilities
from slackapp.errors import SlackCallError
from slackapp.host.model import ConnectionStatus
from slackapp.host.rows import StatusReason
from tests.flows.kill_process import Killed, kill_in_call
from tests.host.messages.test_post import configure, move
from tests.support.host_world import MEMBER, Host
from tests.support.posting import MESSAGES, look, said, send_due, shown
from tests.support.world import SOUTH, World

Act = Callable[[Any, Mapping[str, Any]], object]


def act_on_mention(world: World, act: Act) -> None:
    """The app's own function, and somebody who mentions it."""
    world.replace_parts(behaviour={"app_mention": act})
    assert world.mention().status == 200


def state(world: World) -> str:
    return str(world.rows("SELECT state FROM inbox WHERE event_id = 'Ev0001'")[0]["state"])


@pytest.mark.claim("C-331")
def test_a_post_is_an_effect_of_the_run_and_goes_out_in_its_turn(world: World, host: Host, general: str) -> None:
    ids, effects = [], []

    def act(context: Any, event: Mapping[str, Any]) -> None:
        ids.append(context.post(event["channel"], "heard", thread_ts=event["ts"], purpose=None))
        ids.append(context.schedule(world.clock() + 3600, event["channel"], "an hour ago"))
        effects.extend(context._run._pending)
        assert world.rows("SELECT * FROM messages") == [], "not before the run is done"

    act_on_mention(world, act)
    assert (world.work(), state(world)) == (1, "done")
    assert [look(host, each)["status"] for each in ids] == ["queued", "scheduled"]
    told = look(host, ids[0])
    assert (told["senderId"], told["purpose"], told["channel"]) == (None, "alerts", general)
    db = world.service.app.db
    with db.transaction():
        for key, write in effects:
            write(db, key)
    assert len(world.rows("SELECT * FROM messages")) == 2, "what is written twice is there once"
    send_due(world)
    (message,) = [each for each in shown(world) if each["text"] == "heard"]
    assert message["thread_ts"] == "1800000000.000100"
    world.clock.advance(3601)
    send_due(world)
    assert said(world)[-1] == "an hour ago"
    assert host.of("meg", MEMBER).get(f"{MESSAGES}/{ids[0]}").json["status"] == "sent"


@pytest.mark.claim("C-331")
@pytest.mark.parametrize("calls", [False, True])
def test_a_process_that_is_killed_leaves_each_post_once_or_not_at_all(
    world: World, monkeypatch: pytest.MonkeyPatch, calls: bool
) -> None:
    runs: list[int] = []

    def act(context: Any, event: Mapping[str, Any]) -> None:
        runs.append(1)
        context.post(event["channel"], "once")
        if calls:
            context.call("chat.postMessage", {"channel": event["channel"], "text": "called"})
        if len(runs) == 1:
            raise Killed

    kill_in_call(monkeypatch)
    act_on_mention(world, act)
    with pytest.raises(Killed):
        world.work()
    assert len(world.rows("SELECT * FROM messages")) == int(calls), "committed with the intent of the call"
    world.restart()
    world.replace_parts(behaviour={"app_mention": act})
    world.clock.advance(600)
    world.work()
    send_due(world)
    assert said(world).count("once") == 1
    assert len(runs) == (1 if calls else 2)


@pytest.mark.claim("C-331")
def test_a_connection_that_changes_meanwhile_has_it_run_again(world: World, general: str) -> None:
    runs: list[int] = []

    def act(context: Any, event: Mapping[str, Any]) -> None:
        runs.append(1)
        context.post(event["channel"], "once")
        if len(runs) == 1:
            move(world, ConnectionStatus.SUSPENDED, StatusReason.REVIEW)

    act_on_mention(world, act)
    assert (world.work(), state(world), world.rows("SELECT * FROM messages")) == (1, "ready", [])
    move(world, ConnectionStatus.ACTIVE)
    world.clock.advance(600)
    assert (world.work(), state(world)) == (1, "done")
    send_due(world)
    assert said(world) == ["once"]


@pytest.mark.claim("C-332")
def test_it_posts_where_its_connection_and_its_module_may(world: World, general: str) -> None:
    refused = []

    def act(context: Any, event: Mapping[str, Any]) -> None:
        with pytest.raises(Exception) as caught:  # noqa: PT011  (each kind of refusal is looked at below)
            context.post(event["channel"], "x")
        refused.append(type(caught.value).__name__)

    configure(world, allowed=("C0ANOTHER01",))
    act_on_mention(world, act)
    world.work()
    configure(world)
    vault = world.service.app.vault
    world.replace_parts(vault=replace(vault, capabilities=merge_capabilities((), ("views.publish",))))
    assert world.mention("Ev0002").status == 200
    world.work()
    assert refused == ["HostRefused", "CapabilityError"]
    assert world.rows("SELECT * FROM messages") == []


def test_where_no_organization_has_connected_it_slack_is_called_at_once(world: World) -> None:
    told = []

    def act(context: Any, event: Mapping[str, Any]) -> None:
        told.append(context.post(event["channel"], "as before"))
        with pytest.raises(SlackCallError, match="scheduleMessage"):  # the local Slack knows no such method
            context.schedule(world.clock() + 3600, event["channel"], "later")

    assert world.browser().install(SOUTH).status == 303
    world.work()
    world.replace_parts(behaviour={"app_mention": act})
    assert world.mention(team_id=SOUTH).status == 200
    world.work()
    assert told == [None]
    assert said(world) == ["as before"]
