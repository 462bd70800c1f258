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
from pathlib import Path
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Parameters = Mapping[str, Any]
"""Values by the name of their parameter. One name has one type, in every statement."""


class Row(Protocol):
    """A row of a statement, by the names of its columns."""

    def __getitem__(self, name: str, /) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...

    def keys(self) -> Sequence[str]:
        """The names of the columns, in their order."""


class Database(Protocol):
    """The database of one deployment, which threads and processes share."""

    path: Path

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

        `do` may hold compare-and-swap updates, inserts judged by their number of rows, and audit rows; nothing else,
        and no reading: beside it another process may write. It may run in another thread, and twice. What it raises is
        raised here, and then nothing of it was written. `durable=False` is for what a power failure may undo: it
        returns before it is on the disk. A killed process loses nothing of it, and what is flushed later is never kept
        without it.
        """

    def in_transaction(self) -> bool:
        """Tells whether this thread has a transaction open."""

    def exclusive(self) -> AbstractContextManager[None]:
        """Locks out other processes, for what changes more than the database, such as the key file."""

    def copy_to(self, target: Path) -> None:
        """Copies consistently to a new private file, while others read and write."""

    def remove_working_copies(self) -> bool:
        """Removes working copies that a killed process left; tells whether none is there any more."""

    def truncate_wal(self) -> bool:
        """Moves all of the write-ahead log into the database and empties it; False while a reader prevents that."""

    def passes_quick_check(self) -> bool:
        """The quick check."""

    def passes_integrity_check(self) -> bool:
        """The full check, and every foreign key."""

    def vacuum_to_single_file(self) -> None:
        """Rewrites the whole file without what was deleted, and without a log beside it; then closes."""

    def create_or_migrate(self) -> None:
        """Makes what is not there, and brings the schema up to date. Raises ConfigError."""

    def disable_auto_checkpoint(self) -> None:
        """Leaves checkpoints to `checkpoint`, which a scheduler of this process calls."""

    def checkpoint(self) -> None:
        """Does the upkeep of the database's own files. Raises StoreFullError."""

    def shorten_waits(self) -> None:
        """Shortens waits for others, at the end of a process."""

    def close(self) -> None:
        """Closes what nobody uses, and waits for nobody; the next use opens it again."""
