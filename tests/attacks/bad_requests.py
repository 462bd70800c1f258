"""Bad requests of every kind, and what each is answered with.

`<state>`, `<code>` and `<cookie>` stand for those of an install that somebody else has under way. Targets and headers
are what a server hands over: text of which each character is one byte.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from slackapp.flows.events.receive_interaction import NOT_INSTALLED, UNKNOWN_COMMAND
from tests.support.world import APP_ID, HOST, NORTH, SIGNING_SECRET, START

CANARY = "c4naryInTheRequest"
OPERATOR = "an-operator-token-of-forty-characters-xx"
EVENTS, COMMANDS, INTERACTIVITY, UNINSTALL = (
    "/slack/events",
    "/slack/commands",
    "/slack/interactivity",
    "/slack/uninstall",
)
INSTALL, CALLBACK = "/slack/install", "/slack/oauth_redirect"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
MALFORMED, FORGED_STATE = "A" * 103, f"{'A' * 60}.{'A' * 43}"

CODES = {
    "not_found": "not_found", "method": "method_not_allowed", "host": "wrong_host", "length": "bad_length",
    "too_large": "too_large", "query": "bad_query", "media_type": "wrong_media_type", "json": "bad_json",
    "form": "bad_form", "event": "bad_event", "unsigned": "unsigned", "signature_stale": "unsigned",
    "signature_wrong": "unsigned", "operator": "not_operator", "token_in_query": "token_in_query",
    "team_hint": "bad_team", "state_missing": "state_missing", "state_malformed": "state_refused",
    "state_forged": "state_refused", "browser": "browser_unknown", "code_missing": "code_missing",
}  # fmt: skip
"""What a program is told, by the name that the log gives it."""
STATUSES = {
    "not_found": 404, "method": 405, "too_large": 413, "media_type": 415, "unsigned": 401, "signature_stale": 401,
    "signature_wrong": 401, "operator": 401, "ok": 200,
}  # fmt: skip
"""All others are 400."""


@dataclass(frozen=True)
class Bad:
    """A request, and how it ends. `answer` is the whole body of what is acknowledged without an effect."""

    name: str
    outcome: str
    target: str
    method: str = "GET"
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, Any] = field(default_factory=dict)
    answer: str = ""
    wrong_field: str = ""
    """The field that the host side's API names."""

    @property
    def status(self) -> int:
        return STATUSES.get(self.outcome, 400)


def sign(body: bytes, stamp: str = str(START), secret: str = SIGNING_SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


def signed(name: str, outcome: str, target: str, body: bytes, media_type: str, answer: str = "") -> Bad:
    return Bad(name, outcome, target, "POST", body, {**sign(body), "Content-Type": media_type}, answer=answer)


def named(kind: str, text: str) -> str:
    shown = text if len(text) < 40 else f"{text[:20]}, {len(text)} long"
    return f"{kind} {shown!a}"


# Where to


PATHS = [
    "//slack/install",
    "/slack//install",
    "/slack%2finstall",
    "/slack/install/",
    "/slack/./install",
    "/./slack/install",
    "/x/../slack/install",
    "/slack/install/..",
    "/SLACK/INSTALL",
    "/Slack/install",
    "/slack/install%00",
    "/slack/install\x00",
    "/slack/install%20",
    "/slack/install ",
    "/slack/install\t",
    "/sl\tack/install",
    "/slack/install%09",
    "/slack/install#x",
    "/slack\\install",
    "/slack%5cinstall",
    "/slack/install;x",
    "/slack/install&team=T1",
    "slack/install",
    "install",
    "",
    "*",
    HOST,
    f"http://{HOST}/slack/install",
    "http://evil.example/slack/install",
    "//evil.example/slack/install",
    "/slack/install\xc2\xa0",
    "/slack/install\xff",
    "/slack/install%c0%af",
    "/%73lack/install",
    "/slack/oauth_redirect/",
    "/slack/oauth_redirect/c4nary",
    "/slack/events/",
    "/slack/events%0d%0aX: c4nary",
    "/slack/events\r\nX-C: c4nary",
    "/.env",
    "/..%2f..%2fetc/passwd",
    "/<script>alert(1)</script>",
    "/metrics/",
    "/healthz.",
    "/" + "a" * 9000,
    "/%",
    "/\xef\xbc\x8f",
]
NOT_AN_ID = [
    "",
    ".",
    "..",
    "%2e",
    "%2E%2e",
    "%2F",
    "a%2Fb",
    "a%2fb",
    "a%5cb",
    "a\\b",
    "%00",
    "a\x00",
    "a\n",
    "a\r\nX: c4nary",
    "a\t",
    "a b",
    "a+b",
    "a%20b",
    ";",
    "a;v=1",
    "a,b",
    "a:b",
    "a@b",
    "a&b=1",
    "a=b",
    "a#b",
    "a!",
    "a*",
    "a'b",
    '"',
    "{id}",
    "$(c4nary)",
    "<script>",
    "a" * 129,
    "a" * 9000,
    "\xe9",
    "\xff",
    "%e9",
    "\xd9\xa1",  # a digit, elsewhere
    "\xef\xbc\x8e",  # a full stop, of full width
    "a\xc2\xad",
]
"""What stands in the place of an id and is none."""
BESIDE_AN_ID = [
    "/things",
    "/things//",
    "//things/a",
    "/things//a",
    "/things/a/",
    "/things/a//",
    "/things/./a",
    "/things/../things/a",
    "/things/a/..",
    "/things/a/.",
    "/things/a/b",
    "/THINGS/a",
    "/things%2fa",
    "/things%2Fa",
    "/thing%73/a",
    "/things;x/a",
    "/things\\a",
    "things/a",
    f"http://{HOST}/things/a",
    f"//{HOST}/things/a",
    "http:/things/a",
    "/things/a#",
    "/things/a/parts",
    "/things/a/parts/",
    "/things/a/parts//",
    "/things//parts/b",
    "/things/a/parts/b/",
    "/things/a/parts/b/c",
    "/things/a/PARTS/b",
    "/things/../parts/b",
    "/things/a/parts/..",
    "/things/a/../parts/b",
    "/things/a%2Fparts%2Fb",
    "/things/a/%2e%2e/parts/b",
]
"""Paths that look like one with ids in it."""
METHODS = [
    ("POST", "/", "GET, HEAD"),
    ("PUT", "/", "GET, HEAD"),
    ("TRACE", "/", "GET, HEAD"),
    ("get", "/", "GET, HEAD"),
    ("GET ", "/", "GET, HEAD"),
    (CANARY, "/", "GET, HEAD"),
    ("G\xcbT", "/", "GET, HEAD"),
    ("OPTIONS", INSTALL, "GET"),
    ("HEAD", INSTALL, "GET"),
    ("POST", INSTALL, "GET"),
    ("HEAD", CALLBACK, "GET"),
    ("POST", CALLBACK, "GET"),
    ("DELETE", "/slack/installed", "GET, HEAD"),
    ("GET", EVENTS, "POST"),
    ("HEAD", EVENTS, "POST"),
    ("OPTIONS", EVENTS, "POST"),
    ("PATCH", COMMANDS, "POST"),
    ("GET", COMMANDS, "POST"),
    ("GET", INTERACTIVITY, "POST"),
    ("PUT", INTERACTIVITY, "POST"),
    ("GET", UNINSTALL, "POST"),
    ("DELETE", UNINSTALL, "POST"),
    ("POST", "/privacy", "GET, HEAD"),
    ("DELETE", "/support", "GET, HEAD"),
    ("POST", "/healthz", "GET, HEAD"),
    ("POST", "/favicon.ico", "GET, HEAD"),
    ("POST", "/readyz", "GET, HEAD"),
    ("HEAD", "/metrics", "GET"),
    ("POST", "/metrics", "GET"),
    ("CONNECT", "/metrics", "GET"),
    ("POST", "/things/a", "GET, HEAD, DELETE"),
    ("get", "/things/a", "GET, HEAD, DELETE"),
    ("DELETE", "/things/all", "GET"),
    ("HEAD", "/things/all", "GET"),
    ("GET", "/things/a/parts/b", "POST"),
    ("DELETE", "/things/a/parts/b", "POST"),
]
HOSTS = [
    "",
    "localhost",
    "localhost:3001",
    "localhost:03000",
    "LOCALHOST:3001",
    "localhost.:3000",
    f"{CANARY}.example",
    f"{HOST}, {HOST}",
    f"{CANARY}, {HOST}",
    f" {HOST}",
    f"{HOST}\x00",
    f"{CANARY}@{HOST}",
    f"{HOST}/",
    "[::1]:3000",
    "l\xf6calhost:3000",
    f"{HOST}\r\nX: {CANARY}",
]


def where() -> Iterator[Bad]:
    for path in PATHS:
        yield Bad(named("path", path), "not_found", path)
    for claimed in NOT_AN_ID:
        yield Bad(named("id", claimed), "not_found", f"/things/{claimed}")
        yield Bad(named("part", claimed), "not_found", f"/things/a/parts/{claimed}", "POST")
    for path in BESIDE_AN_ID:
        yield Bad(named("beside an id", path), "not_found", path)
        yield Bad(named("DELETE beside an id", path), "not_found", path, "DELETE")
    for target in ("/slack/install/", "/slack%2fevents"):
        yield Bad(f"POST {target}", "not_found", target, "POST", b"{}")
    for method, target, _ in METHODS:
        yield Bad(f"{method!a} {target}", "method", target, method)
    for number, host in enumerate(HOSTS):
        target = ("/", INSTALL, EVENTS, "/healthz", "/nowhere")[number % 5]
        yield Bad(named("host", host), "host", target, headers={"Host": host})


# How long, and of what type


LENGTHS = ["", "x", "-1", "+1", "1_0", " 1", "1 ", "0x1", "00000001", "9" * 5000, "\xb2", "1, 1", "1.0", "3", "1000"]
MEDIA_TYPES = [
    "",
    "text/plain",
    "text/json",
    "application/json5",
    "application/jsonx",
    "application",
    "multipart/form-data",
    "application/xml",
    f"text/{CANARY}",
    "application/json, application/json",
    '"application/json"',
    "application/j\xf6on",
    "application/x-www-form-urlencoded, application/json",
    ";application/json",
]


def shape() -> Iterator[Bad]:
    for length in LENGTHS:
        yield Bad(named("length", length), "length", EVENTS, "POST", b"{}", environ={"CONTENT_LENGTH": length})
    yield Bad("length of a GET", "length", "/", "GET", environ={"CONTENT_LENGTH": "x"})
    yield Bad("length of a HEAD", "length", "/", "HEAD", environ={"CONTENT_LENGTH": "00000000"})
    yield Bad("length 9999999", "too_large", EVENTS, "POST", b"{}", environ={"CONTENT_LENGTH": "9999999"})
    yield Bad("a byte too many", "too_large", COMMANDS, "POST", bytes(1024 * 1024 + 1))
    yield Bad("a byte too many for a GET", "too_large", CALLBACK, "GET", bytes(1024 * 1024 + 1))
    for media_type in MEDIA_TYPES:
        yield signed(named("events as", media_type), "media_type", EVENTS, b'{"x": "c4nary"}', media_type)
    for target in (COMMANDS, INTERACTIVITY):
        yield signed(f"JSON at {target}", "media_type", target, b"{}", JSON)
    yield signed("a form of events", "media_type", EVENTS, b"ssl_check=2&payload=x", FORM)


# Who


def who() -> Iterator[Bad]:
    body = json.dumps({"type": "url_verification", "challenge": CANARY}).encode()
    good = sign(body)
    stamp, value = good["X-Slack-Request-Timestamp"], good["X-Slack-Signature"]
    stamps: dict[str, tuple[str, str]] = {
        "no time": ("", "unsigned"),
        "a short time": (stamp[:-1], "unsigned"),
        "a long time": (f"0{stamp}", "unsigned"),
        "a signed time": (f"+{stamp[1:]}", "unsigned"),
        "a time with a dot": (f"{stamp}.0", "unsigned"),
        "a time with a space": (f" {stamp}", "unsigned"),
        "a time with an underscore": ("1_80000000", "unsigned"),
        "a time of 5000 digits": ("1" * 5000, "unsigned"),
        "two times": (f"{stamp}, {stamp}", "unsigned"),
        "a time with a superscript": ("\xb9800000000", "unsigned"),
        "a time with a NUL": (f"{stamp}\x00", "unsigned"),
        "a time with a line break": (f"{stamp}\n", "unsigned"),
        "a time in words": (CANARY, "unsigned"),
        "a hexadecimal time": ("0x6b49d200", "unsigned"),
        "another time": (str(START + 1), "signature_wrong"),
    }
    signatures: dict[str, tuple[str, str]] = {
        "no signature": ("", "unsigned"),
        "a signature in upper case": (value.upper(), "unsigned"),
        "hexadecimal in upper case": (f"v0={value[3:].upper()}", "unsigned"),
        "a version 1": (f"v1={value[3:]}", "unsigned"),
        "no version": (value[3:], "unsigned"),
        "two signatures": (f"{value}, {value}", "unsigned"),
        "two signatures, the second right": (f"v0={'0' * 64}, {value}", "unsigned"),
        "a signature cut": (value[:-1], "unsigned"),
        "a signature grown": (f"{value}0", "unsigned"),
        "a signature of 5000 digits": (f"v0={'0' * 5000}", "unsigned"),
        "a signature with a space": (f"{value} ", "unsigned"),
        "a signature with a line break": (f"{value}\n", "unsigned"),
        "a signature that is not ASCII": ("v0=" + "\xe9" * 64, "unsigned"),
        "a signature with a NUL": (f"{value}\x00", "unsigned"),
        "a signature in words": (CANARY, "unsigned"),
        "zeros": (f"v0={'0' * 64}", "signature_wrong"),
        "one digit off": (f"{value[:-1]}{'0' if value[-1] != '0' else '1'}", "signature_wrong"),
    }
    for name, (wrong, outcome) in stamps.items():
        headers = {**good, "X-Slack-Request-Timestamp": wrong, "Content-Type": JSON}
        yield Bad(name, outcome, EVENTS, "POST", body, headers)
    for name, (wrong, outcome) in signatures.items():
        headers = {**good, "X-Slack-Signature": wrong, "Content-Type": JSON}
        yield Bad(name, outcome, EVENTS, "POST", body, headers)
    for age in (301, -301, 86_400, -START + 1_000_000_000, START - 9_999_999_999):
        headers = {**sign(body, str(START - age)), "Content-Type": JSON}
        yield Bad(f"signed {age} s ago", "signature_stale", EVENTS, "POST", body, headers)
    for number, target in enumerate((EVENTS, COMMANDS, INTERACTIVITY)):
        wrong_secret = {**sign(body, secret=f"{CANARY}{number}"), "Content-Type": JSON}
        yield Bad(f"another secret at {target}", "signature_wrong", target, "POST", body, wrong_secret)
        yield Bad(f"another body at {target}", "signature_wrong", target, "POST", body + b" ", good)
        yield Bad(f"no headers at {target}", "unsigned", target, "POST", f"ssl_check=1&x={CANARY}".encode())
        yield Bad(f"no body at {target}", "unsigned", target, "POST")
    yield Bad("an empty secret", "signature_wrong", EVENTS, "POST", body, sign(body, secret=""))
    yield Bad("underscores", "unsigned", EVENTS, "POST", body, {"X-Slack-Signature": value, "Content-Type": JSON})
    yield Bad(
        "the operator's token at events", "unsigned", EVENTS, "POST", body, {"Authorization": f"Bearer {OPERATOR}"}
    )


# Bodies that Slack signed


BAD_JSON: dict[str, bytes] = {
    "no body": b"",
    "not JSON": b"c4nary",
    "cut JSON": b'{"x": "c4nary',
    "two values": b"{} {}",
    "a list": b'["c4nary"]',
    "a text": b'"c4nary"',
    "a number": b"1",
    "null": b"null",
    "true": b"true",
    "NaN": b'{"x": NaN}',
    "minus Infinity": b'{"x": [-Infinity]}',
    "an infinite float": b'{"x": 1e999}',
    "a key twice": b'{"x": 1, "x": "c4nary"}',
    "an inner key twice": b'{"x": {"c4nary": 1, "c4nary": 1}}',
    "a key twice by escapes": b'{"x": 1, "\\u0078": 1}',
    "depth 33": b'{"x":' * 32 + b"{}" + b"}" * 32,
    "lists of depth 33": b'{"x":' + b"[" * 32 + b"]" * 32 + b"}",
    "depth 100,000": b"[" * 100_000,
    "objects of depth 100,000": b'{"x":' * 100_000,
    "a surrogate in a key": b'{"\\ud800": 1}',
    "a low surrogate in a key": b'{"\\udc00c4nary": 1}',
    "surrogates reversed in a key": b'{"x": [{"\\udc00\\ud800": 1}]}',
    "NUL in a key": b'{"\\u0000": 1}',
    "a raw NUL": b'{"x": "\x00"}',
    "a raw line break": b'{"x": "\nc4nary"}',
    "2 to the 63rd": b'{"x": 9223372036854775808}',
    "beyond int64 below": b'{"x": -9223372036854775809}',
    "5000 digits": b'{"x": ' + b"9" * 5000 + b"}",
    "UTF-8 with a mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"x": "c4nary"}'.encode("utf-16"),
    "UTF-32": '{"x": 1}'.encode("utf-32-le"),
    "Latin-1": b'{"x": "\xe9"}',
    "overlong": b'{"x": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"x": "\xed\xa0\x80"}',
    "beyond Unicode": b'{"x": "\xf4\x90\x80\x80"}',
    "a comment": b'{"x": 1 /* c4nary */}',
    "a comma too many": b'{"x": 1,}',
    "single quotes": b"{'x': 1}",
}
BAD_FORMS: dict[str, bytes] = {
    "65 fields": "&".join(f"f{number}=x" for number in range(65)).encode(),
    "100,000 fields": b"&".join([b"f=x"] * 100_000),
    "a field twice": b"command=/example&command=/c4nary",
    "a field twice by escapes": b"command=/x&%63ommand=/x",
    "no equals sign": b"c4nary",
    "an empty pair": b"a=1&&b=2",
    "%ff": b"text=%ff",
    "an overlong escape": b"text=%c0%af",
    "a surrogate by escapes in a name": b"te%ed%a0%80xt=c4nary",
    "raw bytes": b"text=\xe9",
    "raw UTF-8": "text=\xe9".encode(),
    "a mark": b"\xef\xbb\xbfa=1",
    "NUL in a name": b"te%00xt=c4nary",
    "only an and": b"&",
}


def event(**changes: Any) -> dict[str, Any]:
    inner = {"type": "app_mention", "user": "U0SOMEBODY", "channel": "C0GENERAL1", "ts": "1.1", "text": CANARY}
    whole = {"type": "event_callback", "api_app_id": APP_ID, "team_id": NORTH, "event": inner}
    whole |= {"event_id": "EvBad", "event_time": START, **changes}
    return {key: value for key, value in whole.items() if value is not MISSING}


MISSING = object()
BAD_EVENTS: dict[str, dict[str, Any]] = {
    "no type": {"type": MISSING},
    "another type": {"type": CANARY},
    "a list as type": {"type": ["event_callback"]},
    "no event": {"event": MISSING},
    "a list as event": {"event": [CANARY]},
    "a text as event": {"event": CANARY},
    "an event without a type": {"event": {"text": CANARY}},
    "an event of type null": {"event": {"type": None}},
    "an event of a job's type": {"event": {"type": "slackapp.purge"}},
    "an event in upper case": {"event": {"type": "App_Mention"}},
    "an event with a space": {"event": {"type": "app_mention "}},
    "an event with a line break": {"event": {"type": "app_mention\n"}},
    "an event of a long type": {"event": {"type": "a" * 81}},
    "an event of an empty type": {"event": {"type": ""}},
    "no id": {"event_id": MISSING},
    "an empty id": {"event_id": ""},
    "a number as id": {"event_id": 1},
    "an id with a space": {"event_id": "Ev c4nary"},
    "an id with a line break": {"event_id": "EvBad\n"},
    "a long id": {"event_id": "E" * 65},
    "an id in other digits": {"event_id": "Ev\u0661"},
    "a list as id": {"event_id": ["Ev1"]},
    "an id of SQL": {"event_id": "' OR 1=1 --"},
    "no time": {"event_time": MISSING},
    "a text as time": {"event_time": str(START)},
    "a float as time": {"event_time": 1.5},
    "true as time": {"event_time": True},
    "time 0": {"event_time": 0},
    "a time before 1970": {"event_time": -1},
    "a time after 2100": {"event_time": 4_102_444_800},
    "the largest time": {"event_time": 2**63 - 1},
    "null as time": {"event_time": None},
    "a text as authorizations": {"authorizations": CANARY},
    "an object as authorizations": {"authorizations": {"team_id": NORTH}},
    "texts as authorizations": {"authorizations": [NORTH]},
    "null authorization": {"authorizations": [None]},
    "an odd team in it": {"authorizations": [{"team_id": "t0north001"}]},
    "a list as team in it": {"authorizations": [{"team_id": [NORTH]}]},
    "an odd org in it": {"authorizations": [{"enterprise_id": CANARY}]},
    "a team in lower case": {"team_id": "t0north001"},
    "a number as team": {"team_id": 7},
    "a team with a line break": {"team_id": f"{NORTH}\n"},
    "a team of a wildcard": {"team_id": "T%"},
    "two orgs": {"team_id": "E0EVERGRN1", "enterprise_id": "E0STRANGER"},
    "a team that counts as false": {"team_id": 0},
    "a flag of text in an authorization": {"authorizations": [{"team_id": NORTH, "is_enterprise_install": "true"}]},
    "a team that counts as false in an authorization": {"authorizations": [{"team_id": False}]},
    "a number as user in an authorization": {"authorizations": [{"team_id": NORTH, "user_id": 7}]},
    "no app": {"api_app_id": MISSING},
    "a list as app": {"api_app_id": [APP_ID]},
    "nothing at all": dict.fromkeys(("type", "api_app_id", "team_id", "event", "event_id", "event_time"), MISSING),
    "a revocation of false": {"event": {"type": "tokens_revoked", "tokens": {"oauth": False, "bot": 0}}},
    "a long team": {"team_id": "T" + "A" * 21},
    "a team with a NUL's picture": {"team_id": "T0\u2400"},
    "an odd org": {"enterprise_id": "E' OR '1"},
    "an object as org": {"enterprise_id": {"id": "E0EVERGRN1"}},
    "an uninstall of nobody": {"event": {"type": "app_uninstalled"}, "team_id": MISSING},
    "an uninstall of an odd team": {"event": {"type": "app_uninstalled"}, "team_id": "x"},
    "a revocation without tokens": {"event": {"type": "tokens_revoked"}},
    "a revocation of a text": {"event": {"type": "tokens_revoked", "tokens": CANARY}},
    "a revocation of odd people": {"event": {"type": "tokens_revoked", "tokens": {"oauth": [CANARY]}}},
    "a revocation of numbers": {"event": {"type": "tokens_revoked", "tokens": {"oauth": [1], "bot": [2]}}},
    "no challenge": {"type": "url_verification"},
    "an empty challenge": {"type": "url_verification", "challenge": ""},
    "a challenge of markup": {"type": "url_verification", "challenge": "<script>c4nary</script>"},
    "a long challenge": {"type": "url_verification", "challenge": "c" * 257},
    "a list as challenge": {"type": "url_verification", "challenge": ["c4nary"]},
    "a challenge with a line break": {"type": "url_verification", "challenge": "c4naryc4nary\r\nX: y"},
}
QUIET_EVENTS: dict[str, dict[str, Any]] = {
    "another app's event": {"api_app_id": "A0OTHER001"},
    "an unknown org where a team is due": {"team_id": "E0STRANGER"},
    "an unknown team": {"team_id": "T0STRANGER"},
    "no team": {"team_id": MISSING},
    "an unknown type": {"event": {"type": "c4nary"}},
    "an unknown team's uninstall": {"team_id": "T0STRANGER", "event": {"type": "app_uninstalled"}},
    "our own message": {"event": {"type": "app_mention", "app_id": APP_ID, "text": CANARY}},
    "a team elsewhere only": {"team_id": MISSING, "context_team_id": NORTH, "authed_teams": [NORTH]},
}
"""Acknowledged, without an effect."""
COMMAND = {"command": "/example", "text": CANARY, "team_id": NORTH, "user_id": "U0SOMEBODY", "api_app_id": APP_ID}
BAD_COMMANDS: dict[str, dict[str, str]] = {
    "no command": {"command": ""},
    "no slash": {"command": "example"},
    "a command with a space": {"command": "/example "},
    "a command with a line break": {"command": "/example\n"},
    "a long command": {"command": "/" + "c" * 32},
    "a command of dots": {"command": "/../c4nary"},
    "only a slash": {"command": "/"},
    "a command for an odd team": {"team_id": "t0north001"},
    "a command with a NUL": {"command": "/c4nary\0"},
    "a command with an escape": {"command": "/c4nary\x1b[2J"},
    "a command for an odd org": {"enterprise_id": CANARY},
    "a command for a team of a wildcard": {"team_id": "%"},
}
QUIET_COMMANDS: dict[str, tuple[dict[str, str], str]] = {
    "another app's command": ({"api_app_id": "A0OTHER001"}, ""),
    "a command of no app": ({"api_app_id": ""}, ""),
    "an unknown command": ({"command": "/c4nary"}, UNKNOWN_COMMAND),
    "a command in upper case": ({"command": "/Example"}, UNKNOWN_COMMAND),
    "a command of another script": ({"command": "/\u4f8bc4nary"}, UNKNOWN_COMMAND),
    "a command of an unknown org as team": ({"team_id": "E0STRANGER"}, NOT_INSTALLED),
    "a command of a stranger": ({"team_id": "T0STRANGER"}, NOT_INSTALLED),
    "a command of nobody": ({"team_id": ""}, NOT_INSTALLED),
    "a command that is an event's type": ({"command": "/app_mention"}, UNKNOWN_COMMAND),
    "a command of an org's uninstalled org": (
        {"enterprise_id": "E0STRANGER", "is_enterprise_install": "true"},
        NOT_INSTALLED,
    ),
}
ACTION = {
    "type": "block_actions",
    "api_app_id": APP_ID,
    "team": {"id": NORTH},
    "user": {"id": "U0SOMEBODY", "name": CANARY},
}
ACTION |= {"actions": [{"action_id": "remove_app", "value": CANARY}]}
BAD_ACTIONS: dict[str, dict[str, Any]] = {
    "an action without a type": {"type": MISSING},
    "a list as an action's type": {"type": ["block_actions"]},
    "an action's type with a space": {"type": "block actions"},
    "an action's long type": {"type": "a" * 256},
    "no actions": {"actions": MISSING},
    "an empty list of actions": {"actions": []},
    "an object as actions": {"actions": {"action_id": "x"}},
    "a text as action": {"actions": [CANARY]},
    "a number as action's id": {"actions": [{"action_id": 1}]},
    "an action's long id": {"actions": [{"action_id": "a" * 256}]},
    "an action's id with a NUL": {"actions": [{"action_id": "c4nary\0"}]},
    "an action's id with half a surrogate pair": {"actions": [{"action_id": "c4nary\ud800"}]},
    "a list as app": {"api_app_id": [APP_ID]},
    "a team's id that counts as false": {"team": {"id": 0}},
    "a text as team": {"team": NORTH},
    "a list as user": {"user": [1]},
    "a text as view": {"view": CANARY},
    "a text as org": {"enterprise": CANARY},
    "an odd team's id": {"team": {"id": "t0north001"}},
    "a list as team's id": {"team": {"id": [NORTH]}},
    "a number as team's id": {"team": {"id": 7}},
    "an odd team in the view": {"view": {"app_installed_team_id": CANARY}},
    "a list as team in the view": {"view": {"app_installed_team_id": [NORTH]}},
    "an odd org's id": {"enterprise": {"id": "e1"}},
    "a modal without a view": {"type": "view_submission"},
    "a modal without an id": {"type": "view_submission", "view": {"callback_id": None}},
    "a shortcut without an id": {"type": "shortcut"},
}
QUIET_ACTIONS: dict[str, dict[str, Any]] = {
    "an action's id with a space": {"actions": [{"action_id": "remove app"}]},
    "an action's empty id": {"actions": [{"action_id": ""}]},
    "an action's id with a line break": {"actions": [{"action_id": "x\n"}]},
    "an action's id beyond ASCII": {"actions": [{"action_id": "\u00e9"}]},
    "an action of a type of tomorrow": {"type": "c_nary_action"},
    "another app's action": {"api_app_id": "A0OTHER001"},
    "an action of an empty app": {"api_app_id": ""},
    "an unknown action": {"actions": [{"action_id": "c4nary"}]},
    "an action of a stranger": {"team": {"id": "T0STRANGER"}},
    "an action of nobody": {"team": MISSING},
    "an action of a command's name": {"type": "shortcut", "callback_id": "/example"},
}


def changed(whole: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**whole, **changes}.items() if value is not MISSING}


def action(payload: Mapping[str, Any]) -> bytes:
    return urlencode({"payload": json.dumps(payload)}).encode()


def bodies() -> Iterator[Bad]:
    for name, body in BAD_JSON.items():
        yield signed(f"events: {name}", "json", EVENTS, body, JSON)
    for name in (
        "no body",
        "cut JSON",
        "NaN",
        "a key twice",
        "depth 33",
        "depth 100,000",
        "a surrogate in a key",
        "NUL in a key",
        "a list",
    ):
        payload = urlencode({"payload": BAD_JSON[name]}).encode()
        yield signed(f"payload: {name}", "json", INTERACTIVITY, payload, FORM)
    deepest = {**ACTION, "x": json.loads("[" * 31 + "]" * 31)}
    yield signed("a payload too deep to be wrapped", "json", INTERACTIVITY, action(deepest), FORM)
    yield signed("no payload", "json", INTERACTIVITY, b"x=c4nary", FORM)
    for name, body in BAD_FORMS.items():
        yield signed(f"commands: {name}", "form", COMMANDS, body, FORM)
        yield signed(f"interactivity: {name}", "form", INTERACTIVITY, body, FORM)
    yield signed("a form of events: a field twice", "form", EVENTS, b"ssl_check=1&ssl_check=1", FORM)
    for name, changes in BAD_EVENTS.items():
        yield signed(f"event: {name}", "event", EVENTS, json.dumps(event(**changes)).encode(), JSON)
    for name, changes in QUIET_EVENTS.items():
        yield signed(f"event: {name}", "ok", EVENTS, json.dumps(event(**changes)).encode(), JSON)
    for name, fields in BAD_COMMANDS.items():
        yield signed(name, "event", COMMANDS, urlencode({**COMMAND, **fields}).encode(), FORM)
    for name, (fields, answer) in QUIET_COMMANDS.items():
        yield signed(name, "ok", COMMANDS, urlencode({**COMMAND, **fields}).encode(), FORM, answer)
    for name, changes in BAD_ACTIONS.items():
        yield signed(name, "event", INTERACTIVITY, action(changed(ACTION, changes)), FORM)
    for name, changes in QUIET_ACTIONS.items():
        yield signed(name, "ok", INTERACTIVITY, action(changed(ACTION, changes)), FORM)


# The way of an install


CALLBACKS: dict[str, tuple[str, str]] = {
    "nothing": ("", "state_missing"),
    "no state": ("code=<code>", "state_missing"),
    "an empty state": ("code=<code>&state=", "state_missing"),
    "code and error without a state": ("code=<code>&error=access_denied", "state_missing"),
    "two states": ("code=<code>&state=<state>&state=<state>", "query"),
    "two codes": ("code=<code>&code=c4nary&state=<state>", "query"),
    "two errors": ("error=access_denied&error=c4nary&state=<state>", "query"),
    "a second state by escapes": ("code=<code>&state=<state>&%73tate=c4nary", "query"),
    "a state without a value": ("code=<code>&state", "query"),
    "a code without a value": ("code&state=<state>", "query"),
    "a state that is no UTF-8": ("code=<code>&state=%ff", "query"),
    "a code that is no UTF-8": ("state=<state>&code=%c0%af", "query"),
    "a long query": (f"code=<code>&state=<state>&x={'c' * 4096}", "query"),
    "65 parameters": ("code=<code>&state=<state>" + "&x=1" * 63, "query"),
    "code and error": ("code=<code>&error=access_denied&state=<state>", "code_missing"),
    "neither code nor error": ("state=<state>", "code_missing"),
    "an empty code": ("code=&state=<state>", "code_missing"),
    "a long code": (f"code={'c' * 513}&state=<state>", "code_missing"),
    "a code with a line break": ("code=c4nary%0d%0aX:&state=<state>", "code_missing"),
    "a code beyond ASCII": ("code=%c3%a9&state=<state>", "code_missing"),
    "a code with a NUL": ("code=c4nary%00&state=<state>", "code_missing"),
    "a word as state": ("code=<code>&state=c4naryc4nary", "state_malformed"),
    "a state cut": (f"code=<code>&state={MALFORMED}", "state_malformed"),
    "a state with a line break": ("code=<code>&state=<state>%0a", "state_malformed"),
    "a state with a space": ("code=<code>&state=<state>+", "state_malformed"),
    "a state with a NUL": ("code=<code>&state=%00<state>", "state_malformed"),
    "a state of 3000 characters": ("code=<code>&state=" + "A" * 3000, "state_malformed"),
    "a state of markup": ("code=<code>&state=%3Cscript%3Ec4nary", "state_malformed"),
    "a state of version 0": (f"code=<code>&state={FORGED_STATE}", "state_malformed"),
    "a forged state": (f"code=<code>&state=AQ{FORGED_STATE[2:]}", "state_forged"),
}
COOKIES: dict[str, tuple[str, str]] = {
    "no cookie": ("", "browser"),
    "another cookie": (f"other={'A' * 43}", "browser"),
    "an empty cookie": ("slackapp_oauth=", "browser"),
    "a short cookie": ("slackapp_oauth=c4nary", "browser"),
    "two cookies": ("slackapp_oauth=<cookie>; slackapp_oauth=<cookie>", "browser"),
    "two cookies, one foreign": (f"slackapp_oauth={'A' * 43}; slackapp_oauth=<cookie>", "browser"),
    "a quoted cookie": ('slackapp_oauth="<cookie>"', "browser"),
    "a cookie with a comma": ("slackapp_oauth=<cookie>, x=y", "browser"),
    "a cookie beyond ASCII": ("slackapp_oauth=" + "\xe9" * 43, "browser"),
    "a cookie in upper case": ("SLACKAPP_OAUTH=<cookie>", "browser"),
    "a prefixed cookie": ("__Host-slackapp_oauth=<cookie>", "browser"),
    "a foreign cookie": (f"slackapp_oauth={'A' * 43}", "state_forged"),
    "1000 cookies": ("; ".join(["slackapp_oauth=<cookie>"] * 1000), "browser"),
}
HINTS = [
    "",
    "T1",
    "t0north001",
    "T0NORTH001 ",
    " T0NORTH001",
    "T0NORTH001\r\nSet-Cookie: c4nary=1",
    "T0NORTH001\n",
    "T0NORTH001\x00",
    "U0NORTH001",
    "T0NORTH001,T0SOUTH001",
    "T" + "A" * 21,
    "T1&user_scope=admin",
    "T1#",
    "../c4nary",
    "T0NORTH\u0660",
    "%T0NORTH001",
    "https://c4nary.example",
]
HINT_QUERIES = [
    "team=T0NORTH001&team=T0SOUTH001",
    "team",
    "team=%ff",
    f"team=T0NORTH001&x={'c' * 4096}",
    "&x=1" * 65 + "&team=T0NORTH001",
]


def installs() -> Iterator[Bad]:
    own = {"Cookie": "slackapp_oauth=<cookie>"}
    for name, (query, outcome) in CALLBACKS.items():
        yield Bad(f"callback: {name}", outcome, f"{CALLBACK}?{query}", headers=own)
    for name, (cookie, outcome) in COOKIES.items():
        for parameter in ("code=<code>", "error=access_denied"):
            target = f"{CALLBACK}?{parameter}&state=<state>"
            yield Bad(f"{parameter[:4]}: {name}", outcome, target, headers={"Cookie": cookie})
    for hint in HINTS:
        yield Bad(named("hint", hint), "team_hint", f"{INSTALL}?team={quote(hint)}")
    yield Bad("a hint in raw bytes", "team_hint", f"{INSTALL}?team=T0NORTH\xe9")
    yield Bad("a hint with a raw line break", "team_hint", f"{INSTALL}?team=T0NORTH001\r\nX: {CANARY}")
    for query in HINT_QUERIES:
        yield Bad(named("hints", query), "query", f"{INSTALL}?{query}")


# The operator's


AUTHORIZATIONS = {
    "nothing": "",
    "the scheme alone": "Bearer",
    "no token": "Bearer ",
    "another token": f"Bearer {CANARY}",
    "another scheme": f"Basic {OPERATOR}",
    "the bare token": OPERATOR,
    "lower case": f"bearer {OPERATOR}",
    "two spaces": f"Bearer  {OPERATOR}",
    "a space after it": f"Bearer {OPERATOR} ",
    "a token cut": f"Bearer {OPERATOR[:-1]}",
    "a token grown": f"Bearer {OPERATOR}x",
    "two tokens": f"Bearer {OPERATOR}, Bearer {OPERATOR}",
    "a line break": f"Bearer {OPERATOR}\n",
    "bytes beyond ASCII": f"Bearer {OPERATOR[:-1]}\xff",
    "10,000 characters": "Bearer " + "x" * 10_000,
}
BAD_IDS = [
    "T1",
    "t0north001",
    "U0NORTH001",
    "%",
    "T0NORTH001\n",
    "",
    "T0' OR '1'='1",
    1,
    None,
    [NORTH],
    {"id": NORTH},
    True,
    1.5,
]


def operators() -> Iterator[Bad]:
    naming = json.dumps({"id": NORTH, "x": CANARY}).encode()
    for name, authorization in AUTHORIZATIONS.items():
        headers = {"Authorization": authorization, "Content-Type": JSON}
        yield Bad(f"metrics: {name}", "operator", "/metrics", headers=headers)
        yield Bad(f"uninstall: {name}", "operator", UNINSTALL, "POST", naming, headers)
    right = {"Authorization": f"Bearer {OPERATOR}", "Content-Type": JSON}
    for query in (f"token={OPERATOR}", f"TOKEN={OPERATOR}", f"x=1&access_token={OPERATOR}", "bearer", "token="):
        yield Bad(f"metrics: ?{query[:12]}", "token_in_query", f"/metrics?{query}", headers=right)
        yield Bad(f"uninstall: ?{query[:12]}", "token_in_query", f"{UNINSTALL}?{query}", "POST", naming, right)
    yield Bad("uninstall as Slack", "operator", UNINSTALL, "POST", naming, {**sign(naming), "Content-Type": JSON})
    for media_type in ("", "text/plain", FORM):
        yield Bad(
            f"uninstall as {media_type!a}",
            "media_type",
            UNINSTALL,
            "POST",
            naming,
            {**right, "Content-Type": media_type},
        )
    for name in (
        "no body",
        "cut JSON",
        "a list",
        "a key twice",
        "NaN",
        "depth 100,000",
        "NUL in a key",
        "UTF-16",
        "5000 digits",
    ):
        yield Bad(f"uninstall: {name}", "json", UNINSTALL, "POST", BAD_JSON[name], right)
    for claimed in BAD_IDS:
        yield Bad(f"uninstall of {claimed!a}", "json", UNINSTALL, "POST", json.dumps({"id": claimed}).encode(), right)


ALL = (*where(), *shape(), *who(), *bodies(), *installs(), *operators())
