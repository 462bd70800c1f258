"""A menu whose options the app fills is answered in the response itself, by a function that can look and not act."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from slackapp.behaviour import Context
from slackapp.errors import SlackCallError
from slackapp.flows.keys import suspend_tenant
from slackapp.model import Actor, ActorKind
from tests.support.callback_world import log_lines, nothing_happens, outcome
from tests.support.client import Reply
from tests.support.interactions import interact
from tests.support.world import APP_ID, NORTH, ORG, ORG_TEAM, SOUTH, World, north_tenant

OPTION = {"text": {"type": "plain_text", "text": "One"}, "value": "1"}


def ask(world: World, **changes: Any) -> Reply:
    """Somebody types into the menu."""
    payload = {
        "type": "block_suggestion", "api_app_id": APP_ID, "team": {"id": NORTH, "domain": "northwind"},
        "user": {"id": "U0NORTH001MEM", "team_id": NORTH}, "action_id": "pick", "block_id": "b", "value": "on",
        "container": {"type": "message"}, **changes,
    }  # fmt: skip
    return interact(world, payload)


def offering(world: World, function: Callable[[Context, Mapping[str, Any]], Any]) -> None:
    world.replace_parts(behaviour={"block_suggestion:pick": function})


@pytest.mark.parametrize(
    ("offered", "answer"),
    [
        ([OPTION], {"options": [OPTION]}), ((OPTION,), {"options": [OPTION]}), ([], {"options": []}),
        ({"options": [OPTION]}, {"options": [OPTION]}), ({"option_groups": []}, {"option_groups": []}),
        ([OPTION] * 100, {"options": [OPTION] * 100}), ([{"a": 1, 2: 3}], {"options": [{"a": 1, "2": 3}]}),
        ([{"value": "\ud83d"}], {"options": [{"value": "\ud83d"}]}),
    ],
    ids=["list", "tuple", "none", "object", "groups", "100", "keys of two types", "half an emoji"],
)  # fmt: skip
def test_the_options_of_the_function_are_the_response(ready: World, offered: Any, answer: Any) -> None:
    seen: list[tuple[str, str, Any]] = []

    def offer(context: Context, menu: Mapping[str, Any]) -> Any:
        seen.append((context.tenant.id, context.user_id, menu["value"]))
        return offered

    offering(ready, offer)
    with nothing_happens(ready):
        reply = ask(ready)
        assert (reply.status, reply.headers["content-type"]) == (200, "application/json; charset=utf-8")
        assert (reply.json, seen) == (answer, [(NORTH, "U0NORTH001MEM", "on")])
    assert ready.service.app.metrics.value("slackapp_interactions_total", {"result": "options"}) == 1


def test_a_dialog_of_old_is_answered_in_the_same_way(ready: World) -> None:
    ready.replace_parts(behaviour={"dialog_suggestion:form": lambda context, menu: [{"label": "One", "value": "1"}]})
    reply = ask(ready, type="dialog_suggestion", callback_id="form")
    assert reply.json == {"options": [{"label": "One", "value": "1"}]}


@pytest.mark.claim("C-90")
def test_a_menu_that_nobody_fills_is_refused_at_once_and_the_log_says_what_helps(ready: World) -> None:
    with nothing_happens(ready):
        for _ in range(3):
            assert (ask(ready).status, outcome(ready)) == (404, "no_options")
    (line,) = (line for line in log_lines(ready) if line["event"] == "no_options")
    assert "block_suggestion:ACTION_ID" in line["action"]


def fail(context: Context, menu: Mapping[str, Any]) -> Any:
    raise RuntimeError("canary")


def leave(context: Context, menu: Mapping[str, Any]) -> Any:
    raise SystemExit


def raise_base_exception(context: Context, menu: Mapping[str, Any]) -> Any:
    raise GeneratorExit


@pytest.mark.parametrize(
    "function",
    [
        fail, leave, raise_base_exception,
        *(lambda context, menu, odd=odd: odd for odd in (
            None, "One", 7, {}, {"options": None}, {"options": "x"}, {"options": [], "x": 1}, {"other": []}, ["One"],
            [None], [OPTION] * 101, [{"text": "x" * 70_000}], [{"text": {"set"}}], {"options": {"a": 1}},
            [{"value": float("nan")}],
        )),
    ],
)  # fmt: skip
@pytest.mark.claim("C-90")
def test_a_function_that_fails_or_offers_something_else_costs_nothing_but_its_answer(
    ready: World, function: Any
) -> None:
    offering(ready, function)
    with nothing_happens(ready):
        assert (ask(ready).status, outcome(ready)) == (404, "no_options")
    (line,) = (line for line in log_lines(ready) if line["event"] == "behaviour_failed")
    assert (line["type"], "canary" in ready.log.getvalue()) == ("block_suggestion:pick", False)
    assert ready.mention("EvAfter").status == 200


@pytest.mark.claim("C-90")
def test_the_function_can_neither_call_nor_say_nor_remove_anything(ready: World) -> None:
    refused: list[str] = []

    def reach(context: Any, menu: Mapping[str, Any]) -> Any:
        for act in (
            lambda: context.call("users.info", {"user": "U0NORTH001MEM"}),
            lambda: context.call("chat.postMessage", {"channel": "C0NORTH001GEN", "text": "x"}),
            lambda: context.respond("x"), lambda: context.is_admin("U0NORTH001ADM"), lambda: context.refuse("x"),
            context.remove,
        ):  # fmt: skip
            with pytest.raises(SlackCallError) as error:
                act()
            refused.append(error.value.code)
        return [OPTION]

    offering(ready, reach)
    audited = ready.audit()
    with nothing_happens(ready):
        assert ask(ready, response_url=f"{ready.slack_url}/commands/x").status == 200
    assert (refused, ready.audit()) == (["no_call_in_a_request"] * 6, audited)


@pytest.mark.claim("C-90")
def test_functions_that_hang_for_one_tenant_cost_two_threads_and_others_menus_are_filled(ready: World) -> None:
    """My menu's function waits for a database of one customer's that is down, and all of them type."""
    hold, inside = threading.Event(), threading.Semaphore(0)

    def hang(context: Context, menu: Mapping[str, Any]) -> Any:
        if context.tenant == north_tenant():
            inside.release()
            hold.wait(10)
        return [OPTION]

    ready.browser().install(ORG)
    ready.work()
    offering(ready, hang)
    replies: list[Reply] = []
    threads = [threading.Thread(target=lambda: replies.append(ask(ready))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert inside.acquire(timeout=10)
    reply = ask(ready)
    assert (reply.status, outcome(ready), "retry-after" in reply.headers) == (503, "busy", True)
    is_enterprise_install = {"team": {"id": ORG_TEAM}, "enterprise": {"id": ORG}, "is_enterprise_install": True}
    assert ask(ready, **is_enterprise_install).status == 200
    assert ready.mention("EvMeanwhile").status == 200
    hold.set()
    for thread in threads:
        thread.join()
    assert [reply.status for reply in replies] == [200, 200]
    assert ask(ready).status == 200


def test_whose_menu_it_is_goes_by_the_same_rules_as_a_button(ready: World) -> None:
    seen: list[str] = []
    offering(ready, lambda context, menu: seen.append(context.tenant.id) or [])
    ready.browser().install(ORG)
    ready.work()
    is_enterprise_install = {"team": {"id": ORG_TEAM}, "enterprise": {"id": ORG}, "is_enterprise_install": True}
    modal = {"team": {"id": SOUTH}, "view": {"type": "modal", "app_installed_team_id": NORTH}}
    assert [ask(ready, **changes).status for changes in (is_enterprise_install, modal)] == [200, 200]
    assert seen == [ORG, NORTH]
    assert (ask(ready, team={"id": SOUTH}).status, outcome(ready)) == (404, "not_installed")
    assert (ask(ready, api_app_id="A0OTHER001").body, len(seen)) == (b"", 2)


def test_a_suspended_tenant_s_menu_is_refused(ready: World) -> None:
    offering(ready, lambda context, menu: [OPTION])
    suspend_tenant.suspend(ready.service.app, north_tenant(), Actor(ActorKind.WORKER, "x"))
    assert (ask(ready).status, outcome(ready)) == (403, "key_revoked")
