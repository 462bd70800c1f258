"""`/api/v2/slack/reviews`: opened for all that is held, answered by named people, and closed upon what nobody said."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slackapp.flows.removal import uninstall_tenant
from slackapp.host.flows import change_connection, freeze_organization, upkeep
from slackapp.host.model import ConnectionKind, ConnectionStatus
from slackapp.host.rows import StatusReason
from slackapp.model import SCHEDULER, Tenant
from tests.support.connected import ACME, GLOBEX, begin, held, read
from tests.support.host_world import ADMIN, AUDITOR, MEMBER, OPERATOR, OWNER, Host, connect, make_host_world, told
from tests.support.world import NORTH, SOUTH, World, north_tenant

DAY = 86_400
REVIEWS = "slack/reviews"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Acme holds two workspaces."""
    with make_host_world(tmp_path, SLACKAPP_HOST_WORKSPACES="5") as made:
        connect(made, Host(made), NORTH, 1)
        connect(made, Host(made), SOUTH, 2)
        yield made


def ids() -> tuple[str, str]:
    return f"{1:024}", f"{2:024}"


def admin(world: World, name: str = "ada") -> Host:
    return Host(world).of(name, ADMIN)


def opened(world: World, days: int = 14) -> Any:
    reply = admin(world).post(REVIEWS, {"dueInDays": days})
    assert reply.status == 200, reply.text
    return reply.json


def answer(host: Host, review: Any, connection_id: str, decision: str = "attested", note: str = "needed daily") -> Any:
    said = {"connectionId": connection_id, "decision": decision, "note": note}
    return host.post(f"{REVIEWS}/{review['id']}/decisions", said)


def close(host: Host, review: Any) -> Any:
    return host.post(f"{REVIEWS}/{review['id']}/close").json


def status(world: World, connection_id: str) -> tuple[str, str]:
    found = read(world.service.app.db, ACME, connection_id)
    return str(found.status), found.status_reason


def told_events(world: World) -> list[tuple[str, str | None, str | None]]:
    """What the host is told: type, connection, review."""
    found = Host(world).get("events").json["events"]
    return [(each["type"], each["connectionId"], each["reviewId"]) for each in found]


def audited(world: World) -> list[tuple[Any, ...]]:
    rows = world.rows(
        "SELECT event, actor_id, connection, count FROM audit WHERE event LIKE 'review.%' OR "
        "event = 'integration.suspended' ORDER BY id"
    )
    return [tuple(row) for row in rows]


@pytest.mark.claim("C-380", "C-382", "C-385", "C-387")
def test_each_connection_gets_one_answer_and_what_nobody_answered_for_is_suspended(world: World) -> None:
    north, south = ids()
    review = opened(world)
    assert (review["openedBy"], review["closedAt"], review["counts"]["open"]) == ("ada", None, 2)
    assert told(admin(world, "bob").post(REVIEWS, {"dueInDays": 3})) == (400, "BAD_REQUEST")
    done = answer(admin(world, "bob"), review, north).json
    assert (done["decision"], done["decidedBy"], done["note"]) == ("attested", "bob", "needed daily")
    assert done["revokedAtSlack"] is None
    for decision in ("attested", "revoked"):
        assert told(answer(admin(world), review, north, decision)) == (400, "BAD_REQUEST")
    assert (status(world, north)[0], status(world, south)[0]) == ("active", "active")
    closed = close(admin(world), review)
    assert (closed["closedBy"], closed["counts"]["attested"], closed["counts"]["unattested"]) == ("ada", 1, 1)
    assert (status(world, north), status(world, south)) == (("active", ""), ("suspended", "review"))
    assert close(admin(world, "bob"), review) == closed, "once"
    assert audited(world) == [
        ("review.opened", "ada", "", 2), ("review.attested", "bob", north, None),
        ("integration.suspended", "ada", south, None), ("review.closed", "ada", "", 1),
    ]  # fmt: skip
    assert told_events(world)[-1] == ("connection.suspended", south, None)
    shown = Host(world).of("aud", AUDITOR).get(f"{REVIEWS}/{review['id']}?limit=1").json
    assert [each["connectionId"] for each in shown["items"]] == [north]
    rest = admin(world).get(f"{REVIEWS}/{review['id']}?limit=1&cursor={shown['cursor']}").json
    assert [(each["connectionId"], each["status"]) for each in rest["items"]] == [(south, "suspended")]
    world.clock.advance(60)
    again = opened(world)
    listed = admin(world).get(f"{REVIEWS}?limit=1").json
    assert [each["id"] for each in listed["reviews"]] == [again["id"]]
    behind = admin(world).get(f"{REVIEWS}?cursor={listed['cursor']}").json
    assert behind == {"reviews": [closed], "cursor": None}


@pytest.mark.claim("C-384")
def test_a_late_answer_brings_back_what_was_suspended_also_in_a_review_that_is_closed(world: World) -> None:
    north, south = ids()
    first = opened(world)
    close(admin(world), first)
    assert answer(admin(world), first, north).json["status"] == "active"
    assert status(world, north) == ("active", "")
    second = opened(world)
    assert answer(admin(world), second, south).status == 200
    assert status(world, south) == ("active", "")
    close(admin(world), second)
    assert (status(world, north), status(world, south)) == (("suspended", "review"), ("active", ""))
    assert answer(admin(world), second, north, "revoked").json["status"] == "revoked"


@pytest.mark.claim("C-383", "C-380")
def test_to_revoke_is_to_disconnect_and_what_is_over_needs_no_answer(world: World) -> None:
    north, south = ids()
    review = opened(world)
    done = answer(admin(world), review, north, "revoked", "nobody posts there").json
    assert (done["decision"], done["status"], done["revokedAtSlack"]) == ("revoked", "revoked", True)
    assert world.slack.installed == [SOUTH]
    app = world.service.app
    uninstall_tenant.run(app, Tenant("T", SOUTH), OPERATOR, app.clock())
    assert told(answer(admin(world), review, south)) == (400, "BAD_REQUEST")
    closed = close(admin(world), review)
    assert (closed["counts"]["revoked"], closed["counts"]["ended"], closed["counts"]["unattested"]) == (1, 1, 0)


@pytest.mark.claim("C-388")
@pytest.mark.parametrize("way", ["grant", "freeze", "owner"])
def test_what_could_not_be_suspended_waits_for_its_answer_all_the_same(world: World, way: str) -> None:
    """I let mine be dead, frozen or without an owner until the review is closed, and bring it back then."""
    north, _ = ids()
    app, now = world.service.app, world.clock()
    key = read(app.db, ACME, north).key
    with app.db.transaction():
        if way == "grant":
            change_connection.set_status(
                app.db, key, ConnectionStatus.NEEDS_RECONNECT, StatusReason.TOKEN_DEAD, now=now
            )
        elif way == "owner":
            change_connection.set_status(app.db, key, ConnectionStatus.SUSPENDED, StatusReason.OWNER, now=now)
    if way == "freeze":
        freeze_organization.run(app, ACME, OPERATOR, now)
    review = opened(world)
    close(admin(world), review)
    assert status(world, north)[1] != StatusReason.REVIEW
    if way == "freeze":
        freeze_organization.end(app, ACME, OPERATOR, now)
    else:
        attempt = begin(app.db, 9, ACME, reconnects=north, now=now)
        with app.db.transaction():
            if way == "owner":
                change_connection.resume(app.db, key, StatusReason.OWNER, now)
            else:
                change_connection.activate(app.db, attempt, held(north_tenant()), SCHEDULER, now)
    assert status(world, north) == ("suspended", "review")
    assert answer(admin(world), review, north).status == 200
    assert status(world, north) == ("active", "")


@pytest.mark.claim("C-381")
def test_who_answers_is_an_owner_or_admin_and_keeps_nothing_of_their_own_while_another_could(world: World) -> None:
    """I have a personal connection, and keep it by my own word."""
    north, _ = ids()
    own = add_personal(world, "ada")
    review = opened(world)
    for host in (Host(world), Host(world).of("meg", MEMBER), Host(world).of("aud", AUDITOR)):
        assert told(answer(host, review, north)) == (403, "FORBIDDEN")
    assert told(answer(admin(world), review, "0" * 23 + "9")) == (404, "NOT_FOUND")
    assert admin(world, "bob").get(REVIEWS).status == 200
    assert told(answer(admin(world), review, own)) == (403, "FORBIDDEN")
    for gone in ("bob", "ann"):
        assert Host(world).post(f"members/{gone}/offboard").status == 200
    assert answer(admin(world), review, own).json["decidedBy"] == "ada", "there is nobody else"


def add_personal(world: World, member: str) -> str:
    """A connection of that member's own; its id."""
    app, now = world.service.app, world.clock()
    admin(world, member).get(REVIEWS)
    attempt = begin(app.db, 3, ACME, member=member, kind=ConnectionKind.PERSONAL, now=now)
    with app.db.transaction():
        assert change_connection.activate(app.db, attempt, held(north_tenant()), SCHEDULER, now)
    return attempt.id


@pytest.mark.claim("C-386", "C-387")
def test_the_host_is_told_before_the_date_and_what_is_over_closes_by_itself(world: World) -> None:
    app = world.service.app
    north, south = ids()
    review = opened(world, 14)
    for days, number in ((6, 0), (1, 1), (5, 1), (1, 2)):
        world.clock.advance(days * DAY)
        for _ in range(2):
            upkeep.sweep(app, world.clock())
        found = [each for each in told_events(world) if each[0] == "review.due"]
        assert found == [("review.due", None, review["id"])] * number, days
    world.clock.advance(DAY)
    upkeep.sweep(app, world.clock())
    assert status(world, north)[0] == "active", "to the second"
    world.clock.advance(1)
    answer(admin(world), review, south)
    upkeep.sweep(app, world.clock())
    assert (status(world, north), status(world, south)) == (("suspended", "review"), ("active", ""))
    (shown,) = admin(world).get(REVIEWS).json["reviews"]
    assert (shown["closedBy"], shown["counts"]["unattested"]) == (None, 1)
    assert world.facts("review.closed")[-1]["actor"] == "worker"
    short = opened(world, 3)
    upkeep.sweep(app, world.clock())
    assert short["id"] not in [each[2] for each in told_events(world)]
    for connection_id in ids():
        answer(admin(world), short, connection_id)
    world.clock.advance(2 * DAY)
    upkeep.sweep(app, world.clock())
    assert [each[2] for each in told_events(world) if each[0] == "review.due"].count(short["id"]) == 0, (
        "all is answered"
    )


@pytest.mark.claim("C-182")
def test_another_organizations_reviews_are_not_there(world: World) -> None:
    review = opened(world)
    other = Host(world).of("olga", OWNER, GLOBEX)
    assert other.get(REVIEWS).json == {"reviews": [], "cursor": None}
    assert told(other.get(f"{REVIEWS}/{review['id']}")) == (404, "NOT_FOUND")
    assert told(answer(other, review, ids()[0])) == (404, "NOT_FOUND")
    assert told(other.post(f"{REVIEWS}/{review['id']}/close")) == (404, "NOT_FOUND")
    mine = other.post(REVIEWS, {"dueInDays": 1}).json
    assert mine["counts"]["open"] == 0
