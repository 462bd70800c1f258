"""Who may install at all, and who may grant sensitive scopes."""

from typing import Any

import pytest

from slackapp.checks.installer import (
    SENSITIVE,
    needs_admin,
    require_admin,
    require_allowed,
    sensitive_scopes,
    why_sensitive,
)
from slackapp.errors import Refusal
from slackapp.model import Grant, Tenant
from tests.checks.helpers import accepts, refusal_of

NORTH, ORG, ORG_TEAM = "T0NORTH001", "E0EVERGRN1", "T0EVERAA01"


def grant(tenant: Tenant, enterprise_id: str = "", team_id: str = "") -> Grant:
    return Grant(tenant, enterprise_id, "", team_id or tenant.id, "", "U0SOMEBODY", "", None, None, None)


ALONE = grant(Tenant("T", NORTH))
INSIDE = grant(Tenant("T", ORG_TEAM), ORG)
ORG_WIDE = grant(Tenant("E", ORG), ORG, ORG_TEAM)

ME, OTHER = "U0NORTH001ADM", "U0NORTH001MEM"
NOBODY = {"is_admin": False, "is_owner": False, "is_primary_owner": False}
GUARDED = (
    "channels:history", "groups:history", "im:history", "mpim:history", "files:read", "canvases:read", "lists:read",
    "users:read.email", "search:read", "search:read.private", "search:read.im", "admin", "admin.users:write",
    "admin.conversations:read", "auditlogs:read", "channels:manage", "channels:write", "groups:write",
    "groups:write.invites", "mpim:write", "usergroups:write", "conversations.connect:write",
    "conversations.connect:manage", "chat:write.customize", "users.profile:write",
)  # fmt: skip
FREE = (
    "", "app_mentions:read", "chat:write", "chat:write.public", "commands", "incoming-webhook", "users:read",
    "users.profile:read", "channels:read", "channels:join", "groups:read", "im:read", "im:write", "files:write",
    "remote_files:read", "team:read", "usergroups:read", "reactions:read", "emoji:read", "history", "read:history2",
)  # fmt: skip
WRONG: tuple[Any, ...] = ("true", "True", 1, 1.0, "", 0, [True], {"is_admin": True}, [], {})
"""What a flag may be in a broken answer: none of it is a yes, and none a no."""


def person(**changes: Any) -> dict[str, Any]:
    """Slack's answer about an admin of the workspace, nobody in the enterprise; `changes` are the user's fields."""
    enterprise = {"id": ME, "is_admin": False, "is_owner": False}
    return {"ok": True, "user": {"id": ME, **NOBODY, "is_admin": True, "enterprise_user": enterprise, **changes}}


def of_enterprise(**changes: Any) -> dict[str, Any]:
    """An admin of the enterprise who is nobody in the workspace; `changes` are fields of the user in the enterprise."""
    return person(**NOBODY, enterprise_user={"id": ME, "is_admin": True, "is_owner": False, **changes})


# Who is on the list


@pytest.mark.parametrize("which", [ALONE, INSIDE, ORG_WIDE], ids=["alone", "inside", "org-wide"])
def test_without_a_list_the_app_is_public(which: Grant) -> None:
    assert accepts(lambda: require_allowed(which, ()))


@pytest.mark.parametrize(
    ("which", "allowed", "passes"),
    [
        (ALONE, (NORTH,), True),
        (ALONE, ("T0SOUTH001", NORTH), True),
        (ALONE, ("T0SOUTH001",), False),
        (ALONE, (ORG,), False),
        (ALONE, (NORTH.lower(), NORTH[:-1], NORTH + "1"), False),
        (INSIDE, (ORG_TEAM,), True),
        (INSIDE, (ORG,), True),
        (INSIDE, (NORTH,), False),
        (ORG_WIDE, (ORG,), True),
        (ORG_WIDE, (ORG_TEAM,), False),
        (ORG_WIDE, (NORTH,), False),
    ],
)
@pytest.mark.claim("C-11")
def test_the_tenant_or_its_enterprise_stands_on_the_list(which: Grant, allowed: tuple[str, ...], passes: bool) -> None:
    """I was given the link by somebody whose workspace you serve; or mine is one of many, and I install for all."""
    if passes:
        assert accepts(lambda: require_allowed(which, allowed))
    else:
        assert refusal_of(lambda: require_allowed(which, allowed)) is Refusal.TEAM_NOT_ALLOWED


# What is sensitive


@pytest.mark.parametrize("scope", GUARDED)
def test_a_sensitive_scope_is_known_with_its_reason(scope: str) -> None:
    assert sensitive_scopes(("chat:write", scope)) == (scope,)
    assert why_sensitive(scope) in SENSITIVE.values()


def test_each_row_of_the_table_is_tested_here() -> None:
    patterns = {pattern for scope in GUARDED for pattern in SENSITIVE if SENSITIVE[pattern] == why_sensitive(scope)}
    assert patterns == SENSITIVE.keys()


def test_scopes_outside_the_table_are_not_sensitive() -> None:
    assert sensitive_scopes(FREE) == ()
    assert {why_sensitive(scope) for scope in FREE} == {""}


@pytest.mark.parametrize(
    ("scopes", "always", "needed"),
    [
        ((), False, False),
        (("chat:write", "users:read"), False, False),
        (("chat:write", "files:read"), False, True),
        (("chat:write",), True, True),
        ((), True, True),
    ],
)
def test_an_admin_is_needed_for_sensitive_scopes_and_where_it_is_always_so(
    scopes: tuple[str, ...], always: bool, needed: bool
) -> None:
    assert needs_admin(scopes, always) is needed


# Who is an admin


@pytest.mark.parametrize("flag", NOBODY)
def test_an_admin_or_owner_of_the_workspace_may_grant_for_it(flag: str) -> None:
    assert accepts(lambda: require_admin(person(**{**NOBODY, flag: True}), ME, is_enterprise_install=False))
    assert accepts(lambda: require_admin({"user": {"id": ME, flag: True}}, ME, is_enterprise_install=False))


@pytest.mark.parametrize("flag", ["is_admin", "is_owner"])
def test_an_admin_or_owner_of_the_enterprise_may_grant_for_the_enterprise(flag: str) -> None:
    assert accepts(
        lambda: require_admin(of_enterprise(**{"is_admin": False, flag: True}), ME, is_enterprise_install=True)
    )


@pytest.mark.claim("C-12")
def test_an_admin_of_one_may_not_grant_for_the_other() -> None:
    """I am an admin of one small workspace, and install the app for the whole company."""
    assert refusal_of(lambda: require_admin(person(), ME, is_enterprise_install=True)) is Refusal.INSTALLER_NOT_ADMIN
    assert (
        refusal_of(lambda: require_admin(of_enterprise(), ME, is_enterprise_install=False))
        is Refusal.INSTALLER_NOT_ADMIN
    )
    primary = of_enterprise(is_admin=False, is_primary_owner=True)
    assert refusal_of(lambda: require_admin(primary, ME, is_enterprise_install=True)) is Refusal.INSTALLER_NOT_ADMIN


@pytest.mark.parametrize("flag", ["deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger"])
@pytest.mark.claim("C-12")
def test_who_is_gone_a_bot_a_guest_or_a_stranger_is_no_admin(flag: str) -> None:
    assert accepts(lambda: require_admin(person(**{flag: False}), ME, is_enterprise_install=False))
    assert accepts(lambda: require_admin(person(**{flag: None}), ME, is_enterprise_install=False))
    for answer, is_enterprise_install in (
        (person(**{flag: True}), False),
        (person(**of_enterprise()["user"], **{flag: True}), True),
    ):
        assert refusal_of(lambda: require_admin(answer, ME, is_enterprise_install)) is Refusal.INSTALLER_NOT_ADMIN  # noqa: B023
    for wrong in WRONG:
        answer = person(**{flag: wrong})
        assert refusal_of(lambda: require_admin(answer, ME, is_enterprise_install=False)) is Refusal.INSTALLER_UNKNOWN  # noqa: B023


# What establishes nothing


@pytest.mark.parametrize("about", [OTHER, ME.lower(), "", None, 7, [ME], {"id": ME}, True])
@pytest.mark.claim("C-12")
def test_an_answer_about_anybody_else_establishes_nothing(about: Any) -> None:
    for is_enterprise_install in (False, True):
        for in_enterprise in (OTHER, about, None) if about == OTHER else (ME, about, None):
            answer = person(id=about, enterprise_user={"id": in_enterprise, "is_admin": True})
            assert refusal_of(lambda: require_admin(answer, ME, is_enterprise_install)) is Refusal.INSTALLER_UNKNOWN  # noqa: B023


@pytest.mark.parametrize("is_enterprise_install", [False, True])
def test_a_user_of_an_enterprise_is_known_by_either_id(is_enterprise_install: bool) -> None:
    """Slack is asked about the id in the enterprise, and answers with the one in the workspace beside it."""
    local, in_enterprise = "U0LOCALID1", "W0EVERADM1"
    answer = person(
        id=local, enterprise_user={"id": in_enterprise, "is_admin": is_enterprise_install, "is_owner": False}
    )
    for asked in (local, in_enterprise):
        assert accepts(lambda: require_admin(answer, asked, is_enterprise_install))  # noqa: B023
    assert refusal_of(lambda: require_admin(answer, OTHER, is_enterprise_install)) is Refusal.INSTALLER_UNKNOWN


@pytest.mark.parametrize("user", [None, ME, 7, True, [], [{"id": ME, "is_admin": True}], {}, {"is_admin": True}])
def test_an_answer_without_a_user_establishes_nothing(user: Any) -> None:
    for answer in ({"ok": True, "user": user}, {"ok": True}, {}, {"id": ME, "is_admin": True}):
        for is_enterprise_install in (False, True):
            refusal = refusal_of(lambda: require_admin(answer, ME, is_enterprise_install))  # noqa: B023
            assert refusal is Refusal.INSTALLER_UNKNOWN


@pytest.mark.parametrize("wrong", [*WRONG, None], ids=repr)
def test_a_flag_that_is_not_plainly_true_is_no_yes(wrong: Any) -> None:
    """Stops `"false"`, which Python takes for true."""
    flags = dict.fromkeys(NOBODY, wrong)
    for answer, is_enterprise_install in (
        (person(**flags), False),
        (of_enterprise(is_admin=wrong, is_owner=wrong), True),
    ):
        assert refusal_of(lambda: require_admin(answer, ME, is_enterprise_install)) is Refusal.INSTALLER_UNKNOWN  # noqa: B023
    for answer, is_enterprise_install in ((person(is_admin=wrong), False), (of_enterprise(is_admin=wrong), True)):
        assert refusal_of(lambda: require_admin(answer, ME, is_enterprise_install)) is Refusal.INSTALLER_NOT_ADMIN  # noqa: B023


@pytest.mark.parametrize(
    "enterprise", [None, True, ME, [], [{"is_admin": True}], {}, {"is_primary_owner": True}], ids=repr
)
def test_an_answer_that_says_nothing_about_the_enterprise_establishes_nothing_there(enterprise: Any) -> None:
    answer = person(enterprise_user=enterprise)
    assert refusal_of(lambda: require_admin(answer, ME, is_enterprise_install=True)) is Refusal.INSTALLER_UNKNOWN
    assert accepts(lambda: require_admin(answer, ME, is_enterprise_install=False))
