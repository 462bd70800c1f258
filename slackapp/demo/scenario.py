"""`slackapp demo`: the whole round trip without a browser, over real sockets between real processes.

Every line that it prints follows from something that it looked at: a page, a row, an answer of Slack. It ends with a
search of everything that was written for every token that Slack ever gave out.

With `--explain` it plays nothing: it serves, for a browser, and tells each step while it happens.
"""

import argparse
import contextlib
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from slackapp import config
from slackapp.app import Service
from slackapp.cli import server
from slackapp.cli.printing import folded, tell
from slackapp.crypto import records
from slackapp.demo import harness
from slackapp.demo.explain import explaining
from slackapp.demo.harness import Failed, Stage
from slackapp.demo.steps import steps_of
from slackapp.errors import CommandError, ConfigError, DecryptError
from slackapp.flows.removal import purge_tenant
from slackapp.model import INSTALL_PATH, INSTALLED_PATH, Tenant, Token
from slackapp.store import audit, inbox, installations, tokens

HELP = "play the whole round trip against a local Slack and tell each step"
NORTH = Tenant("T", "T0NORTH001")
SOUTH = Tenant("T", "T0SOUTH001")
_MARK = re.compile(r" *(?:->|\d+\.?) +")
"""What a step or an outcome begins with."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Whether it is played, or served for a browser."""
    parser.add_argument(
        "--explain", action="store_true", help="serve for a browser, and tell each step while it happens, until Ctrl-C"
    )


def run(arguments: argparse.Namespace) -> int:
    """0 when every step went as told, else 1, after the step that did not."""
    return explain() if arguments.explain else play_acts()


def explain() -> int:
    """Serves beside a local Slack until it is stopped. The service's log stays in the folder: it is not the story."""
    with tempfile.TemporaryDirectory(prefix="slackapp-demo-") as name, contextlib.ExitStack() as running:
        folder = Path(name)
        settings = config.load(running.enter_context(harness.open_local_slack(folder)), {})
        log = running.enter_context((folder / "service.log").open("w", encoding="utf-8"))
        running.enter_context(contextlib.redirect_stderr(log))
        running.enter_context(explaining(tell))
        return server.serve(settings, _announce)


def _announce(service: Service) -> None:
    settings = service.app.settings
    tell(
        f"Open {settings.public_url} and click 'Add to Slack'.",
        "Each step is told here, in the words of the code.",
        f"Afterwards mention the app, and remove it, at {settings.slack.origin}.",
        "Stop with Ctrl-C.",
    )


def play_acts() -> int:
    """The whole round trip, act by act."""
    with tempfile.TemporaryDirectory(prefix="slackapp-demo-") as folder:
        told = Told()
        try:
            with harness.open_stage(Path(folder)) as play:
                for number, (title, act) in enumerate(ACTS, start=1):
                    told.title(number, title)
                    act(play, told)
        except (Failed, ConfigError, CommandError) as error:
            told.line(f"FAILED: {error}")
            return 1
    told.line("")
    told.line("Every step went as told.")
    return 0


class Told:
    """Prints, and remembers what it printed, for the search at the end."""

    def __init__(self) -> None:
        self.text = ""

    def title(self, number: int, title: str) -> None:
        """The heading of an act."""
        self.line("")
        self.line(f"{number:>2}  {title}")

    def line(self, text: str) -> None:
        """One line."""
        self.text += text + "\n"
        mark = _MARK.match(text)
        tell(*folded(text, mark.end() if mark else 0))

    def flow(self, name: str, numbers: range) -> None:
        """Steps of a flow, in the words of its code."""
        words = steps_of(name)
        for number in numbers:
            self.line(f"      {number:>2}. {words[number]}")

    def fact(self, text: str) -> None:
        """What was seen."""
        self.line(f"      -> {text}")


def _look(play: Stage, told: Told) -> None:
    page = play.browser.get("/")
    play.must(page.status == 200 and f'href="{INSTALL_PATH}"' in page.text, "the landing page has no button")
    play.must("<script" not in page.text, "the landing page has a script")
    told.fact("GET / answers 200: one page, one button, no script")


def _begin(play: Stage, told: Told) -> None:
    told.flow("begin_install", range(1, 5))
    begun = play.browser.begin()
    play.must(begun.status == 302 and play.browser.has_cookie, f"the install answered {begun.status}")
    told.fact("302 to Slack with state=***, and a cookie that binds it to this browser")


def _consent_and_return(play: Stage, told: Told) -> None:
    told.flow("finish_install", range(5, 16))
    callback = play.browser.consent(NORTH.id)
    reply = play.browser.get(callback)
    play.must(reply.status == 303, f"the callback answered {reply.status}")
    page = play.browser.get(INSTALLED_PATH)
    play.must("Northwind" in page.text, "the page does not name the workspace")
    told.fact("303 to a clean page, which names the workspace: Northwind")
    again = play.browser.get(callback)
    play.must(again.status == 400, "the state worked twice")
    told.fact("the same callback once more: refused, the state is used up")


def _sealed(play: Stage, told: Told) -> None:
    sealed = _bot_token(play, NORTH).access.blob
    play.must(sealed[:2] == b"\x01\x01" and b"xox" not in sealed, "the token is not sealed")
    told.fact(f"the token's row holds {len(sealed)} sealed bytes, version 1, suite 1, data key {sealed[2:6].hex()}")


def _mention(play: Stage, told: Told) -> None:
    told.flow("receive_event", range(1, 7))
    before = audit.count(play.app.db)
    play.mention_and_wait(NORTH.id, "hello there")
    play.must(audit.count(play.app.db) > before, "the token was read without an audit row")
    told.fact("the bot answered in its thread; that its token was read stands in the audit since before the call")


def _refresh(play: Stage, told: Told) -> None:
    told.flow("refresh_token", range(1, 6))
    before = _bot_token(play, NORTH).generation
    play.control("expire", {"team": NORTH.id})
    play.mention_and_wait(NORTH.id, "and again")
    after = _bot_token(play, NORTH).generation
    play.must(after == before + 1, f"the token's generation went from {before} to {after}")
    told.fact(f"Slack said token_expired; refreshed once, generation {before} -> {after}, and the call repeated once")


def _second(play: Stage, told: Told) -> None:
    play.install(SOUTH.id)
    play.mention_and_wait(SOUTH.id, "hello from the south")
    told.fact("Southridge installed; its bot answered there")
    for own, other in ((NORTH, SOUTH), (SOUTH, NORTH)):
        _must_not_open(play, own, other)
    told.fact("each token opens in its own workspace and, moved to the other one, in none: the key is another, and "
              "under its own key the context is another")


def _bot_token(play: Stage, tenant: Tenant) -> Token:
    token = tokens.find(play.app.db, tenant, "")
    if token is None:
        raise Failed(f"{tenant} has no token")
    return token


def _must_not_open(play: Stage, own: Tenant, other: Tenant) -> None:
    token, keyring = _bot_token(play, own), play.app.keyring
    at_home = records.access_of(own, "", token.generation)
    play.must(keyring.open(at_home, token.access).startswith(b"xoxe.xoxb-"), "the token does not open at home")
    for context in (records.access_of(other, "", token.generation), records.refresh_of(own, "", token.generation)):
        try:
            keyring.open(context, token.access)
        except DecryptError:
            continue
        raise Failed(f"the token of {own} opened where it must not")


def _reinstall(play: Stage, told: Told) -> None:
    play.install(NORTH.id)
    found = installations.find(play.app.db, NORTH)
    play.must(found is not None and found.generation == 2, "the installation was not replaced")
    play.mention_and_wait(NORTH.id, "still there?")
    told.fact("Northwind installed again: one row, generation 2, and the bot answers with the new token")


def _uninstall_in_slack(play: Stage, told: Told) -> None:
    play.control("uninstall", {"team": NORTH.id})
    play.wait_for(lambda: installations.find(play.app.db, NORTH) is None, "the purge")
    told.fact("somebody removed the app in Slack: within five minutes of an install Slack itself is asked, and the "
              "token was dead; the workspace is erased")
    play.must(installations.find(play.app.db, SOUTH) is not None, "the other workspace went, too")


def _uninstall_by_operator(play: Stage, told: Told) -> None:
    told.flow("uninstall_tenant", range(1, 6))
    outcome = play.uninstall(SOUTH.id)
    play.must(outcome["erased"] is True, f"the answer was {outcome}")
    told.fact(f"POST /slack/uninstall: Slack: {outcome['slack']}; erased")
    play.must(play.uninstall(SOUTH.id)["found"] is False, "the second time found something")
    told.fact("once more: nothing is stored for it")


def _nothing_left(play: Stage, told: Told) -> None:
    db = play.app.db
    play.wait_for(lambda: inbox.count_open_purges(db) == 0, "the purge jobs")
    for tenant in (NORTH, SOUTH):
        play.must(purge_tenant.leftovers(play.app, tenant) == 0, f"{tenant} still has rows")
    rows = audit.count(db)
    told.fact(f"no installation, token, data key or event body is left; {rows} audit rows are, and hold ids only")
    secrets = play.issued()
    where = {"database, WAL and log": play.written(), "this output": told.text.encode()}
    for name, content in where.items():
        hits = [1 for secret in secrets if secret.encode() in content]
        play.must(not hits, f"{len(hits)} tokens were found in clear in {name}")
    control = sum(secret.encode() in play.slack_state() for secret in secrets)
    play.must(control > 0, "the search found nothing even where the tokens are")
    told.fact(f"{len(secrets)} tokens and codes that Slack gave out: 0 found in {' or in '.join(where)}")
    told.fact(f"(the same search in the local Slack's own state finds {control}, so it does search)")


Act = Callable[[Stage, Told], None]
ACTS: tuple[tuple[str, Act], ...] = (
    ("The install page", _look),
    ("The install begins", _begin),
    ("Consent at Slack, and the callback", _consent_and_return),
    ("What was stored", _sealed),
    ("An event, signed and delivered", _mention),
    ("The token expires and is refreshed", _refresh),
    ("A second workspace, and neither can see the other's token", _second),
    ("A re-install", _reinstall),
    ("Uninstall in Slack", _uninstall_in_slack),
    ("Uninstall by the operator", _uninstall_by_operator),
    ("What is left", _nothing_left),
)
