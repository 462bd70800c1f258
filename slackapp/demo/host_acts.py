"""Acts of the demo in which a product's customer connects, by API: its backend calls, and its admin's browser."""

import html
import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from slackapp.app import system_clock, system_entropy
from slackapp.demo.harness import HOST_COMPLETE_PATH, HOST_URL, Harness, consent, send
from slackapp.demo.narrator import Narrator
from slackapp.host.verification.wsgi_client import MEMBER, HostClient, WsgiBrowser, WsgiClient, WsgiReply

_ORGANIZATION = "acme"
_WORKSPACE = "T0NORTH001"
_TEMPLATE, _TEXT = "*$app $version* is live in $stage.", "*shop-api 4.7.1* is live in production."
_VARIABLES = {"app": "shop-api", "version": "4.7.1", "stage": "production"}
_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


class _HttpClient(WsgiClient):
    """Client over a socket."""

    def __init__(self, url: str) -> None:
        super().__init__(lambda environ, start_response: (), url)

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> WsgiReply:
        """Sends one request."""
        reply = send(method, self.url, target, body.decode(), headers=headers)
        return WsgiReply(reply.status, tuple(reply.headers.items()), reply.text)


def _connect_customer(harness: Harness, narrator: Narrator) -> None:
    purposes = [{"id": "deployments", "text": "Deployment alerts"}]
    told = _host(harness).call_as_host("PUT", "organization", _ORGANIZATION, {"name": "Acme", "purposes": purposes})
    harness.check(told.status == 200, f"the organization was answered {told.status}")
    narrator.flow("begin_connect", range(1, 5))
    narrator.flow("finish_connect", range(5, 11))
    narrator.flow("confirm_connect", range(17, 20))
    _connect(harness)
    harness.check(_status(harness) == "active", "nothing is connected")
    narrator.fact("Northwind is Acme's, once Acme's own login has confirmed what an admin of Northwind approved")


def _post_message(harness: Harness, narrator: Narrator) -> None:
    host = _host(harness)
    channels = host.call("GET", "slack/channels?search=general", _ORGANIZATION).json["channels"]
    channel = str(channels[0]["id"])
    joined = host.call("POST", f"slack/channels/{channel}/join", _ORGANIZATION)
    harness.check(joined.status == 200, f"joining was answered {joined.status}")
    kept = host.call("PUT", "slack/templates/deployed", _ORGANIZATION, {"text": _TEMPLATE})
    harness.check(kept.status == 200, f"the template was answered {kept.status}")
    said = {"template": "deployed", "variables": _VARIABLES}
    body = {**said, "channel": channel, "purpose": "deployments"}
    accepted = [host.call("POST", "slack/messages", _ORGANIZATION, body, key="deploy-4711") for _ in range(2)]
    harness.check(accepted[0].status == 202, f"the message was answered {accepted[0].status}")
    harness.check(accepted[0].json == accepted[1].json, "the repeat was another message")
    path = f"slack/messages/{accepted[0].json['id']}"
    harness.wait_for(lambda: host.call("GET", path, _ORGANIZATION).json["status"] == "sent", "the message")
    found = [each["text"] for each in harness.list_messages(_WORKSPACE)].count(_TEXT)
    harness.check(found == 1, f"Slack has it {found} times")
    narrator.fact("202 as soon as it is on the disk; asked twice under one Idempotency-Key, Slack has it once")


def _reconnect(harness: Harness, narrator: Narrator) -> None:
    before = _integration(harness)
    harness.press_control("revoke", {"team": _WORKSPACE})
    tried = _host(harness).call("POST", "slack/integration/test", _ORGANIZATION)
    harness.check(tried.status >= 400, "Slack took a revoked token")
    harness.wait_for(lambda: _status(harness) != "active", "another status of the connection")
    after = _integration(harness)
    narrator.fact(f"somebody revoked the token at Slack: it is {after['status']}, and says where it is connected again")
    _connect(harness, reconnect=str(after["id"]))
    again = _integration(harness)
    harness.check((again["status"], again["id"]) == ("active", before["id"]), "it is not connected again")
    narrator.fact("connected again: the same connection, with a new token")


def _offboard(harness: Harness, narrator: Narrator) -> None:
    host = _host(harness)
    left = host.call_as_host("POST", f"members/{MEMBER}/offboard", _ORGANIZATION)
    harness.check(left.json.get("status") == "offboarded", f"offboarding was answered {left.status}")
    refused = host.call("GET", "slack/integration", _ORGANIZATION)
    harness.check(refused.status in (401, 403), f"who has left was answered {refused.status}")
    wanted = left.json["ownerWanted"]
    narrator.fact(f"who has left is refused from now on; connections that nobody answers for any more: {wanted}")
    ended = host.call_as_host("DELETE", "slack/integration", _ORGANIZATION)
    harness.check(ended.json.get("revokedAtSlack") is True, f"disconnecting was answered {ended.status}")
    narrator.fact("the product disconnects: uninstalled at Slack, and erased here")


def _host(harness: Harness) -> HostClient:
    return HostClient(_HttpClient(harness.url), harness.host_key, system_clock, system_entropy)


def _connect(harness: Harness, reconnect: str | None = None) -> None:
    """Begins by API, approves at Slack, comes back to the product's page, and confirms."""
    host, browser = _host(harness), WsgiBrowser(_HttpClient(harness.url))
    begun = host.call("POST", "slack/auth", _ORGANIZATION, {"reconnect": reconnect} if reconnect else {})
    harness.check(begun.status == 200, f"connecting was answered {begun.status}")
    back = urlsplit(consent(begun.json["authUrl"], _WORKSPACE))
    reply = browser.get(f"{back.path}?{back.query}")
    harness.check(reply.location == f"{HOST_URL}{HOST_COMPLETE_PATH}", f"the way back was answered {reply.status}")
    browser.post("/settings/session", {"ticket": host.issue_ticket(_ORGANIZATION)}, HOST_URL)
    page = browser.get("/settings/connect")
    done = browser.post("/settings/connect", dict(_FIELD.findall(page.text)), harness.url)
    harness.check("status=success" in html.unescape(done.text), f"confirming was answered {done.status}")


def _integration(harness: Harness) -> dict[str, object]:
    told = _host(harness).call_as_host("GET", "slack/integration", _ORGANIZATION).json
    found: dict[str, object] = told["integration"]
    return found


def _status(harness: Harness) -> object:
    return (_integration(harness) or {}).get("status")


HOST_STEPS: tuple[tuple[str, Callable[[Harness, Narrator], None]], ...] = (
    ("A customer of a product connects", _connect_customer),
    ("The product posts a message", _post_message),
    ("Slack takes the token no more, and the customer reconnects", _reconnect),
    ("Somebody leaves, and the product disconnects", _offboard),
)
