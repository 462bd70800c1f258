"""`slackapp dev`: one command for a newcomer. With credentials it talks to slack.com, without to a local Slack."""

import argparse
import contextlib
import functools
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import slackapp
from slackapp.app import Service, load_behaviour
from slackapp.checks.installer import USERS_READ
from slackapp.checks.scope_reasons import REASONS
from slackapp.cli.service import dev_settings, localhost, server
from slackapp.cli.service.environment import behaviour_defaults, find_modules_here, read_environment
from slackapp.cli.terminal.printing import print_last_line, print_lines
from slackapp.config import settings as config
from slackapp.errors import ConfigError
from slackapp.host.cli.keys import make_private_files
from slackapp.model import CALLBACK_PATH, COMMANDS_PATH, EVENTS_PATH, HOST_CALLBACK_PATH, INTERACTIVITY_PATH

LOCAL_SLACK_PORT, HOST_PORT = 3001, 4000
"""Where they are taken, whatever is free."""
READY, HOST_READY = "local Slack on ", "host application on "
"""What they say before their address, once they answer."""
HOST_APPLICATION = Path(slackapp.__file__).parent.parent / "examples" / "host_app.py"
"""It is where the source is, and not in an installed package."""
HOST_WEBHOOK_PATH, HOST_COMPLETE_PATH = "/slack/webhook", "/slack/complete"

EXAMPLE_SETTINGS = {
    "SLACKAPP_COMPANY": "Example Ltd, 1 Example Street, Exampleton",
    "SLACKAPP_SUPPORT_EMAIL": "support@example.com",
    "SLACKAPP_PRIVACY_EMAIL": "privacy@example.com",
}
"""Who runs it is made up."""
EXAMPLE_BEHAVIOUR_SETTINGS = {
    "SLACKAPP_BOT_SCOPES": ",".join(reason.scope for reason in REASONS),
    "SLACKAPP_HOME_ADMIN": "yes",
}
"""With the local Slack everything of the example is to be seen, the Home tab's button too."""


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError."""
    environment = read_environment()
    folder = dev_settings.folder_of(environment)
    find_modules_here()
    # Whose folder this is checked out in is the developer's own affair; what lies in `data/` is closed.
    told = {**behaviour_defaults(environment), config.TRUSTED_FOLDER: str(Path.cwd())}
    if folder == dev_settings.FOLDER:
        defaults = {**told, **dev_settings.make_defaults(folder, environment)}
        return _serve(folder, environment, defaults)
    own = "SLACKAPP_BEHAVIOUR" in environment
    shown = {**EXAMPLE_SETTINGS, **({} if own else EXAMPLE_BEHAVIOUR_SETTINGS), **told}
    defaults = {**shown, **dev_settings.make_defaults(folder, environment)}
    with _local_slack(environment, defaults) as local, _host_application(folder, environment, defaults) as host:
        return _serve(folder, {**environment, **local}, {**defaults, **host}, host.get("SLACKAPP_HOST_URL", ""))


def _serve(folder: Path, environment: Mapping[str, str], defaults: Mapping[str, str], host_url: str = "") -> int:
    settings = config.load(environment, defaults)
    dev_settings.save_used(folder, {**defaults, **environment})
    status = server.serve(
        settings,
        functools.partial(_print_ready, host_url=host_url),
        log_texts=True,
        middleware=localhost.redirect_other_names(settings.public_url),
    )
    print_last_line("slackapp: stopped")
    return status


@contextlib.contextmanager
def _local_slack(environment: Mapping[str, str], defaults: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Starts the local Slack as a process of its own; gives the settings that point to it."""
    found = config.load_some(environment, ("SLACKAPP_BEHAVIOUR", "SLACKAPP_NAME"))
    public_url = environment.get("SLACKAPP_PUBLIC_URL") or defaults.get("SLACKAPP_PUBLIC_URL")
    if public_url is None:
        raise ConfigError("SLACKAPP_PUBLIC_URL: is missing; with SLACKAPP_LISTEN=unix:… it cannot be guessed")
    credentials = dev_settings.local_credentials(found["name"])
    command = [
        sys.executable, "-m", "slackapp", "localslack",
        "--state", str(dev_settings.LOCAL_FOLDER / "slack.json"),
        "--app-config", str(dev_settings.credentials_file()),
        "--app-name", found["name"],
        "--redirect-url", f"{public_url}{CALLBACK_PATH}",
        "--events-url", f"{public_url}{EVENTS_PATH}",
        "--commands-url", f"{public_url}{COMMANDS_PATH}",
        "--interactivity-url", f"{public_url}{INTERACTIVITY_PATH}",
        "--until-stdin-closes",
        *([f"--redirect-url={public_url}{HOST_CALLBACK_PATH}"] if _may_have_host({**defaults, **environment}) else []),
        *(f"--handles={key}" for key in load_behaviour(found["behaviour"]) or ("",)),
    ]  # fmt: skip
    with contextlib.ExitStack() as running:
        port = LOCAL_SLACK_PORT if _is_free(LOCAL_SLACK_PORT) else 0
        url = _start(running, [*command, "--listen", f"127.0.0.1:{port}"], READY)
        # Another one may have come first.
        url = url or _start(running, [*command, "--listen", "127.0.0.1:0"], READY)
        if not url:
            raise ConfigError("the local Slack did not start; see its message above")
        yield {"SLACKAPP_SLACK_URL": url, **credentials}


@contextlib.contextmanager
def _host_application(
    folder: Path, environment: Mapping[str, str], defaults: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    """Starts the host application, and switches the host side on; nothing where the developer has a host already."""
    given = {**defaults, **environment}
    has_own = any(environment.get(name) for name in ("SLACKAPP_HOST_KEYS_FILE", "SLACKAPP_HOST_URL"))
    if has_own or not _may_have_host(given) or not HOST_APPLICATION.exists():
        yield {}
        return
    files = make_private_files(folder)
    command = [
        sys.executable, str(HOST_APPLICATION),
        "--service", given["SLACKAPP_PUBLIC_URL"],
        "--keys", files["SLACKAPP_HOST_KEYS_FILE"],
        "--webhook-secret", files["SLACKAPP_HOST_WEBHOOK_SECRET_FILE"],
        "--until-stdin-closes",
    ]  # fmt: skip
    with contextlib.ExitStack() as running:
        port = HOST_PORT if _is_free(HOST_PORT) else 0
        url = _start(running, [*command, "--port", str(port)], HOST_READY)
        url = url or _start(running, [*command, "--port", "0"], HOST_READY)
        if not url:
            raise ConfigError("the host application did not start; see its message above")
        yield {
            **files,
            "SLACKAPP_HOST_URL": url,
            "SLACKAPP_HOST_COMPLETE_PATH": HOST_COMPLETE_PATH,
            "SLACKAPP_HOST_RETURN_PATH": "/",
            "SLACKAPP_HOST_WEBHOOK_URL": f"{url}{HOST_WEBHOOK_PATH}",
        }


def _may_have_host(given: Mapping[str, str]) -> bool:
    """Tells whether the host side may be on: it needs to see who is an admin."""
    return USERS_READ in config.load_some(given, ("SLACKAPP_BOT_SCOPES",))["bot_scopes"]


def _start(running: contextlib.ExitStack, command: list[str], ready: str) -> str:
    """Starts what is beside us; its address, or "" when it did not start."""
    # When this process dies, however it dies, the pipe closes and the other ends, too. Ctrl-C is for this one alone:
    # it ends the other.
    child = running.enter_context(
        subprocess.Popen(  # noqa: S603  (our own command)
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0
        )
    )
    running.callback(child.terminate)
    for line in child.stdout or ():
        if line.startswith(ready):
            return line.removeprefix(ready).strip()
    return ""


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _print_ready(service: Service, host_url: str) -> None:
    settings = service.app.settings
    if settings.slack.is_local:
        slack = [f"It talks to the local Slack at {settings.slack.origin},", "where you can use the app afterwards."]
    else:
        slack = [f"It talks to {settings.slack.origin}."]
    program = sys.argv[0] if Path(sys.argv[0]).name == "slackapp" else "slackapp"
    print_lines(
        "",
        f"  slackapp is at {settings.public_url}",
        *(f"  {line}" for line in slack),
        *([f"  A product whose customers connect Slack is at {host_url}."] if host_url else []),
        "  Open the first address and click 'Add to Slack'. Stop with Ctrl-C.",
        f"  Commands beside it, in this folder: {program} --dev tenants",
        "",
        error=True,
    )
