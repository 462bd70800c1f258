"""`slackapp localslack`: run the local Slack on its own, for this app or any other."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import waitress

from slackapp.cli.terminal.printing import print_lines
from slackapp.errors import CommandError, UsageError
from slackapp.localslack import LocalApp, LocalSlack, StateFileError, credentials
from slackapp.localslack.wire import is_loopback
from slackapp.model import CALLBACK_PATH, EVENTS_PATH

REDIRECT_URL = f"http://localhost:3000{CALLBACK_PATH}"
EVENTS_URL = f"http://localhost:3000{EVENTS_PATH}"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--listen", default="127.0.0.1:3001", metavar="HOST:PORT", help="loopback only")
    parser.add_argument(
        "--state",
        type=Path,
        default=Path("data/local"),
        metavar="PATH",
        help="directory, or .json file, to keep its state in",
    )
    parser.add_argument(
        "--app-config",
        type=Path,
        metavar="FILE",
        help="JSON: app_id, client_id, client_secret, signing_secret, name, rotation, org_deploy",
    )
    parser.add_argument("--redirect-url", action="append", metavar="URL", help=f"repeatable; default {REDIRECT_URL}")
    parser.add_argument("--events-url", default=EVENTS_URL, metavar="URL", help=f"default {EVENTS_URL}")
    parser.add_argument("--commands-url", default="", metavar="URL", help="where slash commands go")
    parser.add_argument("--interactivity-url", default="", metavar="URL", help="where buttons and modals go")
    parser.add_argument("--app-name", default="", metavar="NAME", help="what the app is called (default: as in FILE)")
    parser.add_argument(
        "--handles",
        action="append",
        metavar="KEY",
        help="repeatable: app_mention, /command, block_actions:ID, …; without it everything is offered",
    )
    parser.add_argument(
        "--reveal-issued",
        action="store_true",
        help="serve every token ever issued at /control/issued.json, for a leak scan",
    )
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="end with the process that holds the other end of standard input",
    )


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT. Raises UsageError, and CommandError when a file or the port cannot be used."""
    try:
        host, port = _listen(args.listen)
        app, new = _app(args)
        slack = LocalSlack(
            app,
            clock=time.time,
            entropy=os.urandom,
            state_file=_state_file(args.state),
            reveal_issued=args.reveal_issued,
        )
        # Bound here: what waitress has opened before it finds a port taken stays open.
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        server = waitress.create_server(
            slack, sockets=[socket.create_server((host, port), family=family)], threads=8, ident=None
        )
    except ValueError as problem:
        raise UsageError(str(problem)) from None
    except StateFileError as problem:
        raise CommandError(str(problem)) from None
    except OSError as problem:
        raise CommandError(f"--listen {args.listen}: cannot listen there ({os.strerror(problem.errno or 0)})") from None
    slack.base_url = f"http://{f'[{host}]' if ':' in host else host}:{server.effective_port}"
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _leave)
    _print_ready(app, slack.base_url, args, new=new)
    if args.until_stdin_closes:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    slack.start()
    try:
        server.run()  # waitress returns from here when a signal raises SystemExit in its loop
    except SystemExit:
        pass  # the signal came before the loop began
    finally:
        server.close()
        slack.stop()
    return 0


def _listen(text: str) -> tuple[str, int]:
    try:
        where = urlsplit(f"//{text}")
        host, port = where.hostname or "", where.port
    except ValueError:
        host, port = "", None
    if port is None or where.netloc != text:
        raise ValueError(f"--listen {text}: HOST:PORT is expected")
    if not is_loopback(text):
        raise ValueError(f"--listen {text}: the local Slack serves loopback only (127.0.0.1, ::1 or localhost)")
    return host, port


def _app(args: argparse.Namespace) -> tuple[LocalApp, bool]:
    urls = args.redirect_url or [REDIRECT_URL]
    if args.app_config is not None:
        app, new = credentials.from_file(args.app_config, urls, args.events_url), False
    else:
        app, new = credentials.load_or_make(_directory(args.state) / "app.json", urls, args.events_url, os.urandom)
    asked = replace(
        app,
        commands_url=args.commands_url,
        interactivity_url=args.interactivity_url,
        handles=None if args.handles is None else tuple(key for key in args.handles if key),
        name=args.app_name or app.name,
    )
    return asked, new


def _directory(state: Path) -> Path:
    return state.parent if state.suffix == ".json" else state


def _state_file(state: Path) -> Path:
    return state if state.suffix == ".json" else state / "slack.json"


def _print_ready(app: LocalApp, base_url: str, args: argparse.Namespace, *, new: bool) -> None:
    if new:
        print_lines("New credentials for the app; it needs these lines in its environment:")
        print_lines(*credentials.environment(app, base_url))
    elif args.app_config is None:
        print_lines(f"The app's credentials are in {_directory(args.state) / 'app.json'}.")
    print_lines(f"local Slack on {base_url}")


def _end_with_stdin() -> None:
    # However the parent dies, kill -9 included, the pipe closes: no local Slack is left behind on its port.
    # Read below Python's own buffer: it is locked while read, which is fatal to an interpreter that ends meanwhile.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _leave(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(0)
