"""The whole story of three customers as the audit tells it: each column holds a closed word, an id, or a number."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slackapp.localslack.model import Fault
from tests.support.audit_forms import outside
from tests.support.callback_world import approved
from tests.support.interactions import click_button, command
from tests.support.operator import CommandLine, open_shell
from tests.support.world import NORTH, ORG, SOUTH

SCOPES = "app_mentions:read,chat:write,commands,incoming-webhook,users:read"
POST, EXCHANGE = "chat.postMessage", "oauth.v2.access"


def installs(shell: CommandLine) -> None:
    """A third customer, with tokens that do not rotate yet; and installs that come to nothing."""
    world, browser = shell.world, shell.world.browser()
    assert browser.follow_callback(browser.consent(browser.begin(), decision="deny")).status == 200
    world.slack.fault(Fault(EXCHANGE, "error", error="invalid_code"))
    approved(world).finish()
    world.slack.fault(Fault(EXCHANGE, "lost_answer"))
    approved(world).finish()
    world.slack.app = replace(world.slack.app, rotation=False)
    assert browser.install(ORG).status == 303
    world.slack.app = replace(world.slack.app, rotation=True)


def events(shell: CommandLine) -> None:
    """Mentions, a command, a press that is refused; rows that die, whose call is unclear, and that an operator ends."""
    world = shell.world
    world.slack.fault(Fault(POST, "error", error="not_in_channel", team=NORTH))
    world.slack.fault(Fault(POST, "cut", team=SOUTH))
    world.work()
    assert command(world).status == 200
    assert click_button(world, "U0NORTH001MEM").status == 200
    assert world.mention("EvElsewhere", api_app_id="A0ANOTHER1").status == 200
    assert world.mention("EvUnknown", team_id="T0UNKNOWN1").status == 200
    world.work()
    shell.good("inbox", "show", "--body", "EvWaits0", "--tenant", NORTH)
    shell.good("inbox", "retry", "EvWaits0", "--tenant", NORTH)
    shell.good("inbox", "drop", "EvWaits1", "--tenant", SOUTH)
    world.work()


def tokens(shell: CommandLine) -> None:
    """Refreshed, exchanged, checked, frozen; and one that Slack refuses."""
    world = shell.world
    assert shell.run("exchange").status == 0
    world.clock.advance(42_000)
    assert world.mention("EvRefresh").status == 200
    world.slack.fault(Fault(EXCHANGE, "error", error="invalid_refresh_token", team=SOUTH))
    world.work()
    shell.run("check")
    shell.good("freeze", "--tenant", NORTH)
    shell.good("freeze", "--everything")
    assert world.mention("EvFrozen").status == 200
    world.work()
    shell.run("check")
    shell.run("unfreeze", "--everything")
    shell.good("unfreeze", "--tenant", NORTH)
    world.work()


def keys(shell: CommandLine) -> None:
    """Rotated, replaced and forgotten; a backup, its restore, and the backup after it."""
    shell.good("keys", "rotate")
    shell.good("keys", "retire", "1")
    shell.good("keys", "reencrypt", "--tenant", SOUTH)
    shell.good("keys", "flush")
    shell.good("backup", str(shell.folder / "b0"))
    assert shell.restore(str(shell.folder / "b0")).status == 0
    shell.good("backup", str(shell.folder / "b1"))
    shell.good("export", NORTH)


def refusals(shell: CommandLine) -> None:
    """Requests of strangers, with texts of their own."""
    world, text = shell.world, "Robert = Bobby <b@example.org>"
    for target in ("/nothing", "/slack/oauth_redirect?code=1.2.3&state=forged", "/slack/install?team=a+b", "/metrics"):
        assert world.request("GET", target).status >= 400
    assert world.request("PUT", "/slack/install").status == 405
    assert world.request("GET", "/slack/install", headers={"Host": "elsewhere"}).status == 400
    assert world.request("POST", "/slack/events", text.encode(), {"Content-Type": "application/json"}).status == 401
    assert world.post_signed(text.encode()).status == 400
    assert world.post_signed(b"{}", "text/plain").status == 415


def ends(shell: CommandLine) -> None:
    """One customer removes the app at Slack, one is removed, one is erased."""
    world = shell.world
    assert world.event({"type": "tokens_revoked", "tokens": {"oauth": ["U0SOUTH001ADM"]}}, "EvRevoked", team_id=SOUTH)
    assert world.event({"type": "app_uninstalled"}, "EvGone", team_id=SOUTH).status == 200
    world.work()
    assert shell.run("uninstall", NORTH).status == 0
    shell.good("purge", ORG)
    world.work()


STORY = (installs, events, tokens, keys, refusals, ends)


@pytest.fixture(scope="module")
def told(memory_folder: Path) -> Iterator[CommandLine]:
    with open_shell(memory_folder, SLACKAPP_BOT_SCOPES=SCOPES, SLACKAPP_HOME_ADMIN="yes") as shell:
        for part in STORY:
            part(shell)
        yield shell


HAPPENED = {
    "installed", "install.declined", "install.failed", "install.unclear", "token.read", "token.refreshed",
    "token.refresh_failed", "token.exchanged", "freeze.on", "freeze.off", "event.read", "event.retried",
    "event.dropped", "event.foreign_app", "event.unknown_tenant", "action.refused", "app_uninstalled", "tokens_revoked",
    "uninstall.begun", "uninstalled", "purge.begun", "purge.complete", "keys.promoted", "keys.rewrapped",
    "keys.retired", "keys.reencrypted", "keys.flushed", "backup.made", "backup.restored", "tenant.exported",
    "refused.path", "refused.method", "refused.host", "refused.media_type", "refused.json", "refused.operator",
    "refused.signature.malformed", "refused.state.malformed", "refused.team_hint", "refused.frozen",
    "refused.exchange", "refused.exchange.unclear",
}  # fmt: skip


def rows(shell: CommandLine) -> list[dict[str, object]]:
    return [dict(row) for row in shell.world.rows("SELECT * FROM audit ORDER BY id")]


def test_the_story_has_all_of_that(told: CommandLine) -> None:
    assert HAPPENED - set(told.world.audit()) == set()
    assert told.good("audit", "verify").startswith("all rows up to ")


def test_each_column_of_each_row_is_a_closed_word_an_id_or_a_number(told: CommandLine) -> None:
    """I read the audit, and look for something that somebody has written."""
    assert [(row["event"], name, row[name]) for row in rows(told) for name in outside(row)] == []


def test_no_name_no_text_and_no_pair_of_words_is_in_any_row(told: CommandLine) -> None:
    said = {value for row in rows(told) for value in row.values() if isinstance(value, str)}
    assert [value for value in said if "=" in value or len(value.split()) > 1] == []
    whole = "\n".join(said).lower()
    named = [workspace.name for workspace in told.world.slack.workspaces.values()]
    for text in (*named, "hello", "robert", "example", "general", "b0/", "xox", *told.world.slack.issued_tokens):
        assert text.lower() not in whole


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("--capability", "behaviour"), {"capability": "behaviour"}),
        (("--method", "auth.test", "--holder", "bot"), {"method": "auth.test", "holder_kind": "bot"}),
        (("--tenant", SOUTH, "--holder", "U0SOUTH001ADM"), {"tenant_id": SOUTH, "holder_id": "U0SOUTH001ADM"}),
    ],
)
def test_the_use_of_tokens_is_asked_for_by_capability_method_and_holder(
    told: CommandLine, words: tuple[str, ...], asked: dict[str, str]
) -> None:
    shown = told.good("audit", "tail", "--event", "token.read", "--number", "9999", "--json", *words).splitlines()
    wanted = [row["id"] for row in rows(told) if row.items() >= {"event": "token.read", **asked}.items()]
    assert [json.loads(line)["id"] for line in shown] == wanted != []


@pytest.mark.parametrize(
    ("column", "value"),
    [("purpose", "a text"), ("detail", "keys=4"), ("result", "Robert"), ("holder_id", "bobby"), ("record_id", "hello"),
     ("count", "4"), ("at", None), ("tenant_id", "northwind"), ("event", "other"), ("method", "chat postMessage"),
     ("capability", "any"), ("channel", "general"), ("request_id", "x"), ("format", 1)],
)  # fmt: skip
def test_a_value_that_is_none_of_them_is_found(told: CommandLine, column: str, value: object) -> None:
    """Negative control."""
    row = rows(told)[0]
    assert outside(row) == []
    assert outside({**row, column: value}) == [column]
