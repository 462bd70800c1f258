"""Checks of the running app, asked as a stranger would.

Read:    docs.slack.dev/slack-marketplace/slack-marketplace-app-guidelines-and-requirements,
         docs.slack.dev/authentication/verifying-requests-from-slack
"""

import hashlib
import hmac
import re
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

from slackapp.directory.findings import Finding, ReviewInput, expect_none, is_loopback, strings_at, urls_in, value_at
from slackapp.directory.manifest_checks import is_example
from slackapp.directory.probe import HtmlPage, ProbeResponse
from slackapp.model import CALLBACK_PATH, COMMANDS_PATH, EVENTS_PATH, INSTALL_PATH, INSTALLED_PATH, INTERACTIVITY_PATH
from slackapp.web.pages import NOT_CONFIGURED
from slackapp.web.request import FORM, JSON
from slackapp.web.response import SECURITY_HEADERS

AUTHORIZE = "https://slack.com/oauth/v2/authorize"
_FORM, _JSON = {"Content-Type": FORM}, {"Content-Type": JSON}
_TOKEN = re.compile(r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{6,}|xapp-[A-Za-z0-9-]{6,}")
_ACKNOWLEDGED_WITHIN = 3
PRIVACY_HEADINGS = {
    "what data is collected": ("collect",),
    "how it is used": ("use",),
    "how long it is kept": ("kept", "keep", "retention", "how long"),
    "access, transfer and deletion": ("access", "delet", "eras"),
    "contact": ("contact",),
}


def state_used(look: ReviewInput) -> Iterator[Finding]:
    """Checks that the state is fresh, bound to a cookie, and asked for on the way back."""
    first, second = look.require_probe.get(INSTALL_PATH), look.require_probe.send("GET", INSTALL_PATH)
    states = [answer.query.get("state", "") for answer in (first, second)]
    fresh = all(len(state) >= 22 for state in states) and states[0] != states[1]
    yield Finding(fresh, "each install has a state of its own, too long to guess")
    cookie = first.header("set-cookie").lower()
    bound = "httponly" in cookie and "samesite=lax" in cookie
    yield Finding(bound, "a cookie ties the state to the browser, HttpOnly and SameSite=Lax")
    whole = cookie.startswith("__host-") and "secure" in cookie
    plain = look.is_local and look.url.startswith("http://")
    yield Finding(whole, "the cookie is Secure and begins with __Host-", action="serve https", local=plain and bound)
    for what, query in (("a code without a state", "?code=doctor"), ("a state that is forged", "?code=x&state=doctor")):
        status = look.require_probe.send("GET", CALLBACK_PATH + query).status
        yield Finding(status == 400, f"{what} is refused", f"answered {status}")


def unsigned_refused(look: ReviewInput) -> Iterator[Finding]:
    """Checks that every address that Slack calls refuses what is unsigned or signed wrongly, greetings included."""
    bodies = (
        (b'{"type":"url_verification","challenge":"doctor"}', _JSON),
        (b"ssl_check=1&token=doctor", _FORM),
        (b"payload=%7B%7D", {**_FORM, **_headers("v0=" + "0" * 64, look.now)}),
    )
    for path in slack_paths(look):
        found = [look.require_probe.send("POST", path, body, headers).status for body, headers in bodies]
        promise = f"{path} answers 401 to what Slack has not signed"
        yield Finding(found == [401] * len(bodies), promise, f"answered {found}", "check the signature")


def slack_paths(look: ReviewInput) -> tuple[str, ...]:
    """The paths of the manifest that Slack posts to, and those that the service has in any case."""
    own = {EVENTS_PATH, COMMANDS_PATH, INTERACTIVITY_PATH}
    redirects = strings_at(look.manifest, "oauth_config", "redirect_urls")
    named = {urlsplit(address).path for address in urls_in(look.manifest) if address not in redirects}
    shown = {urlsplit(address).path for address in urls_in(value_at(look.manifest, "app_directory"))}
    return tuple(sorted(own | named - shown))


def tls_spoken(look: ReviewInput) -> Iterator[Finding]:
    """TLS 1.2 or newer, with a certificate that holds."""
    if look.url.startswith("http://"):
        action = "put a proxy with a certificate in front"
        yield Finding(False, "the app is reached by https", look.url, action, local=look.is_local)
        return
    spoken = look.require_probe.tls()
    promise = "TLS 1.2 or newer is spoken, with a valid certificate"
    yield Finding(not spoken.startswith("!"), promise, spoken.lstrip("!"))


def no_token_seen(look: ReviewInput) -> Iterator[Finding]:
    """Checks that no response holds a token."""
    for path in ("/", "/privacy", "/support", INSTALLED_PATH, INSTALL_PATH, "/healthz", "/readyz"):
        look.require_probe.get(path)
    found = any(_TOKEN.search(f"{answer.headers} {answer.text}") for answer in look.require_probe.seen)
    yield Finding(not found, "no answer holds a token")


def no_secret_in_address(look: ReviewInput) -> Iterator[Finding]:
    """Checks that no secret is sent in an address, or taken from one."""
    query = look.require_probe.get(INSTALL_PATH).query
    bad = sorted(name for name in query if "secret" in name or "token" in name)
    yield expect_none(bad, "the way to Slack carries no secret", "take them out of the address")
    status = look.require_probe.send("GET", "/metrics?token=doctor").status
    yield Finding(status in (400, 401, 404), "a token in an address is refused", f"answered {status}")


def acknowledged_in_time(look: ReviewInput) -> Iterator[Finding]:
    """Checks that a signed greeting and command are acknowledged within three seconds; needs the signing secret."""
    if look.signing_secret is None:
        return
    fields = {"api_app_id": look.app_id, "command": "/doctor", "text": "help", "team_id": "T0DOCTOR01"}
    for what, body in (("ssl_check", "ssl_check=1"), ("a command", urlencode(fields))):
        answer = look.require_probe.send("POST", COMMANDS_PATH, body.encode(), _signed(look, body))
        right = answer.status == 200 and answer.seconds < _ACKNOWLEDGED_WITHIN
        seen = f"{answer.status} after {answer.seconds:.1f} s"
        yield Finding(right, f"{what} that is signed is answered 200 within three seconds", seen)


def not_measured(look: ReviewInput) -> str:
    """Names what is missing to measure the acknowledgement: only what is signed is acknowledged."""
    missing = look.signing_secret is None
    return "run this where SLACK_SIGNING_SECRET is set, to have the time measured" if missing else ""


def _signed(look: ReviewInput, body: str) -> dict[str, str]:
    secret = look.signing_secret.reveal() if look.signing_secret else ""
    digest = hmac.new(secret.encode(), f"v0:{look.now}:{body}".encode(), hashlib.sha256).hexdigest()
    return {**_FORM, **_headers(f"v0={digest}", look.now)}


def _headers(signature: str, now: int) -> dict[str, str]:
    return {"X-Slack-Request-Timestamp": str(now), "X-Slack-Signature": signature}


def outcome_pages(look: ReviewInput) -> Iterator[Finding]:
    """Checks the pages after an install and after a refusal."""
    for what, path in (("success", INSTALLED_PATH), ("a refusal", f"{CALLBACK_PATH}?error=access_denied")):
        answer = look.require_probe.get(path)
        right = _is_page(answer) and INSTALL_PATH in HtmlPage(answer.text).links
        yield Finding(right, f"the page after {what} is there and leads on", f"{path} answered {answer.status}")


def landing_page(look: ReviewInput) -> Iterator[Finding]:
    """Checks that the landing page explains, and links to install, privacy and help."""
    answer = look.require_probe.get("/")
    yield Finding(_is_page(answer), "the landing page is public", f"answered {answer.status}")
    page = HtmlPage(answer.text)
    missing = [path for path in (INSTALL_PATH, "/privacy", "/support") if path not in page.links]
    yield expect_none(missing, "the landing page links to the install, privacy and help", "link to them")
    explained = any("install" in heading.lower() for heading in page.headings) and len(page.text.split()) > 40
    yield Finding(explained, "the landing page says what the app does and how to install it")


def privacy_page(look: ReviewInput) -> Iterator[Finding]:
    """Checks that the privacy page has the five things that Slack wants to find."""
    answer = look.require_probe.get("/privacy")
    yield Finding(_is_page(answer), "the privacy page is public", f"answered {answer.status}")
    headings = [heading.lower() for heading in HtmlPage(answer.text).headings[1:]]
    for topic, words in PRIVACY_HEADINGS.items():
        found = any(word in heading for heading in headings for word in words)
        yield Finding(found, f"the privacy page has a heading: {topic}")
    yield from _contact(look, answer, "SLACKAPP_PRIVACY_EMAIL or SLACKAPP_SUPPORT_EMAIL")


def support_page(look: ReviewInput) -> Iterator[Finding]:
    """Checks that the help page names a contact, a time, and the way to remove."""
    answer = look.require_probe.get("/support")
    yield Finding(_is_page(answer), "the help page is public", f"answered {answer.status}")
    text = " ".join(HtmlPage(answer.text).text.lower().split())
    yield Finding("business day" in text, "the help page says how soon there is an answer")
    yield Finding("remove" in text, "the help page says how to remove the app")
    yield from _contact(look, answer, "SLACKAPP_SUPPORT_EMAIL")


def _contact(look: ReviewInput, answer: ProbeResponse, setting: str) -> Iterator[Finding]:
    letters = [link.removeprefix("mailto:") for link in HtmlPage(answer.text).links if link.startswith("mailto:")]
    yield Finding(bool(letters), "there is an address to write to", action=f"set {setting}")
    made_up = [letter for letter in letters if is_example(letter.partition("@")[2])]
    yield expect_none(made_up, "that address is a real one", f"set {setting}", look.is_local)
    yield Finding(
        not letters or NOT_CONFIGURED not in answer.text, "who runs it is named", action="set SLACKAPP_COMPANY"
    )


def install_works(look: ReviewInput) -> Iterator[Finding]:
    """Checks for a 302 to Slack's own page, with the scopes and the redirect address of the manifest."""
    answer = look.require_probe.get(INSTALL_PATH)
    begun = answer.status == 302 and answer.location.endswith("/oauth/v2/authorize")
    yield Finding(begun, f"{INSTALL_PATH} leads to Slack's page", f"answered {answer.status}")
    beside = is_loopback(answer.location)
    yield Finding(answer.location == AUTHORIZE, f"that page is {AUTHORIZE}", answer.location, local=beside)
    for name, declared in (("scope", look.bot_scopes), ("user_scope", look.user_scopes)):
        asked = {scope for scope in answer.query.get(name, "").split(",") if scope}
        odd = sorted(asked.symmetric_difference(declared))
        action = "name the same in the manifest and in the settings"
        yield expect_none(odd, f"{name} is what the manifest names", action, beside)
    back = answer.query.get("redirect_uri", "")
    listed = back in strings_at(look.manifest, "oauth_config", "redirect_urls")
    yield Finding(listed, "the way back stands in the manifest", back, local=is_loopback(back))


def nothing_to_scan(look: ReviewInput) -> Iterator[Finding]:
    """Checks that no version, listing or unmeant method answers, and that all headers are there."""
    answers = [look.require_probe.get(path) for path in ("/", "/slack/", "/.git/config")]
    banner = sorted({answer.header(name) for answer in answers for name in ("server", "x-powered-by", "via")} - {""})
    told = [value for value in banner if re.search(r"\d", value)]
    yield expect_none(told, "no version is told", "hide it, in the proxy too")
    statuses = [answer.status for answer in answers]
    yield Finding(statuses == [200, 404, 404], "nothing is listed", f"answered {statuses}")
    for name, value in SECURITY_HEADERS:
        found = [answer.header(name.lower()) for answer in answers]
        strict = all(found) and (name != "Content-Security-Policy" or all(map(_is_strict, found)))
        yield Finding(strict, f"every answer has {name}", action=f"send {value.partition(';')[0]}")
    for method, path in (("HEAD", CALLBACK_PATH), ("HEAD", INSTALL_PATH), ("TRACE", "/"), ("OPTIONS", EVENTS_PATH)):
        answer = look.require_probe.send(method, path)
        yield Finding(answer.status == 405, f"{method} {path} is answered 405", f"answered {answer.status}")


def _is_strict(policy: str) -> bool:
    return "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy


def _is_page(answer: ProbeResponse) -> bool:
    return answer.status == 200 and answer.header("content-type").startswith("text/html")
