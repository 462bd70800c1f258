"""The nouns of who: a holder of tokens, an actor, a tenant."""

import pytest

from slackapp.model import ADMIN, BOT, NO_TENANT, SCHEDULER, Actor, ActorKind, Holder, HolderKind, Tenant, TenantKind


def test_a_holder_is_the_bot_or_a_user_and_reads_as_such() -> None:
    user = Holder.user("U0PERSON01")
    assert (str(BOT), BOT.kind) == ("bot", HolderKind.BOT)
    assert (str(user), user.kind, user.id) == ("U0PERSON01", HolderKind.USER, "U0PERSON01")
    assert user != BOT


def test_no_user_passes_for_the_bot() -> None:
    """I install as somebody without an id, so that my token is stored as the bot's."""
    with pytest.raises(ValueError, match="a user has an id"):
        Holder.user("")


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
