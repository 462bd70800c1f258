"""A walk through every page that a person may see, in a browser: the service's, the host side's, the local Slack's."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from slackapp.host.flows import change_connection
from slackapp.host.flows.change_settings import settings_of
from slackapp.host.flows.connect import approve_connect, seed_organization
from slackapp.host.flows.events import note_channel
from slackapp.host.handlers import connect_pages
from slackapp.host.model import ChannelState, HostCaller, HostRole
from slackapp.host.rows import Purpose
from slackapp.host.store import connections, purposes
from slackapp.localslack.model import Fault
from slackapp.model import Actor, ActorKind, Tenant, TenantKind
from slackapp.web.components import Frame
from tests.support import posting
from tests.support.browser import Page
from tests.support.connected import ACME, ANN
from tests.support.connecting import BEN, ann
from tests.support.host_site import Sites
from tests.support.world import NORTH, SOUTH

OPERATOR = Actor(ActorKind.OPERATOR, "r0")

APPROVE = "button[value=approve]"


def walk(page: Page, sites: Sites, folder: Path) -> Iterator[str]:
    """Names each page while it is shown."""
    app = sites.world.service.app
    with app.db.transaction():
        purposes.save(app.db, ACME, Purpose("alerts", "Alerts of deployments"), app.clock())
    yield from _install(page, sites)
    yield from _local_slack(page, sites)
    yield from _connect(page, sites, folder)
    yield from _settings(page, sites)


def _install(page: Page, sites: Sites) -> Iterator[str]:
    for name, path in {
        "landing": "/",
        "privacy": "/privacy",
        "support": "/support",
        "nothing installed": "/slack/installed",
        "declined": "/slack/oauth_redirect?error=access_denied",
        "refused": "/slack/oauth_redirect?code=1&state=nonsense",
        "not found": "/nowhere",
    }.items():
        page.open(sites.url + path)
        yield name
    page.open(f"{sites.world.slack_url}/oauth/v2/authorize")
    yield "Slack refuses"
    page.open(f"{sites.url}/")
    page.click("main a.button")
    yield "consent"
    page.click(APPROVE)
    sites.world.work()
    yield "installed"


def _local_slack(page: Page, sites: Sites) -> Iterator[str]:
    slack = sites.world.slack
    slack.mention(NORTH, "hello *there*, `code` and <https://example.com|a link>")
    page.open(sites.world.slack_url)
    yield "local Slack"


def _connect(page: Page, sites: Sites, folder: Path) -> Iterator[str]:
    page.open(f"{sites.url}/settings/connect")
    yield "connect, signed out"
    page.open(sites.host_url)
    page.click("form button")
    page.open(f"{sites.url}/settings/connect")
    yield "connect, begin"
    begun = ann(sites.world).begin(purpose="alerts")
    page.open(ann(sites.world).approve(begun.authorize_url, SOUTH))
    page.click("form button")
    yield "connect, confirm"
    # It leads on by itself at once: so it is shown from a file, without that.
    on = connect_pages.redirect_page(Frame("Example"), sites.host_url).body.decode()
    (folder / "on.html").write_text(re.sub("<meta http-equiv[^>]*>", "", on), "utf-8")
    page.open((folder / "on.html").as_uri())
    yield "connect, leading on"
    page.open(f"{sites.url}/settings/connect")
    page.run("document.querySelector('main form').submit()")
    page.wait_for(f"location.href.startsWith('{sites.host_url}')")
    page.open(f"{sites.url}/settings/connect")
    page.run("document.querySelector('[name=step]').value = 'confirm'")
    page.click("main form button")
    yield "connect, over"


def _settings(page: Page, sites: Sites) -> Iterator[str]:
    app, now = sites.world.service.app, sites.world.clock()
    seed_organization.run(app, "seeded", OPERATOR, now)
    for member, role in ((seed_organization.OWNER, HostRole.OWNER), (seed_organization.MEMBER, HostRole.MEMBER)):
        sites.host.organization, sites.host.member, sites.host.role = "seeded", member, role
        page.open(sites.host_url)
        page.click("form button")
        yield f"workspaces, {member}"
        if role is HostRole.OWNER:
            page.open(f"{sites.url}/settings/inventory")
            yield "inventory, seeded"
            yield from _governance(page, sites)
    page.open(f"{sites.url}/settings/connect")
    yield "connect, by whoever may not"
    sites.host.organization, sites.host.member, sites.host.role = ACME, ANN, HostRole.ADMIN
    page.open(sites.host_url)
    page.click("form button")
    (held,) = [each for each in ann(sites.world).all() if each["tenant_id"] == SOUTH]
    path = f"{sites.url}/settings/integrations/{held['id']}"
    yield "workspaces"
    page.open(path)
    yield "workspace"
    page.click("[value=test] ~ button")
    yield "workspace, tested"
    lose_channel(sites)
    page.open(path)
    yield "workspace, channel gone"
    page.open(f"{path}/channels")
    yield "channels"
    page.open(f"{path}/channels?search=nothing+like+it")
    yield "channels, none"
    page.open(f"{path}/disconnect")
    yield "disconnect"
    page.open(f"{sites.url}/settings/connects")
    yield "connecting"
    page.open(f"{sites.url}/settings/inventory")
    yield "inventory"
    page.open(f"{sites.url}/settings/token-use")
    yield "token use"
    page.open(f"{sites.url}/settings/token-use?capability=remove")
    yield "token use, none"
    yield from _messages(page, sites)
    approve_connect.ask(app, ben(sites), "To tell the shop floor of deployments", now)
    page.open(f"{sites.url}/settings/approvals")
    yield "approvals"
    page.open(f"{path}x")
    yield "workspace, not there"
    page.open(f"{path}/disconnect")
    page.click(".danger")
    yield "disconnected"


def _messages(page: Page, sites: Sites) -> Iterator[str]:
    posting.join(sites.world, "general", tenant_id=SOUTH)
    sites.world.clock.advance(61)  # for so long what was listed before counts
    page.open(f"{sites.url}/settings/messages")
    yield "messages, none"
    page.open(f"{sites.url}/settings/templates")
    page.run("document.querySelector('#name').value = 'deployed'")
    page.run("document.querySelector('#text').value = 'Deployed *$version* to $stage'")
    page.click("main form .button")
    yield "templates"
    for template in ("", "?template=deployed"):
        page.open(f"{sites.url}/settings/compose{template}")
        yield f"compose{', from a template' if template else ''}"
    page.run("document.querySelector('#when').value = '2020-01-01T00:00'")
    page.click("main form .button")
    yield "compose, refused"
    for text, when in (("Deployed 1.9", ""), ("Deployed 2.0", ""), ("Freeze", "2027-12-01T12:00")):
        page.open(f"{sites.url}/settings/compose")
        page.run(f"document.querySelector('#text').value = '{text}'; document.querySelector('#when').value = '{when}'")
        page.click("main form .button")
        if text == "Deployed 2.0":
            sites.world.slack.fault(Fault("chat.postMessage", "lost_answer"))
            unclear = page.run("location.pathname")
            sites.world.clock.advance(1)
        posting.send_due(sites.world)
    yield "message, scheduled"
    page.open(f"{sites.url}/settings/messages")
    yield "messages"
    page.open(f"{sites.url}/settings/analytics")
    yield "analytics"
    page.open(f"{sites.url}{unclear}")
    yield "message, unclear"
    page.click("[value=dropped] ~ button")
    yield "message, given up"


def _governance(page: Page, sites: Sites) -> Iterator[str]:
    reviews = f"{sites.url}/settings/reviews"
    page.open(reviews)
    yield "reviews, none"
    page.click("main form button")
    yield "review"
    page.run("document.querySelector('[name=note]').value = 'Tells the shop floor of deployments'")
    page.click("[value=revoke]")
    yield "review, disconnect"
    page.run("history.back()")
    page.wait_for("document.querySelector('[name=note]')")
    page.run("document.querySelector('[name=note]').value = 'Tells the shop floor of deployments'")
    page.click("[value=attest]")
    yield "review, answered"
    page.click("[value=close] ~ button")
    yield "review, close"
    page.click(".danger")
    yield "review, closed"
    page.open(reviews)
    yield "reviews"
    page.open(f"{sites.url}/settings/freeze")
    yield "freeze"
    page.click(".danger")
    yield "workspaces, frozen"
    page.open(f"{sites.url}/settings/freeze")
    yield "freeze, lift"
    page.click("main form button")


def lose_channel(sites: Sites) -> None:
    """The default channel is archived in Slack."""
    db, now, tenant = sites.world.service.app.db, sites.world.clock(), Tenant(TenantKind.WORKSPACE, SOUTH)
    channel = sites.world.slack.workspaces[SOUTH].general
    with db.transaction():
        found = connections.find_held(db, tenant)
        assert found is not None
        settings = settings_of(found)._replace(default_channel_id=channel)
        assert change_connection.configure(db, found, settings, now)
        note_channel.note(db, tenant, channel, ChannelState.ARCHIVED, now=now)


def ben(sites: Sites) -> HostCaller:
    """Somebody who may not connect, and asks."""
    person = ann(sites.world)
    return replace(person.caller, id=BEN, role=HostRole.MEMBER)
