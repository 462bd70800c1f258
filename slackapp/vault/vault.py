"""The vault: the one way to a token, and the one way to write the audit.

Who wants a token says which, by which capability, for which method and purpose, and who asks. The capability is
checked. Then one commit holds the row of the audit and what must be on the disk with it. Only then the token is opened:
no row, no token. The row's own INSERT asks whether the installation is in the status that was just read and allowed,
whether the generation is the one that was looked up, and whether anything is frozen: none of that changes in between.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

from slackapp.checks.capabilities import Capability, require_capability
from slackapp.errors import CapabilityError, Refusal, Refused, StoreError
from slackapp.model import (
    AuditEntry,
    AuditEvent,
    AuditRecord,
    AuditResult,
    Clock,
    Holder,
    InstallationStatus,
    Secret,
    Tenant,
    TokenStatus,
)
from slackapp.store import audit, freezes, installations, meta, queue, tokens
from slackapp.store.engine.database import Database
from slackapp.store.queue import LeaseLostError, Run
from slackapp.vault.keyring import Keyring
from slackapp.vault.secret_reads import (
    Lease,
    LeaseTakenError,
    SecretRead,
    TenantOpening,
    TenantRead,
    TokenRead,
    TokenReplacedError,
    refusal_of,
)

_TRIES = 3
"""How often it is tried while the installation's status changes under our hands."""
_RETRY_CHANGED = 1
"""Seconds after which to try again."""
_BATCH_TENANTS = 100
"""Rows of the audit that are written in one transaction."""


FindConnection = Callable[[Database, Tenant, Holder | None], tuple[str, str] | None]
"""Finds for whom a circle keeps a token: the organization, and its connection; None where it is nobody's."""


class _ConditionError(Exception):
    """Condition that did not hold: no row is kept."""


@dataclass(frozen=True)
class Vault:
    """Keys of one database, with the audit of their use.

    `events` are the sets of events that may be written, `capabilities` those that are registered, by name. What
    `find_connection` finds stands in the row of each reading, whoever asked for it.
    """

    db: Database
    keyring: Keyring
    clock: Clock
    events: frozenset[type[StrEnum]]
    capabilities: Mapping[str, Capability]
    find_connection: FindConnection = lambda db, tenant, holder: None

    # The audit

    def append(self, entry: AuditEntry) -> None:
        """Adds a row inside the open transaction. Raises TypeError for an event of no registered set."""
        # claim: C-112
        if type(entry.event) not in self.events:
            raise TypeError(f"{entry.event!r} is an event of no registered set")
        audit.append(self.db, entry, self.keyring.audit_mac)

    def append_committed(self, entry: AuditEntry) -> None:
        """Adds a row in a transaction of its own."""
        with self.db.transaction():
            self.append(entry)

    # Secrets

    def read_token(self, read: TokenRead, *, run: Run | None = None, lease: Lease | None = None) -> Secret:
        """Opens a token once its row is on the disk, with the run's intent to call, or the lease.

        Raises Refused: CAPABILITY, FROZEN, what `refusal_of` gives, and TokenReplacedError; LeaseTakenError,
        LeaseLostError; StoreError where the row cannot be written; DecryptError, KeyRevokedError, KeyUnavailableError
        where it does not open.
        """
        _, epoch = self._admit(lambda: (read,), run, lease)
        return self._open(read, epoch)

    def read_secrets(self, find: Callable[[], Sequence[SecretRead]], run: Run | None = None) -> list[Secret]:
        """Opens several secrets of one tenant, for one purpose, in the same way: all with one commit, or none.

        `find` looks them up in the transaction of their rows, which may run again; it may find none. The
        intent of `run` is committed with them.
        """
        reads, epoch = self._admit(find, run, None)
        return [self._open(read, epoch) for read in reads]

    def open_tenants(self, reads: Sequence[TenantRead], keyring: Keyring) -> list[TenantOpening]:
        """Lets all that these tenants have be opened by a keyring, which may be a copy's, frozen or not.

        Raises CapabilityError for a capability that is not made for that, StoreError where the rows cannot be written.
        """
        for read in reads:
            require_capability(read.capability, None, self.capabilities)
            # claim: C-115
            if not self.capabilities[read.capability.name].works_frozen:
                raise CapabilityError(read.capability.name, None)
        # In portions, each its own transaction: nobody waits long for the database, however many tenants there are.
        for start in range(0, len(reads), _BATCH_TENANTS):
            with self.db.transaction():
                for read in reads[start : start + _BATCH_TENANTS]:
                    # claim: C-25
                    self.append(self.make_entry(read))
        return [TenantOpening(read.tenant, keyring) for read in reads]

    # Calls without a secret

    def commit_intent(self, run: Run, method: str) -> None:
        """Commits a run's intent of a call that uses no token. Raises LeaseLostError, Refused(FROZEN), StoreError."""
        try:
            with self.db.transaction():
                # No row of a token's reading asks for it here.
                # claim: C-128
                freezes.require_none(self.db, run.tenant)
                queue.note_intent(self.db, run, self.clock)
        except (StoreError, LeaseLostError):
            run.withdraw_intent()
            raise
        except Refused as refused:
            # claim: C-116
            self._append_refused(_call_entry(run, method, self.clock()), refused)
            raise
        run.confirm_intent()

    # How a reading is admitted

    def _admit(
        self, find: Callable[[], Sequence[SecretRead]], run: Run | None, lease: Lease | None
    ) -> tuple[Sequence[SecretRead], int]:
        """Commits the rows and what belongs to them; a refusal gets a row of its own, without any condition.

        Returns what it has admitted, and the key epoch of that transaction.
        """
        reads: Sequence[SecretRead] = ()
        # The row's own conditions decide: that it is active, as nearly all are, is not looked up before.
        status = InstallationStatus.ACTIVE

        def write() -> int | None:
            nonlocal reads
            reads = find()
            return self._write(reads, status, run, lease)

        try:
            for _ in range(_TRIES):
                try:
                    # claim: C-25, C-26
                    epoch = self.db.commit_in_group(write)
                    if epoch is None:
                        raise _ConditionError  # after the transaction, which was others' too
                except (StoreError, LeaseLostError, _ConditionError) as error:
                    if run is not None:
                        run.withdraw_intent()
                    if not isinstance(error, _ConditionError):
                        raise
                    status = self._refuse_changed(reads)
                else:
                    if run is not None:
                        run.confirm_intent()
                    return reads, epoch
            raise Refused(Refusal.TOKEN_UNAVAILABLE, retry_after=_RETRY_CHANGED)
        except Refused as refused:
            if reads:  # none where the look-up itself refuses
                # claim: C-116
                self._append_refused(self.make_entry(reads[0]), refused)
            raise

    def make_entry(self, read: SecretRead | TenantRead) -> AuditEntry:
        """Makes the row of a reading, with the connection that the token is kept for."""
        entry = read.entry(self.clock())
        found = self.find_connection(self.db, entry.tenant, entry.holder)
        # What somebody does for another organization is not written down as the work of this one.
        # claim: C-361
        if found is None or entry.actor.organization not in (None, found[0]):
            return entry
        return entry._replace(actor=replace(entry.actor, organization=found[0]), connection=found[1])

    def _append_refused(self, use: AuditEntry, refused: Refused) -> None:
        """Adds the row of a use that was refused."""
        entry = use._replace(event=AuditEvent(refused.refusal.audit), result=AuditResult.REFUSED)
        # claim: C-116
        self.append_committed(entry)

    def _write(
        self, reads: Sequence[SecretRead], status: InstallationStatus, run: Run | None, lease: Lease | None
    ) -> int | None:
        """Writes, in a transaction that may be others' too. Returns its key epoch.

        Where a condition does not hold, None if nothing was written; else it raises, which undoes what others wrote.
        """
        for read in reads:
            # claim: C-108
            require_capability(read.capability, read.method, self.capabilities, read.actor.kind)
            # claim: C-40
            if status not in read.statuses:
                return None
        token = reads[0].token if reads else None
        if lease is not None and token is not None:
            steady = self.clock.steady()  # read in the transaction: see `tokens.take_lease`
            # claim: C-41
            if not tokens.take_lease(self.db, token, lease.owner, steady, until=steady + lease.seconds):
                raise LeaseTakenError
        has_written = lease is not None
        for read in reads:
            works_frozen = self.capabilities[read.capability.name].works_frozen
            row = audit.next_row(self.db, self.make_entry(read), self.keyring.audit_mac)
            # claim: C-25
            if not audit.append_read(self.db, row, read.tenant, read.token, status=status, works_frozen=works_frozen):
                if has_written:
                    raise _ConditionError
                return None
            has_written = True
        if run is not None:
            # claim: C-50
            queue.note_intent(self.db, run, self.clock)
        return meta.key_epoch(self.db) if reads else 0

    def _refuse_changed(self, reads: Sequence[SecretRead]) -> InstallationStatus:
        """Finds which condition did not hold. Raises Refused; returns the status where all of them hold again."""
        tenant = reads[0].tenant
        known = self.capabilities[reads[0].capability.name]
        if not known.works_frozen:
            freezes.require_none(self.db, tenant)
        installation = installations.find(self.db, tenant)
        refusal = refusal_of(installation, reads[0].statuses)
        # claim: C-40
        if installation is None or refusal is not None:
            raise Refused(refusal or Refusal.NOT_INSTALLED, tenant=tenant)
        for read in reads:
            current = tokens.find_generation(self.db, read.token) if read.token is not None else None
            if read.token is not None and (current is None or current.status == TokenStatus.DEAD):
                raise TokenReplacedError
            if read.token is not None and not known.works_frozen:
                freezes.require_unfrozen(self.db, read.token)
        return installation.status

    def _open(self, read: SecretRead, epoch: int) -> Secret:
        """Opens what was admitted. Raises DecryptError."""
        plaintext = self.keyring.open_or_reread(read.context, read.sealed(), partial(read.find_again, self.db), epoch)
        return Secret(plaintext.decode())


def _call_entry(run: Run, method: str, now: int) -> AuditEntry:
    """Makes the row of a run's call that uses no token, and that the freeze refuses."""
    return AuditEntry(
        at=now,
        event=AuditEvent.REFUSED_FROZEN,
        actor=run.actor,
        tenant=run.tenant,
        record_kind=AuditRecord.EVENT,
        record_id=run.event_id,
        method=method,
        purpose=run.type,
    )
