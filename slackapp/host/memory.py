"""Memory of the host side in one process: keys that are read anew by themselves, rates, and lists of channels."""

from typing import NamedTuple

from slackapp.flows.app import App
from slackapp.host.channel_list import ChannelLists, PublicChannels
from slackapp.host.keys import HostKeys
from slackapp.model import Settings
from slackapp.runtime.rate_limits import ConcurrencyLimit, RateLimiter

NAME = "host"
"""Name of the circle."""
SLACK_PLACES = 6
"""Requests that may wait for Slack at a time, of the 16 that are answered; one organization gets half of them."""


class HostMemory(NamedTuple):
    """Keys of the host, and how often an organization may ask for anything, and begin or open something.

    `views` says how often a session may ask for a page, or send one.
    `slack_limit` says how many requests may wait for Slack at a time.
    """

    keys: HostKeys
    requests: RateLimiter
    openings: RateLimiter
    views: RateLimiter
    slack_limit: ConcurrencyLimit
    channel_lists: ChannelLists
    public_channels: PublicChannels


def make_memory(settings: Settings) -> HostMemory | None:
    """Makes it for a process; None where the host side is off. Raises ConfigError."""
    if settings.host_keys_file is None:
        return None
    return HostMemory(
        keys=HostKeys(settings),
        requests=RateLimiter(settings.host_rate_per_minute),
        openings=RateLimiter(settings.rate_per_minute),
        views=RateLimiter(settings.rate_per_minute),
        slack_limit=ConcurrencyLimit(SLACK_PLACES),
        channel_lists=ChannelLists(),
        public_channels=PublicChannels(),
    )


def host_memory(app: App) -> HostMemory:
    """Finds the memory of this process. The host side is on: off, none of its paths is there."""
    found: HostMemory = app.memory[NAME]
    return found
