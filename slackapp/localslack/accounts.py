"""Built-in accounts: two workspaces of their own, one enterprise with two workspaces, and their users.

All names and ids are invented. Users of an enterprise have one global id in all its workspaces
(docs.slack.dev/enterprise/developing-for-enterprise-orgs).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Channel:
    """A channel of one workspace; channel ids are unique over all workspaces here."""

    id: str
    name: str
    team_id: str
    private: bool = False
    general: bool = False
    flags: frozenset[str] = frozenset()
    """Which of the channel object's `is_…` are true besides, such as `is_archived`."""


@dataclass(frozen=True)
class User:
    """User of a workspace.

    `admin_of` lists the workspaces where the user is an admin; `org_admin` is about the whole enterprise.
    """

    id: str
    name: str
    real_name: str
    teams: tuple[str, ...]
    admin_of: tuple[str, ...] = ()
    owner: bool = False
    guest: bool = False
    enterprise_id: str = ""
    enterprise_admin: bool = False


@dataclass(frozen=True)
class Workspace:
    """A workspace; `admin`, `member` and `guest` are user ids. `enterprise_id` is empty outside any org."""

    id: str
    name: str
    domain: str
    admin: str
    member: str
    guest: str
    channels: tuple[Channel, ...]
    enterprise_id: str = ""

    @property
    def general(self) -> str:
        """The id of the public #general channel."""
        return self.channels[0].id

    @property
    def random(self) -> str:
        """The id of the public #random channel."""
        return self.channels[1].id

    @property
    def private(self) -> str:
        """The id of the private channel."""
        return self.channels[2].id


@dataclass(frozen=True)
class Enterprise:
    """Enterprise; `admin` and `member` are user ids, `admin` is an enterprise owner."""

    id: str
    name: str
    domain: str
    admin: str
    member: str
    guest: str


@dataclass
class Accounts:
    """Accounts by id."""

    workspaces: dict[str, Workspace] = field(default_factory=dict)
    enterprises: dict[str, Enterprise] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)

    def channel(self, channel_id: str) -> Channel | None:
        """The channel of that id, or None."""
        return self.channels.get(channel_id)

    def member(self, tenant: str, user_id: str) -> User | None:
        """Finds the user of that id if in the workspace or enterprise, else None."""
        user = self.users.get(user_id)
        return user if user and set(user.teams).intersection(self.teams_of(tenant)) else None

    def teams_of(self, tenant: str) -> list[str]:
        """Lists the workspace ids a tenant id covers: itself, or all workspaces of the enterprise."""
        if tenant in self.enterprises:
            return [w.id for w in self.workspaces.values() if w.enterprise_id == tenant]
        return [tenant]

    def users_of(self, team_id: str) -> list[User]:
        """Lists the users of one workspace."""
        return [user for user in self.users.values() if team_id in user.teams]

    def add_workspace(self, team_id: str, name: str) -> Workspace:
        """Add a workspace outside any enterprise, with its admin, member, guest and three channels."""
        stem = team_id[1:]
        domain = name.lower().replace(" ", "-")
        users = (
            User(f"U{stem}ADM", f"{domain}-admin", f"{name} Admin", (team_id,), admin_of=(team_id,), owner=True),
            User(f"U{stem}MEM", f"{domain}-member", f"{name} Member", (team_id,)),
            User(f"U{stem}GST", f"{domain}-guest", f"{name} Guest", (team_id,), guest=True),
        )
        workspace = Workspace(team_id, name, domain, *_ids(users), channels=_channels(team_id))
        self.users.update({user.id: user for user in users})
        self.put(workspace)
        return workspace

    def put(self, workspace: Workspace) -> None:
        """Add or replace a workspace."""
        self.workspaces[workspace.id] = workspace
        self.channels.update({channel.id: channel for channel in workspace.channels})

    def move(self, team_id: str, enterprise_id: str) -> None:
        """Put a workspace into an enterprise; its users become users of the enterprise (without rights there)."""
        self.put(replace(self.workspaces[team_id], enterprise_id=enterprise_id))
        for user in self.users.values():
            if team_id in user.teams:
                self.users[user.id] = replace(user, enterprise_id=enterprise_id)


def _ids(users: Iterable[User]) -> tuple[str, str, str]:
    admin, member, guest = (user.id for user in users)
    return admin, member, guest


def _channels(team_id: str) -> tuple[Channel, ...]:
    stem = team_id[1:]
    return (
        Channel(f"C{stem}GEN", "general", team_id, general=True),
        Channel(f"C{stem}RND", "random", team_id),
        Channel(f"C{stem}PRV", "leads", team_id, private=True),
    )


def _add_evergreen(accounts: Accounts) -> None:
    enterprise, first, second = "E0EVERGRN1", "T0EVERAA01", "T0EVERBB01"
    both = (first, second)
    users = (
        User(
            "W0EVERADM1",
            "evergreen-admin",
            "Evergreen Admin",
            both,
            admin_of=both,
            owner=True,
            enterprise_id=enterprise,
            enterprise_admin=True,
        ),
        User("U0EVERMEM1", "evergreen-member", "Evergreen Member", both, enterprise_id=enterprise),
        User("W0EVERGST1", "evergreen-guest", "Evergreen Guest", both, guest=True, enterprise_id=enterprise),
        # An admin of one workspace who is nobody special in the enterprise: may not approve an enterprise-wide install.
        User(
            "W0EVERAAD1",
            "evergreen-north-admin",
            "Evergreen North Admin",
            (first,),
            admin_of=(first,),
            enterprise_id=enterprise,
        ),
    )
    accounts.users.update({user.id: user for user in users})
    accounts.enterprises[enterprise] = Enterprise(enterprise, "Evergreen", "evergreen", *_ids(users[:3]))
    for team_id, name, domain in (
        (first, "Evergreen North", "evergreen-north"),
        (second, "Evergreen South", "evergreen-south"),
    ):
        accounts.put(
            Workspace(team_id, name, domain, *_ids(users[:3]), channels=_channels(team_id), enterprise_id=enterprise)
        )


def builtin_accounts() -> Accounts:
    """A fresh copy of the built-in accounts."""
    accounts = Accounts()
    accounts.add_workspace("T0NORTH001", "Northwind")
    accounts.add_workspace("T0SOUTH001", "Southridge")
    _add_evergreen(accounts)
    return accounts


def dm_channel_of(user_id: str) -> str:
    """The id of the direct-message channel between the app and that user."""
    return "D" + user_id[1:]
