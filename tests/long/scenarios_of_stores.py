"""What a Bolt app does with our stores, and moving in from its own."""

import contextlib
import json
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slack_sdk.oauth.installation_store import Installation
from slack_sdk.oauth.installation_store.sqlite3 import SQLite3InstallationStore

from slackapp.bolt import EncryptedInstallationStore, find_installation
from slackapp.localslack.api.tokens import problem_of
from slackapp.model import Tenant
from tests.long import invariants
from tests.long.child import Child
from tests.long.scenarios import (
    ACTOR,
    ADMINS,
    Arguments,
    Command,
    Run,
    Scenario,
    add,
    assert_usable,
    finish,
    install,
    waiting_event,
    wrapped_keys,
)
from tests.long.scenarios_of_tokens import OVER, REFRESH, assert_nothing_lost, due, found
from tests.support.world import APP_ID, HOST, NORTH, SOUTH, World

OTHER = Tenant("T", SOUTH)
SOURCE = "bolt.db"
SECRETS = ("bot_token", "bot_refresh_token", "user_token", "user_refresh_token")


def _granted(world: World, target: str) -> dict[str, Any]:
    """What a Bolt app saves after an install, field by field."""
    browser = world.browser()
    code = browser.consent(browser.begin(), target).query["code"]
    fields = {"code": code, "redirect_uri": f"http://{HOST}/slack/oauth_redirect"}
    data, now = world.service.app.slack.call_as_app(REFRESH, fields).data, world.clock()
    return {
        "app_id": APP_ID,
        "team_id": target,
        "team_name": data["team"]["name"],
        "bot_id": f"B{target[1:]}BOT",
        "bot_user_id": data["bot_user_id"],
        "is_enterprise_install": False,
        "installed_at": float(now),
        "token_type": "bot",
        **_pair("bot", data, now),
        **_pair("user", data["authed_user"], now),
        "user_id": data["authed_user"]["id"],
        **{f"incoming_webhook_{name}": value for name, value in data["incoming_webhook"].items()},
    }


def _pair(kind: str, data: Mapping[str, Any], now: int) -> dict[str, Any]:
    return {
        f"{kind}_token": data["access_token"],
        f"{kind}_refresh_token": data["refresh_token"],
        f"{kind}_token_expires_at": now + data["expires_in"],
        f"{kind}_scopes": data["scope"].split(","),
    }


def _store(actor: Child) -> EncryptedInstallationStore:
    given = actor.environment
    return EncryptedInstallationStore(
        database=given["SLACKAPP_DATABASE"],
        master_key_file=given["SLACKAPP_MASTER_KEY_FILE"],
        client_id=given["SLACK_CLIENT_ID"],
        client_secret=given["SLACK_CLIENT_SECRET"],
        app_id=given["SLACK_APP_ID"],
        slack_url=given["SLACKAPP_SLACK_URL"],
        key_backup_dir=given["SLACKAPP_KEY_BACKUP_DIR"],
    )


def _vault(world: World) -> set[str]:
    """Every token in it, in clear."""
    halves = [half for pair in invariants.pairs(world) for half in (pair.access, pair.refresh) if half is not None]
    return {half.value for half in halves}


def _secrets(fields: Mapping[str, Any]) -> set[str]:
    return {fields[name] for name in SECRETS}


# Save


def _to_save(world: World, command: Command) -> Arguments:
    return {"fields": json.dumps(_granted(world, NORTH))}


def _to_save_anew(world: World, command: Command) -> Arguments:
    install(world)
    world.clock.advance(60)
    return _to_save(world, command)


def _save(actor: Child) -> None:
    store, installation = _store(actor), Installation(**json.loads(actor.arguments["fields"]))
    actor.arm()
    store.save(installation)
    actor.tell("saved")


def _saved(run: Run) -> None:
    world, mine = run.world, _secrets(json.loads(run.arguments["fields"]))
    kept = _vault(world)
    assert kept & mine in (set(), mine), "all of it, or nothing"
    assert kept >= mine or not run.told
    assert_nothing_lost(world)
    if kept:
        assert_usable(world)
    run.again(expected="saved")
    assert _vault(world) == mine
    assert all(pair.is_fresh for pair in invariants.pairs(world))
    assert_usable(world)


add(Scenario("save by a Bolt app", _to_save, _save, _saved))
add(Scenario("save of a new install by a Bolt app", _to_save_anew, _save, _saved))


# Find


def _find(actor: Child) -> None:
    store = _store(actor)
    actor.arm()
    found = store.find_installation(enterprise_id=None, team_id=NORTH)
    assert found is not None
    assert found.bot_token
    assert found.user_token
    assert (found.bot_refresh_token, found.user_refresh_token) == (None, None)
    actor.tell("found")


def _found(run: Run) -> None:
    world = run.world
    assert_nothing_lost(world)
    _assert_found(world)  # the old ones, while a dead process has the lease
    world.clock.advance(OVER)
    _assert_found(world)
    assert found(world) == [("", 2, "live", ""), (ADMINS[NORTH], 2, "live", "")]
    assert len(world.calls(REFRESH)) <= 3 - (run.told != ())
    assert all(pair.is_fresh for pair in invariants.pairs(world))
    assert_usable(world)


def _assert_found(world: World) -> None:
    app = world.service.app
    named = find_installation.InstallationIds("", NORTH, is_enterprise_install=False)
    found = find_installation.find_user(app, named, ADMINS[NORTH], None, ACTOR)
    assert found is not None
    for token in (found.bot, found.user):
        assert token is not None
        assert problem_of(world.slack, world.slack.state.tokens[token.access.reveal()]) == ""


add(Scenario("find by a Bolt app", due, _find, _found))


# Delete


def _two(world: World, command: Command) -> Arguments:
    install(world, NORTH, SOUTH)
    waiting_event(world, "EvWaits")
    return {"wrapped": wrapped_keys(world, NORTH)}


def _delete(actor: Child) -> None:
    store = _store(actor)
    actor.arm()
    store.delete_all(enterprise_id=None, team_id=NORTH)
    actor.tell("deleted")


def _deleted(run: Run) -> None:
    world, wrapped = run.world, [bytes.fromhex(key) for key in run.arguments["wrapped"].split(",")]
    if "purge.begun" not in world.audit():
        assert_usable(world)
        assert run.told == ()
        run.again(expected="deleted")
    if run.told:
        assert invariants.not_purged(world, NORTH, wrapped) == []
    finish(world)
    assert invariants.not_purged(world, NORTH, wrapped) == []
    assert world.audit().count("purge.begun") == world.audit().count("purge.complete") == 1
    assert_nothing_lost(world)
    assert_usable(world, OTHER)


add(Scenario("delete by a Bolt app", _two, _delete, _deleted))


# Moving in


def _moving(world: World, command: Command) -> Arguments:
    """Bolt's own store with two workspaces, and nothing of them here."""
    granted = [_granted(world, tenant) for tenant in (NORTH, SOUTH)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the store leaves its connections to the collector
        store = SQLite3InstallationStore(
            database=str(world.folder / SOURCE), client_id=world.settings.client_id
        )  # fmt: skip
        for fields in granted:
            store.save(Installation(**fields))
        del store
    return {"secrets": json.dumps(sorted(set.union(*map(_secrets, granted))))}


def _import(actor: Child) -> None:
    actor.command("import", "--bolt-sqlite", SOURCE)


def _import_and_erase(actor: Child) -> None:
    actor.command("import", "--bolt-sqlite", SOURCE, "--erase-source")


def _source(world: World) -> set[str]:
    """Every token in the other store, as whoever opens it finds it; looked at in a copy."""
    with tempfile.TemporaryDirectory() as folder:
        for file in world.folder.glob(f"{SOURCE}*"):
            shutil.copy(file, folder)
        with contextlib.closing(sqlite3.connect(Path(folder) / SOURCE)) as connection:
            names = ", ".join(SECRETS)
            rows = connection.execute(f"SELECT {names} FROM slack_installations").fetchall()
            rows += connection.execute("SELECT bot_token, bot_refresh_token FROM slack_bots").fetchall()
    return {value for row in rows for value in row}


def _assert_in_one_of_them(run: Run) -> set[str]:
    secrets = set(json.loads(run.arguments["secrets"]))
    assert secrets <= _vault(run.world) | _source(run.world), "a token is neither here nor there"
    assert_nothing_lost(run.world)
    return secrets


def _assert_moved(run: Run, secrets: set[str]) -> None:
    assert _vault(run.world) == secrets
    assert all(pair.is_fresh for pair in invariants.pairs(run.world))
    for tenant in (None, OTHER):
        assert_usable(run.world, tenant)


def _imported(run: Run) -> None:
    secrets = _assert_in_one_of_them(run)
    assert run.told in ((), ("status 0",))
    assert _source(run.world) == secrets
    if run.told:
        _assert_moved(run, secrets)
    run.again()
    _assert_moved(run, secrets)
    assert _source(run.world) == secrets


def _imported_and_erased(run: Run) -> None:
    secrets = _assert_in_one_of_them(run)
    if run.told:
        assert _left_in_source(run, secrets) == []
    run.again()
    _assert_moved(run, secrets)
    assert _source(run.world) == set()
    assert _left_in_source(run, secrets) == []


def _left_in_source(run: Run, secrets: set[str]) -> list[str]:
    """Files of the source in which a token lies, deleted or not."""
    files = {file.name: file.read_bytes() for file in run.world.folder.glob(f"{SOURCE}*")}
    return [name for name, content in files.items() if any(secret.encode() in content for secret in secrets)]


add(Scenario("import", _moving, _import, _imported, source=SOURCE))
add(Scenario("import and erase", _moving, _import_and_erase, _imported_and_erased, source=SOURCE))
