"""The pages of an organization's workspaces: every state in words, who may do what, and what is done."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slackapp.errors import UsageError
from slackapp.host.channel_list import ChannelList, ListedChannel
from slackapp.host.checks.form_token import make_form_token
from slackapp.host.flows import change_connection, freeze_organization, list_channels, switch_host
from slackapp.host.flows.connect import open_session, report_connects, seed_organization
from slackapp.host.flows.events import note_channel
from slackapp.host.memory import host_memory
from slackapp.host.model import ChannelState, ConnectionStatus, HostRole
from slackapp.host.pages import parts, states, workspaces
from slackapp.host.pages.states import NextStep, State
from slackapp.host.rows import ConnectionSettings, Purpose, StatusReason
from slackapp.host.store import connections, members, purposes
from slackapp.model import Actor, ActorKind, Tenant, TenantKind
from tests.support.callback_world import nothing_happens
from tests.support.client import Reply, cookie_header
from tests.support.connected import ACME, add_member, begin, held
from tests.support.connecting import HOST_URL, Person, ann, eve, form_token, make_host_world
from tests.support.world import NORTH, ORG, ORG_TEAM, SOUTH, World

SCOPES = "app_mentions:read,channels:join,channels:read,chat:write,commands,groups:read,users:read"
ALL, CONNECTS = "/settings/integrations", "/settings/connects"
OPERATOR = Actor(ActorKind.OPERATOR, "r0")
OWNER, ADMIN, MEMBER, AUDITOR = HostRole


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_host_world(tmp_path, SLACKAPP_BOT_SCOPES=SCOPES, SLACKAPP_HOST_WORKSPACES="9") as made:
        yield made


def of_role(world: World, role: HostRole, organization: str = ACME) -> Person:
    """Somebody who is signed in, in that role."""
    with world.service.app.db.transaction():
        add_member(world.service.app.db, organization, f"the-{role}", role)
    person = Person(world, world.browser(), organization, f"the-{role}", role)
    person.sign_in()
    return person


def connected(world: World) -> tuple[Person, str]:
    """Ann, who has connected a workspace, and the address of its page."""
    person = ann(world)
    return person, f"{ALL}/{person.connect().id}"


def forms(person: Person) -> str:
    """The token of a session, whether its pages have a form or not."""
    cookies = cookie_header(person.browser.cookies)["Cookie"]
    found = open_session.find(person.app, cookies, None, person.world.clock())
    return make_form_token(found.secret) if found is not None else ""


def act(person: Person, path: str, step: str, **fields: str) -> Reply:
    """A button of the page of a workspace."""
    return person.post(path, {"form_token": forms(person), "step": step, **fields})


def made_up(world: World, role: HostRole = OWNER) -> str:
    """The page of an organization that has a connection in every state, for somebody in that role."""
    seed_organization.run(world.service.app, "seeded", OPERATOR, world.clock())
    return of_role(world, role, "seeded").browser.get(ALL).text


def test_every_state_that_there_is_has_words_of_its_own() -> None:
    for status in ConnectionStatus:
        assert (status, "") in states._STATES, status
    assert {reason for _, reason in states._STATES} == {
        "", StatusReason.REVIEW, StatusReason.FREEZE, StatusReason.KEY, StatusReason.AGE, StatusReason.OWNER,
    }  # fmt: skip
    seeded = {(seed.status, seed.reason) for seed in seed_organization.SEEDS}
    assert {status for status, _ in seeded} == set(ConnectionStatus)
    sentences = [state.sentence for state in states._STATES.values()]
    assert len(sentences) == len(set(sentences))


def test_every_reason_that_a_connect_fails_for_is_told() -> None:
    failing = list(StatusReason)[list(StatusReason).index(StatusReason.ACCESS_DENIED) :]
    assert set(states.OUTCOMES) == set(failing)


def test_an_owner_sees_each_state_with_one_next_step(world: World) -> None:
    page = made_up(world)
    seeded = {(seed.status, str(seed.reason or "")) for seed in seed_organization.SEEDS}
    for which, state in states._STATES.items():
        # What has failed stands on the page about connecting.
        if which in seeded and which[0] is not ConnectionStatus.FAILED:
            assert state.sentence in page
    assert states._LESS.sentence in page
    assert states._NO_CHANNEL.sentence in page
    cards = [card for card in page.split("<section>")[1:] if 'class="chip' in card]
    main = [len(re.findall(r'class="button"', card)) for card in cards]
    assert max(main) == 1, "one main button at most"
    assert page.index("Needs to be reconnected") < page.index("Suspended: too old") < page.index(">Connected<")


@pytest.mark.parametrize("state", ChannelState)
def test_a_channel_that_is_gone_is_told_with_what_to_do(world: World, state: ChannelState) -> None:
    person, page = connected(world)
    (found,) = connections.list_held(world.service.app.db, ACME)
    db = world.service.app.db
    with db.transaction():
        settings = ConnectionSettings("ann", "", "C0NORTH001GEN", NORTH)
        held_now = connections.find_held(db, found[1])
        assert held_now is not None
        assert change_connection.configure(db, held_now, settings, world.clock())
        note_channel.note(db, found[1], "C0NORTH001GEN", state, now=world.clock())
    told = person.browser.get(page).text
    what, advice = workspaces._UNAVAILABLE[state]
    assert f"<code>C0NORTH001GEN</code> {what}. No message arrives there. {advice}" in told


def test_who_may_not_is_told_who_can(world: World) -> None:
    page = made_up(world, AUDITOR)
    assert "<form" not in page
    assert "Next: Reconnect. An owner or admin does that." in page
    assert "Next: Test now. An owner or admin does that." in page


@pytest.mark.claim("C-235")
def test_each_role_does_what_it_may_and_nothing_else(world: World) -> None:
    _, path = connected(world)
    wanted = {
        "disconnect": {OWNER, ADMIN},
        "channel": {OWNER, ADMIN},
        "take_over": {OWNER, ADMIN},
        "test": {OWNER, ADMIN, MEMBER},
    }
    for role in HostRole:
        person = of_role(world, role)
        shown = {
            "": HostRole.__members__.values(),
            "/channels": {OWNER, ADMIN, MEMBER},
            "/disconnect": {OWNER, ADMIN},
        }
        for below, allowed in shown.items():
            assert (person.browser.get(path + below).status == 200) is (role in allowed), (role, below)
        assert (person.browser.get(CONNECTS).status == 200) is (role is not MEMBER)
        for step, allowed in wanted.items():
            if role not in allowed:
                page = {"form_token": forms(person), "step": step, "channel": "C0NORTH001GEN"}
                with nothing_happens(world):
                    assert person.post(path, page).status == 403, (role, step)
    assert act(of_role(world, MEMBER), path, "test").status == 200


def test_what_is_another_organizations_is_not_there(world: World) -> None:
    _, path = connected(world)
    stranger = eve(world)
    stranger.sign_in()
    for below in ("", "/channels", "/disconnect"):
        assert stranger.browser.get(path + below).status == 404
    for step in ("test", "channel", "take_over", "disconnect"):
        with nothing_happens(world):
            assert act(stranger, path, step, channel="C0NORTH001GEN").status == 404
    assert "Northwind" not in stranger.browser.get(ALL).text


@pytest.mark.claim("C-166")
def test_a_form_without_the_token_of_the_session_does_nothing(world: World) -> None:
    person, path = connected(world)
    for token in ("", "x"):
        with nothing_happens(world):
            assert person.post(path, {"form_token": token, "step": "disconnect"}).status == 403
    other = {"form_token": form_token(person.browser.get(ALL)), "step": "disconnect"}
    with nothing_happens(world):
        assert person.post(path, other, HOST_URL).status == 403


def test_a_test_asks_slack_and_says_what_came_of_it(world: World) -> None:
    person, path = connected(world)
    page = act(person, path, "test")
    assert (page.status, page.text.count("the token works")) == (200, 1)
    world.slack.revoke_bot(NORTH)
    refused = act(person, path, "test")
    assert (refused.status, "an owner or admin connects it again" in refused.text) == (409, True)
    assert f'href="{ALL}"' in refused.text
    assert "Slack no longer takes its token" in person.browser.get(path).text


def test_a_channel_is_searched_for_and_becomes_the_default(world: World) -> None:
    person, path = connected(world)
    assert "Messages that name no channel have nowhere to go yet" in person.browser.get(path).text
    listed = person.browser.get(f"{path}/channels?search=%23GEN").text
    assert ("#general" in listed, "#random" in listed) == (True, False)
    assert "No channel has that in its name" in person.browser.get(f"{path}/channels?search=zzz").text
    done = act(person, path, "channel", channel="C0NORTH001GEN")
    assert (done.status, done.location.endswith(path)) == (303, True)
    assert '#general <code class="copy">C0NORTH001GEN</code>' in person.browser.get(path).text
    world.clock.advance(61)
    assert '<dd><code class="copy">C0NORTH001GEN</code>' in person.browser.get(path).text, "no list is known any more"
    assert "Default</span>" in person.browser.get(f"{path}/channels").text


@pytest.mark.claim("C-236")
@pytest.mark.parametrize(("step", "fields", "status"), [
    ("channel", {"channel": "general"}, 422),
    ("channel", {"channel": ""}, 422),
    ("channel", {}, 422),
    ("channel", {"channel": "C0NOTHERE1"}, 422),
    ("nonsense", {"channel": "C0NORTH001GEN"}, 400),
    ("", {}, 400),
])  # fmt: skip
def test_a_form_that_says_nothing_good_changes_nothing(
    world: World, step: str, fields: dict[str, str], status: int
) -> None:
    person, path = connected(world)
    assert act(person, path, step, **fields).status == status
    assert person.held().default_channel_id == ""
    if fields.get("channel") != "C0NOTHERE1":
        assert [call.method for call in world.slack.calls].count("conversations.info") == 0


@pytest.mark.claim("C-236")
def test_of_an_enterprise_a_workspace_is_named_before_slack_is_asked(world: World) -> None:
    person = ann(world)
    path = f"{ALL}/{person.connect(ORG).id}/channels"
    assert "Say which workspace of your Enterprise" in person.browser.get(path).text
    assert person.browser.get(f"{path}?teamId=x").status == 400
    assert "conversations.list" not in [call.method for call in world.slack.calls]
    assert "#general" in person.browser.get(f"{path}?teamId={ORG_TEAM}&search=gen").text


def test_many_channels_stand_on_several_pages(world: World) -> None:
    person, path = connected(world)

    app, ours = world.service.app, person.held()
    many = [ListedChannel(f"c{number:03}", f"C0MANY{number:04}", True, True, True, True) for number in range(120)]
    host_memory(app).channel_lists.keep(list_channels._key(ours, ""), ChannelList(tuple(many), (), app.clock(), {}))
    first = person.browser.get(f"{path}/channels").text
    assert ("#c049" in first, "#c050" in first) == (True, False)
    (onward,) = re.findall(r'href="([^"]+)">More channels', first)
    assert "#c050" in person.browser.get(onward.replace("&amp;", "&")).text
    assert "private, the app is in it, shared with other companies, not everybody may post" in first
    assert "#c000" in person.browser.get(f"{path}/channels?cursor=nonsense").text


def test_it_is_asked_once_and_then_everything_is_gone(world: World) -> None:
    person, path = connected(world)
    asked = person.browser.get(f"{path}/disconnect").text
    assert "Disconnect Northwind?" in asked
    assert "Everything" not in asked
    assert "Disconnect and erase" in asked
    done = act(person, path, "disconnect")
    assert "Northwind is disconnected" in done.text
    assert "Slack has removed the app" in done.text
    assert world.count("tokens") == 0
    assert person.browser.get(path).status == 404
    assert "Acme has not connected a Slack workspace yet." in person.browser.get(ALL).text


@pytest.mark.claim("C-237")
def test_switched_off_only_what_ends_something_goes_on(world: World) -> None:
    person, path = connected(world)
    switch_host.disable(world.service.app, ACME, OPERATOR, world.clock())
    assert "Slack is switched off here for now" in person.browser.get(ALL).text
    for step in ("test", "channel", "take_over"):
        with nothing_happens(world):
            assert act(person, path, step, channel="C0NORTH001GEN").status == 503
    assert person.browser.get(f"{path}/channels").status == 503
    assert act(person, path, "disconnect").status == 200


def test_a_freeze_is_told_above_all(world: World) -> None:
    person, _ = connected(world)
    freeze_organization.run(world.service.app, ACME, replace(person.caller, role=OWNER), world.clock())
    page = person.browser.get(ALL).text
    assert "All use of Slack is stopped for your organization" in page
    assert "Stopped</span>" in page


def test_somebody_takes_over_what_nobody_answers_for(world: World) -> None:
    person, path = connected(world)
    owner = of_role(world, OWNER)
    with world.service.app.db.transaction():
        key = person.held(NORTH).key
        suspended = ConnectionStatus.SUSPENDED
        assert change_connection.set_status(person.app.db, key, suspended, StatusReason.OWNER, now=world.clock())
    assert "<dd>Nobody</dd>" in owner.browser.get(path).text
    assert act(owner, path, "take_over").status == 303
    assert "<dd>The-Owner</dd>" in owner.browser.get(path).text


def test_it_is_reconnected_by_a_button_of_its_page(world: World) -> None:
    person, path = connected(world)
    page = person.browser.get(path).text
    assert f'name="reconnect" value="{path.rpartition("/")[2]}"' in page


def test_one_limit_reached_nothing_can_be_begun(tmp_path: Path) -> None:
    with make_host_world(tmp_path) as world:
        person, _ = connected(world)
        page = person.browser.get(ALL).text
    assert "Acme has as many workspaces as it may connect." in page
    assert "Connect Slack</button>" not in page


def test_a_session_begins_with_what_waits_and_else_with_the_workspaces(world: World) -> None:
    person = ann(world)
    assert person.sign_in().location.endswith("/settings")
    assert person.browser.get("/settings").location.endswith(ALL)
    person.come_back(person.approve(person.begin().authorize_url, SOUTH))
    person.sign_in()
    assert person.browser.get("/settings").location.endswith("/settings/connect")
    page = person.browser.get(ALL).text
    assert "Waiting for confirmation" in page
    assert 'href="/settings/connect">Look at it and confirm' in page
    assert "Look at it and confirm" not in of_role(world, OWNER).browser.get(ALL).text


def test_whoever_is_not_signed_in_is_sent_back_to_the_host(world: World) -> None:
    for path in (ALL, CONNECTS, f"{ALL}/x", f"{ALL}/x/channels", f"{ALL}/x/disconnect"):
        page = world.request("GET", path)
        assert (page.status, "Go back to the product that led you here" in page.text) == (401, True)


def test_what_people_call_things_stays_text(world: World) -> None:
    """I name a purpose, myself and my workspace so that a browser takes it for markup."""
    hostile = "<script>alert(1)</script>\"'"
    person, app = of_role(world, ADMIN), world.service.app
    attempt = begin(app.db, now=world.clock())
    path = f"{ALL}/{attempt.id}"
    with app.db.transaction():
        named = held(Tenant(TenantKind.WORKSPACE, "T0HOSTILE1"))._replace(team_name=hostile, team_domain=hostile)
        change_connection.activate(app.db, attempt, named, OPERATOR, world.clock())
        purposes.save(app.db, ACME, Purpose("alerts", hostile), world.clock())
        known = members.find(app.db, ACME, attempt.owner_id)
        assert known is not None
        members.note(app.db, known._replace(name=hostile, issued_at=known.issued_at + 5), world.clock())
    for below in (ALL, path, f"{path}/disconnect"):
        text = person.browser.get(below).text
        assert "<script" not in text
        assert "&lt;script&gt;" in text


def test_what_was_begun_is_counted_with_what_became_of_it(world: World) -> None:
    app, now = world.service.app, world.clock()
    assert report_connects.run(app, "seeded", now).begun == 0
    seed_organization.run(app, "seeded", OPERATOR, now)
    report = report_connects.run(app, "seeded", now)
    assert (report.begun, report.connected, report.under_way) == (16, 10, 2)
    assert report.failures[0] == (StatusReason.ACCESS_DENIED, 2)
    assert sum(each.begun for each in report.days) == report.begun
    assert sum(number for _, number in report.lengths) == report.connected
    assert report.median_seconds == 96
    page = of_role(world, AUDITOR, "seeded").browser.get(CONNECTS).text
    assert "Permission was not given in Slack" in page
    assert page.count('<svg class="chart"') == page.count("The same in numbers") == 3
    nothing = of_role(world, AUDITOR).browser.get(CONNECTS).text
    assert "Nobody has begun to connect a workspace in the last 30 days." in nothing


def test_what_is_made_up_harms_nobody_who_is_there(world: World) -> None:
    with nothing_happens(world), pytest.raises(UsageError, match="is there already"):
        seed_organization.run(world.service.app, ACME, OPERATOR, world.clock())


@pytest.mark.parametrize(("at", "said"), [
    (1000, "just now"), (960, "just now"), (940, "1 minute ago"), (1180, "in 3 minutes"), (1000 - 7200, "2 hours ago"),
    (1000 + 86_400, "in 1 day"), (1000 - 86_400 * 2000, "2,000 days ago"),
])  # fmt: skip
def test_a_time_is_told_as_a_distance_with_the_exact_one_beside_it(at: int, said: str) -> None:
    told = parts.say_time(at + 1_800_000_000, 1_800_001_000)
    assert told.endswith(f">{said}</time>")
    assert re.search(r'datetime="20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ" title="20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC"', told)
    assert parts.say_time(None, 1) == "Never"


def test_a_status_is_never_a_colour_alone() -> None:
    for state in (State(tone, "Word", "", NextStep.NOTHING) for tone in parts._ICONS):
        made = parts.chip(state.tone, state.word)
        assert made.startswith(f'<span class="chip {state.tone.value}"><svg')
        assert made.endswith("Word</span>")
    assert len(set(parts._ICONS.values())) == len(parts._ICONS)


def answer(person: Person, step: str, **fields: str) -> Reply:
    """A button of the page of approvals."""
    return person.post("/settings/approvals", {"form_token": forms(person), "step": step, **fields})


@pytest.mark.claim("C-235", "C-236", "C-237")
def test_a_member_asks_and_an_owner_answers_on_the_page(tmp_path: Path) -> None:
    with make_host_world(tmp_path, SLACKAPP_HOST_APPROVAL="yes") as world:
        member, owner, auditor = (of_role(world, role) for role in (MEMBER, OWNER, AUDITOR))
        assert "Nobody has asked to connect a workspace." in owner.browser.get("/settings/approvals").text
        assert [answer(member, "ask", reason=reason).status for reason in ("", "x" * 201)] == [400, 400]
        assert answer(auditor, "ask", reason="mine").status == 403
        switch_host.disable(world.service.app, ACME, OPERATOR, world.clock())
        assert answer(member, "ask", reason="alerts").status == 503
        switch_host.enable(world.service.app, ACME, OPERATOR, world.clock())
        assert answer(member, "ask", reason="<b>alerts</b>").status == 303
        page = owner.browser.get("/settings/approvals").text
        assert ("&lt;b&gt;alerts" in page, "Waits for an answer" in page) == (True, True)
        (named,) = re.findall(r'aria-label="Approve: what ([^"]+) asked"', page)
        assert f"<h2>{named}</h2>" in page, "whoever hears the button hears whose wish it is"
        (wish,) = re.findall(r'name="approval" value="([^"]+)"', page)
        assert "Approve</button>" not in member.browser.get("/settings/approvals").text
        assert [answer(each, "approve", approval=wish).status for each in (member, auditor)] == [403, 403]
        assert [answer(owner, step, approval=wish, note=note).status for step, note in (
            ("nonsense", ""), ("approve", "x" * 201), ("approve", "fine"), ("deny", ""),
        )] == [400, 400, 303, 503]  # fmt: skip
        page = member.browser.get("/settings/approvals").text
        assert ("Approved</span>" in page, "fine" in page, ">Connect Slack</a>" in page) == (True, True, True)
