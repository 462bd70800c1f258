"""An organization posts fifty thousand messages at once: another one's go out as if nobody had."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from slackapp.host.flows.messages import accept_message
from slackapp.host.flows.messages.accept_message import MessageDraft
from slackapp.host.model import HostCaller
from slackapp.localslack.accounts import Channel
from slackapp.localslack.model import Fault
from slackapp.model import ActorKind
from tests.support import posting
from tests.support.connected import ACME, GLOBEX
from tests.support.host_world import MEMBER, Host, connect, make_host_world
from tests.support.prepared_world import memory_folder
from tests.support.world import NORTH, SOUTH, World

pytestmark = pytest.mark.long
FLOOD, CHANNELS, PREPARED = 50_000, 500, 500
OWN_MESSAGES = 12
"""Of the other organization, one after the other."""
LONGEST = 2.0
"""Seconds that one of them may take, from its acceptance to Slack."""
TIMEOUT = 60.0
SLACK_TAKES = 0.05
POST = "chat.postMessage"


def channel_id(tenant_id: str, number: int) -> str:
    return f"C0{tenant_id[2:7]}{number:04}"


def flood(world: World) -> None:
    """Accepts them as the API does, many in a commit."""
    app, caller = world.service.app, HostCaller(ActorKind.HOST, "r-1", organization=ACME, role=None, key_id="k1")
    now = world.clock()
    for first in range(0, FLOOD, PREPARED):
        drafts = [
            MessageDraft({"text": f"flood {number}"}, channel=channel_id(NORTH, number % CHANNELS))
            for number in range(first, first + PREPARED)
        ]
        prepared = [accept_message.prepare(app, caller, draft) for draft in drafts]
        with app.db.transaction():
            for message in prepared:
                accept_message.store(app, message, now)


@contextmanager
def passing_time(world: World) -> Iterator[None]:
    """The clock goes on as time does."""
    over, ahead = threading.Event(), world.clock.now - time.time()

    def tick() -> None:
        while not over.wait(0.02):
            world.clock.now = int(time.time() + ahead)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_flood_of_one_organization_delays_anothers_messages_by_less_than_two_seconds(tmp_path: Path) -> None:
    """With as many a minute as Slack would ever take, so that every thread has something to do all the time."""
    with memory_folder() as folder, make_host_world(folder, SLACKAPP_HOST_POSTS_PER_MINUTE="6000") as world:
        world.slack.probe = None
        for number, (organization, tenant_id) in enumerate(((ACME, NORTH), (GLOBEX, SOUTH)), start=1):
            connect(world, Host(world, organization), tenant_id, number)
            for each in range(CHANNELS):
                channel = Channel(channel_id(tenant_id, each), f"flood-{each}", tenant_id)
                world.slack.accounts.channels[channel.id] = channel
                world.slack.state.joined.append(channel.id)
        flood(world)
        world.slack.faults.add(Fault(POST, "slow", times=-1, seconds=SLACK_TAKES))
        waited = []
        with passing_time(world):
            world.service.start()
            time.sleep(2)
            for number in range(OWN_MESSAGES):
                began = time.monotonic()
                host = Host(world, GLOBEX, "bob", MEMBER)
                posting.accepted(host, f"own {number}", channel=channel_id(SOUTH, number))
                while world.slack.messages(SOUTH)[-1]["text"] != f"own {number}":
                    assert time.monotonic() < began + TIMEOUT
                    time.sleep(0.005)
                waited.append(time.monotonic() - began)
            world.service.stop()
        sent = sum(message["text"].startswith("flood") for message in world.slack.messages(NORTH))
        print(f"\n{OWN_MESSAGES} messages beside {FLOOD:,} of another organization: at most {max(waited):.2f} s")
        print(f"  meanwhile Slack took {sent} of the flood")
        assert max(waited) < LONGEST
        assert sent > OWN_MESSAGES
