"""Brake: while many tenants fail at once, no token is marked dead or erased on the word of Slack's answers.

It stands in the database, so that every process sees it, and the next one, too. It is released by the operator, or by
those who failed: when their calls succeed again, and few are left. The rule is `checks/token_refusals.py`.
"""

from typing import NamedTuple

from slackapp.checks import token_refusals
from slackapp.flows.app import App
from slackapp.model import SCHEDULER, SLACK_PROVIDER, Actor, AuditEntry, AuditEvent, AuditResult, Token
from slackapp.store import installations, meta, tenant_outcomes, tokens


class Brake(NamedTuple):
    """State of the brake.

    `since` is in Unix seconds, 0 while it does not hold; `waiting` are the tenants that it keeps.
    """

    since: int
    waiting: int
    paused: int


def is_on(app: App) -> bool:
    """Tells whether the brake holds. Raises StoreError."""
    return bool(meta.get(app.db, meta.BRAKE_SINCE))


def read_brake(app: App) -> Brake:
    """Reads the state of the brake, with the number of paused tokens. Raises StoreError."""
    since = int(meta.get(app.db, meta.BRAKE_SINCE) or 0)
    return Brake(since, tenant_outcomes.count_waiting(app.db), tokens.count_paused(app.db))


def note_failing(app: App, token: Token, actor: Actor, now: int) -> bool:
    """Notes, inside a transaction, that Slack has refused this token, and tells whether the brake holds.

    What another provider refuses says nothing of Slack, and no brake holds it.
    """
    # claim: C-120
    if token.provider != SLACK_PROVIDER:
        return False
    holds = is_on(app)
    if not holds:
        tenant_outcomes.delete_old_failing(app.db, now - token_refusals.FAILURE_WINDOW, now)
    tenant_outcomes.note_failing(app.db, token, now)
    if holds or _is_released(app, now):
        return holds
    failing = tenant_outcomes.count_failing(app.db, now - token_refusals.FAILURE_WINDOW)
    # claim: C-80
    if failing <= token_refusals.failing_limit(installations.count(app.db)):
        return False
    meta.put(app.db, meta.BRAKE_SINCE, str(now))
    app.vault.append(AuditEntry(at=now, event=AuditEvent.BRAKE_ON, actor=actor, result=AuditResult.ON, count=failing))
    app.log.error("brake_on", {"failing": failing, "action": "find out why Slack refuses so many; see slackapp brake"})
    return True


def note_given_up(app: App, token: Token) -> None:
    """Notes, inside a transaction, that the refused token is dead: nothing of its tenant succeeds again by itself."""
    if token.provider == SLACK_PROVIDER:
        tenant_outcomes.mark_given_up(app.db, token.tenant)


def note_served(app: App, token: Token, actor: Actor, now: int) -> None:
    """Notes, inside a transaction, that Slack serves a tenant again; the last of them releases the brake."""
    # claim: C-120
    if token.provider != SLACK_PROVIDER:
        return
    if not tenant_outcomes.delete_failing(app.db, token.tenant) or not is_on(app):
        return
    if tenant_outcomes.count_waiting(app.db) <= token_refusals.failing_limit(installations.count(app.db)) // 2:
        _switch_off(app, AuditResult.SERVED, actor, now)
        app.log.info("brake_off", {})


def delete_old(app: App, now: int) -> None:
    """Deletes what speaks for or against nobody any more; the brake too, where it keeps nobody.

    Nobody's success could release it then: all who waited have installed again, or were removed. Raises StoreError.
    """
    with app.db.transaction():
        if not is_on(app):
            tenant_outcomes.delete_old_failing(app.db, now - token_refusals.FAILURE_WINDOW, now)
        elif not tenant_outcomes.count_waiting(app.db):
            # claim: C-80
            _switch_off(app, AuditResult.NOBODY_WAITS, SCHEDULER, now)
        tenant_outcomes.delete_old_answered(app.db, now - token_refusals.SUCCESS_WINDOW, now)


def release(app: App, actor: Actor) -> Brake:
    """Releases the brake for an hour: what Slack says counts, and every tenant is asked anew.

    Returns how it stood before. Raises StoreError.
    """
    now = app.clock()
    with app.db.transaction():
        before = read_brake(app)
        meta.put(app.db, meta.BRAKE_RELEASED_AT, str(now))
        tenant_outcomes.delete_all_failing(app.db)
        tokens.clear_pauses(app.db)
        _switch_off(app, AuditResult.RELEASED, actor, now)
    return before


def _switch_off(app: App, why: AuditResult, actor: Actor, now: int) -> None:
    meta.put(app.db, meta.BRAKE_SINCE, "")
    app.vault.append(AuditEntry(at=now, event=AuditEvent.BRAKE_OFF, actor=actor, result=why))


def _is_released(app: App, now: int) -> bool:
    at = meta.get(app.db, meta.BRAKE_RELEASED_AT)
    return bool(at) and 0 <= now - int(at or 0) < token_refusals.RELEASE_SECONDS
