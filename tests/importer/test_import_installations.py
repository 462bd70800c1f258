"""What a Bolt app leaves behind is found here, works, and is taken once: files that slack_sdk's own stores wrote."""

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.oauth.installation_store import Bot, Installation

from slackapp.bolt import EncryptedInstallationStore
from slackapp.crypto import records
from slackapp.errors import (
    CommandError,
    DecryptError,
    KeyMissingError,
    KeyRevokedError,
    KeyUnavailableError,
    StoreFullError,
)
from slackapp.flows.install import save_external
from slackapp.importer import import_installations
from slackapp.importer.import_installations import ALREADY_HERE, INSTALLED_LATER, TAKEN, ImportResult
from slackapp.importer.sources import SourceRecord
from slackapp.localslack.model import Fault
from slackapp.model import BOT, Actor, ActorKind, Holder, Tenant
from slackapp.store import installations, installers
from tests.flows.tokens.rotation import LIFE, ask, change, stored
from tests.support.bolt_sources import (
    ADDED,
    KINDS,
    BoltStore,
    Files,
    Sqlite,
    bolts,
    changed,
    granted,
    made,
    refresh_at_the_source,
    tidy,
    without,
)
from tests.support.prepared_world import Prepared, memory_folder, snapshot_world
from tests.support.world import NORTH, ORG, ORG_TEAM, SOUTH, START, World, holder_of, make_world, north_tenant

ACTOR = Actor(ActorKind.OPERATOR, "r1")
SCOPES = "app_mentions:read,chat:write,incoming-webhook"
ADMIN, MEMBER, SOUTH_ADMIN, ORG_ADMIN = "U0NORTH001ADM", "U0NORTH001MEM", "U0SOUTH001ADM", "W0EVERADM1"
BOT_USER = "U0NORTH001BOT"
BRANCH = "T0EVERBB01"
BEFORE = START - 1000
"""When the Bolt app was installed."""
HOOK = {
    "incoming_webhook_url": "https://hooks.slack.test/services/T0NORTH001/B0/canary-of-a-webhook",
    "incoming_webhook_channel": "#general",
    "incoming_webhook_channel_id": "C0NORTH001GEN",
    "incoming_webhook_configuration_url": "https://north.slack.test/services/B0",
}
EACH_KIND = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def known_at_slack() -> Iterator[Prepared]:
    """Everything is installed at Slack, and our vault is empty. In the south tokens do not rotate."""
    given = {"SLACKAPP_USER_SCOPES": "users:read", "SLACKAPP_BOT_SCOPES": SCOPES}
    with memory_folder() as folder, make_world(folder, **given) as world:
        for tenant, user in (
            (NORTH, "admin"),
            (NORTH, "member"),
            (ORG, "admin"),
            (ORG_TEAM, "admin"),
            (BRANCH, "admin"),
        ):
            assert world.browser().install(tenant, user).status == 303
        rotates, world.slack.app = world.slack.app, replace(world.slack.app, rotation=False)
        assert world.browser().install(SOUTH).status == 303
        world.slack.app = rotates
        world.service.stop()
        for file in folder.glob("slackapp.db*"):
            file.unlink()
        world.service = world.start_process()
        yield snapshot_world(world)


@pytest.fixture
def world(known_at_slack: Prepared) -> World:
    return known_at_slack.reset()


@pytest.fixture
def folder(known_at_slack: Prepared) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=known_at_slack.world.folder) as made_folder:
        yield Path(made_folder)


@pytest.fixture
def sqlite(folder: Path) -> Sqlite:
    store = made("sqlite", folder)
    assert isinstance(store, Sqlite)
    return store


@pytest.fixture
def files(folder: Path) -> Files:
    store = made("files", folder)
    assert isinstance(store, Files)
    return store


def run(world: World, store: BoltStore) -> list[ImportResult]:
    return import_installations.run(world.service.app, store.source(), ACTOR)


def told(reports: list[ImportResult]) -> list[tuple[str, str, str]]:
    """Whose, and what came of it."""
    return sorted((report.name, report.who, report.result) for report in reports)


def taken(world: World, store: BoltStore) -> list[tuple[str, str]]:
    """Runs, and all of it is taken or here; whose was taken."""
    reports = run(world, store)
    assert {report.result for report in reports} <= {TAKEN, ALREADY_HERE}, told(reports)
    return sorted((report.name, report.who) for report in reports if report.result == TAKEN)


def changes_nothing(world: World, store: BoltStore) -> bool:
    """Whether a further run changes neither our tables nor the source."""
    here, there = world.snapshot(), store.files()
    assert {report.result for report in run(world, store)} == {ALREADY_HERE}
    return (here, there) == (world.snapshot(), store.files())


@contextlib.contextmanager
def ours(world: World) -> Iterator[EncryptedInstallationStore]:
    """Our store for Bolt apps, on the same vault; it gives what was taken as it is."""
    settings = world.settings
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("slackapp.bolt.stores.system_clock", world.clock)
        store = EncryptedInstallationStore(
            database=settings.database,
            master_key_file=settings.master_key_file,
            client_id=settings.client_id,
            client_secret=settings.client_secret.reveal(),
            app_id=settings.app_id,
            slack_url=world.slack_url,
            managed_rotation=False,
        )
        try:
            yield store
        finally:
            store.close()


def scopes(found: Any) -> list[str]:
    """slack_sdk's SQLite store gives a text where it has joined a user's and the bot's."""
    return sorted(found.split(",") if isinstance(found, str) else found or [])


def plain(found: Installation | Bot | None) -> dict[str, Any]:
    """All of it, with the several ways to say "none" and "yes" made one."""
    if found is None:
        return {}
    fields = {name: value if value != "" else None for name, value in vars(found).items()}
    lists = {name: scopes(fields[name]) for name in ("bot_scopes", "user_scopes") if name in fields}
    return {**fields, **lists, "is_enterprise_install": bool(fields["is_enterprise_install"])}


def fill(world: World, store: BoltStore) -> list[Installation]:
    """One of each sort, as it would be saved."""
    slack = world.slack
    first = granted(slack, "bot", NORTH, BOT_USER, which=0)
    custom = {"custom_values": {"plan": "gold", "seats": [1, 2]}}
    saved = [
        bolts(slack, NORTH, ADMIN, BEFORE, **first, **HOOK, **custom, enterprise_url=None),
        bolts(slack, NORTH, MEMBER, BEFORE + 60.5, token_type="user", **custom),
        bolts(slack, SOUTH, SOUTH_ADMIN, BEFORE, **without("user")),
        bolts(slack, ORG, ORG_ADMIN, BEFORE, enterprise_url="https://evergreen.enterprise.slack.test/"),
        bolts(slack, ORG_TEAM, ORG_ADMIN, BEFORE),
        bolts(slack, BRANCH, ORG_ADMIN, BEFORE, **without("bot")),
    ]
    for installation in saved:
        store.save(installation)
    return saved


EVERYBODY = [
    (NORTH, ADMIN), (NORTH, MEMBER), (NORTH, "bot"), (SOUTH, SOUTH_ADMIN), (SOUTH, "bot"),
    (ORG, ORG_ADMIN), (ORG, "bot"), (ORG_TEAM, ORG_ADMIN), (ORG_TEAM, "bot"), (BRANCH, ORG_ADMIN),
]  # fmt: skip


# What is found, and that it works


@EACH_KIND
def test_what_bolts_own_store_finds_is_found_here(world: World, folder: Path, kind: str) -> None:
    store = made(kind, folder)
    saved = fill(world, store)
    assert taken(world, store) == sorted(EVERYBODY)
    with ours(world) as here, tidy():
        for entity in saved:
            key = {
                "enterprise_id": entity.enterprise_id,
                "team_id": entity.team_id,
                "is_enterprise_install": entity.is_enterprise_install,
            }
            for user_id in (entity.user_id, "U0STRANGER", None):
                if user_id is None and kind == "files without history":
                    continue  # without history Bolt does not know who was the last
                expected = plain(here.find_installation(**key, user_id=user_id))
                if store.builtin is not None:
                    assert expected == plain(store.builtin.find_installation(**key, user_id=user_id)), (key, user_id)
                if user_id == entity.user_id:
                    assert (expected["user_token"], expected["installed_at"] // 1) == (
                        entity.user_token,
                        entity.installed_at // 1,
                    )
            expected = plain(here.find_bot(**key))
            assert bool(expected) is (entity.team_id != BRANCH)
            if store.builtin is not None:
                assert expected == plain(store.builtin.find_bot(**key)), key


@pytest.mark.parametrize("kind", ["alchemy", "files"])
def test_the_tokens_work_and_those_that_rotate_are_refreshed(world: World, folder: Path, kind: str) -> None:
    store = made(kind, folder)
    fill(world, store)
    assert taken(world, store) == sorted(EVERYBODY)
    for seconds in (0, LIFE):
        world.clock.advance(seconds)
        for tenant_id, who in EVERYBODY:
            user_id, tenant = ("" if who == "bot" else who), Tenant("E" if tenant_id == ORG else "T", tenant_id)
            if (tenant_id, who) == (SOUTH, SOUTH_ADMIN):
                assert not world.rows("SELECT 1 FROM tokens WHERE holder_id = ?", SOUTH_ADMIN)
                continue
            answer = ask(world, user_id, tenant)
            assert (answer["ok"], answer["team_id"]) == (True, tenant_id)
            assert who in ("bot", answer["user_id"])
    assert len(world.calls("oauth.v2.access")) == 8


@EACH_KIND
def test_a_second_run_changes_nothing_and_neither_changes_the_source(world: World, folder: Path, kind: str) -> None:
    store = made(kind, folder)
    fill(world, store)
    before = store.files()
    run(world, store)
    assert store.files() == before
    assert changes_nothing(world, store)
    with ticking(world):
        assert changes_nothing(world, store), "time goes on between the reading and the comparison"


@contextlib.contextmanager
def ticking(world: World) -> Iterator[None]:
    """Time goes on by a second with every look at the clock."""
    app = world.service.app

    def tick() -> int:
        world.clock.advance(1)
        return world.clock()

    world.replace_parts(clock=tick)
    yield
    world.replace_parts(clock=app.clock)


def test_while_time_goes_on_no_token_seems_to_live_longer(world: World, sqlite: Sqlite) -> None:
    """A long import: what is left of a token's life is counted when it is stored, not when all was read."""
    saved = fill(world, sqlite)
    sqlite.save(changed(saved[0], **without("user"), installed_at=BEFORE + 1))
    ends = world.clock() + LIFE
    with ticking(world):
        run(world, sqlite)
        kept = [row[0] for row in world.rows("SELECT expires_at FROM tokens WHERE expires_at IS NOT NULL")]
        assert len(kept) == 8
        assert set(kept) == {ends}
        assert changes_nothing(world, sqlite)


@pytest.mark.parametrize("release", ADDED)
@EACH_KIND
def test_what_an_old_release_of_slack_sdk_saved_is_taken_and_erased(
    world: World, folder: Path, kind: str, release: str
) -> None:
    """Before rotation, names of teams and enterprise-wide installs, neither a column nor a field of them was."""
    store, south = made(kind, folder), Tenant("T", SOUTH)
    saved = bolts(world.slack, SOUTH, SOUTH_ADMIN, BEFORE, **HOOK)
    store.save(saved)
    store.age(release)
    assert taken(world, store) == [(SOUTH, SOUTH_ADMIN), (SOUTH, "bot")]
    assert [ask(world, user_id, south)["ok"] for user_id in ("", SOUTH_ADMIN)] == [True, True]
    with ours(world) as here:
        found = here.find_installation(enterprise_id=None, team_id=SOUTH)
        assert (found.incoming_webhook_url, found.bot_id) == (saved.incoming_webhook_url, saved.bot_id)
    assert changes_nothing(world, store)
    assert erase(world, store) == ([SOUTH], [])
    assert b"xox" not in store.bytes()


def test_a_table_without_a_column_that_every_release_has_is_none_of_bolts(world: World, sqlite: Sqlite) -> None:
    sqlite.change("ALTER TABLE slack_installations DROP COLUMN user_scopes")
    why = r"is not a database of Bolt's SQLite store \(slack_installations has no column user_scopes\)$"
    with pytest.raises(CommandError, match=why):
        run(world, sqlite)


def test_no_token_lies_here_in_clear_nor_in_the_log(world: World, sqlite: Sqlite) -> None:
    saved = fill(world, sqlite)
    reports = run(world, sqlite)
    text = world.bytes_on_disk() + (world.log.getvalue() + repr(reports)).encode()
    secrets = [secret for secret in world.slack.issued_tokens if secret.startswith("xox")]
    assert saved[0].bot_token in secrets
    assert [secret for secret in [*secrets, "canary-of-a-webhook", "gold"] if secret.encode() in text] == []
    assert world.audit().count("installed") == 5


def test_an_import_is_audited_with_actor_and_tenant(world: World, sqlite: Sqlite) -> None:
    sqlite.save_bot(bolts(world.slack, NORTH, ADMIN, BEFORE - 5).to_bot())
    sqlite.save(bolts(world.slack, NORTH, ADMIN, BEFORE))
    run(world, sqlite)
    rows = world.rows("SELECT event, actor, tenant_id, request_id FROM audit WHERE event LIKE '%installed'")
    assert [tuple(row) for row in rows] == [
        ("installed", "operator", NORTH, "r1"),
        ("reinstalled", "operator", NORTH, "r1"),
    ]


def test_an_enterprise_that_was_saved_with_a_team_is_the_enterprise_all_the_same(world: World, sqlite: Sqlite) -> None:
    sqlite.save(bolts(world.slack, ORG, ORG_ADMIN, BEFORE, team_id=ORG_TEAM, team_name="Evergreen AA"))
    assert taken(world, sqlite) == [(ORG, ORG_ADMIN), (ORG, "bot")]
    assert ask(world, "", Tenant("E", ORG))["team_id"] == ORG
    assert installations.find(world.service.app.db, Tenant("T", ORG_TEAM)) is None


def test_a_name_that_cannot_be_stored_is_made_one(world: World, files: Files) -> None:
    """Half a character in JSON is no text that a database takes."""
    half = {"team_name": "N\ud800rth", "enterprise_name": "\udfffvergreen"}
    files.save(bolts(world.slack, ORG_TEAM, ORG_ADMIN, BEFORE, **half))
    assert taken(world, files) == [(ORG_TEAM, ORG_ADMIN), (ORG_TEAM, "bot")]
    row = world.rows("SELECT team_name, enterprise_name FROM installations")[0]
    assert tuple(row) == ("N?rth", "?vergreen")


# Whose it is, as Slack says

FOREIGN = {
    "another workspace's bot": (SOUTH, "", "another tenant's"),
    "an org's bot": (ORG, "", "another tenant's"),
    "another workspace's person": (SOUTH, SOUTH_ADMIN, "another tenant's"),
    "another person": (NORTH, MEMBER, "another person's"),
}


@pytest.mark.parametrize(("whose", "user_id", "why"), FOREIGN.values(), ids=FOREIGN)
@pytest.mark.claim("C-104")
def test_a_token_that_slack_says_is_anothers_is_neither_taken_nor_erased(
    world: World, files: Files, whose: str, user_id: str, why: str
) -> None:
    kind, who = ("user", user_id) if user_id else ("bot", "bot")
    slack = world.slack
    other = granted(slack, kind, whose, user_id or slack.state.installs[whose].bot_user_id)
    pair = {f"{kind}_refresh_token": None, f"{kind}_token_expires_at": None, **other}
    saved = bolts(slack, NORTH, ADMIN, BEFORE, **pair)
    files.save(saved)
    files.save(bolts(slack, SOUTH, "", BEFORE))
    refused = (NORTH, ADMIN if user_id else who, f"skipped: Slack says that its token is {why}")
    reports = told(run(world, files))
    assert refused in reports
    assert {report for report in reports if report[2] != TAKEN} == {refused}
    assert str(other[f"{kind}_token"]) not in [access(world, row["holder_id"]) for row in of_north(world)]
    assert erase(world, files) == ([SOUTH], [NORTH])
    assert str(other[f"{kind}_token"]).encode() in files.bytes()


def of_north(world: World) -> list[Any]:
    """The rows of its tokens."""
    return world.rows("SELECT holder_id FROM tokens WHERE tenant_id = ?", NORTH)


def test_a_user_whom_slack_calls_by_the_other_of_two_ids_is_the_same(world: World, files: Files) -> None:
    world.slack.fault(Fault("auth.test", "patch", patch={"user_id": "U0EVERADM1"}, times=-1))
    files.save(bolts(world.slack, ORG_TEAM, ORG_ADMIN, BEFORE))
    assert taken(world, files) == [(ORG_TEAM, ORG_ADMIN), (ORG_TEAM, "bot")]


@pytest.mark.parametrize("code", ["invalid_auth", "token_revoked", "token_expired"])
def test_a_token_of_which_slack_does_not_say_whose_it_is_is_taken(world: World, files: Files, code: str) -> None:
    """Its refresh token may live, and a later check tells of one that is over."""
    files.save(bolts(world.slack, NORTH, ADMIN, BEFORE))
    world.slack.fault(Fault("auth.test", "error", error=code, times=-1))
    assert taken(world, files) == [(NORTH, ADMIN), (NORTH, "bot")]


def test_while_slack_is_away_nothing_is_taken_and_it_is_not_asked_for_every_record(world: World, files: Files) -> None:
    fill(world, files)
    world.slack.fault(Fault("auth.test", "html500", times=-1))
    world.slack.called.clear()
    results = [report.result for report in run(world, files)]
    assert len(results) == len(EVERYBODY)
    assert set(results[:3]) == {"skipped: Slack could not be asked whose it is (server_error); import again later"}
    without = (len(EVERYBODY) - 1) - 3  # one of them has no token
    assert results.count("skipped: Slack could not be asked whose it is; import again later") == without
    assert world.calls() == ["auth.test"] * 3
    assert world.count("tokens") == 0
    assert erase(world, files)[0] == []
    world.slack.clear_faults()
    taken(world, files)
    assert changes_nothing(world, files)


def test_where_slack_wants_to_be_asked_more_slowly_the_import_waits(world: World, files: Files) -> None:
    waited: list[float] = []
    world.replace_parts(wait=waited.append)
    files.save(bolts(world.slack, SOUTH, SOUTH_ADMIN, BEFORE, **without("user")))
    world.slack.fault(Fault("auth.test", "ratelimited", times=2, retry_after=7))
    assert taken(world, files) == [(SOUTH, SOUTH_ADMIN), (SOUTH, "bot")]
    assert waited == [7, 7]
    world.slack.fault(Fault("auth.test", "ratelimited", times=-1))
    files.save(bolts(world.slack, NORTH, ADMIN, BEFORE, **without("user")))
    assert (NORTH, "bot", "skipped: Slack could not be asked whose it is (ratelimited); import again later") in told(
        run(world, files)
    )


def test_what_slack_was_asked_about_already_is_not_asked_again(world: World, files: Files) -> None:
    fill(world, files)
    run(world, files)
    world.slack.called.clear()
    assert changes_nothing(world, files)
    assert world.calls() == []


# Which of several records counts


def access(world: World, user_id: str = "", tenant: Tenant | None = None) -> str:
    """The token that is stored, in clear."""
    token = stored(world, user_id, tenant)
    context = records.access_token_context(token.tenant, holder_of(user_id), token.generation)
    return world.service.app.keyring.open(context, token.access).decode()


@pytest.mark.parametrize("kind", ["sqlite", "files"])
@pytest.mark.parametrize("rotates", [True, False])
def test_of_several_installs_in_one_second_the_last_counts(
    world: World, folder: Path, kind: str, rotates: bool
) -> None:
    store = made(kind, folder)
    fixed = {} if rotates else {"bot_refresh_token": None, "bot_token_expires_at": None}
    last = ""
    for number in (3, 1, 2):
        last = f"xox{'e.xox' if rotates else ''}b-number-{number}"
        store.save(bolts(world.slack, NORTH, ADMIN, BEFORE, **{"bot_token": last, **fixed}))
        if number == 3:
            store.save_bot(bolts(world.slack, NORTH, ADMIN, BEFORE - 5, **{"bot_token": last, **fixed}).to_bot())
            store.save(bolts(world.slack, NORTH, MEMBER, BEFORE - 5, **without("bot")))
            store.save(bolts(world.slack, NORTH, MEMBER, BEFORE - 5, **without("bot")))
    run(world, store)
    assert access(world) == last


@EACH_KIND
def test_a_bot_that_was_renewed_alone_counts_more_than_the_one_of_the_install(
    world: World, folder: Path, kind: str
) -> None:
    store = made(kind, folder)
    saved = bolts(world.slack, NORTH, ADMIN, BEFORE)
    store.save(saved)
    world.clock.advance(100)
    renewed = refresh_at_the_source(world.slack, "bot", str(saved.bot_refresh_token))
    store.save_bot(changed(saved.to_bot(), **renewed))
    assert taken(world, store) == [(NORTH, ADMIN), (NORTH, "bot")]
    assert access(world) == renewed["bot_token"]
    world.clock.advance(LIFE)
    assert ask(world)["ok"]


def test_a_long_lived_bot_in_the_table_of_bots_counts_more_than_one_of_an_install_at_the_same_time(
    world: World, sqlite: Sqlite
) -> None:
    for _ in range(3):
        sqlite.save(bolts(world.slack, SOUTH, SOUTH_ADMIN, BEFORE - 5, **without("bot")))
    saved = bolts(world.slack, SOUTH, SOUTH_ADMIN, BEFORE, **without("user"))
    sqlite.save(saved)
    sqlite.save_bot(changed(saved.to_bot(), bot_token="xoxb-renewed"))
    run(world, sqlite)
    assert access(world, tenant=Tenant("T", SOUTH)) == "xoxb-renewed"


def test_an_old_pair_that_was_saved_again_does_not_count(world: World, sqlite: Sqlite) -> None:
    """Bolt saves the whole of an installation when one of its two pairs was renewed."""
    saved = bolts(world.slack, NORTH, ADMIN, BEFORE)
    sqlite.save(saved)
    world.clock.advance(100)
    renewed = refresh_at_the_source(world.slack, "bot", str(saved.bot_refresh_token))
    sqlite.save_bot(changed(saved.to_bot(), **renewed, installed_at=BEFORE + 10))
    sqlite.save(changed(saved, installed_at=BEFORE + 20))
    run(world, sqlite)
    assert access(world) == renewed["bot_token"]


@pytest.mark.parametrize("seconds", [0, 2 * LIFE], ids=["alive", "expired"])
def test_a_pair_counts_more_than_a_token_that_does_not_rotate(world: World, sqlite: Sqlite, seconds: int) -> None:
    """It was exchanged for it, after which the other one dies."""
    pair = bolts(world.slack, NORTH, ADMIN, BEFORE)
    fixed = {f"{who}_{what}": None for who in ("bot", "user") for what in ("refresh_token", "token_expires_at")}
    sqlite.save(pair)
    old = {**fixed, "bot_token": "xoxb-old", "user_token": "xoxp-old", "installed_at": BEFORE + 1}
    sqlite.save(changed(pair, **old))
    world.clock.advance(seconds)
    run(world, sqlite)
    assert (access(world), access(world, ADMIN)) == (pair.bot_token, pair.user_token)


@pytest.mark.parametrize("rotates", [True, False])
def test_a_users_token_is_taken_though_the_newest_record_lacks_it(world: World, sqlite: Sqlite, rotates: bool) -> None:
    """Bolt blanks it while it serves somebody else, and saves the copy."""
    fixed = {} if rotates else {"user_token": "xoxp-a", "user_refresh_token": None, "user_token_expires_at": None}
    saved = bolts(world.slack, NORTH, ADMIN, BEFORE, **fixed)
    sqlite.save(saved)
    sqlite.save(changed(saved, **without("user"), installed_at=BEFORE + 7))
    assert taken(world, sqlite) == [(NORTH, ADMIN), (NORTH, "bot")]
    assert access(world, ADMIN) == saved.user_token
    assert changes_nothing(world, sqlite)


def test_of_a_users_records_the_newest_pair_counts(world: World, files: Files) -> None:
    """With history switched off meanwhile, Bolt renews the user's own file only; both have the same time."""
    saved = bolts(world.slack, NORTH, ADMIN, BEFORE, **without("bot"))
    files.save(saved)
    world.clock.advance(100)
    renewed = refresh_at_the_source(world.slack, "user", str(saved.user_refresh_token))
    later = vars(saved) | renewed | {"custom_values": {"plan": "newer"}}
    (files.folder / f"none-{NORTH}" / f"installer-{ADMIN}-latest").write_text(json.dumps(later))
    run(world, files)
    assert access(world, ADMIN) == renewed["user_token"]
    with ours(world) as store:
        found = store.find_installation(enterprise_id=None, team_id=NORTH, user_id=ADMIN)
        assert found is not None
        assert found.custom_values == {"plan": "newer"}


@pytest.mark.parametrize("times", [(BEFORE, BEFORE), (BEFORE, BEFORE + 5), (BEFORE + 5, BEFORE)], ids=str)
def test_what_a_user_installed_is_what_the_newest_record_says(
    world: World, sqlite: Sqlite, times: tuple[int, int]
) -> None:
    for number, at in enumerate(times):
        hook = {**HOOK, "incoming_webhook_channel": f"#{number}"}
        sqlite.save(bolts(world.slack, NORTH, ADMIN, at, **hook))
    run(world, sqlite)
    with ours(world) as store:
        found = store.find_installation(enterprise_id=None, team_id=NORTH, user_id=ADMIN)
        assert found is not None
        assert found.incoming_webhook_channel == ("#0" if times[0] > times[1] else "#1")


def test_who_installed_last_is_who_installed_last_here(world: World, sqlite: Sqlite) -> None:
    """Whatever the order in which the rows stand."""
    sqlite.save(bolts(world.slack, NORTH, MEMBER, BEFORE + 50))
    sqlite.save(bolts(world.slack, NORTH, ADMIN, BEFORE, team_name="Its old name"))
    assert taken(world, sqlite) == [(NORTH, ADMIN), (NORTH, MEMBER), (NORTH, "bot")]
    row = world.rows("SELECT installer_id, installed_at, team_name FROM installations")[0]
    assert tuple(row) == (MEMBER, BEFORE + 50, world.slack.workspaces[NORTH].name)
    with ours(world) as store:
        found = store.find_installation(enterprise_id=None, team_id=NORTH)
        assert found is not None
        assert found.user_id == MEMBER


# The second run


def both(world: World, store: BoltStore, at: float = BEFORE) -> Installation:
    """One workspace with the bot and a user."""
    saved = bolts(world.slack, NORTH, ADMIN, at)
    store.save(saved)
    return saved


@pytest.mark.parametrize("kind", ["sqlite", "files"])
def test_what_was_refreshed_here_is_not_put_back(world: World, folder: Path, kind: str) -> None:
    store = made(kind, folder)
    both(world, store)
    run(world, store)
    world.clock.advance(LIFE - 600)
    assert all(ask(world, user_id)["ok"] for user_id in ("", ADMIN))
    assert len(world.calls("oauth.v2.access")) == 2
    assert changes_nothing(world, store)


@EACH_KIND
def test_what_was_refreshed_at_the_source_is_taken(world: World, folder: Path, kind: str) -> None:
    store = made(kind, folder)
    saved = both(world, store)
    run(world, store)
    world.clock.advance(LIFE - 600)
    renewed = {
        **refresh_at_the_source(world.slack, "bot", str(saved.bot_refresh_token)),
        **refresh_at_the_source(world.slack, "user", str(saved.user_refresh_token)),
    }
    store.save(changed(saved, **renewed))
    assert taken(world, store) == [(NORTH, ADMIN), (NORTH, "bot")]
    assert (access(world), access(world, ADMIN)) == (renewed["bot_token"], renewed["user_token"])
    world.clock.advance(LIFE)
    assert all(ask(world, user_id)["ok"] for user_id in ("", ADMIN))
    assert changes_nothing(world, store)


def test_a_time_that_was_rounded_when_it_was_saved_again_is_the_same_time(world: World, files: Files) -> None:
    """Bolt copies what it refreshes, and a copy has whole microseconds."""
    saved = both(world, files, at=BEFORE + 0.2000003)
    run(world, files)
    world.clock.advance(100)
    renewed = refresh_at_the_source(world.slack, "bot", str(saved.bot_refresh_token))
    copy = Installation(**(saved.to_dict_for_copying() | renewed))
    assert 0 < saved.installed_at - copy.installed_at < 1e-6
    files.save(copy)
    assert taken(world, files) == [(NORTH, "bot")]
    assert access(world) == renewed["bot_token"]
    assert installers_of(world) == [("", 1), (ADMIN, 2)]


def installers_of(world: World) -> list[tuple[str, int]]:
    """Who installed, and in which order."""
    return [tuple(row) for row in world.rows("SELECT holder_id, generation FROM installers ORDER BY holder_id")]


def test_an_old_pair_that_the_source_saved_again_is_not_put_back(world: World, sqlite: Sqlite) -> None:
    """The bot was refreshed here, the user's pair there: what Bolt saves then has the bot's old pair, a new time."""
    saved = both(world, sqlite)
    run(world, sqlite)
    world.clock.advance(LIFE - 600)
    assert ask(world)["ok"]
    here = access(world)
    renewed = refresh_at_the_source(world.slack, "user", str(saved.user_refresh_token))
    sqlite.save(changed(saved, **renewed, installed_at=world.clock()))
    assert taken(world, sqlite) == [(NORTH, ADMIN)]
    assert (access(world), access(world, ADMIN)) == (here, renewed["user_token"])
    assert changes_nothing(world, sqlite)


def test_what_was_exchanged_at_the_source_is_taken(world: World, files: Files) -> None:
    """The same install, but its token rotates by now; the one that is here dies with the first refresh there."""
    fixed = {"bot_token": "xoxb-old", "bot_refresh_token": None, "bot_token_expires_at": None}
    pair = bolts(world.slack, NORTH, ADMIN, BEFORE)
    files.save(changed(pair, **fixed))
    run(world, files)
    assert access(world) == "xoxb-old"
    files.save_bot(pair.to_bot())
    assert taken(world, files) == [(NORTH, "bot")]
    assert access(world) == pair.bot_token


def test_what_was_exchanged_here_is_not_put_back(world: World, sqlite: Sqlite) -> None:
    fixed = {"bot_token": "xoxb-old", "bot_refresh_token": None, "bot_token_expires_at": None}
    saved = bolts(world.slack, NORTH, ADMIN, BEFORE, **fixed)
    sqlite.save(saved)
    run(world, sqlite)
    sql = "UPDATE tokens SET expires_at = ?, due_at = ?, refresh = access WHERE holder_id = ''"
    change(world, sql, START + LIFE, START + LIFE)
    sqlite.save(changed(saved, installed_at=BEFORE + 5))
    assert taken(world, sqlite) == []


@pytest.mark.parametrize("kind", ["sqlite", "files"])
@pytest.mark.parametrize("tenant_id", [NORTH, SOUTH])
def test_a_newer_install_at_the_source_is_taken(world: World, folder: Path, kind: str, tenant_id: str) -> None:
    store = made(kind, folder)
    store.save(bolts(world.slack, tenant_id, "", BEFORE))
    run(world, store)
    world.clock.advance(100)
    rotates, world.slack.app = world.slack.app, replace(world.slack.app, rotation=tenant_id == NORTH)
    assert world.browser().install(tenant_id).status == 303  # our own service stands for Slack's side of it
    world.slack.app = rotates
    world.service.stop()
    for file in world.folder.glob("slackapp.db*"):
        file.unlink()
    world.service = world.start_process()
    run(world, store)
    again = bolts(world.slack, tenant_id, "", BEFORE + 500, team_name="Its new name", bot_scopes=["chat:write"])
    store.save(again)
    assert [who for _, who in taken(world, store)] == [again.user_id, "bot"]
    assert access(world, tenant=Tenant("T", tenant_id)) == again.bot_token
    row = world.rows("SELECT team_name, scopes_granted, installed_at FROM installations")[0]
    assert tuple(row) == ("Its new name", "chat:write", BEFORE + 500)
    assert changes_nothing(world, store)


def test_a_newer_install_at_the_source_brings_back_what_died_here(world: World, sqlite: Sqlite) -> None:
    saved = both(world, sqlite)
    run(world, sqlite)
    change(world, "UPDATE tokens SET status = 'dead', expires_at = expires_at + 99999")
    assert changes_nothing(world, sqlite), "it is the pair that died"
    sqlite.save(changed(saved, installed_at=BEFORE + 5))
    assert taken(world, sqlite) == [(NORTH, ADMIN), (NORTH, "bot")]
    assert ask(world)["ok"]


@pytest.mark.parametrize("kind", ["sqlite", "files"])
def test_an_install_through_our_service_that_came_later_is_not_overwritten(
    world: World, folder: Path, kind: str
) -> None:
    store = made(kind, folder)
    saved = both(world, store, at=START - 50)
    assert world.browser().install(NORTH).status == 303
    assert changes_nothing(world, store)
    # even where the Bolt app, which was left running, has refreshed since
    world.clock.advance(600)
    renewed = {
        **refresh_at_the_source(world.slack, "bot", str(saved.bot_refresh_token)),
        **refresh_at_the_source(world.slack, "user", str(saved.user_refresh_token)),
    }
    later = changed(saved, **renewed)
    store.save(later)
    assert changes_nothing(world, store)


def test_an_earlier_users_token_does_not_displace_a_later_install(world: World, sqlite: Sqlite) -> None:
    """It would make that user the last who installed: it is told, and left where it is."""
    sqlite.save(bolts(world.slack, NORTH, MEMBER, BEFORE, **without("bot")))
    assert world.browser().install(NORTH, "admin").status == 303
    before = world.snapshot()
    assert told(run(world, sqlite)) == [(NORTH, MEMBER, INSTALLED_LATER)]
    assert world.snapshot() == before


def test_a_users_later_install_without_a_token_is_not_displaced_either(world: World, sqlite: Sqlite) -> None:
    both(world, sqlite)
    assert world.browser().install(NORTH, "admin").status == 303
    change(world, "DELETE FROM tokens WHERE holder_id <> ''")
    before = world.snapshot()
    assert told(run(world, sqlite)) == [(NORTH, ADMIN, INSTALLED_LATER), (NORTH, "bot", ALREADY_HERE)]
    assert world.snapshot() == before


def test_a_bot_is_taken_where_only_a_person_installed_later(world: World, sqlite: Sqlite) -> None:
    saved = both(world, sqlite)
    assert world.browser().install(NORTH, "admin").status == 303
    change(world, "DELETE FROM tokens WHERE holder_id = ''")
    assert taken(world, sqlite) == [(NORTH, "bot")]
    assert access(world) == saved.bot_token


def test_a_users_token_that_the_source_has_only_now_is_taken(world: World, files: Files) -> None:
    """The same install, saved without it before."""
    saved = bolts(world.slack, NORTH, ADMIN, BEFORE)
    files.save(changed(saved, **without("user")))
    assert taken(world, files) == [(NORTH, ADMIN), (NORTH, "bot")]
    files.save(saved)
    assert taken(world, files) == [(NORTH, ADMIN)]
    assert access(world, ADMIN) == saved.user_token


def test_a_user_without_any_token_is_known_here_and_only_once(world: World, sqlite: Sqlite) -> None:
    saved = bolts(world.slack, NORTH, ADMIN, BEFORE, **without("user"))
    sqlite.save(saved)
    assert taken(world, sqlite) == [(NORTH, ADMIN), (NORTH, "bot")]
    assert changes_nothing(world, sqlite)
    sqlite.save(changed(saved, installed_at=BEFORE + 5, **HOOK))
    assert (NORTH, ADMIN) in taken(world, sqlite)
    with ours(world) as store:
        found = store.find_installation(enterprise_id=None, team_id=NORTH, user_id=ADMIN)
        assert found is not None
        assert found.incoming_webhook_url == HOOK["incoming_webhook_url"]


# What is skipped, and that it does not stop the rest


LONG = "xoxb-" + "x" * 16 * 1024
HALF = "its {}'s token expires and cannot be refreshed, or the other way round"
SKIPPED: dict[str, tuple[dict[str, Any], str]] = {
    "T0BADAPP": ({"app_id": "A0STRANGER"}, "it belongs to another app"),
    "T0BADTEAM": ({"team_id": None}, "it names neither a workspace nor an enterprise"),
    "T0BADID": ({"team_id": "nonsense"}, "its team or enterprise id is none"),
    "T0BADORG": ({"enterprise_id": "T0NORTH001"}, "its team or enterprise id is none"),
    "T0BADFLAG": ({"is_enterprise_install": "nonsense"}, "it does not say whether it is for a whole enterprise"),
    "T0BADWHO": ({"user_id": "nonsense", **without("bot")}, "its user_id is none"),
    "T0BADBOT": ({"bot_user_id": "nonsense"}, "its bot_user_id is none"),
    "T0BADXOXP": ({"bot_token": "xoxp-nonsense"}, "what it has for a bot's token is none"),
    "T0BADXOXB": ({"user_token": "xoxb-nonsense", **without("bot")}, "what it has for a user's token is none"),
    "T0BADXOXR": ({"bot_refresh_token": "nonsense"}, "what it has for a bot's refresh token is none"),
    "T0BADHALF1": ({"bot_refresh_token": None}, HALF.format("bot")),
    "T0BADHALF2": ({"user_token_expires_at": None, **without("bot")}, HALF.format("user")),
    "T0BADHALF3": ({"bot_refresh_token": None, "bot_token_expires_at": None}, HALF.format("bot")),
    "T0BADLONG": ({"bot_token": LONG}, "what it has for a bot's token is none"),
    "T0BADTIME": ({"installed_at": "nonsense"}, "it has a time that cannot be read"),
    "T0BADLIFE": ({"bot_token_expires_at": "nonsense"}, "it has a time that cannot be read"),
    "T0BADHOOK": ({"incoming_webhook_url": "ftp://nonsense", **without("bot")}, "its incoming webhook is none"),
}


def spoil(store: BoltStore, team: str, fields: dict[str, Any]) -> None:
    """Changes what was saved for a workspace, past the store; where Bolt wrote no bot none comes from this."""
    if isinstance(store, Files):
        for file in store.folder.glob(f"*-{team}/*"):
            file.write_text(json.dumps(json.loads(file.read_text()) | fields))
        return
    assert isinstance(store, Sqlite)
    for table in ("slack_installations", "slack_bots"):
        known = {row[1] for row in store.rows(f"PRAGMA table_info({table})")}
        given = {name: value for name, value in fields.items() if name in known}
        values = [
            "" if value is None and name in ("team_id", "enterprise_id") else value for name, value in given.items()
        ]
        if given:
            store.change(
                f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in given)} WHERE team_id = ?", *values, team
            )


@pytest.mark.parametrize("kind", ["sqlite", "files"])
def test_records_that_cannot_be_taken_are_told_with_the_reason_and_stop_nobody(
    world: World, folder: Path, kind: str
) -> None:
    store = made(kind, folder)
    for team, (fields, _) in SKIPPED.items():
        alone = without("bot") if "bot_token" in fields and fields["bot_token"] is None else {}
        store.save(bolts(world.slack, NORTH, ADMIN, BEFORE, team_id=team, **alone))
        spoil(store, team, {name: value for name, value in fields.items() if name not in alone})
    store.save(bolts(world.slack, SOUTH, "", BEFORE))
    reports = run(world, store)
    assert {(report.name, report.who) for report in reports if report.result == TAKEN} == {
        (SOUTH, SOUTH_ADMIN),
        (SOUTH, "bot"),
    }
    skipped = [report for report in reports if report.result != TAKEN]
    found = {(team_of(report.record), report.result) for report in skipped}
    assert found == {(team, f"skipped: {why}") for team, why in expected_teams(store).items()}
    assert "nonsense" not in str([report.result for report in skipped])
    assert not world.rows("SELECT 1 FROM installations WHERE tenant_id LIKE '%BAD%'")


def team_of(record: SourceRecord) -> str:
    """The workspace that its place in the source is named after."""
    return str(record.place[-1]).rpartition("-")[2]


def expected_teams(store: BoltStore) -> dict[str, str]:
    """By the place in the source: in SQLite that is what the columns say."""
    renamed = {"T0BADTEAM": "", "T0BADID": "nonsense"} if isinstance(store, Sqlite) else {}
    return {renamed.get(team, team): why for team, (_, why) in SKIPPED.items()}


def test_a_row_of_another_app_in_the_same_file_is_not_even_looked_at(world: World, sqlite: Sqlite) -> None:
    Sqlite(sqlite.path, "9.9").save(bolts(world.slack, NORTH, ADMIN, BEFORE))
    assert run(world, sqlite) == []
    assert sqlite.source().skipped() == ["2 rows of the client id 9.9: another app"]


UNREADABLE: dict[str, Callable[[Path], Any]] = {
    "T0NOJSON": lambda file: file.write_text("{"),
    "T0EMPTY": lambda file: file.write_text(""),
    "T0LIST": lambda file: file.write_text("[]"),
    "T0NOTEXT": lambda file: file.write_bytes(b"\xff\xfe\x00{"),
    "T0DEEP": lambda file: file.write_text("[" * 100_000),
    "T0HUGE": lambda file: file.write_text(json.dumps({**json.loads(file.read_text()), "x": "x" * 1024 * 1024})),
    "T0LINK": lambda file: file.rename(file.with_name(f"kept-{file.name}")) and file.symlink_to(f"kept-{file.name}"),
    "T0FOLDER": lambda file: file.unlink() or file.mkdir(),
    "T0NOWHERE": lambda file: file.unlink() or file.symlink_to("nowhere"),
    "T0PIPE": lambda file: file.unlink() or os.mkfifo(file),
}


def test_files_that_bolt_did_not_write_are_told_and_stop_nobody(world: World, files: Files) -> None:
    for team, ruin in UNREADABLE.items():
        files.save(bolts(world.slack, NORTH, ADMIN, BEFORE, team_id=team))
        for file in files.folder.glob(f"none-{team}/*-latest"):
            ruin(file)
    files.save(bolts(world.slack, SOUTH, "", BEFORE))
    reports = run(world, files)
    skipped = [report for report in reports if report.result != TAKEN]
    assert {report.result for report in skipped} == {"skipped: it is not a file that Bolt wrote"}
    names = ("bot-latest", f"installer-{ADMIN}-latest", "installer-latest")
    assert {report.record.where for report in skipped} == {
        f"none-{team}/{name}" for team in UNREADABLE for name in names
    }
    assert {report.name for report in reports if report.result == TAKEN} == {SOUTH}
    assert erase(world, files)[0] == [SOUTH]
    assert {folder.name for folder in files.folder.iterdir()} == {f"none-{team}" for team in UNREADABLE}


def test_undecodable_text_skips_its_record_and_the_import_goes_on(world: World, sqlite: Sqlite) -> None:
    both(world, sqlite)
    sqlite.save(bolts(world.slack, SOUTH, "", BEFORE))
    sqlite.change("UPDATE slack_bots SET bot_token = CAST(x'786f78622dff' AS TEXT) WHERE team_id = ?", NORTH)
    sqlite.change("UPDATE slack_installations SET team_name = CAST(x'4eff' AS TEXT) WHERE team_id = ?", NORTH)
    reports = run(world, sqlite)
    assert [told_of for told_of in told(reports) if told_of[2] != TAKEN] == [
        (NORTH, "bot", "skipped: what it has for a bot's token is none")
    ]
    assert world.rows("SELECT team_name FROM installations WHERE tenant_id = ?", NORTH)[0][0] == "N\ufffd"


def test_a_workspace_whose_key_cannot_be_had_stops_nobody(world: World, sqlite: Sqlite) -> None:
    both(world, sqlite)
    sqlite.save(bolts(world.slack, SOUTH, "", BEFORE))
    keyring = world.service.app.keyring
    prepare = keyring.open_tenant_keys
    for error in (DecryptError, KeyMissingError, KeyRevokedError, KeyUnavailableError):

        def withheld(tenant: Tenant, error: type[Exception] = error) -> Any:
            if tenant == north_tenant():
                raise error
            return prepare(tenant)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(keyring, "open_tenant_keys", withheld)
            reports = run(world, sqlite)
        of_north = {report.result for report in reports if report.name == NORTH}
        assert of_north == {"skipped: the key of this workspace cannot be had"}
        assert {report.result for report in reports if report.name == SOUTH} <= {TAKEN, ALREADY_HERE}


def test_a_record_that_cannot_be_stored_is_skipped_and_the_import_goes_on(world: World, files: Files) -> None:
    files.save(bolts(world.slack, NORTH, ADMIN, BEFORE, custom_values={"x": "x" * 70_000}))
    files.save(bolts(world.slack, SOUTH, "", BEFORE))
    results = {(report.name, report.result) for report in run(world, files)}
    assert results == {(NORTH, "skipped: a installer is too large to be sealed"), (SOUTH, TAKEN)}
    assert installations.find(world.service.app.db, north_tenant()) is None


def test_a_full_disk_is_reported_for_each_record(world: World, sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch) -> None:
    both(world, sqlite)

    def full(*arguments: Any, **named: Any) -> None:
        raise StoreFullError("the disk is full")

    monkeypatch.setattr(save_external, "run", full)
    assert {report.result for report in run(world, sqlite)} == {"skipped: the disk is full"}


# A process that is killed on the way


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("calls", [0, 1, 5])
def test_a_run_that_is_killed_leaves_whole_records_and_the_next_one_does_the_rest(
    world: World, sqlite: Sqlite, calls: int
) -> None:
    store = sqlite
    fill(world, store)
    keep, left = save_external.run, iter(range(calls))

    def some(*arguments: Any, **named: Any) -> None:
        if next(left, None) is None:
            raise Killed
        keep(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(save_external, "run", some)
        with pytest.raises(Killed):
            run(world, store)
    world.restart()
    assert world.count("installers") == calls
    assert len(taken(world, store)) == len(EVERYBODY) - calls
    for tenant_id, who in EVERYBODY:
        tenant = Tenant("E" if tenant_id == ORG else "T", tenant_id)
        assert installers.find(world.service.app.db, tenant, BOT if who == "bot" else Holder.user(who)) is not None
    assert changes_nothing(world, store)


# Erasing the source


def erase(world: World, store: BoltStore) -> tuple[list[str], list[str]]:
    source = store.source()
    import_installations.run(world.service.app, source, ACTOR)
    done = import_installations.erase(world.service.app, source, ACTOR)
    return sorted(done.erased), sorted(done.left)


@EACH_KIND
def test_the_source_is_erased_when_all_of_it_is_here(world: World, folder: Path, kind: str) -> None:
    store = made(kind, folder)
    fill(world, store)
    assert erase(world, store) == (sorted([NORTH, SOUTH, ORG, ORG_TEAM, BRANCH]), [])
    assert store.source().records() == []
    assert b"xox" not in store.bytes()
    if isinstance(store, Files):
        assert list(store.folder.iterdir()) == []
    assert ask(world)["ok"]
    assert erase(world, store) == ([], [])


@pytest.mark.parametrize("kind", ["sqlite", "files"])
def test_a_workspace_that_is_not_here_as_a_whole_is_left(world: World, folder: Path, kind: str) -> None:
    store = made(kind, folder)
    fill(world, store)
    spoil(store, SOUTH, {"user_id": "nonsense"})
    spoil(store, BRANCH, {"app_id": "A0STRANGER"})
    spoil(store, ORG_TEAM, {"bot_refresh_token": None})
    before = store.source().records()
    assert erase(world, store) == (sorted([NORTH, ORG]), sorted([SOUTH, ORG_TEAM, BRANCH]))
    left = store.source().records()
    assert left == [record for record in before if team_of(record) in (SOUTH, ORG_TEAM, BRANCH)]
    assert len(left) == (5 if kind == "sqlite" else 8)
    if isinstance(store, Files):
        assert len(list((store.folder / f"none-{SOUTH}").iterdir())) == 6, "its history, too"


def test_a_workspace_with_a_file_that_cannot_be_read_is_left(world: World, files: Files) -> None:
    fill(world, files)
    (files.folder / f"none-{NORTH}" / f"installer-{MEMBER}-latest").write_text("{")
    assert erase(world, files)[1] == [f"?, {NORTH}"]
    assert len(list((files.folder / f"none-{NORTH}").iterdir())) > 6


def test_two_tenants_in_one_place_go_together_or_not_at_all(world: World, sqlite: Sqlite) -> None:
    """A workspace, and its enterprise that was saved with the same ids."""
    sqlite.save(bolts(world.slack, ORG, ORG_ADMIN, BEFORE, team_id=ORG_TEAM, bot_token="xoxb-half"))
    sqlite.save(bolts(world.slack, ORG_TEAM, ORG_ADMIN, BEFORE))
    sqlite.change("UPDATE slack_installations SET bot_refresh_token = NULL WHERE is_enterprise_install = 1")
    assert erase(world, sqlite) == ([], [f"{ORG}, {ORG_TEAM}"])
    assert len(sqlite.source().records()) == 4


def test_one_tenant_in_two_places_goes_as_a_whole_or_not_at_all(world: World, sqlite: Sqlite) -> None:
    """A workspace that joined an enterprise since: its older rows are without the enterprise's id."""
    sqlite.save(bolts(world.slack, ORG_TEAM, ORG_ADMIN, BEFORE - 5, enterprise_id=None))
    sqlite.save(bolts(world.slack, ORG_TEAM, ORG_ADMIN, BEFORE))
    sqlite.change("UPDATE slack_bots SET app_id = 'A0STRANGER' WHERE enterprise_id = ''")
    sqlite.change("UPDATE slack_bots SET bot_token = 'none' WHERE enterprise_id <> ''")
    assert erase(world, sqlite) == ([], [ORG_TEAM, ORG_TEAM])
    sqlite.change("UPDATE slack_bots SET app_id = 'A0LOCAL001', bot_token = 'xoxe.xoxb-1'")
    assert erase(world, sqlite) == ([ORG_TEAM, ORG_TEAM], [])


def test_what_lies_in_a_place_of_its_own_counts_for_its_tenant(world: World, sqlite: Sqlite) -> None:
    sqlite.save(bolts(world.slack, ORG_TEAM, ORG_ADMIN, BEFORE - 5, enterprise_id=None))
    sqlite.save(bolts(world.slack, ORG_TEAM, ORG_ADMIN, BEFORE))
    sqlite.change("UPDATE slack_installations SET user_id = 'nobody' WHERE enterprise_id <> ''")
    assert erase(world, sqlite) == ([], [ORG_TEAM, ORG_TEAM])


@pytest.mark.parametrize("kind", ["sqlite", "files"])
def test_what_comes_between_the_import_and_the_erasing_is_taken_and_not_lost(
    world: World, folder: Path, kind: str
) -> None:
    store = made(kind, folder)
    both(world, store)
    store.save(bolts(world.slack, SOUTH, "", BEFORE))
    source = store.source()
    import_installations.run(world.service.app, source, ACTOR)
    store.save(bolts(world.slack, NORTH, MEMBER, BEFORE + 500))
    done = import_installations.erase(world.service.app, source, ACTOR)
    assert (done.erased, done.left) == ([SOUTH], [NORTH])
    assert (NORTH, MEMBER, TAKEN) in told(done.reports)
    assert {team_of(record) for record in store.source().records()} == {NORTH}
    assert erase(world, store) == ([NORTH], [])


@pytest.mark.parametrize("kind", ["sqlite", "alchemy", "files"])
def test_what_comes_after_the_last_look_is_not_lost(world: World, folder: Path, kind: str) -> None:
    """Saved by the Bolt app after all had been compared, just before the erasing."""
    store = made(kind, folder)
    saved = both(world, store)
    store.save(bolts(world.slack, SOUTH, "", BEFORE))
    world.clock.advance(100)
    renewed = refresh_at_the_source(world.slack, "bot", str(saved.bot_refresh_token))
    source = store.source()
    import_installations.run(world.service.app, source, ACTOR)
    really = source.erase

    def late(places: Any) -> Any:
        store.save(changed(saved, **renewed))
        return really(places)

    source.erase = late  # type: ignore[method-assign]
    done = import_installations.erase(world.service.app, source, ACTOR)
    assert (done.erased, done.left) == ([SOUTH], [NORTH])
    assert str(renewed["bot_token"]).encode() in store.bytes()
    assert erase(world, store) == ([NORTH], [])
    assert access(world) == renewed["bot_token"]


def test_an_older_source_install_is_erased_as_already_here(world: World, sqlite: Sqlite) -> None:
    both(world, sqlite)
    assert world.browser().install(NORTH).status == 303
    assert erase(world, sqlite) == ([NORTH], [])


def test_what_is_told_of_a_later_install_here_is_not_erased(world: World, sqlite: Sqlite) -> None:
    sqlite.save(bolts(world.slack, NORTH, MEMBER, BEFORE))
    assert world.browser().install(NORTH, "admin").status == 303
    assert erase(world, sqlite) == ([], [NORTH])


def test_erasing_leaves_rows_of_another_client(world: World, sqlite: Sqlite) -> None:
    both(world, sqlite)
    other = Sqlite(sqlite.path, "9.9")
    other.save(bolts(world.slack, NORTH, ADMIN, BEFORE))
    assert erase(world, sqlite) == ([NORTH], [])
    assert other.rows("SELECT client_id FROM slack_bots UNION ALL SELECT client_id FROM slack_installations") == [
        ("9.9",),
        ("9.9",),
    ]
