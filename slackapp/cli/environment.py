"""The environment of a command, with a warning where others can read it."""

import sys
from pathlib import Path

from slackapp import config


def read_environment() -> dict[str, str]:
    """The process's environment over `.env` in the current folder. Raises ConfigError."""
    folder = Path.cwd()
    if config.dotenv_is_shared(folder):
        print(f"slackapp: warning: others can read {folder / '.env'}; run: chmod 600 .env", file=sys.stderr)
    return config.read_environment(folder)
