"""Many who ask for the same at the same time, of two processes: one of them gets it, and the others are told so."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from slackapp.app import Service
from slackapp.host.store import outbox
from tests.support.client import Reply
from tests.support.host_world import Host
from tests.support.posting import MESSAGES, accepted, look, said, send_all, send_due
from tests.support.world import World

THREADS, ROUNDS = 6, 5


def at_once(*asks: Callable[[], Any]) -> list[Any]:
    """What each of them gets, all begun at the same moment."""
    barrier = threading.Barrier(len(asks))

    def ask(one: Callable[[], Any]) -> Any:
        barrier.wait()
        return one()

    with ThreadPoolExecutor(len(asks)) as pool:
        return [asked.result() for asked in [pool.submit(ask, one) for one in asks]]


def send_due_of(service: Service) -> int:
    """Runs what is due in the outbox, in that process."""
    workers = next(each for each in service.workers if each._queue is outbox.QUEUE)
    return workers.run_due(service.app)


def post_as(host: Host, key: str, **body: str) -> Callable[[], Reply]:
    token = {"Authorization": f"Bearer {host.token()}", "Idempotency-Key": key}
    return lambda: host.call("POST", MESSAGES, {"text": "x", **body}, token)


@pytest.mark.claim("C-254", "C-257")
def test_one_key_and_one_name_of_the_hosts_are_one_message(world: World, host: Host, general: str) -> None:
    for number in range(ROUNDS):
        same_key = at_once(*(post_as(host, f"same{number}", channel=general) for _ in range(THREADS)))
        assert {reply.status for reply in same_key} <= {202, 409, 503}
        assert len({reply.json["id"] for reply in same_key if reply.status == 202}) == 1
        name = f"invoice-{number}"
        keys = [f"{name}.{each}" for each in range(THREADS)]
        same_name = at_once(*(post_as(host, key, channel=general, internalMessageId=name) for key in keys))
        assert Counter(reply.status == 202 for reply in same_name)[True] == 1
        assert {reply.status for reply in same_name} <= {202, 409, 503}
    assert world.count("messages") == 2 * ROUNDS
    send_all(world, 2 * ROUNDS)
    assert len(said(world)) == 2 * ROUNDS


@pytest.mark.claim("C-268")
def test_what_was_taken_back_is_not_sent_and_what_is_sent_was_not_taken_back(
    world: World, host: Host, general: str, random: str
) -> None:
    for number in range(ROUNDS):
        channel = (general, random)[number % 2]
        message_id = accepted(host, f"m{number}", channel=channel)
        token = {"Authorization": f"Bearer {host.token()}"}

        def take_back(message_id: str = message_id, token: dict[str, str] = token) -> Reply:
            return host.call("DELETE", f"{MESSAGES}/{message_id}", None, token)

        _, reply = at_once(lambda: send_due(world), take_back)
        status = look(host, message_id)["status"]
        is_canceled = reply.status == 202 and reply.json["status"] == "canceled"
        assert status == ("canceled" if is_canceled else "sent")
        assert (f"m{number}" in said(world)) != is_canceled
        send_all(world, 2)


@pytest.mark.claim("C-246")
def test_two_processes_run_a_channels_messages_one_by_one(world: World, host: Host, general: str) -> None:
    texts = [f"m{number}" for number in range(6)]
    for text in texts:
        accepted(host, text, channel=general)
    other = world.start_process()
    try:
        for _ in texts:
            at_once(lambda: send_due_of(world.service), lambda: send_due_of(other))
            world.clock.advance(1)
    finally:
        other.stop()
    assert said(world) == texts
