"""The environment and the settings of a command, with a warning where others can read them."""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path

from slackapp.app import load_description, load_scope_reasons
from slackapp.cli.service import dev_settings
from slackapp.cli.terminal.printing import print_lines
from slackapp.config import settings as config
from slackapp.model import Settings

_DEV: ContextVar[bool] = ContextVar("_DEV", default=False)


@contextlib.contextmanager
def with_dev(wanted: bool) -> Iterator[None]:
    """Commands of the block find what `slackapp dev` uses in this folder, if that is wanted."""
    before = _DEV.set(wanted)
    try:
        yield
    finally:
        _DEV.reset(before)


def read_environment() -> dict[str, str]:
    """The process's environment over `.env` in the current folder. Raises ConfigError."""
    folder = Path.cwd()
    if config.dotenv_is_shared(folder):
        print_lines(f"slackapp: warning: others can read {folder / '.env'}; run: chmod 600 .env", error=True)
    environment = config.read_environment(folder)
    if not _DEV.get():
        return environment
    find_modules_here()
    return dev_settings.load_used(environment)


def dev_was_used() -> bool:
    """Tells whether `slackapp dev` was started in this folder before."""
    return dev_settings.was_used(config.read_environment(Path.cwd()))


def read_settings() -> Settings:
    """The settings of a command. Raises ConfigError."""
    environment = read_environment()
    return config.load(environment, defaults_for(environment))


def defaults_for(environment: Mapping[str, str]) -> dict[str, str]:
    """Collects the defaults that precede those of the settings' table. Raises ConfigError."""
    trusted = {config.TRUSTED_FOLDER: str(Path.cwd())} if _DEV.get() else {}
    return {**behaviour_defaults(environment), **trusted}


def behaviour_defaults(environment: Mapping[str, str]) -> dict[str, str]:
    """Reads scopes and description from the behaviour's module.

    Raises ConfigError.
    """
    found = config.load_some(environment, ("SLACKAPP_BEHAVIOUR", "SLACKAPP_USER_SCOPES"))
    bot_scopes = [scope for scope in load_scope_reasons(found["behaviour"]) if scope not in found["user_scopes"]]
    own = "SLACKAPP_BEHAVIOUR" in environment
    described = load_description(found["behaviour"]) if own else ""
    defaults = {"SLACKAPP_BOT_SCOPES": ",".join(bot_scopes), "SLACKAPP_DESCRIPTION": described}
    return {name: value for name, value in defaults.items() if value}


def find_modules_here() -> None:
    """Python finds modules in the current folder too, after all others: a behaviour of one's own, while developing."""
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.append(folder)
