"""Attacks by reading: the files, the log, and every answer, for anything that opens a customer's workspace."""

import base64
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from slackapp.localslack.model import Fault
from tests.support.client import Reply
from tests.support.world import NORTH, ORG, ORG_TEAM, SIGNING_SECRET, SOUTH, World, make_world

OPERATOR = "an-operator-token-of-forty-characters-xx"
CANARY = "canary words of a customer"
PRIVATE_FILES = ("master.key", "operator.token")
SCOPES = "app_mentions:read,chat:write,incoming-webhook"


@dataclass
class CollectedOutput:
    """What somebody who reads along gets, by where it was found, and the secrets to look for."""

    found: dict[str, bytes] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)

    def add(self, where: str, data: bytes) -> None:
        self.found[f"{len(self.found)} {where}"] = data

    def leaks(self) -> list[tuple[str, str]]:
        """Where a secret is, in any spelling."""
        everything = b"\0".join(self.found.values())
        there = [(secret, form) for secret in self.secrets for form in spellings(secret) if form in everything]
        return [(where, secret) for secret, form in there for where, data in self.found.items() if form in data]


def spellings(secret: str) -> set[bytes]:
    """As it is, in hexadecimal, in base64 at each of its three offsets, URL-encoded, and in UTF-16."""
    raw = secret.encode()
    forms = {raw, raw.hex().encode(), raw.hex().upper().encode()}
    forms |= {quote(secret, safe="").encode(), secret.encode("utf-16-le")}
    for offset in range(3):
        for encoded in (base64.b64encode(bytes(offset) + raw), base64.urlsafe_b64encode(bytes(offset) + raw)):
            # Characters at either end also depend on what stands beside the secret.
            forms.add(encoded[(0, 2, 3)[offset] : len(encoded) // 4 * 4 - 4])
    return forms


@pytest.fixture
def loot(monkeypatch: pytest.MonkeyPatch) -> CollectedOutput:
    """Every answer of the service. An install's answer may carry its own state and cookie, and nobody else's."""
    loot, request = CollectedOutput(), World.request

    def recorded(world: World, *arguments: Any, **named: Any) -> Reply:
        reply = request(world, *arguments, **named)
        kept = dict(reply.headers)
        if "set-cookie" in kept:
            loot.secrets |= {reply.query["state"], kept["set-cookie"].partition(";")[0].partition("=")[2]}
            kept["location"] = kept["location"].replace(quote(reply.query["state"], safe=""), "")
            kept["set-cookie"] = kept["set-cookie"].partition("=")[0]
        loot.add(f"answer to {arguments[:2]}", json.dumps(kept).encode() + b"\n" + reply.body)
        return reply

    monkeypatch.setattr(World, "request", recorded)
    return loot


@pytest.fixture
def collect_everything(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[World]:
    caplog.set_level(logging.DEBUG)
    with make_world(tmp_path, SLACKAPP_USER_SCOPES="users:read", SLACKAPP_BOT_SCOPES=SCOPES) as world:
        yield world


def take_files(world: World, loot: CollectedOutput, when: str) -> None:
    """Everything in the folder but the two files that are meant to hold secrets."""
    for file in world.folder.rglob("*"):
        if file.is_file() and file.name not in PRIVATE_FILES:
            loot.add(f"{file.name} {when}", file.read_bytes())


def as_operator(world: World, method: str, path: str, body: bytes = b"") -> Reply:
    return world.request(
        method, path, body, {"Authorization": f"Bearer {OPERATOR}", "Content-Type": "application/json"}
    )


def install_and_fail(world: World) -> None:
    """Installs that work, and some that do not."""
    for tenant in (NORTH, SOUTH, ORG):
        browser = world.browser()
        assert browser.install(tenant).status == 303
        browser.get("/slack/installed")
    world.slack.fault(Fault("oauth.v2.access", "patch", patch={"app_id": "A0OTHER001"}))
    world.slack.fault(Fault("oauth.v2.access", "garbage"))
    world.slack.fault(Fault("oauth.v2.access", "huge"))
    for _ in range(3):
        assert world.browser().install(SOUTH).status >= 400
    browser = world.browser()
    consented = browser.consent(browser.begin())
    assert world.browser().follow_callback(consented).status == 400, "another browser"
    assert browser.follow_callback(consented).status == 303
    assert browser.follow_callback(consented).status == 400, "a second time"
    browser.get(f"/slack/oauth_redirect?{consented.location.partition('?')[2]}&state=twice")


def run_and_fail(world: World) -> None:
    """Events that are answered, and some that fail in each way."""
    fields = {"type": "app_mention", "user": "U0SOMEBODY", "channel": "C0NORTH001GEN", "ts": "1.1", "text": CANARY}
    world.mention("EvFine")
    for number, kind in enumerate(("garbage", "html500", "huge", "cut", "redirect", "lost_answer")):
        world.slack.fault(Fault("chat.postMessage", kind))  # type: ignore[arg-type]
        world.event(fields, f"Ev{number}")
        world.work()
    world.event({**fields, "channel": None, "user": None}, "EvBug")
    world.event({"type": "app_mention", "text": CANARY}, "EvKeys")
    world.event(fields, "EvForeign", api_app_id="A0OTHER001")
    world.post_signed(b'{"text": "' + CANARY.encode())
    forged = {**world.sign(b"other"), "Content-Type": "application/json"}
    world.request("POST", "/slack/events", CANARY.encode(), forged)
    world.work()


def refresh_and_fail(world: World) -> None:
    """Refreshes that work, and some that do not."""
    for fault in ("lost_answer", "garbage", ""):
        world.clock.advance(36_500)
        if fault:
            world.slack.fault(Fault("oauth.v2.access", fault))  # type: ignore[arg-type]
        for team in (NORTH, SOUTH, ORG_TEAM):
            enterprise = ORG if team == ORG_TEAM else None
            world.mention(f"EvRefresh{team}{fault}", team_id=team, enterprise_id=enterprise)
        world.work()
    assert "token.refreshed" in world.audit()


def leave(world: World) -> None:
    """A dead token, an uninstall by the customer, and one by the operator."""
    world.slack.fault(Fault("chat.postMessage", "error", error="token_revoked", team=SOUTH))
    world.slack.invalidate_refresh_tokens(SOUTH)
    world.mention("EvDead", team_id=SOUTH)
    world.work()
    as_operator(world, "POST", "/slack/uninstall", json.dumps({"id": ORG}).encode())
    as_operator(world, "POST", f"/slack/uninstall?token={OPERATOR}")
    world.slack.uninstall(NORTH)
    world.event({"type": "app_uninstalled"}, "EvGone")
    as_operator(world, "GET", "/metrics")
    for path in ("/", "/healthz", "/readyz", "/nowhere"):
        world.request("GET", path)
    world.work()


def test_no_secret_is_in_any_file_log_or_answer(
    collect_everything: World,
    loot: CollectedOutput,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """I read your disk, your log at its most talkative, and everything that you ever answered."""
    for number, part in enumerate((install_and_fail, run_and_fail, refresh_and_fail, leave)):
        part(collect_everything)
        take_files(collect_everything, loot, f"after {part.__name__}")
        if number == 1:
            collect_everything.restart()
    settings = collect_everything.settings
    master = bytes(range(32)).decode("latin-1")
    loot.secrets |= {settings.client_secret.reveal(), SIGNING_SECRET, OPERATOR, CANARY, master}
    loot.secrets |= set(collect_everything.slack.issued_tokens)
    loot.add("log", collect_everything.log.getvalue().encode())
    loot.add("logging", caplog.text.encode() + repr([record.__dict__ for record in caplog.records]).encode())
    loot.add("output", "".join(capfd.readouterr()).encode())
    loot.add("settings", repr(settings).encode() + repr(collect_everything.service.app).encode())
    assert {"installed", "token.refreshed", "token.dead", "purge.complete", "uninstalled"} <= set(
        collect_everything.audit()
    )
    assert (len(loot.secrets) > 50, len(loot.found) > 60) == (True, True), "there was something to find"
    assert loot.leaks() == []


def test_a_planted_secret_is_found_in_every_spelling(loot: CollectedOutput) -> None:
    """I check that the search above would see me."""
    secret = "xoxb-planted/+=value-1234567890"
    loot.secrets.add(secret)
    for number, form in enumerate(sorted(spellings(secret))):
        loot.add(str(number), b"\0before" + form + b"after")
    for offset in range(7):
        loot.add("base64", base64.b64encode(b"x" * offset + secret.encode() + b"y" * offset))
    loot.add("clean", b"xoxb-planted")
    assert len({where for where, _ in loot.leaks()}) == len(loot.found) - 1
