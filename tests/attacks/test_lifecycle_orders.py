"""Attacks on the order of things: Slack promises none for what tells of an uninstall, and repeats it for a day."""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.support.world import ORG, ORG_TEAM, SOUTH, World, make_world

STEPS = ("uninstall", "revoke", "re-install", "retry")
GAPS = (1, 400)
"""Seconds between two steps: within the five minutes in which time does not decide, and beyond them."""


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[World]:
    """A bot's and a user's token in every installation, and one bystander."""
    with make_world(tmp_path, SLACKAPP_USER_SCOPES="users:read") as world:
        world.browser().install(SOUTH)
        world.work()
        yield world


def customers(world: World, steps: Iterable[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each order of the steps, with a workspace of its own that installed long ago."""
    for number, order in enumerate(itertools.permutations(steps)):
        tenant = f"T0ORDER{number:03}"
        world.slack.add_workspace(tenant, f"Order {number}")
        assert world.browser().install(tenant).status == 303
        world.work()
        world.clock.advance(1000)
        yield order, tenant


def uninstall(world: World, tenant: str) -> dict[str, bytes]:
    """The customer removes the app; the bodies of what Slack is going to tell us."""
    names = ("uninstall", "revoke")
    ids = world.slack.uninstall(tenant)
    queued = {item.event_id: item.body.encode() for item in world.slack.state.queue}
    bodies = {name: queued[event_id] for name, event_id in zip(names, ids, strict=True)}
    return bodies | {"retry": bodies["uninstall"]}


def take(world: World, tenant: str, step: str, bodies: dict[str, bytes]) -> None:
    if step == "re-install":
        assert world.browser().install(tenant).status == 303
    else:
        assert world.post_signed(bodies[step]).status == 200


def works(world: World, tenant: str) -> bool:
    """Whether a mention is answered with a live token."""
    world.slack.called.clear()
    world.mention(f"Ev{tenant}{world.clock()}", team_id=tenant)
    world.work()
    return [(call.method, call.ok) for call in world.slack.calls][-1:] == [("chat.postMessage", True)]


TABLES = ("installations", "tokens", "data_keys")


def nothing_of(world: World, tenant: str) -> bool:
    """Whether nothing is stored of a tenant that could open or be opened."""
    found = [world.rows(f"SELECT 1 FROM {table} WHERE tenant_id = ?", tenant) for table in TABLES]
    return not any(found) and not world.rows("SELECT 1 FROM inbox WHERE tenant_id = ? AND body IS NOT NULL", tenant)


@pytest.mark.parametrize(
    ("gap", "late"),
    [
        pytest.param(GAPS[0], True, id="within the doubt, worker comes late"),
        pytest.param(GAPS[-1], False, id="beyond the doubt, worker at once", marks=pytest.mark.long),
        pytest.param(GAPS[0], False, id="within the doubt, worker at once", marks=pytest.mark.long),
        pytest.param(GAPS[-1], True, id="beyond the doubt, worker comes late", marks=pytest.mark.long),
    ],
)
def test_an_installation_made_after_the_uninstall_lives_in_every_order(shared: World, gap: int, late: bool) -> None:
    """I removed the app and installed it again; what tells you of the removal comes late, twice and in any order."""
    for order, tenant in customers(shared, STEPS):
        bodies = uninstall(shared, tenant)
        for step in order:
            shared.clock.advance(gap)
            take(shared, tenant, step, bodies)
            if not late and step != "re-install":
                take(shared, tenant, step, bodies)
                shared.work()
        for step in ("revoke", "uninstall") if late else ():
            take(shared, tenant, step, bodies)
        shared.work()
        assert (shared.status(tenant), works(shared, tenant)) == ("active", True), order
        assert len(shared.rows("SELECT 1 FROM tokens WHERE tenant_id = ?", tenant)) == 2, order
    assert works(shared, SOUTH)


@pytest.mark.long
@pytest.mark.parametrize("since", [None, 1, 300, 301, 5000])
def test_a_removed_installation_is_erased_in_every_order(shared: World, since: int | None) -> None:
    """I installed, perhaps twice, removed the app, and never came back; something of mine may stay behind."""
    for order, tenant in customers(shared, ("uninstall", "revoke", "retry")):
        if since is not None:
            shared.browser().install(tenant)  # and the removal comes so much later than this
            shared.clock.advance(since)
        bodies = uninstall(shared, tenant)
        for step in order * 2:
            take(shared, tenant, step, bodies)
            shared.work()
        assert nothing_of(shared, tenant), order
        shared.clock.advance(7200)
        take(shared, tenant, "retry", bodies)
        assert (shared.work(), nothing_of(shared, tenant)) == (0, True), order
    assert works(shared, SOUTH)


@pytest.mark.parametrize(("removed", "stays"), [(ORG, ORG_TEAM), (ORG_TEAM, ORG)])
def test_an_enterprise_and_a_workspace_of_it_do_not_erase_each_other(world: World, removed: str, stays: str) -> None:
    """I remove the app from one of my workspaces and keep it for the enterprise, or the other way round."""
    world.browser().install(stays)
    for order in itertools.permutations(("uninstall", "revoke", "retry")):
        world.browser().install(removed)
        world.work()
        world.clock.advance(1000)
        bodies = uninstall(world, removed)
        for step in order * 2:
            take(world, removed, step, bodies)
        world.work()
        assert nothing_of(world, removed), order
        assert (world.status(stays), len(world.rows("SELECT 1 FROM tokens"))) == ("active", 1), order
