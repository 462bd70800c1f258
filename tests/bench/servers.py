"""The servers that are measured, each in a process of its own on waitress with the same settings.

hello   a bare WSGI answer: what waitress and the client cost
ours    the service, with its threads
bolt    Bolt for Python with its SQLite stores
slack   a Slack that answers everything after a pause
"""

import json
import logging
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import waitress

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
CLIENT_ID = "1000000001.2000000002"


def hello(options: dict[str, Any]) -> WsgiApp:
    """Reads the body and says nothing."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "0")])
        return [b""]

    return app


def ours(options: dict[str, Any]) -> WsgiApp:
    """The service as `slackapp serve` runs it; `flush` seconds more for each commit."""
    from slackapp.app import build, system_clock, system_entropy
    from slackapp.config import settings as config
    from slackapp.store.engine.sqlite import SqliteDatabase

    if options.get("flush"):
        commit = SqliteDatabase._commit

        def slow(self: SqliteDatabase, connection: Any) -> None:
            if connection is self._writer(durable=True).connection:
                time.sleep(options["flush"])
            commit(self, connection)

        SqliteDatabase._commit = slow  # type: ignore[method-assign]
    settings = config.load(options["environment"], {})
    log = (Path(options["folder"]) / "log").open("w", encoding="utf-8")
    service = build(settings, system_clock, system_entropy, log)
    service.start()
    return service.wsgi


def bolt(options: dict[str, Any]) -> WsgiApp:
    """An app that answers a mention by doing nothing, as QUIET does."""
    from slack_bolt import App
    from slack_bolt.adapter.wsgi import SlackRequestHandler
    from slack_bolt.oauth.oauth_settings import OAuthSettings
    from slack_sdk import WebClient
    from slack_sdk.oauth.installation_store.sqlite3 import SQLite3InstallationStore
    from slack_sdk.oauth.state_store.sqlite3 import SQLite3OAuthStateStore

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
        oauth_settings=oauth, logger=_quiet(),
    )  # fmt: skip
    app.event("app_mention")(lambda ack: ack())
    handler: WsgiApp = SlackRequestHandler(app)
    return handler


def slack(options: dict[str, Any]) -> WsgiApp:
    """Answers every method as an install or a test of a token would be answered."""
    pause = float(options.get("pause", 0))
    count = iter(range(10**9))

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if pause:
            time.sleep(pause)
        body = json.dumps(_answer(environ["PATH_INFO"], next(count))).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return app


def _answer(path: str, number: int) -> dict[str, Any]:
    if path.endswith("oauth.v2.access"):
        return {
            "ok": True, "app_id": "A0LOCAL001", "token_type": "bot", "access_token": f"xoxb-bench-flow-{number}",
            "scope": "app_mentions:read,chat:write", "bot_user_id": "U00000002",
            "team": {"id": f"T{number % 1000:09d}", "name": "Bench"}, "enterprise": None,
            "is_enterprise_install": False, "authed_user": {"id": "U00000001"},
        }  # fmt: skip
    return {"ok": True, "user_id": "U00000002", "bot_id": "B00000001", "team_id": "T000000000", "url": "http://x/",
            "team": "Bench", "user": "bench", "channel": "C0GENERAL1", "ts": "1.2"}  # fmt: skip


def _quiet() -> logging.Logger:
    logger = logging.getLogger("bench.bolt")
    logger.setLevel(logging.CRITICAL)
    return logger


KINDS = {"hello": hello, "ours": ours, "bolt": bolt, "slack": slack}


def main() -> None:
    """One argument, JSON: kind, folder, port, threads, and what the kind takes."""
    options = json.loads(sys.argv[1])
    logging.getLogger("waitress.queue").setLevel(logging.CRITICAL)
    logging.disable(logging.WARNING)
    app = KINDS[options["kind"]](options)
    waitress.serve(
        app, listen=f"127.0.0.1:{options['port']}", threads=options.get("threads", 16), connection_limit=200,
        channel_request_lookahead=0, ident="", asyncore_use_poll=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()
