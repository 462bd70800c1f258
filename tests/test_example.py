"""The example behaviour: answers in the thread, greets once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from slackapp import example
from slackapp.model import Tenant
from tests.support.world import NORTH, World

EVENT = {"type": "app_mention", "user": "U0ASKER", "channel": "C0NORTH001GEN", "ts": "1800000000.000100"}


@dataclass
class Recorder:
    """A context that only notes what is called."""

    tenant: Tenant = Tenant("T", NORTH)  # noqa: RUF009  (frozen)
    bot_user_id: str = "U0BOT"
    installer_id: str = "U0INSTALLER"
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def call(self, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        self.calls.append((method, params))
        return {}


@pytest.mark.parametrize(
    ("event", "thread"),
    [(EVENT, "1800000000.000100"), ({**EVENT, "thread_ts": "1799999999.000001"}, "1799999999.000001")],
)
def test_a_mention_is_answered_once_in_its_thread(event: Mapping[str, Any], thread: str) -> None:
    context = Recorder()
    example.answer_mention(context, event)
    ((method, params),) = context.calls
    assert method == "chat.postMessage"
    assert (params["channel"], params["thread_ts"]) == ("C0NORTH001GEN", thread)
    assert "<@U0ASKER>" in params["text"]


def test_the_words_of_a_mention_are_not_repeated() -> None:
    context = Recorder()
    example.answer_mention(context, {**EVENT, "text": "<!channel> canary"})
    assert "canary" not in str(context.calls)
    assert "<!channel>" not in str(context.calls)


def test_the_installer_is_greeted_directly() -> None:
    context = Recorder()
    example.greet_installer(context, {"type": "slackapp.installed"})
    ((method, params),) = context.calls
    assert (method, params["channel"]) == ("chat.postMessage", "U0INSTALLER")


def test_every_entry_of_the_table_is_a_function_of_this_module() -> None:
    table = {"app_mention": example.answer_mention, "slackapp.installed": example.greet_installer}
    assert table == example.EVENTS


def test_a_person_who_mentions_the_bot_is_answered_in_the_thread_of_the_mention(world: World) -> None:
    world.browser().install()
    assert world.work() == 1
    (greeting,) = world.slack.messages(NORTH)
    assert greeting["channel"] == "D" + world.slack.workspaces[NORTH].admin[1:]
    world.mention()
    assert world.work() == 1
    answer = world.slack.messages(NORTH)[-1]
    assert (answer["channel"], answer["thread_ts"]) == (world.slack.workspaces[NORTH].general, "1800000000.000100")


def test_a_second_install_greets_nobody(world: World) -> None:
    world.browser().install()
    world.work()
    world.browser().install()
    assert world.work() == 0
    assert len(world.slack.messages(NORTH)) == 1
