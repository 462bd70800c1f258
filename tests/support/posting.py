"""A connected workspace, its host, and messages that are posted and sent."""

import itertools
from collections.abc import Mapping
from typing import Any

from slackapp.workers.queue_workers import QueueWorkers
from tests.support.client import Reply
from tests.support.host_world import MEMBER, Host
from tests.support.world import NORTH, World

MESSAGES = "slack/messages"
KEYS = itertools.count(1)


def outbox_worker(world: World) -> QueueWorkers:
    """The workers of the outbox."""
    return next(each for each in world.service.workers if each._queue.table == "outbox")


def send_due(world: World) -> int:
    """Runs what is due in the outbox now; how many rows."""
    return outbox_worker(world).run_due(world.service.app)


def send_all(world: World, seconds: int = 30) -> None:
    """Lets time go by, a second at a time, and runs what is due."""
    for _ in range(seconds):
        send_due(world)
        world.clock.advance(1)


def post(host: Host, body: Mapping[str, Any], key: str = "", path: str = MESSAGES) -> Reply:
    """Posts as a member, under a key of its own where none is given."""
    caller = host if host.member is not None else host.of("meg", MEMBER)
    return caller.call("POST", path, dict(body), {"Idempotency-Key": key or f"key-{next(KEYS)}"})


def accepted(host: Host, text: str = "hello", **body: Any) -> str:
    """The id of a message that was accepted."""
    reply = post(host, {"text": text, **body} if text else body)
    assert reply.status == 202, reply.text
    return str(reply.json["id"])


def look(host: Host, message_id: str) -> dict[str, Any]:
    """What is told of a message."""
    reply = host.of("meg", MEMBER).get(f"{MESSAGES}/{message_id}")
    assert reply.status == 200, reply.text
    told: dict[str, Any] = reply.json
    return told


def shown(world: World) -> list[dict[str, Any]]:
    """The messages that Slack has in channels, in the order in which they came; a greeting is a direct one."""
    return [message for message in world.slack.state.messages if message["channel"].startswith("C")]


def said(world: World) -> list[str]:
    """Their texts."""
    return [message["text"] for message in shown(world)]


def join(world: World, *names: str, tenant_id: str = NORTH) -> list[str]:
    """Ids of channels that the bot is in."""
    team = world.slack.workspaces[tenant_id]
    ids = [getattr(team, name) for name in names]
    world.slack.state.joined.extend(ids)
    return ids
