"""A tenant on a key of its own: withdrawing it stops that tenant and no other, and giving it back is all it takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from slackapp.errors import Refusal, Refused
from slackapp.flows.keys import suspend_tenant
from slackapp.localslack.model import Fault
from slackapp.vault import command_provider
from slackapp.vault.providers import KeyContext
from tests.support.operator import ACTOR, CommandLine, open_shell, opens_everything, tenant
from tests.support.token_use import call_as
from tests.support.world import NORTH, SOUTH
from tests.vault.providers import FaultyProvider, Program

pytestmark = pytest.mark.long


@dataclass
class Own:
    """NORTH is on a provider of its own, SOUTH on the local one."""

    shell: CommandLine
    provider: FaultyProvider

    def withdraw(self, mood: str = "revoked") -> None:
        self.provider.mood = mood
        self.shell.good("keys", "flush")

    def scheduler(self) -> None:
        """What is done each minute."""
        service = self.shell.world.service
        service.remote_scheduler.run_due(service.app)

    def use(self, tenant_id: str) -> Refusal | None:
        """A call to Slack as that tenant; why it was refused."""
        try:
            call_as(self.shell.world.service.app, tenant(tenant_id), ACTOR)
        except Refused as refused:
            return refused.refusal
        return None


@pytest.fixture
def own(folder: Path) -> Iterator[Own]:
    provider = FaultyProvider("own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command_provider, "CommandProvider", lambda name, program: provider)
        with open_shell(folder, SLACKAPP_KEY_COMMANDS="own=/opt/kms") as shell:
            shell.world.work()
            shell.good("keys", "assign", NORTH, "own")
            yield Own(shell, provider)


def test_assign_puts_one_tenant_on_its_provider_and_touches_no_other(own: Own) -> None:
    rows = own.shell.world.rows("SELECT tenant_id, provider, master_version, count(*) FROM data_keys GROUP BY 1, 2, 3")
    assert [tuple(row) for row in rows] == [("", "local", 1, 5), (NORTH, "own", 1, 4), (SOUTH, "local", 1, 4)]
    assert opens_everything(own.shell.world)
    assert own.shell.answers(NORTH, "EvAfter")
    contexts = {(context.app_id, context.tenant.id, context.purpose) for _, context in own.provider.asked}
    assert contexts == {("A0LOCAL001", NORTH, purpose) for purpose in ("bot", "user", "refresh", "data")}


@pytest.mark.parametrize(("mood", "health"), [("", "ok"), ("revoked", "revoked"), ("unavailable", "unavailable")])
def test_list_shows_how_many_data_keys_hang_on_a_provider_and_how_it_is(own: Own, mood: str, health: str) -> None:
    own.provider.mood = mood
    assert own.shell.good("keys", "list").splitlines()[1] == f"own  4 data keys  health {health}"


def test_config_shows_the_key_commands(own: Own) -> None:
    assert "SLACKAPP_KEY_COMMANDS" in own.shell.good("config")


def test_assign_says_what_it_did_and_is_told_to_every_process(own: Own) -> None:
    epoch = own.shell.world.service.app.keyring.reload()
    said = own.shell.good("keys", "assign", NORTH, "local")
    assert said == f"{NORTH}: new data keys under local, 5 records sealed anew\n"
    assert own.shell.world.service.app.keyring.reload() > epoch
    assert own.shell.masters() == {("local", 1)}


def test_a_rotation_of_the_local_key_leaves_the_tenants_own_alone(own: Own) -> None:
    own.provider.asked.clear()
    own.shell.good("keys", "rotate")
    assert own.shell.masters() == {("local", 2), ("own", 1)}
    assert {operation for operation, _ in own.provider.asked} == {"unwrap"}, "tried, and not wrapped anew"


def test_a_withdrawn_key_stops_its_tenant_at_once_after_a_flush_and_no_other(own: Own) -> None:
    own.withdraw()
    world = own.shell.world
    refused = world.mention("EvRefused", team_id=NORTH)
    assert (refused.status, refused.json["error"]) == (403, "key_revoked")
    assert (world.status(NORTH), world.status(SOUTH)) == ("suspended", "active")
    assert world.mention("EvAgain", team_id=NORTH).status == 403
    assert world.audit().count("tenant.suspended") == 1
    assert (own.use(NORTH), own.use(SOUTH)) == (Refusal.KEY_REVOKED, None)
    assert own.shell.answers(SOUTH, "EvSouth")
    assert f"{NORTH}  Northwind" in own.shell.good("tenants")
    assert "suspended" in own.shell.good("tenants")


def test_while_a_tenant_is_suspended_its_provider_is_asked_by_the_scheduler_alone(own: Own) -> None:
    """I withdraw my key, and then send events so that their service keeps asking mine."""
    own.withdraw()
    assert own.shell.world.mention("EvFirst", team_id=NORTH).status == 403
    asked = len(own.provider.asked)
    for number in range(5):
        assert own.shell.world.mention(f"EvMore{number}", team_id=NORTH).status == 403
        assert own.use(NORTH) is Refusal.KEY_REVOKED
    assert len(own.provider.asked) == asked


def test_a_suspended_tenants_data_keys_are_not_kept_in_memory(own: Own) -> None:
    app = own.shell.world.service.app
    app.keyring.open_tenant_keys(tenant(NORTH))
    asked = len(own.provider.asked)
    app.keyring.open_tenant_keys(tenant(NORTH))
    assert len(own.provider.asked) == asked, "they were kept"
    suspend_tenant.suspend(app, tenant(NORTH), ACTOR)
    app.keyring.open_tenant_keys(tenant(NORTH))
    assert len(own.provider.asked) == asked + 4


def test_without_a_flush_a_withdrawn_key_stops_its_tenant_within_300_seconds(own: Own) -> None:
    world = own.shell.world
    assert world.mention("EvBefore", team_id=NORTH).status == 200
    own.provider.mood = "revoked"
    world.clock.advance(299)
    assert world.mention("EvRemembered", team_id=NORTH).status == 200
    world.clock.advance(1)
    assert world.mention("EvRefused", team_id=NORTH).status == 403


def test_a_token_is_refused_where_only_its_use_finds_the_key_withdrawn(own: Own) -> None:
    own.withdraw()
    assert own.use(NORTH) is Refusal.KEY_REVOKED
    assert (own.shell.world.status(NORTH), own.shell.world.calls("auth.test")) == ("suspended", [])


def test_giving_the_key_back_restores_service_without_a_new_install_and_what_waits_is_run(own: Own) -> None:
    world = own.shell.world
    for number in range(3):
        assert world.mention(f"EvKept{number}", team_id=NORTH).status == 200
    own.withdraw()
    world.slack.called.clear()
    world.work()
    assert (world.status(NORTH), world.calls("chat.postMessage")) == ("suspended", [])
    world.clock.advance(60)
    own.scheduler()
    assert world.status(NORTH) == "suspended", "it is still withdrawn"
    own.provider.mood = ""
    world.clock.advance(59)
    own.scheduler()
    assert world.status(NORTH) == "suspended"
    world.clock.advance(1)
    own.scheduler()
    assert (world.status(NORTH), world.audit().count("tenant.restored")) == ("active", 1)
    world.clock.advance(60)
    world.work()
    assert world.calls("chat.postMessage") == ["chat.postMessage"] * 3
    assert (world.audit().count("installed"), "reinstalled" in world.audit()) == (2, False)
    assert own.shell.answers(NORTH, "EvAfter")


def test_while_the_provider_cannot_be_reached_an_event_is_refused_with_503_and_nothing_is_suspended(own: Own) -> None:
    own.withdraw("unavailable")
    world = own.shell.world
    refused = world.mention("EvLater", team_id=NORTH)
    assert (refused.status, refused.json["error"], refused.headers["retry-after"]) == (503, "key_unavailable", "30")
    asked = len(own.provider.asked)
    assert (world.status(NORTH), own.use(NORTH)) == ("active", Refusal.KEY_UNAVAILABLE)
    assert world.mention("EvLater", team_id=NORTH).status == 503
    assert len(own.provider.asked) == asked, "it has just failed; nobody waits for it again"
    assert own.shell.answers(SOUTH, "EvSouth")
    own.provider.mood = ""
    world.clock.advance(5)
    assert world.mention("EvLater", team_id=NORTH).status == 200


def test_what_was_acknowledged_outlives_any_outage_of_the_provider(own: Own) -> None:
    world = own.shell.world
    assert world.mention("EvKept", team_id=NORTH).status == 200
    own.withdraw("unavailable")
    for _ in range(20):
        world.work()
        world.clock.advance(60)
    (row,) = world.rows("SELECT state, result FROM inbox WHERE event_id = 'EvKept'")
    assert tuple(row) == ("ready", "key_unavailable")
    own.provider.mood = ""
    world.slack.called.clear()
    world.work()
    assert world.calls() == ["chat.postMessage"]


def test_a_failure_after_a_long_outage_is_tried_again_as_any_other(own: Own) -> None:
    """The waiting for the key was not the event's failure."""
    world = own.shell.world
    world.mention("EvKept", team_id=NORTH)
    own.withdraw("unavailable")
    for _ in range(10):
        world.work()
        world.clock.advance(60)
    own.provider.mood = ""
    world.slack.fault(Fault("chat.postMessage", "ratelimited"))
    world.work()
    assert world.rows("SELECT state FROM inbox WHERE event_id = 'EvKept'")[0]["state"] == "ready"


def test_a_provider_whose_setting_was_taken_away_counts_as_out_of_reach(own: Own) -> None:
    own.shell.world.restart(key_commands=())
    assert own.shell.world.mention("EvLater", team_id=NORTH).status == 503
    assert own.shell.world.status(NORTH) == "active"
    own.shell.world.restart(key_commands=(("own", Path("/opt/kms")),))
    assert own.shell.answers(NORTH, "EvBack")


def test_an_uninstall_erases_a_tenant_whose_key_was_withdrawn(own: Own) -> None:
    own.withdraw()
    world = own.shell.world
    assert own.use(NORTH) is Refusal.KEY_REVOKED
    world.clock.advance(400)
    assert world.event({"type": "app_uninstalled"}, "EvGone").status == 200
    assert (world.status(NORTH), own.shell.blobs(NORTH)) == ("", set())
    world.work()
    assert "purge.complete" in world.audit()
    assert NORTH not in own.shell.slot.read_text()


def test_a_purge_erases_a_tenant_whose_key_was_withdrawn(own: Own) -> None:
    own.withdraw()
    own.shell.good("purge", NORTH)
    assert (own.shell.world.status(NORTH), own.shell.blobs(NORTH)) == ("", set())


def test_a_new_install_of_a_tenant_whose_key_was_withdrawn_is_refused_and_its_token_revoked(own: Own) -> None:
    own.withdraw()
    world = own.shell.world
    before = own.shell.blobs(NORTH)
    page = world.browser().install(NORTH)
    assert (page.status, "The key for this workspace was withdrawn." in page.text) == (403, True)
    assert (world.status(NORTH), own.shell.blobs(NORTH)) == ("suspended", before)
    revoked = [call for call in world.slack.calls if call.method == "auth.revoke"]
    assert [(call.team, call.ok) for call in revoked] == [(NORTH, True)] * 2, "the bot's and the person's"


@pytest.mark.parametrize("command", [("keys", "reencrypt", "--tenant", NORTH), ("keys", "assign", NORTH, "local")])
@pytest.mark.parametrize("mood", ["revoked", "unavailable"])
def test_new_keys_for_a_tenant_whose_old_ones_cannot_be_had_are_refused_in_one_line(
    own: Own, command: tuple[str, ...], mood: str
) -> None:
    own.withdraw(mood)
    before = own.shell.blobs(NORTH)
    ended = own.shell.run(*command)
    assert (ended.status != 0, ended.out, len(ended.error.splitlines())) == (True, "", 1), ended.error
    assert NORTH in ended.error or "own" in ended.error
    assert own.shell.blobs(NORTH) == before


def test_a_withdrawn_key_does_not_hold_up_the_rotation_of_the_local_one(own: Own) -> None:
    own.withdraw()
    assert "master key 2 is the primary" in own.shell.good("keys", "rotate")


def test_restoring_leaves_a_tenant_that_is_not_suspended_as_it_is(own: Own) -> None:
    own.shell.change("UPDATE installations SET status = 'needs_reinstall' WHERE tenant_id = ?", NORTH)
    assert suspend_tenant.restore_all(own.shell.world.service.app) == 0
    assert own.shell.world.status(NORTH) == "needs_reinstall"


def test_a_key_command_wraps_withdraws_and_restores_a_tenants_key(folder: Path, tmp_path: Path) -> None:
    """No test double: the program is started for each key."""
    program = Program(tmp_path)
    with open_shell(folder, tenants=(NORTH,), SLACKAPP_KEY_COMMANDS=f"kms={program.path}") as shell:
        shell.world.work()
        assert "new data keys under kms" in shell.good("keys", "assign", NORTH, "kms")
        assert shell.answers(NORTH, "EvFine")
        program.answer(b'{"error": "revoked"}')
        shell.good("keys", "flush")
        shell.world.service.local_scheduler.run_due(
            shell.world.service.app
        )  # within a second every process takes notice
        assert shell.world.mention("EvRefused").status == 403
        program.behave()
        suspend_tenant.restore_all(shell.world.service.app)
        assert shell.answers(NORTH, "EvBack")


def test_providers_that_hang_do_not_keep_the_scheduler_from_its_other_tasks(own: Own) -> None:
    """My program takes all of its time, for each of my workspaces; meanwhile nobody's token is refreshed."""
    own.shell.good("keys", "assign", SOUTH, "own")
    own.withdraw()
    app, clock = own.shell.world.service.app, own.shell.world.clock
    for tenant_id in (NORTH, SOUTH):
        suspend_tenant.suspend(app, tenant(tenant_id), ACTOR)
    answer = own.provider._answer

    def hang(operation: str, context: KeyContext) -> None:
        clock.advance(21)
        answer(operation, context)

    own.shell.patch.setattr(own.provider, "_answer", hang)
    rounds = []
    for _ in range(20):
        own.provider.asked.clear()
        suspend_tenant.restore_all(app)
        rounds.append({context.tenant.id for _, context in own.provider.asked})
        clock.advance(60)
    assert ({len(asked) for asked in rounds}, set().union(*rounds)) == ({1}, {NORTH, SOUTH})
