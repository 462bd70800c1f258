"""A client of the host's API, for the backend of a product. To be copied: it needs Python and nothing else.

host = Client("http://localhost:3000", key_id, secret, organization="acme")
ann = host.of("ann", "admin", name="Ann")
try:
    ann.post_message("Deployed *4711*", key="deploy-4711")
except ApiError as error:
    print(error.code, error.field, error)
"""

import base64
import hashlib
import hmac
import http.client
import json
import secrets
import time
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode, urlsplit


class ApiError(Exception):
    """A request was refused: `code` is for programs, the text for people, `field` is what was wrong."""

    def __init__(self, status, told, retry_after=None):
        super().__init__(told.get("error") or f"the service answered {status}")
        self.status, self.code = status, told.get("code", "UNREADABLE")
        self.field, self.reconnect_url, self.retry_after = told.get("field"), told.get("reconnectUrl"), retry_after


class ForgedError(Exception):
    """A webhook is not from the service, or is an old one."""


@dataclass(frozen=True)
class Client:
    """Calls for one organization: as the host itself, or for a member in a role."""

    url: str
    key_id: str
    secret: str = field(repr=False)
    organization: str
    who: dict = field(default_factory=dict)

    def of(self, member, role, name=None):
        """Makes a client that calls for a member: only for who is logged in with you."""
        return replace(self, who={"sub": member, "role": role, **({"name": name} if name else {})})

    def connect(self, **asked):
        """Begins to connect, for example with `purpose=`: send the member's browser to `authUrl`."""
        return self.call("POST", "/slack/auth", asked)

    def make_ticket(self, member, role, name):
        """Makes a ticket for the service's own pages: the host's page posts it to `/settings/session` at once."""
        return self.call("POST", "/slack/sessions", {"memberId": member, "role": role, "name": name})["ticket"]

    def integration(self):
        """The connected workspace, or None."""
        return self.call("GET", "/slack/integration").get("integration")

    def channels(self, search=""):
        """Channels that may be chosen, with that in their names."""
        return self.call("GET", f"/slack/channels?{urlencode({'search': search, 'limit': 200})}")["channels"]

    def post_message(self, text, key, **more):
        """Posts a text, or with None `template=` and `variables=`; a repeat with the same key does nothing more."""
        return self.call("POST", "/slack/messages", {"text": text, **more} if text else more, {"Idempotency-Key": key})

    def messages(self, limit=10):
        """The newest messages, and what became of each."""
        return self.call("GET", f"/slack/messages?limit={limit}")["messages"]

    def events(self, cursor=None):
        """What has happened since; keep the answer's `cursor`. Only the host may ask, not a member."""
        return self.call("GET", f"/events?{urlencode({'cursor': cursor} if cursor else {})}")

    def call(self, method, path, body=None, headers=None):
        """Calls any route; `path` is what follows `/api/v2`. Raises ApiError, and OSError when nobody answers."""
        headers = {"Authorization": f"Bearer {self._token()}", "Content-Type": "application/json", **(headers or {})}
        server = urlsplit(self.url)
        kind = http.client.HTTPSConnection if server.scheme == "https" else http.client.HTTPConnection
        connection = kind(server.netloc, timeout=30)
        try:
            connection.request(method, f"/api/v2{path}", None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        is_ours = answer.headers.get_content_type() == "application/json"  # and not of a proxy in between
        told = json.loads(text) if is_ours else {}
        if answer.status >= 300 or not is_ours:
            raise ApiError(answer.status, told, answer.headers["Retry-After"])
        return told

    def _token(self):
        """Signs a token for one request; it lives for a minute."""
        now = int(time.time())
        claims = {"aud": self.url, "iat": now, "exp": now + 60, "jti": secrets.token_hex(16), "org": self.organization}
        header = {"alg": "HS256", "typ": "slackapp-host+jwt", "kid": self.key_id}
        signed = b".".join(_encode(json.dumps(part).encode()) for part in (header, {**claims, **self.who}))
        return (signed + b"." + _encode(hmac.digest(self.secret.encode(), signed, hashlib.sha256))).decode()


def verify_webhook(secret, headers, body):
    """Returns the event of a webhook; remember its id. Raises ForgedError.

    `secret` is the line `whsec_…`, `headers` finds names in any case, as most frameworks do, `body` is the very bytes.
    """
    event_id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    key = base64.b64decode(secret.strip().removeprefix("whsec_"))
    signed = b".".join((event_id.encode(), at.encode(), body))
    wanted = b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
    given = headers.get("webhook-signature", "").encode().split()
    if not any(hmac.compare_digest(each, wanted) for each in given) or abs(time.time() - int(at)) > 300:
        raise ForgedError("the webhook is not from the service, or is an old one")
    return {**json.loads(body), "id": event_id}


def _encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")
