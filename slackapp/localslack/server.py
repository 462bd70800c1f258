"""`LocalSlack`: the WSGI app, and the handles a test or a developer moves it with.

Everything that changes does so under `lock`; nothing is called over the network, and no fault sleeps, while it
is held.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from slackapp.localslack import accounts, faults, routes, state
from slackapp.localslack.delivery import deliver, events
from slackapp.localslack.model import Delivery, Fault, Json, LocalApp, RecordedCall, SlackToken
from slackapp.localslack.wire import BadRequestError, StartResponse, read, send, text_response

KEPT_CALLS = 100_000
NAMELESS = ("shortcut", "message_action", "interactive_message")
"""Interactions that do not say whose app they are for (docs.slack.dev/interactivity/implementing-shortcuts)."""
"""How many calls and deliveries are remembered."""


class LocalSlack:
    """A Slack for one app, as a WSGI application.

    `base_url` is the origin it is served at; set it once the port is known. `clock` gives Unix seconds,
    `entropy(n)` n random bytes. With `state_file` everything but faults, calls and deliveries outlives a restart.
    `probe(method)` is called before each Web API call is looked at; when it raises, the text goes to `violations`
    and the call is answered with HTTP 500. `reveal_issued` opens `/control/issued.json`.

    Switches, all plain attributes: `token_lifetime` and `grace_seconds` (seconds), `deny_with_state`,
    `require_approval`, `unapproved_scopes`, `used_code_error`, `revoked_error` (what a token answers after
    `auth.revoke` or the two-token limit), `short_pages`, `org_adds_workspaces` (True spares a
    test the page where an enterprise-wide install, which starts in no workspace, is added to some), `org_team_null`,
    `org_install_rules`, `delivery_timeout` (seconds).

    Raises StateFileError when the state file cannot be used.
    """

    def __init__(
        self,
        app: LocalApp,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        base_url: str = "http://127.0.0.1:3001",
        state_file: Path | None = None,
        probe: Callable[[str], None] | None = None,
        reveal_issued: bool = False,
    ) -> None:
        self.app = app
        self.base_url = base_url
        self.clock = clock
        self.entropy = entropy
        self.state_file = state_file
        self.probe = probe
        self.reveal_issued = reveal_issued
        self.token_lifetime = 43_200
        self.grace_seconds = 60.0
        self.delivery_timeout = 3.0
        self.deny_with_state = True
        self.require_approval = False
        self.unapproved_scopes: set[str] = set()
        self.used_code_error = "invalid_code"
        self.revoked_error = "token_revoked"
        self.short_pages = False
        self.org_adds_workspaces = False
        self.org_team_null = False
        self.org_install_rules = False
        self.violations: list[str] = []
        self.lock = threading.RLock()
        self.wake = threading.Event()
        self.faults = faults.Faults()
        self.in_flight: set[int] = set()
        self.tokens_of: defaultdict[str, list[SlackToken]] = defaultdict(list)
        self.delivered: deque[Delivery] = deque(maxlen=KEPT_CALLS)
        self.called: deque[RecordedCall] = deque(maxlen=KEPT_CALLS)
        self.stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.accounts = accounts.builtin_accounts()
        self.state = state.load(state_file) if state_file else state.SlackState()
        for token in self.state.tokens.values():
            self.tokens_of[token.tenant].append(token)
        self._rebuild_accounts()

    # -- requests ------------------------------------------------------------------------------------------

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            response = routes.answer(self, read(environ))
        except BadRequestError as refusal:
            response = text_response(refusal.status, refusal.sentence)
        return send(response, start_response)

    # -- what happens in Slack -----------------------------------------------------------------------------

    def mention(
        self, team_id: str, text: str, user: str | None = None, channel: str | None = None, thread_ts: str | None = None
    ) -> str:
        """Lets a user (default: the plain member) mention the bot (default: in #general); the event id.

        Raises NotInstalled where the app would not be told.
        """
        with self.lock:
            return events.mention(self, team_id, text, user, channel=channel, thread_ts=thread_ts)

    def open_home(self, team_id: str, user: str | None = None, tab: str = "home") -> str:
        """Lets a user open the app's Home tab (`app_home_opened`); the event id. Raises NotInstalled."""
        with self.lock:
            return events.open_home(self, team_id, user, tab)

    def emit(self, team_id: str, event: Json, /, delay: float = 0.0, copies: int = 1, **envelope_overrides: Any) -> str:
        """Queue any event, for any team, installed or not; the event id.

        `envelope_overrides` replace top-level keys; None leaves a key out, `NULL` makes it JSON null. `delay` is in
        seconds; `copies` is how often the same event is delivered.
        """
        with self.lock:
            body = events.envelope(self, team_id, event, envelope_overrides)
            return events.queue(self, body, delay=delay, copies=copies)

    def uninstall(
        self, tenant_id: str, order: Sequence[str] = events.LIFECYCLE, authorizations: bool = False
    ) -> list[str]:
        """Remove the app from a workspace or enterprise: tokens die, the events in `order` are queued; their ids.

        Raises NotInstalled.
        """
        with self.lock:
            return events.uninstall(self, tenant_id, order, authorizations=authorizations)

    def revoke_bot(self, tenant_id: str, app_uninstalled: bool | None = None) -> list[str]:
        """End the bot's tokens; `tokens_revoked` is queued, and `app_uninstalled` too when no token is left.

        `app_uninstalled` True or False decides that by hand. Raises NotInstalled.
        """
        with self.lock:
            return events.revoke(self, tenant_id, "bot", "", app_uninstalled=app_uninstalled)

    def revoke_user(self, tenant_id: str, user_id: str, app_uninstalled: bool | None = None) -> list[str]:
        """End one user's tokens; events as for `revoke_bot`. Raises NotInstalled."""
        with self.lock:
            return events.revoke(self, tenant_id, "user", user_id, app_uninstalled=app_uninstalled)

    def expire_tokens(self, tenant_id: str) -> None:
        """Let every access token of a tenant expire now; refresh tokens stay good."""
        with self.lock:
            for token in self.tokens_of[tenant_id]:
                if not token.dead:
                    token.expires_at = min(token.expires_at or self.clock(), self.clock())
            self.save()

    def invalidate_refresh_tokens(self, tenant_id: str) -> None:
        """Make every refresh token of a tenant invalid; access tokens live to their expiry."""
        with self.lock:
            for refresh in self.state.refreshes.values():
                refresh.dead = refresh.dead or refresh.tenant == tenant_id
            self.save()

    def grant_team(self, enterprise_id: str, team_id: str) -> str:
        """Add a workspace to an enterprise-wide install (`team_access_granted`). Raises NotInstalled."""
        with self.lock:
            return events.change_access(self, enterprise_id, team_id, granted=True)

    def withdraw_team(self, enterprise_id: str, team_id: str) -> str:
        """Take a workspace away from an enterprise-wide install (`team_access_revoked`). Raises NotInstalled."""
        with self.lock:
            return events.change_access(self, enterprise_id, team_id, granted=False)

    def command(
        self, team_id: str, name: str, text: str = "", user: str | None = None, channel: str | None = None
    ) -> str:
        """Lets a user type a slash command; its response_url. Raises NotInstalled."""
        with self.lock:
            return events.command(self, team_id, name, text, user=user, channel=channel)

    def response_url(self, team_id: str, user: str | None = None, channel: str | None = None) -> str:
        """A response_url to put into an interactivity payload (5 posts within 30 minutes). Raises NotInstalled."""
        with self.lock:
            workspace = self.workspaces[team_id]
            install = events.install_for(self, team_id)
            return events.response_url(
                self, install, team_id, channel or workspace.general, user_id=user or workspace.member
            )

    def send_channel_event(self, team_id: str, event: Json) -> str:
        """An event of any type in a workspace, with a time of its own; the event id. Raises NotInstalled."""
        with self.lock:
            events.install_for(self, team_id)
            return events.queue(self, events.envelope(self, team_id, {"ts": self.next_ts(), **event}, {}))

    def interact(self, payload: Json, url: str = "") -> None:
        """Send an interactivity payload (a button, a modal) as Slack does: a form with one field `payload`."""
        with self.lock:
            kind = str(payload.get("type", "interactivity"))
            named = {} if kind in NAMELESS else {"api_app_id": self.app.app_id}
            full = {**named, "token": "legacy-verification-token", **payload}
            events.post_form(self, url or self.app.interactivity_url, {"payload": json.dumps(full)}, kind)

    def ssl_check(self, url: str = "") -> None:
        """Send the occasional `ssl_check` form."""
        with self.lock:
            events.post_form(
                self,
                url or self.app.commands_url,
                {"ssl_check": "1", "token": "legacy-verification-token"},
                "ssl_check",
            )

    def verify_events_url(self) -> Delivery:
        """The `url_verification` handshake, now; `status` 200 and the challenge in `body` mean it went well."""
        challenge = self.entropy(16).hex()
        body = {"token": "legacy-verification-token", "challenge": challenge, "type": "url_verification"}
        return self.send(json.dumps(body).encode())

    def send(
        self,
        body: bytes,
        *,
        url: str = "",
        content_type: str = "application/json",
        timestamp: int | str | None = None,
        secret: str | None = None,
    ) -> Delivery:
        """Post one request to the app now, signed; a given `timestamp` or `secret` makes it a stale or forged one."""
        return deliver.send(
            self, body, url=url or self.app.events_url, content_type=content_type, timestamp=timestamp, secret=secret
        )[0]

    # -- delivery ------------------------------------------------------------------------------------------

    def deliver_due(self) -> list[Delivery]:
        """Make every delivery that is due by the clock, retries included; what was attempted, in order."""
        return deliver.deliver_due(self)

    def start(self) -> None:
        """Deliver in the background until `stop()`."""
        if self._thread is None:
            self.stopping.clear()
            self._thread = threading.Thread(target=self._deliver, name="local-slack-delivery", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the background delivery; what is still due stays in the state file."""
        self.stopping.set()
        self.wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _deliver(self) -> None:
        while not self.stopping.is_set():
            self.wake.clear()
            self.deliver_due()
            self.wake.wait(0.5)

    # -- faults --------------------------------------------------------------------------------------------

    def fault(self, fault: Fault) -> None:
        """Let something go wrong; faults for the same call are used up in the order given."""
        self.faults.add(fault)

    def clear_faults(self) -> None:
        """Forget the faults that have not happened yet."""
        self.faults.clear()

    # -- what can be seen ----------------------------------------------------------------------------------

    @property
    def workspaces(self) -> dict[str, accounts.Workspace]:
        """Workspaces by id."""
        return self.accounts.workspaces

    @property
    def enterprises(self) -> dict[str, accounts.Enterprise]:
        """Enterprises by id."""
        return self.accounts.enterprises

    @property
    def users(self) -> dict[str, accounts.User]:
        """Users by id."""
        return self.accounts.users

    @property
    def issued_tokens(self) -> list[str]:
        """Tokens, refresh tokens, codes, webhook URLs and response_urls ever issued."""
        with self.lock:
            return list(self.state.issued)

    @property
    def calls(self) -> list[RecordedCall]:
        """The Web API calls since the start, oldest first."""
        with self.lock:
            return list(self.called)

    @property
    def deliveries(self) -> list[Delivery]:
        """The delivery attempts since the start, oldest first."""
        with self.lock:
            return list(self.delivered)

    @property
    def installed(self) -> list[str]:
        """The tenant ids the app is installed in."""
        with self.lock:
            return list(self.state.installs)

    def messages(self, team_id: str) -> list[Json]:
        """Lists what the app posted in a workspace, oldest first; what users said is in `conversation`."""
        with self.lock:
            return [dict(message) for message in self.state.messages if message["team"] == team_id]

    def conversation(self, team_id: str) -> list[Json]:
        """Mentions by users and posts by the app in a workspace, oldest first."""
        with self.lock:
            said = [dict(message) for message in self.state.spoken if message["team"] == team_id]
        return sorted(said + self.messages(team_id), key=lambda message: str(message["ts"]))

    def views(self, team_id: str) -> dict[str, Json]:
        """The published Home tabs of a workspace, by user id."""
        with self.lock:
            return dict(self.state.views.get(team_id, {}))

    def add_workspace(self, team_id: str, name: str) -> accounts.Workspace:
        """Adds a workspace outside any enterprise, with three users and three channels."""
        with self.lock:
            self.state.added_workspaces[team_id] = name
            workspace = self.accounts.add_workspace(team_id, name)
            self.save()
            return workspace

    def join_enterprise(self, team_id: str, enterprise_id: str) -> None:
        """Moves a workspace into an enterprise: later payloads carry the enterprise id, installations stay."""
        with self.lock:
            self.state.moved_workspaces[team_id] = enterprise_id
            self._rebuild_accounts()
            if team_id in self.state.installs:
                self.state.installs[team_id].enterprise_id = enterprise_id
            self.save()

    # -- for the modules of this package -------------------------------------------------------------------

    @property
    def bot_name(self) -> str:
        """The bot user's name."""
        return self.app.name.lower().replace(" ", "-")

    def next_serial(self) -> int:
        """A number never used before. Call with `lock` held."""
        self.state.serial += 1
        return self.state.serial

    def next_ts(self) -> str:
        """A unique message timestamp. Call with `lock` held."""
        return f"{int(self.clock())}.{self.next_serial() % 1_000_000:06d}"

    def keep_token(self, token: SlackToken) -> None:
        """Remember a new access token. Call with `lock` held."""
        self.state.tokens[token.value] = token
        self.tokens_of[token.tenant].append(token)

    def save(self) -> None:
        """Write the state file, if there is one. Call with `lock` held, after each change."""
        if self.state_file is not None:
            state.save(self.state_file, self.state)

    def _rebuild_accounts(self) -> None:
        for team_id, name in self.state.added_workspaces.items():
            if team_id not in self.accounts.workspaces:
                self.accounts.add_workspace(team_id, name)
        for team_id, enterprise_id in self.state.moved_workspaces.items():
            self.accounts.move(team_id, enterprise_id)
