"""The brake: while many tenants fail at once, none is given up or erased on the word of Slack's answers.

It stands in the database, so that every process sees it, and the next one, too. It is released by a person, or by those
who failed: when their calls succeed again, and few are left. The rule is `checks/giving_up.py`.
"""

from dataclasses import dataclass

from slackapp.checks import giving_up
from slackapp.flows.app import App
from slackapp.flows.audit import audit_log
from slackapp.model import NO_TENANT, Origin, Tenant, Token
from slackapp.store import answers, installations, meta, tokens


@dataclass(frozen=True)
class Brake:
    """How it stands. `since` is in Unix seconds, 0 while it does not hold; `waiting` are the tenants that it keeps."""

    since: int
    waiting: int
    paused: int


def is_on(app: App) -> bool:
    """Whether it holds. Raises StoreError."""
    return bool(meta.get(app.db, meta.BRAKE_SINCE))


def look(app: App) -> Brake:
    """How it stands, with the number of tokens that pause. Raises StoreError."""
    since = int(meta.get(app.db, meta.BRAKE_SINCE) or 0)
    return Brake(since, answers.count_waiting(app.db), tokens.count_paused(app.db))


def note_failing(app: App, token: Token, origin: Origin, now: int) -> bool:
    """Inside a transaction: counts that Slack has refused this token. Whether the brake holds."""
    holds = is_on(app)
    if not holds:
        answers.forget_old_failing(app.db, now - giving_up.WINDOW, now)
    answers.note_failing(app.db, token, now)
    if holds or _is_released(app, now):
        return holds
    failing = answers.count_failing(app.db, now - giving_up.WINDOW)
    # claim: C-80
    if failing <= giving_up.most_failing(installations.count(app.db)):
        return False
    meta.put(app.db, meta.BRAKE_SINCE, str(now))
    audit_log.note(app, "brake.on", NO_TENANT, origin, "on", f"failing={failing}", now)
    app.log.error("brake_on", {"failing": failing, "mend": "find out why Slack refuses so many; see slackapp brake"})
    return True


def note_served(app: App, tenant: Tenant, origin: Origin, now: int) -> None:
    """Inside a transaction: Slack serves a tenant again that it had refused. The last of them release the brake."""
    if not answers.forget_failing(app.db, tenant) or not is_on(app):
        return
    if answers.count_waiting(app.db) <= giving_up.most_failing(installations.count(app.db)) // 2:
        _off(app, "success", origin, now)
        app.log.info("brake_off", {})


def forget_old(app: App, now: int) -> None:
    """Upkeep: what speaks for or against nobody any more goes; the brake too, where nobody is left whom it keeps.

    Nobody's success could release it then: all who waited have installed again, or were removed. Raises StoreError.
    """
    with app.db.transaction():
        if not is_on(app):
            answers.forget_old_failing(app.db, now - giving_up.WINDOW, now)
        elif not answers.count_waiting(app.db):
            # claim: C-80
            _off(app, "nobody waits", Origin("worker", ""), now)
        answers.forget_old_answered(app.db, now - giving_up.ANSWERED_FOR, now)


def release(app: App, origin: Origin) -> Brake:
    """A person has looked: for an hour what Slack says counts, and everybody is asked about anew. How it stood.

    Raises StoreError.
    """
    now = app.clock()
    with app.db.transaction():
        before = look(app)
        meta.put(app.db, meta.BRAKE_RELEASED_AT, str(now))
        answers.forget_all_failing(app.db)
        tokens.end_pauses(app.db)
        _off(app, "released", origin, now)
    return before


def _off(app: App, why: str, origin: Origin, now: int) -> None:
    meta.put(app.db, meta.BRAKE_SINCE, "")
    audit_log.note(app, "brake.off", NO_TENANT, origin, why, "", now)


def _is_released(app: App, now: int) -> bool:
    at = meta.get(app.db, meta.BRAKE_RELEASED_AT)
    return bool(at) and 0 <= now - int(at or 0) < giving_up.RELEASED_FOR
