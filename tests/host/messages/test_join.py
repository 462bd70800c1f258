"""The bot comes into a public channel when a message for it is sent, where that was granted; and into no other."""

from pathlib import Path

import pytest

from slackapp.localslack.model import Fault
from tests.support.host_world import SCOPES, Host, connect, make_host_world
from tests.support.posting import accepted, look, said, send_all, send_due
from tests.support.world import NORTH, World

JOIN, POST = "conversations.join", "chat.postMessage"


@pytest.fixture
def spare(world: World, general: str) -> str:
    """A public channel that the bot is not in."""
    world.slack.state.joined.remove(general)
    return general


@pytest.mark.claim("C-303")
def test_it_joins_a_public_channel_and_posts_once(world: World, host: Host, spare: str, random: str) -> None:
    ids = [accepted(host, text, channel=spare) for text in ("one", "two")]
    accepted(host, "elsewhere", channel=random)
    send_all(world, 3)
    assert [text for text in said(world) if text != "elsewhere"] == ["one", "two"]
    assert [look(host, each)["status"] for each in ids] == ["sent", "sent"]
    assert len(world.calls(JOIN)) == 1
    (read,) = (fact for fact in world.facts("token.read") if fact["method"] == JOIN)
    assert (read["capability"], read["channel"], read["organization"]) == ("join", spare, host.organization)


@pytest.mark.claim("C-303")
@pytest.mark.parametrize(("fault", "status", "error"), [
    (Fault(JOIN, "error", error="method_not_supported_for_channel_type"), "failed", "not_in_channel"),
    (Fault(JOIN, "error", error="missing_scope"), "failed", "not_in_channel"),
    (Fault(JOIN, "ratelimited", retry_after=2), "sent", None),
    (Fault(JOIN, "html500"), "sent", None),
], ids=str)  # fmt: skip
def test_what_slack_does_not_let_it_into_has_failed_and_what_passes_waits(
    world: World, host: Host, spare: str, fault: Fault, status: str, error: str | None
) -> None:
    world.slack.faults.add(fault)
    message_id = accepted(host, "perhaps", channel=spare)
    send_all(world, 40)
    told = look(host, message_id)
    assert (told["status"], told["slackError"]) == (status, error)
    assert said(world) == ["perhaps"] * (status == "sent")


@pytest.mark.claim("C-303")
def test_it_joins_once(world: World, host: Host, spare: str) -> None:
    world.slack.faults.add(Fault(POST, "error", error="not_in_channel", times=2))
    twice = accepted(host, "once", channel=spare)
    send_due(world)
    assert (look(host, twice)["status"], look(host, twice)["reason"]) == ("failed", "channel")
    assert len(world.calls(JOIN)) == 1


@pytest.mark.claim("C-303")
def test_it_is_not_in_and_may_not_join(tmp_path: Path) -> None:
    scopes = SCOPES.replace("channels:join,", "")
    with make_host_world(tmp_path, SLACKAPP_BOT_SCOPES=scopes) as world:
        host = Host(world)
        connect(world, host)
        message_id = accepted(host, "no", channel=world.slack.workspaces[NORTH].general)
        send_due(world)
        assert (look(host, message_id)["status"], look(host, message_id)["slackError"]) == ("failed", "not_in_channel")
        assert world.calls(JOIN) == []


def test_what_may_post_everywhere_public_joins_nothing(tmp_path: Path) -> None:
    with make_host_world(tmp_path, SLACKAPP_BOT_SCOPES=f"{SCOPES},chat:write.public") as world:
        host = Host(world)
        connect(world, host)
        accepted(host, "hello", channel=world.slack.workspaces[NORTH].general)
        send_due(world)
        assert said(world) == ["hello"]
        assert world.calls(JOIN) == []
