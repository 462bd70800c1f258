"""`slackapp import`: a line for each record, a status for a script, a token from the environment, and no token told."""

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slackapp.cli.main import main
from slackapp.config import settings as config
from slackapp.errors import CommandError, StoreBusyError
from slackapp.importer import import_installations, import_token, sources
from slackapp.localslack.api import tokens
from slackapp.localslack.model import Fault
from slackapp.model import Secret, Tenant
from tests.flows.tokens.rotation import ask
from tests.importer.test_sources import another_process
from tests.support.bolt_sources import BoltStore, Files, Sqlite, bolts, changed, granted, made, without
from tests.support.operator import CommandLine, Ended, open_shell
from tests.support.prepared_world import Prepared, memory_folder, snapshot_world
from tests.support.world import NORTH, ORG, ORG_TEAM, SOUTH, START

ADMIN, MEMBER, SOUTH_ADMIN, ORG_ADMIN = "U0NORTH001ADM", "U0NORTH001MEM", "U0SOUTH001ADM", "W0EVERADM1"
BEFORE = START - 1000
NAME = "SLACK_BOT_TOKEN"


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[CommandLine, Prepared]]:
    with memory_folder() as folder, open_shell(folder, tenants=()) as made_shell:
        world = made_shell.world
        assert world.browser().install(NORTH).status == 303
        rotates, world.slack.app = world.slack.app, replace(world.slack.app, rotation=False)
        for tenant in (SOUTH, ORG, ORG_TEAM):
            assert world.browser().install(tenant).status == 303
        world.slack.app = rotates
        world.service.stop()
        for file in folder.glob("slackapp.db*"):
            file.unlink()
        world.service = world.start_process()
        yield made_shell, snapshot_world(world)


@pytest.fixture
def shell(opened: tuple[CommandLine, Prepared]) -> CommandLine:
    """Everything is installed at Slack, and our vault is empty. Only in the north tokens rotate."""
    made_shell, world = opened
    world.reset()
    return made_shell


@pytest.fixture
def folder(opened: tuple[CommandLine, Prepared]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=opened[0].folder) as made_folder:
        yield Path(made_folder)


@pytest.fixture(params=["sqlite", "files"])
def store(shell: CommandLine, folder: Path, request: pytest.FixtureRequest) -> Any:
    """A workspace with the bot and a user, and one with the bot alone."""
    filled = made(request.param, folder)
    filled.save(bolts(shell.world.slack, NORTH, ADMIN, BEFORE))
    filled.save(bolts(shell.world.slack, SOUTH, SOUTH_ADMIN, BEFORE, **without("user")))
    return filled


@pytest.fixture
def sqlite(shell: CommandLine, folder: Path) -> Sqlite:
    filled = Sqlite(folder / "source" / "bolt.db")
    filled.save(bolts(shell.world.slack, NORTH, ADMIN, BEFORE))
    return filled


def lines(ended: Ended) -> set[tuple[str, str, str]]:
    """Whose, and what came of it; without where it stood."""
    parts = (line.partition("  (")[0].split("  ", 2) for line in ended.out.splitlines() if "  (" in line)
    return {(name, who, result) for name, who, result in parts}


def tells_no_token(shell: CommandLine, *ended: Ended) -> bool:
    text = "".join(one.out + one.error for one in ended) + shell.world.log.getvalue()
    return not [secret for secret in shell.world.slack.issued_tokens if secret in text] and "xox" not in text


ALL = {(NORTH, ADMIN), (NORTH, "bot"), (SOUTH, SOUTH_ADMIN), (SOUTH, "bot")}


def test_it_tells_what_was_taken_and_where_it_stood_and_the_second_time_that_it_is_here(
    shell: CommandLine, store: BoltStore
) -> None:
    before = store.files()
    first = shell.run("import", *store.arguments)
    assert (first.status, first.error) == (0, "4 taken, 0 already here, 0 skipped\n")
    assert lines(first) == {(*whose, "taken") for whose in ALL}
    where = (
        "slack_installations, row 2" if isinstance(store, Sqlite) else f"none-{SOUTH}/installer-{SOUTH_ADMIN}-latest"
    )
    assert f"{SOUTH}  {SOUTH_ADMIN}  taken  ({where})" in first.out.splitlines()
    here = shell.world.snapshot()
    again = shell.run("import", *store.arguments)
    assert (again.status, again.error) == (0, "0 taken, 4 already here, 0 skipped\n")
    assert lines(again) == {(*whose, "already here") for whose in ALL}
    assert (shell.world.snapshot(), store.files()) == (here, before)
    assert tells_no_token(shell, first, again)
    assert b"xox" not in shell.world.bytes_on_disk()
    assert shell.good("check", "--tenant", NORTH).count("  ok\n") == 2


def test_one_bad_record_makes_the_status_1_and_stops_nobody(shell: CommandLine, store: BoltStore) -> None:
    bad = bolts(shell.world.slack, NORTH, ADMIN, BEFORE, team_id="T0OTHER", app_id="A0STRANGER", **without("bot"))
    store.save(bad)
    ended = shell.run("import", *store.arguments)
    copies = 1 if isinstance(store, Sqlite) else 2
    assert (ended.status, ended.error) == (1, f"4 taken, 0 already here, {copies} skipped\n")
    assert ("T0OTHER", ADMIN, "skipped: it belongs to another app") in lines(ended)
    assert tells_no_token(shell, ended)


def test_what_is_not_looked_at_is_told_and_counts_as_skipped(shell: CommandLine, store: BoltStore) -> None:
    other: BoltStore = Sqlite(store.path, "9.9") if isinstance(store, Sqlite) else Files(store.path, "9.9")
    other.save(bolts(shell.world.slack, NORTH, ADMIN, BEFORE))
    ended = shell.run("import", *store.arguments)
    assert (ended.status, ended.error) == (1, "4 taken, 0 already here, 1 skipped\n")
    what = "2 rows of the client id 9.9: another app"
    if isinstance(store, Files):
        what = "9.9: is not the folder of a workspace of this app"
    assert f"skipped  {what}" in ended.out.splitlines()


def test_ids_that_are_none_are_shown_only_if_they_look_like_some(shell: CommandLine, sqlite: Sqlite) -> None:
    """A name in a row of the source must not write to a terminal, nor be a token."""
    for number, value in enumerate(("T-xoxb-1", "T0\x1b[2J", "t" * 33, "T\u00fc", "t0lower")):
        sqlite.save(bolts(shell.world.slack, NORTH, f"{value}{number}", BEFORE, team_id=value))
    sqlite.save(bolts(shell.world.slack, NORTH, ADMIN, BEFORE, team_id=None))
    sqlite.save(
        bolts(shell.world.slack, NORTH, ADMIN, BEFORE, team_id="T", enterprise_id="e0org", is_enterprise_install=1)
    )
    ended = shell.run("import", *sqlite.arguments)
    skipped = {(name, who) for name, who, result in lines(ended) if result.startswith("skipped")}
    assert skipped == {
        *(("?", "?"), ("?", "bot"), ("t0lower", "t0lower4"), ("t0lower", "bot")),
        *(("?", ADMIN), ("e0org", ADMIN), ("e0org", "bot")),
    }
    assert ended.out.isascii()
    assert "\x1b" not in ended.out


def test_several_sources_or_none_are_no_command(shell: CommandLine, sqlite: Sqlite) -> None:
    for arguments in ((), (*sqlite.arguments, "--token-env", NAME)):
        ended = shell.run("import", *arguments)
        assert (ended.status, ended.out) == (2, "")


@pytest.mark.parametrize("option", ["--bolt-sqlite", "--bolt-files"])
def test_a_source_that_is_none_is_refused_in_one_line(shell: CommandLine, folder: Path, option: str) -> None:
    missing, other = folder / "missing", folder / "other"
    other.write_text("no database, and no folder either")
    for path, erase in ((missing, ()), (missing, ("--erase-source",)), (other, ()), (other, ("--erase-source",))):
        ended = shell.run("import", option, str(path), *erase)
        assert (ended.status, ended.out) == (1, "")
        assert ended.error.startswith(f"slackapp: {path}: ")
        assert ended.error.count("\n") == 1
    assert not missing.exists()


# Erasing


def test_with_the_option_the_source_is_erased_and_only_then(shell: CommandLine, store: BoltStore) -> None:
    ended = shell.run("import", *store.arguments, "--erase-source")
    assert (ended.status, ended.error) == (0, "4 taken, 0 already here, 0 skipped\n")
    assert ended.out.splitlines()[4:] == [f"{NORTH}  erased in the source", f"{SOUTH}  erased in the source"]
    assert b"xox" not in store.bytes()
    again = shell.run("import", *store.arguments, "--erase-source")
    assert (again.status, again.out, again.error) == (0, "", "0 taken, 0 already here, 0 skipped\n")
    assert ask(shell.world)["ok"]
    assert tells_no_token(shell, ended, again)


def test_what_is_left_is_told_and_makes_the_status_1(shell: CommandLine, store: BoltStore) -> None:
    store.save(bolts(shell.world.slack, SOUTH, "U0OTHER", BEFORE, bot_token="xoxp-none"))
    ended = shell.run("import", *store.arguments, "--erase-source")
    assert ended.status == 1
    told = ended.out.splitlines()
    assert told[-2:] == [f"{NORTH}  erased in the source", f"{SOUTH}  left in the source"]
    assert len(set(told)) == len(told), "nothing twice"
    assert SOUTH.encode() in store.bytes()
    assert NORTH.encode() not in store.bytes()
    before = store.files()
    shell.run("import", *store.arguments)
    assert store.files() == before


def test_what_comes_in_between_is_told_and_its_workspace_left_for_the_next_time(
    shell: CommandLine, store: BoltStore
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        erase = import_installations.erase

        def late(*arguments: Any) -> Any:
            store.save(bolts(shell.world.slack, NORTH, MEMBER, BEFORE + 5, **without("bot")))
            return erase(*arguments)

        patch.setattr(import_installations, "erase", late)
        ended = shell.run("import", *store.arguments, "--erase-source")
    assert ended.status == 1
    where = "slack_installations, row 3" if isinstance(store, Sqlite) else f"none-{NORTH}/installer-{MEMBER}-latest"
    assert ended.out.splitlines()[4:] == [
        f"{NORTH}  {MEMBER}  taken  ({where})",
        f"{SOUTH}  erased in the source",
        f"{NORTH}  left in the source",
    ]
    assert shell.run("import", *store.arguments, "--erase-source").status == 0
    assert b"xox" not in store.bytes()


def test_a_locked_source_is_refused_before_anything_is_taken(
    shell: CommandLine, sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_BUSY_SECONDS", 0)
    before, here = sqlite.files(), shell.world.snapshot()
    with another_process(sqlite, "BEGIN IMMEDIATE"):
        ended = shell.run("import", *sqlite.arguments, "--erase-source")
    assert (ended.status, ended.out) == (75, "")
    assert ended.error == f"slackapp: {sqlite.path}: is locked; stop the Bolt app first; try again\n"
    assert (sqlite.files(), shell.world.snapshot()) == (before, here)


def test_a_source_that_is_in_use_when_it_is_to_be_erased_keeps_all_of_it(
    shell: CommandLine, sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*arguments: Any) -> None:
        raise StoreBusyError("is in use")

    before = sqlite.files()
    monkeypatch.setattr(sources.BoltSqliteSource, "erase", busy)
    ended = shell.run("import", *sqlite.arguments, "--erase-source")
    assert (ended.status, ended.error) == (75, "slackapp: is in use; try again\n")
    assert lines(ended) == {(NORTH, ADMIN, "taken"), (NORTH, "bot", "taken")}
    assert sqlite.files() == before


# One token from the environment


def from_environment(shell: CommandLine, value: str | None, *more: str) -> Ended:
    with shell.patch.context() as patch:
        patch.delenv(NAME, raising=False)
        if value is not None:
            patch.setenv(NAME, value)
        return shell.run("import", "--token-env", NAME, *more)


def token_of(shell: CommandLine, tenant: str, user_id: str = "") -> str:
    """The newest that Slack knows."""
    install = shell.world.slack.state.installs[tenant]
    kind = "user" if user_id else "bot"
    found = granted(shell.world.slack, kind, tenant, user_id or install.bot_user_id)
    return str(found[f"{kind}_token"])


LONE = {
    "a bot's": (SOUTH, "", "T"),
    "a person's": (SOUTH, SOUTH_ADMIN, "T"),
    "a bot's of an enterprise": (ORG, "", "E"),
    "a person's of an enterprise": (ORG, ORG_ADMIN, "E"),
    "a bot's of a workspace in an enterprise": (ORG_TEAM, "", "T"),
}


@pytest.mark.parametrize("name", LONE)
def test_a_lone_token_is_taken_works_and_is_here_the_second_time(shell: CommandLine, name: str) -> None:
    tenant, user_id, kind = LONE[name]
    value = token_of(shell, tenant, user_id)
    ended = from_environment(shell, f" {value}\n")
    assert (ended.status, ended.error) == (0, "1 taken, 0 already here, 0 skipped\n")
    assert ended.out == f"{tenant}  {user_id or 'bot'}  taken  ({NAME})\n"
    assert ask(shell.world, user_id, Tenant(kind, tenant))["team_id"] == tenant
    row = shell.world.rows("SELECT * FROM installations")[0]
    assert (row["installed_at"], row["enterprise_id"]) == (START, "" if tenant == SOUTH else ORG)
    assert shell.world.rows("SELECT installed_at FROM installers")[0][0] == START
    place = shell.world.slack.enterprises[tenant] if kind == "E" else shell.world.slack.workspaces[tenant]
    assert (row["enterprise_name"] if kind == "E" else row["team_name"]) == place.name
    assert row["bot_user_id"] == ("" if user_id else shell.world.slack.state.installs[tenant].bot_user_id)
    scopes = shell.world.rows("SELECT scopes FROM tokens")[0][0]
    assert scopes == ("users:read" if user_id else "app_mentions:read,chat:write,incoming-webhook")
    before = shell.world.snapshot()
    shell.world.clock.advance(60)
    again = from_environment(shell, value)
    assert (again.status, again.out) == (0, f"{tenant}  {user_id or 'bot'}  already here  ({NAME})\n")
    assert {**shell.world.snapshot(), "meta": before["meta"]} == before
    assert tells_no_token(shell, ended, again)
    assert b"xox" not in shell.world.bytes_on_disk()


def test_a_lone_token_takes_the_place_of_one_that_died_and_of_none_that_works(shell: CommandLine) -> None:
    value = token_of(shell, SOUTH)
    assert shell.world.browser().install(SOUTH).status == 303
    assert from_environment(shell, value).out.split("  ")[2] == "already here"
    shell.world.clock.advance(60)
    shell.change("UPDATE tokens SET status = 'dead' WHERE holder_id = ''")
    shell.change("DELETE FROM tokens WHERE holder_id <> ''")
    tokens_before = shell.world.count("tokens")
    with shell.world.slack.lock:
        fresh = tokens.secret(shell.world.slack, "xoxb-")
        old = next(token for token in shell.world.slack.tokens_of[SOUTH] if token.kind == "bot")
        shell.world.slack.keep_token(replace(old, value=fresh, serial=shell.world.slack.next_serial(), expires_at=0.0))
        fresh_user = tokens.secret(shell.world.slack, "xoxp-")
        old = next(token for token in shell.world.slack.tokens_of[SOUTH] if token.kind == "user")
        shell.world.slack.keep_token(
            replace(old, value=fresh_user, serial=shell.world.slack.next_serial(), expires_at=0.0)
        )
    for value, who in ((fresh, "bot"), (fresh_user, SOUTH_ADMIN)):
        assert from_environment(shell, value).out == f"{SOUTH}  {who}  taken  ({NAME})\n"
    assert shell.world.count("tokens") == tokens_before + 1
    south = Tenant("T", SOUTH)
    assert all(ask(shell.world, user_id, south)["ok"] for user_id in ("", SOUTH_ADMIN))


def refused(shell: CommandLine, ended: Ended, why: str, status: int = 1) -> bool:
    """In one line, with nothing taken, and no token told."""
    assert (ended.status, ended.out, ended.error) == (status, "", f"slackapp: {why}\n")
    return shell.world.count("installations") == 0 and tells_no_token(shell, replace(ended, error=""))


def test_a_variable_without_a_token_is_refused(shell: CommandLine) -> None:
    for value in (None, "  \n"):
        why = f"{NAME}: there is no such variable in the environment, or it is empty"
        assert refused(shell, from_environment(shell, value), why)
    neither = f"{NAME}: is neither a bot's token (xoxb-…) nor a person's (xoxp-…)"
    assert refused(shell, from_environment(shell, "hunter2"), neither)
    for value in ("xapp-1-A0-1-x", "xoxb", "axoxb-1", "xoxb-1 xoxb-2", "xoxb-\u00fc", "xoxb-1\x07"):
        with pytest.raises(CommandError) as caught:
            import_token.run(shell.world.service.app, NAME, Secret(value))
        assert str(caught.value) == neither
    assert shell.world.calls() == []


def test_the_value_in_place_of_the_name_is_not_repeated(shell: CommandLine) -> None:
    """I type a dollar sign too many, and my token stands in the log of the build."""
    why = "--token-env: takes the name of a variable, not its value"
    assert refused(shell, shell.run("import", "--token-env", token_of(shell, SOUTH)), why, 2)
    for value in ("", "a b", "1A", "A=B", "Ä", "A\n"):
        with pytest.raises(CommandError, match=f"^{why}$"):
            config.read_variable(value)


def test_a_token_that_rotates_is_refused_without_asking_slack(shell: CommandLine) -> None:
    why = f"{NAME}: is a token that rotates; without its refresh token it ends within hours. Install again"
    assert refused(shell, from_environment(shell, token_of(shell, NORTH)), why)
    for value in (token_of(shell, NORTH, ADMIN), "xoxe-1-refresh"):
        with pytest.raises(CommandError) as caught:
            import_token.run(shell.world.service.app, NAME, Secret(value))
        assert str(caught.value) == why
    assert shell.world.calls() == []


def test_a_token_that_slack_does_not_take_is_refused(shell: CommandLine) -> None:
    for code in ("invalid_auth", "account_inactive", "missing_scope"):
        shell.world.slack.fault(Fault("auth.test", "error", error=code))
        ended = from_environment(shell, token_of(shell, SOUTH))
        assert refused(shell, ended, f"{NAME}: Slack says {code}; nothing was taken")


def test_while_slack_is_away_it_is_to_be_tried_again(shell: CommandLine) -> None:
    faults: list[tuple[Any, str]] = [
        ("html500", "server_error"),
        ("cut", "unreachable"),
        ("ratelimited", "ratelimited"),
    ]
    for kind, code in faults:
        shell.world.slack.clear_faults()
        shell.world.slack.fault(Fault("auth.test", kind, times=-1))
        ended = from_environment(shell, token_of(shell, SOUTH))
        assert (ended.status, ended.out, ended.error) == (75, "", f"slackapp: {NAME}: {code}; try again\n")
        assert shell.world.count("installations") == 0


def test_an_answer_that_names_no_tenant_of_this_app_is_skipped(shell: CommandLine) -> None:
    answers: list[tuple[dict[str, Any], str]] = [
        ({"app_id": "A0STRANGER"}, "it belongs to another app"),
        ({"team_id": None}, "it names neither a workspace nor an enterprise"),
        ({"team_id": "south"}, "its team or enterprise id is none"),
        ({"team_id": ["south"]}, "its team_id is not text"),
        ({"user_id": "B0BOT"}, "its bot_user_id is none"),
        ({"enterprise_id": "none"}, "its team or enterprise id is none"),
    ]
    for patch, why in answers:
        shell.world.slack.fault(Fault("auth.test", "patch", patch=patch))
        ended = from_environment(shell, token_of(shell, SOUTH))
        assert (ended.status, ended.error) == (1, "0 taken, 0 already here, 1 skipped\n")
        assert f"  skipped: {why}  ({NAME})\n" in ended.out
        assert shell.world.count("installations") == 0


def test_the_answers_own_app_id_may_be_there_and_an_enterprises_flag_may_be_missing(shell: CommandLine) -> None:
    shell.world.slack.fault(Fault("auth.test", "patch", patch={"app_id": "A0LOCAL001", "is_enterprise_install": None}))
    assert from_environment(shell, token_of(shell, ORG)).out == f"{ORG}  bot  taken  ({NAME})\n"


def test_erase_source_is_refused_for_a_token_from_the_environment(shell: CommandLine) -> None:
    why = "--erase-source: cannot change the environment; take the variable out of it yourself"
    for value in (token_of(shell, SOUTH), None):
        assert refused(shell, from_environment(shell, value, "--erase-source"), why, 2)
    assert shell.world.calls() == []


def test_a_process_that_writes_ascii_can_tell_of_names_that_are_no_text(shell: CommandLine, folder: Path) -> None:
    """Where the output takes nothing else, a file's name must not end the command half way."""
    files = Files(folder / "source")
    files.save(bolts(shell.world.slack, SOUTH, SOUTH_ADMIN, BEFORE))
    place = os.fsencode(files.folder)
    os.mkdir(place + b"/none-\xff\xfc")
    Path(os.fsdecode(place + f"/none-{SOUTH}/installer-".encode() + b"\xff-latest")).touch()
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        assert main(["import", *files.arguments]) == 1
    out.flush()
    text = out.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined]
    assert "skipped  none-\\udcff\\udcfc: there is no installation in it" in text
    assert f"(none-{SOUTH}/installer-\\udcff-latest)" in text


def test_a_source_that_was_imported_long_ago_can_be_erased_later(shell: CommandLine, store: BoltStore) -> None:
    assert shell.run("import", *store.arguments).status == 0
    shell.world.clock.advance(43_200 - 600)
    assert ask(shell.world)["ok"]
    saved = bolts(shell.world.slack, SOUTH, SOUTH_ADMIN, BEFORE, **without("user"))
    store.save(changed(saved, installed_at=BEFORE + 99, team_name="Renamed"))
    ended = shell.run("import", *store.arguments, "--erase-source")
    assert (ended.status, ended.error) == (0, "2 taken, 2 already here, 0 skipped\n")
    assert b"xox" not in store.bytes()
