"""Where two lines stand behind each other, what the first one alone keeps off."""

import contextlib
import importlib.util
import sqlite3
from collections.abc import Iterator

import pytest

from slackapp.errors import Refusal, Refused
from slackapp.model import Actor, ActorKind
from slackapp.slack import transport
from tests.slack.servers import http, raw
from tests.support.prepared_world import Prepared, memory_folder, snapshot_world
from tests.support.token_use import call_as
from tests.support.world import World, make_world, north_tenant


@pytest.fixture(scope="module")
def installed() -> Iterator[Prepared]:
    with memory_folder() as folder, make_world(folder) as world:
        world.browser().install()
        world.work()
        world.clock.advance(1000)
        yield snapshot_world(world)


@pytest.fixture
def ready(installed: Prepared) -> World:
    return installed.reset()


@pytest.mark.claim("C-47")
def test_a_late_repeat_of_an_uninstall_casts_no_suspicion_on_a_new_installation(ready: World) -> None:
    """I send a captured uninstall again, right after the customer has come back."""
    event = {"type": "app_uninstalled"}
    assert ready.event(event, "EvGone").status == 200
    assert ready.status() == ""
    ready.browser().install()
    assert ready.event(event, "EvGone").status == 200
    assert ready.status() == "active"


@pytest.mark.claim("C-40")
def test_for_a_suspect_installation_not_even_a_token_that_is_due_is_refreshed(ready: World) -> None:
    with contextlib.closing(sqlite3.connect(ready.settings.database)) as connection, connection:
        connection.execute("UPDATE installations SET status = 'suspect'")
        connection.execute("UPDATE tokens SET due_at = 0")
    calls = ready.calls()
    with pytest.raises(Refused) as caught:
        call_as(ready.service.app, north_tenant(), Actor(ActorKind.WORKER, ""))
    assert (caught.value.refusal, ready.calls()) == (Refusal.TOKEN_UNAVAILABLE, calls)


@pytest.mark.claim("C-24")
def test_a_proxy_that_was_in_the_environment_at_the_start_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """I have set a proxy before your service starts: Python reads it when an opener is made."""
    with raw(http(b'{"ok": true}')) as proxy, raw(http(b'{"ok": true}')) as slack:
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv("NO_PROXY", "")
        spec = importlib.util.spec_from_file_location("transport_at_start", transport.__file__)
        assert spec is not None
        assert spec.loader is not None
        started = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(started)
        assert started.post_json(f"{slack.url}/respond", {"text": "hello"})[0] == 200
        assert (len(slack.requests), proxy.requests) == (1, [])
