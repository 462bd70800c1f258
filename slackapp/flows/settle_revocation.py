"""An uninstall or a revocation that Slack reports: erase exactly what it names, and only if it is meant.

Events come late, twice and in any order, and a customer may have installed again meanwhile. The event's time against
the time of the grant decides where it can. Where it cannot, the tenant is not used until Slack has been asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slackapp.checks.lifecycle import Revocation, Verdict, judge_time, parse_revocation, read_revocation
from slackapp.errors import Refusal, Refused, SlackCallError, SlackErrorKind
from slackapp.flows import purge_tenant, trail, use_token
from slackapp.model import InboxRow, Installation, Origin, Tenant, Token
from slackapp.ports import App
from slackapp.store import inbox, installations, tokens
from slackapp.store.inbox import Arrival

_ASK_AGAIN = 15
_LATER = (Refusal.TOKEN_UNAVAILABLE, Refusal.KEY_UNAVAILABLE, Refusal.KEY_REVOKED)
_USABLE = frozenset({"active", "suspect", "needs_reinstall"})


@dataclass(frozen=True)
class _Judged:
    """The users ("" is the bot) whose tokens are to go, and those about whom Slack is to be asked."""

    act: tuple[str, ...]
    ask: tuple[str, ...]


def receive(app: App, arrival: Arrival, event: Mapping[str, Any], origin: Origin, now: int) -> str:
    """Inside the request: the effect, or the suspicion, in one transaction with the inbox row. Returns the outcome.

    No key is needed, so that a tenant whose key is lost or withdrawn can be erased all the same.
    """
    revocation = read_revocation(arrival.type, event)
    # claim: C-49
    with app.db.transaction():
        installation = installations.find(app.db, arrival.tenant)
        if installation is None or installation.status == "purging":
            return "unknown"
        # claim: C-47
        if inbox.is_known(app.db, arrival.tenant, arrival.event_id):
            return "repeat"
        judged = _judge(app, installation, revocation, arrival.event_time)
        outcome = "suspect" if judged.ask else "erased" if judged.act else "ignored"
        state = "ready" if judged.ask else "done"
        inbox.receive_lifecycle(app.db, arrival, str(revocation), state, outcome, now)
        if judged.ask:
            # claim: C-61
            installations.set_status(app.db, arrival.tenant, "active", "suspect")
        trail.note(app, arrival.type, arrival.tenant, origin, outcome, f"event={arrival.event_id}", now)
        purged = bool(judged.act) and _erase(app, arrival.tenant, revocation.everything, judged.act, origin, now)
    if purged:
        _removed(app, arrival.tenant)
    app.wake_worker()
    return outcome


def settle(app: App, row: InboxRow, now: int) -> None:
    """In the worker: asks Slack about what could not be decided by time, outside any transaction."""
    origin = Origin("worker", row.event_id)
    revocation = parse_revocation(row.named)
    before = installations.find(app.db, row.tenant)
    asked = [token.user_id for token in tokens.of_tenant(app.db, row.tenant) if revocation.names(token.user_id)]
    answers = {user_id: _is_alive(app, row, user_id, origin) for user_id in asked}
    if any(alive is None for alive in answers.values()):
        inbox.postpone(
            app.db, row, "Slack could not say", now + _wait(row.attempts), forgive=False
        )
        return
    dead = tuple(user_id for user_id, alive in answers.items() if not alive)
    purged = False
    with app.db.transaction():
        after = installations.find(app.db, row.tenant)
        if after is not None and before is not None and after.generation == before.generation:
            # One live token shows that the app is not uninstalled; then only what is dead goes.
            everything = revocation.everything and len(dead) == len(answers)
            purged = bool(dead) and _erase(app, row.tenant, everything, dead, origin, now)
            installations.set_status(app.db, row.tenant, "suspect", "active")
        result = f"dead={len(dead)} alive={len(answers) - len(dead)}"
        inbox.finish(app.db, row, "done", result, now)
        trail.note(app, f"{row.type}.settled", row.tenant, origin, result, f"event={row.event_id}", now)
    if purged:
        _removed(app, row.tenant)


def _removed(app: App, tenant: Tenant) -> None:
    purge_tenant.erased(app, tenant)
    app.metrics.count("slackapp_uninstalls_total", {"by": "slack"})


def _wait(attempts: int) -> int:
    """15 s at first, at most a quarter of an hour."""
    return _ASK_AGAIN * int(2 ** min(attempts - 1, 6))


def _judge(app: App, installation: Installation, revocation: Revocation, event_time: int) -> _Judged:
    named = [token for token in tokens.of_tenant(app.db, installation.tenant) if revocation.names(token.user_id)]
    verdicts = {token.user_id: _verdict(token, installation, revocation, event_time) for token in named}
    return _Judged(
        act=tuple(user_id for user_id, verdict in verdicts.items() if verdict is Verdict.ACT),
        ask=tuple(user_id for user_id, verdict in verdicts.items() if verdict is Verdict.ASK),
    )


def _verdict(token: Token, installation: Installation, revocation: Revocation, event_time: int) -> Verdict:
    verdict = judge_time(event_time, installation.installed_at if revocation.everything else token.granted_at)
    # claim: C-61
    if verdict is Verdict.ACT and not revocation.everything and token.refresh is not None:
        # Slack does not say whether it also reports a rotating token that a refresh has retired, while its successor
        # lives (docs.slack.dev/authentication/using-token-rotation): such a report alone erases nothing.
        return Verdict.ASK
    return verdict


def _erase(app: App, tenant: Tenant, everything: bool, gone: tuple[str, ...], origin: Origin, now: int) -> bool:
    """Inside a transaction. True when nothing was left, so that the whole tenant went."""
    if not everything:
        for user_id in gone:
            tokens.delete(app.db, tenant, user_id)
        if tokens.count(app.db, tenant):
            if "" in gone:
                for status in ("active", "suspect"):
                    installations.set_status(app.db, tenant, status, "needs_reinstall")
            trail.note(app, "tokens.erased", tenant, origin, "ok", f"bot={'' in gone} users={len(gone)}", now)
            return False
    purge_tenant.erase(app, tenant, "app_uninstalled" if everything else "tokens_revoked", origin, now)
    return True


def _is_alive(app: App, row: InboxRow, user_id: str, origin: Origin) -> bool | None:
    """True or False as Slack says; None when it cannot be asked just now."""
    use = use_token.Use(row.tenant, user_id, row.type, _USABLE)
    try:
        use_token.call(app, use, "auth.test", {}, origin, lambda: None)
    except SlackCallError as error:
        if error.kind in (SlackErrorKind.TRANSIENT, SlackErrorKind.RATE):
            return None
        return error.kind is not SlackErrorKind.DEAD  # whatever else Slack says, it knows the token
    except Refused as refused:
        return None if refused.refusal in _LATER else False
    return True
