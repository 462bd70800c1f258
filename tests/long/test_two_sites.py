"""Connecting in a real browser, with host and service on two sites: what two ports of one machine hide.

A browser keeps cookies back from requests of another site, hides `Origin` where a page's referrer policy asks for it,
and holds each hop of a redirect against `form-action`. Each of that would end a connect, and no other test sees it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.browser import Page, open_page
from tests.support.connecting import ann
from tests.support.host_site import OTHER_SITE, Sites, serve_two_sites
from tests.support.screenshots import find_browser

pytestmark = pytest.mark.long
TEXT = "document.body.innerText"
FORM = "main form button"
APPROVE = "button[value=approve]"


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    if not find_browser():
        pytest.skip("there is no browser here to connect with")
    with serve_two_sites(tmp_path_factory.mktemp("sites"), SLACKAPP_HOST_WORKSPACES="9") as found:
        yield found


@pytest.fixture
def page(sites: Sites, tmp_path: Path) -> Iterator[Page]:
    """A browser that nobody has used."""
    with open_page(find_browser(), tmp_path / "profile", *sites.flags) as found:
        sites.host.policy = "strict-origin"
        sites.host.asked.clear()
        yield found


def enter(page: Page, sites: Sites) -> None:
    """The button of the host's page."""
    page.open(f"{sites.host_url}/")
    page.click("form button")


def return_to_host(page: Page, sites: Sites) -> str:
    """What the host is told, once the browser is there again."""
    page.wait_for(f"location.href.startsWith('{sites.host_url}/settings')")
    return sites.host.asked[-1]


def approve(page: Page, sites: Sites, workspace: str) -> None:
    """On Slack's page, which leads back to us."""
    page.wait_for(f"location.href.startsWith('{sites.world.slack_url}') && document.querySelector('{APPROVE}')")
    page.run(f"document.querySelector('input[value={workspace}]').checked = true")
    page.run(f"document.querySelector('{APPROVE}').click()")


def test_it_is_begun_on_our_page_and_ends_at_the_host(page: Page, sites: Sites) -> None:
    """The session's cookie comes back with Slack's redirect, which another site has begun."""
    enter(page, sites)
    assert page.run("location.href") == f"{sites.url}/settings/integrations"
    page.run(f"document.querySelector('{FORM}').click()")
    approve(page, sites, "T0NORTH001")
    assert return_to_host(page, sites) == "/settings/integrations?status=success&workspace=Northwind"
    assert ann(sites.world).held("T0NORTH001").status == "active"


def test_it_is_begun_by_api_and_confirmed_by_whoever_is_logged_in_at_the_host(page: Page, sites: Sites) -> None:
    """The quarantine's cookie was set in the midst of redirects between three sites, and meets the session."""
    page.open(ann(sites.world).begin().authorize_url)
    approve(page, sites, "T0SOUTH001")
    page.wait_for(f"location.href === '{sites.host_url}/slack/complete'")
    assert sites.host.asked == ["/slack/complete?"], "nothing stands in the address"
    page.click("form button")
    assert "Connect Southridge?" in page.run(TEXT)
    page.run(f"document.querySelector('{FORM}').click()")
    assert return_to_host(page, sites) == "/settings/integrations?status=success&workspace=Southridge"
    assert ann(sites.world).held("T0SOUTH001").status == "active"


@pytest.mark.parametrize("policy", ["no-referrer", "same-origin"])
def test_a_host_page_that_hides_where_it_is_from_is_told_what_it_needs(page: Page, sites: Sites, policy: str) -> None:
    sites.host.policy = policy
    enter(page, sites)
    assert "the host's page needs Referrer-Policy: strict-origin" in page.run(TEXT)
    page.open(f"{sites.url}/settings/connect")
    assert "You are not signed in here" in page.run(TEXT)


def test_a_page_of_another_site_opens_nothing_with_a_ticket_that_is_good(page: Page, sites: Sites) -> None:
    """I have a ticket of mine, and let somebody else's browser use it, so that they work in my organization."""
    page.open(f"https://{OTHER_SITE}/")
    page.click("form button")
    assert "This form was sent by another site" in page.run(TEXT)
    page.open(f"{sites.url}/settings/connect")
    assert "You are not signed in here" in page.run(TEXT)


def test_a_form_of_another_site_brings_no_session(page: Page, sites: Sites) -> None:
    """I have the browser of somebody who is signed in send a form of mine: the cookie stays at home."""
    enter(page, sites)
    page.open(f"https://{OTHER_SITE}/")
    page.run(f"document.forms[0].action = '{sites.url}/settings/connect'")
    page.click("form button")
    assert "You are not signed in here" in page.run(TEXT)
    page.open(f"{sites.url}/settings/connect")
    assert "Connect Slack" in page.run(TEXT), "by an address that somebody typed it is there"
