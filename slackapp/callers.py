"""Callers of a route: each function proves one kind of caller and returns the actor, or raises `Refused`.

Who is calling, and what he may see, is decided here and nowhere else. A handler is given the actor.
"""

from slackapp.checks.loopback_client import is_loopback_client
from slackapp.checks.operator_token import verify_operator
from slackapp.checks.slack_signature import verify_signature
from slackapp.flows.app import App
from slackapp.model import Actor, ActorKind, AuditEntry, AuditEvent, AuditRecord
from slackapp.web.request import Request

ON_THIS_MACHINE = "loopback"
"""Id of the operator who has shown no token, and is on this machine."""
MAX_SKEW = 5
"""Seconds that our clock may differ from a signature's time without being shown in `/readyz`."""


def anyone(app: App, request: Request, now: int) -> Actor:
    """Accepts every request without proof."""
    return Actor(ActorKind.ANYONE, request.request_id)


def slack(app: App, request: Request, now: int) -> Actor:
    """Slack, by its signature over the raw body. The only place where it is checked, and before anything is parsed."""
    which = verify_signature(
        request.raw_body,
        request.header_bytes("x-slack-request-timestamp"),
        request.header_bytes("x-slack-signature"),
        app.settings.signing_secrets,
        now=now,
    )
    skew = now - int(request.header("x-slack-request-timestamp"))
    app.health.set_problem("clock against Slack's", f"{skew} s" if abs(skew) > MAX_SKEW else None)
    # While the secret is being changed, this tells when the old one is out of use.
    app.metrics.count("slackapp_signatures_total", {"secret": str(which + 1)})
    actor = Actor(ActorKind.SLACK, request.request_id, str(which + 1))
    if which and app.throttle.allows(AuditEvent.SIGNATURE_OLD_SECRET, now):
        _note_old_secret(app, actor, request.template, now)
    return actor


def _note_old_secret(app: App, actor: Actor, path: str, now: int) -> None:
    """Notes, once a minute at most, that the second of the secrets, which is to go, was used."""
    entry = AuditEntry(at=now, event=AuditEvent.SIGNATURE_OLD_SECRET, actor=actor)
    app.vault.append_committed(entry._replace(record_kind=AuditRecord.ROUTE, record_id=path))


def operator(app: App, request: Request, now: int) -> Actor:
    """Proves the operator by the bearer token."""
    # claim: C-73
    verify_operator(request.header("authorization"), request.raw_query, app.settings.operator_token)
    return Actor(ActorKind.OPERATOR, request.request_id, sees_problems=True)


def operator_or_anyone(app: App, request: Request, now: int) -> Actor:
    """Proves the operator by the bearer token, or by a client on this machine; without either it is anyone.

    Raises Refused for a token that is wrong.
    """
    if request.header("authorization"):
        return operator(app, request, now)
    if is_loopback_client(request.address, request.header("host"), app.settings):
        return Actor(ActorKind.OPERATOR, request.request_id, ON_THIS_MACHINE, sees_problems=True)
    return anyone(app, request, now)


def is_verified(actor: Actor) -> bool:
    """Tells whether something was proved: such a caller's refusals are not limited, and have an audit row each."""
    return actor.kind not in (ActorKind.ANYONE, ActorKind.UNVERIFIED)
