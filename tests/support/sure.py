"""An operator who is sure: what would be asked is answered by `--yes`."""

from collections.abc import Sequence

from slackapp.cli.main import main

ASKING = (("uninstall",), ("purge",), ("restore",), ("keys", "retire"))
"""The commands that ask for a name first."""


def sure(words: Sequence[str]) -> list[str]:
    """The words of a command, with `--yes` where it would ask."""
    asks = any(tuple(words[: len(asking)]) == asking for asking in ASKING)
    return [*words, "--yes"] if asks else list(words)


def run(*words: str) -> int:
    """`slackapp …` in this process; its exit status."""
    return main(sure(words))
