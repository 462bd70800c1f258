"""Attacks between tenants, by somebody who can write to the database and has no key."""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from slackapp.errors import Refusal, Refused
from slackapp.flows.tokens import refresh_token
from slackapp.model import Actor, ActorKind, Tenant
from slackapp.store import tokens
from tests.support.token_use import IN_USE, call_as
from tests.support.world import NORTH, ORG, SOUTH, World, holder_of, make_world

ACTOR = Actor(ActorKind.WORKER, "Ev0001")
TENANTS = (Tenant("T", NORTH), Tenant("T", SOUTH), Tenant("E", ORG))
ADMINS = {NORTH: "U0NORTH001ADM", SOUTH: "U0SOUTH001ADM", ORG: "W0EVERADM1"}
SLOTS = [(tenant, user, column) for tenant in TENANTS for user in (False, True) for column in ("access", "refresh")]
OF_ANOTHER_TENANT = """
    UPDATE data_keys SET wrapped = (
           SELECT wrapped FROM data_keys AS o WHERE o.tenant_id = 'T0SOUTH001' AND o.purpose = data_keys.purpose
    ) WHERE tenant_id = 'T0NORTH001'"""
OF_ANOTHER_PURPOSE = """
    UPDATE data_keys SET wrapped = (
           SELECT wrapped FROM data_keys AS o WHERE o.tenant_id = 'T0NORTH001' AND o.purpose = 'user'
    ) WHERE tenant_id = 'T0NORTH001' AND purpose = 'bot'"""
BOT_KEY = "tenant_id = 'T0NORTH001' AND purpose = 'bot'"


@pytest.fixture
def three(tmp_path: Path) -> Iterator[World]:
    """Three tenants, each with the tokens of its bot and of a user."""
    with make_world(tmp_path, SLACKAPP_USER_SCOPES="users:read") as world:
        for tenant in TENANTS:
            world.browser().install(tenant.id)
        world.work()
        world.slack.called.clear()
        yield world


def ask(world: World, tenant: Tenant, user_id: str = "") -> Mapping[str, Any]:
    return call_as(world.service.app, tenant, ACTOR, holder=holder_of(user_id)).data


def refresh(world: World, tenant: Tenant, user_id: str) -> None:
    token = tokens.find(world.service.app.db, tenant, holder_of(user_id))
    assert token is not None
    refresh_token.run(world.service.app, token, ACTOR, statuses=IN_USE, wait=False)


def change(world: World, sql: str, *parameters: Any) -> None:
    with contextlib.closing(sqlite3.connect(world.settings.database)) as connection, connection:
        connection.execute(sql, parameters)


def name(tenant: Tenant, user: bool) -> str:
    return ADMINS[tenant.id] if user else ""


def unavailable(world: World, tenant: Tenant, user_id: str = "") -> bool:
    """Whether a use is refused, and noted, and no call made."""
    calls = len(world.calls())
    with pytest.raises(Refused) as caught:
        ask(world, tenant, user_id)
    noted = world.rows("SELECT tenant_id FROM audit WHERE event = 'token.unavailable' ORDER BY id DESC LIMIT 1")
    return (caught.value.refusal, len(world.calls()), noted[0][0]) == (Refusal.TOKEN_UNAVAILABLE, calls, tenant.id)


# Tokens


def test_no_tenants_token_is_used_for_another(three: World) -> None:
    """I mention the bot in my workspace, and hope for an answer in yours."""
    for tenant in TENANTS:
        assert ask(three, tenant)["team_id"] == tenant.id
        assert ask(three, tenant, ADMINS[tenant.id])["user_id"] == ADMINS[tenant.id]
    assert [call.team for call in three.slack.calls] == [t.id for t in TENANTS for _ in range(2)]
    for tenant, other in itertools.permutations(TENANTS, 2):
        with pytest.raises(Refused):
            ask(three, tenant, ADMINS[other.id])


def test_no_sealed_token_opens_in_the_place_of_another(three: World) -> None:
    """I put each sealed token where each other one lies: of another tenant, another user, another kind."""
    place = "WHERE tenant_kind = ? AND tenant_id = ? AND holder_id = ?"
    blobs = {}
    for tenant, user, column in SLOTS:
        key = (tenant.kind, tenant.id, name(tenant, user))
        blobs[tenant, user, column] = three.rows(f"SELECT {column} FROM tokens {place}", *key)[0][0]
    tried = 0
    for here, there in itertools.permutations(SLOTS, 2):
        tenant, user, column = there
        key = (tenant.kind, tenant.id, name(tenant, user))
        change(three, f"UPDATE tokens SET {column} = ? {place}", blobs[here], *key)
        if column == "access":
            assert unavailable(three, tenant, name(tenant, user)), (here, there)
        else:
            with pytest.raises(Refused) as caught:
                refresh(three, tenant, name(tenant, user))
            assert caught.value.refusal is Refusal.TOKEN_UNAVAILABLE
        change(three, f"UPDATE tokens SET {column} = ? {place}", blobs[there], *key)
        tried += 1
    assert (tried, three.calls(), three.count("tokens")) == (132, [], 6)
    assert all(ask(three, tenant)["ok"] for tenant in TENANTS), "back in its place each one opens"


def test_two_swapped_tokens_do_not_open_and_other_tenants_are_served(three: World) -> None:
    """I swap two rows' tokens, so that each customer acts as the other."""
    rows = {row["tenant_id"]: row for row in three.rows("SELECT * FROM tokens WHERE holder_id = ''")}
    for here, there in ((NORTH, SOUTH), (SOUTH, NORTH)):
        change(
            three, "UPDATE tokens SET access = ?, refresh = ? WHERE tenant_id = ? AND holder_id = ''",
            rows[there]["access"], rows[there]["refresh"], here,
        )  # fmt: skip
    before = three.snapshot()
    assert unavailable(three, TENANTS[0])
    assert unavailable(three, TENANTS[1])
    assert ask(three, TENANTS[2])["ok"]
    assert three.snapshot() == before, "nothing is deleted for it"


def test_the_token_of_an_older_generation_does_not_open(three: World) -> None:
    """I put back the token from before the last refresh, which I may have kept."""
    old = three.rows("SELECT access FROM tokens WHERE tenant_id = ? AND holder_id = ''", NORTH)[0]["access"]
    refresh(three, TENANTS[0], "")
    change(three, "UPDATE tokens SET access = ? WHERE tenant_id = ? AND holder_id = ''", old, NORTH)
    assert unavailable(three, TENANTS[0])


def test_a_whole_row_under_another_tenants_name_does_not_open(three: World) -> None:
    """I copy your row of tokens, and put my workspace's id on it."""
    change(three, "DELETE FROM tokens WHERE tenant_id = ?", SOUTH)
    change(three, "UPDATE tokens SET tenant_id = ? WHERE tenant_id = ? AND holder_id = ''", SOUTH, NORTH)
    assert unavailable(three, TENANTS[1])
    with pytest.raises(Refused) as caught:
        ask(three, TENANTS[0])
    assert caught.value.refusal is Refusal.NEEDS_REINSTALL, "it has none any more"


# Data keys


def test_a_data_key_under_another_tenants_name_is_not_unwrapped(three: World) -> None:
    """I give my workspace your keys as well as your tokens."""
    change(three, "DELETE FROM data_keys WHERE tenant_id = ?", SOUTH)
    change(three, "UPDATE data_keys SET tenant_id = ? WHERE tenant_id = ?", SOUTH, NORTH)
    change(three, "DELETE FROM tokens WHERE tenant_id = ?", SOUTH)
    change(three, "UPDATE tokens SET tenant_id = ? WHERE tenant_id = ?", SOUTH, NORTH)
    three.restart()
    assert unavailable(three, TENANTS[1])
    assert three.mention(team_id=SOUTH).status >= 500, "not acknowledged, as it could not be kept"
    assert ask(three, TENANTS[2])["ok"]
    assert three.calls("auth.test") == ["auth.test"]


@pytest.mark.parametrize(
    "sql",
    [
        OF_ANOTHER_TENANT,
        OF_ANOTHER_PURPOSE,
        f"UPDATE data_keys SET wrapped = zeroblob(130) WHERE {BOT_KEY}",
        f"UPDATE data_keys SET key_id = key_id % 1000 + 1 WHERE {BOT_KEY}",
        f"DELETE FROM data_keys WHERE {BOT_KEY}",
    ],
    ids=["of-another-tenant", "of-another-purpose", "zeros", "under-another-id", "gone"],
)
def test_a_wrapped_key_in_the_place_of_another_opens_nothing(three: World, sql: str) -> None:
    """I swap the wrapped keys instead of what they seal."""
    change(three, sql)
    three.restart()
    before = three.snapshot()
    assert unavailable(three, TENANTS[0])
    assert (three.snapshot(), ask(three, TENANTS[1])["ok"]) == (before, True)


# Events


def test_an_event_under_another_tenants_name_is_not_acted_on(three: World) -> None:
    """I move a kept event to your workspace, where its words would be answered as you."""
    three.mention(team_id=NORTH)
    change(three, "UPDATE inbox SET tenant_id = ? WHERE event_id = 'Ev0001'", SOUTH)
    assert three.work() == 1
    assert (three.rows("SELECT state FROM inbox WHERE event_id = 'Ev0001'")[0][0], three.calls()) == ("dead", [])
    assert three.audit()[-1] == "event.unavailable"
