"""`make bite`: takes each anchored line away, one at a time, and demands that a test of its claim fails.

Works in copies of the repository, two at a time; the tests of a claim that are not long, or the long ones where it has
no others. First all of them must pass while nothing is taken away. The exit status is 1 where a line is not missed.
"""

import argparse
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.bite.mutate import without
from tests.bite.report import Row, described, write
from tests.claims.sources import ROOT, Anchor, anchors, claims, shown
from tests.meta.source import repository_files

PATIENCE = 300
"""Seconds for the tests of one claim."""
_FAILED = re.compile(r"^FAILED (\S+?)(?:\[.*)?(?: - .*)?$", re.MULTILINE)
_PASSED, _FAILURE, _NOTHING_RUN = 0, 1, 5


def main() -> int:
    """0 when every line is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bite", description=__doc__)
    parser.add_argument("--only", metavar="ID", action="append", help="this claim alone; writes no report")
    parser.add_argument("--jobs", type=int, default=2, help="how many copies are worked in at the same time")
    arguments = parser.parse_args()
    known = {claim.id for claim in claims()}
    chosen = set(arguments.only or known)
    if chosen - known:
        parser.error(f"there is no claim {' '.join(sorted(chosen - known))}")
    pairs = [(anchor, claim) for anchor in anchors() for claim in anchor.claims if claim in chosen]
    with tempfile.TemporaryDirectory(prefix="slackapp-bite-") as folder:
        first = make_copy(Path(folder) / "0")
        whole = run(first, sorted({node for claim in chosen for node in nodes(claim)}), writes=True)
        if whole is not None:
            print(f"fails while nothing is taken away: {whole}")
            return 1
        # The others from the first one, which has everything compiled by now.
        others = [Path(folder) / str(number) for number in range(1, arguments.jobs)]
        found = bite_all([first, *(shutil.copytree(first, other) for other in others)], pairs)
    if not arguments.only:
        write(found)
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


def bite_all(copies: list[Path], pairs: list[tuple[Anchor, str]]) -> list[Row]:
    """A row for each anchor and claim, printed as it comes."""
    free: queue.Queue[Path] = queue.Queue()
    for copy in copies:
        free.put(copy)

    def one(pair: tuple[Anchor, str]) -> Row:
        copy = free.get()
        try:
            row = bite(copy, *pair)
        finally:
            free.put(copy)
        print(f"{row.claim}  {row.path}: {row.statement}\n      {row.test or 'NOBODY MISSES IT'}", flush=True)
        return row

    with ThreadPoolExecutor(len(copies)) as pool:
        return list(pool.map(one, pairs))


def bite(copy: Path, anchor: Anchor, claim: str) -> Row:
    """Takes the line away in the copy, runs the claim's tests, and puts the file back."""
    file = copy / anchor.path
    original, kept = file.read_text("utf-8"), file.stat()
    try:
        file.write_text(without(anchor, original), "utf-8")
        failed = run(copy, nodes(claim), writes=False)
    finally:
        file.write_text(original, "utf-8")
        os.utime(file, ns=(kept.st_atime_ns, kept.st_mtime_ns))  # what is compiled of it is right again
    return Row(claim, anchor.path, described(anchor), failed or "")


def nodes(claim: str) -> list[str]:
    """The tests that carry the claim's mark."""
    return [test.node for test in shown() if claim in test.claims]


def run(copy: Path, chosen: list[str], writes: bool) -> str | None:
    """The first of the tests that fails; None when all pass, or when they cannot be run at all."""
    for mark in ("not long", "long"):
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist"]
        # Compiled files of a changed source must not stay: the next change may have the same size and time.
        environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "" if writes else "1"}
        try:
            done = subprocess.run(
                [*command, "-m", mark, *chosen], cwd=copy, env=environment, capture_output=True, text=True,
                timeout=PATIENCE, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return None
        if done.returncode != _NOTHING_RUN:
            failed = _FAILED.search(done.stdout) if done.returncode == _FAILURE else None
            if writes and done.returncode != _PASSED and failed is None:
                return done.stdout[-500:]
            return failed[1] if failed else None
    return None


if __name__ == "__main__":
    sys.exit(main())
