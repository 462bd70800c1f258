"""Installations that were looked up lately, for what asks the database itself whether all of that is still so.

Stops:   a look-up for each event, of a row that changes a few times a year.
Does not stop: what is remembered from being old. Nothing is decided by it alone: the statement that stores an event
         compares it, and whoever would refuse or drop by it looks again.
"""

from slackapp.model import Installation, Tenant

MAX_INSTALLATIONS = 4096


class InstallationCache:
    """Cache of one process, emptied when it is full. Safe for several threads: each step is one of a dict."""

    def __init__(self, limit: int = MAX_INSTALLATIONS) -> None:
        self._limit = limit
        self._found: dict[Tenant, Installation] = {}

    def find(self, tenant: Tenant) -> Installation | None:
        """Finds what is remembered of a tenant."""
        return self._found.get(tenant)

    def put(self, installation: Installation) -> None:
        """Remembers an installation that was just read."""
        if len(self._found) >= self._limit:
            self._found.clear()
        self._found[installation.tenant] = installation

    def evict(self, tenant: Tenant) -> None:
        """Forgets a tenant."""
        self._found.pop(tenant, None)
