"""A Bolt app as its maker would write it, on a local Slack: real HTTP to Slack, events straight into Bolt."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from slack_bolt import App, BoltRequest, BoltResponse
from slack_bolt.oauth.oauth_settings import OAuthSettings
from slack_sdk import WebClient
from slack_sdk.oauth.installation_store import Installation

from slackapp.app import system_entropy
from slackapp.localslack import LocalApp, LocalSlack, sign
from tests.bolt.store_folder import CLIENT_ID, CLIENT_SECRET, NOBODY
from tests.support.client import post_form
from tests.support.servers import serve
from tests.support.world import APP_ID, NORTH, SIGNING_SECRET

SCOPES = ("app_mentions:read", "chat:write")
ADMIN, MEMBER = "U0NORTH001ADM", "U0NORTH001MEM"
REFRESH = "oauth.v2.access"
CALLBACK = f"{NOBODY}/slack/oauth_redirect"


@contextlib.contextmanager
def local_slack(clock: Callable[[], float] = time.time) -> Iterator[LocalSlack]:
    """A Slack by the wall clock, because that is what Bolt goes by. Its events wait in its queue."""
    app = LocalApp(
        app_id=APP_ID,
        client_id=CLIENT_ID,
        client_secrets=(CLIENT_SECRET,),
        signing_secret=SIGNING_SECRET,
        redirect_urls=(CALLBACK,),
        events_url=f"{NOBODY}/slack/events",
    )
    slack = LocalSlack(app, clock=clock, entropy=system_entropy)
    with serve(slack, threads=10) as slack.base_url:
        yield slack


@dataclass
class BoltApp:
    """An app, and what its listener heard."""

    slack: LocalSlack
    app: App
    heard: list[Any] = field(default_factory=list)

    def install(self, target: str = NORTH, user: str = "admin", user_scopes: str = "users:read") -> Installation:
        """A user installs; Bolt exchanges the code and saves."""
        code = approve(self.slack, target, user, user_scopes)
        installation = self.app.oauth_flow.run_installation(code)
        assert installation is not None
        self.app.oauth_flow.store_installation(None, installation)
        self.slack.called.clear()
        return installation

    def events(self) -> list[str]:
        """The bodies that Slack would deliver by now."""
        with self.slack.lock:
            bodies = [item.body for item in self.slack.state.queue]
            self.slack.state.queue.clear()
        return bodies

    def deliver(self) -> list[int]:
        """Delivers them, one after the other; the statuses of the answers."""
        return [self.take(body).status for body in self.events()]

    def deliver_at_once(self) -> list[int]:
        """All of them at the same moment, each in a thread of its own."""
        bodies = self.events()
        barrier = threading.Barrier(len(bodies))

        def one(body: str) -> int:
            barrier.wait(10)
            return self.take(body).status

        with ThreadPoolExecutor(len(bodies)) as pool:
            return list(pool.map(one, bodies))

    def take(self, body: str) -> BoltResponse:
        """One request of Slack's."""
        stamp = str(int(time.time()))
        headers = {
            "content-type": ["application/json"],
            "x-slack-request-timestamp": [stamp],
            "x-slack-signature": [sign(SIGNING_SECRET, stamp, body.encode())],
        }
        return self.app.dispatch(BoltRequest(body=body, headers=headers))

    def mention(self, user: str, team: str = NORTH) -> bool:
        """That user mentions the bot; whether the listener heard of it."""
        before = len(self.heard)
        self.slack.mention(team, "hello", user=user)
        self.deliver()
        return len(self.heard) > before

    def refreshes(self) -> list[bool]:
        """Each call for a refresh, and whether Slack took it."""
        return [call.ok for call in self.slack.calls if call.method == REFRESH]


def bolt_app(slack: LocalSlack, store: Any, states: Any = None, *, by_time: bool = False, **given: Any) -> BoltApp:
    """Bolt, unmodified; it answers when its listeners have ended, so that a test need not wait for them.

    With `by_time` our own listeners hear of uninstalls and revocations, else Bolt's.
    """
    oauth = OAuthSettings(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        scopes=list(SCOPES),
        user_scopes=["users:read"],
        installation_store=store,
        state_store=states if states is not None else object(),
        authorization_url=f"{slack.base_url}/oauth/v2/authorize",
        **given,
    )
    app = App(
        name="an app",  # else Bolt looks through every module that is loaded for the name of the file that calls it
        client=WebClient(base_url=f"{slack.base_url}/api/"),
        signing_secret=SIGNING_SECRET,
        installation_store=store,
        oauth_settings=oauth,
        process_before_response=True,
    )
    made = BoltApp(slack, app)
    app.event("app_mention")(lambda event: made.heard.append(event["user"]))
    if by_time:
        store.enable_token_revocation_listeners(app)
    else:
        app.enable_token_revocation_listeners()
    return made


def approve(slack: LocalSlack, target: str, user: str, user_scopes: str = "", scopes: str = ",".join(SCOPES)) -> str:
    """What a user does on Slack's page; the code."""
    fields = {
        "client_id": CLIENT_ID, "scope": scopes, "user_scope": user_scopes, "state": "s", "target": target,
        "user": user, "decision": "approve",
    }  # fmt: skip
    return post_form(f"{slack.base_url}/oauth/v2/authorize", fields).query["code"]


@contextlib.contextmanager
def both_read_first(store: Any) -> Iterator[None]:
    """Of two threads, neither goes on with what it has found before the other one has found it, too; once each."""
    barrier, waited, find = threading.Barrier(2), threading.local(), store.find_installation

    def find_installation(**ids: Any) -> Any:
        found = find(**ids)
        if not getattr(waited, "done", False):
            waited.done = True
            barrier.wait(10)
        return found

    store.find_installation = find_installation
    try:
        yield
    finally:
        del store.find_installation
