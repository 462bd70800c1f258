"""`make bite`: takes each anchored line away, one at a time, and demands that a test of its claim fails.

Works in copies of the repository, two at a time; the tests of a claim that are not long, or the long ones where it has
no others: the test that failed the last time first. Before, all of them must pass while nothing is taken away. The exit
status is 1 where a line is not missed.
"""

import argparse
import os
import queue
import re
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tests.bite.mutate import without
from tests.bite.report import Row, described, rows, write
from tests.bite.runner import Runner
from tests.claims.sources import ROOT, Anchor, anchors, claims, shown
from tests.meta.source import repository_files

_FAILED = re.compile(r"^FAILED (\S+?)(?:\[.*)?(?: - .*)?$", re.MULTILINE)
_PASSED, _FAILURE, _NOTHING_RUN = 0, 1, 5


def main() -> int:
    """0 when every line is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bite", description=__doc__)
    parser.add_argument("--only", metavar="ID", action="append", help="this claim alone; the rows of others stay")
    parser.add_argument("--jobs", type=int, default=2, help="how many copies are worked in at the same time")
    arguments = parser.parse_args()
    known = {claim.id for claim in claims()}
    chosen = set(arguments.only or known)
    if chosen - known:
        parser.error(f"there is no claim {' '.join(sorted(chosen - known))}")
    pairs = [(anchor, claim) for anchor in anchors() for claim in anchor.claims if claim in chosen]
    with tempfile.TemporaryDirectory(prefix="slackapp-bite-") as folder, ExitStack() as running:
        first = running.enter_context(Runner(make_copy(Path(folder) / "0")))
        whole = run(first, sorted({node for claim in chosen for node in nodes(claim)}), compiles=True)
        if whole is not None:
            print(f"fails while nothing is taken away: {whole}")
            return 1
        # The others from the first one, which has everything compiled by now.
        others = [shutil.copytree(first.copy, Path(folder) / str(number)) for number in range(1, arguments.jobs)]
        found = bite_all([first, *(running.enter_context(Runner(other)) for other in others)], pairs)
    write([*found, *(row for row in rows() if row.claim in known - chosen)])
    missed = [row for row in found if not row.test]
    print(f"{len(found)} lines taken away, {len(missed)} of them not missed")
    return 1 if missed else 0


def make_copy(copy: Path) -> Path:
    """What is or may be committed, elsewhere."""
    for file in repository_files():
        target = copy / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)
    return copy


def bite_all(runners: list[Runner], pairs: list[tuple[Anchor, str]]) -> list[Row]:
    """A row for each anchor and claim, printed as it comes."""
    free: queue.Queue[Runner] = queue.Queue()
    for runner in runners:
        free.put(runner)

    def one(pair: tuple[Anchor, str]) -> Row:
        runner = free.get()
        try:
            row = bite(runner, *pair)
        finally:
            free.put(runner)
        print(f"{row.claim}  {row.path}: {row.statement}\n      {row.test or 'NOBODY MISSES IT'}", flush=True)
        return row

    with ThreadPoolExecutor(len(runners)) as pool:
        return list(pool.map(one, pairs))


def bite(runner: Runner, anchor: Anchor, claim: str) -> Row:
    """Takes the line away in the copy, runs the claim's tests, and puts the file back."""
    file = runner.copy / anchor.path
    original, kept = file.read_text("utf-8"), file.stat()
    try:
        file.write_text(without(anchor, original), "utf-8")
        failed = run(runner, in_order(anchor, claim), compiles=False)
    finally:
        file.write_text(original, "utf-8")
        os.utime(file, ns=(kept.st_atime_ns, kept.st_mtime_ns))  # what is compiled of it is right again
    return Row(claim, anchor.path, described(anchor), failed or "")


def nodes(claim: str) -> list[str]:
    """The tests that carry the claim's mark."""
    return [test.node for test in shown() if claim in test.claims]


def in_order(anchor: Anchor, claim: str) -> list[str]:
    """The claim's tests: first what the report says has failed without this line."""
    place = (claim, anchor.path, described(anchor))
    failed = {row.test for row in rows() if (row.claim, row.path, row.statement) == place}
    return sorted(nodes(claim), key=lambda node: node not in failed)


def run(runner: Runner, chosen: list[str], compiles: bool) -> str | None:
    """The first of the tests that fails; None when all pass, or when they cannot be run at all."""
    for mark in ("not long", "long"):
        status, printed = runner.run(["-x", "-q", "--tb=no", "-m", mark, *chosen], compiles)
        if status != _NOTHING_RUN:
            failed = _FAILED.search(printed) if status == _FAILURE else None
            if compiles and status != _PASSED and failed is None:
                return printed[-500:]
            return failed[1] if failed else None
    return None


if __name__ == "__main__":
    sys.exit(main())
