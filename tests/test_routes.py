"""The HTTP surface: nothing is reachable that does not stand in this list, and under no other spelling."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slackapp import callers, routes
from slackapp.host.answers import refusal_api
from slackapp.host.callers import HostTokenCaller, page_form, page_member
from slackapp.host.checks.roles import HostAction
from slackapp.host.handlers import connect
from slackapp.routes import ROUTES, by_path
from tests.support.callback_world import nothing_happens, outcome
from tests.support.host_world import make_host_world
from tests.support.things import THINGS, given, is_on, with_things
from tests.support.world import World, make_world

SURFACE = [
    # method, path, who may call, refusals as, HEAD too, without the rule on Host from loopback
    ("GET", "/", "anyone", "page", True, False),
    ("GET", "/slack/install", "anyone", "page", False, False),
    ("GET", "/slack/oauth_redirect", "anyone", "page", False, False),
    ("GET", "/slack/installed", "anyone", "page", True, False),
    ("POST", "/slack/events", "slack", "data", False, False),
    ("POST", "/slack/commands", "slack", "data", False, False),
    ("POST", "/slack/interactivity", "slack", "data", False, False),
    ("GET", "/privacy", "anyone", "page", True, False),
    ("GET", "/support", "anyone", "page", True, False),
    ("GET", "/favicon.ico", "anyone", "data", True, False),
    ("POST", "/slack/uninstall", "operator", "data", False, False),
    ("GET", "/healthz", "anyone", "data", True, True),
    ("GET", "/readyz", "operator or anyone", "data", True, True),
    ("GET", "/metrics", "operator", "data", False, False),
    # The host side, off by default: which role may do what, tests/host/checks/test_roles.py
    ("POST", "/api/v2/slack/auth", "ask, once begun", "api", False, False),
    ("POST", "/api/v2/slack/auth/init", "ask, once begun", "api", False, False),
    ("POST", "/api/v2/slack/sessions", "provision, once", "api", False, False),
    ("GET", "/api/v2/slack/integration", "read", "api", False, False),
    ("PUT", "/api/v2/slack/integration", "manage", "api", False, False),
    ("DELETE", "/api/v2/slack/integration", "manage", "api", False, False),
    ("POST", "/api/v2/slack/integration/test", "use", "api", False, False),
    ("GET", "/api/v2/slack/integrations", "read", "api", False, False),
    ("GET", "/api/v2/slack/connections", "read", "api", False, False),
    ("POST", "/api/v2/slack/connections", "ask, once begun", "api", False, False),
    ("GET", "/api/v2/slack/connections/{id}", "read", "api", False, False),
    ("PATCH", "/api/v2/slack/connections/{id}", "use", "api", False, False),
    ("POST", "/api/v2/slack/connections/{id}/token", "provision, once", "api", False, False),
    ("DELETE", "/api/v2/slack/connections/{id}", "use", "api", False, False),
    ("GET", "/api/v2/slack/channels", "use", "api", False, False),
    ("POST", "/api/v2/slack/channels/{id}/join", "manage", "api", False, False),
    ("GET", "/api/v2/slack/approvals", "read", "api", False, False),
    ("POST", "/api/v2/slack/approvals", "ask", "api", False, False),
    ("POST", "/api/v2/slack/approvals/{id}/decision", "decide", "api", False, False),
    ("GET", "/api/v2/slack/reviews", "report", "api", False, False),
    ("POST", "/api/v2/slack/reviews", "manage", "api", False, False),
    ("GET", "/api/v2/slack/reviews/{id}", "report", "api", False, False),
    ("POST", "/api/v2/slack/reviews/{id}/decisions", "decide", "api", False, False),
    ("POST", "/api/v2/slack/reviews/{id}/close", "manage", "api", False, False),
    ("POST", "/api/v2/slack/freeze", "govern", "api", False, False),
    ("DELETE", "/api/v2/slack/freeze", "govern", "api", False, False),
    ("POST", "/api/v2/slack/messages", "use", "api", False, False),
    ("POST", "/api/v2/slack/messages/bulk", "use", "api", False, False),
    ("POST", "/api/v2/slack/messages/{id}/settlement", "use", "api", False, False),
    ("PATCH", "/api/v2/slack/messages/{id}", "use", "api", False, False),
    ("DELETE", "/api/v2/slack/messages/{id}", "use", "api", False, False),
    ("GET", "/api/v2/slack/messages", "read", "api", False, False),
    ("GET", "/api/v2/slack/messages/{id}", "read", "api", False, False),
    ("POST", "/api/v2/slack/messages/{id}/replies", "use", "api", False, False),
    ("GET", "/api/v2/slack/messages/{id}/replies", "read", "api", False, False),
    ("GET", "/api/v2/slack/analytics", "report", "api", False, False),
    ("GET", "/api/v2/slack/templates", "use", "api", False, False),
    ("GET", "/api/v2/slack/templates/{id}", "use", "api", False, False),
    ("PUT", "/api/v2/slack/templates/{id}", "manage", "api", False, False),
    ("DELETE", "/api/v2/slack/templates/{id}", "manage", "api", False, False),
    ("GET", "/api/v2/slack/inventory", "report", "api", False, False),
    ("GET", "/api/v2/slack/token-use", "report", "api", False, False),
    ("GET", "/api/v2/organization", "provision", "api", False, False),
    ("PUT", "/api/v2/organization", "provision", "api", False, False),
    ("DELETE", "/api/v2/organization", "provision", "api", False, False),
    ("POST", "/api/v2/members/{id}/offboard", "govern", "api", False, False),
    ("POST", "/api/v2/members/{id}/reinstate", "govern", "api", False, False),
    ("GET", "/api/v2/shadow-installations", "provision", "api", False, False),
    ("GET", "/api/v2/events", "provision", "api", False, False),
    ("GET", "/api/v2/openapi.json", "anyone", "api", False, False),
    ("GET", "/api/v2/slack/auth/callback", "anyone", "callback", False, False),
    ("POST", "/settings/session", "anyone", "form", False, False),
    ("GET", "/settings", "member", "form", False, False),
    ("GET", "/settings/connect", "member", "form", False, False),
    ("POST", "/settings/connect", "member by a form", "form", False, False),
    ("GET", "/settings/integrations", "member", "settings", False, False),
    ("GET", "/settings/integrations/{id}", "member", "settings", False, False),
    ("POST", "/settings/integrations/{id}", "member by a form", "settings", False, False),
    ("GET", "/settings/integrations/{id}/channels", "member", "settings", False, False),
    ("GET", "/settings/integrations/{id}/disconnect", "member", "settings", False, False),
    ("GET", "/settings/approvals", "member", "settings", False, False),
    ("POST", "/settings/approvals", "member by a form", "settings", False, False),
    ("GET", "/settings/messages", "member", "settings", False, False),
    ("GET", "/settings/messages.csv", "member", "settings", False, False),
    ("GET", "/settings/analytics", "member", "settings", False, False),
    ("GET", "/settings/analytics.csv", "member", "settings", False, False),
    ("GET", "/settings/messages/{id}", "member", "settings", False, False),
    ("POST", "/settings/messages/{id}", "member by a form", "settings", False, False),
    ("GET", "/settings/compose", "member", "settings", False, False),
    ("POST", "/settings/compose", "member by a form", "settings", False, False),
    ("GET", "/settings/templates", "member", "settings", False, False),
    ("POST", "/settings/templates", "member by a form", "settings", False, False),
    ("GET", "/settings/inventory", "member", "settings", False, False),
    ("GET", "/settings/inventory.csv", "member", "settings", False, False),
    ("GET", "/settings/token-use", "member", "settings", False, False),
    ("GET", "/settings/token-use.csv", "member", "settings", False, False),
    ("GET", "/settings/reviews", "member", "settings", False, False),
    ("POST", "/settings/reviews", "member by a form", "settings", False, False),
    ("GET", "/settings/reviews/{id}", "member", "settings", False, False),
    ("POST", "/settings/reviews/{id}", "member by a form", "settings", False, False),
    ("GET", "/settings/freeze", "member", "settings", False, False),
    ("POST", "/settings/freeze", "member by a form", "settings", False, False),
    ("GET", "/settings/connects", "member", "settings", False, False),
]
PATHS = [path for _, path, *_ in SURFACE]
TARGETS = [re.sub(r"\{[a-z_]+\}", "T0NORTH001", path) for path in PATHS]
"""What is asked for: an id stands in the place of each `{name}`."""

Surface = list[tuple[str, str, str, str, bool, bool]]


def methods_of(surface: Surface) -> dict[str, list[str]]:
    """Path to the methods that it takes, in the order of its routes."""
    taken: dict[str, list[str]] = {}
    for method, path, _, _, head, _ in surface:
        taken.setdefault(path, []).extend([method, "HEAD"] if head else [method])
    return taken


SPELLINGS: dict[str, Callable[[str], str]] = {
    "a slash before": lambda path: f"/{path}",
    "a slash after": lambda path: f"{path.rstrip('/')}//" if path == "/" else f"{path}/",
    "two slashes inside": lambda path: path.replace("/", "//"),
    "an encoded slash": lambda path: f"{path[:1]}{path[1:].replace('/', '%2f')}%2F",
    "an encoded letter": lambda path: f"/%{ord(path[1]):x}{path[2:]}" if len(path) > 1 else "/%2e",
    "encoded twice": lambda path: f"{path}%252f",
    "something below": lambda path: f"{path.rstrip('/')}/x",
    "a dot segment": lambda path: f"/.{path}",
    "a dot-dot segment": lambda path: f"/x/..{path}",
    "an encoded dot-dot segment": lambda path: f"/x/%2e%2e{path}",
    "a matrix parameter": lambda path: f"{path};v=1",
    "a fragment": lambda path: f"{path}#",
    "a backslash": lambda path: path.replace("/", "\\"),
    "a backslash after": lambda path: f"{path}\\",
    "the absolute form": lambda path: f"http://localhost:3000{path}",
    "the absolute form of another host": lambda path: f"//evil.example{path}",
    "upper case": lambda path: path.upper() if len(path) > 1 else "/INDEX",
    "a NUL": lambda path: f"{path}\x00",
    "an encoded NUL": lambda path: f"{path}%00",
    "a TAB": lambda path: f"{path}\t",
    "a space": lambda path: f"{path}%20",
    "a line break": lambda path: f"{path}\r\n",
    "an encoded question mark": lambda path: f"{path}%3f",
    "an ending": lambda path: f"{path}.html",
    "no slash": lambda path: path[1:],
    "another letter that looks alike": lambda path: f"{path}\xad",
}


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all tests here that change nothing in it, with every table switched on."""
    with make_host_world(tmp_path_factory.mktemp("still")) as made:
        yield made


def test_the_surface_is_exactly_this_list() -> None:
    names: dict[object, str] = {
        callers.anyone: "anyone",
        callers.slack: "slack",
        callers.operator: "operator",
        callers.operator_or_anyone: "operator or anyone",
        **{HostTokenCaller(action): str(action) for action in HostAction},
        **{HostTokenCaller(action, single_use=True): f"{action}, once" for action in HostAction},
        **{HostTokenCaller(action, single_use=True, uses_later=True): f"{action}, once begun" for action in HostAction},
        page_member: "member",
        page_form: "member by a form",
    }
    forms: dict[object, str] = {
        routes.PAGE: "page",
        routes.DATA: "data",
        routes.SETTINGS: "settings",
        connect.callback_refusal: "callback",
        connect.form_refusal: "form",
        refusal_api: "api",
    }
    found = [(r.method, r.path, names[r.caller], forms[r.answers], r.head, r.probe) for r in ROUTES]
    assert found == SURFACE


def test_nothing_lies_below_the_callback() -> None:
    """Slack also redirects to what lies below a registered address."""
    assert [path for path in PATHS if path.startswith("/slack/oauth_redirect")] == ["/slack/oauth_redirect"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_another_spelling_of_a_path_is_another_path(still: World, spelling: str) -> None:
    with nothing_happens(still):
        for method, path, *_ in SURFACE:
            if "{" in path:
                continue  # what is no id: tests/web/test_router.py
            if spelling == "something below" and any(other.startswith(f"{path}/{{") for other in PATHS):
                continue  # an id
            target = SPELLINGS[spelling](path)
            if re.fullmatch("/api/v2/slack/messages/[^/]+", target):
                continue  # that of a message, which is not there
            assert target not in PATHS
            assert still.request(method, target).status == 404, target
            assert outcome(still) == "not_found"


@pytest.mark.parametrize("target", ["*", "", "localhost:3000", "/favicon.svg", "/.env", "/slack", "/slack/", "/admin"])
@pytest.mark.claim("C-68")
def test_whatever_else_is_asked_for_is_not_there(still: World, target: str) -> None:
    with nothing_happens(still):
        assert (still.request("GET", target).status, outcome(still)) == (404, "not_found")


def test_the_path_ends_at_the_first_question_mark(world: World) -> None:
    assert world.request("GET", "/healthz?/slack/events").status == 200
    assert world.request("GET", "/healthz??").status == 200


def test_what_the_server_made_of_the_path_does_not_count(world: World) -> None:
    reply = world.request("GET", "/slack%2Finstall", environ={"PATH_INFO": "/slack/install"})
    assert (reply.status, outcome(world)) == (404, "not_found")


OPERATOR = {"Authorization": "Bearer an-operator-token-of-forty-characters-xx"}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.claim("C-68")
def test_a_method_that_a_path_does_not_take_is_refused_with_those_it_takes(still: World, method: str) -> None:
    with nothing_happens(still):
        taken = methods_of(SURFACE)
        for path, target in zip(PATHS, TARGETS, strict=True):
            if method not in taken[path]:
                reply = still.request(method, target)
                assert (reply.status, reply.headers["allow"]) == (405, ", ".join(taken[path])), path
                assert outcome(still) == "method"


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "DELETE"])
def test_a_wrong_method_is_told_so_though_it_comes_without_a_length(still: World, method: str) -> None:
    """As browsers and programs send these methods."""
    reply = still.request(method, "/slack/events", environ={"CONTENT_LENGTH": ""})
    assert (reply.status, reply.headers.get("allow")) == (405, "POST")


@pytest.mark.parametrize("path", [path for _, path, _, _, head, _ in SURFACE if head])
def test_head_is_get_without_a_body(still: World, path: str) -> None:
    got, head = still.request("GET", path), still.request("HEAD", path)
    assert head.body == b""
    assert got.body != b""
    assert head.status == got.status
    assert head.headers | {"x-request-id": ""} == got.headers | {"x-request-id": ""}


# Ids in paths, and tables of circles


def test_an_id_reaches_the_handler_and_log_metric_and_audit_have_the_path_of_the_route(world: World) -> None:
    world.service.wsgi = with_things(world.service.app)
    assert given(world.request("GET", "/things/T0SECRET").body) == {
        "at": "/things/{id}",
        "by": "anyone",
        "id": "T0SECRET",
    }
    reply = world.request("POST", "/things/T0SECRET/parts/1?x=y")
    assert given(reply.body) == {"at": "/things/{id}/parts/{part}", "by": "anyone", "id": "T0SECRET", "part": "1"}
    assert world.request("DELETE", "/things/T0SECRET").status == 401
    assert given(world.request("DELETE", "/things/T0SECRET", headers=OPERATOR).body)["by"] == "operator"
    assert world.request("HEAD", "/things/T0SECRET").body == b""
    told = world.log.getvalue() + world.request("GET", "/metrics", headers=OPERATOR).text
    told += repr([tuple(row) for row in world.rows("SELECT * FROM audit")])
    assert "T0SECRET" not in told
    assert 'slackapp_requests_total{route="/things/{id}",status="401"} 1\n' in told
    assert told.count("/things/{id}") >= 5


def test_a_literal_wins_over_an_id(world: World) -> None:
    world.service.wsgi = with_things(world.service.app)
    assert given(world.request("GET", "/things/all").body) == {"at": "/things/all"}


def test_a_path_may_have_several_methods_each_by_a_route_of_its_own(world: World) -> None:
    world.service.wsgi = with_things(world.service.app)
    taken = methods_of([(r.method, r.path, "", "", r.head, r.probe) for r in THINGS])
    assert taken["/things/{id}"] == ["GET", "HEAD", "DELETE"]
    for path, allowed in taken.items():
        reply = world.request("PATCH", re.sub(r"\{[a-z_]+\}", "1", path))
        assert (reply.status, reply.headers["allow"]) == (405, ", ".join(allowed)), path


@pytest.mark.claim("C-68")
def test_a_method_that_no_route_of_the_path_takes_is_told_all_that_they_take(world: World) -> None:
    world.service.wsgi = with_things(world.service.app)
    for method, target, allowed in (
        ("PUT", "/things/1", "GET, HEAD, DELETE"),
        ("HEAD", "/things/all", "GET"),
        ("DELETE", "/things/all", "GET"),
        ("GET", "/things/1/parts/2", "POST"),
    ):
        reply = world.request(method, target)
        assert (reply.status, reply.headers["allow"], outcome(world)) == (405, allowed, "method")


@pytest.mark.parametrize(("name", "statuses"), [("without", (404, 404)), ("with things", (200, 405))])
def test_a_table_that_is_off_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, statuses: tuple[int, int]
) -> None:
    monkeypatch.setattr(routes, "ROUTES", (*ROUTES, *THINGS))
    monkeypatch.setattr(routes, "SWITCHES", ((THINGS, is_on),))
    with make_world(tmp_path, SLACKAPP_NAME=name) as world:
        answers = world.request("GET", "/things/1"), world.request("PUT", "/things/1")
        assert tuple(answer.status for answer in answers) == statuses
        assert world.request("GET", "/healthz").status == 200


def test_two_routes_of_one_path_and_method_are_refused(world: World) -> None:
    for twice in (ROUTES[0], THINGS[0]):
        with pytest.raises(ValueError, match=f"(GET|HEAD) {twice.path}".replace("{", r"\{")):
            by_path([*ROUTES, *THINGS, twice])
