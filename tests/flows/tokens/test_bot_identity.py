"""The app's own messages are known by the bot's id, which Slack tells later than the install."""

from collections.abc import Mapping
from typing import Any

import pytest

from slackapp.behaviour import Context
from slackapp.flows.tokens import validate_tenant
from slackapp.localslack.model import Fault
from slackapp.model import Actor, ActorKind
from slackapp.store import installations
from tests.support.interactions import click_button
from tests.support.world import APP_ID, NORTH, World, north_tenant

SAID = {"type": "message", "subtype": "bot_message", "channel": "C0NORTH001GEN", "ts": "1800000000.000100"}


@pytest.fixture
def ran(ready: World) -> list[str]:
    """The texts that the app's function was given."""
    seen: list[str] = []

    def listen(context: Context, event: Mapping[str, Any]) -> None:
        seen.append(str(event.get("text", "")))

    ready.replace_parts(behaviour={"message": listen, "block_actions:remove_app": listen})
    return seen


def our_bot(world: World) -> str:
    return world.slack.state.installs[NORTH].bot_id


def stored(world: World) -> str:
    return str(world.rows("SELECT bot_id FROM installations WHERE tenant_id = ?", NORTH)[0][0])


def checked(world: World) -> None:
    validate_tenant.run(world.service.app, north_tenant(), Actor(ActorKind.WORKER, ""))


@pytest.mark.claim("C-70")
def test_what_the_app_said_by_a_response_url_is_its_own_before_anybody_asked_who_the_bot_is(
    ready: World, ran: list[str]
) -> None:
    """It comes back with the bot's id alone: no app, no user. An app that answers it answers itself for ever."""
    assert stored(ready) == "", "an install does not tell it"
    ready.event({**SAID, "bot_id": our_bot(ready), "text": "mine"}, "EvMine")
    ready.work()
    assert (ran, ready.calls(), stored(ready)) == ([], ["auth.test"], our_bot(ready))
    (row,) = ready.rows("SELECT state, result FROM inbox WHERE event_id = 'EvMine'")
    assert tuple(row) == ("done", "our own")


@pytest.mark.claim("C-70")
def test_once_the_bot_is_known_its_own_is_not_even_kept(ready: World, ran: list[str]) -> None:
    checked(ready)
    before = ready.snapshot()
    ready.slack.called.clear()
    for number, own in enumerate((
        {"bot_id": our_bot(ready)}, {"bot_profile": {"id": our_bot(ready)}},
        {"subtype": "message_changed", "message": {"bot_id": our_bot(ready)}},
    )):  # fmt: skip
        assert ready.event({**SAID, **own}, f"EvOwn{number}").status == 200
    assert (ready.snapshot(), ready.calls(), ran) == (before, [], [])


@pytest.mark.parametrize("known", [False, True])
def test_what_another_bot_said_is_acted_on(ready: World, ran: list[str], known: bool) -> None:
    if known:
        checked(ready)
    for number in range(3):
        ready.event({**SAID, "bot_id": "B0WORKFLOW", "text": str(number)}, f"Ev{number}")
    ready.work()
    assert (ran, len(ready.calls("auth.test")), stored(ready)) == (["0", "1", "2"], 1, our_bot(ready))


def test_an_event_of_a_user_makes_no_auth_test(ready: World, ran: list[str]) -> None:
    """A press on a message of our own is a user's doing, too."""
    ready.event({**SAID, "subtype": None, "user": "U0SOMEBODY", "text": "hello"})
    click_button(ready, message={"bot_id": our_bot(ready), "app_id": APP_ID}, text="pressed")
    ready.work()
    assert (sorted(ran), ready.calls()) == (["hello", "pressed"], [])


def test_while_slack_does_not_say_who_the_bot_is_the_event_waits(ready: World, ran: list[str]) -> None:
    ready.slack.fault(Fault("auth.test", "html500"))
    ready.event({**SAID, "bot_id": our_bot(ready)}, "EvMine")
    ready.work()
    assert (ran, [row["state"] for row in ready.rows("SELECT state FROM inbox WHERE event_id = 'EvMine'")]) == (
        [], ["ready"],
    )  # fmt: skip
    ready.clock.advance(60)
    ready.work()
    assert (ran, stored(ready)) == ([], our_bot(ready))


@pytest.mark.parametrize("odd", [None, 7, "", "b0x", "B0'; DROP", ["B0BOT00001"]])
def test_an_answer_without_a_bot_s_id_stores_none_and_holds_nothing_up(
    ready: World, ran: list[str], odd: object
) -> None:
    ready.slack.fault(Fault("auth.test", "patch", patch={"bot_id": odd}))
    ready.event({**SAID, "bot_id": "B0WORKFLOW", "text": "theirs"})
    ready.work()
    assert (ran, stored(ready)) == (["theirs"], "")


def test_installations_from_before_are_told_by_the_daily_check(ready: World) -> None:
    ready.clock.advance(validate_tenant.INTERVAL + 1)
    validate_tenant.run_due(ready.service.app, lambda: False)
    assert stored(ready) == our_bot(ready)


def test_a_new_install_of_the_same_bot_keeps_its_id_and_one_of_another_bot_forgets_it(ready: World) -> None:
    checked(ready)
    ready.browser().install()
    assert stored(ready) == our_bot(ready)
    app = ready.service.app
    old = installations.find(app.db, north_tenant())
    ready.slack.fault(Fault("oauth.v2.access", "patch", patch={"bot_user_id": "U0OTHERBOT"}))
    ready.browser().install()
    assert stored(ready) == ""
    assert old is not None
    installations.set_bot_id(app.db, old, "B0OLDBOT01")
    assert stored(ready) == "", "an answer about the bot from before comes too late"
