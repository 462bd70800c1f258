"""State of the local Slack, and the one file it is stored in.

The file holds live tokens of the simulated Slack, so it is private (mode 0600). It is replaced whole by
rename: a killed process leaves the old or the new state, never half of one. It is not synced to disk: after a
power cut a developer starts afresh.
"""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slackapp.localslack.model import (
    AppInstall,
    AuthorizationCode,
    Json,
    PostUrl,
    QueuedDelivery,
    SlackRefreshToken,
    SlackToken,
    StateFileError,
)

FORMAT = 1


@dataclass
class SlackState:
    """Rows of the state file, by their key. `spoken` holds what users said, `messages` what the app posted."""

    serial: int = 0
    installs: dict[str, AppInstall] = field(default_factory=dict)
    tokens: dict[str, SlackToken] = field(default_factory=dict)
    refreshes: dict[str, SlackRefreshToken] = field(default_factory=dict)
    codes: dict[str, AuthorizationCode] = field(default_factory=dict)
    hooks: dict[str, PostUrl] = field(default_factory=dict)
    queue: list[QueuedDelivery] = field(default_factory=list)
    messages: list[Json] = field(default_factory=list)
    spoken: list[Json] = field(default_factory=list)
    views: dict[str, dict[str, Json]] = field(default_factory=dict)
    joined: list[str] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)
    added_workspaces: dict[str, str] = field(default_factory=dict)
    moved_workspaces: dict[str, str] = field(default_factory=dict)


ROWS: dict[str, type[Any]] = {
    "installs": AppInstall,
    "tokens": SlackToken,
    "refreshes": SlackRefreshToken,
    "codes": AuthorizationCode,
    "hooks": PostUrl,
}


def load(path: Path) -> SlackState:
    """The state in the file, or an empty one if there is no file.

    Raises StateFileError naming the file when it cannot be read or is not a state file of this format.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return SlackState()
    except (OSError, UnicodeDecodeError) as problem:
        raise StateFileError(f"{path}: cannot be read: {problem}") from problem
    try:
        return _parse(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise StateFileError(
            f"{path}: not a usable state file of the local Slack ({problem}); move it away to start afresh"
        ) from problem


def _parse(data: Any) -> SlackState:
    if not isinstance(data, dict) or data.pop("format", None) != FORMAT:
        raise ValueError(f"format {FORMAT} expected")
    for name, shape in ROWS.items():
        data[name] = {key: shape(**row) for key, row in data[name].items()}
    data["queue"] = [QueuedDelivery(**row) for row in data["queue"]]
    blank = SlackState()
    for name, value in data.items():
        if type(value) is not type(getattr(blank, name)):
            raise ValueError(f"{name} has the wrong type")
    return SlackState(**data)


def save(path: Path, state: SlackState) -> None:
    """Replace the file by the given state, in one step. Raises OSError when the disk refuses."""
    data = {"format": FORMAT, **dataclasses.asdict(state)}
    write_private(path, json.dumps(data))


def write_private(path: Path, text: str) -> None:
    """Replace a file by rename; it is readable by its owner only from its first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    # O_EXCL: never write through a link that somebody else put there.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)
