"""Our service with the host side on, and a host that signs its tokens; tenants are connected as the flows would."""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slackapp.host.flows import change_connection
from slackapp.host.model import HostRole
from slackapp.host.rows import Connection, HeldWorkspace
from slackapp.model import SCHEDULER, Actor, ActorKind, Tenant
from slackapp.store import installations
from tests.host.keys import host_settings, sign
from tests.support import connected
from tests.support.client import Reply
from tests.support.connected import ACME, ANN, begin, read
from tests.support.world import HOST, NORTH, World, make_world

SCOPES = "app_mentions:read,channels:join,channels:read,chat:write,commands,groups:read,users:read"
ON = {"SLACKAPP_BOT_SCOPES": SCOPES, "SLACKAPP_HOST_COMPLETE_PATH": "/slack/complete"}
OWNER, ADMIN, MEMBER, AUDITOR = HostRole
OPERATOR = Actor(ActorKind.OPERATOR, "r0")


@dataclass(frozen=True)
class Host:
    """A backend of the host, which calls for an organization: as itself, or for a member in a role."""

    world: World
    organization: str = ACME
    member: str | None = None
    role: HostRole | None = None

    def of(self, member: str | None = ANN, role: HostRole | None = ADMIN, organization: str = "") -> "Host":
        """The same for somebody else."""
        return replace(self, member=member, role=role, organization=organization or self.organization)

    def token(self, **changes: Any) -> str:
        """A token for one request; each has an id of its own."""
        now = self.world.clock()
        claims = {"aud": f"http://{HOST}", "iat": now, "exp": now + 60, "org": self.organization}
        claims["jti"] = hashlib.sha256(f"{id(self)} {next(_NUMBERS)}".encode()).hexdigest()[:32]
        if self.member is not None:
            claims |= {"sub": self.member, "role": self.role}
        return sign({**claims, **changes})

    def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        """One request of the API, with a JSON body where one is given."""
        raw = json.dumps(body).encode() if body is not None else b""
        given = {"Authorization": f"Bearer {self.token()}"}
        if body is not None:
            given["Content-Type"] = "application/json"
        target = path if path.startswith("/api/") else f"/api/v2/{path}"
        return self.world.request(method, target, raw, {**given, **(headers or {})})

    def get(self, path: str) -> Reply:
        return self.call("GET", path)

    def put(self, path: str, body: Any) -> Reply:
        return self.call("PUT", path, body)

    def post(self, path: str, body: Any = None) -> Reply:
        return self.call("POST", path, body)


def _count() -> Iterator[int]:
    number = 0
    while True:
        yield (number := number + 1)


_NUMBERS = _count()


@contextlib.contextmanager
def make_host_world(folder: Path, rotation: bool = True, **changes: str) -> Iterator[World]:
    """A world with the host side on."""
    with make_world(folder, rotation, **{**host_settings(folder), **ON, **changes}) as world:
        yield world


def connect(world: World, host: Host, tenant_id: str = NORTH, number: int = 1, install: bool = True) -> Connection:
    """Has a workspace installed, and its connection to the organization made active, owned by ann."""
    if install:
        assert world.browser().install(tenant_id).status == 303
        world.work()
    app, tenant = world.service.app, Tenant("E" if tenant_id.startswith("E") else "T", tenant_id)
    host.of().get("slack/integration")  # so that organization and member are known
    attempt = begin(app.db, number, host.organization, now=world.clock())
    found = installations.find(app.db, tenant)
    assert found is not None
    held = HeldWorkspace(
        tenant=tenant,
        enterprise_id=found.enterprise_id or "",
        team_name=found.name,
        team_domain=f"{tenant_id.lower()}-domain",
        bot_user_id=found.bot_user_id or "",
        scopes=found.scopes_granted,
        installer_id="U0INSTALLR",
    )
    with app.db.transaction():
        done = change_connection.activate(app.db, attempt, held, SCHEDULER, world.clock())
    assert done is not None
    return read(app.db, host.organization, done.connection.id)


def add_member(world: World, organization: str, member: str, role: HostRole = HostRole.ADMIN) -> None:
    """A member, as a host token names it."""
    with world.service.app.db.transaction():
        connected.add_member(world.service.app.db, organization, member, role)


def told(reply: Reply) -> tuple[int, str]:
    """Status and code of a refusal, whose body says the same."""
    body = reply.json
    assert body["status"] == reply.status
    return reply.status, body["code"]
