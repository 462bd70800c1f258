"""The pages of messages: the history by filter, the life of one, writing one, and templates."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slackapp.host.flows import switch_host
from slackapp.host.model import HostRole, MessageReason, MessageStatus
from slackapp.host.pages.message_states import REASONS, STATES
from slackapp.host.rows import Purpose
from slackapp.host.store import purposes
from slackapp.localslack.model import Fault
from slackapp.model import Actor, ActorKind
from tests.host.pages.test_settings import forms, of_role
from tests.support import posting
from tests.support.callback_world import nothing_happens
from tests.support.client import Reply
from tests.support.connected import ACME, GLOBEX
from tests.support.connecting import Person, make_host_world
from tests.support.host_world import SCOPES, Host, connect
from tests.support.posting import accepted, look, said, send_due
from tests.support.world import World

HISTORY, COMPOSE, TEMPLATES = "/settings/messages", "/settings/compose", "/settings/templates"
OWNER, ADMIN, MEMBER, AUDITOR = HostRole


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_host_world(tmp_path, SLACKAPP_BOT_SCOPES=SCOPES) as made:
        connect(made, Host(made))
        posting.join(made, "general", "random")
        with made.service.app.db.transaction():
            purposes.save(made.service.app.db, ACME, Purpose("alerts", "Alerts & alarms"), made.clock())
        yield made


def fields_of(page: Reply) -> dict[str, str]:
    """The hidden fields of a page's first form."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))


def submit(person: Person, path: str, **fields: Any) -> Reply:
    return person.post(path, {**fields, "form_token": forms(person)})


def error_of(reply: Reply) -> str:
    """The id of the field that is marked as wrong."""
    found = re.search(r'id="([^"]+)" name="[^"]+"[^>]*aria-invalid="true"', reply.text)
    return found[1] if found else ""


def test_every_status_and_reason_has_words() -> None:
    assert set(STATES) == set(MessageStatus)
    assert set(REASONS) == set(MessageReason)
    sentences = [state.sentence for state in STATES.values()] + [sentence for sentence, _ in REASONS.values()]
    assert len(set(sentences)) == len(sentences)


@pytest.mark.claim("C-325")
def test_the_history_is_read_by_everybody_and_by_filter(world: World) -> None:
    host, general = Host(world), world.slack.workspaces["T0NORTH001"].general
    random = world.slack.workspaces["T0NORTH001"].random
    first = accepted(host, "a-canary", channel=general, purpose="alerts")
    send_due(world)
    world.clock.advance(86_400)
    later = accepted(host, "later", channel=random)
    person = of_role(world, AUDITOR)
    page = person.browser.get(HISTORY).text
    assert page.index(later) < page.index(first), "the newest first"
    assert ("Alerts &amp; alarms" in page, "Waiting" in page, ">Sent<" in page) == (True, True, True)
    assert ("a-canary" in page, "Write a message" in page) == (False, False)
    for query, shown in (
        ("status=sent", {first}),
        (f"channel={random}", {later}),
        ("purpose=alerts", {first, later}),
        ("day=2027-01-15", {first}),
        ("day=2027-01-16&status=queued", {later}),
        ("day=2027-01-17", set()),
    ):
        found = person.browser.get(f"{HISTORY}?{query}").text
        assert {each for each in (first, later) if each in found} == shown, query
    assert "No message is like that." in found
    for query in ("status=lost", "channel=general", "purpose=%2F", "day=2027-13-01", "day=x"):
        assert person.browser.get(f"{HISTORY}?{query}").status == 400, query
    for _ in range(50):
        accepted(host, "more", channel=random)
    page = person.browser.get(HISTORY).text
    (onward,) = re.findall(r'href="(/settings/messages\?cursor=[0-9]+)"', page)
    rest = person.browser.get(onward).text
    assert (first in page, first in rest, "Older messages" in rest) == (False, True, False)
    stranger = of_role(world, OWNER, GLOBEX)
    assert first not in stranger.browser.get(HISTORY).text
    assert stranger.browser.get(f"{HISTORY}/{first}").status == 404


@pytest.mark.claim("C-326", "C-327")
def test_one_message_is_looked_at_canceled_and_settled(world: World) -> None:
    host, general = Host(world), world.slack.workspaces["T0NORTH001"].general
    meg, ann = of_role(world, MEMBER), of_role(world, ADMIN)
    mine = host.of("the-member", MEMBER)
    waiting = accepted(mine, "one", channel=general, sendAt="2027-02-01T00:00:00Z")
    page = meg.browser.get(f"{HISTORY}/{waiting}").text
    assert ("Scheduled" in page, "To go out" in page, "in 16 days" in page) == (True, True, True)
    reply = submit(meg, f"{HISTORY}/{waiting}", step="cancel")
    assert (reply.status, look(host, waiting)["status"]) == (200, "canceled")
    assert "It is canceled" in reply.text
    world.slack.fault(Fault("chat.postMessage", "lost_answer"))
    unclear = accepted(mine, "two", channel=general)
    send_due(world)
    page = meg.browser.get(f"{HISTORY}/{unclear}").text
    assert "Slack&#x27;s answer was lost. Nobody knows" in page
    for step in ("again", "dropped", "sent"):
        assert f'name="step" value="{step}"' in page
    other = of_role(world, AUDITOR)
    assert "<form" not in other.browser.get(f"{HISTORY}/{unclear}").text
    for person, step, status in (
        (other, "sent", 403),
        (meg, "nonsense", 400),
        (meg, "cancel", 400),
        (of_role(world, OWNER, GLOBEX), "sent", 404),
    ):
        with nothing_happens(world):
            assert submit(person, f"{HISTORY}/{unclear}", step=step).status == status, step
    switch_host.disable(world.service.app, ACME, Actor(ActorKind.OPERATOR, "r0"), world.clock())
    with nothing_happens(world):
        assert submit(meg, f"{HISTORY}/{unclear}", step="again").status == 503
    switch_host.enable(world.service.app, ACME, Actor(ActorKind.OPERATOR, "r0"), world.clock())
    assert submit(ann, f"{HISTORY}/{unclear}", step="again").status == 200
    world.clock.advance(5)
    send_due(world)
    assert look(host, unclear)["status"] == "sent"
    with nothing_happens(world):
        assert submit(ann, f"{HISTORY}/{unclear}", step="cancel").status == 400, "what was sent is not deleted by it"
    assert host.put("organization", {"contentDays": 7}).status == 200
    blocks = [{"type": "section", "text": {"type": "plain_text", "text": "a-canary <2>"}}]
    kept = accepted(mine, "a-canary <1>", channel=general, blocks=blocks)
    world.clock.advance(5)
    send_due(world)
    for person, is_shown in ((meg, True), (ann, True), (other, False)):
        page = person.browser.get(f"{HISTORY}/{kept}").text
        assert ("a-canary &lt;1&gt;" in page, "a-canary &lt;2&gt;" in page) == (is_shown, is_shown)
        assert "Open it in Slack" in page
    was_mine = accepted(host.of("the-auditor", MEMBER), "x", channel=general, sendAt="2027-02-01T00:00:00Z")
    world.clock.advance(1)
    host.of("the-auditor", AUDITOR).get("slack/integration")  # by now it may change nothing
    assert submit(of_role(world, AUDITOR), f"{HISTORY}/{was_mine}", step="cancel").status == 403
    theirs = accepted(host.of("somebody", MEMBER), "three", channel=general, sendAt="2027-02-01T00:00:00Z")
    assert "<form" not in meg.browser.get(f"{HISTORY}/{theirs}").text
    assert submit(meg, f"{HISTORY}/{theirs}", step="cancel").status == 403


@pytest.mark.claim("C-326")
def test_a_message_is_written_and_what_is_wrong_loses_nothing(world: World) -> None:
    general, meg = world.slack.workspaces["T0NORTH001"].general, of_role(world, MEMBER)
    page = meg.browser.get(COMPOSE)
    assert "#general" in page.text
    typed = {**fields_of(page), "channel": general, "text": "one\r\ntwo <3", "purpose": "alerts"}
    for change, wrong in (
        ({"text": " "}, "text"),
        ({"text": "x" * 4001}, "text"),
        ({"when": "2020-01-01T00:00"}, "when"),
        ({"when": "tomorrow"}, "when"),
        ({"channel": ""}, "channel"),
    ):
        refused = submit(meg, COMPOSE, **{**typed, **change})
        assert (refused.status >= 400, error_of(refused)) == (True, wrong), change
        assert "text" in change or "one\r\ntwo &lt;3" in refused.text, "what was typed is there"
    sent = submit(meg, COMPOSE, **typed)
    again = submit(meg, COMPOSE, **typed)
    assert (sent.status, again.location) == (303, sent.location), "a second click sends nothing"
    send_due(world)
    assert said(world) == ["one\ntwo <3"]
    message = look(Host(world), sent.location.rpartition("/")[2])
    assert (message["senderId"], message["purpose"], message["status"]) == ("the-member", "alerts", "sent")
    later = submit(meg, COMPOSE, **{**typed, "key": "k2", "when": "2027-06-01T12:30"})
    assert look(Host(world), later.location.rpartition("/")[2])["sendAt"] == "2027-06-01T12:30:00Z"
    world.slack.fault(Fault("*", "html500", times=-1))
    world.clock.advance(61)
    assert "Slack could not be asked for the channels" in meg.browser.get(COMPOSE).text
    for step in ("", "nonsense"):
        assert submit(meg, COMPOSE, **{**typed, "key": "k3", "step": step}).status == 400
    auditor = of_role(world, AUDITOR)
    assert auditor.browser.get(COMPOSE).status == 403
    assert submit(auditor, COMPOSE, **typed).status == 403
    assert "No workspace is connected" in of_role(world, OWNER, GLOBEX).browser.get(COMPOSE).text
    switch_host.disable(world.service.app, ACME, Actor(ActorKind.OPERATOR, "r0"), world.clock())
    assert meg.browser.get(COMPOSE).status == 503
    assert submit(meg, COMPOSE, **{**typed, "key": "k4"}).status == 503


@pytest.mark.claim("C-326")
def test_a_template_is_kept_used_and_deleted(world: World) -> None:
    general = world.slack.workspaces["T0NORTH001"].general
    ann, meg = of_role(world, ADMIN), of_role(world, MEMBER)
    bad = submit(ann, TEMPLATES, step="save", name="deploy", text="costs $5")
    assert (bad.status, error_of(bad), "costs $5" in bad.text) == (422, "text", True)
    assert submit(ann, TEMPLATES, step="save", name="deploy", text="Deployed\r\n*$version*").status == 303
    page = meg.browser.get(TEMPLATES).text
    assert ("deploy" in page, "<form" in page, "version" in page) == (True, False, True)
    assert "Deployed\n*$version*" in ann.browser.get(f"{TEMPLATES}?name=deploy").text
    compose = meg.browser.get(f"{COMPOSE}?template=deploy")
    typed = {**fields_of(compose), "channel": general}
    wrong = submit(meg, COMPOSE, **typed)
    assert (wrong.status, error_of(wrong)) == (422, "v_version")
    assert submit(meg, COMPOSE, **typed, v_version="<7>").status == 303
    send_due(world)
    assert said(world) == ["Deployed\n*&lt;7&gt;*"]
    for person, step, status in ((meg, "save", 403), (meg, "delete", 403), (ann, "nonsense", 400)):
        assert submit(person, TEMPLATES, step=step, name="deploy", text="x").status == status
    assert of_role(world, AUDITOR).browser.get(TEMPLATES).status == 403
    switch_host.disable(world.service.app, ACME, Actor(ActorKind.OPERATOR, "r0"), world.clock())
    assert submit(ann, TEMPLATES, step="save", name="deploy", text="x").status == 503
    assert submit(ann, TEMPLATES, step="delete", name="deploy").status == 303
    assert "No template is kept yet." in meg.browser.get(TEMPLATES).text
