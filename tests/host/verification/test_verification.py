"""The verification of connecting: what is seen of a service that works passes, and each line can fail."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from slackapp.host.verification import judge, rehearse
from slackapp.host.verification.judge import OVERDUE, RUNNING, STORED, UNVAULTED
from slackapp.host.verification.rehearse import Rehearsal, RehearsalSlack
from slackapp.host.verification.wsgi_client import WsgiApplication
from slackapp.localslack.model import Fault
from slackapp.model import BOT
from slackapp.store import tokens
from tests.support.connecting import ann, make_host_world
from tests.support.world import World, north_tenant

ELSEWHERE = {**dict.fromkeys(STORED, "0"), RUNNING[0]: "invalid_state", RUNNING[1]: "401"}
Seen = tuple[World, dict[str, str]]


def prepare(world: World, wsgi: WsgiApplication | None = None) -> Rehearsal:
    """The world's service, and what an admin does at its local Slack."""

    def decide(decision: str) -> Callable[[str], str]:
        return lambda address: ann(world).approve(address, decision=decision)

    slack = RehearsalSlack(
        approve=decide("approve"),
        deny=decide("deny"),
        fail=lambda method: world.slack.fault(Fault(method, "html500", 1)),
        list_secrets=lambda: world.slack.issued_tokens,
        count_exchanges=lambda: len(world.calls("oauth.v2.access")),
    )
    return Rehearsal(world.service.app, wsgi or world.service.wsgi, world.clock.advance, slack)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterable[Seen]:
    with make_host_world(tmp_path_factory.mktemp("rehearsal")) as world:
        yield world, rehearse.run(prepare(world)) | ELSEWHERE


def failed(world: World, seen: dict[str, str], left_out: Iterable[str] = ()) -> list[int]:
    """The numbers of the lines that fail."""
    return [line.number for line in judge.run(judge.make_lines(world.settings), seen, left_out) if line.wrong]


def test_a_service_that_works_passes_in_all_lines_and_nothing_is_noted_in_vain(played: Seen) -> None:
    world, seen = played
    made = judge.make_lines(world.settings)
    assert len(made) == 16
    assert [each for each in judge.run(made, seen, ()) if each.wrong] == []
    assert {words for line in made for words in line.expected} == seen.keys()


@pytest.mark.parametrize("number", range(1, 17))
def test_each_line_fails_by_each_of_its_words(played: Seen, number: int) -> None:
    world, seen = played
    for words, expected in judge.make_lines(world.settings)[number - 1].expected.items():
        other = {**seen, words: "other"}
        assert failed(world, other) == [number]
        assert failed(world, other, [words]) == [], "it could not be looked at"
        del other[words]
        (wrong,) = [each for each in judge.run(judge.make_lines(world.settings), other, ()) if each.wrong]
        assert wrong.wrong == (f"{words}: nothing, not {expected}",)


def test_what_does_not_come_to_its_end_fails_and_the_rest_is_played(tmp_path: Path) -> None:
    """No session opens: nothing is confirmed, and what needs a connection is missing."""

    def broken(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/settings/session":
            environ = {**environ, "HTTP_ORIGIN": "https://other.example.com"}
        return world.service.wsgi(environ, start_response)

    with make_host_world(tmp_path) as world:
        assert failed(world, rehearse.run(prepare(world, broken)) | ELSEWHERE) == [5, 6, 7, 9, 12, 14, 15]


def test_a_service_that_tells_a_token_fails(tmp_path: Path) -> None:
    def talkative(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        return [*world.service.wsgi(environ, start_response), *map(str.encode, world.slack.issued_tokens)]

    with make_host_world(tmp_path) as world:
        assert 11 in failed(world, rehearse.run(prepare(world, talkative)) | ELSEWHERE)


def test_a_deployment_where_several_workspaces_may_be_connected_passes_too(tmp_path: Path) -> None:
    with make_host_world(tmp_path, SLACKAPP_HOST_WORKSPACES="3", SLACKAPP_HOST_APPROVAL="yes") as world:
        assert failed(world, rehearse.run(prepare(world)) | ELSEWHERE) == []


def test_rows_that_should_not_be_there_are_counted(tmp_path: Path) -> None:
    """Upkeep has stopped; and a token is gone whose connection says that it serves."""
    with make_host_world(tmp_path) as world:
        app = world.service.app
        ann(world).connect()
        ann(world).begin(reconnect=ann(world).held().id)
        assert rehearse.find_wrong_rows(app, world.clock()) == {OVERDUE: "0", UNVAULTED: "0"}
        with app.db.transaction():
            tokens.delete(app.db, north_tenant(), BOT)
        assert rehearse.find_wrong_rows(app, world.clock() + 1300) == {OVERDUE: "1", UNVAULTED: "1"}
