"""Who calls the host side: proved by a token of the host's, for one organization, as the newest word on a member is."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.host.checks.roles import HostAction, is_allowed
from slackapp.host.flows import switch_host
from slackapp.host.flows.switch_host import EVERYBODY
from slackapp.host.model import HostRole, MemberStatus
from slackapp.host.rows import KnownCaller, Login
from slackapp.host.store import members, organizations, sessions
from slackapp.model import Actor, ActorKind
from slackapp.store.engine.database import Database
from tests.host.keys import KEY_ID, host_settings, sign, write_keys
from tests.host.probes import OPENING, ask, claims, send, told, with_probes
from tests.support.callback_world import log_lines
from tests.support.client import Reply
from tests.support.world import World, make_world

OPERATOR = Actor(ActorKind.OPERATOR, "r-1")
FROM_BOTH = "FROM members m JOIN organizations o USING (organization_id)"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_world(tmp_path, **host_settings(tmp_path)) as made:
        yield with_probes(made)


def role(reply: Reply) -> str:
    """As which role the caller was taken."""
    assert reply.status == 200, reply.text
    return str(reply.json["role"])


# Who it is


def test_a_member_is_who_the_token_names(world: World) -> None:
    reply = ask(world, "/read", claims(world, name="Ann Example", orgName="Acme Corp"))
    assert reply.json == {"organization": "acme", "member": "ann", "role": "admin", "key": KEY_ID, "kind": "member"}
    rows = world.rows(f"SELECT m.name, m.role, m.issued_at, o.name {FROM_BOTH}")
    assert [tuple(row) for row in rows] == [("Ann Example", "admin", world.clock.now, "Acme Corp")]


def test_the_host_itself_has_no_role_and_is_no_member(world: World) -> None:
    reply = ask(world, "/provision", claims(world, None))
    assert reply.json == {"organization": "acme", "member": None, "role": None, "key": KEY_ID, "kind": "host"}
    assert (world.rows("SELECT * FROM members"), len(world.rows("SELECT * FROM organizations"))) == ([], 1)


def test_no_header_parameter_or_path_names_another_organization(world: World) -> None:
    target = "/read?org=globex&organization=globex&organizationId=globex"
    others = {"X-Organization": "globex", "X-Org-Id": "globex", "Cookie": "org=globex"}
    reply = ask(world, target, claims(world), **others)
    assert reply.json["organization"] == "acme"


@pytest.mark.claim("C-140")
def test_a_request_without_a_good_token_is_told_what_is_wrong_and_nothing_is_written(world: World) -> None:
    before = world.snapshot()
    good = sign(claims(world))
    for token, field in {
        "": None,
        "x": None,
        f"{good}x": None,
        sign(claims(world), secret="x" * 43): None,
        sign(claims(world), key_id="ffffffff"): None,
        sign(claims(world, exp=world.clock.now)): "exp",
        sign(claims(world, aud="https://other.example")): "aud",
        sign(claims(world, role="root")): "role",
    }.items():
        reply = send(world, "/read", token)
        assert told(reply) == (401, "UNAUTHENTICATED", field)
        assert reply.headers["www-authenticate"] == "Bearer"
    assert told(world.request("GET", "/read")) == (401, "UNAUTHENTICATED", None)
    assert world.snapshot() == before


@pytest.mark.parametrize("name", ["token", "access_token", "authorization"])
def test_a_token_in_the_address_proves_nobody(world: World, name: str) -> None:
    assert told(world.request("GET", f"/read?{name}={sign(claims(world))}")) == (401, "UNAUTHENTICATED", None)


# What it may do


@pytest.mark.claim("C-142")
def test_each_role_reaches_the_routes_that_the_table_gives_it_and_no_other(world: World) -> None:
    reached: dict[tuple[str, str], int] = {}
    for who in (*HostRole, None):
        said = claims(world, f"the-{who}" if who else None, who)
        reached |= {(str(who), str(action)): ask(world, f"/{action}", said).status for action in HostAction}
    assert reached == {
        (str(who), str(action)): 200 if is_allowed(who, action) else 403
        for who in (*HostRole, None)
        for action in HostAction
    }


def test_a_role_that_does_not_allow_it_is_told_so_and_named_in_the_audit(world: World) -> None:
    assert told(ask(world, "/connect", claims(world, role="auditor"))) == (403, "FORBIDDEN", None)
    rows = world.rows("SELECT event, actor, actor_id, organization, record_id FROM audit")
    assert [tuple(row) for row in rows] == [("refused.role", "member", "ann", "acme", "/connect")]


# The newest word


@pytest.mark.claim("C-154")
def test_an_older_word_does_not_bring_back_a_role_that_has_fallen(world: World) -> None:
    """I was owner a minute ago, and have kept the token."""
    older = claims(world, role="owner")
    world.clock.advance(1)
    assert role(ask(world, "/read", claims(world, role="member"))) == "member"
    assert role(ask(world, "/read", older)) == "member"
    assert ask(world, "/connect", older).status == 403
    world.clock.advance(1)
    assert role(ask(world, "/connect", claims(world, role="owner"))) == "owner", "a newer word"


@pytest.mark.claim("C-154")
@pytest.mark.parametrize("first", HostRole)
@pytest.mark.parametrize("second", HostRole)
def test_of_two_words_of_one_second_the_lower_role_counts(world: World, first: HostRole, second: HostRole) -> None:
    order = list(HostRole)
    lower = max(first, second, key=order.index)
    assert role(ask(world, "/read", claims(world, role=first))) == first
    assert role(ask(world, "/read", claims(world, role=second))) == lower
    assert role(ask(world, "/read", claims(world, role=first))) == lower


def test_a_change_of_role_is_noted_and_ends_what_was_opened_in_the_old_one(world: World) -> None:
    ask(world, "/read", claims(world, role="admin"))
    db = world.service.app.db
    with db.transaction():
        assert sessions.add(db, bytes(32), Login("acme", "ann", HostRole.ADMIN, KEY_ID), world.clock.now)
    assert sessions.find(db, bytes(32), world.clock.now) is not None
    world.clock.advance(1)
    ask(world, "/read", claims(world, role="member"))
    assert sessions.find(db, bytes(32), world.clock.now) is None
    rows = world.rows("SELECT event, actor, actor_id, organization, record_kind, record_id FROM audit")
    assert [tuple(row) for row in rows] == [("role.changed", "member", "ann", "acme", "member", "ann")]


def test_the_newest_names_are_kept(world: World) -> None:
    def names() -> list[tuple[str, str]]:
        rows = world.rows(f"SELECT m.name, o.name {FROM_BOTH}")
        return [tuple(row) for row in rows]

    old = claims(world, name="Ann Old", orgName="Old Corp")
    world.clock.advance(1)
    ask(world, "/read", claims(world, name="Ann New", orgName="New Corp"))
    ask(world, "/read", old)
    world.clock.advance(1)
    ask(world, "/read", claims(world))
    assert names() == [("Ann New", "New Corp")], "no name says nothing"


@pytest.mark.claim("C-154")
@pytest.mark.parametrize("seconds", [1, 59, 120])
def test_an_older_word_that_was_never_used_raises_no_role_either(world: World, seconds: int) -> None:
    """I was owner for a moment, have not called meanwhile, and call as such once I am a member again."""
    assert role(ask(world, "/read", claims(world, role="member", orgName="Acme"))) == "member"
    world.clock.advance(1)
    unused = claims(world, role="owner", orgName="Mine")
    world.clock.advance(seconds)
    assert role(ask(world, "/read", claims(world, role="member", orgName="Acme"))) == "member"
    world.clock.advance(1)
    assert role(ask(world, "/read", unused)) == "member"
    assert ask(world, "/connect", unused).status == 403
    assert [row["name"] for row in world.rows("SELECT name FROM organizations")] == ["Acme"]


def test_what_says_nothing_new_writes_nothing_but_when(world: World) -> None:
    ask(world, "/read", claims(world))
    before = world.snapshot()
    ask(world, "/read", claims(world))
    assert world.snapshot() == before
    world.clock.advance(1)
    ask(world, "/read", claims(world))
    assert [row["issued_at"] for row in world.rows("SELECT issued_at FROM members")] == [world.clock()]
    assert world.audit() == []


def test_of_two_words_at_once_the_later_counts_whichever_is_written_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member's role falls while a word that says the old one anew is on its way."""
    ask(world, "/read", claims(world, role="admin"))
    world.clock.advance(2)
    again, fallen = claims(world, role="admin"), claims(world, role="member")
    look = members.find_caller

    def late(db: Database, organization_id: str, member_id: str) -> KnownCaller | None:
        found = look(db, organization_id, member_id)
        monkeypatch.undo()
        assert role(ask(world, "/read", fallen)) == "member"
        return found

    monkeypatch.setattr(members, "find_caller", late)
    assert role(ask(world, "/read", again)) == "member"


# Who may not any more


@pytest.mark.claim("C-149")
def test_who_has_left_is_refused_until_reinstated(world: World) -> None:
    """I was let go, and my tab is open still."""
    ask(world, "/read", claims(world))
    db = world.service.app.db
    found = members.find(db, "acme", "ann")
    assert found is not None
    members.set_status(db, found, MemberStatus.OFFBOARDED, world.clock.now)
    world.clock.advance(1)
    for said in (claims(world), claims(world, role="owner"), claims(world, name="Another Name")):
        assert told(ask(world, "/read", said)) == (403, "FORBIDDEN", None)
    rows = world.rows("SELECT DISTINCT event, actor, actor_id, organization FROM audit WHERE event LIKE 'refused%'")
    assert [tuple(row) for row in rows] == [("refused.member.offboarded", "member", "ann", "acme")]
    assert ask(world, "/read", claims(world, "bob")).status == 200
    members.set_status(db, found._replace(status=MemberStatus.OFFBOARDED), MemberStatus.ACTIVE, world.clock.now)
    assert ask(world, "/read", claims(world)).status == 200


@pytest.mark.claim("C-149")
def test_an_organization_that_is_being_removed_is_refused(world: World) -> None:
    ask(world, "/read", claims(world))
    with world.service.app.db.transaction():
        assert organizations.begin_removal(world.service.app.db, "acme", world.clock.now)
    for said in (claims(world), claims(world, None)):
        assert told(ask(world, "/read", said)) == (403, "FORBIDDEN", None)
    assert ask(world, "/read", claims(world, org="globex")).status == 200


@pytest.mark.claim("C-149")
@pytest.mark.parametrize("removed", ["removed_at = 1", "gone"])
def test_an_organization_that_goes_while_its_member_is_noted_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, removed: str
) -> None:
    """I am new, and come in the moment in which all of us are deleted."""
    db = world.service.app.db

    def find(database: Database, organization_id: str, member_id: str) -> KnownCaller | None:
        known = found(database, organization_id, member_id)
        monkeypatch.undo()
        with db.transaction():
            organizations.begin_removal(db, organization_id, world.clock.now)
            if removed == "gone":
                organizations.delete(db, organization_id)
        return known

    organizations.note(db, "acme", "Acme", issued_at=world.clock.now, now=world.clock.now)
    found = members.find_caller
    monkeypatch.setattr(members, "find_caller", find)
    assert told(ask(world, "/read", claims(world))) == (403, "FORBIDDEN", None)
    assert world.rows("SELECT * FROM members") == []


@pytest.mark.claim("C-149", "C-153")
def test_what_is_switched_off_begins_nothing_from_the_next_request_on(world: World) -> None:
    app = world.service.app
    assert ask(world, "/begin", claims(world)).status == 200
    switch_host.disable(app, "acme", OPERATOR, world.clock.now)
    reply = ask(world, "/begin", claims(world))
    assert reply.json == {"error": "Slack integration is not enabled", "code": "INTEGRATION_DISABLED", "status": 503}
    assert [ask(world, "/begin", claims(world, org="globex")).status for _ in range(2)] == [200, 200], "new, and known"
    assert ask(world, "/read", claims(world)).status == 200
    switch_host.disable(app, EVERYBODY, OPERATOR, world.clock.now)
    switch_host.enable(app, "acme", OPERATOR, world.clock.now)
    assert [ask(world, "/begin", claims(world, org=each)).status for each in ("acme", "globex")] == [503, 503]
    switch_host.enable(app, EVERYBODY, OPERATOR, world.clock.now)
    assert ask(world, "/begin", claims(world)).status == 200


@pytest.mark.claim("C-149")
def test_a_setting_switches_it_off_for_everybody(world: World) -> None:
    world.restart(integration_enabled=False)
    with_probes(world)
    assert told(ask(world, "/begin", claims(world))) == (503, "INTEGRATION_DISABLED", None)
    assert ask(world, "/read", claims(world)).status == 200


@pytest.mark.claim("C-147")
def test_a_key_that_is_retired_meanwhile_proves_nobody(world: World) -> None:
    token = sign(claims(world))
    assert send(world, "/read", token).status == 200
    write_keys(world.folder, ffffffff="n" * 43)
    assert told(send(world, "/read", token)) == (401, "UNAUTHENTICATED", None)


def test_while_the_keys_cannot_be_read_the_log_says_so_once_a_minute(world: World) -> None:
    token = sign(claims(world))
    (world.folder / "host.keys").write_text("nothing")
    for _ in range(3):
        assert told(send(world, "/read", token)) == (401, "UNAUTHENTICATED", None)
    lines = [line for line in log_lines(world) if line["event"] == "host_keys_unreadable"]
    assert [(line["level"], line["action"]) for line in lines] == [("error", "see: slackapp host keys list")]
    write_keys(world.folder)
    assert send(world, "/read", token).status == 200


# How often


@pytest.mark.claim("C-148")
def test_a_token_opens_something_once_and_reads_as_often_as_it_is_good(world: World) -> None:
    """I saw a request of yours, and send it again."""
    token = sign(claims(world))
    assert [send(world, "/read", token).status for _ in range(3)] == [200] * 3
    assert send(world, OPENING, token).status == 200
    assert told(send(world, OPENING, token)) == (401, "UNAUTHENTICATED", "jti")
    assert told(send(world, OPENING, token)) == (401, "UNAUTHENTICATED", "jti")
    world.restart()
    with_probes(world)
    assert told(send(world, OPENING, token)) == (401, "UNAUTHENTICATED", "jti"), "another process knows it, too"
    assert ask(world, OPENING, claims(world)).status == 200


def test_the_same_id_of_another_organization_is_another_one(world: World) -> None:
    assert [ask(world, OPENING, claims(world, jti="1", org=each)).status for each in ("acme", "globex")] == [200, 200]


@pytest.mark.claim("C-155")
def test_of_many_who_send_a_token_at_once_one_is_served(world: World) -> None:
    token, statuses = sign(claims(world)), []
    barrier = threading.Barrier(8)

    def send_it() -> None:
        barrier.wait()
        statuses.append(send(world, OPENING, token).status)

    threads = [threading.Thread(target=send_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [401] * 7


@pytest.mark.claim("C-148")
def test_an_organization_has_its_rate_and_does_not_use_up_another_ones(world: World) -> None:
    """I ask all the time, so that your other customers wait."""
    world.restart(host_rate_per_minute=3)
    with_probes(world)
    replies = [ask(world, "/read", claims(world, member)) for member in ("ann", "bob", "eve", "joe")]
    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    assert told(replies[-1]) == (429, "RATE_LIMITED", None)
    assert replies[-1].headers["retry-after"] == "20"
    assert ask(world, "/read", claims(world, org="globex")).status == 200
    world.clock.advance(20)
    assert ask(world, "/read", claims(world)).status == 200


@pytest.mark.claim("C-148")
def test_what_is_opened_has_a_lower_rate_which_comes_before_the_use_of_the_token(world: World) -> None:
    world.restart(rate_per_minute=2)
    with_probes(world)
    assert [ask(world, OPENING, claims(world)).status for _ in range(2)] == [200, 200]
    token = sign(claims(world))
    assert told(send(world, OPENING, token)) == (429, "RATE_LIMITED", None)
    assert ask(world, "/read", claims(world)).status == 200
    world.clock.advance(30)
    assert send(world, OPENING, token).status == 200, "it was not used up"


@pytest.mark.claim("C-72")
def test_an_address_that_brings_bad_tokens_waits_and_who_is_proved_from_there_does_not(world: World) -> None:
    world.restart(rate_per_minute=2)
    with_probes(world)
    statuses = [send(world, "/read", "x").status for _ in range(4)]
    assert statuses == [401, 401, 429, 429]
    assert told(send(world, "/read", "x")) == (429, "RATE_LIMITED", None)
    assert ask(world, "/read", claims(world)).status == 200


def test_a_flood_of_refusals_buys_one_row_of_the_audit(world: World) -> None:
    world.restart(host_rate_per_minute=1)
    with_probes(world)
    for _ in range(10):
        ask(world, "/read", claims(world))
    assert world.audit() == ["refused.rate"]


def test_nothing_of_a_request_is_repeated_in_a_refusal_or_in_the_log(world: World) -> None:
    for said in (claims(world, org="canary!"), claims(world, role="canary"), claims(world, name="canary\n"),
                 claims(world, "canary", "auditor")):  # fmt: skip
        reply = ask(world, "/connect", said)
        assert reply.status in (401, 403)
        assert "canary" not in reply.text
    assert "canary" not in world.log.getvalue()
    assert all("canary" not in json.dumps(fact) for fact in world.facts("refused.host_token.claim"))
