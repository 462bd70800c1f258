"""Context of a behaviour, and all that it can do: look, and call Slack as its tenant's bot.

A behaviour is somebody else's code. It gets no token, no database and no other tenant; what it calls is noted first, so
that nothing is repeated unasked.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slackapp.checks.capabilities import BEHAVIOUR
from slackapp.checks.event_user import user_of
from slackapp.checks.installer import require_admin
from slackapp.checks.response_url import is_response_url, response_url_of
from slackapp.checks.scopes import drift
from slackapp.checks.slack_errors import IDEMPOTENT_METHODS
from slackapp.checks.slack_ids import is_channel, is_user
from slackapp.checks.tenant_of import acting_team
from slackapp.errors import Refused, SlackCallError, SlackErrorKind
from slackapp.flows.app import App
from slackapp.flows.removal import uninstall_tenant
from slackapp.flows.tokens import use_token
from slackapp.flows.tokens.count_call import count_call
from slackapp.model import (
    ADMIN,
    BOT,
    ActorKind,
    AuditEntry,
    AuditEvent,
    AuditRecord,
    AuditResult,
    Holder,
    Installation,
    Tenant,
)
from slackapp.store.queue import Run

RESPONSE_SECONDS, MAX_RESPONSES = 1800, 5
"""What Slack takes at a response_url."""
_NOT_A_MEMBER_ERRORS = ("user_not_found", "user_not_visible")
"""What Slack says of somebody who is not of that workspace."""


class EventContext:
    """Context of a behaviour: whom it acts for, and calls to Slack as that tenant's bot; nothing else.

    `run` is None for what is answered within the request itself: then it can look, and whatever would call or write
    raises SlackCallError.
    """

    __slots__ = (
        "_app",
        "_body",
        "_event",
        "_installation",
        "_responses",
        "_run",
    )

    def __init__(self, app: App, run: Run | None, installation: Installation, body: Mapping[str, Any]) -> None:
        self._app = app
        self._run = run
        self._installation = installation
        self._body = body
        self._event = body["event"]
        self._responses = 0

    @property
    def tenant(self) -> Tenant:
        """Tenant it acts for; cannot be set."""
        return self._installation.tenant

    @property
    def bot_user_id(self) -> str:
        """The app's own user there."""
        return self._installation.bot_user_id

    @property
    def installer_id(self) -> str:
        """Id of the user who installed the app there."""
        return self._installation.installer_id

    @property
    def user_id(self) -> str:
        """Id of the user who caused the event; "" where nobody is named, as in a mention by a workflow."""
        return user_of(self._event)

    @property
    def home_admin(self) -> bool:
        """Tells whether admins may remove the app from its Home tab."""
        return self._app.settings.home_admin

    @property
    def public_url(self) -> str:
        """Address of the app's own pages."""
        return self._app.settings.public_url

    @property
    def missing_scopes(self) -> tuple[str, ...]:
        """Scopes that are asked for by now and were not granted there."""
        return drift(self._app.settings.bot_scopes, self._installation.scopes_granted)[0]

    def __getattr__(self, name: str) -> Any:
        """Makes what a circle adds under that name, bound to this run and its tenant. Raises AttributeError."""
        make = None if name.startswith("_") else self._app.context_additions.get(name)
        if make is None:
            raise AttributeError(name)
        return make(self._app, self._require_run(name), self._body)

    def call(self, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Calls a method of the Web API; the answer's fields. Raises SlackCallError and Refused.

        An enterprise-wide token serves many workspaces: the one that the event came from is named to Slack.
        """
        app, run = self._app, self._require_run(method)
        team = acting_team(self._body) if self.tenant.is_enterprise else ""
        told = {name: _without_lone_surrogates(value) for name, value in params.items()}
        fields = {"team_id": team, **told} if team else told
        use = use_token.TokenUse(
            tenant=self.tenant,
            holder=BOT,
            capability=BEHAVIOUR,
            method=method,
            purpose=run.type,
            actor=run.actor,
            channel=fields["channel"] if is_channel(fields.get("channel")) else "",
        )
        return use_token.call(app, use, fields, None if method in IDEMPOTENT_METHODS else run).data

    def respond(self, text: str) -> None:
        """Answers the command or the interaction, seen by its user only. Raises SlackCallError, Refused(FROZEN).

        Slack takes five posts within 30 minutes (docs.slack.dev/interactivity/handling-user-interaction).
        """
        app, run, url = self._app, self._require_run("response_url"), response_url_of(self._event)
        late = app.clock() > run.received_at + RESPONSE_SECONDS
        # claim: C-71
        if late or self._responses == MAX_RESPONSES or not is_response_url(url, app.settings.slack.response_origin):
            raise SlackCallError("response_url", "response_url_over", SlackErrorKind.BAD_REQUEST)
        self._responses += 1
        # claim: C-50
        app.vault.commit_intent(run, "response_url")
        with count_call(app.db, run):
            app.slack.respond(str(url), {"response_type": "ephemeral", "text": text})

    def is_admin(self, user_id: str) -> bool:
        """Tells whether that user is an admin there, as Slack says now; nobody is none.

        Raises SlackCallError, Refused.
        """
        if not is_user(user_id):
            return False
        try:
            answer = self.call("users.info", {"user": user_id})
        except SlackCallError as error:
            if error.code in _NOT_A_MEMBER_ERRORS:
                return False
            raise
        try:
            # claim: C-76
            require_admin(answer, user_id, is_enterprise_install=self.tenant.is_enterprise)
        except Refused:
            return False
        return self._is_member_here(answer["user"])

    def refuse(self, text: str) -> None:
        """Refuses what the user did: notes it in the audit, and tells the user, where Slack takes it.

        By the response_url; where there is none, such as on a Home tab, in the app's own conversation with them, which
        needs `chat:write`. Raises SlackCallError where a repeat may work, and Refused.
        """
        app, run = self._app, self._require_run("refuse")
        entry = AuditEntry(
            at=app.clock(),
            event=AuditEvent.ACTION_REFUSED,
            actor=run.actor,
            tenant=self.tenant,
            holder=Holder.user(self.user_id) if self.user_id else None,
            record_kind=AuditRecord.EVENT,
            record_id=run.event_id,
            purpose=run.type,
            result=AuditResult.REFUSED,
        )
        # claim: C-91
        app.vault.append_committed(entry)
        try:
            if response_url_of(self._event):
                self.respond(text)
            elif self.user_id:
                self.call("chat.postMessage", {"channel": self.user_id, "text": text})
        except SlackCallError as error:
            # Who sends what was never offered may be nobody whom Slack lets us write to: that is no work left to do.
            if error.kind not in (SlackErrorKind.BAD_REQUEST, SlackErrorKind.FORBIDDEN):
                raise

    def remove(self) -> None:
        """Removes the app from there, and erases everything of the tenant, this row's content too."""
        run = self._require_run("remove")
        actor = replace(run.actor, kind=ActorKind.SLACK, id=ADMIN)
        uninstall_tenant.run(self._app, self.tenant, actor, self._app.clock())

    def _require_run(self, method: str) -> Run:
        """Requires the run that calls and their intents are noted on."""
        # claim: C-90
        if self._run is None:
            raise SlackCallError(method, "no_call_in_a_request", SlackErrorKind.BAD_REQUEST)
        return self._run

    def _is_member_here(self, user: Mapping[str, Any]) -> bool:
        """Tells whether the user is of this tenant: in a shared channel there are other companies' admins, too."""
        enterprise, membership = self._installation.enterprise_id, user.get("enterprise_user")
        if user.get("team_id") == self.tenant.id:
            return True
        return bool(enterprise) and isinstance(membership, Mapping) and membership.get("enterprise_id") == enterprise


def _without_lone_surrogates(value: Any) -> Any:
    """Drops lone surrogates, which users' texts may have, and which a form cannot send as UTF-8."""
    if not isinstance(value, str):
        return value
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
