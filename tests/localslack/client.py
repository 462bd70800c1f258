"""One app, one local Slack, both on real sockets, and a clock the test moves."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from slack_sdk import WebClient

from slackapp.localslack import LocalApp, LocalSlack
from tests.support.client import FORM, Reply, post_form, request
from tests.support.servers import serve_shared

BOT = "app_mentions:read,chat:write,channels:read,channels:join,users:read,team:read,commands"
APP = LocalApp(
    app_id="A0LOCAL001",
    client_id="1000000001.2000000002",
    client_secrets=("current-secret", "previous-secret"),
    signing_secret="a-signing-secret",
    redirect_urls=("http://localhost:3000/slack/oauth_redirect",),
)


@dataclass
class Clock:
    """A clock that stands still until moved."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class RecordingApp:
    """The app under test: keeps what it gets, and answers what it is told to, 200 by default."""

    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    during: Callable[[], object] | None = None
    bodies: list[bytes] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = {k[5:].replace("_", "-").lower(): v for k, v in environ.items() if k.startswith("HTTP_")}
        headers |= {"content-type": environ.get("CONTENT_TYPE", ""), "path": environ["PATH_INFO"]}
        self.requests.append((headers, body))
        if self.during is not None:
            self.during()
        status, extra = self.answers.pop(0) if self.answers else (200, {})
        text = self.bodies.pop(0) if self.bodies else b""
        if b"url_verification" in body:
            text = json.loads(body)["challenge"].encode()
        start_response(f"{status} X", [("Content-Length", str(len(text))), *extra.items()])
        return [text]

    @property
    def events(self) -> list[Any]:
        return [json.loads(body) for headers, body in self.requests if headers["content-type"] == "application/json"]


@dataclass
class Client:
    """Everything a test needs."""

    slack: LocalSlack
    base: str
    clock: Clock
    app: RecordingApp

    def request(
        self, method: str, path: str, body: str | bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        return request(method, f"{self.base}{path}", body or b"", headers)

    def api(self, method: str, token: str = "", headers: dict[str, str] | None = None, **params: Any) -> Any:
        sent = {**FORM, **(headers or {})}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        return self.request("POST", f"/api/{method}", urlencode(params), sent).json

    def query(self, **changes: str | None) -> dict[str, str]:
        wanted: dict[str, str | None] = {
            "client_id": self.slack.app.client_id,
            "scope": BOT,
            "state": "the-state",
            "redirect_uri": self.slack.app.redirect_urls[0],
            **changes,
        }
        return {name: value for name, value in wanted.items() if value is not None}

    def decide(
        self, target: str = "T0NORTH001", user: str = "admin", decision: str = "approve", **changes: str | None
    ) -> Reply:
        fields = {**self.query(**changes), "target": target, "user": user, "decision": decision}
        return post_form(f"{self.base}/oauth/v2/authorize", fields)

    def code(self, target: str = "T0NORTH001", user: str = "admin", **changes: Any) -> str:
        return sent_back(self.decide(target, user, **changes))["code"]

    def access(self, **params: Any) -> Any:
        app = self.slack.app
        client = {"client_id": app.client_id, "client_secret": app.client_secrets[0]}
        return self.api("oauth.v2.access", **client | params)

    def exchange(self, code: str) -> Any:
        return self.access(code=code, redirect_uri=self.slack.app.redirect_urls[0])

    def install(self, target: str = "T0NORTH001", user: str = "admin", **changes: str | None) -> Any:
        answer = self.exchange(self.code(target, user, **changes))
        assert answer["ok"], answer
        return answer

    def refresh(self, refresh_token: str) -> Any:
        return self.access(grant_type="refresh_token", refresh_token=refresh_token)

    def client(self, token: str = "") -> WebClient:
        return WebClient(token=token or None, base_url=f"{self.base}/api/")


def sent_back(answer: Reply) -> dict[str, str]:
    """The query of the redirect to the app."""
    assert answer.status == 302, answer.text
    return answer.query


@contextlib.contextmanager
def make_client(state_file: Path | None = None, **changes: Any) -> Iterator[Client]:
    """Both servers, running; `changes` are fields of the LocalApp."""
    app, clock = RecordingApp(), Clock()
    with serve_shared(app) as app_url:
        settings = replace(
            APP,
            **{
                "events_url": f"{app_url}/slack/events",
                "commands_url": f"{app_url}/slack/commands",
                "interactivity_url": f"{app_url}/slack/interactivity",
                **changes,
            },
        )
        slack = LocalSlack(settings, clock=clock, entropy=os.urandom, state_file=state_file)
        slack.org_adds_workspaces = True
        with serve_shared(slack) as base:
            slack.base_url = base
            yield Client(slack, base, clock, app)
