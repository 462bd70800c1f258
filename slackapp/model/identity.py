"""Identities: whose data it is, who acts, and a string that must not be seen."""

import hmac
import re
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from slackapp.model.enums import ActorKind, HolderKind, TenantKind

_CONNECTION_ID = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")


class Secret:
    """A string that must not be seen: it prints as `***` and cannot be pickled, copied into JSON or formatted.

    Does not stop: code that calls `reveal()`, a debugger, or a reader of the process's memory. Python cannot
    erase a string from memory.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; every call of this is a place to review."""
        return self._value

    def __repr__(self) -> str:
        # claim: C-18
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]  # a secret is not a dictionary key

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")


class Tenant(NamedTuple):
    """Owner of data: `('T', team id)` or, for an enterprise-wide install, `('E', enterprise id)`.

    Made only from Slack's answer to an exchange, from a verified request, from our own rows, or from an operator's
    command. Encryption binds to it.
    """

    kind: TenantKind
    id: str

    @property
    def is_enterprise(self) -> bool:
        """Tells whether it is an enterprise, whose install covers many workspaces."""
        return self.kind == TenantKind.ENTERPRISE

    def __str__(self) -> str:
        return self.id


NO_TENANT = Tenant(TenantKind.NONE, "")


@dataclass(frozen=True)
class Holder:
    """Holder of a token: the bot (`BOT`), a user of the install, or a connection.

    A closed form: each kind is made in one way, and a user and a connection of the same id are two holders. Raises
    ValueError for an id where there is none, and for none where there must be one.
    """

    kind: HolderKind
    id: str

    def __post_init__(self) -> None:
        # A user without an id would pass for the bot where only ids are looked at.
        # claim: C-109
        if (self.kind == HolderKind.BOT) != (self.id == ""):
            raise ValueError("a user and a connection have an id, and the bot has none")

    @classmethod
    def user(cls, user_id: str) -> "Holder":
        """Names a user, by the id at Slack."""
        return cls(HolderKind.USER, user_id)

    @classmethod
    def connection(cls, connection_id: str) -> "Holder":
        """Names a connection: it holds tokens of its own, beside those that a user's install has brought.

        Raises ValueError for an id that the audit could not show: 1 to 128 letters, digits and `_.:/-`.
        """
        if not _CONNECTION_ID.fullmatch(connection_id):
            raise ValueError("a connection's id is 1 to 128 letters, digits and _.:/-")
        return cls(HolderKind.CONNECTION, connection_id)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}" if self.kind == HolderKind.CONNECTION else self.id or str(self.kind)


BOT = Holder(HolderKind.BOT, "")
"""The bot is one, and needs no id; so its column is empty."""


@dataclass(frozen=True)
class Actor:
    """Actor of an operation, with the id of its request or row.

    `id` tells it from others of its kind: of Slack's requests the number of the signing secret, or `ADMIN`.
    `organization` is the host's customer that it acts for; `trace_id` names the request behind it: of a row, the
    one that brought it. `sees_problems` is decided with who it is: whether it may be shown what is wrong inside.
    """

    kind: ActorKind
    request_id: str | None
    id: str | None = None
    organization: str | None = None
    trace_id: str | None = None
    sees_problems: bool = False

    @property
    def name(self) -> str:
        """Kind and id, as the audit has them."""
        return str(self.kind) if self.id is None else f"{self.kind}:{self.id}"


ADMIN = "admin"
"""Id of the actor for whom Slack speaks where an admin removes the app from its Home tab."""
SCHEDULER = Actor(ActorKind.WORKER, request_id=None)
"""Actor of the periodic tasks: neither a request nor a row stands behind them."""
