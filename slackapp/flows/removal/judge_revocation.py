"""An uninstall or a revocation that Slack reports: erase exactly what it names, and only if it is meant.

Events come late, twice and in any order, and a customer may have installed again meanwhile. The event's time against
the time of the grant decides where it can. Where it cannot, the tenant is not used until Slack has been asked, and only
a token that died by a clear word of Slack goes.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from slackapp.checks import token_owner
from slackapp.checks.capabilities import VALIDATE
from slackapp.checks.lifecycle import Revocation, TimeVerdict, judge_by_time, parse_stored_revocation, read_revocation
from slackapp.checks.token_refusals import confirms_uninstall
from slackapp.errors import Refusal, Refused, SlackCallError, SlackErrorKind
from slackapp.flows import tenant_data
from slackapp.flows.app import App
from slackapp.flows.removal import end_holder, purge_tenant
from slackapp.flows.tokens import brake, use_token
from slackapp.model import (
    BOT,
    STATUSES_IN_USE,
    Actor,
    ActorKind,
    AuditDetail,
    AuditEntry,
    AuditEvent,
    AuditRecord,
    EventOutcome,
    Holder,
    Installation,
    InstallationStatus,
    QueueState,
    Tenant,
    Token,
    TokenStatus,
)
from slackapp.store import data_keys, freezes, inbox, installations, queue, tokens
from slackapp.store.inbox import IncomingEvent
from slackapp.store.queue import Run

_REPORTED = {"app_uninstalled": AuditEvent.APP_UNINSTALLED, "tokens_revoked": AuditEvent.TOKENS_REVOKED}
_SETTLED = {
    "app_uninstalled": AuditEvent.APP_UNINSTALLED_SETTLED,
    "tokens_revoked": AuditEvent.TOKENS_REVOKED_SETTLED,
}
_ASK_AGAIN = 15
_LATER = (Refusal.FROZEN, Refusal.TOKEN_UNAVAILABLE, Refusal.KEY_UNAVAILABLE, Refusal.KEY_REVOKED)
_UNDECIDED_KINDS = (SlackErrorKind.TRANSIENT, SlackErrorKind.RATE_LIMITED, SlackErrorKind.UNCERTAIN)


class _Decision(NamedTuple):
    """Decision: whether the whole tenant goes, else whose tokens, and whether Slack is asked."""

    whole: bool
    act: tuple[Holder, ...]
    ask: bool


def receive(app: App, arrival: IncomingEvent, event: Mapping[str, Any], actor: Actor, now: int) -> EventOutcome:
    """Stores a lifecycle event with its effect, or the suspicion, in one transaction with the inbox row.

    Returns the outcome. No key is needed, so that a tenant whose key is lost or withdrawn can be erased all the same.
    """
    revocation = read_revocation(arrival.type, event)
    # claim: C-49
    with app.db.transaction():
        installation = installations.find(app.db, arrival.tenant)
        if installation is None or installation.status == InstallationStatus.PURGING:
            return EventOutcome.UNKNOWN
        # claim: C-47
        if queue.is_known(app.db, inbox.QUEUE, arrival.tenant, arrival.event_id):
            return EventOutcome.REPEAT
        judged = _judge(app, installation, revocation, arrival.event_time, now=now)
        erases = judged.whole or bool(judged.act)
        outcome = EventOutcome.SUSPECT if judged.ask else EventOutcome.ERASED if erases else EventOutcome.IGNORED
        state = QueueState.READY if judged.ask else QueueState.DONE
        inbox.add_lifecycle_event(app.db, arrival, str(revocation), state=state, result=outcome, now=now)
        if judged.ask:
            # claim: C-61
            tenant_data.set_status(app, arrival.tenant, InstallationStatus.ACTIVE, InstallationStatus.SUSPECT)
        entry = AuditEntry(at=now, event=_REPORTED[arrival.type], actor=actor, tenant=arrival.tenant, result=outcome)
        app.vault.append(entry._replace(record_kind=AuditRecord.EVENT, record_id=arrival.event_id))
        purged = erases and _erase(app, arrival.tenant, revocation.everything, judged.act, actor=actor, now=now)
    if purged:
        _after_removal(app, arrival.tenant)
    app.wake_worker()
    return outcome


def ask_slack(app: App, row: Run, now: int) -> None:
    """Asks Slack about what time could not decide; in the worker, outside any transaction."""
    if freezes.find(app.db, row.tenant) is not None:
        queue.postpone(app.db, row, "frozen", now=now, wait=_ASK_AGAIN, refund_attempt=True)
        return
    actor = row.actor
    revocation = parse_stored_revocation(row.named)
    before = installations.find(app.db, row.tenant)
    # Of one that is dead all has been said; where its tenant is suspended, it could not be asked with for ever.
    living = [token for token in _named_tokens(app, row.tenant, revocation) if token.status != TokenStatus.DEAD]
    said = [_slack_has_answered(app, row, token.holder, actor) for token in living]
    if not all(said):
        _postpone(app, row, "Slack could not say", now)
        return
    purged = False
    with app.db.transaction():
        after = installations.find(app.db, row.tenant)
        # As it stands now: a token that was replaced since Slack was asked is not dead.
        named = _named_tokens(app, row.tenant, revocation)
        dead = tuple(token.holder for token in named if confirms_uninstall(token))
        # claim: C-80
        if dead and brake.is_on(app):
            _postpone(app, row, "the brake is on", now)
            return
        if after is not None and before is not None and after.generation == before.generation:
            # One live token shows that the app is not uninstalled; then only what is dead goes.
            everything = revocation.everything and len(dead) == len(named)
            gone = bool(dead) or (everything and _is_later(row.event_time, after, now))
            purged = gone and _erase(app, row.tenant, everything, dead, actor=actor, now=now)
            if not purged:
                _end_suspicion(app, row.tenant)
        result = f"dead={len(dead)} alive={len(named) - len(dead)}"
        queue.finish(app.db, row, QueueState.DONE, result, now=now)
        app.vault.append(
            AuditEntry(
                at=now,
                event=_SETTLED[row.type],
                actor=actor,
                tenant=row.tenant,
                record_kind=AuditRecord.EVENT,
                record_id=row.event_id,
                count=len(dead),
                detail=AuditDetail.SOME_ALIVE if len(dead) < len(named) else None,
            )
        )
    if purged:
        _after_removal(app, row.tenant)


def _named_tokens(app: App, tenant: Tenant, revocation: Revocation) -> list[Token]:
    """Lists the tokens that are named: by what they are of, and those that connections of the named users hold."""
    # claim: C-341
    connected = tenant_data.find_holders(app, tenant, revocation.users)
    stored = tokens.list_by_tenant(app.db, tenant)
    return [token for token in stored if revocation.covers(token.holder) or token.holder in connected]


def _postpone(app: App, row: Run, why: str, now: int) -> None:
    queue.postpone(app.db, row, why, now=now, wait=_wait(row.attempts))


def _end_suspicion(app: App, tenant: Tenant) -> None:
    bot = tokens.find(app.db, tenant, BOT)
    if bot is not None and bot.status == TokenStatus.DEAD:  # dead, but not by a word that erases
        tenant_data.set_status(
            app, tenant, InstallationStatus.SUSPECT, InstallationStatus.NEEDS_REINSTALL, reason=bot.reason
        )
    tenant_data.set_status(app, tenant, InstallationStatus.SUSPECT, InstallationStatus.ACTIVE)


def _after_removal(app: App, tenant: Tenant) -> None:
    purge_tenant.evict(app, tenant)
    app.metrics.count("slackapp_uninstalls_total", {"by": ActorKind.SLACK})


def _wait(attempts: int) -> int:
    """Computes the wait: 15 s at first, at most a quarter of an hour."""
    return _ASK_AGAIN * int(2 ** min(attempts - 1, 6))


def _judge(app: App, installation: Installation, revocation: Revocation, event_time: int, now: int) -> _Decision:
    """An uninstall is about the installation, whatever tokens it has; a revocation is about each token it names."""
    stored = tokens.list_by_tenant(app.db, installation.tenant)
    is_of_our_bot = revocation.bot and not revocation.covers_another_bot(installation.bot_user_id)
    if revocation.everything or (not stored and is_of_our_bot):
        can_ask = any(token.status != TokenStatus.DEAD or confirms_uninstall(token) for token in stored)
        # claim: C-82
        verdict = judge_by_time(event_time, installation.installed_at, now, can_ask)
        return _Decision(verdict is TimeVerdict.ACT, (), verdict is TimeVerdict.ASK)
    named = _named_tokens(app, installation.tenant, revocation)
    verdicts = {token.holder: _verdict(token, installation, revocation, event_time, now=now) for token in named}
    act = tuple(holder for holder, verdict in verdicts.items() if verdict is TimeVerdict.ACT)
    return _Decision(False, act, TimeVerdict.ASK in verdicts.values())


def _is_later(event_time: int, installation: Installation, now: int) -> bool:
    """Tells by the two times whether it is meant, where no token is left that Slack could be asked with."""
    # claim: C-82
    return judge_by_time(event_time, installation.installed_at, now, can_ask=False) is TimeVerdict.ACT


def _verdict(
    token: Token, installation: Installation, revocation: Revocation, event_time: int, now: int
) -> TimeVerdict:
    verdict = judge_by_time(event_time, token.granted_at, now)
    # claim: C-82
    is_anothers = token.holder == BOT and revocation.covers_another_bot(installation.bot_user_id)
    # claim: C-61
    if verdict is TimeVerdict.ACT and (token.refresh is not None or is_anothers):
        # Slack does not say whether it also reports a rotating token that a refresh has retired, while its successor
        # lives (docs.slack.dev/authentication/using-token-rotation): such a report alone erases nothing. Nor does one
        # of a bot that is not known to be ours.
        return TimeVerdict.ASK
    return verdict


def _erase(app: App, tenant: Tenant, everything: bool, gone: tuple[Holder, ...], actor: Actor, now: int) -> bool:
    """Erases what is named, inside a transaction. True when nothing was left, so that the whole tenant went."""
    if not everything:
        for token in tokens.list_by_tenant(app.db, tenant):
            if token.holder in gone:
                _delete(app, token, now)
        if tokens.count(app.db, tenant):
            if BOT in gone:
                for status in (InstallationStatus.ACTIVE, InstallationStatus.SUSPECT):
                    tenant_data.set_status(app, tenant, status, InstallationStatus.NEEDS_REINSTALL)
            for holder in gone:
                app.vault.append(
                    AuditEntry(at=now, event=AuditEvent.TOKENS_ERASED, actor=actor, tenant=tenant, holder=holder)
                )
            return False
    reason = AuditDetail.APP_UNINSTALLED if everything else AuditDetail.TOKENS_REVOKED
    purge_tenant.erase(app, tenant, reason=reason, actor=actor, now=now)
    return True


def _delete(app: App, token: Token, now: int) -> None:
    """Deletes a token, with the keys that its holder has for itself."""
    tokens.delete(app.db, token.tenant, token.holder)
    # claim: C-341
    if data_keys.delete_of_holder(app.db, token.tenant, token.holder):
        end_holder.add_traces(app, token.tenant, now)
    tenant_data.note_end(app, token, None)


def _slack_has_answered(app: App, row: Run, holder: Holder, actor: Actor) -> bool:
    """Tells whether Slack answers just now: then the token serves, or was marked dead for it."""
    use = use_token.TokenUse(
        tenant=row.tenant,
        holder=holder,
        capability=VALIDATE,
        method=token_owner.AUTH_TEST,
        purpose=row.type,
        actor=actor,
        statuses=STATUSES_IN_USE,
        ignore_pause=True,
    )
    try:
        use_token.call(app, use, {})
    except SlackCallError as error:
        return error.kind not in _UNDECIDED_KINDS
    except Refused as refused:
        return refused.refusal not in _LATER
    return True
