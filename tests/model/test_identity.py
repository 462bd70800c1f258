"""The nouns of who: a holder of tokens, an actor, a tenant."""

import pytest

from slackapp.model import ADMIN, BOT, NO_TENANT, SCHEDULER, Actor, ActorKind, Holder, HolderKind, Tenant, TenantKind


def test_a_holder_is_the_bot_a_user_or_a_connection_and_reads_as_such() -> None:
    user, connection = Holder.user("U0PERSON01"), Holder.connection("U0PERSON01")
    assert (str(BOT), BOT.kind) == ("bot", HolderKind.BOT)
    assert (str(user), user.kind, user.id) == ("U0PERSON01", HolderKind.USER, "U0PERSON01")
    assert (str(connection), connection.kind) == ("connection U0PERSON01", HolderKind.CONNECTION)
    assert len({BOT, user, connection}) == len({str(each) for each in (BOT, user, connection)}) == 3


@pytest.mark.parametrize(
    ("kind", "holder_id"), [(HolderKind.USER, ""), (HolderKind.CONNECTION, ""), (HolderKind.BOT, "U0PERSON01")]
)
@pytest.mark.claim("C-109")
def test_nobody_without_an_id_passes_for_the_bot(kind: HolderKind, holder_id: str) -> None:
    """I install as somebody without an id, so that my token is stored as the bot's."""
    with pytest.raises(ValueError, match="a user and a connection have an id, and the bot has none"):
        Holder(kind, holder_id)


@pytest.mark.parametrize("connection_id", ["a@b", "auth0|1", "a b", "x\n", "x" * 129, "M\u00fcller"])
def test_a_connection_has_an_id_that_the_audit_can_show(connection_id: str) -> None:
    with pytest.raises(ValueError, match="a connection's id is 1 to 128 letters"):
        Holder.connection(connection_id)


@pytest.mark.parametrize(
    ("actor", "name"),
    [
        (Actor(ActorKind.OPERATOR, "r1"), "operator"),
        (Actor(ActorKind.SLACK, "r1", "2"), "slack:2"),
        (Actor(ActorKind.SLACK, "Ev1", ADMIN), "slack:admin"),
        (SCHEDULER, "worker"),
    ],
)
def test_the_name_of_an_actor_is_what_the_audit_has_always_had(actor: Actor, name: str) -> None:
    assert actor.name == name


def test_only_an_enterprise_is_one() -> None:
    tenants = Tenant(TenantKind.WORKSPACE, "T0NORTH001"), Tenant(TenantKind.ENTERPRISE, "E0EVERGRN1"), NO_TENANT
    assert [tenant.is_enterprise for tenant in tenants] == [False, True, False]
