"""A page in headless Chromium, driven over a pipe as chromedevtools.github.io/devtools-protocol has it."""

import base64
import contextlib
import fcntl
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.screenshots import FLAGS

IN, OUT = 3, 4
"""The descriptors that `--remote-debugging-pipe` reads from and writes to."""


class GoneError(Exception):
    """The browser could not do it: the page is another one by now."""


class Page:
    """One tab."""

    def __init__(self, reads: int, writes: int) -> None:
        self._reads, self._writes, self._left, self._number, self._session = reads, writes, b"", 0, ""
        targets = self._ask("Target.getTargets")["targetInfos"]
        target = next(each["targetId"] for each in targets if each["type"] == "page")
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def open(self, url: str) -> None:
        """Goes there, and waits until it is loaded."""
        self._ask("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def click(self, selector: str) -> None:
        """Clicks what leads to another page, and waits until that is loaded."""
        self.run("window.isLeft = true")
        self.run(f"document.querySelector({json.dumps(selector)}).click()")
        self.wait_for("!window.isLeft && document.readyState === 'complete'")

    def show(self, width: int, dark: bool, height: int = 900) -> None:
        """On a screen of that size, in one of the two schemes."""
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self, height: int = 0) -> bytes:
        """The page as PNG: so much of it from above, or all."""
        size = self._ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": height or size["height"], "scale": 1}
        taken = self._ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(taken["data"])

    def run(self, script: str) -> Any:
        """What an expression gives."""
        answer = self._ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def type(self, text: str) -> None:
        """Into what has the focus."""
        self._ask("Input.insertText", text=text)

    def wait_for(self, condition: str) -> None:
        """Until an expression holds, for ten seconds at most."""
        for _ in range(100):
            # While a page goes, nothing can be asked of it.
            with contextlib.suppress(GoneError):
                if self.run(f"Boolean({condition})"):
                    return
            time.sleep(0.1)
        raise AssertionError(f"did not come about: {condition}")

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        asked = {"id": self._number, "method": method, "params": params}
        session = {"sessionId": self._session} if self._session else {}
        os.write(self._writes, json.dumps({**asked, **session}).encode() + b"\0")
        while True:
            while b"\0" not in self._left:
                got = os.read(self._reads, 65536)
                assert got, "the browser ended"
                self._left += got
            message, _, self._left = self._left.partition(b"\0")
            answer: dict[str, Any] = json.loads(message)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise GoneError(answer)
                return dict(answer["result"])


@contextlib.contextmanager
def open_page(browser: str, profile: Path, *flags: str) -> Iterator[Page]:
    """Starts the browser, and ends it."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()

    def hand_over() -> None:
        # By way of high numbers: one of the two may be the other's place already.
        for place, end in ((IN, theirs_in), (OUT, theirs_out)):
            high = fcntl.fcntl(end, fcntl.F_DUPFD, 100)
            copies[place] = high
        for place, high in copies.items():
            os.dup2(high, place)
            os.set_inheritable(place, True)

    copies: dict[int, int] = {}
    command = [browser, *FLAGS, *flags, "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command,
        close_fds=False,
        preexec_fn=hand_over,  # noqa: PLW1509  (no threads here)
        stdout=quiet,
        stderr=quiet,
    ) as process:
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            yield Page(ours_in, ours_out)
        finally:
            process.terminate()
            os.close(ours_in)
            os.close(ours_out)
