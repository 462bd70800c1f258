"""The app's credentials at the local Slack: read from a file, or made up once and kept privately."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from slackapp.localslack.model import LocalApp, StateFileError
from slackapp.localslack.state import write_private

TEXTS = ("app_id", "client_id", "signing_secret", "name")
SWITCHES = ("rotation", "org_deploy")


def from_file(path: Path, redirect_urls: Sequence[str], events_url: str) -> LocalApp:
    """The app a JSON file describes: app_id, client_id, client_secret (or client_secrets), signing_secret, name,
    rotation, org_deploy.

    Raises StateFileError naming the file when it cannot be read or says something else.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
        app = _app(data)
    except (OSError, ValueError) as problem:
        raise StateFileError(f"{path}: {problem}") from problem
    return dataclasses.replace(app, redirect_urls=tuple(redirect_urls), events_url=events_url)


def load_or_make(
    path: Path, redirect_urls: Sequence[str], events_url: str, entropy: Callable[[int], bytes]
) -> tuple[LocalApp, bool]:
    """The app kept in the file, or a new one with random credentials; and whether it is new.

    The file is readable by its owner only. Raises StateFileError naming the file.
    """
    if path.exists():
        return from_file(path, redirect_urls, events_url), False
    data = {
        "app_id": "A0LOCAL001",
        "client_id": f"{int.from_bytes(entropy(5), 'big')}.{int.from_bytes(entropy(5), 'big')}",
        "client_secret": entropy(16).hex(),
        "signing_secret": entropy(16).hex(),
        "name": "Example",
        "rotation": True,
        "org_deploy": True,
    }
    try:
        write_private(path, json.dumps(data, indent=2) + "\n")
    except OSError as problem:
        raise StateFileError(f"{path}: {problem}") from problem
    return from_file(path, redirect_urls, events_url), True


def _app(data: Any) -> LocalApp:
    if not isinstance(data, dict):
        raise ValueError("a JSON object is expected")
    given = dict(data)
    single = given.pop("client_secret", None)
    secrets = given.pop("client_secrets", [single] if single is not None else [])
    unknown = set(given) - {*TEXTS, *SWITCHES}
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    for name in ("app_id", "client_id", "signing_secret"):
        if not given.get(name):
            raise ValueError(f"{name} is missing")
    if not isinstance(secrets, list) or not secrets or not all(isinstance(s, str) and s for s in secrets):
        raise ValueError("client_secret is missing")
    if not all(isinstance(given[name], str) for name in TEXTS if name in given):
        raise ValueError(f"{', '.join(TEXTS)} must be strings")
    if not all(isinstance(given[name], bool) for name in SWITCHES if name in given):
        raise ValueError(f"{', '.join(SWITCHES)} must be true or false")
    return LocalApp(client_secrets=tuple(secrets), redirect_urls=(), **given)


def environment(app: LocalApp, base_url: str) -> list[str]:
    """The environment lines an app needs to talk to this Slack as that app; they hold its secrets."""
    return [
        f"SLACK_APP_ID={app.app_id}",
        f"SLACK_CLIENT_ID={app.client_id}",
        f"SLACK_CLIENT_SECRET={app.client_secrets[0]}",
        f"SLACK_SIGNING_SECRET={app.signing_secret}",
        f"SLACKAPP_SLACK_URL={base_url}",
    ]
