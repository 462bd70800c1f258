"""The door to tokens: what its row's own INSERT asks, what is refused, and the row that tells of it."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from slackapp.checks.capabilities import BEHAVIOUR, BOLT, REENCRYPT, TRIAL, VALIDATE, Capability
from slackapp.crypto import records
from slackapp.errors import CapabilityError, DecryptError, Refusal, Refused
from slackapp.flows.keys.tenant_keys import confirm_keys
from slackapp.flows.tokens import freeze_tenant, needs_reinstall
from slackapp.model import (
    BOT,
    NO_TENANT,
    Actor,
    ActorKind,
    AuditEvent,
    GrantedToken,
    Holder,
    HolderKind,
    Secret,
    Tenant,
    TokenPart,
)
from slackapp.store import installations, tokens
from slackapp.vault.seal_pair import seal_pair
from slackapp.vault.secret_reads import (
    Lease,
    LeaseTakenError,
    RecordRead,
    SecretRead,
    TenantRead,
    TokenRead,
    TokenReplacedError,
)
from slackapp.vault.vault import Vault
from tests.flows.tokens.rotation import change, stored
from tests.support.prepared_world import Prepared, memory_folder, snapshot_world
from tests.support.token_use import IN_USE, call_as
from tests.support.world import NORTH, World, make_world, north_tenant

ACTOR = Actor(ActorKind.WORKER, "Ev0001")
OPERATOR = Actor(ActorKind.OPERATOR, "r1")
Act = Callable[[World], object]


@pytest.fixture(scope="module")
def installed() -> Iterator[Prepared]:
    settings = {"SLACKAPP_BOT_SCOPES": "chat:write,incoming-webhook", "SLACKAPP_USER_SCOPES": "users:read"}
    with memory_folder() as folder, make_world(folder, **settings) as world:
        world.browser().install()
        world.work()
        yield snapshot_world(world)


@pytest.fixture
def ready(installed: Prepared) -> World:
    """An installation with tokens of bot and user, and a webhook."""
    return installed.reset()


def reading(world: World, part: TokenPart = TokenPart.ACCESS, **others: Any) -> TokenRead:
    fields = {"capability": BEHAVIOUR, "method": "auth.test", "purpose": "test", "actor": ACTOR, "statuses": IN_USE}
    return TokenRead(token=stored(world), part=part, **{**fields, **others})


def webhook(world: World, **others: Any) -> RecordRead:
    """The incoming webhook, as it goes to a Bolt app."""
    found = installations.find_webhook(world.service.app.db, north_tenant())
    assert found is not None
    fields = {"capability": BOLT, "purpose": "test", "actor": ACTOR, "statuses": IN_USE, "reread": lambda: None}
    context = records.webhook_context(north_tenant(), found[1])
    return RecordRead(context=context, stored=found[0], event=AuditEvent.WEBHOOK_READ, **{**fields, **others})


def vault(world: World) -> Vault:
    return world.service.app.vault


def refused(act: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as found:
        act()
    return found.value


def freeze(world: World, tenant: Tenant = NO_TENANT) -> None:
    freeze_tenant.run(world.service.app, tenant, OPERATOR, world.clock.now)


def purge(world: World) -> None:
    with world.service.app.db.transaction():
        assert world.service.app.db.execute("delete_installation", {"tenant_kind": "T", "tenant_id": NORTH}) == 1


def die(world: World) -> None:
    with world.service.app.db.transaction():
        needs_reinstall.mark_dead(world.service.app, stored(world), "token_revoked", ACTOR)


def suspect(world: World) -> None:
    change(world, "UPDATE installations SET status = 'suspect'")


def reinstall(world: World) -> None:
    world.clock.advance(1)
    assert world.browser().install().status == 303


@pytest.fixture
def between(ready: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[Act], None]:
    """Lets something happen once, after a use was looked up and before its row is written."""

    def arrange(act: Act) -> None:
        admit = Vault._admit
        acts = [act]

        def acting(self: Vault, reads: Sequence[SecretRead], *others: Any) -> Any:
            while acts:
                acts.pop()(ready)
            return admit(self, reads, *others)

        monkeypatch.setattr(Vault, "_admit", acting)

    return arrange


RACES = {
    "freeze of everything": (freeze, Refusal.FROZEN),
    "freeze of the tenant": (lambda world: freeze(world, north_tenant()), Refusal.FROZEN),
    "suspicion": (suspect, Refusal.TOKEN_UNAVAILABLE),
    "purge": (purge, Refusal.NOT_INSTALLED),
    "death": (die, Refusal.NEEDS_REINSTALL),
    "new install": (reinstall, Refusal.TOKEN_UNAVAILABLE),
}


@pytest.mark.claim("C-40", "C-119", "C-114", "C-116")
@pytest.mark.parametrize("race", RACES)
def test_what_changes_between_the_look_up_and_the_row_keeps_the_token_closed(
    ready: World, between: Callable[[Act], None], rows_at_openings: list[Any], race: str
) -> None:
    """I win the moment between the check and the use."""
    act, refusal = RACES[race]
    read = reading(ready)
    between(act)
    before = len(ready.audit())
    assert refused(lambda: vault(ready).read_token(read)).refusal is refusal
    assert rows_at_openings == []
    added = ready.audit()[before:]
    assert ("token.read" not in added, added[-1]) == (True, refusal.audit)


def connect(world: World, holder: Holder) -> None:
    """Stores a token of a connection, whose secret is its id."""
    app, granted = world.service.app, GrantedToken(Secret(f"access of {holder.id}"), Secret("r"), 43_200, ("read",))
    keys, now = app.keyring.open_holder_keys(north_tenant(), holder), app.clock()
    with app.db.transaction():
        confirm_keys(app, north_tenant(), keys, now)
        pair = seal_pair(keys, north_tenant(), holder, granted, generation=1, now=now)
        tokens.save(app.db, north_tenant(), holder, generation=1, pair=pair, now=now, provider="elsewhere")


@pytest.mark.claim("C-114")
def test_the_token_itself_is_asked_for_and_not_the_word_that_the_audit_has_for_its_holder(ready: World) -> None:
    """My token is dead, and another connection has the name that the audit gives to what it cannot show."""
    db, odd = ready.service.app.db, [Holder.connection("xapp-1"), Holder(HolderKind.CONNECTION, "a@b")]
    for holder in odd:
        connect(ready, holder)
        found = tokens.find(db, north_tenant(), holder)
        assert found is not None
        assert vault(ready).read_token(reading(ready)._replace(token=found)).reveal() == f"access of {holder.id}"
    connect(ready, Holder.connection("not_a_word"))
    with db.transaction():
        tokens.mark_dead(db, found, "over")
    with pytest.raises(TokenReplacedError):
        vault(ready).read_token(reading(ready)._replace(token=found))


@pytest.mark.claim("C-40", "C-119")
@pytest.mark.parametrize("race", ["freeze of everything", "freeze of the tenant", "suspicion", "purge"])
def test_the_same_holds_for_a_record_that_is_no_token(
    ready: World, between: Callable[[Act], None], rows_at_openings: list[Any], race: str
) -> None:
    act, refusal = RACES[race]
    read = webhook(ready)
    between(act)
    assert refused(lambda: vault(ready).read_secrets(lambda: [read])).refusal is refusal
    assert (rows_at_openings, "webhook.read" in ready.audit()) == ([], False)


def test_a_record_is_opened_after_its_row(ready: World, rows_at_openings: list[Any]) -> None:
    read = webhook(ready)
    (opened,) = vault(ready).read_secrets(lambda: [read])
    assert "hooks" in opened.reveal() or "http" in opened.reveal()
    assert [row["event"] for row in rows_at_openings] == ["webhook.read"]


def test_a_look_up_that_refuses_by_itself_is_refused_as_it_says(ready: World) -> None:
    """Nothing was asked of the vault yet: there is no use that a row could tell of."""
    audited = ready.audit()

    def find() -> list[SecretRead]:
        raise Refused(Refusal.NOT_INSTALLED)

    assert refused(lambda: vault(ready).read_secrets(find)).refusal is Refusal.NOT_INSTALLED
    assert ready.audit() == audited


def test_a_use_goes_on_with_what_has_come_in_its_place(ready: World, between: Callable[[Act], None]) -> None:
    """A refresh of another process comes between the look-up and the row: the call is made with the new pair."""
    between(reinstall)
    assert call_as(ready.service.app, north_tenant(), ACTOR).data["ok"]
    assert ready.audit()[-1] == "token.read"


def test_a_status_that_changes_to_another_allowed_one_is_read_again(
    ready: World, between: Callable[[Act], None]
) -> None:
    between(suspect)
    opened = vault(ready).read_token(reading(ready, statuses=IN_USE | {"suspect"}))
    assert opened.reveal().startswith("xox")


@pytest.mark.claim("C-40")
def test_what_is_allowed_in_another_status_alone_is_refused(ready: World, rows_at_openings: list[Any]) -> None:
    """I ask for what only a removal may, of a tenant that is installed."""
    read = reading(ready, statuses=frozenset({"purging"}))
    assert refused(lambda: vault(ready).read_token(read)).refusal is Refusal.NEEDS_REINSTALL
    assert rows_at_openings == []


@pytest.mark.claim("C-116")
def test_a_refusal_gets_a_row_that_says_who_what_and_for_what(ready: World) -> None:
    freeze(ready)
    read = reading(ready)
    refused(lambda: vault(ready).read_token(read))
    row = ready.rows("SELECT * FROM audit ORDER BY id DESC LIMIT 1")[0]
    told = ("event", "result", "actor", "request_id", "tenant_id", "capability", "method", "purpose", "generation")
    assert tuple(row[name] for name in told) == (
        "refused.frozen", "refused", "worker", "Ev0001", NORTH, "behaviour", "auth.test", "test", 1,
    )  # fmt: skip


@pytest.mark.claim("C-116")
@pytest.mark.parametrize("stop", [suspect, die], ids=["suspected", "dead"])
def test_what_is_frozen_is_refused_as_that_whatever_else_stops_it(ready: World, stop: Act) -> None:
    """The tenant is stopped for a reason of its own, and I hope that nobody sees that I asked while it was frozen."""
    stop(ready)
    freeze(ready, north_tenant())
    assert refused(lambda: call_as(ready.service.app, north_tenant(), ACTOR)).refusal is Refusal.FROZEN
    assert ready.audit()[-1] == "refused.frozen"


@pytest.mark.claim("C-108", "C-116")
def test_a_capability_is_asked_before_anything_else(ready: World, rows_at_openings: list[Any]) -> None:
    for capability in (BEHAVIOUR, VALIDATE, BOLT, Capability("own", frozenset({"*"}))):
        read = reading(ready, capability=capability, method="auth.revoke")
        assert refused(lambda read=read: vault(ready).read_token(read)).refusal is Refusal.CAPABILITY
        assert ready.audit()[-1] == "refused.capability"
    assert rows_at_openings == []


@pytest.mark.claim("C-119")
def test_a_value_that_says_that_it_works_frozen_does_not(ready: World) -> None:
    """I make a capability of my own with a name that is registered."""
    freeze(ready)
    read = reading(ready, capability=BEHAVIOUR._replace(works_frozen=True))
    assert refused(lambda: vault(ready).read_token(read)).refusal is Refusal.FROZEN


def test_a_lease_is_taken_in_the_same_commit_and_by_one_alone(ready: World) -> None:
    read, lease = reading(ready, TokenPart.REFRESH, capability=BEHAVIOUR), Lease("me", 30)
    vault(ready).read_token(read, lease=lease)
    assert stored(ready).lease_owner == "me"
    audited = ready.audit()
    with pytest.raises(LeaseTakenError):
        vault(ready).read_token(read, lease=Lease("you", 30))
    assert (stored(ready).lease_owner, ready.audit()) == ("me", audited)


@pytest.mark.parametrize("race", ["freeze of everything", "suspicion"])
def test_no_lease_stays_where_the_row_is_not_written(ready: World, between: Callable[[Act], None], race: str) -> None:
    between(RACES[race][0])
    refused(lambda: vault(ready).read_token(reading(ready, TokenPart.REFRESH), lease=Lease("me", 30)))
    assert stored(ready).lease_owner == ""


def test_all_secrets_are_read_with_one_commit_or_none(ready: World, between: Callable[[Act], None]) -> None:
    """The bot's token is there, the user's was replaced."""
    (_, user) = tokens.list_by_tenant(ready.service.app.db, north_tenant())
    reads = [reading(ready), reading(ready)._replace(token=user._replace(generation=7))]
    before = ready.audit()
    with pytest.raises(TokenReplacedError):
        vault(ready).read_secrets(lambda: reads)
    assert ready.audit() == [*before, "refused.token"]


def test_a_token_without_a_refresh_token_does_not_open(ready: World) -> None:
    read = reading(ready, TokenPart.REFRESH)
    with pytest.raises(DecryptError):
        vault(ready).read_token(read._replace(token=read.token._replace(refresh=None)))


# All that a tenant has


@pytest.mark.claim("C-25", "C-115")
def test_all_of_a_tenant_is_opened_for_nobody_but_resealing_and_trial(ready: World) -> None:
    """I am a circle that asks for all there is, frozen or not."""
    freeze(ready)
    for capability in (BEHAVIOUR, BOLT, Capability("trial2", frozenset())):
        read = TenantRead(tenant=north_tenant(), capability=capability, purpose="test", actor=ACTOR)
        with pytest.raises(CapabilityError):
            vault(ready).open_tenants([read], ready.service.app.keyring)
    for capability in (REENCRYPT, TRIAL):
        read = TenantRead(tenant=north_tenant(), capability=capability, purpose="test", actor=ACTOR, count=2)
        before = len(ready.audit())
        (opening,) = vault(ready).open_tenants([read], ready.service.app.keyring)
        assert ready.audit()[before:] == ["token.read"]
        token = stored(ready)
        context = records.access_token_context(token.tenant, BOT, token.generation)
        assert opening.open(context, token.access).startswith(b"xox")
        with pytest.raises(DecryptError):
            opening.open(context._replace(tenant=Tenant("T", "T0SOUTH001")), token.access)


@pytest.mark.claim("C-117")
def test_what_opens_data_opens_no_token(ready: World) -> None:
    """I have a token's record, and a function that opens bodies of events."""
    token, keyring = stored(ready), ready.service.app.keyring
    assert token.refresh is not None
    for context, sealed in (
        (records.access_token_context(token.tenant, BOT, 1), token.access),
        (records.refresh_token_context(token.tenant, BOT, 1), token.refresh),
    ):
        with pytest.raises(DecryptError):
            keyring.open_data(context, sealed, lambda: None)


# Many at once


@pytest.mark.claim("C-119")
@pytest.mark.parametrize("tenant", [NO_TENANT, north_tenant()], ids=["everything", "tenant"])
def test_from_the_commit_of_a_freeze_on_no_row_tells_of_a_reading(ready: World, tenant: Tenant) -> None:
    """I read as fast as I can, in threads of two processes, while the operator freezes."""
    other = ready.start_process()
    try:
        read = reading(ready)

        def read_on(app: Any) -> list[Secret]:
            opened = []
            for _ in range(5000):  # the freeze ends it
                try:
                    opened.append(app.vault.read_token(read))
                except Refused:
                    return opened
            return opened

        with ThreadPoolExecutor(5) as pool:
            apps = [ready.service.app, other.app] * 2
            running = [pool.submit(read_on, app) for app in apps]
            pool.submit(freeze, ready, tenant).result()
            opened = sum(len(each.result()) for each in running)
        (frozen,) = ready.rows("SELECT id FROM audit WHERE event = 'freeze.on'")
        reads = ready.rows("SELECT id FROM audit WHERE event = 'token.read' AND purpose = 'test'")
        assert len(reads) == opened
        assert all(row["id"] < frozen["id"] for row in reads)
        assert len(ready.rows("SELECT id FROM audit WHERE event = 'refused.frozen'")) == 4
        assert refused(lambda: vault(ready).read_token(read)).refusal is Refusal.FROZEN
    finally:
        other.stop()
