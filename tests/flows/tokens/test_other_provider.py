"""Refresh, exchange and state for a provider that is not Slack: the same flows, and Slack sees nothing of it."""

import contextlib
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from slackapp.checks import state_token
from slackapp.checks.capabilities import Capability
from slackapp.errors import Refusal, Refused, SlackCallError, SlackErrorKind
from slackapp.flows.app import App, Circle, ProviderCall, TokenProvider
from slackapp.flows.install import exchange_code, new_state
from slackapp.flows.keys.tenant_keys import confirm_keys
from slackapp.flows.tokens import exchange_token, refresh_due, refresh_token
from slackapp.flows.tokens.slack_provider import SLACK
from slackapp.model import GrantedToken, Holder, InstallationStatus, Secret, StateBinding, StatePurpose, Token
from slackapp.store import oauth_states, tokens
from slackapp.vault.seal_pair import seal_pair
from tests.flows.tokens.rotation import ACTOR, DUE, LIFE, ask, change, refused
from tests.support.operator import ACTOR as OPERATOR
from tests.support.token_use import call_as
from tests.support.world import World, north_tenant

ACTIVE = frozenset({InstallationStatus.ACTIVE})
NAME, HOLDER, URL = "elsewhere", Holder.connection("c1"), "https://app.example/connect"
CAPABILITY = Capability("elsewhere", frozenset({f"{NAME}.*"}))
TRANSIENT, REJECTED, LIMITED = SlackErrorKind.TRANSIENT, SlackErrorKind.BAD_REQUEST, SlackErrorKind.RATE_LIMITED


@dataclass
class Elsewhere:
    """The other provider: it gives pair after pair, or fails as it is told."""

    shown: list[str] = field(default_factory=list)
    failures: list[SlackCallError] = field(default_factory=list)
    owner: str = "c1"
    pause: Callable[[], object] = lambda: None

    def send(self, app: App, secret: Secret) -> Mapping[str, Any]:
        assert not app.db.in_transaction()
        self.shown.append(secret.reveal())
        self.pause()
        if self.failures:
            raise self.failures.pop(0)
        number = len(self.shown)
        return {"access": f"access-{number}", "refresh": f"refresh-{number}", "owner": self.owner}

    def fail(self, code: str, kind: SlackErrorKind, retry_after: int = 0) -> None:
        self.failures.append(SlackCallError(f"{NAME}.token", code, kind, retry_after))

    def provider(self) -> TokenProvider:
        return TokenProvider(
            name=NAME,
            exchange_code=ProviderCall(f"{NAME}.token", CAPABILITY, self.send),
            exchange_token=ProviderCall(f"{NAME}.upgrade", CAPABILITY, self.send),
            refresh=ProviderCall(f"{NAME}.token", CAPABILITY, self.send),
            names_other_owner=lambda token, data: data["owner"] not in ("", token.holder.id),
            read_pair=read_pair,
            dead_refresh_errors=frozenset({"over"}),
            no_effect_errors=frozenset({"closed"}),
            lease=60,
            scopes_asked=lambda app, holder: ("read",),
            install_url=lambda app, tenant: URL,
        )


def read_pair(app: App, token: Token, data: Mapping[str, Any]) -> GrantedToken:
    if not data["owner"]:
        raise Refused(Refusal.GRANT_MALFORMED)
    return GrantedToken(Secret(data["access"]), Secret(data["refresh"]), LIFE, ("read",))


@dataclass
class Both:
    """A tenant with Slack's tokens, and a connection in it with the other provider's."""

    world: World
    app: App
    elsewhere: Elsewhere

    def connect(self, life: int | None = LIFE) -> None:
        refresh = Secret("refresh-0") if life is not None else None
        granted = GrantedToken(Secret("access-0"), refresh, life, ("read",))
        keys, now = self.app.keyring.open_holder_keys(north_tenant(), HOLDER), self.app.clock()
        with self.app.db.transaction():
            confirm_keys(self.app, north_tenant(), keys, now)
            pair = seal_pair(keys, north_tenant(), HOLDER, granted, generation=1, now=now)
            tokens.save(self.app.db, north_tenant(), HOLDER, generation=1, pair=pair, now=now, provider=NAME)

    def token(self) -> Token:
        found = tokens.find(self.app.db, north_tenant(), HOLDER)
        assert found is not None
        return found

    def refresh(self) -> Token:
        return refresh_token.run(self.app, self.token(), ACTOR, statuses=ACTIVE, wait=False)

    def is_here(self, token: str) -> bool:
        found = tokens.find_by_fingerprint(self.app.db, self.app.keyring.fingerprint(Secret(token)))
        return [each.holder for each in found] == [HOLDER]


@pytest.fixture
def both(installed: Any) -> Both:
    world = installed.reset()
    elsewhere = Elsewhere()
    app, circle = world.service.app, Circle(name="other", token_providers=(elsewhere.provider(),))
    vault = replace(app.vault, capabilities={**app.vault.capabilities, CAPABILITY.name: CAPABILITY})
    app = replace(app, circles=(circle,), vault=vault)
    made = Both(world, app, elsewhere)
    made.connect()
    world.slack.called.clear()
    return made


@pytest.mark.claim("C-120")
def test_a_token_is_refreshed_by_its_own_provider_and_slack_sees_nothing_of_it(both: Both) -> None:
    """I look, at Slack, for what you hold for somebody elsewhere."""
    fresh = both.refresh()
    assert (fresh.generation, fresh.status, fresh.provider, fresh.holder) == (2, "live", NAME, HOLDER)
    assert (both.elsewhere.shown, both.world.calls()) == (["refresh-0"], [])
    assert both.is_here("access-1")
    assert both.is_here("refresh-1")
    both.refresh()
    assert both.elsewhere.shown == ["refresh-0", "refresh-1"]


@pytest.mark.claim("C-120")
def test_slack_is_shown_no_token_but_its_own(both: Both) -> None:
    """I have you call Slack as my connection, so that it reads a token of another service."""
    left = refused(lambda: call_as(both.app, north_tenant(), ACTOR, holder=HOLDER, method="auth.test"))
    assert (left.refusal, both.world.calls()) == (Refusal.TOKEN_UNAVAILABLE, [])


@pytest.mark.claim("C-120")
def test_a_token_whose_provider_is_gone_is_shown_to_nobody(both: Both) -> None:
    app = both.world.service.app
    left = refused(lambda: refresh_token.run(app, both.token(), ACTOR, statuses=ACTIVE, wait=False))
    assert (left.refusal, both.elsewhere.shown, both.world.calls()) == (Refusal.TOKEN_UNAVAILABLE, [], [])


def test_one_refresh_runs_at_a_time(both: Both) -> None:
    seen: list[Refused] = []
    both.elsewhere.pause = lambda: seen.append(refused(both.refresh)) if not seen else None
    assert both.refresh().generation == 2
    assert ([left.retry_after for left in seen], len(both.elsewhere.shown)) == ([1], 1)


def test_after_a_lost_answer_the_same_refresh_token_is_sent_once_more(both: Both) -> None:
    both.elsewhere.fail("lost", TRANSIENT)
    assert both.refresh().generation == 2
    assert both.elsewhere.shown == ["refresh-0", "refresh-0"]


def test_a_refusal_ends_the_refresh_token_and_says_where_to_connect_anew(both: Both) -> None:
    both.elsewhere.fail("over", REJECTED)
    left = refused(both.refresh)
    assert (left.refusal, left.install_url) == (Refusal.NEEDS_REINSTALL, URL)
    assert (both.token().status, both.token().reason) == ("refresh_refused", "over")
    assert refused(both.refresh).install_url == URL
    assert len(both.elsewhere.shown) == 1
    assert both.world.rows("SELECT 1 FROM failing") == [], "it says nothing of Slack"


@pytest.mark.claim("C-120")
def test_what_another_provider_says_counts_for_no_brake(both: Both) -> None:
    """I refuse many connections at once so that you take Slack for broken, or serve them so that it seems whole."""
    change(both.world, "UPDATE tokens SET refused_since = 1 WHERE holder_kind = 'bot'")
    both.elsewhere.fail("over", REJECTED)
    refused(both.refresh)
    assert both.world.rows("SELECT 1 FROM failing") == []
    both.connect()
    tenant = north_tenant()
    change(both.world, "INSERT INTO failing VALUES (?, ?, ?, 0)", tenant.kind, tenant.id, both.app.clock())
    assert both.refresh().generation == 2
    assert len(both.world.rows("SELECT 1 FROM failing")) == 1


def test_a_limited_rate_holds_this_provider_and_not_slack(both: Both) -> None:
    both.elsewhere.fail("slow_down", LIMITED, retry_after=90)
    assert refused(both.refresh).retry_after == 90
    assert refused(both.refresh).retry_after == 90
    assert len(both.elsewhere.shown) == 1
    both.world.clock.advance(DUE)
    assert ask(both.world)["ok"]
    assert both.refresh().generation == 2


@pytest.mark.parametrize(("owner", "status"), [("c2", "dead"), ("", "live")])
def test_an_answer_for_somebody_else_or_no_answer_at_all_is_not_stored(both: Both, owner: str, status: str) -> None:
    """I have the other provider answer with my own pair."""
    both.elsewhere.owner = owner
    assert refused(both.refresh).refusal is Refusal.TOKEN_UNAVAILABLE
    assert (both.token().generation, both.token().status, both.world.status()) == (1, status, "active")


def test_what_is_due_is_refreshed_by_the_scheduler_each_by_its_own_provider(both: Both) -> None:
    both.world.clock.advance(DUE)
    assert refresh_due.run(both.app, lambda: False) == 3
    assert both.elsewhere.shown == ["refresh-0"]
    assert len(both.world.calls()) == 2


def test_a_long_lived_token_is_exchanged_by_its_own_provider(both: Both) -> None:
    both.connect(life=None)
    (result,) = exchange_token.run(both.app, exchange_token.list_exchangeable(both.app, None), OPERATOR)
    assert (result.holder, result.result) == (HOLDER, "exchanged")
    assert (both.elsewhere.shown, both.world.calls(), both.is_here("refresh-1")) == (["access-0"], [], True)


BINDING = StateBinding(StatePurpose.INSTALL, bytes(32), NAME)


def begun(both: Both) -> state_token.VerifiedState:
    """A state that leads to the other provider, come back and used up."""
    now = both.app.clock()
    issued = new_state.make(both.app, BINDING, now)
    with both.app.db.transaction():
        assert new_state.record(both.app, issued, "192.0.2.1", now)
    claimed = state_token.parse_state(issued.text)
    with pytest.raises(Refused):
        state_token.verify_state(claimed, BINDING._replace(provider=SLACK.name), both.app.keyring.state_key_by_id, now)
    verified = state_token.verify_state(claimed, BINDING, both.app.keyring.state_key_by_id, now)
    with both.app.db.transaction():
        assert oauth_states.consume(both.app.db, verified, now)
        assert not oauth_states.consume(both.app.db, verified, now)
    return verified


def test_a_code_is_exchanged_with_the_provider_that_the_state_leads_to(both: Both) -> None:
    state = begun(both)
    answer = exchange_code.run(both.app, both.elsewhere.provider(), state, Secret("code-1"))
    assert (answer["access"], both.elsewhere.shown, both.world.calls()) == ("access-1", ["code-1"], [])


@pytest.mark.parametrize(
    ("code", "kind", "told", "is_usable_again"),
    [
        ("slow_down", LIMITED, Refusal.SLACK_UNREACHABLE, True),
        ("lost", TRANSIENT, Refusal.EXCHANGE_UNCLEAR, False),
        ("closed", TRANSIENT, Refusal.SLACK_UNREACHABLE, False),
        ("bad_code", REJECTED, Refusal.EXCHANGE, False),
    ],
)
def test_an_exchange_that_fails_is_not_made_again_by_itself(
    both: Both, code: str, kind: SlackErrorKind, told: Refusal, is_usable_again: bool
) -> None:
    state = begun(both)
    both.elsewhere.fail(code, kind)
    left = refused(lambda: exchange_code.run(both.app, both.elsewhere.provider(), state, Secret("code-1")))
    assert (left.refusal, both.elsewhere.shown) == (told, ["code-1"])
    with both.app.db.transaction():
        assert oauth_states.consume(both.app.db, state, both.app.clock()) is is_usable_again


@pytest.mark.parametrize("is_known", [True, False])
def test_a_provider_that_is_down_or_gone_keeps_no_token_of_slacks_waiting(
    both: Both, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    """Its tokens would fill the batch, and their failures end it, minute after minute."""
    monkeypatch.setattr(refresh_due, "BATCH", 1)
    both.elsewhere.fail("down", TRANSIENT)
    both.elsewhere.fail("down", TRANSIENT)
    both.world.clock.advance(DUE)
    change(both.world, "UPDATE tokens SET due_at = ? WHERE provider = ?", both.world.clock() - DUE, NAME)
    app = both.app if is_known else replace(both.app, circles=())
    assert refresh_due.run(app, lambda: False) == 1
    assert bool(both.elsewhere.shown) is is_known


def test_no_token_is_without_a_provider(both: Both) -> None:
    opened = sqlite3.connect(both.world.settings.database)
    with contextlib.closing(opened) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("UPDATE tokens SET provider = ''")
