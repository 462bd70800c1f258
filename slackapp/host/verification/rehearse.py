"""Rehearsal of connecting, of disconnecting, and of what goes wrong between, against a local Slack.

A host and a browser ask our own WSGI application, with the settings of this deployment and a database of its own. What
was seen is noted in words, and judged elsewhere. An act that does not come to its end leaves its words out.
"""

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from slackapp.checks.state_token import parse_state, state_hash
from slackapp.flows.app import App
from slackapp.host import keys
from slackapp.host.rows import Connection
from slackapp.host.store import connections
from slackapp.host.verification.judge import BROKEN_OFF, OVERDUE, UNVAULTED
from slackapp.host.verification.wsgi_client import HostClient, WsgiApplication, WsgiBrowser, WsgiClient, WsgiReply
from slackapp.model import BOT, HOST_CALLBACK_PATH, Entropy, Settings
from slackapp.store import tokens

ORGANIZATION, OTHER = "rehearsal", "rehearsal-other"
_STATE_SECONDS = 901
"""More than any state lives."""
_OVERDUE_SECONDS = 600
"""Upkeep ends each minute what is over."""
_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
_NOWHERE = "f" * 24
"""Id of no connection."""


class RehearsalSlack(NamedTuple):
    """Local Slack of a rehearsal.

    `approve` and `deny` do what an admin does on the consent page, and return where the browser is sent. `fail` has
    the next call of a method end in an answer that is none.
    """

    approve: Callable[[str], str]
    deny: Callable[[str], str]
    fail: Callable[[str], None]
    list_secrets: Callable[[], list[str]]
    count_exchanges: Callable[[], int]


class Rehearsal(NamedTuple):
    """Rehearsal of connecting: the service, with one host key; a clock to be moved on; a local Slack."""

    app: App
    wsgi: WsgiApplication
    advance: Callable[[int], None]
    slack: RehearsalSlack


def make_host_key(file: Path, entropy: Entropy) -> None:
    """Makes the file of host keys for a rehearsal. Raises CommandError."""
    keys.create_host_keys(file, entropy)


def read_host_key(settings: Settings) -> tuple[str, bytes]:
    """Reads that key, with its id. Raises ConfigError."""
    (key,) = keys.read_host_keys(settings).items()
    return key


def run(rehearsal: Rehearsal) -> dict[str, str]:
    """Plays all acts, in order; returns what was seen, each under its own words."""
    play = _Play(rehearsal)
    for act in (play.refuse, play.deny, play.lose_answer, play.connect, play.use, play.keep_apart, play.end, play.wait):
        try:
            act()
        except Exception as error:  # noqa: BLE001  (whatever is wrong with the service, the other acts are played)
            play.seen[BROKEN_OFF] = type(error).__name__
    play.look_for_secrets()
    return play.seen


def find_wrong_rows(app: App, now: int) -> dict[str, str]:
    """Looks for what should not be among the rows of a database that serves."""
    return {
        OVERDUE: str(connections.count_overdue(app.db, now - _OVERDUE_SECONDS)),
        UNVAULTED: str(connections.count_unvaulted(app.db)),
    }


class _Play:
    """Acts of a rehearsal, each of which notes what it has seen."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.seen: dict[str, str] = {}
        self._rehearsal = rehearsal
        self._app = rehearsal.app
        self._client = WsgiClient(rehearsal.wsgi, rehearsal.app.settings.public_url)
        key = read_host_key(rehearsal.app.settings)
        self._host = HostClient(self._client, key, rehearsal.app.clock, rehearsal.app.entropy)
        self._browser = WsgiBrowser(self._client)

    # Acts

    def refuse(self) -> None:
        """Begins, and comes back in ways that are refused; then asks for what is not there."""
        address, attempt = self._begin()
        query = dict(parse_qsl(urlsplit(address).query))
        state, now = query["state"], self._app.clock()
        self.seen["client id of the address"] = query["client_id"]
        self.seen["scopes of the address"] = query["scope"]
        self.seen["way back of the address"] = query["redirect_uri"]
        self.seen["consent page of the address"] = address.partition("?")[0]
        lasts = (attempt.oauth_expires_at or 0) - now
        self.seen["a state lasts fifteen minutes at most"] = _yes(0 < lasts <= 900)
        is_hashed = attempt.state_hash == state_hash(parse_state(state).random)
        self.seen["a state is kept as its hash"] = _yes(is_hashed)
        forged = state[:-1] + ("A" if state[-1] != "A" else "B")
        for what, fields in (
            ("nothing", {}),
            ("a state and no code", {"state": state}),
            ("a code and an error", {"state": state, "code": "rehearsal", "error": "access_denied"}),
            ("a forged state", {"state": forged, "code": "rehearsal"}),
        ):
            self.seen[f"a way back with {what}"] = self._told(urlencode(fields))
        self.seen["an attempt after that"] = self._find(attempt.id).status
        self.seen["disconnecting nothing"] = _code(self._host.call("DELETE", "slack/integration", ORGANIZATION))
        missing = self._host.call("GET", f"slack/integration?connectionId={_NOWHERE}", ORGANIZATION)
        self.seen["a connection that is not there"] = _code(missing)

    def deny(self) -> None:
        """Declines on Slack's page."""
        address, attempt = self._begin()
        self.seen["declined at Slack"] = self._told(urlsplit(self._rehearsal.slack.deny(address)).query)
        self.seen["metadata of a declined attempt"] = _kept(self._find(attempt.id).oauth_metadata)

    def lose_answer(self) -> None:
        """Approves, and Slack's answer to the exchange is no answer."""
        address, _ = self._begin()
        location = self._rehearsal.slack.approve(address)
        self._rehearsal.slack.fail("oauth.v2.access")
        self.seen["an exchange without an answer"] = self._told(urlsplit(location).query)

    def connect(self) -> None:
        """Approves, comes back, and confirms as the member who began."""
        address, attempt = self._begin()
        before = self._rehearsal.slack.count_exchanges()
        query = urlsplit(self._rehearsal.slack.approve(address)).query
        reply = self._browser.get(f"{HOST_CALLBACK_PATH}?{query}")
        self.seen["exchanges for one code"] = str(self._rehearsal.slack.count_exchanges() - before)
        self.seen["granted, and not confirmed"] = self._find(attempt.id).status
        settings = self._app.settings
        self.seen["the way to confirm"] = _yes(reply.location == settings.host_url + settings.host_complete_path)
        self._sign_in()
        page = self._browser.get("/settings/connect")
        done = self._browser.post("/settings/connect", dict(_FIELD.findall(page.text)), settings.public_url)
        self.seen["confirmed"] = _query_of(html.unescape(done.text)).get("status", "nothing")
        connection = self._find(attempt.id)
        self.seen["a connection that was confirmed"] = connection.status
        self.seen["metadata of a connection"] = _kept(connection.oauth_metadata)
        tenant = connection.tenant
        stored = tokens.find(self._app.db, tenant, BOT) if tenant is not None else None
        self.seen["its token is in the vault"] = _yes(stored is not None)
        self.seen["the same state again"] = self._told(query)
        self._connection_id = attempt.id

    def use(self) -> None:
        """Asks for it, and has Slack fail."""
        shown = self._host.call("GET", "slack/integration", ORGANIZATION).json["integration"]
        self.seen["what the organization is shown"] = shown["status"]
        self._rehearsal.slack.fail("auth.test")
        self.seen["a call without an answer"] = _code(self._host.call("POST", "slack/integration/test", ORGANIZATION))

    def keep_apart(self) -> None:
        """Asks for it as another organization, and connects it a second time."""
        by_id = f"slack/integration?connectionId={self._connection_id}"
        other = self._host.call("GET", "slack/integration", OTHER).json
        self.seen["what another organization is shown"] = str(other.get("integration", "nothing")).lower()
        self.seen["the same by its id"] = _code(self._host.call("GET", by_id, OTHER))
        self.seen["disconnected by another organization"] = _code(self._host.call("DELETE", by_id, OTHER))
        address, _ = self._begin(OTHER)
        self.seen["connected by another organization"] = self._told(
            urlsplit(self._rehearsal.slack.approve(address)).query, OTHER
        )
        self.seen["connected twice"] = self._begin_twice()

    def end(self) -> None:
        """Disconnects it."""
        by_id = f"slack/integration?connectionId={self._connection_id}"
        reply = self._host.call("DELETE", "slack/integration", ORGANIZATION)
        self.seen["disconnected"] = str(reply.status)
        shown = self._host.call("GET", "slack/integration", ORGANIZATION).json
        self.seen["shown after that"] = str(shown.get("integration", "nothing")).lower()
        self.seen["by its id after that"] = _code(self._host.call("GET", by_id, ORGANIZATION))
        self.seen["its channels after that"] = _code(self._host.call("GET", "slack/channels", ORGANIZATION))

    def wait(self) -> None:
        """Begins, and comes back too late."""
        address, attempt = self._begin()
        location = self._rehearsal.slack.approve(address)
        self._rehearsal.advance(_STATE_SECONDS)
        self.seen["a way back that is late"] = self._told(urlsplit(location).query)
        self.seen["a late attempt"] = _yes(self._find(attempt.id).token_vault_key is None)

    def look_for_secrets(self) -> None:
        """Looks for what Slack has issued, in answers and on the disk."""
        secrets = [each for each in self._rehearsal.slack.list_secrets() if each]
        self.seen["secrets were issued"] = _yes(bool(secrets))
        told = "\n".join(self._client.answers)
        self.seen["answers with a token"] = str(sum(secret in told for secret in secrets))
        database = self._app.settings.database
        written = b"".join(file.read_bytes() for file in sorted(database.parent.glob(f"{database.name}*")))
        self.seen["tokens in clear on the disk"] = str(sum(secret.encode() in written for secret in secrets))

    # Their parts

    def _begin(self, organization: str = ORGANIZATION) -> tuple[str, Connection]:
        reply = self._host.call("POST", "slack/auth", organization, {"metadata": {"source": "doctor"}})
        found = connections.find(self._app.db, organization, reply.json["connectionId"])
        if found is None:
            raise LookupError
        return reply.json["authUrl"], found

    def _begin_twice(self) -> str:
        """A workspace that the organization has, where it may have one: begun again, and no reconnect."""
        if self._app.settings.host_workspaces > 1:
            return "INTEGRATION_EXISTS"  # its one connection of a workspace is brought back: nothing is doubled
        return _code(self._host.call("POST", "slack/auth", ORGANIZATION, {}))

    def _find(self, connection_id: str) -> Connection:
        found = connections.find(self._app.db, ORGANIZATION, connection_id)
        if found is None:
            raise LookupError
        return found

    def _sign_in(self) -> None:
        ticket = self._host.issue_ticket(ORGANIZATION)
        self._browser.post("/settings/session", {"ticket": ticket}, self._app.settings.host_url)

    def _told(self, query: str, organization: str = ORGANIZATION) -> str:
        """Comes back with that query; returns what the host is told, or the status of a page."""
        browser = self._browser if organization == ORGANIZATION else WsgiBrowser(self._client)
        reply = browser.get(f"{HOST_CALLBACK_PATH}?{query}")
        told = _query_of(reply.location)
        return told.get("error") or told.get("status") or str(reply.status)


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _kept(sealed: object) -> str:
    return "kept" if sealed is not None else "gone"


def _code(reply: WsgiReply) -> str:
    """The code of a refusal with its status, or the status."""
    code = reply.json.get("code", "")
    return f"{reply.status} {code}".strip()


def _query_of(address: str) -> dict[str, str]:
    found = re.search(r"\?((?:[\w.~%+-]+=[\w.~%+-]*&?)+)", address)
    return dict(parse_qsl(found[1])) if found is not None else {}
