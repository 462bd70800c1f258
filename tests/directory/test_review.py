"""The doctor: a good app passes every row that a program can check, and whatever is wrong fails its own row."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from slackapp.directory import read_manifest, review
from slackapp.directory.findings import ReviewInput
from slackapp.directory.probe import Probe, ProbeResponse
from slackapp.directory.review import REQUIREMENTS, RequirementResult, Verdict
from slackapp.model import Secret
from tests.support.world import APP_ID, SIGNING_SECRET, START, World, make_world

PASS, FAIL, PERSON = Verdict
ROOT = Path(__file__).resolve().parents[2]
BASE = "https://app.unit.tests"
SHIPPED = read_manifest.read(
    "manifest.yml", (ROOT / "manifest.yml").read_text("utf-8").replace("app.example.com", "app.unit.tests")
)
SETTINGS = {
    "SLACKAPP_PUBLIC_URL": BASE,
    "SLACKAPP_SLACK_URL": "https://slack.com",
    "SLACKAPP_COMPANY": "Unit Ltd",
    "SLACKAPP_SUPPORT_EMAIL": "help@unit.tests",
}
Change = Callable[[str, str, ProbeResponse], ProbeResponse]


def unchanged(method: str, path: str, answer: ProbeResponse) -> ProbeResponse:
    """An app that behaves."""
    return answer


@dataclass
class Inside(Probe):
    """Asks the service in this process, and lets it misbehave."""

    world: World | None = None
    change: Change = unchanged
    spoken: str = "TLSv1.3"

    def send(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> ProbeResponse:
        assert self.world is not None
        host = self.url.partition("://")[2]
        reply = self.world.request(method, path, body, {"Host": host, **(headers or {})})
        seen = (*reply.headers.items(), ("x-sent", body.decode()))  # so that a change can tell what was asked
        answer = ProbeResponse(reply.status, seen, reply.text, 0.1)
        self.seen.append(self.change(method, path, answer))
        return self.seen[-1]

    def tls(self) -> str:
        return self.spoken


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An app as it stands before a submission; none of its answers depends on what was asked before."""
    with make_world(tmp_path_factory.mktemp("doctor"), **SETTINGS) as made:
        yield made


def look_at(world: World, change: Change = unchanged, spoken: str = "TLSv1.3", **parts: Any) -> ReviewInput:
    """All there is to look at, with the signing secret at hand."""
    given = {
        "manifest": SHIPPED,
        "submitted": SHIPPED,
        "url": BASE,
        "app_id": APP_ID,
        "signing_secret": Secret(SIGNING_SECRET),
        "now": START,
        **parts,
    }
    probe = Inside(given["url"], world=world, change=change, spoken=spoken)
    return ReviewInput(probe=probe, **given)


def judged(number: int, look: ReviewInput) -> RequirementResult:
    """One row."""
    return review.review_requirement(REQUIREMENTS[number - 1], look)


def test_the_review_has_38_requirements_in_order() -> None:
    assert [row.number for row in REQUIREMENTS] == list(range(1, 39))


def test_a_good_app_passes_every_row_that_a_program_can_check(world: World) -> None:
    found = {verdict.row.number: verdict.result for verdict in review.review(look_at(world))}
    for_a_person = {15, 27, 30, 31, 32, 33, 34, 35, 37}
    assert {number for number, result in found.items() if result == PERSON} == for_a_person
    assert {number for number, result in found.items() if result == PASS} == set(range(1, 39)) - for_a_person


def test_without_an_address_what_needs_one_is_for_a_person() -> None:
    verdicts = list(review.review(ReviewInput(SHIPPED)))
    for verdict in verdicts:
        assert verdict.result != FAIL
        if verdict.row.by_app:
            assert verdict.result == PERSON
            assert verdict.person[0] == "say where the app runs: --url URL"


def with_status(path: str, status: int, method: str = "") -> Change:
    """One path is answered otherwise."""
    return lambda m, p, a: replace(a, status=status) if p == path and method in ("", m) else a


def with_header(name: str, value: str, path: str = "") -> Change:
    """A header is another one, or is not there."""

    def change(method: str, at: str, answer: ProbeResponse) -> ProbeResponse:
        others = tuple(pair for pair in answer.headers if pair[0] != name)
        added = ((name, value),) if value else ()
        return replace(answer, headers=others + added) if path in ("", at) else answer

    return change


def with_text(path: str, old: str, new: str) -> Change:
    """A word of a page is another one."""

    def change(method: str, at: str, answer: ProbeResponse) -> ProbeResponse:
        if at != path:
            return answer
        assert old in answer.text
        return replace(answer, text=answer.text.replace(old, new))

    return change


def with_location(old: str, new: str) -> Change:
    """The way to Slack is another one."""

    def change(method: str, at: str, answer: ProbeResponse) -> ProbeResponse:
        headers = tuple(
            (name, value.replace(old, new) if name == "location" else value) for name, value in answer.headers
        )
        return replace(answer, headers=headers)

    return change


def when_sent(word: str, status: int) -> Change:
    """A body with that word in it is answered otherwise."""
    return lambda method, path, answer: replace(answer, status=status) if word in answer.header("x-sent") else answer


CALLBACK, INSTALL = "/slack/oauth_redirect", "/slack/install"
POLICY = "content-security-policy"
STRICT = "default-src 'none'; frame-ancestors 'none'"
BROKEN: list[tuple[int, str, Change]] = [
    (1, "a state that never changes", with_header("location", f"https://slack.com/?state={'a' * 43}", INSTALL)),
    (1, "a state that is short", with_header("location", "https://slack.com/?state=abc", INSTALL)),
    (1, "no cookie", with_header("set-cookie", "")),
    (1, "a cookie for scripts", with_header("set-cookie", "__Host-x=y; Secure; SameSite=Lax")),
    (1, "a cookie for other sites", with_header("set-cookie", "__Host-x=y; Secure; HttpOnly; SameSite=None")),
    (1, "a cookie in clear", with_header("set-cookie", "x=y; HttpOnly; SameSite=Lax")),
    (1, "a code is taken without a state", with_status(f"{CALLBACK}?code=doctor", 303)),
    (1, "a forged state is taken", with_status(f"{CALLBACK}?code=x&state=doctor", 303)),
    (2, "an unsigned event is taken", with_status("/slack/events", 200)),
    (2, "an unsigned command is taken", with_status("/slack/commands", 200)),
    (2, "an unsigned press of a button is taken", with_status("/slack/interactivity", 200)),
    (2, "an unsigned greeting is taken", when_sent("url_verification", 200)),
    (2, "an unsigned ssl_check is taken", when_sent("ssl_check", 200)),
    (2, "a wrong signature is taken", when_sent("payload", 200)),
    (4, "a token on a page", with_text("/support", "Never send a token", "Send xoxb-1234567890-abc")),
    (4, "a rotating token in a header", with_header("x-debug", "xoxe.xoxb-1-abcdef")),
    (6, "a secret in an address", with_location("?", "?client_secret=x&")),
    (6, "a token is taken from an address", with_status("/metrics?token=doctor", 200)),
    (16, "a signed greeting is refused", when_sent("ssl_check", 401)),
    (16, "a signed command is refused", when_sent("command", 500)),
    (16, "an answer comes late", lambda m, p, a: replace(a, seconds=3.1)),
    (22, "no page after success", with_status("/slack/installed", 404)),
    (22, "no page after a refusal", with_status(f"{CALLBACK}?error=access_denied", 500)),
    (22, "a page that leads nowhere", with_text("/slack/installed", "/slack/install", "/")),
    (23, "no landing page", with_status("/", 404)),
    (23, "a landing page behind a login", with_status("/", 302)),
    (23, "no button", with_text("/", 'href="/slack/install"', 'href="/x"')),
    (23, "no link to privacy", with_text("/", "/privacy", "/x")),
    (23, "no link to help", with_text("/", "/support", "/x")),
    (23, "no word on how to install", with_text("/", "How to install it", "Hello")),
    (23, "hardly a word", lambda m, p, a: replace(a, text=a.text.partition("<ol>")[0] + a.text.partition("</ul>")[2])),
    (24, "no privacy page", with_status("/privacy", 404)),
    (24, "not a page", with_header("content-type", "text/plain", "/privacy")),
    (24, "nothing on what is collected", with_text("/privacy", "What data is collected", "X")),
    (24, "nothing on its use", with_text("/privacy", "How it is used", "X")),
    (24, "nothing on how long", with_text("/privacy", "How long it is kept", "X")),
    (24, "nothing on access", with_text("/privacy", "Access, transfer and deletion", "X")),
    (24, "nothing on whom to ask", with_text("/privacy", "Contact", "X")),
    (24, "no address", with_text("/privacy", "mailto:", "x:")),
    (24, "a made-up address", with_text("/privacy", "mailto:help@unit.tests", "mailto:help@example.com")),
    (24, "nobody is named", with_text("/privacy", "Unit Ltd", "The operator of this service has not said this yet.")),
    (25, "no help page", with_status("/support", 404)),
    (25, "no time for an answer", with_text("/support", "within two business days", "soon")),
    (25, "no word on removal", lambda m, p, a: replace(a, text=a.text.replace("remove", "x").replace("Remove", "x"))),
    (25, "no address", with_text("/support", "mailto:", "x:")),
    (28, "no redirect", with_status("/slack/install", 200)),
    (28, "another page", with_location("slack.com/oauth/v2", "slack.com/oauth")),
    (28, "another host", with_location("https://slack.com", "https://slack.example")),
    (28, "a scope too many", with_location("chat%3Awrite", "chat%3Awrite%2Cfiles%3Aread")),
    (28, "a scope too few", with_location("app_mentions%3Aread%2C", "")),
    (28, "a scope of a person", with_location("&state", "&user_scope=emoji%3Aread&state")),
    (28, "another way back", with_location("oauth_redirect", "elsewhere")),
    (36, "a version is told", with_header("server", "nginx/1.25.3")),
    (36, "a version is told by another", with_header("x-powered-by", "PHP/8")),
    (36, "a folder is listed", with_status("/slack/", 200)),
    (36, "the repository is served", with_status("/.git/config", 200)),
    (36, "HEAD uses a state up", with_status(CALLBACK, 200, "HEAD")),
    (36, "HEAD makes a state", with_status("/slack/install", 302, "HEAD")),
    (36, "TRACE is answered", with_status("/", 200, "TRACE")),
    (36, "OPTIONS is answered", with_status("/slack/events", 200, "OPTIONS")),
    (36, "scripts may run", with_header(POLICY, STRICT.replace("'none'", "'self'", 1))),
    (36, "it may be framed", with_header(POLICY, "default-src 'none'")),
    (36, "inline scripts may run", with_header(POLICY, f"{STRICT}; x 'unsafe-inline'")),
    *((36, f"without {name}", with_header(name, "", "/slack/")) for name in (
        "cache-control", "referrer-policy", "x-content-type-options", "strict-transport-security",
        "content-security-policy", "cross-origin-opener-policy", "cross-origin-resource-policy",
    )),
]  # fmt: skip


@pytest.mark.parametrize(("number", "what", "change"), BROKEN, ids=[f"{number}: {what}" for number, what, _ in BROKEN])
def test_an_app_that_misbehaves_fails_its_row(world: World, number: int, what: str, change: Change) -> None:
    verdict = judged(number, look_at(world, change))
    assert (verdict.result, verdict.local) == (FAIL, False)
    assert verdict.wrong
    assert all(line.startswith("not so: ") for line in verdict.wrong)


def test_a_server_may_have_a_name_without_a_version(world: World) -> None:
    assert judged(36, look_at(world, with_header("server", "nginx"))).result == PASS


def test_plain_http_and_a_certificate_that_does_not_hold_fail_the_row_on_tls(world: World) -> None:
    assert judged(3, look_at(world, spoken="!the certificate does not hold")).result == FAIL
    plain = judged(3, look_at(world, url="http://app.unit.tests"))
    assert (plain.result, plain.local) == (FAIL, False)


def test_an_endpoint_that_only_the_manifest_knows_is_asked_too(world: World) -> None:
    other = tampered("features", "slash_commands", 0, "url", value=f"{BASE}/hidden")
    verdict = judged(2, look_at(world, manifest=other))
    assert verdict.result == FAIL
    assert "/hidden" in verdict.wrong[0]


def tampered(*path: Any, value: Any) -> dict[str, Any]:
    """The manifest with another value at a path; None takes it out."""
    whole = copy.deepcopy(dict(SHIPPED))
    at: Any = whole
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return whole


SCOPES = ("oauth_config", "scopes", "bot")
EVENTS = ("settings", "event_subscriptions", "bot_events")
ASKED = list(SHIPPED["oauth_config"]["scopes"]["bot"])
HEARD = list(SHIPPED["settings"]["event_subscriptions"]["bot_events"])
COMMAND = SHIPPED["features"]["slash_commands"][0]
REDIRECTS = ("oauth_config", "redirect_urls")
SHORTCUT = {"name": "Do it", "callback_id": "x", "description": "Does it", "type": "global"}
TAMPERED: list[tuple[int, str, dict[str, Any]]] = [
    (3, "an address in clear", tampered("settings", "interactivity", "request_url", value="http://app.unit.tests/x")),
    (3, "no address at all", {"display_information": {"name": "x"}}),
    (5, "removal is not heard of", tampered(*EVENTS, value=["app_mention", "tokens_revoked"])),
    (7, "another host", tampered(*REDIRECTS, value=["https://evil.tests/slack/oauth_redirect"])),
    (7, "a fragment", tampered(*REDIRECTS, value=[f"{BASE}/slack/oauth_redirect#x"])),
    (7, "in clear", tampered(*REDIRECTS, value=["http://app.unit.tests/slack/oauth_redirect"])),
    (7, "none", tampered(*REDIRECTS, value=[])),
    (7, "events go elsewhere", tampered("settings", "event_subscriptions", "request_url", value="https://evil.tests/x")),
    (8, "a scope without a reason", tampered(*SCOPES, value=[*ASKED, "files:write"])),
    (8, "a scope of a person without a reason", tampered("oauth_config", "scopes", "user", value=["files:write"])),
    (8, "scopes of a bot and no bot", tampered("features", "bot_user", value=None)),
    (8, "a bot without a name", tampered("features", "bot_user", "display_name", value="")),
    (8, "a scope without a feature", tampered(*SCOPES, value=[*ASKED, "users:read"])),
    (8, "a feature without its scope", tampered(*SCOPES, value=["app_mentions:read", "chat:write"])),
    (8, "an event that no row knows", tampered(*EVENTS, value=[*HEARD, "message.im"])),
    *((9, scope, tampered(*SCOPES, value=[*ASKED, scope])) for scope in (
        "admin", "admin.users:read", "identity.basic", "search:read", "workflow.steps:execute", "triggers:read",
        "read", "post", "client",
    )),
    (12, "an optional scope, not declared", tampered("oauth_config", "scopes", "bot_optional", value=["files:read"])),
    (12, "an optional scope of a person", tampered("oauth_config", "scopes", "user_optional", value=["emoji:read"])),
    (13, "no rotation", tampered("settings", "token_rotation_enabled", value=False)),
    (13, "rotation is not said", tampered("settings", "token_rotation_enabled", value="true")),
    (13, "a public client", tampered("oauth_config", "pkce_enabled", value=True)),
    (14, "revocation is not heard of", tampered(*EVENTS, value=["app_mention", "app_uninstalled"])),
    (17, "no usage hint", tampered("features", "slash_commands", 0, "usage_hint", value="")),
    (17, "no description", tampered("features", "slash_commands", 0, "description", value=None)),
    (17, "a name that Slack has", tampered("features", "slash_commands", 0, "command", value="/remind")),
    (17, "a name twice", tampered("features", "slash_commands", value=[COMMAND, COMMAND])),
    (18, "a long name", tampered("features", "shortcuts", value=[{**SHORTCUT, "name": "x" * 25}])),
    (18, "no name", tampered("features", "shortcuts", value=[{**SHORTCUT, "name": ""}])),
    (18, "no description", tampered("features", "shortcuts", value=[{**SHORTCUT, "description": ""}])),
    (18, "no type", tampered("features", "shortcuts", value=[{**SHORTCUT, "type": "x"}])),
    (19, "a Home tab that nothing fills", tampered(*EVENTS, value=HEARD[1:])),
    (19, "a Home tab that is not shown", tampered("features", "app_home", "home_tab_enabled", value=False)),
    (19, "messages that nobody reads", tampered("features", "app_home", "messages_tab_read_only_enabled", value=False)),
    (20, "posts where nobody invited it", tampered(*SCOPES, value=[*ASKED, "chat:write.public"])),
    (20, "joins by itself", tampered(*SCOPES, value=[*ASKED, "channels:join"])),
    (26, "no name", tampered("display_information", "name", value="")),
    (26, "a long name", tampered("display_information", "name", value="x" * 36)),
    (26, "Slack's name", tampered("display_information", "name", value="Slack Example")),
    (26, "eleven words", tampered("display_information", "description", value="a b c d e f g h i j k")),
    (26, "no words", tampered("display_information", "description", value="")),
    (26, "a long word", tampered("display_information", "description", value="x" * 141)),
    (26, "too little to read", tampered("display_information", "long_description", value="x" * 174)),
    (26, "too much to read", tampered("display_information", "long_description", value="x" * 4001)),
    (29, "e-mail addresses", tampered(*SCOPES, value=[*ASKED, "users:read.email"])),
    (29, "one's own address", tampered("oauth_config", "scopes", "user", value=["email"])),
    (29, "one's own address, by its old name", tampered("oauth_config", "scopes", "user", value=["identity.email"])),
    (38, "another scope", tampered(*SCOPES, value=ASKED[:2])),
    (38, "another event", tampered(*EVENTS, value=HEARD[:2])),
    (38, "another feature", tampered("features", "slash_commands", value=[])),
    (38, "another redirect address", tampered(*REDIRECTS, value=[f"{BASE}/x"])),
    (38, "another kind of install", tampered("settings", "org_deploy_enabled", value=False)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "what", "manifest"), TAMPERED, ids=[f"{number}: {what}" for number, what, _ in TAMPERED]
)
def test_a_manifest_that_was_tampered_with_fails_its_row(number: int, what: str, manifest: dict[str, Any]) -> None:
    verdict = judged(number, ReviewInput(manifest, submitted=SHIPPED, url=BASE))
    assert (verdict.result, verdict.local) == (FAIL, False)


def test_every_row_that_is_checked_has_a_case_here() -> None:
    """Stops a check that nothing can fail."""
    checked = {row.number for row in REQUIREMENTS if row.by_manifest or row.by_app}
    assert {number for number, *_ in [*BROKEN, *TAMPERED]} == checked


FLAGGED: list[tuple[int, str, dict[str, Any]]] = [
    (10, "channels:history", tampered(*SCOPES, value=[*ASKED, "channels:history"])),
    (11, "emoji:read", tampered("oauth_config", "scopes", "user", value=["emoji:read"])),
    (15, "shared", SHIPPED),
    (21, "groups:read", tampered(*SCOPES, value=[*ASKED, "groups:read"])),
]


@pytest.mark.parametrize(("number", "word", "manifest"), FLAGGED, ids=[str(number) for number, *_ in FLAGGED])
def test_what_only_a_person_can_judge_is_named(number: int, word: str, manifest: dict[str, Any]) -> None:
    verdict = judged(number, ReviewInput(manifest, url=BASE))
    assert verdict.result == PERSON
    assert word in verdict.person[0]


def test_what_is_left_to_a_person_beside_a_check_is_named_too() -> None:
    optional = {**SHIPPED, "oauth_config": {"scopes": {"bot": ["chat:write"], "bot_optional": ["chat:write"]}}}
    assert "chat:write" in judged(12, ReviewInput(optional)).person[0]
    shortcuts = tampered("features", "shortcuts", value=[SHORTCUT])
    assert "verb" in judged(18, ReviewInput(shortcuts)).person[0]
    assert judged(15, ReviewInput(tampered("settings", "org_deploy_enabled", value=False))).result == PASS
    assert judged(38, ReviewInput(SHIPPED)).result == PERSON


def test_a_setting_counts_as_a_feature() -> None:
    """`users:read` is for SLACKAPP_HOME_ADMIN; with it on and the scope not asked for, the button cannot work."""
    manifest = tampered(*SCOPES, value=[*ASKED, "users:read"])
    assert judged(8, ReviewInput(manifest, switched_on=("SLACKAPP_HOME_ADMIN",))).result == PASS
    assert judged(8, ReviewInput(SHIPPED, switched_on=("SLACKAPP_HOME_ADMIN",))).result == FAIL


def test_with_the_host_side_on_slack_must_know_its_way_back_and_its_scopes_have_reasons() -> None:
    on = ("SLACKAPP_HOST_KEYS_FILE",)
    back = f"{BASE}/api/v2/slack/auth/callback"
    asked = tampered(*SCOPES, value=[*ASKED, "users:read", "channels:read", "groups:read"])
    assert judged(8, ReviewInput(asked, switched_on=on)).result == PASS
    assert judged(8, ReviewInput(asked)).result == FAIL, "off, nothing needs them"
    assert judged(8, ReviewInput(SHIPPED, switched_on=on)).result == FAIL
    assert judged(7, ReviewInput(SHIPPED, url=BASE)).result == PASS
    (wrong,) = judged(7, ReviewInput(SHIPPED, url=BASE, switched_on=on)).wrong
    assert "a redirect address is /api/v2/slack/auth/callback; write it anew: slackapp manifest --host" in wrong
    urls = tampered("oauth_config", "redirect_urls", value=[f"{BASE}/slack/oauth_redirect", back])
    assert judged(7, ReviewInput(urls, url=BASE, switched_on=on)).result == PASS


@pytest.mark.parametrize("manifest", [{}, {"oauth_config": None, "settings": [], "features": {"slash_commands": "x"}}])
def test_a_manifest_of_any_shape_is_judged(manifest: dict[str, Any]) -> None:
    assert sum(verdict.result == FAIL for verdict in review.review(ReviewInput(manifest))) >= 5


def test_without_the_secret_nothing_signed_is_sent(world: World) -> None:
    verdict = judged(16, look_at(world, signing_secret=None))
    assert (verdict.result, "SLACK_SIGNING_SECRET" in verdict.person[0]) == (PERSON, True)


def test_nothing_is_asked_of_an_app_that_was_not_named() -> None:
    with pytest.raises(LookupError):
        assert ReviewInput(SHIPPED).require_probe


def test_an_app_that_does_not_answer_fails_what_is_asked_of_it() -> None:
    probe = Probe("http://127.0.0.1:9")
    found = {
        verdict.row.number
        for verdict in review.review(ReviewInput(SHIPPED, url=probe.url, probe=probe))
        if verdict.result == FAIL
    }
    assert found >= {row.number for row in REQUIREMENTS if row.by_app} - {4, 16}
