"""Events to the host over real HTTP: at least once, in order, tried again, and given up in the end."""

import base64
import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from slackapp.crypto import keyfile
from slackapp.errors import ConfigError
from slackapp.host.flows import upkeep
from slackapp.host.flows.webhook import deliver_events
from slackapp.host.forms import time_of
from slackapp.host.model import ConnectionStatus
from slackapp.host.rows import ConnectionKey, DeliveryStatus, HostEvent, HostEventKind
from slackapp.host.store import deliveries, events
from slackapp.workers.scheduler import delivery_tasks
from tests.support.connected import ACME, add_member, begin
from tests.support.host_world import make_host_world
from tests.support.servers import serve
from tests.support.world import World

SECRET = b"s" * 32
LINE = f"whsec_{base64.b64encode(SECRET).decode()}\n"
DAY = 86_400


@dataclass
class Endpoint:
    """The host's address, which answers as it is told, and remembers what came."""

    answers: list[tuple[str, list[tuple[str, str]]]] = field(default_factory=list)
    """Those of the next requests; then 204."""
    came: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    at_request: Callable[[], object] = lambda: None
    refuses: str = ""
    """The connection of which it takes nothing."""

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        headers = {name[5:].lower(): value for name, value in environ.items() if name.startswith("HTTP_WEBHOOK")}
        self.came.append((headers | {"path": environ["PATH_INFO"]}, json.loads(body)))
        self.at_request()
        status, given = self.answers.pop(0) if self.answers else ("204 No Content", [])
        if self.refuses == self.came[-1][1]["data"]["connectionId"]:
            status = "500 Broken"
        start_response(status, given)
        return []

    def told(self) -> list[tuple[str, str]]:
        """Connection and type of what came, in order."""
        return [(body["data"]["connectionId"], body["type"]) for _, body in self.came]


@dataclass
class Product:
    """A world whose host is told, with two connections."""

    world: World
    host: Endpoint
    keys: list[Any]

    def happen(self, which: int, kind: HostEventKind = HostEventKind.CONNECTION_ACTIVE) -> None:
        """Something happens to the first connection, or to the second."""
        db = self.world.service.app.db
        with db.transaction():
            events.add(db, self.keys[which - 1], kind, None, now=self.world.clock())

    def send(self) -> None:
        """One second of the thread that sends."""
        deliver_events.run(self.world.service.app, lambda: False)

    def states(self) -> list[tuple[str, int, int]]:
        found = deliveries.page(self.world.service.app.db, None, "", most=100)
        return [(each.state, each.attempts, each.answer_status) for each in found]


def claim(product: Product, owner: str) -> tuple[HostEvent, int]:
    """Another process claims what is due, and is heard of no more."""
    db, clock = product.world.service.app.db, product.world.clock
    [number] = deliveries.list_due(db, now=clock(), steady=clock.steady(), most=4)
    claimed = deliveries.claim(db, number, owner, clock.steady())
    assert claimed is not None
    assert deliveries.claim(db, number, f"not {owner}", clock.steady()) is None
    return claimed


@contextlib.contextmanager
def make_product(folder: Path, **changes: str) -> Iterator[Product]:
    host = Endpoint()
    keyfile.write_private(folder / "webhook.secret", LINE.encode())
    with serve(host) as url:
        given = {
            "SLACKAPP_HOST_WEBHOOK_URL": f"{url}/slack/events",
            "SLACKAPP_HOST_WEBHOOK_SECRET_FILE": str(folder / "webhook.secret"),
        }
        with make_host_world(folder, **{**given, **changes}) as world:
            db = world.service.app.db
            with db.transaction():
                add_member(db)
            yield Product(world, host, [begin(db, number, now=world.clock()).key for number in (1, 2)])


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    with make_product(tmp_path) as made:
        yield made


def test_the_host_is_told_once_with_ids_and_closed_words(product: Product) -> None:
    product.happen(1)
    product.send()
    product.send()
    [(headers, body)] = product.host.came
    [event] = events.page(product.world.service.app.db, ACME, 0)
    assert body == {
        "type": "connection.active",
        "timestamp": time_of(product.world.clock()),
        "data": {
            "organizationId": ACME,
            "connectionId": product.keys[0].id,
            "messageId": None,
            "reviewId": None,
            "reason": None,
        },
    }
    assert headers["path"] == "/slack/events"
    assert headers["webhook_id"] == f"evt_{event.number}"
    assert product.states() == [("delivered", 1, 204)]


@pytest.mark.claim("C-275")
def test_what_failed_holds_up_its_own_connection_alone(product: Product) -> None:
    for which, kind in ((1, HostEventKind.CONNECTION_ACTIVE), (1, HostEventKind.CONNECTION_REVOKED)):
        product.happen(which, kind)
    one, two = (key.id for key in product.keys)
    product.host.refuses = one
    product.happen(2)
    product.send()
    product.send()
    assert sorted(product.host.told()) == [(one, "connection.active"), (two, "connection.active")]
    assert product.states() == [("waiting", 1, 500), ("waiting", 0, 0), ("delivered", 1, 204)]
    product.host.refuses = ""
    product.world.clock.advance(6)
    product.send()
    assert [state for state, _, _ in product.states()] == ["delivered"] * 3
    assert product.host.told()[2:] == [(one, "connection.active"), (one, "connection.revoked")]


@pytest.mark.claim("C-275")
def test_the_second_event_of_a_connection_waits_for_the_first(product: Product) -> None:
    for kind in (HostEventKind.CONNECTION_ACTIVE, HostEventKind.CONNECTION_REVOKED):
        product.happen(1, kind)
    product.host.answers = [("400 No", [])]
    product.send()
    product.send()
    assert [kind for _, kind in product.host.told()] == ["connection.active"]
    product.world.clock.advance(6)
    product.send()
    assert [kind for _, kind in product.host.told()] == ["connection.active", "connection.active", "connection.revoked"]


@pytest.mark.claim("C-276")
def test_two_processes_send_an_event_once(product: Product) -> None:
    other = product.world.start_process()
    product.happen(1)
    product.host.at_request = lambda: deliver_events.run(other.app, lambda: False)
    product.send()
    other.stop()
    assert len(product.host.came) == 1


@pytest.mark.claim("C-276")
def test_what_another_process_has_delivered_meanwhile_is_not_sent_again(product: Product) -> None:
    product.happen(1)
    db, clock = product.world.service.app.db, product.world.clock
    [number] = deliveries.list_due(db, now=clock(), steady=clock.steady(), most=4)
    product.send()
    assert deliveries.claim(db, number, "slow", clock.steady()) is None
    assert product.states() == [("delivered", 1, 204)]


@pytest.mark.claim("C-276")
def test_what_a_dead_process_had_begun_is_sent_again(product: Product) -> None:
    product.happen(1)
    app, clock = product.world.service.app, product.world.clock
    event, attempt = claim(product, "dead:delivery")
    assert attempt == 1
    product.send()
    assert product.host.came == []
    clock.advance(61)
    product.send()
    assert product.states() == [("delivered", 2, 204)]
    assert not deliveries.end(app.db, event.number, "dead:delivery", status=DeliveryStatus.GIVEN_UP, answer_status=0), (
        "it is not its own any more"
    )
    assert product.states() == [("delivered", 2, 204)]


@pytest.mark.claim("C-276")
def test_who_has_lost_an_event_neither_ends_nor_postpones_it(product: Product) -> None:
    product.happen(1)
    app, clock = product.world.service.app, product.world.clock
    claim(product, "one")
    clock.advance(61)
    event, _ = claim(product, "two")
    assert not deliveries.end(app.db, event.number, "one", status=DeliveryStatus.DELIVERED, answer_status=204)
    assert not deliveries.postpone(app.db, event.number, "one", until=clock() + 5, answer_status=0)
    assert deliveries.postpone(app.db, event.number, "two", until=clock() + 5, answer_status=0)


@pytest.mark.claim("C-278")
def test_it_is_tried_for_three_days_and_then_shown(product: Product) -> None:
    product.happen(1)
    product.host.answers = [("500 Broken", [])] * 100
    began, waits = product.world.clock(), []
    while product.states()[0][0] == "waiting":
        product.send()
        [found] = deliveries.page(product.world.service.app.db, None, "", most=10)
        waits.append(found.next_at - product.world.clock())
        product.world.clock.advance(max(waits[-1], 1))
    least = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000]
    assert all(low <= wait <= low * 1.1 for low, wait in zip(least, waits, strict=False))
    assert 3 * DAY <= product.world.clock() - began < 4.5 * DAY
    assert product.states() == [("given_up", len(product.host.came), 500)]
    assert len(product.host.came) == 10


@pytest.mark.claim("C-278")
def test_an_address_that_is_gone_is_not_tried_again(product: Product) -> None:
    product.happen(1)
    product.host.answers = [("410 Gone", [])]
    product.send()
    assert product.states() == [("given_up", 1, 410)]


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Again"])
def test_a_redirect_is_a_failure_and_is_not_followed(product: Product, status: str) -> None:
    product.happen(1)
    product.host.answers = [(status, [("Location", "/elsewhere")])]
    product.send()
    assert [headers["path"] for headers, _ in product.host.came] == ["/slack/events"]
    assert product.states() == [("waiting", 1, int(status[:3]))]


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [(("429 Slow", [("Retry-After", "120")]), 120), (("503 Later", []), 5), (("502 Later", [("Retry-After", "x")]), 5)],
)
def test_a_host_that_asks_for_a_pause_gets_it(
    product: Product, answer: tuple[str, list[tuple[str, str]]], seconds: int
) -> None:
    product.happen(1)
    product.host.answers = [answer]
    product.send()
    product.happen(2)
    product.send()
    assert len(product.host.came) == 1, "not another connection's either"
    product.world.clock.advance(seconds)
    product.send()
    assert [state for state, _, _ in product.states()] == ["delivered", "delivered"]


def test_a_host_that_is_down_is_left_alone_and_nothing_is_lost(tmp_path: Path) -> None:
    with make_product(tmp_path, SLACKAPP_HOST_WEBHOOK_URL="http://127.0.0.1:9/slack/events") as product:
        product.happen(1)
        product.happen(2)
        product.send()
        tried = sorted(attempts for _, attempts, _ in product.states())
        product.send()
        assert sorted(attempts for _, attempts, _ in product.states()) == tried == [1, 1]
        assert {state for state, _, _ in product.states()} == {"waiting"}


def test_both_secrets_sign_while_they_change(product: Product) -> None:
    keyfile.replace_private(product.world.folder / "webhook.secret", (LINE.replace("c3Nz", "bm5u") + LINE).encode())
    product.happen(1)
    product.send()
    [(headers, _)] = product.host.came
    assert len(headers["webhook_signature"].split(" ")) == 2


def test_without_a_secret_nothing_is_sent_and_nothing_lost(product: Product) -> None:
    (product.world.folder / "webhook.secret").chmod(0o644)
    product.happen(1)
    product.send()
    assert product.host.came == []
    assert product.states() == [("waiting", 0, 0)]
    (product.world.folder / "webhook.secret").chmod(0o600)
    product.send()
    assert product.states() == [("delivered", 1, 204)]


def test_without_an_address_there_is_no_thread_and_old_events_stay_in_the_feed(tmp_path: Path) -> None:
    with make_host_world(tmp_path) as world:
        app = world.service.app
        assert world.service.deliveries == ()
        with app.db.transaction():
            add_member(app.db)
            key = ConnectionKey(ACME, f"{1:024}", ConnectionStatus.PENDING)
            events.add(app.db, key, HostEventKind.CONNECTION_ACTIVE, None, now=world.clock())
        upkeep.sweep(app, world.clock() + 3 * DAY + 1)
        [found] = deliveries.page(app.db, None, "", most=10)
        assert found.state is DeliveryStatus.UNSENT
        assert len(events.page(app.db, ACME, 0)) == 1


def test_the_thread_sends_by_itself(product: Product) -> None:
    app = product.world.service.app
    [task] = delivery_tasks(app.circles, app.settings)
    [scheduler] = product.world.service.deliveries
    product.happen(1)
    scheduler.run_due(app)
    assert task.name == "host"
    assert product.states() == [("delivered", 1, 204)]


def test_many_connections_take_their_turns_and_none_waits_behind_a_long_row(product: Product) -> None:
    for _ in range(50):
        product.happen(1)
    product.happen(2)
    product.send()
    assert [state for state, _, _ in product.states()] == ["delivered"] * 51
    assert product.keys[1].id in [connection for connection, _ in product.host.told()[:2]]


def test_a_clock_that_was_ahead_postpones_nothing_for_long(product: Product) -> None:
    product.happen(1)
    product.world.clock.advance(30 * DAY)
    product.host.answers = [("500 Broken", [])]
    app, clock = product.world.service.app, product.world.clock
    event, _ = claim(product, "one")
    deliveries.postpone(app.db, event.number, "one", until=clock() + 5, answer_status=500)
    clock.set(clock() - 30 * DAY)
    product.send()
    assert len(product.host.came) == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"SLACKAPP_HOST_WEBHOOK_SECRET_FILE": ""}, "goes with SLACKAPP_HOST_WEBHOOK_SECRET_FILE"),
        ({"SLACKAPP_HOST_WEBHOOK_URL": "http://example.com/x"}, "must be https"),
        ({"SLACKAPP_HOST_WEBHOOK_URL": "https://a:b@example.com/x"}, "must be an address such as"),
        ({"SLACKAPP_HOST_WEBHOOK_URL": "https://example.com/x#y"}, "must be an address such as"),
        ({"SLACKAPP_HOST_WEBHOOK_URL": "ftp://example.com/"}, "must be an address such as"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(tmp_path: Path, changed: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message), make_product(tmp_path, **changed):
        pass
