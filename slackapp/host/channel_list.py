"""Lists of channels as Slack has told them, kept for a minute in the memory of this process.

A list is kept for the connection and the grant that it was asked with: what was granted anew, or to another
organization, finds nothing of it. Bounded by the number of channels in all lists.
"""

import threading
from collections import OrderedDict
from enum import StrEnum
from typing import NamedTuple

from slackapp.model import Tenant
from slackapp.web.response import Response

KEEP_SECONDS = 60
MAX_CHANNELS = 100_000
"""Channels in all lists of a process; what is longest unused goes."""
MAX_PUBLIC = 10_000
"""Channels that a process knows to be public."""
_MOST_PAGES = 2
"""Pages of a list that are kept as they were answered."""


class IncompleteReason(StrEnum):
    """Reason why a list does not hold every channel."""

    MISSING_SCOPE = "missing_scope"  # for one of the types
    RATE_LIMITED = "rate_limited"
    TOO_MANY = "too_many"
    SLACK_ERROR = "slack_error"


class ListedChannel(NamedTuple):
    """Channel of a workspace, as somebody chooses it. `is_external`: people of other companies are in it, or invited.

    `is_read_only`: not everybody may post.
    """

    name: str
    id: str
    is_private: bool
    is_member: bool
    is_external: bool
    is_read_only: bool


class ChannelList(NamedTuple):
    """Channels by name, as they were at a time, in Unix seconds; and why some may be missing.

    `pages` are the first that were asked for, as they were answered.
    """

    channels: tuple[ListedChannel, ...]
    incomplete: tuple[IncompleteReason, ...]
    at: int
    pages: dict[tuple[object, ...], Response]

    def find_page(self, page: tuple[object, ...]) -> Response | None:
        """Finds a page as it was answered before, by what it was asked with."""
        return self.pages.get(page)

    def keep_page(self, page: tuple[object, ...], answer: Response) -> Response:
        """Keeps the first pages that are asked for: they are asked for again, whenever somebody chooses."""
        if len(self.pages) < _MOST_PAGES:
            self.pages[page] = answer
        return answer


class ListKey(NamedTuple):
    """Key of a list: what it was asked with."""

    organization_id: str
    connection_id: str
    tenant_id: str
    team_id: str
    installed_at: int
    scopes: tuple[str, ...]


class ChannelLists:
    """Lists by their key; safe for several threads."""

    def __init__(self, most: int = MAX_CHANNELS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._lists: OrderedDict[ListKey, ChannelList] = OrderedDict()

    def find(self, key: ListKey, now: int) -> ChannelList | None:
        """Finds a list that is at most a minute old."""
        with self._lock:
            found = self._lists.get(key)
            # claim: C-185
            if found is None or not 0 <= now - found.at < KEEP_SECONDS:
                self._lists.pop(key, None)
                return None
            self._lists.move_to_end(key)
            return found

    def keep(self, key: ListKey, told: ChannelList) -> None:
        """Keeps a list, and drops those that were not asked for the longest where there are too many channels."""
        with self._lock:
            self._lists[key] = told
            self._lists.move_to_end(key)
            while sum(1 + len(each.channels) for each in self._lists.values()) > self._most:
                self._lists.popitem(last=False)

    def forget(self, connection_id: str) -> None:
        """Forgets the lists of a connection, in which something has changed."""
        with self._lock:
            for key in [key for key in self._lists if key.connection_id == connection_id]:
                del self._lists[key]


class PublicChannels:
    """Channels known to be public; safe for several threads, and bounded."""

    def __init__(self, most: int = MAX_PUBLIC) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[Tenant, str], int] = OrderedDict()

    def is_known(self, tenant: Tenant, channel_id: str, now: int) -> bool:
        """Tells whether Slack has said so within a minute."""
        with self._lock:
            at = self._known.get((tenant, channel_id))
            # claim: C-259
            return at is not None and 0 <= now - at < KEEP_SECONDS

    def note(self, tenant: Tenant, channel_id: str, now: int) -> None:
        """Notes that it is public."""
        with self._lock:
            self._known[tenant, channel_id] = now
            self._known.move_to_end((tenant, channel_id))
            while len(self._known) > self._most:
                self._known.popitem(last=False)
