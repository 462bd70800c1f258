"""Requests to the host side, made from good ones and changed as in fuzz.py: tokens, bodies, addresses, forms."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from slackapp.host.model import HostRole
from slackapp.host.routes import API_ROUTES
from slackapp.model import HOST_CALLBACK_PATH
from tests.attacks.bad_requests import FORM, JSON
from tests.host.keys import HOST_URL, sign
from tests.long.fuzz import ODD, Asked, Fuzz
from tests.support.world import HOST

ENDS = {("DELETE", "/api/v2/slack/integration"), ("DELETE", "/api/v2/organization")}
"""What would end the connection that all of it is about."""
FIELDS: dict[str, Any] = {
    "memberId": "ann", "role": "member", "name": "Ann", "metadata": {"source": "x", "returnUrl": "/a"}, "purpose": "p",
    "kind": "workspace", "reconnect": "0" * 24, "ownerId": "ann", "defaultChannel": None, "allowedChannels": ["C0X"],
    "maxAgeDays": 9, "workspaceLimit": 2, "dataRegion": "", "purposes": [{"id": "p", "text": "Alerts"}],
}  # fmt: skip
VALUES = {"limit": "5", "search": "gen", "teamId": "T0NORTH001", "connectionId": "0" * 24, "cursor": "x"}


@dataclass
class HostFuzz(Fuzz):
    """An endless supply; `session` and `form_token` are a member's."""

    session: str = ""
    form_token: str = ""

    def request(self) -> Asked:
        self.made += 1
        asked = self.random.choice(self._makers())()
        for _ in range(self.random.choice((0, 0, 1, 1, 2, 3))):
            changes = (self._content, self._content, self._content, self._target, self._target, self._headers)
            asked = self.random.choice(changes)(asked) if self.random.random() < 0.97 else self._length(asked)
        return asked

    def _makers(self) -> tuple[Callable[[], Asked], ...]:
        return (self.api, self.api, self.api, self.api, self.api, self.form, self.form, self.ticket, self.back)

    def _content(self, asked: Asked) -> Asked:
        return replace(asked, body=self._bytes(asked.body)) if asked.body else asked

    def api(self) -> Asked:
        """A call of a route by somebody of acme, with some of its fields odd, and one in ten tokens, too."""
        pick = self.random
        route = pick.choice([each for each in API_ROUTES if (each.method, each.path) not in ENDS])
        query = [f"{name}={VALUES.get(name, 'x')}" for name in route.parameters if pick.random() < 0.3]
        target = route.path.replace("{id}", pick.choice(["ben", "C0GENERAL1", "T0X", "~", "a" * 128]))
        chosen = {name: FIELDS.get(name) for name in route.body or {} if pick.random() < 0.8}
        body = self._json(chosen) if chosen else b"{}" if route.body is not None else b""
        headers = {"Authorization": f"Bearer {self._token()}", "Content-Type": JSON}
        return Asked(route.method, target + ("?" + "&".join(query) if query else ""), body, headers)

    def form(self) -> Asked:
        """A form of the page; in one of three cases a look at it."""
        pick = self.random
        if pick.random() < 0.3:
            return Asked("GET", "/settings/connect", headers={"Cookie": f"slackapp_session={self.session}"})
        fields = {"form_token": self.form_token, "step": pick.choice(["begin", "confirm", "x"])}
        for name in ("purpose", "reconnect", "x"):
            if pick.random() < 0.3:
                fields[name] = str(pick.choice(ODD))
        return self._form("/settings/connect", fields, f"http://{HOST}")

    def ticket(self) -> Asked:
        return self._form("/settings/session", {"ticket": self.random.choice(["x", "A" * 43, self.session])}, HOST_URL)

    def back(self) -> Asked:
        """Somebody comes back from Slack with a state that is none of this connection's."""
        state = self.random.choice([self.state, "A" * 103, "x"])
        return Asked("GET", f"{HOST_CALLBACK_PATH}?state={quote(state)}&code=1.2.c")

    def _form(self, target: str, fields: dict[str, str], origin: str) -> Asked:
        headers = {"Content-Type": FORM, "Origin": origin, "Cookie": f"slackapp_session={self.session}"}
        return Asked("POST", target, urlencode(fields, errors="surrogatepass").encode(), headers)

    def _token(self) -> str:
        pick, now = self.random, self.now()
        said: dict[str, Any] = {"aud": f"http://{HOST}", "iat": now, "exp": now + 60, "org": "acme"}
        said["jti"] = f"fuzz{self.made}"
        if pick.random() < 0.6:
            role = pick.choice([*HostRole])
            said |= {"sub": role, "role": role}
        if pick.random() < 0.1:
            said[pick.choice([*said, "nbf", "name", "orgName"])] = pick.choice(ODD)
        try:
            return sign(json.loads(json.dumps(said)))
        except (TypeError, UnicodeEncodeError, ValueError):  # what its maker refuses to write
            return "x"
