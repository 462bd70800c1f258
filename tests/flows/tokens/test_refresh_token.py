"""One refresh at a time per token; nothing that Slack or a crash does loses the token or makes a loop."""

import contextlib
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from slackapp.app import build, system_entropy
from slackapp.errors import KeyUnavailableError, Refusal, Refused, SlackCallError
from slackapp.flows.removal import uninstall_tenant
from slackapp.flows.tokens import refresh_token
from slackapp.localslack.model import Fault, FaultKind
from slackapp.model import BOT, Actor, ActorKind, Sealed, Tenant, Token
from slackapp.store import tokens
from tests.support.prepared_world import Prepared
from tests.support.token_use import IN_USE, call_as
from tests.support.world import NORTH, SOUTH, START, World, holder_of, make_world, north_tenant

ACTOR = Actor(ActorKind.WORKER, "Ev0001")
ADMIN, MEMBER = "U0NORTH001ADM", "U0NORTH001MEM"
REFRESH = "oauth.v2.access"
LIFE = 43_200
DUE = LIFE - 7200 + 1
"""Seconds after which a fresh pair is due at the latest."""
BEFORE_OR_AFTER = pytest.mark.parametrize("after", [False, True], ids=["before-slack-did-it", "after"])


class Killed(BaseException):
    """Stands for a process that ends here."""


@pytest.fixture
def ready(installed: Prepared) -> World:
    """Installed, with rotating tokens of the bot and of the user who installed; not yet due."""
    return installed.reset()


@pytest.fixture
def due(ready: World) -> World:
    """The same, and both tokens are due."""
    ready.clock.advance(DUE)
    return ready


def ask(world: World, user_id: str = "", tenant: Tenant | None = None) -> Mapping[str, Any]:
    return call_as(world.service.app, tenant or north_tenant(), ACTOR, holder=holder_of(user_id)).data


def token(world: World, user_id: str = "", tenant_id: str = NORTH) -> Any:
    return world.rows("SELECT * FROM tokens WHERE tenant_id = ? AND holder_id = ?", tenant_id, user_id)[0]


def _stored(world: World) -> Token:
    found = tokens.find(world.service.app.db, north_tenant(), BOT)
    assert found is not None
    return found


def change(world: World, sql: str, *parameters: Any) -> None:
    with contextlib.closing(sqlite3.connect(world.settings.database)) as connection, connection:
        connection.execute(sql, parameters)


@contextlib.contextmanager
def during_the_refresh(world: World, happening: Callable[[], Any], after: bool = False) -> Iterator[None]:
    """Lets something happen while the next refresh is under way: before Slack does it, or before we hear of it."""
    slack = world.service.app.slack
    call_as_app = slack.call_as_app

    def meanwhile(*arguments: Any) -> Any:
        patch.undo()
        if not after:
            happening()
        answer = call_as_app(*arguments)
        if after:
            happening()
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slack, "call_as_app", meanwhile)
        yield


# When


@pytest.mark.parametrize(
    ("status", "due_at", "now", "is_due"),
    [("live", 1000, 999, False), ("live", 1000, 1000, True), ("live", 1000, 9999, True), ("live", None, 9999, False),
     ("refresh_refused", 1000, 1000, False), ("dead", 1000, 1000, False)],
)  # fmt: skip
def test_a_live_token_is_due_from_its_time_on(status: str, due_at: int | None, now: int, is_due: bool) -> None:
    sealed = Sealed(b"")
    pair = Token(north_tenant(), BOT, 1, sealed, sealed, (), 0, 0, 2000, due_at, status, "")
    assert refresh_token.is_due(pair, now) is is_due


@pytest.mark.parametrize("user_id", ["", ADMIN])
def test_a_token_is_refreshed_only_when_it_is_due(ready: World, user_id: str) -> None:
    earlier = zlib.crc32(f"T {NORTH} {user_id} 1".encode()) % 601
    assert token(ready, user_id)["due_at"] == START + DUE - earlier
    ready.clock.advance(DUE - earlier - 1)
    ask(ready, user_id)
    assert ready.calls(REFRESH) == []
    ready.clock.advance(1)
    ask(ready, user_id)
    ask(ready, user_id)
    assert ready.calls(REFRESH) == [REFRESH]
    earlier = zlib.crc32(f"T {NORTH} {user_id} 2".encode()) % 601
    assert token(ready, user_id)["due_at"] == ready.clock() + DUE - earlier, "the new pair has a time of its own"


def test_a_refresh_replaces_the_pair_and_nothing_of_the_old_one_stays(due: World) -> None:
    old = token(due)
    assert ask(due)["ok"]
    new = token(due)
    assert (new["generation"], new["granted_at"], new["issued_at"]) == (2, old["granted_at"], due.clock())
    assert (new["expires_at"], new["status"], new["lease_owner"]) == (due.clock() + LIFE, "live", "")
    assert not due.service.app.db.erase_residue()
    files = due.bytes_on_disk()
    assert (new["access"] in files, new["refresh"] in files) == (True, True)
    assert (old["access"] in files, old["refresh"] in files) == (False, False)
    read = due.rows("SELECT record_kind, holder_kind, generation, key_id FROM audit WHERE purpose = 'refresh'")
    assert [tuple(row) for row in read] == [("bot_refresh", "bot", 1, int.from_bytes(old["refresh"][2:6], "big"))]
    due.clock.advance(LIFE - 1)
    due.restart()
    assert ask(due)["ok"], "the new refresh token works in turn"


# What may go wrong on the way


def test_after_a_lost_answer_the_same_refresh_token_is_used_again_at_once(due: World) -> None:
    due.slack.fault(Fault(REFRESH, "lost_answer"))
    assert ask(due)["ok"]
    assert (due.calls(), token(due)["generation"]) == ([REFRESH, REFRESH, "auth.test"], 2)


def test_a_crash_after_slack_rotated_loses_nothing_while_the_grace_lasts(due: World) -> None:
    def die() -> None:
        raise Killed

    with during_the_refresh(due, die, after=True), pytest.raises(Killed):
        ask(due)
    due.restart()
    assert ask(due)["ok"], "the old token works on"
    due.clock.advance(refresh_token.LEASE)
    ask(due)
    assert due.calls(REFRESH) == [REFRESH], "the dead process's lease is respected to its end"
    due.clock.advance(1)
    assert ask(due)["ok"]
    assert (len(due.calls(REFRESH)), token(due)["generation"]) == (2, 2)


@pytest.mark.parametrize("kind", ["html500", "cut", "error"])
def test_while_slack_fails_the_old_token_serves_and_the_next_use_tries_again(due: World, kind: FaultKind) -> None:
    due.slack.fault(Fault(REFRESH, kind, times=2))
    assert ask(due)["ok"]
    assert (token(due)["generation"], token(due)["status"]) == (1, "live")
    assert (ask(due)["ok"], token(due)["generation"]) == (True, 2), "at once"


def test_a_limited_rate_is_respected_by_the_next_refresh(due: World) -> None:
    due.slack.fault(Fault(REFRESH, "ratelimited", retry_after=20))
    for _ in range(3):
        assert ask(due)["ok"]
    assert due.calls(REFRESH) == [REFRESH]
    due.clock.advance(19)
    due.restart()
    ask(due)
    assert due.calls(REFRESH) == [REFRESH], "by a process that did not hear of the limit, too"
    due.clock.advance(1)
    assert (ask(due)["ok"], token(due)["generation"]) == (True, 2)


def test_while_slack_limits_the_rate_no_token_is_refreshed_and_every_live_one_serves(due: World) -> None:
    """The limit is the app's, not the tenant's: whoever else asked now would only prolong it."""
    app, south = due.service.app, Tenant("T", SOUTH)
    due.browser().install(SOUTH)
    change(due, "UPDATE tokens SET due_at = ? WHERE tenant_id = ?", due.clock(), SOUTH)
    due.slack.called.clear()
    due.slack.fault(Fault(REFRESH, "ratelimited", retry_after=50))
    assert (ask(due)["ok"], ask(due, tenant=south)["ok"], ask(due, ADMIN)["ok"]) == (True, True, True)
    assert due.calls() == [REFRESH, "auth.test", "auth.test", "auth.test"]
    due.clock.advance(49)
    found = tokens.find(app.db, south, BOT)
    assert found is not None
    with pytest.raises(Refused) as caught:
        refresh_token.run(app, found, ACTOR, statuses=IN_USE, wait=True)
    assert (caught.value.refusal, caught.value.retry_after) == (Refusal.TOKEN_UNAVAILABLE, 1)
    assert (len(due.calls(REFRESH)), token(due, tenant_id=SOUTH)["lease_owner"]) == (1, "")
    with pytest.raises(Refused) as caught:
        refresh_token.run(app, found._replace(status="refresh_refused"), ACTOR, statuses=IN_USE, wait=True)
    assert caught.value.refusal is Refusal.NEEDS_REINSTALL, "that does not hang on the limit"
    due.clock.advance(1)
    assert (ask(due)["ok"], ask(due, tenant=south)["ok"], len(due.calls(REFRESH))) == (True, True, 3)
    assert (token(due)["generation"], token(due, tenant_id=SOUTH)["generation"]) == (2, 2)


@pytest.mark.parametrize(
    ("fault", "result", "reason"),
    [
        (None, "ok", ""),
        (Fault(REFRESH, "html500", times=2), "failed", "server_error"),
        (Fault(REFRESH, "ratelimited"), "failed", "ratelimited"),
        (Fault(REFRESH, "error", error="invalid_refresh_token"), "refused", "invalid_refresh_token"),
        (Fault(REFRESH, "error", error="an_error_of_tomorrow"), "failed", "other"),
        (Fault(REFRESH, "error", error="grant_of_tomorrow"), "failed", "other"),
        (Fault(REFRESH, "patch", patch={"app_id": "A0OTHER001"}), "malformed", "grant_foreign"),
        (Fault(REFRESH, "patch", patch={"refresh_token": "no"}), "malformed", "grant_malformed"),
    ],
)
def test_what_came_of_a_refresh_is_counted_by_reasons_of_a_closed_list(
    due: World, fault: Fault | None, result: str, reason: str
) -> None:
    if fault is not None:
        due.slack.fault(fault)
    assert ask(due)["ok"]
    counted = [line for line in due.service.app.metrics.text().splitlines() if "slackapp_refresh_total{" in line]
    assert counted == [f'slackapp_refresh_total{{reason="{reason}",result="{result}"}} 1']


@pytest.mark.parametrize(
    ("user_id", "patch"), [("", {"team": {"id": SOUTH, "name": "Southridge"}}), (ADMIN, {"user_id": MEMBER})]
)
@pytest.mark.claim("C-81")
def test_a_token_whose_refresh_brings_another_tenants_or_users_pair_is_not_used_again(
    due: World, user_id: str, patch: Mapping[str, Any]
) -> None:
    old = token(due, user_id)
    due.slack.fault(Fault(REFRESH, "patch", patch=dict(patch)))
    for _ in range(2):
        with pytest.raises(Refused):
            ask(due, user_id)
    new = token(due, user_id)
    assert (new["access"], new["status"], new["reason"]) == (old["access"], "dead", "foreign_token")
    assert (due.status(), due.calls()) == ("active" if user_id else "suspended", [REFRESH])
    assert due.audit().count("token.foreign") == 1
    due.browser().install()
    assert (ask(due, user_id)["ok"], due.status()) == (True, "active")


@pytest.mark.parametrize(
    ("scope", "kept"),
    [(None, "app_mentions:read,chat:write,commands"), ("chat:write, users:read", "chat:write,users:read")],
)
def test_the_scopes_are_those_of_the_answer_or_else_those_that_were_known(
    due: World, scope: str | None, kept: str
) -> None:
    due.slack.fault(Fault(REFRESH, "patch", patch={"scope": scope}))
    assert ask(due)["ok"]
    assert (token(due)["generation"], token(due)["scopes"]) == (2, kept)


@pytest.mark.parametrize(
    ("user_id", "patch"),
    [
        ("", {"token_type": "user"}),
        ("", {"access_token": "xoxe.xoxp-1-of-somebody"}),
        ("", {"access_token": None}),
        ("", {"refresh_token": None, "expires_in": None}),
        ("", {"refresh_token": "xoxb-not-a-refresh-token"}),
        ("", {"expires_in": 0}),
        ("", {"app_id": "A0OTHER001"}),
        ("", {"team": {}}),
        (ADMIN, {"token_type": "bot"}),
        (ADMIN, {"token_type": "bot", "access_token": "xoxe.xoxb-1-of-the-bot"}),
        (ADMIN, {"user_id": ["U0NORTH001ADM"]}),
    ],
)
@pytest.mark.claim("C-45")
def test_a_pair_of_another_kind_or_of_somebody_else_is_refused_and_the_old_one_stays(
    due: World, user_id: str, patch: Mapping[str, Any]
) -> None:
    old = token(due, user_id)
    due.slack.fault(Fault(REFRESH, "patch", patch=dict(patch)))
    assert ask(due, user_id)["ok"]
    new = token(due, user_id)
    for column in ("generation", "access", "refresh", "issued_at", "expires_at", "scopes", "status"):
        assert new[column] == old[column]
    assert due.audit().count("token.refresh_failed") == 1
    assert (ask(due, user_id)["ok"], token(due, user_id)["generation"]) == (True, 2), (
        "the next one tries again, at once"
    )


def test_a_new_pair_that_names_the_user_by_the_other_id_is_theirs(due: World) -> None:
    """In an enterprise a user has two; a pair that is not stored is lost, and the old one dies."""
    due.slack.fault(Fault(REFRESH, "patch", patch={"user_id": "W0NORTHADM"}))
    assert ask(due, ADMIN)["ok"]
    assert (token(due, ADMIN)["generation"], due.audit().count("token.refresh_failed")) == (2, 0)


def test_a_refresh_token_that_does_not_open_costs_no_call(due: World) -> None:
    change(due, "UPDATE tokens SET refresh = zeroblob(200) WHERE holder_id = ''")
    assert ask(due)["ok"]
    assert (due.calls(REFRESH), token(due)["lease_owner"], token(due)["status"]) == ([], "", "live")


def test_a_long_lived_token_cannot_be_refreshed_and_costs_no_call(tmp_path: Path) -> None:
    with make_world(tmp_path, rotation=False) as world:
        world.browser().install()
        found = tokens.find(world.service.app.db, north_tenant(), BOT)
        assert found is not None
        with pytest.raises(Refused):
            refresh_token.run(world.service.app, found, ACTOR, statuses=IN_USE, wait=False)
        assert (len(world.calls(REFRESH)), token(world)["lease_owner"]) == (1, ""), "the one of the install"


# One at a time


def test_of_eight_threads_one_refreshes_and_all_are_served(due: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(due)["ok"], range(8)))
    assert (answers, due.calls(REFRESH), token(due)["generation"]) == ([True] * 8, [REFRESH], 2)


@pytest.mark.claim("C-41")
def test_the_live_lease_of_another_process_is_respected_and_the_old_token_used(due: World) -> None:
    change(due, "UPDATE tokens SET lease_owner = 'other', lease_until = ? WHERE holder_id = ''", due.clock.steady() + 5)
    assert ask(due)["ok"]
    due.clock.advance(5)
    assert (ask(due)["ok"], due.calls(REFRESH), token(due)["lease_owner"]) == (True, [], "other")
    due.clock.advance(1)
    assert (ask(due)["ok"], due.calls(REFRESH)) == (True, [REFRESH])


def test_the_late_result_of_a_stale_holder_changes_nothing(due: World) -> None:
    kept: list[Any] = []

    def overtaken() -> None:
        due.clock.advance(refresh_token.LEASE + 1)
        ask(due)
        kept.append(tuple(token(due)))

    with during_the_refresh(due, overtaken):
        assert ask(due)["ok"]
    assert [tuple(token(due))] == kept
    assert (len(due.calls(REFRESH)), token(due)["generation"], ask(due)["ok"]) == (2, 2, True)


def test_the_late_refusal_of_a_stale_holder_takes_nobodys_lease(due: World) -> None:
    def overtaken() -> None:
        due.clock.advance(refresh_token.LEASE + 1)
        until = due.clock.steady() + refresh_token.LEASE
        change(due, "UPDATE tokens SET lease_owner = 'other', lease_until = ?", until)
        due.slack.invalidate_refresh_tokens(NORTH)

    with during_the_refresh(due, overtaken):
        ask(due)
    assert (token(due)["lease_owner"], token(due)["status"]) == ("other", "live")


@pytest.mark.parametrize("changed", ["generation = generation + 1", "status = 'dead'"])
def test_a_pair_is_stored_only_over_the_one_it_came_from_and_over_no_dead_one(due: World, changed: str) -> None:
    old = token(due)
    found = tokens.find(due.service.app.db, north_tenant(), BOT)
    assert found is not None
    with during_the_refresh(due, lambda: change(due, f"UPDATE tokens SET {changed}"), after=True):
        refresh_token.run(due.service.app, found, ACTOR, statuses=IN_USE, wait=False)
    assert (token(due)["access"], token(due)["refresh"]) == (old["access"], old["refresh"])


@pytest.mark.claim("C-107")
def test_a_pair_is_kept_where_nobody_gives_a_key_any_more_once_slack_has_been_asked(
    due: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any) -> None:
        raise KeyUnavailableError

    old = token(due)
    with during_the_refresh(due, lambda: monkeypatch.setattr(due.service.app.keyring, "open_tenant_keys", unreachable)):
        ask(due)
    assert token(due)["generation"] == old["generation"] + 1


@pytest.mark.claim("C-107")
def test_where_a_key_for_the_new_pair_is_out_of_reach_slack_is_not_asked(
    due: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any) -> None:
        raise KeyUnavailableError

    monkeypatch.setattr(due.service.app.keyring, "open_tenant_keys", unreachable)
    with pytest.raises(Refused) as refused:
        refresh_token.run(due.service.app, _stored(due), ACTOR, statuses=IN_USE, wait=False)
    assert (refused.value.refusal, due.calls(), token(due)["lease_owner"]) == (Refusal.KEY_UNAVAILABLE, [], "")


@pytest.mark.parametrize("status", ["dead", "refresh_refused"])
def test_a_token_that_was_marked_dead_since_it_was_read_is_not_refreshed(due: World, status: str) -> None:
    found = tokens.find(due.service.app.db, north_tenant(), BOT)
    assert found is not None
    change(due, "UPDATE tokens SET status = ?", status)
    with pytest.raises(Refused):
        refresh_token.run(due.service.app, found, ACTOR, statuses=IN_USE, wait=False)
    assert (due.calls(), token(due)["status"]) == ([], status)


@BEFORE_OR_AFTER
def test_an_install_during_a_refresh_wins(due: World, after: bool) -> None:
    with during_the_refresh(due, due.browser().install, after):
        assert ask(due)["ok"]
    row = token(due)
    assert (row["generation"], row["granted_at"], row["lease_owner"]) == (2, due.clock(), "")
    assert (ask(due)["ok"], "token.refreshed" in due.audit()) == (True, False)


@BEFORE_OR_AFTER
@pytest.mark.claim("C-44")
def test_a_purge_during_a_refresh_is_not_undone(due: World, after: bool) -> None:
    def purge() -> None:
        uninstall_tenant.run(due.service.app, north_tenant(), ACTOR, due.clock())
        due.work()

    with during_the_refresh(due, purge, after), pytest.raises((Refused, SlackCallError)):
        ask(due)
    for table in ("installations", "tokens", "data_keys"):
        assert due.rows(f"SELECT 1 FROM {table} WHERE tenant_id = ?", NORTH) == []


def test_a_process_that_missed_a_purge_and_a_new_install_seals_the_pair_under_the_new_keys(ready: World) -> None:
    ours, other = ready.service, build(ready.settings, ready.clock, system_entropy, ready.log)
    ready.service = other
    ask(ready)  # the other process has the tenant's keys in memory now
    ready.service = ours
    uninstall_tenant.run(ours.app, north_tenant(), ACTOR, ready.clock())
    ready.browser().install()
    ready.slack.expire_tokens(NORTH)
    ready.service = other
    with contextlib.suppress(Refused):
        ask(ready)
    other.stop()
    ready.service = ours
    ready.restart()
    assert ask(ready)["ok"], "what was stored opens for everybody"
