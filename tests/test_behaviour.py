"""What the module of a behaviour may say of itself: a table, reasons for scopes, what it does."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from types import ModuleType

import pytest

from slackapp.app import load_behaviour, load_description, load_methods, load_scope_reasons
from slackapp.cli.service.environment import behaviour_defaults
from slackapp.errors import ConfigError

Make = Callable[..., None]
SETTING = "ownbot:EVENTS"


@pytest.fixture
def make() -> Iterator[Make]:
    """A module of one's own."""

    def put(doc: str = "", **names: object) -> None:
        module = sys.modules["ownbot"] = ModuleType("ownbot", doc)
        vars(module).update({"EVENTS": {"/hi": print}, **names})

    yield put
    sys.modules.pop("ownbot", None)


def test_without_anything_said_the_settings_count(make: Make) -> None:
    make()
    assert (load_scope_reasons(SETTING), load_description(SETTING)) == ({}, "")
    assert behaviour_defaults({"SLACKAPP_BEHAVIOUR": SETTING}) == {}
    assert behaviour_defaults({}) == {}, "the example is described by the settings' own defaults"


def test_scopes_with_reasons_are_asked_for_in_their_order(make: Make) -> None:
    make(SCOPES={"commands": " to take /hi ", "chat:write": "to answer", "emoji:read": "to see yours"})
    assert list(load_scope_reasons(SETTING).items())[:2] == [("commands", "to take /hi"), ("chat:write", "to answer")]
    environment = {"SLACKAPP_BEHAVIOUR": SETTING, "SLACKAPP_USER_SCOPES": "emoji:read"}
    assert behaviour_defaults(environment) == {"SLACKAPP_BOT_SCOPES": "commands,chat:write"}


@pytest.mark.parametrize("scopes", [
    ["chat:write"], "chat:write", 7, {"chat:write": ""}, {"chat:write": 7}, {"chat:write": "a\nb"},
    {"chat:write": "a\x1b[2J"}, {"chat write": "to answer"}, {"a,b": "to answer"}, {7: "x"}, {" chat:write": "x"},
])  # fmt: skip
def test_scopes_that_are_none_are_refused_by_their_name(make: Make, scopes: object) -> None:
    make(SCOPES=scopes)
    with pytest.raises(ConfigError, match=r"^SLACKAPP_BEHAVIOUR: ownbot\.SCOPES is not a mapping of scope to reason"):
        load_scope_reasons(SETTING)


def test_methods_are_those_that_the_module_lists_or_all_that_behaviours_may_call(make: Make) -> None:
    for listed, found in {
        (): (), ("users.info", "chat.postMessage"): ("chat.postMessage", "users.info"),
        frozenset({"views.open"}): ("views.open",),
    }.items():  # fmt: skip
        make(METHODS=listed)
        assert load_methods(SETTING) == found
    make(METHODS=["auth.test"])
    assert load_methods(SETTING) == ("auth.test",)
    make()
    assert load_methods(SETTING) is None


@pytest.mark.parametrize("methods", [
    "chat.postMessage", 7, {"chat.postMessage": "why"}, [7], ["chat.*"], ["*"], ["chat"], [""], ["chat.post Message"],
    ["chat.postMessage\n"], [b"chat.postMessage"],
])  # fmt: skip
def test_methods_that_are_none_are_refused_by_their_name(make: Make, methods: object) -> None:
    make(METHODS=methods)
    with pytest.raises(ConfigError, match=r"^SLACKAPP_BEHAVIOUR: ownbot\.METHODS is not a list of methods"):
        load_methods(SETTING)


@pytest.mark.parametrize(("doc", "told"), [
    ("Says hello.\n\nAnd more.", "Says hello."), ("  \n Says hello.\n", "Says hello."), ("", ""), ("x" * 141, ""),
    ("a\x1b[2J", ""),
])  # fmt: skip
def test_the_first_line_of_the_module_says_what_it_does(make: Make, doc: str, told: str) -> None:
    make(doc)
    assert load_description(SETTING) == told
    assert behaviour_defaults({"SLACKAPP_BEHAVIOUR": SETTING}).get("SLACKAPP_DESCRIPTION", "") == told


def test_a_table_that_is_none_is_refused(make: Make) -> None:
    for table in (None, [], {"/hi": "print"}, {7: print}):
        make(EVENTS=table)
        with pytest.raises(ConfigError, match=r"^SLACKAPP_BEHAVIOUR: ownbot:EVENTS is not a mapping of event type"):
            load_behaviour(SETTING)
    with pytest.raises(ConfigError, match=r"ownbot:NAUGHT is not a mapping"):
        load_behaviour("ownbot:NAUGHT")


async def answer_later(context: object, event: object) -> None:
    """As asynchronous frameworks have it."""


def answer_in_parts(context: object, event: object) -> Iterator[None]:
    """A word that slipped in."""
    yield


async def answer_in_parts_later(context: object, event: object) -> AsyncIterator[None]:
    """Both."""
    yield


@pytest.mark.parametrize("function", [answer_later, answer_in_parts, answer_in_parts_later, partial(answer_later, 1)])
def test_a_function_of_which_a_call_runs_nothing_is_refused_by_its_key(make: Make, function: object) -> None:
    make(EVENTS={"/hi": print, "app_mention": function})
    with pytest.raises(ConfigError, match=r"^SLACKAPP_BEHAVIOUR: ownbot:EVENTS: the function of app_mention is async"):
        load_behaviour(SETTING)
