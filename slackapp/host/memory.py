"""Memory of the host side in one process: keys that are read anew by themselves, and rates."""

from typing import NamedTuple

from slackapp.flows.app import App
from slackapp.host.keys import HostKeys
from slackapp.model import Settings
from slackapp.runtime.rate_limits import RateLimiter

NAME = "host"
"""Name of the circle."""


class HostMemory(NamedTuple):
    """Keys of the host, and how often an organization may ask for anything, and begin or open something."""

    keys: HostKeys
    requests: RateLimiter
    openings: RateLimiter


def make_memory(settings: Settings) -> HostMemory | None:
    """Makes it for a process; None where the host side is off. Raises ConfigError."""
    if settings.host_keys_file is None:
        return None
    return HostMemory(
        HostKeys(settings), RateLimiter(settings.host_rate_per_minute), RateLimiter(settings.rate_per_minute)
    )


def host_memory(app: App) -> HostMemory:
    """Finds the memory of this process. The host side is on: off, none of its paths is there."""
    found: HostMemory = app.memory[NAME]
    return found
