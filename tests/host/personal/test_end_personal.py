"""What ends a personal connection, and that nothing else ends with it."""

import json
from typing import Any

import pytest

from slackapp.errors import Refusal, Refused
from slackapp.flows.tokens import use_token
from slackapp.host.flows import delete_organization, freeze_organization, offboard
from slackapp.host.model import HostRole
from slackapp.localslack.model import Fault
from slackapp.model import BOT, Actor, ActorKind, Holder, InstallationStatus
from slackapp.store import data_keys, installations, tokens
from tests.support.callback_world import live_tokens
from tests.support.connected import ACME, GLOBEX
from tests.support.connecting import BEN, Person, ann, run_upkeep
from tests.support.host_world import told
from tests.support.operator import ACTOR
from tests.support.personal import CARL, api, approve, connect, keys_of, make_person, read, tenant_of, token_of
from tests.support.token_use import make_use
from tests.support.world import NORTH, World

MODES = pytest.mark.parametrize("rotation", [True, False], ids=["rotating", "long-lived"])
HOST = Actor(ActorKind.HOST, "r1", organization=ACME)


def use(world: World, connection_id: str) -> dict[str, Any]:
    """What Slack says of whose token it is."""
    holder = Holder.connection(connection_id)
    statuses = frozenset({InstallationStatus.ACTIVE, InstallationStatus.NEEDS_REINSTALL})
    wanted = make_use(tenant_of(), ACTOR, holder, statuses=statuses)
    return dict(use_token.call(world.service.app, wanted, {}).data)


def tell(world: World, event: dict[str, Any]) -> None:
    """Slack tells of it, and is asked where that does not decide."""
    body = world.envelope(event, "Ev1", team_id=NORTH, event_time=world.clock())
    assert world.post_signed(json.dumps(body).encode()).status == 200
    world.work()


def state(person: Person, connection_id: str) -> tuple[str, str]:
    found = read(person, connection_id)
    return str(found.status), found.status_reason


def is_gone(world: World, connection_id: str) -> bool:
    """Neither the token nor the key of it is there."""
    return (token_of(world, connection_id), keys_of(world, connection_id)) == (None, 0)


@pytest.mark.claim("C-342")
@MODES
def test_its_end_is_told_to_slack_and_ends_nothing_else(world: World) -> None:
    carl, eve = make_person(world), make_person(world, "eve", GLOBEX)
    held, own, other = ann(world).connect(), connect(carl), connect(eve, user="guest")
    ids = data_keys.list_ids(carl.app.db, tenant_of())
    assert api(carl).call("DELETE", f"slack/connections/{own.id}").json == {"revokedAtSlack": True}
    assert (is_gone(world, own.id), state(carl, own.id)) == (True, ("revoked", "disconnected"))
    assert told(api(carl).get(f"slack/connections/{own.id}")) == (404, "NOT_FOUND")
    assert len(data_keys.list_ids(carl.app.db, tenant_of())) == len(ids) - 1
    assert (state(eve, other.id), state(carl, held.id)) == (("active", ""), ("active", ""))
    assert (use(world, other.id)["user_id"], len(live_tokens(world, NORTH))) == (other.installed_by_slack_user_id, 2)
    world.work()
    assert world.rows("SELECT state FROM inbox WHERE type = 'slackapp.traces'")[0]["state"] == "done"


@MODES
def test_the_end_of_the_last_one_ends_the_tenant(world: World) -> None:
    carl = make_person(world)
    own = connect(carl)
    assert api(carl).call("DELETE", f"slack/connections/{own.id}").json == {"revokedAtSlack": True}
    assert (world.count("installations"), world.count("tokens"), live_tokens(world, NORTH)) == (0, 0, [])
    assert data_keys.count(carl.app.db, tenant_of()) == 0


@pytest.mark.claim("C-349")
@MODES
def test_a_disconnected_workspace_leaves_what_members_have_given(world: World) -> None:
    carl = make_person(world)
    held, own = ann(world).connect(), connect(carl)
    bot_keys = data_keys.active_ids(carl.app.db, tenant_of(), None)
    ended = api(ann(world)).call("DELETE", f"slack/integration?connectionId={held.id}")
    assert ended.json == {"revokedAtSlack": True}
    assert tokens.find(carl.app.db, tenant_of(), BOT) is None
    assert (state(carl, held.id)[0], state(carl, own.id)) == ("revoked", ("active", ""))
    assert (use(world, own.id)["ok"], len(live_tokens(world, NORTH))) == (True, 1)
    world.work()
    assert not bot_keys & data_keys.list_ids(carl.app.db, tenant_of()), "what the bot's keys have sealed opens no more"
    assert use(world, own.id)["ok"]
    again = ann(world).connect()
    assert (again.status, state(carl, own.id)) == ("active", ("active", ""))


@pytest.mark.claim("C-350")
@MODES
def test_whoever_leaves_takes_it_along(world: World) -> None:
    carl, ben = make_person(world), make_person(world, BEN)
    own, other = connect(carl), connect(ben, user="guest")
    secrets = list(live_tokens(world, NORTH))
    assert offboard.run(carl.app, ACME, CARL, HOST, world.clock()) == []
    assert (is_gone(world, own.id), state(carl, own.id)) == (True, ("revoked", "offboarded"))
    assert live_tokens(world, NORTH) == secrets[1:]
    assert state(ben, other.id) == ("active", "")
    assert offboard.reinstate(carl.app, ACME, CARL, HOST, world.clock())
    assert connect(carl).id == own.id, "by a new grant of the same member"


@pytest.mark.claim("C-347", "C-341")
@MODES
def test_a_revocation_that_names_the_user_ends_it(world: World) -> None:
    carl, ben = make_person(world), make_person(world, BEN)
    held, own, other = ann(world).connect(), connect(carl), connect(ben, user="guest")
    world.clock.advance(400)
    world.slack.revoke_user(NORTH, own.installed_by_slack_user_id)
    tell(world, {"type": "tokens_revoked", "tokens": {"oauth": [own.installed_by_slack_user_id], "bot": []}})
    assert (is_gone(world, own.id), state(carl, own.id)) == (True, ("revoked", "token_revoked"))
    assert (state(ben, other.id), state(carl, held.id)) == (("active", ""), ("active", ""))
    dora = connect(make_person(world, "dora"))
    assert (dora.id != own.id, state(carl, own.id)[0]) == (True, "revoked"), "what carl had is carl's"


@pytest.mark.claim("C-341")
@MODES
@pytest.mark.parametrize(
    ("code", "status"),
    [("account_inactive", ("revoked", "deactivated")), ("token_revoked", ("needs_reconnect", "token_dead"))],
)
def test_a_token_that_slack_refuses_ends_or_waits_for_its_member(
    world: World, code: str, status: tuple[str, str]
) -> None:
    carl = make_person(world)
    own, other = connect(carl), connect(make_person(world, BEN), user="guest")
    for token in world.slack.state.tokens.values():
        if token.user_id == own.installed_by_slack_user_id:
            token.dead = code
    for refresh in world.slack.state.refreshes.values():
        refresh.dead = refresh.dead or refresh.user_id == own.installed_by_slack_user_id
    with pytest.raises(Exception):  # noqa: B017, PT011  (by one of two ways, as it rotates or not)
        use(world, own.id)
    assert state(carl, own.id) == status
    run_upkeep(world)
    assert is_gone(world, own.id) == (code == "account_inactive")
    assert use(world, other.id)["ok"]
    if code == "token_revoked":
        assert connect(carl, reconnect=own.id).id == own.id


@pytest.mark.claim("C-343")
def test_a_frozen_organization_stops_its_members_tokens_and_nobody_elses(world: World) -> None:
    """Eve is a user of Acme's workspace, and has her own organization frozen."""
    eve, carl = make_person(world, "eve", GLOBEX), make_person(world)
    held, own, hers = ann(world).connect(), connect(carl), connect(eve, user="guest")
    assert freeze_organization.run(eve.app, GLOBEX, HOST, world.clock())
    assert state(eve, hers.id) == ("suspended", "freeze")
    with pytest.raises(Refused) as refused:
        use(world, hers.id)
    assert refused.value.refusal is Refusal.FROZEN
    assert (use(world, own.id)["ok"], state(carl, held.id)) == (True, ("active", ""))
    assert freeze_organization.end(eve.app, GLOBEX, HOST, world.clock())
    assert (use(world, hers.id)["ok"], state(eve, hers.id)) == (True, ("active", ""))
    assert freeze_organization.run(eve.app, GLOBEX, HOST, world.clock())
    assert approve(eve, user="guest", reconnect=hers.id)["status"] == "success", "it is stored, and waits"
    assert state(eve, hers.id) == ("suspended", "freeze")
    with pytest.raises(Refused):
        use(world, hers.id)
    assert api(make_person(world, "olga", GLOBEX, HostRole.OWNER)).call(
        "DELETE", f"slack/connections/{hers.id}"
    ).json == {"revokedAtSlack": True}


@pytest.mark.claim("C-343", "C-344", "C-345")
@MODES
def test_what_slack_does_not_answer_is_told_again_and_nothing_opens_meanwhile(world: World, rotation: bool) -> None:
    carl = make_person(world)
    ann(world).connect()
    own = connect(carl)
    world.slack.fault(Fault("auth.revoke", "html500"))
    assert api(carl).call("DELETE", f"slack/connections/{own.id}").json == {"revokedAtSlack": False}
    assert token_of(world, own.id) is not None
    with pytest.raises(Refused) as refused:
        use(world, own.id)
    assert refused.value.refusal is Refusal.FROZEN
    begins = approve(make_person(world))["status"] == "success"
    assert begins == rotation, "a new one begins beside it, unless it would be the very token that is being ended"
    run_upkeep(world)
    assert is_gone(world, own.id)
    ben = make_person(world, BEN)
    held = connect(ben, user="guest")
    world.slack.fault(Fault("auth.revoke", "html500", times=-1))
    offboard.run(carl.app, ACME, BEN, HOST, world.clock())
    assert offboard.reinstate(carl.app, ACME, BEN, HOST, world.clock())
    ben.come_back(ben.approve(ben.begin(kind="personal").authorize_url, NORTH, "guest"))
    ben.sign_in()
    assert (ben.press("confirm").status, state(ben, held.id)) == (503, ("revoked", "offboarded"))
    world.clock.advance(3601)
    run_upkeep(world)
    assert is_gone(world, held.id), "told or not"


@pytest.mark.claim("C-344")
def test_a_deleted_organization_leaves_no_personal_token(world: World) -> None:
    carl, eve = make_person(world), make_person(world, "eve", GLOBEX)
    ann(world).connect()
    own, hers = connect(carl), connect(eve, user="guest")
    world.slack.fault(Fault("auth.revoke", "html500", times=4))
    assert not delete_organization.run(carl.app, ACME, HOST, world.clock())
    assert token_of(world, own.id) is not None
    run_upkeep(world)
    run_upkeep(world)
    assert (is_gone(world, own.id), tokens.find(carl.app.db, tenant_of(), BOT)) == (True, None)
    assert (use(world, hers.id)["ok"], state(eve, hers.id)) == (True, ("active", ""))
    assert installations.find(carl.app.db, tenant_of()) is not None
    assert world.rows("SELECT 1 FROM connections WHERE organization_id = 'acme'") == []


def test_an_uninstall_ends_all_of_them(world: World) -> None:
    carl, eve = make_person(world), make_person(world, "eve", GLOBEX)
    own, hers = connect(carl), connect(eve, user="guest")
    world.clock.advance(400)
    world.slack.uninstall(NORTH)
    tell(world, {"type": "app_uninstalled"})
    assert (state(carl, own.id), state(eve, hers.id)) == (("revoked", "uninstalled"), ("revoked", "uninstalled"))
    assert (world.count("tokens"), world.count("data_keys WHERE tenant_id <> ''")) == (0, 0)
