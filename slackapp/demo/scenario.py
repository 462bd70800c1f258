"""`slackapp demo`: the whole round trip without a browser, over real sockets between real processes.

Every line that it prints follows from something that it looked at: a page, a row, an answer of Slack. It ends with a
search of everything that was written for every token that Slack ever gave out.

With `--explain` it plays nothing: it serves, for a browser, and tells each step while it happens.
"""

import argparse
import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from slackapp.app import Service
from slackapp.cli.service import server
from slackapp.cli.terminal.printing import print_lines
from slackapp.config import settings as config
from slackapp.crypto import records
from slackapp.demo.explain import explain_flows
from slackapp.demo.harness import Harness, StepError, open_harness, open_local_slack
from slackapp.demo.host_acts import HOST_STEPS
from slackapp.demo.narrator import Narrator
from slackapp.errors import CommandError, ConfigError, DecryptError
from slackapp.flows.removal import purge_tenant
from slackapp.model import BOT, INSTALL_PATH, INSTALLED_PATH, Tenant, TenantKind, Token
from slackapp.store import audit, inbox, installations, tokens

NORTH = Tenant(TenantKind.WORKSPACE, "T0NORTH001")
SOUTH = Tenant(TenantKind.WORKSPACE, "T0SOUTH001")


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds `--explain`."""
    parser.add_argument(
        "--explain", action="store_true", help="serve for a browser, and tell each step while it happens, until Ctrl-C"
    )


def run(arguments: argparse.Namespace) -> int:
    """Returns 0 when every step went as told, else 1, after the step that did not."""
    return explain() if arguments.explain else run_scenario()


def explain() -> int:
    """Serves beside a local Slack until it is stopped. The service's log stays in the folder: it is not the story."""
    with tempfile.TemporaryDirectory(prefix="slackapp-demo-") as name, contextlib.ExitStack() as running:
        folder = Path(name)
        settings = config.load(running.enter_context(open_local_slack(folder)), {})
        log = running.enter_context((folder / "service.log").open("w", encoding="utf-8"))
        running.enter_context(contextlib.redirect_stderr(log))
        running.enter_context(explain_flows(print_lines))
        return server.serve(settings, _print_ready)


def _print_ready(service: Service) -> None:
    settings = service.app.settings
    print_lines(
        f"Open {settings.public_url} and click 'Add to Slack'.",
        "Each step is told here, in the words of the code.",
        f"Afterwards mention the app, and remove it, at {settings.slack.origin}.",
        "Stop with Ctrl-C.",
    )


def run_scenario() -> int:
    """Runs the whole round trip, act by act."""
    with tempfile.TemporaryDirectory(prefix="slackapp-demo-") as folder:
        narrator = Narrator()
        try:
            with open_harness(Path(folder)) as harness:
                for number, (title, act) in enumerate(STEPS, start=1):
                    narrator.title(number, title)
                    act(harness, narrator)
        except (StepError, ConfigError, CommandError) as error:
            narrator.line(f"FAILED: {error}")
            return 1
    narrator.line("")
    narrator.line("Every step went as told.")
    return 0


def _show_install_page(harness: Harness, narrator: Narrator) -> None:
    page = harness.browser.get("/")
    harness.check(page.status == 200 and f'href="{INSTALL_PATH}"' in page.text, "the landing page has no button")
    harness.check("<script" not in page.text, "the landing page has a script")
    narrator.fact("GET / answers 200: one page, one button, no script")


def _begin_install(harness: Harness, narrator: Narrator) -> None:
    narrator.flow("begin_install", range(1, 5))
    begun = harness.browser.begin()
    harness.check(begun.status == 302 and harness.browser.has_cookie, f"the install answered {begun.status}")
    narrator.fact("302 to Slack with state=***, and a cookie that binds it to this browser")


def _consent_and_return(harness: Harness, narrator: Narrator) -> None:
    narrator.flow("finish_install", range(5, 16))
    callback = harness.browser.consent(NORTH.id)
    reply = harness.browser.get(callback)
    harness.check(reply.status == 303, f"the callback answered {reply.status}")
    page = harness.browser.get(INSTALLED_PATH)
    harness.check("Northwind" in page.text, "the page does not name the workspace")
    narrator.fact("303 to a clean page, which names the workspace: Northwind")
    again = harness.browser.get(callback)
    harness.check(again.status == 400, "the state worked twice")
    narrator.fact("the same callback once more: refused, the state is used up")


def _check_token_is_sealed(harness: Harness, narrator: Narrator) -> None:
    sealed = _bot_token(harness, NORTH).access.blob
    harness.check(sealed[:2] == b"\x01\x01" and b"xox" not in sealed, "the token is not sealed")
    narrator.fact(f"the token's row holds {len(sealed)} sealed bytes, version 1, suite 1, data key {sealed[2:6].hex()}")


def _mention(harness: Harness, narrator: Narrator) -> None:
    narrator.flow("receive_event", range(1, 7))
    before = audit.count(harness.app.db)
    harness.mention_and_wait(NORTH.id, "hello there")
    harness.check(audit.count(harness.app.db) > before, "the token was read without an audit row")
    narrator.fact("the bot answered in its thread; that its token was read stands in the audit since before the call")


def _refresh(harness: Harness, narrator: Narrator) -> None:
    narrator.flow("refresh_token", range(1, 6))
    before = _bot_token(harness, NORTH).generation
    harness.press_control("expire", {"team": NORTH.id})
    harness.mention_and_wait(NORTH.id, "and again")
    after = _bot_token(harness, NORTH).generation
    harness.check(after == before + 1, f"the token's generation went from {before} to {after}")
    narrator.fact(
        f"Slack said token_expired; refreshed once, generation {before} -> {after}, and the call repeated once"
    )


def _install_second_workspace(harness: Harness, narrator: Narrator) -> None:
    harness.install(SOUTH.id)
    harness.mention_and_wait(SOUTH.id, "hello from the south")
    narrator.fact("Southridge installed; its bot answered there")
    for own, other in ((NORTH, SOUTH), (SOUTH, NORTH)):
        _check_opens_at_home_only(harness, own, other)
    narrator.fact(
        "each token opens in its own workspace and, moved to the other one, in none: the key is another, and "
        "under its own key the context is another"
    )


def _bot_token(harness: Harness, tenant: Tenant) -> Token:
    token = tokens.find(harness.app.db, tenant, BOT)
    if token is None:
        raise StepError(f"{tenant} has no token")
    return token


def _check_opens_at_home_only(harness: Harness, own: Tenant, other: Tenant) -> None:
    token, keyring = _bot_token(harness, own), harness.app.keyring
    at_home = records.access_token_context(own, BOT, token.generation)
    harness.check(keyring.open(at_home, token.access).startswith(b"xoxe.xoxb-"), "the token does not open at home")
    for context in (
        records.access_token_context(other, BOT, token.generation),
        records.refresh_token_context(own, BOT, token.generation),
    ):
        try:
            keyring.open(context, token.access)
        except DecryptError:
            continue
        raise StepError(f"the token of {own} opened where it must not")


def _reinstall(harness: Harness, narrator: Narrator) -> None:
    harness.install(NORTH.id)
    found = installations.find(harness.app.db, NORTH)
    harness.check(found is not None and found.generation == 2, "the installation was not replaced")
    harness.mention_and_wait(NORTH.id, "still there?")
    narrator.fact("Northwind installed again: one row, generation 2, and the bot answers with the new token")


def _uninstall_in_slack(harness: Harness, narrator: Narrator) -> None:
    harness.press_control("uninstall", {"team": NORTH.id})
    harness.wait_for(lambda: installations.find(harness.app.db, NORTH) is None, "the purge")
    narrator.fact(
        "somebody removed the app in Slack: within five minutes of an install Slack itself is asked, and the "
        "token was dead; the workspace is erased"
    )
    harness.check(installations.find(harness.app.db, SOUTH) is not None, "the other workspace went, too")


def _uninstall_by_operator(harness: Harness, narrator: Narrator) -> None:
    narrator.flow("uninstall_tenant", range(1, 6))
    outcome = harness.uninstall(SOUTH.id)
    harness.check(outcome["erased"] is True, f"the answer was {outcome}")
    narrator.fact(f"POST /slack/uninstall: Slack: {outcome['slack']}; erased")
    harness.check(harness.uninstall(SOUTH.id)["found"] is False, "the second time found something")
    narrator.fact("once more: nothing is stored for it")


def _check_nothing_is_left(harness: Harness, narrator: Narrator) -> None:
    db = harness.app.db
    harness.wait_for(lambda: inbox.count_pending_purges(db) == 0, "the purge jobs")
    for tenant in (NORTH, SOUTH):
        harness.check(purge_tenant.count_remaining(harness.app, tenant) == 0, f"{tenant} still has rows")
    rows = audit.count(db)
    narrator.fact(f"no installation, token, data key or event body is left; {rows} audit rows are, and hold ids only")
    secrets = harness.list_issued_secrets()
    where = {"database, WAL and log": harness.read_written_files(), "this output": narrator.text.encode()}
    for name, content in where.items():
        hits = [1 for secret in secrets if secret.encode() in content]
        harness.check(not hits, f"{len(hits)} tokens were found in clear in {name}")
    control = sum(secret.encode() in harness.slack_state() for secret in secrets)
    harness.check(control > 0, "the search found nothing even where the tokens are")
    narrator.fact(f"{len(secrets)} tokens and codes that Slack gave out: 0 found in {' or in '.join(where)}")
    narrator.fact(f"(the same search in the local Slack's own state finds {control}, so it does search)")


Step = Callable[[Harness, Narrator], None]
STEPS: tuple[tuple[str, Step], ...] = (
    ("The install page", _show_install_page),
    ("The install begins", _begin_install),
    ("Consent at Slack, and the callback", _consent_and_return),
    ("What was stored", _check_token_is_sealed),
    ("An event, signed and delivered", _mention),
    ("The token expires and is refreshed", _refresh),
    ("A second workspace, and neither can see the other's token", _install_second_workspace),
    ("A re-install", _reinstall),
    ("Uninstall in Slack", _uninstall_in_slack),
    ("Uninstall by the operator", _uninstall_by_operator),
    *HOST_STEPS,
    ("What is left", _check_nothing_is_left),
)
