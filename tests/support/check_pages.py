"""Every page, judged by axe-core in headless Chromium: light and dark, on a narrow and on a wide screen.

`make pages` runs it. axe-core is for development alone: npm fetches the one release that is named here, whose bytes are
compared with a hash, into build/pages/; nothing of it is kept in the repository.
"""

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.support.browser import Page, open_page
from tests.support.host_site import serve_two_ports
from tests.support.page_tour import walk
from tests.support.screenshots import find_browser

AXE = "axe-core@4.14.1"
INTEGRITY = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
"""SHA-512 of that release's archive."""
WIDTHS = (320, 1280)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ASK = f"""axe.run(document, {{resultTypes: ["violations"], runOnly: {{type: "tag", values: {json.dumps(RULES)}}}}})
.then((found) => found.violations.map((rule) => rule.id + ": " + rule.nodes.map((node) => node.html).join(" | ")))"""


class MissingError(Exception):
    """Something that this needs is not here."""


def fetch_axe(folder: Path) -> str:
    """The script of axe-core, as it was released. Raises MissingError."""
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"{AXE.replace('@', '-')}.tgz"
    if not archive.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise MissingError("there is no npm here to fetch axe-core with: install Node.js, or its package npm")
        command = [npm, "pack", AXE, "--silent", "--pack-destination", str(folder)]
        if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode:
            raise MissingError(f"npm could not fetch {AXE}: its message stands above")
    return read_script(archive)


def read_script(archive: Path) -> str:
    """The script in an archive whose bytes are those of the release. Raises MissingError."""
    if base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode() != INTEGRITY:
        raise MissingError(f"{archive} is not the release that is named here: delete it, and look where it came from")
    with tarfile.open(archive) as packed:
        script = packed.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()


def judge(page: Page, axe: str) -> list[str]:
    """What is wrong with the page that is shown, on each screen."""
    page.run(f"{axe}; 0")
    found = []
    for width in WIDTHS:
        for dark in (False, True):
            page.show(width, dark)
            where = f"{width} px, {'dark' if dark else 'light'}"
            found += [f"{where}: {rule}" for rule in page.run(ASK)]
            if page.run("document.documentElement.scrollWidth > innerWidth"):
                found.append(f"{where}: it scrolls sideways")
    return found


def main(folder: Path) -> int:
    """Tells of every page; 1 where something is wrong, or cannot be looked at."""
    browser = find_browser()
    if not browser:
        print("there is no Chromium or Chrome here to look at pages with: install chromium", file=sys.stderr)
        return 1
    try:
        axe = fetch_axe(folder)
    except MissingError as error:
        print(error, file=sys.stderr)
        return 1
    number = wrong = 0
    with tempfile.TemporaryDirectory(prefix="slackapp-pages-") as name:
        place = Path(name)
        with (
            serve_two_ports(place, SLACKAPP_HOST_APPROVAL="yes") as sites,
            open_page(browser, place / "profile") as page,
        ):
            for shown in walk(page, sites, place):
                found = judge(page, axe)
                print("\n  ".join([f"{shown}: {'' if found else 'nothing found'}", *found]), flush=True)
                number, wrong = number + 1, wrong + bool(found)
    print(f"{number} pages, each four times: {wrong} with findings")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
