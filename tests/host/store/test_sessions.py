"""Members, tickets, sessions and what works once."""

import hashlib

import pytest

from slackapp.host.model import HostRole, MemberStatus
from slackapp.host.rows import ApprovalStatus, Member, Purpose
from slackapp.host.store import approvals, idempotency_keys, members, organizations, purposes, sessions, switches
from slackapp.model import Actor, ActorKind
from slackapp.store.engine.sqlite import SqliteDatabase
from tests.store.rows import change, look
from tests.support.connected import ACME, ANN, GLOBEX, KEY_ID, NOW, add_member, login
from tests.support.race import race

OWNER, ADMIN, MEMBER, AUDITOR = HostRole
OPERATOR = Actor(ActorKind.OPERATOR, "r1")


def hashed(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def role(db: SqliteDatabase, member: str = ANN) -> HostRole:
    found = members.find(db, ACME, member)
    assert found is not None
    return found.role


# The newest word of the host


@pytest.mark.claim("C-154")
def test_the_newest_token_decides_on_name_and_role(db: SqliteDatabase) -> None:
    """I am no admin any more, and send a token from before."""
    for issued_at, said, counts in (
        (NOW + 10, MEMBER, MEMBER), (NOW + 9, OWNER, MEMBER), (NOW - 900, OWNER, MEMBER), (NOW + 11, OWNER, OWNER),
    ):  # fmt: skip
        add_member(db, role=said, issued_at=issued_at)
        assert role(db) == counts


@pytest.mark.claim("C-154")
@pytest.mark.parametrize("first", HostRole)
@pytest.mark.parametrize("second", HostRole)
def test_of_two_tokens_of_one_second_the_lower_role_counts(
    db: SqliteDatabase, first: HostRole, second: HostRole
) -> None:
    """I have one of each, and send them in the order that I like."""
    order = list(HostRole)
    for said in (first, second):
        add_member(db, member="bob", role=said)
    assert role(db, "bob") == max(first, second, key=order.index)


@pytest.mark.claim("C-154")
def test_an_older_name_of_an_organization_or_a_member_does_not_come_back(db: SqliteDatabase) -> None:
    for issued_at, name, counts in ((5, "New", "New"), (4, "Old", "New"), (6, "", "New"), (7, "Newer", "Newer")):
        organizations.note(db, ACME, name, issued_at=NOW + issued_at, now=NOW)
        members.note(db, Member(ACME, ANN, name, ADMIN, NOW + issued_at, MemberStatus.ACTIVE), NOW)
        organization, member = organizations.find(db, ACME), members.find(db, ACME, ANN)
        assert organization is not None
        assert member is not None
        assert (organization.name, member.name) == (counts, counts)


def test_a_token_does_not_bring_back_whoever_has_left(db: SqliteDatabase) -> None:
    before = members.find(db, ACME, ANN)
    assert before is not None
    assert members.set_status(db, before, MemberStatus.OFFBOARDED, NOW)
    assert not members.set_status(db, before, MemberStatus.OFFBOARDED, NOW), "compared with what was seen"
    add_member(db, issued_at=NOW + 100)
    after = members.find(db, ACME, ANN)
    assert after is not None
    assert (after.status, after.issued_at) == (MemberStatus.OFFBOARDED, NOW + 100)


def test_what_is_being_removed_takes_no_name_and_no_settings(db: SqliteDatabase) -> None:
    known = organizations.find(db, ACME)
    assert known is not None
    assert organizations.save(db, known._replace(name="Set", workspace_limit=3, data_region="eu"), NOW)
    assert organizations.begin_removal(db, ACME, NOW)
    assert not organizations.begin_removal(db, ACME, NOW)
    organizations.note(db, ACME, "Named", issued_at=NOW + 99, now=NOW + 99)
    assert not organizations.save(db, known, NOW)
    assert organizations.list_removed(db) == [ACME]
    organizations.blank(db, ACME)
    organizations.blank(db, GLOBEX)
    assert look(db.path, "SELECT name, workspace_limit, data_region FROM organizations ORDER BY organization_id") == [
        ("", None, ""), ("Globex", None, ""),
    ]  # fmt: skip
    organizations.delete(db, GLOBEX)
    organizations.delete(db, ACME)
    assert look(db.path, "SELECT organization_id FROM organizations") == [(GLOBEX,)]
    assert look(db.path, "SELECT organization_id FROM members") == [(GLOBEX,)]


# Tickets and sessions


@pytest.mark.claim("C-155")
def test_a_ticket_works_once_and_for_a_minute(db: SqliteDatabase) -> None:
    """I have seen a ticket go by, and send it, too."""
    for name in ("one", "two", "three"):
        assert sessions.add_ticket(db, hashed(name), login(), NOW)
    assert sessions.use_ticket(db, hashed("one"), NOW + 60) == login()
    assert sessions.use_ticket(db, hashed("one"), NOW + 60) is None
    assert sessions.use_ticket(db, hashed("two"), NOW + 61) is None
    assert sessions.use_ticket(db, hashed("three"), NOW - 3600) is None, "made by a clock that was ahead"
    assert sessions.use_ticket(db, hashed("four"), NOW) is None


@pytest.mark.claim("C-155")
def test_of_many_who_bring_a_ticket_at_once_one_is_let_in(db: SqliteDatabase) -> None:
    assert sessions.add_ticket(db, hashed("one"), login(), NOW)
    assert sessions.use_token_id(db, hashed("before"), NOW)
    prepare = (
        "import hashlib, sys\nfrom pathlib import Path\nfrom slackapp.host.store import sessions\n"
        "from slackapp.store.engine.sqlite import SqliteDatabase\ndb = SqliteDatabase(Path(sys.argv[1]))\n"
        "h = lambda t: hashlib.sha256(t.encode()).digest()"
    )
    run = (
        f"print(sessions.use_ticket(db, h('one'), {NOW}) is not None, sessions.use_token_id(db, h('id'), {NOW}),"
        f" sessions.use_token_id(db, h('before'), {NOW}))"
    )
    said = [line.split() for line in race(4, prepare, run, str(db.path))]
    assert [[each[place] for each in said].count("True") for place in range(3)] == [1, 1, 0]


@pytest.mark.claim("C-155")
@pytest.mark.parametrize("change_of", ["role", "leaving", "nothing"])
def test_a_ticket_and_a_session_count_for_a_member_of_the_same_role_only(db: SqliteDatabase, change_of: str) -> None:
    """I was an admin when the ticket was made, and when I logged in."""
    assert sessions.add_ticket(db, hashed("ticket"), login(), NOW)
    assert sessions.add(db, hashed("session"), login(), NOW)
    if change_of == "role":
        add_member(db, role=MEMBER, issued_at=NOW + 1)
    elif change_of == "leaving":
        member = members.find(db, ACME, ANN)
        assert member is not None
        assert members.set_status(db, member, MemberStatus.OFFBOARDED, NOW)
    counts = change_of == "nothing"
    assert (sessions.find(db, hashed("session"), NOW) is not None) == counts
    assert (sessions.use_ticket(db, hashed("ticket"), NOW) is not None) == counts
    assert sessions.add_ticket(db, hashed("later"), login(), NOW) == counts
    assert sessions.add(db, hashed("later"), login(), NOW) == counts
    assert not sessions.add(db, hashed("nobody"), login(member="nobody"), NOW)


@pytest.mark.claim("C-155")
def test_a_session_ends_when_it_is_idle_and_after_eight_hours(db: SqliteDatabase) -> None:
    assert sessions.add(db, hashed("one"), login(), NOW)
    found = sessions.find(db, hashed("one"), NOW + 1800)
    assert found is not None
    assert (found.login, found.expires_at) == (login(), NOW + 8 * 3600)
    assert sessions.find(db, hashed("one"), NOW + 1801) is None
    for now in range(NOW, NOW + 8 * 3600 + 1, 1800):
        session = sessions.find(db, hashed("one"), now)
        assert session is not None
        sessions.note_used(db, hashed("one"), session, now)
    assert sessions.find(db, hashed("one"), NOW + 8 * 3600 + 1) is None, "used a second ago"
    assert sessions.find(db, hashed("one"), NOW - 86_400) is None, "made by a clock that was ahead"


def test_a_use_of_a_session_is_noted_to_the_minute(db: SqliteDatabase) -> None:
    assert sessions.add(db, hashed("one"), login(), NOW)
    for later, noted in ((59, 0), (60, 60), (100, 60), (120, 120)):
        session = sessions.find(db, hashed("one"), NOW + later)
        assert session is not None
        sessions.note_used(db, hashed("one"), session, NOW + later)
        assert look(db.path, "SELECT seen_at FROM host_sessions") == [(NOW + noted,)]


def test_what_ends_them_ends_exactly_theirs(db: SqliteDatabase) -> None:
    add_member(db, member="bob")
    everybody = [login(), login(member="bob"), login(GLOBEX), login()._replace(host_key_id="hk2")]

    def fill() -> None:
        change(db.path, "DELETE FROM host_tickets")
        change(db.path, "DELETE FROM host_sessions")
        for number, each in enumerate(everybody):
            assert sessions.add_ticket(db, hashed(f"t{number}"), each, NOW)
            assert sessions.add(db, hashed(f"s{number}"), each, NOW)

    def left() -> list[tuple[str, str, str]]:
        columns = "organization_id, member_id, host_key_id"
        found = [look(db.path, f"SELECT {columns} FROM {table}") for table in ("host_tickets", "host_sessions")]
        assert sorted(found[0]) == sorted(found[1])
        return sorted(found[0])

    fill()
    assert sessions.end_of_member(db, ACME, ANN) == 4
    assert left() == [(ACME, "bob", KEY_ID), (GLOBEX, ANN, KEY_ID)]
    fill()
    assert sessions.end_under_key(db, KEY_ID) == 6
    assert left() == [(ACME, ANN, "hk2")]
    fill()
    sessions.sweep(db, NOW + 61)
    assert look(db.path, "SELECT count(*) FROM host_tickets") == [(0,)]
    assert look(db.path, "SELECT count(*) FROM host_sessions") == [(4,)]
    sessions.end(db, hashed("s0"))
    assert sessions.find(db, hashed("s0"), NOW) is None
    sessions.sweep(db, NOW + 8 * 3600 + 1)
    assert look(db.path, "SELECT count(*) FROM host_sessions") == [(0,)]


@pytest.mark.claim("C-155")
def test_a_tokens_id_works_once_until_it_has_expired(db: SqliteDatabase) -> None:
    """I have seen a request of the host, and send it again."""
    assert sessions.use_token_id(db, hashed("one"), NOW + 930)
    assert not sessions.use_token_id(db, hashed("one"), NOW + 930)
    assert sessions.use_token_id(db, hashed("two"), NOW + 930)
    sessions.sweep_token_ids(db, NOW + 930)
    assert not sessions.use_token_id(db, hashed("one"), NOW + 930)
    sessions.sweep_token_ids(db, NOW + 931)
    assert look(db.path, "SELECT count(*) FROM host_token_ids") == [(0,)]


# Switches, keys, approvals, purposes


@pytest.mark.claim("C-153")
def test_a_switch_is_of_one_organization_or_of_everybody(db: SqliteDatabase) -> None:
    assert switches.disable(db, GLOBEX, OPERATOR, NOW)
    assert not switches.disable(db, GLOBEX, OPERATOR, NOW + 1)
    assert (switches.is_disabled(db, GLOBEX), switches.is_disabled(db, ACME)) == (True, False)
    assert switches.disable(db, switches.EVERYBODY, OPERATOR, NOW)
    assert (switches.is_disabled(db, GLOBEX), switches.is_disabled(db, ACME)) == (True, True)
    assert [(each.organization_id, each.is_of_everybody) for each in switches.list_all(db)] == [
        ("", True), (GLOBEX, False),
    ]  # fmt: skip
    assert switches.enable(db, switches.EVERYBODY)
    assert not switches.enable(db, switches.EVERYBODY)
    assert (switches.is_disabled(db, GLOBEX), switches.is_disabled(db, ACME)) == (True, False)


def test_a_key_of_the_host_is_taken_once_and_answered_alike(db: SqliteDatabase) -> None:
    key, body = hashed("key"), hashed("body")
    assert idempotency_keys.begin(db, ACME, key, body, now=NOW)
    assert not idempotency_keys.begin(db, ACME, key, hashed("other"), now=NOW)
    first = idempotency_keys.find(db, ACME, key)
    assert first is not None
    assert (first.body_hash, first.answer_status) == (body, 0)
    assert idempotency_keys.find(db, GLOBEX, key) is None
    idempotency_keys.finish(db, ACME, key, 202, '{"id": "m1"}')
    idempotency_keys.finish(db, ACME, key, 500, "late")
    idempotency_keys.forget(db, ACME, key)
    again = idempotency_keys.find(db, ACME, key)
    assert again is not None
    assert (again.answer_status, again.answer) == (202, '{"id": "m1"}')
    assert idempotency_keys.begin(db, GLOBEX, hashed("mine"), body, now=NOW)
    idempotency_keys.forget(db, GLOBEX, hashed("mine"))
    assert idempotency_keys.begin(db, GLOBEX, hashed("mine"), body, now=NOW)
    idempotency_keys.erase(db, ACME)
    assert idempotency_keys.find(db, ACME, key) is None
    idempotency_keys.sweep(db, NOW + 86_401)
    assert look(db.path, "SELECT count(*) FROM idempotency_keys") == [(0,)]
    assert not idempotency_keys.begin(db, "nobody", key, body, now=NOW)


def test_a_wish_is_approved_once_by_another_member_and_used_once(db: SqliteDatabase) -> None:
    """I approve my own wish; I use one twice, or when it is over, or another one's."""
    for number, member in enumerate((ANN, "bob", "eve"), 1):
        add_member(db, member=member)
        approvals.add(db, f"{number:024}", ACME, member, reason="alerts", now=NOW)
    wish = approvals.find(db, ACME, f"{1:024}")
    assert wish is not None
    assert approvals.find(db, GLOBEX, wish.id) is None
    waiting = approvals.find_open(db, ACME, ANN, NOW)
    assert waiting is not None
    assert waiting.reason == approvals.page(db, ACME, member_id=ANN)[0].reason
    assert approvals.find_open(db, ACME, ANN, NOW + approvals.LIFETIME + 1) is None
    assert approvals.find_granted(db, ACME, ANN, NOW) is None
    assert not approvals.use(db, ACME, wish.id, ANN, NOW)
    say = ApprovalStatus.APPROVED
    assert not approvals.decide(db, wish, say, by=ANN, note="mine", now=NOW)
    assert not approvals.decide(db, wish, say, by="bob", note="late", now=NOW + approvals.LIFETIME + 1)
    assert approvals.decide(db, wish, say, by="bob", note="fine", now=NOW + 5)
    assert not approvals.decide(db, wish, ApprovalStatus.DENIED, by="bob", note="no", now=NOW + 6)
    assert approvals.find_granted(db, ACME, ANN, NOW + 5) == wish.id
    assert not approvals.use(db, ACME, wish.id, "bob", NOW)
    assert not approvals.use(db, GLOBEX, wish.id, ANN, NOW)
    assert not approvals.use(db, ACME, wish.id, ANN, NOW + 5 + approvals.LIFETIME + 1)
    assert approvals.use(db, ACME, wish.id, ANN, NOW + 5 + approvals.LIFETIME)
    assert not approvals.use(db, ACME, wish.id, ANN, NOW + 6)
    assert [each.id for each in approvals.page(db, ACME, most=2)] == [f"{1:024}", f"{2:024}"]
    assert [each.status for each in approvals.page(db, ACME, (NOW, f"{2:024}"))] == [ApprovalStatus.REQUESTED]
    approvals.sweep(db, NOW + 2 * approvals.LIFETIME)
    assert approvals.page(db, ACME) == []


def test_purposes_are_their_own_organizations(db: SqliteDatabase) -> None:
    for text in ("first", "alerts of deployments"):
        purposes.save(db, ACME, Purpose("alerts", text), NOW)
    assert purposes.list_all(db, ACME) == [Purpose("alerts", "alerts of deployments")]
    assert (purposes.find(db, GLOBEX, "alerts"), purposes.list_all(db, GLOBEX)) == (None, [])
    assert not purposes.delete(db, GLOBEX, "alerts")
    assert purposes.find(db, ACME, "alerts") == Purpose("alerts", "alerts of deployments")
    assert purposes.delete(db, ACME, "alerts")
    purposes.save(db, ACME, Purpose("alerts", "again"), NOW)
    purposes.delete_all(db, ACME)
    assert purposes.list_all(db, ACME) == []
