"""Requests made from good ones: with bits flipped, parts cut, doubled, swapped and replaced, and often signed again.

All of it comes from one seed. What is behind a signature or a token is reached in most cases: the body is changed first
and signed afterwards. No request is made that would remove the installation, or finish the one that is under way.
"""

import copy
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

from tests.attacks.bad_requests import ACTION, COMMAND, FORM, JSON, OPERATOR, event, sign
from tests.support.world import HOST, NORTH

ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, -0.0, 1e308, 2**31, 2**63 - 1, -(2**63), 2**63, 10**40, "", " ", "x" * 300, "\x00",
    "\ud800", "\u202e", "\U0001f600", "T0STRANGER", "E0STRANGER", "%", "' OR 1=1 --", "\r\nX-Odd: 1", "<b>", "{}",
    "../..", [], {}, [[]], [None], {"": ""}, {"id": 1}, [NORTH], "0", "\u0661", "a\tb", "xoxb-1-2", "NaN",
]  # fmt: skip
PIECES = [
    b"\x00", b"\r\n", b"\n", b"\r", b"%00", b"%0d%0a", b"%ff", b"%", b"&", b"=", b";", b",", b"?", b"#", b"/", b"//",
    b"..", b"\\", b'"', b"'", b"{", b"}", b"[", b"]", b"[" * 40, b"{\"a\":" * 40, b"\xff", b"\xc0\xaf",
    b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\\ud800", b"\\u0000", b"NaN", b"Infinity", b"-", b"1e999", b"9" * 30,
    b"9" * 5000, b"null", b"true", b" ", b"\t", b"A" * 1000, b"\xe2\x80\xae", b"state=", b"&team=", b"&error=",
    b"token=", b"<script>", b"__proto__", b"v0=", b"${x}", b"{0}", b"%s%n", b"\x1b[31m",
]  # fmt: skip
PARAMETERS = ["x=1", "token=x", "team=T0X", "state=", "code", "%73tate=x", "error=x", "x=" + "y" * 5000, "&x=1" * 70]
ODD_PATHS = ["/", "//", "/./", "/../", "\\", ";", "%2f", "http://", "*", " ", "\t", "\x00", "\xff"]
MEDIA_TYPES = [
    JSON, FORM, f"{JSON}; charset=utf-8", "text/plain", "", "application/json\x00", "APPLICATION/JSON",
    "multipart/form-data; boundary=x",
]  # fmt: skip
METHODS = ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "P\xd6ST", "GET\x00", "X" * 300]
UNREAD = [
    "User-Agent", "Cookie", "Authorization", "X-Forwarded-For", "Forwarded", "Accept", "Range", "If-None-Match",
    "Expect", "Cookie2", "X-Slack-Signature", "X-Slack-Request-Timestamp", "X-Slack-Retry-Num", "Upgrade", "Origin",
    "X-HTTP-Method-Override",
]  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A request before it is handed over or sent; text is one byte a character."""

    method: str
    target: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: str | None = None
    """What is said of the body's length, where it is not the truth."""


@dataclass
class Fuzz:
    """An endless supply. `now` is what signatures are made for; `state` and `cookie` are of an install under way."""

    random: random.Random
    now: Callable[[], int]
    state: str
    cookie: str
    made: int = 0

    def request(self) -> Asked:
        """The next one: a good request, changed in none to four places."""
        self.made += 1
        pick = self.random
        asked = pick.choices(self._makers(), WEIGHTS)[0]()
        changes = pick.choice((0, 1, 1, 1, 2, 2, 3, 4))
        in_body = changes if asked.body and pick.random() < 0.7 else 0
        for _ in range(in_body):
            asked = replace(asked, body=self._bytes(asked.body))
        if "X-Slack-Signature" in asked.headers and (in_body or pick.random() < 0.7):
            asked = self.signed(asked)
        for _ in range(changes - in_body):
            asked = pick.choice((self._target, self._target, self._headers, self._headers, self._method, self._length))(
                asked
            )
        return asked

    def signed(self, asked: Asked) -> Asked:
        """Signed as Slack would sign it."""
        return replace(asked, headers={**asked.headers, **sign(asked.body, str(self.now()))})

    # Good requests

    def _makers(self) -> tuple[Callable[[], Asked], ...]:
        return (
            self.event,
            self.handshake,
            self.command,
            self.action,
            self.install,
            self.callback,
            self.uninstall,
            self.page,
        )

    def event(self) -> Asked:
        """An event, mostly of an unknown type; one in a dozen is kept."""
        kind = self.random.choice(["app_mention", *["team_join", "message", "reaction_added"] * 4])
        inner = {"type": kind, "user": "U0SOMEBODY", "channel": "C0GENERAL1", "ts": "1.1", "text": "hello"}
        whole = event(event=inner, event_id=f"EvFuzz{self.made}", event_time=self.now())
        if self.random.random() < 0.3:
            granted = {"team_id": NORTH, "enterprise_id": None, "is_bot": True, "is_enterprise_install": False}
            whole |= {"authorizations": [granted], "is_ext_shared_channel": True}
        if self.random.random() < 0.1:
            inner = {
                "type": self.random.choice(["app_uninstalled", "tokens_revoked"]),
                "tokens": {"oauth": ["U0X"], "bot": ["U0B"]},
            }
            whole |= {"team_id": "T0STRANGER", "event": inner, "authorizations": []}
        return self._slack("/slack/events", self._json(whole), JSON)

    def handshake(self) -> Asked:
        return self._slack("/slack/events", self._json({"type": "url_verification", "challenge": "c" * 30}), JSON)

    def command(self) -> Asked:
        """A command, mostly one that nobody handles."""
        fields = {**COMMAND, "command": self.random.choice(["/example", *["/other"] * 9]), "trigger_id": "1.2.3"}
        for _ in range(self.random.choice((0, 0, 1, 2))):
            value = self.random.choice(ODD)
            fields[self.random.choice([*fields, "x"])] = value if isinstance(value, str) else json.dumps(value)
        return self._slack("/slack/commands", urlencode(fields, errors="replace").encode(), FORM)

    def action(self) -> Asked:
        payload = {**ACTION, "actions": [{"action_id": self.random.choice(["remove_app", *["other"] * 9])}]}
        return self._slack("/slack/interactivity", b"payload=" + quote(self._json(payload)).encode(), FORM)

    def install(self) -> Asked:
        return Asked(
            "GET", self.random.choice(["/slack/install?team=T0NORTH001", "/slack/install", "/slack/install?team=x"])
        )

    def callback(self) -> Asked:
        """Somebody comes back, in a browser that did not begin."""
        state = self.random.choice([self.state, self.state[:-1] + "A", "A" * 104, f"{'A' * 60}.{'A' * 43}"])
        query = self.random.choice(
            [f"code=1.2.c0de&state={state}", f"error=access_denied&state={state}", "error=access_denied"]
        )
        cookie = self.random.choice(
            ["", "slackapp_oauth=" + "A" * 43, "slackapp_oauth=x", "a=b; slackapp_oauth=" + "B" * 43]
        )
        return Asked("GET", f"/slack/oauth_redirect?{query}", headers={"Cookie": cookie})

    def uninstall(self) -> Asked:
        """The operator removes somebody who is not there."""
        headers = {"Authorization": f"Bearer {OPERATOR}", "Content-Type": JSON}
        return Asked("POST", "/slack/uninstall", self._json({"id": "T0STRANGER", "x": [1, {"y": "z"}]}), headers)

    def page(self) -> Asked:
        path = self.random.choice(
            ["/", "/slack/installed", "/healthz", "/readyz", "/metrics", "/nowhere", "/slack/", "/favicon.ico"]
        )
        given = {"Cookie": f"slackapp_oauth={self.cookie}", "Authorization": f"Bearer {OPERATOR}"}
        return Asked("GET", path, headers=given)

    def _slack(self, path: str, body: bytes, media_type: str) -> Asked:
        return Asked("POST", path, body, {**sign(body, str(self.now())), "Content-Type": media_type})

    def _json(self, whole: dict[str, Any]) -> bytes:
        """Written out, with some of its values replaced by odd ones, one in five with a key twice."""
        pick, whole = self.random, json.loads(json.dumps(whole))
        for _ in range(pick.choice((0, 0, 1, 1, 2))):
            holder = whole
            while True:
                key = pick.choice([*holder, "x"])
                if isinstance(holder.get(key), dict) and holder[key] and pick.random() < 0.6:
                    holder = holder[key]
                else:
                    holder[key] = copy.deepcopy(pick.choice(ODD))
                    break
        text = json.dumps(whole, separators=pick.choice(((",", ":"), (", ", " : "))))
        if pick.random() < 0.2:
            key = pick.choice([*whole])
            text = f"{text[:-1]},{json.dumps(key)}:1}}"
        return text.encode()

    # Changes

    def _bytes(self, data: bytes) -> bytes:
        pick, size = self.random, len(data)
        at = pick.randrange(size + 1)
        end = min(size, at + pick.choice((1, 1, 2, 5, 20, 200)))
        match pick.randrange(9):
            case 0 if size:
                at = min(at, size - 1)
                return data[:at] + bytes([data[at] ^ (1 << pick.randrange(8))]) + data[at + 1 :]
            case 1:
                return data[:at]
            case 2:
                return data[:at] + data[at:end] * pick.choice((2, 3, 50)) + data[end:]
            case 3:
                return data[:at] + data[end:]
            case 4:
                other = pick.randrange(size + 1)
                low, high = min(end, other), max(end, other)
                return data[:at] + data[low:high] + data[end:]
            case 5:
                return data[:at] + pick.randbytes(pick.choice((1, 2, 8))) + data[end:]
            case 6:
                return data[:at] + str(pick.choice((0, -1, 2**31, 2**32, 2**63, 10**20, 10**400))).encode() + data[end:]
            case 7:
                return data[:at] + data[at:end].swapcase() + data[end:]
            case _:
                return data[:at] + pick.choice(PIECES) + data[at:]

    def _text(self, text: str) -> str:
        return self._bytes(text.encode("latin-1")).decode("latin-1")

    def _target(self, asked: Asked) -> Asked:
        pick = self.random
        path, mark, query = asked.target.partition("?")
        match pick.randrange(6):
            case 0:
                return replace(asked, target=self._text(asked.target))
            case 1:
                parts = query.split("&")
                pick.shuffle(parts)
                return replace(asked, target=f"{path}?{'&'.join([*parts, pick.choice(parts)])}")
            case 2:
                return replace(asked, target=f"{path}?{self._text(query)}")
            case 3:
                return replace(asked, target=f"{path}?{query}&{pick.choice(PARAMETERS)}")
            case 4:
                at = pick.randrange(len(asked.target) + 1)
                found = asked.target[at : at + 1].encode("latin-1")
                return replace(asked, target=f"{asked.target[:at]}%{found.hex()}{asked.target[at + 1 :]}")
            case _:
                odd = pick.choice(ODD_PATHS)
                return replace(asked, target=pick.choice([odd + path, path + odd]) + mark + query)

    def _headers(self, asked: Asked) -> Asked:
        pick, headers = self.random, {"Host": HOST, "Content-Type": "", **asked.headers}
        name = pick.choice([*headers])
        match pick.randrange(7):
            case 0:
                headers[name] = self._text(headers[name])
            case 1:
                headers[name] = f"{headers[name]}, {headers[name]}"
            case 2:
                headers[name] = pick.choice(
                    ["", " ", "\x00", "\xe9" * 70, "9" * 5000, "x" * 9000, "\x7f", "a=b; " * 200]
                )
            case 3:
                other = pick.choice([*headers])
                headers[name], headers[other] = headers[other], headers[name]
            case 4:
                headers["Content-Type"] = pick.choice(MEDIA_TYPES)
            case 5:
                headers["X-Slack-Request-Timestamp"] = str(
                    self.now() + pick.choice((-301, -300, 300, 301, 10**9, -(10**9)))
                )
            case _:
                headers.setdefault(pick.choice(UNREAD), pick.choice(PIECES).decode("latin-1"))
        return replace(asked, headers=headers)

    def _method(self, asked: Asked) -> Asked:
        return replace(asked, method=self.random.choice(METHODS))

    def _length(self, asked: Asked) -> Asked:
        size = len(asked.body)
        wrong = [
            "",
            "x",
            "-1",
            f"+{size}",
            f" {size}",
            f"0{size}",
            "9" * 5000,
            "1_0",
            str(size + 1),
            str(max(0, size - 1)),
            "1048577",
            "0x10",
        ]
        return replace(asked, length=self.random.choice(wrong))


WEIGHTS = (30, 4, 14, 14, 5, 15, 8, 10)
