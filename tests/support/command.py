"""An operator who is sure: what would be asked is answered by `--yes`."""

from collections.abc import Sequence

from slackapp.cli.main import main

CONFIRMED_COMMANDS = (
    ("uninstall",), ("purge",), ("restore",), ("freeze",), ("unfreeze",), ("keys", "retire"),
    ("host", "keys", "retire"), ("incident", "token"), ("offboard",), ("review", "attest"), ("review", "close"),
)  # fmt: skip
"""The commands that ask for a name first."""


def with_yes(words: Sequence[str]) -> list[str]:
    """The words of a command, with `--yes` where it would ask."""
    asks = any(tuple(words[: len(asking)]) == asking for asking in CONFIRMED_COMMANDS)
    return [*words, "--yes"] if asks else list(words)


def run(*words: str) -> int:
    """`slackapp …` in this process; its exit status."""
    return main(with_yes(words))
