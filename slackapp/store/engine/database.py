"""The contract of the engine: all that a store, the vault or a flow may rely on.

Whoever uses it knows names of statements and their parameters, and nothing else: no path, no file, no log, no type and
no error of the engine. Read-then-write has one place, `transaction()`; what may share a commit with others has another,
`commit_in_group()`; and a statement that writes outside the first says in its third line, `-- alone: …`, why it may.

What it raises is ours: StoreBusyError where trying again helps, StoreFullError where nothing can be written,
StoreDamagedError where a backup is needed. A constraint that refuses a row is its caller's mistake, and never caught
inside a transaction.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Parameters = Mapping[str, Any]
"""Values by the name of their parameter. One name has one type, in every statement."""


class Residue(StrEnum):
    """Residue of deleted rows beside the database itself, and what keeps it for a while yet."""

    LOG = "a reader holds the write-ahead log"
    COPIES = "a backup or a restore is under way"

    @property
    def place(self) -> str:
        """The place where it is, as the operator is told."""
        return _PLACES[self]


_PLACES = {
    Residue.LOG: "write-ahead log not emptied",
    Residue.COPIES: "working copies with their keys inside",
}


class Row(Protocol):
    """A row of a statement, by the names of its columns."""

    def __getitem__(self, name: str, /) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...

    def keys(self) -> Sequence[str]:
        """The names of the columns, in their order."""


class Database(Protocol):
    """The database of one deployment, which threads and processes share."""

    def one(self, name: str, parameters: Parameters) -> Row | None:
        """Runs a `:one` statement: its row, or None."""

    def many(self, name: str, parameters: Parameters) -> Sequence[Row]:
        """Runs a `:many` statement: its rows."""

    def execute(self, name: str, parameters: Parameters) -> int:
        """Runs an `:exec` statement, in a transaction of its own where none is open; the number of rows it changed."""

    def transaction(self) -> AbstractContextManager[None]:
        """Commits everything inside together, or nothing of it. Alone: no other one of any process runs meanwhile.

        So what is read inside is still so when it is written by, and what reads and then writes what it read belongs in
        one. On the disk when it ends. Not nested; no call to Slack inside.
        """

    def commit_in_group(self, do: Callable[[], T], durable: bool = True) -> T:
        """Runs `do` in a transaction that other threads' work may share, and returns once that is on the disk.

        `do` may hold compare-and-swap updates, inserts judged by their number of rows, and audit rows; nothing else.
        What it reads, by look-ups, is as if read before: beside it another process may write. It may run in another
        thread, and twice. What it raises is raised here, and then nothing of it was written. `durable=False` is for
        what a power failure may undo: it returns before it is on the disk. A killed process loses nothing of it, and
        what is flushed later is never kept without it.
        """

    def defer(self, do: Callable[[], object]) -> None:
        """Leaves work to the next `commit_in_group` of anybody, and waits for nothing: a kill may undo it.

        `do` may hold what such a commit may. Where it cannot be written it waits for the one after that.
        """

    def write_deferred(self) -> None:
        """Writes what was left, as with `durable=False`, where no commit has come since. Raises StoreError."""

    def in_transaction(self) -> bool:
        """Tells whether this thread has a transaction open."""

    def create_or_migrate(self) -> None:
        """Makes what is not there, and brings the schema up to date. Several processes may do so. Raises ConfigError.

        Until it is closed, or this process ends, nobody loads another database in its place.
        """

    def exists(self) -> bool:
        """Tells whether there is a database, without making one."""

    def needs_check(self) -> bool:
        """Tells whether it was not closed cleanly, or was found damaged, and has not been found sound since."""

    def is_sound(self, thorough: bool) -> bool:
        """Checks what is stored; thorough: every row, and every reference, which may take minutes.

        What is not sound `needs_check`, in this process and in the next.
        """

    def maintenance_lock(self) -> AbstractContextManager[None]:
        """Lets one process through at a time, for what changes more than the database, such as the key file."""

    def working_folder(self) -> AbstractContextManager[Path]:
        """Opens a private folder for copies with keys inside; one process at a time, under the maintenance lock.

        It is empty, goes at the end, and while it is there `erase_residue` says so.
        """

    def copy_to(self, target: Path) -> None:
        """Copies every row, and nothing that was deleted, to a new private file, while others read and write.

        The file is an SQLite database, whatever the engine: `open_database` opens it, and `load_from` takes it.
        """

    def load_from(self, source: Path, verify: Callable[[], None]) -> None:
        """Puts what is in such a file in the place of everything that is here. The file is used up.

        At the end and while nobody uses the database, `verify` may raise: then nothing was changed. Raises
        StoreBusyError while somebody uses it.
        """

    def erase_residue(self) -> frozenset[Residue]:
        """Erases what deleted rows have left in logs and copies; tells what holds some of it still."""

    def space_left(self) -> int | None:
        """Measures the bytes that the database may still grow by; None where nobody says."""

    def lock_process(self, process_id: str) -> None:
        """Shows that the process of that id lives, until it ends, by whatever cause, or closes."""

    def is_process_locked(self, process_id: str) -> bool:
        """Tells whether a process lives that was announced under that id."""

    def begin_service(self) -> None:
        """Leaves its own upkeep to `maintain`, which a scheduler of this process calls all the time."""

    def maintain(self) -> None:
        """Does the database's own upkeep, holding up nobody for long. Raises StoreFullError."""

    def shorten_waits(self) -> None:
        """Shortens waits for others, at the end of a process."""

    def close(self) -> None:
        """Closes what nobody uses, and waits for nobody; the next use opens it again."""
