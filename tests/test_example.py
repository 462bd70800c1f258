"""The example behaviour: answers in the thread and at its command, greets once, keeps a Home tab."""

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
    home_admin: bool = True
    public_url: str = "https://app.example.com"
    missing_scopes: tuple[str, ...] = ()
    admins: tuple[str, ...] = ("U0ADMIN",)
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    removed: int = 0
    user_id: str = ""

    def call(self, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        self.calls.append((method, params))
        return {}

    def respond(self, text: str) -> None:
        self.said.append(text)

    def is_admin(self, user_id: str) -> bool:
        return user_id in self.admins

    def refuse(self, text: str) -> None:
        self.refused.append(text)

    def remove(self) -> None:
        self.removed += 1


@pytest.mark.parametrize(
    ("event", "thread"),
    [(EVENT, "1800000000.000100"), ({**EVENT, "thread_ts": "1799999999.000001"}, "1799999999.000001")],
)
def test_a_mention_is_answered_once_in_its_thread(event: Mapping[str, Any], thread: str) -> None:
    context = Recorder(user_id="U0ASKER")
    example.answer_mention(context, event)
    ((method, params),) = context.calls
    assert method == "chat.postMessage"
    assert (params["channel"], params["thread_ts"]) == ("C0NORTH001GEN", thread)
    assert "<@U0ASKER>" in params["text"]


@pytest.mark.parametrize(
    ("user", "by"), [("", {"bot_id": "B0WORKFLOW"}), ("U0OTHERBOT", {"bot_id": "B0OTHER"}), ("", {})]
)
def test_a_mention_by_nobody_in_particular_is_answered_and_mentions_nobody(user: str, by: Mapping[str, Any]) -> None:
    """Workflows and incoming webhooks are no users; two bots that mention each other never end."""
    context = Recorder(user_id=user)
    event = {name: value for name, value in EVENT.items() if name != "user"}
    example.answer_mention(context, event | by)
    ((_, params),) = context.calls
    assert params["text"].startswith("Hello. ")


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
    table = {
        "app_mention": example.answer_mention,
        "slackapp.installed": example.greet_installer,
        "/example": example.answer_command,
        "app_home_opened": example.show_home,
        "block_actions:remove_app": example.remove_app,
    }
    assert table == example.EVENTS


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", example.USAGE), ("  ", example.USAGE), ("help", example.HELP), (" HELP ", example.HELP),
        ("status", "I am installed here for T0NORTH001, and I am listening."),
    ],
)  # fmt: skip
def test_the_command_knows_its_words(text: str, answer: str) -> None:
    context = Recorder()
    example.answer_command(context, {"text": text})
    assert (context.said, context.calls) == ([answer], [])


@pytest.mark.parametrize("text", ["canary", "help me", "<!channel>", "statu\u0455", "x" * 5000])
def test_a_word_that_the_command_does_not_know_is_answered_with_its_use_and_not_repeated(text: str) -> None:
    context = Recorder()
    example.answer_command(context, {"text": text})
    assert context.said == [f"I do not know that word. {example.USAGE}"]


def test_a_command_without_a_text_is_answered_with_its_use() -> None:
    context = Recorder()
    example.answer_command(context, {})
    assert context.said == [example.USAGE]


def buttons(context: Recorder) -> list[Mapping[str, Any]]:
    """The buttons of the one Home tab that was published."""
    ((method, params),) = context.calls
    assert (method, params["view"]["type"]) == ("views.publish", "home")
    return [element for block in params["view"]["blocks"] for element in block.get("elements", [])]


def test_an_admin_s_home_tab_has_a_button_that_asks_for_confirmation() -> None:
    context = Recorder(user_id="U0ADMIN")
    example.show_home(context, {"tab": "home"})
    (button,) = buttons(context)
    assert (button["action_id"], button["style"]) == (example.REMOVE, "danger")
    assert set(button["confirm"]) == {"title", "text", "confirm", "deny", "style"}
    assert context.calls[0][1]["user_id"] == "U0ADMIN"


@pytest.mark.parametrize(("user", "home_admin"), [("U0MEMBER", True), ("U0ADMIN", False), ("U0MEMBER", False)])
def test_a_member_s_home_tab_and_one_that_is_not_for_removing_have_no_button(user: str, home_admin: bool) -> None:
    context = Recorder(home_admin=home_admin, user_id=user)
    example.show_home(context, {"tab": "home"})
    assert buttons(context) == []


@pytest.mark.parametrize("missing", [(), ("chat:write",), ("chat:write", "commands")])
def test_the_home_tab_says_what_the_app_lacks_and_where_support_is(missing: tuple[str, ...]) -> None:
    context = Recorder(missing_scopes=missing, user_id="U0MEMBER")
    example.show_home(context, {"tab": "home"})
    said = str(context.calls)
    assert "https://app.example.com/support|" in said
    assert ("lacks permissions" in said) == ("https://app.example.com/slack/install|" in said) == bool(missing)
    assert all(f"`{scope}`" in said for scope in missing)


@pytest.mark.parametrize("event", [{"tab": "messages", "user": "U0ADMIN"}, {"user": "U0ADMIN"}])
def test_another_tab_is_left_alone(event: Mapping[str, Any]) -> None:
    context = Recorder()
    example.show_home(context, event)
    assert context.calls == []


@pytest.mark.parametrize(
    ("user", "home_admin", "removed"), [("U0ADMIN", True, 1), ("U0MEMBER", True, 0), ("U0ADMIN", False, 0)]
)
def test_the_button_does_its_work_for_an_admin_where_it_is_on(user: str, home_admin: bool, removed: int) -> None:
    context = Recorder(home_admin=home_admin, user_id=user)
    example.remove_app(context, {})
    assert (context.removed, context.refused) == (removed, [] if removed else [example.ONLY_ADMINS])


def test_a_user_who_mentions_the_bot_is_answered_in_the_thread_of_the_mention(world: World) -> None:
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
