"""Messages that go out by the webhook that was granted: to its channel, opened as a token is, and without a place."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.errors import SlackErrorKind, TransactionOpenError
from slackapp.host.checks.webhook_answers import judge_answer
from slackapp.localslack.api import oauth
from slackapp.model import Secret
from tests.support.host_world import MEMBER, SCOPES, Host, connect, make_host_world, told
from tests.support.posting import MESSAGES, accepted, look, post, said, send_all, send_due, shown
from tests.support.world import World

INTEGRATION = "slack/integration"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A workspace that has granted a webhook; the bot itself is in no channel."""
    with make_host_world(tmp_path, SLACKAPP_BOT_SCOPES=f"{SCOPES},incoming-webhook") as made:
        connect(made, Host(made))
        yield made


@pytest.fixture
def hooked(world: World, host: Host) -> str:
    """The webhook's channel, once it is the way."""
    reply = host.of().put(INTEGRATION, {"delivery": "webhook"})
    assert reply.status == 200, reply.text
    return str(reply.json["integration"]["webhookChannel"])


def hook_path(world: World) -> str:
    (path,) = (path for path, hook in world.slack.state.hooks.items() if hook.uses < 0)
    return path


@pytest.mark.claim("C-307", "C-309")
def test_what_names_no_channel_goes_out_by_the_webhook(world: World, host: Host, hooked: str, random: str) -> None:
    message_id = accepted(host, "by the webhook")
    by_bot = accepted(host, "by the bot", channel=random)
    assert look(host, message_id)["delivery"] == "webhook"
    send_all(world, 2)
    sent = look(host, message_id)
    assert (sent["status"], sent["channel"], sent["ts"], sent["permalink"]) == ("sent", hooked, None, None)
    (message,) = (each for each in shown(world) if each.get("via") == "webhook")
    assert (message["text"], message["channel"]) == ("by the webhook", hooked)
    assert (look(host, by_bot)["delivery"], look(host, by_bot)["channel"]) == ("bot", random)
    reads = world.facts("webhook.read")
    assert [each["capability"] for each in reads] == ["post_webhook"] * 2, "to find its channel, and for the post"
    assert reads[-1]["organization"] == host.organization
    secret = f"{world.slack.base_url}{hook_path(world)}"
    assert secret.encode() not in world.bytes_on_disk()
    assert secret not in world.log.getvalue()
    meg = host.of("meg", MEMBER)
    assert told(meg.call("PATCH", f"{MESSAGES}/{message_id}", {"text": "x"})) == (400, "BAD_REQUEST")
    assert told(meg.call("DELETE", f"{MESSAGES}/{message_id}")) == (400, "BAD_REQUEST")
    assert told(post(host, {"text": "x", "threadOf": message_id})) == (404, "NOT_FOUND")


@pytest.mark.claim("C-307")
def test_its_channel_must_be_allowed_and_stay_the_same(world: World, host: Host, hooked: str, random: str) -> None:
    refused = host.of().put(INTEGRATION, {"allowedChannels": [random]})
    assert (refused.status, refused.json["field"]) == (422, "delivery")
    assert host.of().put(INTEGRATION, {"allowedChannels": [hooked]}).status == 200
    accepted(host, "one")
    send_due(world)
    assert said(world) == ["one"]
    other = accepted(host, "two")
    with pytest.MonkeyPatch.context() as patch:  # whoever installs again chooses another channel
        before = oauth._webhook
        patch.setattr(oauth, "_webhook", lambda *given: before(*given) | {"channel_id": random})
        assert world.browser().install("T0NORTH001").status == 303
    send_all(world, 2)
    assert said(world) == ["one"]
    assert (look(host, other)["reason"], look(host, other)["slackError"]) == ("channel", "channel_not_found")


@pytest.mark.claim("C-308")
def test_each_answer_has_its_meaning_for_the_message(world: World, host: Host, hooked: str) -> None:
    hook = world.slack.state.hooks.pop(hook_path(world))
    gone = accepted(host, "no webhook any more")
    send_due(world)
    assert (look(host, gone)["reason"], look(host, gone)["slackError"]) == ("channel", "no_service")
    world.slack.state.hooks[hook.path] = hook
    send_all(world, 2)
    answers = iter([(429, {"retry-after": "3"}, ""), (500, {}, "rollup_error"), (200, {}, "<html>")])
    posted: list[str] = []

    def answer(url: str, message: object) -> tuple[int, dict[str, str], str]:
        posted.append(json.dumps(message))
        return next(answers, (200, {}, "ok"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("slackapp.slack.transport.post_for_text", answer)
        waits = accepted(host, "waits")
        send_due(world)
        assert look(host, waits)["status"] == "queued"
        send_all(world, 5)
        assert (look(host, waits)["status"], look(host, waits)["slackError"]) == ("unclear", "rollup_error")
        other = accepted(host, "another")
        send_all(world, 5)
        assert look(host, other)["status"] == "unclear"
        assert len(posted) == 3
        world.clock.advance(120)
        send_all(world, 3)
        assert len(posted) == 3, "nothing unclear goes out again by itself"


@pytest.mark.claim("C-308")
@pytest.mark.parametrize(("status", "text", "code", "kind"), [
    (400, "invalid_payload", "invalid_payload", SlackErrorKind.BAD_REQUEST),
    (403, "invalid_token", "invalid_token", SlackErrorKind.BAD_REQUEST),
    (410, "channel_is_archived", "channel_is_archived", SlackErrorKind.BAD_REQUEST),
    (200, "no_service", "no_service", SlackErrorKind.BAD_REQUEST),
    (404, "<html>", "refused", SlackErrorKind.BAD_REQUEST),
    (302, "", "redirected", SlackErrorKind.BAD_REQUEST),
    (400, "rollup_error", "rollup_error", SlackErrorKind.TRANSIENT),
    (503, "", "server_error", SlackErrorKind.TRANSIENT),
    (200, "", "unreadable_answer", SlackErrorKind.TRANSIENT),
    (429, "x", "ratelimited", SlackErrorKind.RATE_LIMITED),
])  # fmt: skip
def test_an_answer_is_judged_by_its_text_before_its_status(
    status: int, text: str, code: str, kind: SlackErrorKind
) -> None:
    assert judge_answer(status, text) == (code, kind)
    assert judge_answer(200, "ok\n") is None


@pytest.mark.claim("C-307")
def test_nothing_is_posted_to_an_address_of_somebody_else(world: World, host: Host, hooked: str) -> None:
    """I have a webhook stored that leads to me."""
    app = world.service.app
    message_id = accepted(host, "secret")
    with pytest.MonkeyPatch.context() as patch:
        found = [Secret(json.dumps({"url": "https://hooks.slack.com.evil.example/services/x", "channel_id": hooked}))]
        patch.setattr(type(app.vault), "read_secrets", lambda *_: found)
        send_due(world)
    assert (look(host, message_id)["status"], look(host, message_id)["slackError"]) == ("failed", "no_service")


def test_a_frozen_workspace_posts_by_no_webhook(world: World, host: Host, hooked: str) -> None:
    message_id = accepted(host, "hello")
    assert host.post("slack/freeze").status == 200
    send_all(world, 3)
    assert (said(world), look(host, message_id)["status"]) == ([], "queued")
    assert host.call("DELETE", "slack/freeze").status == 200
    assert host.of().put(INTEGRATION, {"delivery": "bot"}).json["integration"]["webhookChannel"] is None


def test_where_none_is_granted_it_is_refused(tmp_path: Path) -> None:
    with make_host_world(tmp_path) as world:
        host = Host(world)
        connect(world, host)
        refused = host.of().put(INTEGRATION, {"delivery": "webhook"})
        assert (*told(refused), refused.json["field"]) == (422, "INVALID_CHANNEL", "delivery")
        db = world.service.app.db
        with db.transaction(), pytest.raises(TransactionOpenError):
            world.service.app.slack.post_webhook(Secret("http://x"), {}, judge_answer)
