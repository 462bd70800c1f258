"""A world that is prepared once for many tests: each finds it as it was left, and none has to prepare it again."""

import contextlib
import copy
import io
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slackapp.crypto import keyfile
from slackapp.localslack import LocalSlack
from slackapp.localslack.model import LocalApp
from slackapp.model import Settings
from tests.support.world import World, make_world

MEMORY = Path("/dev/shm")
MakeWorld = Callable[..., contextlib.AbstractContextManager[World]]


@contextlib.contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder in memory, where there is such a place: what is proved there does not hang on the disk's speed."""
    place = MEMORY if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


@dataclass(frozen=True)
class Prepared:
    """What a world was when it had been prepared: our database, and everything that Slack knew."""

    world: World
    settings: Settings
    database: bytes
    app: LocalApp
    state: Any
    now: int

    def reset(self) -> World:
        """The same world as then, with a process that has nothing in memory."""
        world, slack = self.world, self.world.slack
        world.service.stop()
        assert slack.violations == []
        # Another file of the same name: a connection that a test has left open lets go of its own, and of nothing else.
        for beside in ("", "-wal", "-shm"):
            self.settings.database.with_name(self.settings.database.name + beside).unlink(missing_ok=True)
        keyfile.write_private(self.settings.database, self.database)
        slack.__init__(self.app, slack.clock, slack.entropy, world.slack_url, probe=slack.probe)  # type: ignore[misc]
        remember(slack, self.state)
        world.clock.now, world.settings, world.log = self.now, self.settings, io.StringIO()
        world.service = world.start_process()
        return world


def snapshot_world(world: World) -> Prepared:
    """Remembers a world as it is now; it is of use again after `reset`."""
    world.service.stop()  # who closes the database last empties its log into it
    database, slack = world.settings.database, world.slack
    assert not database.with_name(database.name + "-wal").exists()
    state = copy.deepcopy(slack.state)
    return Prepared(world, world.settings, database.read_bytes(), slack.app, state, world.clock.now)


@dataclass(frozen=True)
class Left:
    """What a world left: the files in its folder, and everything that Slack knew."""

    files: Mapping[str, bytes]
    state: Any
    now: int


def left_by(world: World) -> Left:
    """Ends a world; others go on from there."""
    world.service.stop()
    folder = world.folder
    files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    return Left(files, copy.deepcopy(world.slack.state), world.clock.now)


@contextlib.contextmanager
def going_on(
    left: Left, folder: Path, rotation: bool = True, make: MakeWorld = make_world, **changes: str
) -> Iterator[World]:
    """A world of its own, in a folder of its own, that begins where another one ended. Its settings are not kept."""
    for name, content in left.files.items():
        (folder / name).parent.mkdir(mode=0o700, exist_ok=True)
        keyfile.write_private(folder / name, content)
    with make(folder, rotation, **changes) as world:
        remember(world.slack, left.state)
        world.clock.now = left.now
        yield world


def remember(slack: LocalSlack, state: Any) -> None:
    """Gives a Slack that knows nothing what another one knew."""
    slack.state = copy.deepcopy(state)
    for token in slack.state.tokens.values():
        slack.tokens_of[token.tenant].append(token)
