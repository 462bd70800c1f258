"""Records that wait before a tenant is anybody's: sealed, bound to a connection, opened after a row of the audit."""

import pytest

from slackapp.errors import DecryptError, StoreError
from slackapp.host.flows import pending_records
from slackapp.host.model import PendingRecord
from slackapp.host.rows import Connection, Quarantine
from slackapp.model import (
    NO_TENANT,
    SCHEDULER,
    Grant,
    GrantedToken,
    KeyPurpose,
    RecordContext,
    Sealed,
    Secret,
    Webhook,
)
from tests.store.rows import NORTH, ORG
from tests.support.connected import ACME, ANN, NOW, add_member, begin
from tests.support.disk_faults import database_locked
from tests.support.world import World

CANARY = "xoxb-a-canary-that-nobody-is-to-read"
BOT_TOKEN = GrantedToken(Secret(CANARY), Secret("xoxe-a-refresh-token"), 43_200, ("chat:write", "users:read"))
USER_TOKEN = GrantedToken(Secret("xoxp-a-user-token"), None, None, ())
HOOK = Webhook(Secret("https://hooks.slack.com/services/T0/B0/x"), "#general", "C0GENERAL1", "https://slack.com/x")
GRANTS = {
    "a rotating bot": Grant(NORTH, ORG.id, "Org", NORTH.id, "North", "U1", "U0BOT00001", BOT_TOKEN, None, None),
    "all there is": Grant(ORG, ORG.id, "Org", "", "", "U1", "U0BOT00001", BOT_TOKEN, USER_TOKEN, HOOK),
    "a person alone": Grant(NORTH, "", "", NORTH.id, "North", "U1", "", None, USER_TOKEN, None),
}


def waiting(world: World, number: int, grant: Grant) -> Quarantine:
    """A grant that waits for its connection's confirmation."""
    connection_id = f"{number:024}"
    sealed = pending_records.seal_grant(world.service.app, connection_id, grant, NOW)
    return Quarantine(ACME, connection_id, sealed, NOW + 600)


def revealed(grant: Grant) -> object:
    """The grant with its secrets in clear, to be compared."""
    return [
        *grant[:7],
        *(token and [token.access.reveal(), token.refresh, *token[2:]] for token in (grant.bot, grant.user)),
        grant.webhook and [grant.webhook.url.reveal(), *grant.webhook[1:]],
    ]


@pytest.mark.parametrize("name", GRANTS)
def test_a_grant_comes_back_as_slack_gave_it_with_the_time_that_it_has_left(world: World, name: str) -> None:
    app, grant = world.service.app, GRANTS[name]
    kept = waiting(world, 1, grant)
    assert CANARY.encode() not in kept.grant.blob
    assert revealed(pending_records.open_grant(app, kept, SCHEDULER, NOW)) == revealed(grant)
    later = pending_records.open_grant(app, kept, SCHEDULER, NOW + 500)
    for token, before in ((later.bot, grant.bot), (later.user, grant.user)):
        assert (token is None) == (before is None)
        if token is not None and before is not None:
            assert token.expires_in == (before.expires_in - 500 if before.expires_in is not None else None)
    assert CANARY not in repr(later)


@pytest.mark.claim("C-158")
def test_a_grant_opens_only_after_its_row_of_the_audit(world: World) -> None:
    """Where the row cannot be written, nothing is opened."""
    app, kept = world.service.app, waiting(world, 1, GRANTS["a rotating bot"])
    with database_locked(world), pytest.raises(StoreError):
        pending_records.open_grant(app, kept, SCHEDULER, NOW)
    assert world.facts("grant.read") == []
    pending_records.open_grant(app, kept, SCHEDULER, NOW)
    assert [fact["connection"] for fact in world.facts("grant.read")] == [f"{1:024}"]
    with pytest.raises(DecryptError):
        pending_records.open_grant(app, kept._replace(grant=Sealed(bytes(200))), SCHEDULER, NOW)
    assert len(world.facts("grant.read")) == 2, "the row was there first"


@pytest.mark.claim("C-158")
def test_what_waits_opens_for_its_own_connection_and_as_what_it_is(world: World) -> None:
    """I put the grant of another one, or its metadata, into my connection's row."""
    app, kept = world.service.app, waiting(world, 1, GRANTS["a rotating bot"])
    with pytest.raises(DecryptError):
        pending_records.open_grant(app, kept._replace(connection_id=f"{2:024}"), SCHEDULER, NOW)
    metadata = pending_records.seal_metadata(app, f"{1:024}", b'{"source":"here"}')
    with pytest.raises(DecryptError):
        pending_records.open_grant(app, kept._replace(grant=metadata), SCHEDULER, NOW)
    for purpose in (KeyPurpose.STATE, KeyPurpose.AUDIT):
        context = RecordContext(NO_TENANT, purpose, "", PendingRecord.GRANT, f"{1:024}", 0)
        with pytest.raises(DecryptError):
            app.keyring.open(context, kept.grant)


def test_metadata_open_where_they_are_and_nowhere_else(world: World) -> None:
    app = world.service.app
    said = b'{"projectId":"p1","returnUrl":"/settings"}'
    sealed = pending_records.seal_metadata(app, f"{1:024}", said)
    with app.db.transaction():
        add_member(app.db)
    mine, other = begin(app.db, 1, metadata=sealed), begin(app.db, 2, metadata=sealed)
    assert pending_records.open_metadata(app, mine) == said
    with pytest.raises(DecryptError):
        pending_records.open_metadata(app, other)
    bare: Connection = begin(app.db, 3)
    with pytest.raises(DecryptError):
        pending_records.open_metadata(app, bare)
    assert b"projectId" not in world.bytes_on_disk()
    assert (mine.user_id, mine.owner_id) == (ANN, ANN)


def test_more_than_the_limit_is_not_sealed(world: World) -> None:
    with pytest.raises(ValueError, match="too large"):
        pending_records.seal_metadata(world.service.app, f"{1:024}", bytes(2049))
