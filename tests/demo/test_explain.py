"""`slackapp demo --explain`: each step while it happens, in the words of the code, with nothing that is secret."""

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from slackapp.demo.explain import explain_flows
from slackapp.demo.harness import Browser, send
from slackapp.demo.steps import find_steps, steps_of
from slackapp.flows.removal import uninstall_tenant
from slackapp.model import Actor, ActorKind
from tests.support.prepared_world import memory_folder
from tests.support.token_use import call_as
from tests.support.world import World, make_world, north_tenant

OPERATOR = Actor(ActorKind.OPERATOR, "r")

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, str]]:
    """What is told of each act, by its name."""
    with memory_folder() as folder, make_world(folder) as world:
        yield {
            "install": watched(world.browser().install),
            "refused": watched(lambda: world.browser().get("/slack/oauth_redirect?state=x&code=y")),
            "event": watched(lambda: [world.work(), world.mention(), world.work()]),
            "refresh": watched(lambda: refreshed(world)),
            "uninstall": watched(lambda: uninstall_tenant.run(world.service.app, north_tenant(), OPERATOR, 1)),
            "secrets": " ".join(token.value for token in world.slack.tokens_of[north_tenant().id]) or "none",
        }


def watched(act: Any) -> str:
    """What is told while it runs."""
    lines: list[str] = []
    with explain_flows(lambda *told: lines.extend(told)):
        act()
    return "\n".join(lines)


def refreshed(world: World) -> None:
    world.clock.advance(13 * 3600)  # past its time
    call_as(world.service.app, north_tenant(), OPERATOR)


def steps_in(text: str, flow: str) -> dict[int, str]:
    """Number to words, of what is told under a flow's name."""
    found: dict[int, str] = {}
    for part in re.split(r"^(?=\w+$)", text, flags=re.MULTILINE):
        if part.split("\n")[0] == flow:
            found |= {int(number): words for number, words in re.findall(r"^ +(\d+)\. (.+)$", part, re.MULTILINE)}
    return found


@pytest.mark.parametrize(
    ("act", "flow", "left_out"),
    [
        ("install", "begin_install", ()),
        ("install", "finish_install", ()),
        ("event", "receive_event", ()),
        ("event", "run_event", ()),
        ("event", "use_token", (6,)),
        ("refresh", "use_token", (6,)),
        ("refresh", "refresh_token", ()),
        ("uninstall", "uninstall_tenant", ()),
        ("uninstall", "purge_tenant", ()),
    ],
)
def test_every_step_is_told_in_the_words_of_the_code(
    told: dict[str, str], act: str, flow: str, left_out: tuple[int, ...]
) -> None:
    wanted = {number: words for number, words in steps_of(flow).items() if number not in left_out}
    assert steps_in(told[act], flow) == wanted


def test_the_steps_come_in_their_order_each_once(told: dict[str, str]) -> None:
    numbers = [int(number) for number in re.findall(r"^ +(\d+)\. ", told["install"], re.MULTILINE)]
    assert numbers == list(range(1, 16))


def test_the_claims_on_the_way_and_how_long_each_text_is_are_told_and_nothing_else_of_it(told: dict[str, str]) -> None:
    assert re.search(r"keeps .*C-03", told["install"])
    assert re.search(r"state=\*\*\* \(104 characters\)", told["install"])
    whole = "".join(told.values()).removesuffix(told["secrets"])
    assert "xox" not in whole
    assert not re.search(r"[A-Za-z0-9_-]{43}", whole)


def test_a_refusal_is_told_by_its_code(told: dict[str, str]) -> None:
    assert steps_in(told["refused"], "finish_install") == {5: steps_of("finish_install")[5]}
    assert "keeps C-01" in told["refused"] or "refused: state_refused" in told["refused"]


def test_no_trace_function_is_left_after_explaining() -> None:
    before = sys.gettrace()
    with explain_flows(print):
        assert sys.gettrace() is not before
    assert sys.gettrace() is before


def test_steps_and_claims_belong_to_the_first_line_of_code_below_them() -> None:
    found = find_steps("# 1. one\n# 2. two\n# claim: C-01, C-02\n\nact()\nmore()\n")
    assert (found.steps, found.claims) == ({5: [(1, "one"), (2, "two")]}, {5: ("C-01", "C-02")})


@pytest.mark.long
def test_the_command_tells_what_a_browser_does_until_it_is_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "slackapp", "demo", "--explain"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        deadline = threading.Timer(60, process.kill)  # who waits for a line that never comes is told so
        deadline.start()
        said = "".join(process.stdout.readline() for _ in range(4))
        url, slack_url = re.findall(r"http://[a-z0-9.]+:\d+", said)
        browser = Browser(url)
        browser.begin()
        assert browser.get(browser.consent("T0NORTH001")).status == 303
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        fields = urlencode({"team": "T0NORTH001", "text": "hello"})
        assert send("POST", slack_url, "/control/mention", fields, form).status == 303
        while " 10. mark the row" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        assert send("POST", slack_url, "/control/uninstall", urlencode({"team": "T0NORTH001"}), form).status == 303
        deadline.cancel()
        process.send_signal(signal.SIGINT)
        said += process.communicate(timeout=20)[0]
    assert process.returncode == 0
    for flow in ("begin_install", "finish_install", "receive_event"):
        assert set(steps_of(flow).values()) <= set(steps_in(said, flow).values())
    assert "xox" not in said
