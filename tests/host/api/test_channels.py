"""`/api/v2/slack/channels`: the channels somebody may choose, complete or with the reason why not, and joining one."""

import contextlib
import dataclasses
import sqlite3
from typing import Any

import pytest

from slackapp.flows.tokens import freeze_tenant
from slackapp.host.channel_list import ChannelList, ChannelLists, ListedChannel, ListKey
from slackapp.host.flows import change_connection, list_channels
from slackapp.host.rows import Connection, StatusReason
from slackapp.localslack.accounts import Channel as LocalChannel
from slackapp.localslack.model import Fault
from slackapp.model import NO_TENANT, Actor, ActorKind, SlackResponse, Tenant
from tests.support.connected import GLOBEX
from tests.support.host_world import MEMBER, Host, connect, told
from tests.support.world import NORTH, ORG, ORG_TEAM, SOUTH, World

CHANNELS = "slack/channels"
LIST, JOIN = "conversations.list", "conversations.join"


def listed(host: Host, query: str = "") -> Any:
    """The list as it is answered."""
    reply = host.of("meg", MEMBER).get(CHANNELS + query)
    assert reply.status == 200, reply.text
    return reply.json


def names(answer: Any) -> list[str]:
    return [each["name"] for each in answer["channels"]]


def add_channels(world: World, *channels: LocalChannel, team_id: str = NORTH) -> None:
    """Channels beside those that each workspace of the local Slack has."""
    accounts = world.slack.accounts
    team = accounts.workspaces[team_id]
    accounts.workspaces[team_id] = dataclasses.replace(team, channels=(*team.channels, *channels))
    accounts.channels.update({channel.id: channel for channel in channels})


def set_scopes(world: World, connection: Connection, scopes: str) -> None:
    """The connection with other scopes, as another grant would have brought them."""
    with contextlib.closing(sqlite3.connect(world.settings.database)) as database, database:
        database.execute("UPDATE connections SET scope = ? WHERE id = ?", (scopes, connection.id))


# The list


def test_channels_are_listed_by_name_with_what_a_person_must_know(world: World, host: Host) -> None:
    connect(world, host)
    team = world.slack.workspaces[NORTH]
    world.slack.state.joined.extend([team.private, team.random])
    add_channels(
        world,
        LocalChannel("C0EXTERNAL", "x-partners", NORTH, flags=frozenset({"is_ext_shared", "is_shared"})),
        LocalChannel("C0INVITED1", "x-invited", NORTH, flags=frozenset({"is_pending_ext_shared"})),
        LocalChannel("C0READONLY", "x-news", NORTH, flags=frozenset({"is_read_only"})),
        LocalChannel("C0ARCHIVED", "x-old", NORTH, flags=frozenset({"is_archived"})),
    )
    plain = {"private": False, "member": False, "external": False, "readOnly": False}
    assert listed(host) == {
        "channels": [
            {**plain, "id": team.general, "name": "general"},
            {**plain, "id": team.private, "name": "leads", "private": True, "member": True},
            {**plain, "id": team.random, "name": "random", "member": True},
            {**plain, "id": "C0INVITED1", "name": "x-invited", "external": True},
            {**plain, "id": "C0READONLY", "name": "x-news", "readOnly": True},
            {**plain, "id": "C0EXTERNAL", "name": "x-partners", "external": True},
        ],
        "cursor": None,
        "complete": True,
        "incompleteBecause": [],
        "asOf": "2027-01-15T08:00:00Z",
    }
    read = world.facts("token.read")[-1]
    assert (read["capability"], read["method"], read["actor_id"]) == ("discover", LIST, "meg")


def test_short_and_empty_pages_are_no_end(world: World, host: Host) -> None:
    connect(world, host)
    world.slack.short_pages = True
    assert names(listed(host)) == ["general", "random"]
    assert len(world.calls(LIST)) == 3


def test_a_list_is_read_in_pages_and_searched(world: World, host: Host) -> None:
    connect(world, host)
    add_channels(world, *(LocalChannel(f"C0MANY{number:04}", f"deploy-{number:02}", NORTH) for number in range(7)))
    add_channels(world, LocalChannel("C0TWICE002", "deploy-03", NORTH))
    found, query = [], "?search=%23DEPLOY&limit=3"
    answer = listed(host, query)
    while answer["cursor"]:
        found += answer["channels"]
        answer = listed(host, f"{query}&cursor={answer['cursor']}")
    found += answer["channels"]
    assert [(each["name"], each["id"]) for each in found] == sorted(
        [*((f"deploy-{number:02}", f"C0MANY{number:04}") for number in range(7)), ("deploy-03", "C0TWICE002")]
    )
    assert names(listed(host, "?search=nothing-like-it")) == []
    assert len(world.calls(LIST)) == 1


def test_a_cursor_of_another_organization_or_list_is_refused_before_slack_is_asked(world: World, host: Host) -> None:
    connect(world, host)
    connect(world, host.of(organization=GLOBEX), SOUTH, 2)
    cursor = listed(host, "?limit=1")["cursor"]
    calls = world.calls()
    theirs = host.of(organization=GLOBEX)
    for caller, path in ((theirs, CHANNELS), (host.of(), "slack/integrations")):
        reply = caller.get(f"{path}?cursor={cursor}")
        assert (told(reply), reply.json["field"]) == ((400, "BAD_REQUEST"), "cursor")
    assert world.calls() == calls


def test_half_a_pair_of_surrogates_in_a_name_is_shown_as_what_it_is_not(world: World, host: Host) -> None:
    connect(world, host)
    world.slack.faults.add(Fault(LIST, "patch", patch={"channels": [{"id": "C0HALF0001", "name": "a\ud800b"}]}))
    assert names(listed(host)) == ["a?b"]


@pytest.mark.claim("C-186")
def test_a_type_whose_scope_is_missing_is_not_asked_for_and_the_list_says_so(world: World, host: Host) -> None:
    """I take a list without its private channels for the whole."""
    connection = connect(world, host)
    world.slack.state.joined.append(world.slack.workspaces[NORTH].private)
    set_scopes(world, connection, "channels:read")
    answer = listed(host)
    assert (names(answer), answer["complete"]) == (["general", "random"], False)
    assert answer["incompleteBecause"] == ["missing_scope"]
    assert [call.params["types"] for call in world.slack.calls if call.method == LIST] == ["public_channel"]
    set_scopes(world, connection, "groups:read")
    assert names(listed(host)) == ["leads"]
    set_scopes(world, connection, "chat:write")
    reply = host.of().get(CHANNELS)
    assert told(reply) == (409, "INTEGRATION_INACTIVE")
    assert reply.json["reconnectUrl"].endswith("/settings/integrations")


LATER = {
    "rate_limited": Fault(LIST, "ratelimited", seconds=30),
    "slack_error": Fault(LIST, "error", error="fatal_error", times=-1),
}


@pytest.mark.parametrize("reason", LATER)
@pytest.mark.claim("C-186")
def test_a_list_that_broke_off_says_why(world: World, host: Host, reason: str) -> None:
    """I take the first page for the whole, as langwatch once did: 400 of 601 channels, and no error."""
    connect(world, host)
    world.slack.short_pages = True
    call = world.service.app.slack.call

    def fails_later(*arguments: Any) -> SlackResponse:
        answer = call(*arguments)
        if arguments[0] == LIST:
            world.slack.fault(LATER[reason])
        return answer

    world.service.app.slack.call = fails_later  # type: ignore[method-assign]
    answer = listed(host)
    assert (names(answer), answer["complete"], answer["incompleteBecause"]) == (["general"], False, [reason])


@pytest.mark.claim("C-186")
def test_a_list_without_an_end_ends_and_says_so(world: World, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(world, host)
    world.slack.short_pages = True
    monkeypatch.setattr(list_channels, "MOST_PAGES", 2)
    answer = listed(host)
    assert (names(answer), answer["incompleteBecause"]) == (["general"], ["too_many"])


def test_a_slow_list_is_cut_off_and_says_so(world: World, host: Host) -> None:
    connect(world, host)
    world.slack.short_pages = True
    call = world.service.app.slack.call

    def slow(*arguments: Any) -> SlackResponse:
        world.clock.advance(list_channels.MOST_SECONDS + 1)
        return call(*arguments)

    world.service.app.slack.call = slow  # type: ignore[method-assign]
    assert listed(host)["incompleteBecause"] == ["too_many"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(LIST, "ratelimited", seconds=9), (429, "RATE_LIMITED")),
        (Fault(LIST, "html500", times=-1), (502, "SLACK_ERROR")),
        (Fault(LIST, "error", error="missing_scope"), (409, "INTEGRATION_INACTIVE")),
    ],
)
def test_a_first_page_that_fails_is_a_failure(
    world: World, host: Host, fault: Fault, expected: tuple[int, str]
) -> None:
    connect(world, host)
    world.slack.fault(fault)
    assert told(host.of().get(CHANNELS)) == expected


@pytest.mark.parametrize(
    "patch",
    [
        {"channels": None}, {"channels": [None, 1, "x", {}, {"id": "C0NONAME01"}, {"id": "x", "name": "y"}]},
        {"response_metadata": None}, {"response_metadata": {"next_cursor": 7}},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_channel_is_left_out(world: World, host: Host, patch: dict[str, Any]) -> None:
    connect(world, host)
    world.slack.fault(Fault(LIST, "patch", patch=patch))
    assert listed(host)["complete"] is True


def test_a_channel_that_does_not_say_is_taken_for_private(world: World, host: Host) -> None:
    connect(world, host)
    world.slack.fault(Fault(LIST, "patch", patch={"channels": [{"id": "C0UNSAID01", "name": "unsaid"}]}))
    assert [each["private"] for each in listed(host)["channels"]] == [True]


# From memory


@pytest.mark.claim("C-185")
def test_a_list_is_kept_for_a_minute_and_no_longer(world: World, host: Host) -> None:
    """I look at channels that were closed to the app a minute ago."""
    connect(world, host)
    listed(host)
    world.clock.advance(59)
    assert listed(host, "?search=gen")["asOf"] == "2027-01-15T08:00:00Z"
    assert len(world.calls(LIST)) == 1
    world.clock.advance(1)
    assert listed(host)["asOf"] == "2027-01-15T08:01:00Z"
    assert len(world.calls(LIST)) == 2
    world.clock.set(-120)
    listed(host)
    assert len(world.calls(LIST)) == 3, "what comes from the future is not kept"


@pytest.mark.claim("C-185")
def test_nobody_is_shown_what_another_organization_or_grant_was(world: World, host: Host) -> None:
    """I connect the workspace that another organization has just left, or with fewer scopes, within the minute."""
    connection = connect(world, host)
    world.slack.state.joined.append(world.slack.workspaces[NORTH].private)
    assert names(listed(host)) == ["general", "leads", "random"]
    set_scopes(world, connection, "channels:read")
    assert names(listed(host)) == ["general", "random"]
    with world.service.app.db.transaction():
        change_connection.revoke(world.service.app.db, connection.key, StatusReason.DISCONNECTED, world.clock())
    calls = len(world.calls(LIST))
    assert told(host.of().get(CHANNELS)) == (409, "INTEGRATION_INACTIVE")
    theirs = host.of(organization=GLOBEX)
    connect(world, theirs, NORTH, 2, install=False)
    assert names(listed(theirs)) == ["general", "leads", "random"]
    assert len(world.calls(LIST)) == calls + 1


def test_lists_are_bounded_and_the_one_unused_for_longest_goes() -> None:
    lists = ChannelLists(most=10)
    channel = ListedChannel("general", "C0GENERAL1", False, False, False, False)

    def key(number: int) -> ListKey:
        return ListKey("acme", f"{number:024}", NORTH, "", 0, ())

    for number in range(3):
        lists.keep(key(number), ChannelList((channel,) * 2, (), 100, {}))
    assert lists.find(key(0), 100)
    lists.keep(key(3), ChannelList((channel,) * 2, (), 100, {}))
    assert [bool(lists.find(key(number), 100)) for number in range(4)] == [True, False, True, True]
    lists.keep(key(4), ChannelList((channel,) * 20, (), 100, {}))
    assert not any(lists.find(key(number), 100) for number in range(5)), "one that is too long is not kept at all"


# Org-wide


def test_of_an_enterprise_the_call_names_the_workspace(world: World, host: Host) -> None:
    connect(world, host, ORG)
    reply = host.of().get(CHANNELS)
    assert (told(reply), reply.json["field"]) == ((400, "BAD_REQUEST"), "teamId")
    assert names(listed(host, f"?teamId={ORG_TEAM}")) == ["general", "random"]
    assert world.slack.calls[-1].params["team_id"] == ORG_TEAM


def test_of_a_workspace_the_call_need_not_name_it_and_may_not_name_another(world: World, host: Host) -> None:
    connect(world, host)
    assert names(listed(host, f"?teamId={NORTH}")) == ["general", "random"]
    reply = host.of().get(f"{CHANNELS}?teamId={SOUTH}")
    assert (told(reply), reply.json["field"]) == ((400, "BAD_REQUEST"), "teamId")


# Joining


def test_the_bot_joins_a_public_channel_and_the_list_knows(world: World, host: Host) -> None:
    connect(world, host)
    general = world.slack.workspaces[NORTH].general
    assert listed(host)["channels"][0]["member"] is False
    for _ in range(2):
        assert host.of().post(f"{CHANNELS}/{general}/join").json == {"id": general, "member": True}
    assert listed(host)["channels"][0]["member"] is True
    read = world.facts("token.read")[-2]
    assert (read["capability"], read["method"], read["channel"]) == ("join", JOIN, general)


def test_what_the_bot_cannot_join_is_no_channel(world: World, host: Host) -> None:
    connect(world, host)
    add_channels(world, LocalChannel("C0ARCHIVED", "x-old", NORTH, flags=frozenset({"is_archived"})))
    private, theirs = world.slack.workspaces[NORTH].private, world.slack.workspaces[SOUTH].general
    for channel in ("C0NOSUCH01", "C0ARCHIVED", private, theirs):
        assert told(host.of().post(f"{CHANNELS}/{channel}/join")) == (422, "INVALID_CHANNEL"), channel
    calls = world.calls()
    for odd in ("D0DIRECT01", "general", "c0general1", "C1", "U0NORTH001ADM", "C" + "0" * 40):
        assert told(host.of().post(f"{CHANNELS}/{odd}/join")) == (422, "INVALID_CHANNEL"), odd
    assert world.calls() == calls, "what is no id is not asked for"


@pytest.mark.claim("C-209")
@pytest.mark.parametrize("tenant", [Tenant("T", NORTH), NO_TENANT])
def test_of_a_frozen_tenant_nothing_is_told_from_memory(world: World, host: Host, tenant: Tenant) -> None:
    """The operator has stopped everything, and for a minute I am still shown your channels."""
    connect(world, host)
    assert listed(host)["channels"]
    app, operator = world.service.app, Actor(ActorKind.OPERATOR, "r0")
    freeze_tenant.run(app, tenant, operator, world.clock())
    reply = host.get(CHANNELS)
    assert (told(reply), reply.headers["retry-after"]) == ((503, "TOKEN_UNAVAILABLE"), "60")
    assert world.facts("refused.frozen")[0]["actor"] == "host"
    freeze_tenant.end(app, tenant, operator, world.clock())
    assert listed(host)["channels"]
