"""The servers beside ours, each in a process of its own on waitress, with the settings that ours has.

hello   a bare WSGI answer: what waitress and the client cost
floor   what a receipt and its run cost at least
bolt    Bolt for Python with its SQLite stores
slack   a Slack that answers everything after a pause
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import waitress

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
CLIENT_ID = "1000000001.2000000002"
SETTINGS = {
    "connection_limit": 200, "backlog": 256, "channel_timeout": 30, "cleanup_interval": 10, "ident": "",
    "channel_request_lookahead": 0, "asyncore_use_poll": True,
}  # fmt: skip


def hello(options: dict[str, Any]) -> WsgiApp:
    """Reads the body and says what ours was found to say."""
    answers = {
        path: (status, [(name, value) for name, value in headers], body.encode())
        for path, (status, headers, body) in options["answers"].items()
    }

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        status, headers, body = answers[environ["PATH_INFO"]]
        start_response(status, headers[:])
        return [body]

    return app


def floor(options: dict[str, Any]) -> WsgiApp:
    """Makes its own database."""
    from tests.bench.floor import Floor

    return Floor(Path(options["folder"]), options["signing_secret"], [f"T{number:09d}" for number in range(1000)])


def bolt(options: dict[str, Any]) -> WsgiApp:
    """An app that answers a mention by doing nothing, as QUIET does."""
    import logging

    from slack_bolt import App
    from slack_bolt.adapter.wsgi import SlackRequestHandler
    from slack_bolt.oauth.oauth_settings import OAuthSettings
    from slack_sdk import WebClient
    from slack_sdk.oauth.installation_store.sqlite3 import SQLite3InstallationStore
    from slack_sdk.oauth.state_store.sqlite3 import SQLite3OAuthStateStore

    logger = logging.getLogger("bench.bolt")
    logger.setLevel(logging.CRITICAL)
    logging.disable(logging.WARNING)
    database = str(Path(options["folder"]) / "bolt.db")
    store = SQLite3InstallationStore(database=database, client_id=CLIENT_ID)
    states = SQLite3OAuthStateStore(database=database, expiration_seconds=600)
    store.init()
    states.init()
    slack = f"http://127.0.0.1:{options['slack']}"
    oauth = OAuthSettings(
        client_id=CLIENT_ID, client_secret="a-client-secret-for-tests", scopes=["app_mentions:read", "chat:write"],
        installation_store=store, state_store=states, authorization_url=f"{slack}/oauth/v2/authorize",
        install_page_rendering_enabled=False,
    )  # fmt: skip
    app = App(
        client=WebClient(base_url=f"{slack}/api/"), signing_secret=options["signing_secret"], installation_store=store,
        oauth_settings=oauth, logger=logger,
    )  # fmt: skip
    app.event("app_mention")(lambda ack: ack())
    handler: WsgiApp = SlackRequestHandler(app)
    return handler


def slack(options: dict[str, Any]) -> WsgiApp:
    """Answers every method as an install or a test of a token would be answered."""
    pause = float(options.get("pause", 0))
    count = iter(range(10**9))

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        given = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if pause:
            time.sleep(pause)
        body = json.dumps(_answer(environ["PATH_INFO"], given, next(count))).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return app


CHANNELS = [
    {"id": f"C{number:010d}", "name": f"channel-{number}", "is_private": number % 9 == 0, "is_member": number % 2 == 0}
    for number in range(100)
]


def _answer(path: str, given: bytes, number: int) -> dict[str, Any]:
    if path.endswith("users.info"):
        return {"ok": True, "user": {"id": "U00000001", "is_admin": True}}
    if path.endswith("conversations.info"):
        return {"ok": True, "channel": {"id": "C0GENERAL1", "is_private": False, "is_archived": False}}
    if path.endswith("conversations.list"):
        return {"ok": True, "channels": CHANNELS}
    named = re.search(rb"code=bench-(T[0-9]+)", given)
    team = named[1].decode() if named is not None else f"T{number % 1000:09d}"
    if path.endswith("oauth.v2.access"):
        return {
            "ok": True, "app_id": "A0LOCAL001", "token_type": "bot", "access_token": f"xoxb-bench-flow-{number}",
            "scope": "app_mentions:read,chat:write,channels:read,groups:read,users:read", "bot_user_id": "U00000002",
            "team": {"id": team, "name": "Bench"}, "enterprise": None,
            "is_enterprise_install": False, "authed_user": {"id": "U00000001"},
        }  # fmt: skip
    return {"ok": True, "user_id": "U00000002", "bot_id": "B00000001", "team_id": "T000000000", "url": "http://x/",
            "team": "Bench", "user": "bench", "channel": "C0GENERAL1", "ts": "1.2"}  # fmt: skip


KINDS = {"hello": hello, "floor": floor, "bolt": bolt, "slack": slack}


def main() -> None:
    """One argument, JSON: kind, folder, port, threads, whether it keeps to one processor, and what the kind takes."""
    options = json.loads(sys.argv[1])
    if options["one_processor"]:
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {allowed[os.getpid() % len(allowed)]})
    app = KINDS[options["kind"]](options)
    waitress.serve(app, listen=f"127.0.0.1:{options['port']}", threads=options["threads"], _quiet=True, **SETTINGS)


if __name__ == "__main__":
    main()
