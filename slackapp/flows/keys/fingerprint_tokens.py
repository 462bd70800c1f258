"""Fingerprints of tokens: keyed hashes by which it is found whose a leaked token is, without its being kept.

Every token gets its own when it is sealed. What was sealed by an older release gets them here, once.
"""

from collections import Counter
from collections.abc import Callable

from slackapp.checks.capabilities import FINGERPRINT
from slackapp.crypto import records
from slackapp.errors import Refused
from slackapp.flows.app import App
from slackapp.flows.audit import notes
from slackapp.flows.keys.tenant_keys import refuse_on_key_error
from slackapp.model import Actor, AuditEntry, AuditEvent, AuditResult, Secret, Token
from slackapp.store import tokens
from slackapp.store.tokens import Fingerprints
from slackapp.vault.secret_reads import TenantOpening, TenantRead

BATCH = 100
"""Tokens that are opened, and written, at a time."""
_PURPOSE = "fingerprint"


def fill(app: App, actor: Actor, progress: Callable[[int, int], None]) -> tuple[int, int]:
    """Gives each token without fingerprints its own: how many got them, and how many did not open.

    May be ended at any time; the next run goes on where this one ended. Raises StoreError.
    """
    total, filled, seen = tokens.count_without_fingerprint(app.db), 0, 0
    last: Token | None = None
    while batch := tokens.list_without_fingerprint(app.db, last, BATCH):
        filled += _fill_batch(app, batch, actor)
        last, seen = batch[-1], seen + len(batch)
        progress(min(seen, total), max(seen, total))
    return filled, seen - filled


def find(app: App, leaked: Secret, actor: Actor) -> tuple[list[Token], int]:
    """Finds whose a token is that somebody holds; that it was asked, and what came of it, is audited.

    Returns also how many tokens have no fingerprint yet, and so are not found.
    """
    found = tokens.find_by_fingerprint(app.db, app.keyring.fingerprint(leaked))
    now = app.clock()
    with app.db.transaction():
        for token in found:
            app.vault.append(notes.token_entry(AuditEvent.TOKEN_FOUND, token, actor, now))
        if not found:
            app.vault.append(AuditEntry(at=now, event=AuditEvent.TOKEN_FOUND, actor=actor, result=AuditResult.NONE))
    return found, tokens.count_without_fingerprint(app.db)


def _fill_batch(app: App, batch: list[Token], actor: Actor) -> int:
    numbers = Counter(token.tenant for token in batch)
    reads = [
        TenantRead(tenant=tenant, capability=FINGERPRINT, purpose=_PURPOSE, actor=actor, count=number)
        for tenant, number in numbers.items()
    ]
    openings = {opening.tenant: opening for opening in app.vault.open_tenants(reads, app.keyring)}
    opened = [(token, _fingerprints(app, openings[token.tenant], token, actor)) for token in batch]
    with app.db.transaction():
        return sum(found is not None and tokens.fill_fingerprints(app.db, token, found) for token, found in opened)


def _fingerprints(app: App, opening: TenantOpening, token: Token, actor: Actor) -> Fingerprints | None:
    """Opens both tokens, and forgets them; None where they do not open."""
    place = token.tenant, token.holder, token.generation
    try:
        with refuse_on_key_error(app, lambda: notes.token_entry(AuditEvent.TOKEN_READ, token, actor, app.clock())):
            access = opening.open(records.access_token_context(*place), token.access)
            refresh = token.refresh and opening.open(records.refresh_token_context(*place), token.refresh)
    except Refused:
        return None
    return Fingerprints(_fingerprint(app, access), _fingerprint(app, refresh) if refresh else None)


def _fingerprint(app: App, opened: bytes) -> bytes:
    return app.keyring.fingerprint(Secret(opened.decode()))
