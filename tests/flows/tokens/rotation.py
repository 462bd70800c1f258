"""What tests of rotating tokens share."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from slackapp.app import Service
from slackapp.errors import Refused
from slackapp.flows.tokens import refresh_token
from slackapp.model import Actor, ActorKind, Tenant, Token
from slackapp.store import tokens
from tests.support.token_use import call_as
from tests.support.world import NORTH, World, holder_of, north_tenant

ACTOR = Actor(ActorKind.WORKER, "Ev0001")
REFRESH = "oauth.v2.access"
LIFE = 43_200
DUE = LIFE - 7200 + 1
"""Seconds after which a fresh pair is due at the latest."""


def ask(world: World, user_id: str = "", tenant: Tenant | None = None, method: str = "auth.test") -> Mapping[str, Any]:
    """A call with that token; the bot's for ""."""
    return ask_by(world.service, user_id, tenant, method)


def ask_by(
    service: Service, user_id: str = "", tenant: Tenant | None = None, method: str = "auth.test"
) -> Mapping[str, Any]:
    """The same, by one of several processes."""
    return call_as(service.app, tenant or north_tenant(), ACTOR, holder=holder_of(user_id), method=method).data


def refused(act: Callable[[], object]) -> Refused:
    """How it is refused."""
    with pytest.raises(Refused) as caught:
        act()
    return caught.value


def stored(world: World, user_id: str = "", tenant: Tenant | None = None) -> Token:
    """The token as flows see it."""
    token = tokens.find(world.service.app.db, tenant or north_tenant(), holder_of(user_id))
    assert token is not None
    return token


def row(world: World, user_id: str = "", tenant_id: str = NORTH) -> Any:
    """The token as it lies there."""
    return world.rows("SELECT * FROM tokens WHERE tenant_id = ? AND holder_id = ?", tenant_id, user_id)[0]


def change(world: World, sql: str, *parameters: Any) -> None:
    """Changes the database, past all of our own code."""
    with contextlib.closing(sqlite3.connect(world.settings.database)) as connection, connection:
        connection.execute(sql, parameters)


def lease_to_another(world: World, seconds: int = refresh_token.LEASE) -> None:
    """Another process refreshes every token just now."""
    change(world, "UPDATE tokens SET lease_owner = 'other', lease_until = ?", world.clock.steady() + seconds)


@contextlib.contextmanager
def once_before(thing: Any, name: str, happening: Callable[[], object]) -> Iterator[None]:
    """Lets something happen just before the next use of a function."""
    function = getattr(thing, name)

    def first(*arguments: Any, **named: Any) -> Any:
        patch.undo()
        happening()
        return function(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(thing, name, first)
        yield
