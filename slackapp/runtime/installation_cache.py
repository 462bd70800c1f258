"""Installations that were looked up lately, for what asks the database itself whether all of that is still so.

Stops:   a look-up for each event, of a row that changes a few times a year.
Does not stop: what is remembered from being old. No event is claimed by it alone: the statement that stores one
         compares it. An event is dropped by it as the app's own, where the ids in it are those of the app's bot there,
         or were until lately.
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

    def note_used(self, installation: Installation, now: int) -> None:
        """Notes the use of what is remembered: the database is told once a minute, not with each event."""
        if self._found.get(installation.tenant) is installation:
            self._found[installation.tenant] = installation._replace(last_used_at=now)

    def evict(self, tenant: Tenant) -> None:
        """Forgets a tenant."""
        self._found.pop(tenant, None)
