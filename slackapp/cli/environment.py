"""The environment of a command, with a warning where others can read it."""

from pathlib import Path

from slackapp import config
from slackapp.cli.printing import tell


def read_environment() -> dict[str, str]:
    """The process's environment over `.env` in the current folder. Raises ConfigError."""
    folder = Path.cwd()
    if config.dotenv_is_shared(folder):
        tell(f"slackapp: warning: others can read {folder / '.env'}; run: chmod 600 .env", error=True)
    return config.read_environment(folder)
