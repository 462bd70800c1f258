"""Members that connect a workspace for themselves, by an own user token: over HTTP to the local Slack."""

from slackapp.flows.install import keep_grant
from slackapp.host.flows import change_connection
from slackapp.host.model import ConnectionKind, HostRole
from slackapp.host.rows import Connection, HeldWorkspace
from slackapp.host.store import connections
from slackapp.localslack.api import tokens as slack_tokens
from slackapp.model import SCHEDULER, Grant, GrantedToken, Holder, Secret, Tenant, TenantKind, Token
from slackapp.store import data_keys, tokens
from tests.support.connected import ACME, add_member, begin
from tests.support.connecting import COMPLETE, Person, led_to, told
from tests.support.host_world import Host
from tests.support.world import NORTH, World

SCOPES = "channels:history,channels:read,chat:write"
CARL = "carl"
"""A plain member."""


def make_person(world: World, member: str = CARL, organization: str = ACME, role: HostRole = HostRole.MEMBER) -> Person:
    """A member with a browser; known to the organization."""
    with world.service.app.db.transaction():
        add_member(world.service.app.db, organization, member, role)
    return Person(world, world.browser(), organization, member, role)


def approve(person: Person, target: str = NORTH, user: str = "member", **asked: str) -> dict[str, str]:
    """The whole way by API, as that user of the workspace; what the host is told."""
    begun = person.begin(kind="personal", **asked)
    back = person.come_back(person.approve(begun.authorize_url, target, user))
    if back.location != COMPLETE:
        return told(back.location)
    person.sign_in()
    return told(led_to(person.press("confirm")))


def connect(person: Person, target: str = NORTH, user: str = "member", **asked: str) -> Connection:
    """The connection as it is then."""
    assert approve(person, target, user, **asked)["status"] == "success"
    (found,) = [row for row in person.all() if is_own(row, person, target)]
    return read(person, found["id"])


def is_own(row: dict[str, str], person: Person, target: str) -> bool:
    """Tells whether the row is that member's, and held."""
    return (row["kind"], row["user_id"], row["tenant_id"]) == ("personal", person.member, target) and bool(
        row["token_vault_key"]
    )


def read(person: Person, connection_id: str) -> Connection:
    """The connection as it is now."""
    found = connections.find(person.app.db, person.organization, connection_id)
    assert found is not None
    return found


def api(person: Person) -> Host:
    """The host's backend, which calls for that member."""
    return Host(person.world).of(person.member, person.role, person.organization)


def tenant_of(target: str = NORTH) -> Tenant:
    """The tenant of that id."""
    return Tenant(TenantKind(target[0]), target)


def token_of(world: World, connection_id: str, target: str = NORTH) -> Token | None:
    """The token that a connection holds."""
    return tokens.find(world.service.app.db, tenant_of(target), Holder.connection(connection_id))


def keys_of(world: World, connection_id: str, target: str = NORTH) -> int:
    """How many data keys a connection has for itself."""
    return len(data_keys.active(world.service.app.db, tenant_of(target), connection_id))


def keep(host: Host, member: str, role: HostRole, target: str = NORTH, user: str = "member", *, number: int) -> str:
    """A personal connection, stored as the flow does, of a workspace that is installed; its id."""
    world = host.world
    app, place = world.service.app, world.slack.workspaces[target]
    assert host.of(member, role).get("slack/integrations").status == 200  # so that organization and member are known
    attempt = begin(
        app.db, number, host.organization, member=member, kind=ConnectionKind.PERSONAL, now=world.clock()
    )  # fmt: skip
    user_id, scopes = getattr(place, user), tuple(SCOPES.split(","))
    world.slack.state.installs[target].user_scopes[user_id] = list(scopes)
    pair = slack_tokens.issue(world.slack, "user", target, user_id)
    refresh = Secret(pair["refresh_token"]) if "refresh_token" in pair else None
    granted = GrantedToken(Secret(pair["access_token"]), refresh, pair.get("expires_in"), scopes)
    grant = Grant(
        tenant=tenant_of(target), enterprise_id="", enterprise_name="", team_id=target, team_name=place.name,
        installer_id=user_id, bot_user_id="", bot=None, user=granted, webhook=None, connection_id=attempt.id,
    )  # fmt: skip
    held = HeldWorkspace(tenant_of(target), "", place.name, "", "", scopes, user_id)

    def activate() -> None:
        assert change_connection.activate(app.db, attempt, held, SCHEDULER, world.clock()) is not None

    keep_grant.run(app, grant, attempt.state_hash or b"", SCHEDULER, now=world.clock(), also=activate)
    return attempt.id
