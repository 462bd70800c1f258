"""Pictures for the listing in Slack's directory: the pages of the service and of the local Slack, 1600 by 1000.

`make screenshots` writes them to build/screenshots/. Needs Chromium or Chrome; it is started without a profile and
without a network of its own.
"""

import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

from slackapp.demo.harness import Browser, send
from tests.cli.test_dev import Dev

WIDTH, HEIGHT = 1600, 1000
LARGEST = 21 * 1024 * 1024
"""Bytes, the most that a picture of a listing may have."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NORTH = "T0NORTH001"


def find_browser() -> str:
    """The first that is installed; "" when there is none."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), "")


def pages(dev: Dev, folder: Path) -> dict[str, str]:
    """Name of a picture to the address that it shows, after an install and a mention."""
    browser = Browser(dev.url)
    consent = browser.begin().headers["location"]
    browser.get(browser.consent(NORTH))
    # The browser that takes the pictures has not installed anything: what only ours may see is shown from a file.
    (folder / "installed.html").write_text(browser.get("/slack/installed").text, "utf-8")
    send("POST", dev.slack_url, "/control/mention", urlencode({"team": NORTH, "text": "hello"}), FORM)
    wait_for_answer(dev)
    return {
        "1-landing": dev.url,
        "2-consent": consent,
        "3-installed": (folder / "installed.html").as_uri(),
        "4-answer": dev.slack_url,
        "5-privacy": f"{dev.url}/privacy",
        "6-support": f"{dev.url}/support",
    }


def wait_for_answer(dev: Dev) -> None:
    """Until the bot has answered, or ten seconds."""
    for _ in range(100):
        if "thread_ts" in send("GET", dev.slack_url, "/control/state.json", "", {}).text:
            return
        time.sleep(0.1)


def take(browser: str, url: str, file: Path, profile: Path, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
    """One picture."""
    shape = f"--window-size={size[0]},{size[1]}"
    command = [browser, *FLAGS, f"--user-data-dir={profile}", shape, f"--screenshot={file}", url]
    subprocess.run(command, check=True, timeout=120, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def size_of(file: Path) -> tuple[int, int]:
    """Width and height of a PNG (w3.org/TR/png, section 11.2.2)."""
    width, height = struct.unpack(">II", file.read_bytes()[16:24])
    return width, height


def main(target: Path) -> int:
    """All pictures; 1 where no browser is installed, or a picture has another size."""
    browser = find_browser()
    if not browser:
        print("there is no Chromium or Chrome here to take pictures with", file=sys.stderr)
        return 1
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="slackapp-pictures-") as name:
        folder = Path(name)
        dev = Dev(folder)
        try:
            for picture, url in pages(dev, folder).items():
                file = target / f"{picture}.png"
                take(browser, url, file, folder / "profile")
                if size_of(file) != (WIDTH, HEIGHT) or file.stat().st_size > LARGEST:
                    print(f"{file}: is not {WIDTH} by {HEIGHT}, or too large", file=sys.stderr)
                    return 1
                print(file)
        finally:
            dev.end(15)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
