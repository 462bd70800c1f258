"""The callback takes a code from nobody but the browser that asked, and shows nothing of what it is given."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.support.callback_world import approved, assert_silent, callback, nothing_happens, outcome, state_outcomes
from tests.support.world import NORTH, SOUTH, World, make_world

XSS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "javascript:alert(1)//",
    "&lt;b&gt;</title><b>",
    "{{7*7}}${7*7}",
)


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all tests here that look at answers only."""
    with make_world(tmp_path_factory.mktemp("still")) as made:
        yield made


@pytest.mark.claim("C-07")
def test_a_code_without_a_state_is_never_exchanged(world: World) -> None:
    """I have the victim open a link with my own code, so that his data flows into my workspace."""
    way = approved(world)
    for target in (callback(code=way.code), callback(code=way.code, state="")):
        with nothing_happens(world):
            reply = way.browser.get(target)
        assert (reply.status, outcome(world)) == (400, "state_missing")
        assert 'href="/slack/install"' in reply.text
    assert_silent(world, reply, way.code)


def test_a_callback_without_known_parameters_is_refused_as_state_missing(world: World) -> None:
    """I open the bare address."""
    with nothing_happens(world):
        assert world.request("GET", "/slack/oauth_redirect").status == 400
        assert world.request("GET", "/slack/oauth_redirect?").status == 400
        assert world.request("GET", "/slack/oauth_redirect?a=b").status == 400
    assert outcome(world) == "state_missing"


@pytest.mark.parametrize("error", ["access_denied", "anything", ""])
def test_an_error_without_a_state_touches_nothing(world: World, error: str) -> None:
    """I try to end the victim's install by reporting an error for it."""
    way = approved(world)
    with nothing_happens(world):
        reply = way.browser.get(callback(error=error))
    assert (reply.status, "nothing was stored" in reply.text) == (200, True)
    assert way.finish().status == 303


def test_an_error_with_the_state_and_no_cookie_does_not_end_the_victims_install(world: World) -> None:
    """I saw the state in a proxy's log and report an error for it."""
    way = approved(world)
    with nothing_happens(world):
        assert world.request("GET", callback(error="access_denied", state=way.state)).status == 400
    assert outcome(world) == "browser"
    assert way.finish().status == 303


@pytest.mark.claim("C-07")
def test_a_code_and_an_error_together_are_refused(world: World) -> None:
    """I add an error to a good address, or a code to a refusal, so that two places read it in two ways."""
    way = approved(world)
    for target in (callback(code=way.code, error="access_denied", state=way.state), callback(state=way.state)):
        with nothing_happens(world):
            assert (way.browser.get(target).status, outcome(world)) == (400, "code_missing")
    with nothing_happens(world):
        assert way.browser.get(callback(code=way.code, error="access_denied")).status == 400
    assert way.finish().status == 303


@pytest.mark.parametrize("name", ["state", "code", "error", "st%61te", "cod%65"])
def test_a_repeated_parameter_is_refused(world: World, name: str) -> None:
    """I append a second value, for a place that reads the last one."""
    way = approved(world)
    for target in (f"{way.target}&{name}=x", f"{way.target}&{name}=", f"{way.target}&{name}={way.state}"):
        with nothing_happens(world):
            assert way.browser.get(target).status == 400
    assert outcome(world) == ("code_missing" if name == "error" else "query")
    with nothing_happens(world):
        assert way.browser.get(callback(state=way.state) + "&error=a&error=b").status == 400
    assert way.finish().status == 303


def test_unknown_parameters_do_nothing_even_when_repeated(world: World) -> None:
    """I name a tenant, an app and a place to go, of my own choice."""
    way = approved(world)
    more = f"&team={SOUTH}&team={SOUTH}&team_id={SOUTH}&next=//evil.example&redirect_uri=https%3A%2F%2Fevil.example"
    reply = way.browser.get(f"{way.target}{more}&app_id=A0OTHER001&grant_type=refresh_token")
    assert (reply.status, reply.location) == (303, "http://localhost:3000/slack/installed")
    assert (world.status(NORTH), world.status(SOUTH)) == ("active", "")
    assert world.slack.calls[0].params == {"redirect_uri": world.settings.redirect_uri}


def test_a_query_of_4096_bytes_is_read_and_a_longer_one_is_not(world: World) -> None:
    """I fill the address up."""
    way = approved(world)
    padded = f"{way.target}&x="
    padded += "y" * (4096 - len(padded.partition("?")[2]))
    with nothing_happens(world):
        assert (way.browser.get(f"{padded}y").status, outcome(world)) == (400, "query")
    assert way.browser.get(padded).status == 303


@pytest.mark.parametrize("broken", ["code=%ff", "code=%ed%a0%80", "state=%c0%ae", "code", "state", "%63ode=x"])
def test_a_parameter_of_ours_that_cannot_be_read_is_refused(world: World, broken: str) -> None:
    """I send bytes that are no text, and names without values."""
    way = approved(world)
    with nothing_happens(world):
        assert (way.browser.get(f"{way.target}&{broken}").status, outcome(world)) == (400, "query")
        name, _, other = broken.partition("=")
        if other != "x":
            given = {"code": way.code, "state": way.state}
            given.pop(name)
            assert way.browser.get(f"{callback(**given)}&{broken}").status == 400
            assert outcome(world) == "query"
    assert way.finish().status == 303


def test_very_many_parameters_are_refused(world: World) -> None:
    """I want the parser to work hard."""
    way = approved(world)
    with nothing_happens(world):
        assert (way.browser.get(way.target + "&a=b" * 63).status, outcome(world)) == (400, "query")
    assert way.browser.get(way.target + "&a=b" * 62).status == 303


@pytest.mark.parametrize("more", ["&x=%ff", "&%ff=x", "&x", "&&", "&=", "&=&x", "&x=%zz", "&co%00de=x", "&CODE=x"])
def test_an_unreadable_unknown_parameter_is_ignored(world: World, more: str) -> None:
    """I add what another reader may stumble over."""
    way = approved(world)
    assert way.browser.get(way.target + more).status == 303


def test_a_semicolon_does_not_separate_parameters(world: World) -> None:
    """I hope that one place splits at semicolons and another does not."""
    way = approved(world)
    assert way.browser.get(f"{way.target}&x=1;state=mine;code=mine").status == 303


@pytest.mark.parametrize("payload", XSS)
@pytest.mark.parametrize("name", ["state", "code", "error", "error_description", "next", "<b>"])
def test_no_answer_repeats_a_parameter_of_the_request(still: World, name: str, payload: str) -> None:
    """I put markup into each parameter, and have the victim open the link."""
    way = approved(still)
    replies = [still.request("GET", f"/slack/oauth_redirect?{quote(name)}={quote(payload)}")]
    replies.append(way.browser.get(f"{callback(error='x', state=way.state)}&{quote(name)}={quote(payload)}"))
    for reply in replies:
        assert_silent(still, reply, payload, quote(payload))
        assert "<script" not in reply.text


@pytest.mark.parametrize("payload", [*XSS, "ACCESS_DENIED", "access_denied ", "access_denied\x00", "a" * 3000])
def test_an_error_that_nobody_knows_is_one_error_and_is_not_repeated(world: World, payload: str) -> None:
    """I invent an error."""
    way = approved(world)
    reply = way.browser.get(callback(error=payload, state=way.state))
    assert (reply.status, outcome(world), state_outcomes(world)) == (400, "slack_error", ["declined"])
    assert_silent(world, reply, payload)
    assert [row["result"] for row in world.rows("SELECT result FROM audit")].count("unknown_error") == 1
    assert payload.encode() not in world.bytes_on_disk()


def test_an_unknown_error_is_answered_like_any_other_failure_of_slack(world: World) -> None:
    """I compare the answers, to learn which errors the service knows."""
    bodies = set()
    for error in ("invalid_scope", "unapproved_scope", "invented", "<b>"):
        way = approved(world)
        bodies.add(way.browser.get(callback(error=error, state=way.state)).said)
    assert len(bodies) == 1


def test_the_page_afterwards_is_shown_to_the_installing_browser_only(world: World) -> None:
    """I open the clean address and hope to see who installed."""
    way = approved(world)
    way.finish()
    shown = [way.browser.get("/slack/installed").text]
    shown += [world.browser().get("/slack/installed").text, world.browser().get(f"/slack/installed?team={NORTH}").text]
    stranger = world.browser()
    stranger.begin()
    shown.append(stranger.get("/slack/installed").text)
    assert ["Northwind" in text for text in shown] == [True, False, False, False]


def test_no_code_state_cookie_or_token_is_in_the_log_or_in_the_audit(world: World) -> None:
    """I read the log of a whole day."""
    way = approved(world)
    way.finish()
    way.finish()
    declined = world.browser()
    begun = declined.begin()
    declined.follow_callback(declined.consent(begun, decision="deny"))
    written = world.log.getvalue() + repr([tuple(row) for row in world.rows("SELECT * FROM audit")])
    secrets = [way.code, way.state, begun.query["state"], *way.browser.cookies.values(), *declined.cookies.values()]
    secrets += [world.settings.client_secret.reveal(), *world.slack.issued_tokens]
    assert [secret for secret in secrets if secret in written] == []
    assert "?" not in world.log.getvalue()
