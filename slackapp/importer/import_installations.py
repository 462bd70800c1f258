"""Import of another store's installations: sealed, tenant by tenant, and only what is not here already.

Running it twice changes nothing: a token is taken where there is none, or where the source's was issued after ours.
The source is not touched, unless asked for afterwards, and then only where everything is here.

Before a token is stored Slack is asked whose it is. One that Slack says is another's is not taken, and neither is one
about which Slack cannot be asked just now. A dead or expired one is taken: that names nobody else, and a refresh may
bring it back to life, or `slackapp check` find that none does.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from slackapp.errors import DecryptError, KeyMissingError, KeyRevokedError, KeyUnavailableError, StoreError
from slackapp.flows.app import App
from slackapp.flows.install import save_external
from slackapp.importer import foreign_record, verify_owner
from slackapp.importer.foreign_record import RecordError, display_name, text_field
from slackapp.importer.sources import Source, SourceKind, SourcePlace, SourceRecord
from slackapp.model import BOT, Actor, ExternalInstallation, GrantedToken, Holder, HolderKind, Tenant, TokenStatus
from slackapp.store import installations, installers, tokens

TAKEN, ALREADY_HERE = "taken", "already here"
INSTALLED_LATER = "skipped: there was a later install here, without this token"
_SAME = 1e-6
"""Seconds. Bolt rounds the time of an install when it saves it again."""
_NO_KEY = (DecryptError, KeyMissingError, KeyRevokedError, KeyUnavailableError)


class ImportResult(NamedTuple):
    """Result of one record.

    `tenant` is None where the record does not say. `who` is `bot` or a user id; `result` is `taken`, `already here` or
    `skipped: …`.
    """

    record: SourceRecord
    tenant: Tenant | None
    who: str
    result: str

    @property
    def name(self) -> str:
        """Name of the workspace or enterprise, for the operator to find it."""
        return self.tenant.id if self.tenant is not None else _name(self.record)


class EraseResult(NamedTuple):
    """Result of an erasure: the second look, and the tenants erased in the source or left there."""

    reports: list[ImportResult]
    erased: list[str]
    left: list[str]


class _ParsedRecord(NamedTuple):
    """A record that can be taken."""

    record: SourceRecord
    external: ExternalInstallation


def run(app: App, source: Source, actor: Actor) -> list[ImportResult]:
    """Imports what can be imported. Raises CommandError for a source that cannot be read, and StoreError."""
    return _import_all(app, source.records(), actor)


def erase(app: App, source: Source, actor: Actor) -> EraseResult:
    """Erases in the source whatever is here as a whole. Raises CommandError, StoreError.

    Looks once more at what lies there: what came in the meantime is taken, and its workspace left alone.
    """
    records = source.records()
    reports = _import_all(app, records, actor)
    missing = {report.tenant for report in reports if report.result != ALREADY_HERE}
    left = {record.place for record in records if _tenant(app, record) in missing}
    names: dict[SourcePlace, set[str]] = defaultdict(set)
    for record in records:
        names[record.place].add(_name(record))
    erased = source.erase([place for place in names if place not in left])
    lists: tuple[list[str], list[str]] = ([], [])
    for place, found in names.items():
        lists[place not in erased].append(", ".join(sorted(found)))
    return EraseResult(reports, *lists)


def _import_all(app: App, records: Iterable[SourceRecord], actor: Actor) -> list[ImportResult]:
    reports: list[ImportResult] = []
    asking = verify_owner.OwnerCheck(app)
    by_tenant: dict[Tenant, list[SourceRecord]] = defaultdict(list)
    for record in records:
        try:
            by_tenant[_read_tenant(app, record)].append(record)
        except RecordError as error:
            reports.append(ImportResult(record, None, _who(record), f"skipped: {error}"))
    for tenant in sorted(by_tenant):
        reports.extend(_import_tenant(app, tenant, by_tenant[tenant], asking, actor=actor))
    return reports


def _import_tenant(
    app: App, tenant: Tenant, records: Iterable[SourceRecord], asking: verify_owner.OwnerCheck, actor: Actor
) -> list[ImportResult]:
    """Imports one tenant: its newest bot, and every user with the newest token; in order of arrival."""
    reports, now = [], app.clock()
    bots: list[_ParsedRecord] = []
    users: dict[Holder, list[_ParsedRecord]] = defaultdict(list)
    for record in records:
        try:
            read = _ParsedRecord(record, _read(app, tenant, record, now))
        except RecordError as error:
            reports.append(ImportResult(record, tenant, _who(record), f"skipped: {error}"))
            continue
        if read.external.bot is not None:  # SQLAlchemy's store has rows without one, after an install that brought none
            bots.append(read)
        if read.external.holder != BOT:
            users[read.external.holder].append(read)
    newest = []
    if bots:
        read = max(bots, key=lambda read: _issued(read, read.external.bot))
        newest.append(read._replace(external=read.external._replace(holder=BOT, user=None, webhook=None)))
    for reads in users.values():
        # Bolt saves a user without the token where it serves another one meanwhile: the token is in an older record.
        user = max(reads, key=lambda read: _issued(read, read.external.user)).external.user
        read = max(reads, key=lambda read: (read.external.installed_at, read.record.age_order))
        newest.append(read._replace(external=read.external._replace(bot=None, user=user)))
    for read in sorted(
        newest, key=lambda read: (read.external.installed_at, read.external.holder != BOT, read.record.age_order)
    ):
        reports.append(
            ImportResult(
                read.record, tenant, str(read.external.holder), _import_record(app, read, asking, actor, now=now)
            )
        )
    return reports


def _issued(read: _ParsedRecord, token: GrantedToken | None) -> tuple[bool, int, float, bool, int]:
    """The token that was issued last is the greatest.

    Of those that rotate the one that ends last: a record may be saved again with an older one. Who rotates has ceased
    to have others. Of those the one of the last install, then as the source wrote them; bots have a place of their own,
    where those stand that were renewed alone.
    """
    life = token.expires_in if token is not None else None
    installed_at = read.external.installed_at if token is not None else -1.0
    return life is not None, life or 0, installed_at, read.record.kind == SourceKind.BOT, read.record.age_order


def _import_record(app: App, read: _ParsedRecord, asking: verify_owner.OwnerCheck, actor: Actor, now: int) -> str:
    """`now` is when it was counted how long tokens live."""
    result = _compare(app, read, now)
    if result == TAKEN:
        # claim: C-104
        refusal_reason = None if read.record.is_owner_known else asking.refusal_reason(read.external)
        if refusal_reason is not None:
            return f"skipped: {refusal_reason}"
        try:
            save_external.run(app, read.external, actor, read_at=now)
        except _NO_KEY:
            return "skipped: the key of this workspace cannot be had"
        except (ValueError, StoreError) as error:
            return f"skipped: {error}"
    return result


def _compare(app: App, read: _ParsedRecord, now: int) -> str:
    """Decides: take it, or not because ours is as new, or not for a reason."""
    kept = read.external
    granted = kept.bot if kept.holder == BOT else kept.user
    installation = installations.find(app.db, kept.tenant)
    known = installers.find(app.db, kept.tenant, kept.holder)
    stored = tokens.find(app.db, kept.tenant, kept.holder)
    if installation is None:
        return TAKEN
    if read.record.is_owner_known:
        return ALREADY_HERE if stored is not None and stored.status != TokenStatus.DEAD else TAKEN
    if known is None and stored is None:
        last = installers.latest(app.db, kept.tenant) if kept.holder != BOT else None
        return INSTALLED_LATER if last is not None and last.installed_at > kept.installed_at else TAKEN
    later_by = kept.installed_at - (known.installed_at if known is not None else installation.installed_at)
    if later_by < -_SAME:
        return INSTALLED_LATER if granted is not None and stored is None else ALREADY_HERE
    if granted is None:
        return TAKEN if later_by > _SAME else ALREADY_HERE
    if stored is None:
        return TAKEN
    ends = now + granted.expires_in if granted.expires_in is not None else None
    is_later = ends is not None and (stored.expires_at is None or ends > stored.expires_at)
    # A pair that works here is replaced by a later one only: the source may have saved its old one again.
    works = stored.expires_at is not None and stored.status != TokenStatus.DEAD
    return TAKEN if is_later or (later_by > _SAME and not works) else ALREADY_HERE


def _read_tenant(app: App, record: SourceRecord) -> Tenant:
    """Raises RecordError."""
    if record.error is not None:
        raise RecordError(record.error)
    return foreign_record.read_tenant(record.fields, app.settings.app_id)


def _read(app: App, tenant: Tenant, record: SourceRecord, now: int) -> ExternalInstallation:
    """Raises RecordError."""
    fields = record.fields
    custom = foreign_record.read_custom_values(fields)
    is_user = record.kind == SourceKind.INSTALLATION
    return ExternalInstallation(
        tenant=tenant,
        app_id=app.settings.app_id,
        enterprise_id=text_field(fields, "enterprise_id"),
        enterprise_name=display_name(fields, "enterprise_name"),
        team_id=text_field(fields, "team_id"),
        team_name=display_name(fields, "team_name"),
        bot_user_id=foreign_record.read_user_id(fields, "bot_user_id") if fields.get("bot_user_id") else "",
        holder=Holder.user(foreign_record.read_user_id(fields)) if is_user else BOT,
        bot=foreign_record.read_token(fields, HolderKind.BOT, now),
        user=foreign_record.read_token(fields, HolderKind.USER, now) if is_user else None,
        webhook=foreign_record.read_webhook(fields) if is_user else None,
        installed_at=foreign_record.read_time(fields.get("installed_at")) or 0.0,
        details={
            "enterprise_url": text_field(fields, "enterprise_url") or None,
            "token_type": text_field(fields, "token_type") or None,
            "custom_values": custom,
        },
        bot_details={"bot_id": text_field(fields, "bot_id") or None, "custom_values": custom},
    )


def _tenant(app: App, record: SourceRecord) -> Tenant | None:
    try:
        return _read_tenant(app, record)
    except RecordError:
        return None


def _name(record: SourceRecord) -> str:
    """The tenant as the record names it, for the operator to find it."""
    fields = record.fields
    names = ("enterprise_id", "team_id") if fields.get("is_enterprise_install") else ("team_id", "enterprise_id")
    return next((_shown(fields[name]) for name in names if fields.get(name)), "?")


def _who(record: SourceRecord) -> str:
    return "bot" if record.kind == SourceKind.BOT else _shown(record.fields.get("user_id"))


def _shown(value: object) -> str:
    is_plain = isinstance(value, str) and value.isascii() and value.isalnum() and len(value) <= 32
    return str(value) if is_plain else "?"
