"""The two pictures of the README's first screen: the public page, and what a customer's owner sees. Light and dark.

`make screenshots` writes them into docs/pictures/, where they are kept.
"""

import sys
import tempfile
from pathlib import Path

from slackapp.host.flows.connect import seed_organization
from slackapp.host.model import HostRole
from slackapp.model import Actor, ActorKind
from tests.support.browser import Page, open_page
from tests.support.host_site import Sites, serve_two_ports
from tests.support.screenshots import find_browser

WIDTH, HEIGHT = 1000, 780
LARGEST = 150 * 1024
"""Bytes, the most that one may have."""
NAMES = tuple(f"{what}-{scheme}.png" for what in ("install", "customer") for scheme in ("light", "dark"))


def take(page: Page, sites: Sites) -> dict[str, bytes]:
    """Name to picture."""
    seed_organization.run(sites.world.service.app, "acme-inc", Actor(ActorKind.OPERATOR, "r0"), sites.world.clock())
    sites.host.organization, sites.host.member = "acme-inc", seed_organization.OWNER
    sites.host.role = HostRole.OWNER
    found = {}
    for what in ("install", "customer"):
        if what == "install":
            page.open(sites.url)
        else:
            page.open(sites.host_url)
            page.click("form button")
        for scheme in ("light", "dark"):
            page.show(WIDTH, dark=scheme == "dark", height=HEIGHT)
            found[f"{what}-{scheme}.png"] = page.picture(height=HEIGHT)
    return found


def main(target: Path) -> int:
    """Writes all of them; 1 where no browser is installed, or one is too large."""
    browser = find_browser()
    if not browser:
        print("there is no Chromium or Chrome here to take pictures with", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="slackapp-pictures-") as name:
        folder = Path(name)
        with serve_two_ports(folder) as sites, open_page(browser, folder / "profile") as page:
            pictures = take(page, sites)
    target.mkdir(parents=True, exist_ok=True)
    for file, data in pictures.items():
        (target / file).write_bytes(data)
        print(f"{target / file}: {len(data):,} bytes")
    return 1 if any(len(data) > LARGEST for data in pictures.values()) else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
