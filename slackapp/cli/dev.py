"""`slackapp dev`: one command for a newcomer. With credentials it talks to slack.com, without to a local Slack."""

import argparse
import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from slackapp import config
from slackapp.app import Service, system_entropy
from slackapp.cli import keys, server
from slackapp.cli.environment import read_environment
from slackapp.cli.printing import tell
from slackapp.crypto import keyfile
from slackapp.errors import ConfigError

HELP = "serve for development; without credentials, with a local Slack beside it"
DEFAULT_PORT = 3000
LOCAL_SLACK_PORT = 3001
_READY_TRIES = 200


SHOWN = {
    "SLACKAPP_BOT_SCOPES": "app_mentions:read,chat:write,commands,users:read",
    "SLACKAPP_HOME_ADMIN": "yes",
    "SLACKAPP_COMPANY": "Example Ltd, 1 Example Street, Exampleton",
    "SLACKAPP_SUPPORT_EMAIL": "support@example.com",
    "SLACKAPP_PRIVACY_EMAIL": "privacy@example.com",
}
"""With the local Slack everything is to be seen, the Home tab's button too; who runs it is made up."""


def configure(parser: argparse.ArgumentParser) -> None:
    """No options: everything is a setting."""


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError."""
    environment = read_environment()
    missing = config.missing_credentials(environment)
    if missing and len(missing) < len(config.CREDENTIALS):
        raise ConfigError(
            f"{missing[0]}: is missing; set all of {', '.join(config.CREDENTIALS)} to talk to slack.com, "
            "or none of them to use the local Slack"
        )
    folder = Path("data")
    _make_folder(folder)
    if not missing:
        settings = config.load(environment, _defaults(folder, environment))
        return server.serve(settings, _announce, log_texts=True)
    _make_folder(folder / "local")
    with _local_slack(folder / "local", environment) as local:
        settings = config.load({**environment, **local}, {**_defaults(folder / "local", environment), **SHOWN})
        return server.serve(settings, _announce, log_texts=True)


def _defaults(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """What `serve` wants to be told and a newcomer need not: paths below `data/`, and what they must hold."""
    listen = environment.get("SLACKAPP_LISTEN", f"127.0.0.1:{DEFAULT_PORT}")
    if "SLACKAPP_MASTER_KEY_FILE" not in environment and not (folder / "master.key").exists():
        keys.make(folder / "master.key")
    if not (folder / "operator.token").exists():
        keyfile.write_private(folder / "operator.token", system_entropy(32).hex().encode())
    # Behind a unix socket nobody knows the address but the operator.
    public_url = (
        {} if listen.startswith("unix:") else {"SLACKAPP_PUBLIC_URL": f"http://localhost:{listen.rpartition(':')[2]}"}
    )
    return {
        **public_url,
        "SLACKAPP_DATABASE": str(folder / "slackapp.db"),
        "SLACKAPP_MASTER_KEY_FILE": str(folder / "master.key"),
        "SLACKAPP_OPERATOR_TOKEN_FILE": str(folder / "operator.token"),
        "SLACKAPP_LISTEN": listen,
        # Whose folder this is checked out in is the developer's own affair; what lies in `data/` is closed.
        config.TRUSTED_FOLDER: str(Path.cwd()),
    }


def _make_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_mode & 0o022:
        folder.chmod(0o700)


@contextlib.contextmanager
def _local_slack(folder: Path, environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Starts the local Slack as a process of its own; gives the settings that point to it."""
    port = LOCAL_SLACK_PORT if _is_free(LOCAL_SLACK_PORT) else server.free_port()
    app = _local_credentials(folder / "app.json")
    public_url = environment.get("SLACKAPP_PUBLIC_URL") or _defaults(folder, environment).get("SLACKAPP_PUBLIC_URL")
    if public_url is None:
        raise ConfigError("SLACKAPP_PUBLIC_URL: is missing; with SLACKAPP_LISTEN=unix:… it cannot be guessed")
    command = (
        sys.executable, "-m", "slackapp", "localslack",
        "--listen", f"127.0.0.1:{port}",
        "--state", str(folder / "slack.json"),
        "--app-config", str(folder / "app.json"),
        "--redirect-url", f"{public_url}/slack/oauth_redirect",
        "--events-url", f"{public_url}/slack/events",
        "--commands-url", f"{public_url}/slack/commands",
        "--interactivity-url", f"{public_url}/slack/interactivity",
        "--until-stdin-closes",
    )  # fmt: skip
    # When this process dies, however it dies, the pipe closes and the local Slack ends, too.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as child:  # noqa: S603  (our own)
        try:
            _wait_until_it_answers(child, port)
            yield {
                "SLACKAPP_SLACK_URL": f"http://127.0.0.1:{port}",
                "SLACK_APP_ID": app["app_id"],
                "SLACK_CLIENT_ID": app["client_id"],
                "SLACK_CLIENT_SECRET": app["client_secret"],
                "SLACK_SIGNING_SECRET": app["signing_secret"],
            }
        finally:
            child.terminate()


def _local_credentials(file: Path) -> dict[str, str]:
    """The credentials that the local Slack gives our app: made once, private, of no use anywhere else."""
    if not file.exists():
        made = {
            "app_id": "A0LOCAL001",
            "client_id": "1000000001.2000000002",
            "client_secret": system_entropy(16).hex(),
            "signing_secret": system_entropy(16).hex(),
            "name": "Example",
        }
        keyfile.write_private(file, json.dumps(made).encode())
    content: dict[str, str] = json.loads(keyfile.read_private(file, None, Path.cwd()))
    return content


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _wait_until_it_answers(child: "subprocess.Popen[bytes]", port: int) -> None:
    for _ in range(_READY_TRIES):
        if child.poll() is not None:
            break
        if not _is_free(port):
            return
        time.sleep(0.05)
    raise ConfigError(f"the local Slack did not start on 127.0.0.1:{port}; see its message above")


def _announce(service: Service) -> None:
    settings = service.app.settings
    if settings.slack.is_local:
        slack = f"It talks to the local Slack at {settings.slack.origin}, where you can mention the app afterwards."
    else:
        slack = f"It talks to {settings.slack.origin}."
    tell(
        "",
        f"  slackapp is at {settings.public_url}",
        f"  {slack}",
        "  Open the first address and click 'Add to Slack'. Stop with Ctrl-C.",
        "",
        error=True,
    )
