"""`make bench`: everything side by side, as ratios within a turn, with the absolute figures beside them.

Writes docs/benchmarks.md and docs/benchmarks.svg. `--quick` takes under three minutes, writes nothing, and ends with 1
where a ratio is below its gate.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import chart, report, start
from tests.bench.report import Results
from tests.bench.rounds import Bench

PAGE = start.ROOT / "docs" / "benchmarks.md"
CHART = PAGE.with_suffix(".svg")


def run(bench: Bench, rounds: int, seed: int) -> Results:
    """All rounds."""
    results = Results(seed, rounds)
    print("making the tenants", flush=True)
    bench.prepare()
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}, in the order of seed {seed + number}", flush=True)
        results.add(bench.round(seed + number))
    return results


def main() -> None:
    """Measures, prints and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--quick", action="store_true", help="a gate: one round, short, and not of everything")
    parser.add_argument("--only", nargs="+", default=(), help="of these scenarios, parts and steps")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 10_000, help="of the order")
    parser.add_argument("--checkout", type=Path, help="another checkout of this project, with a .venv, beside ours")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        shim = start.make_flush_shim(Path(name))
        if shim is None:
            print("There is no C compiler (cc): no flush can be made slower, and that scenario is left out.")
        place = start.Place(Path(name), given.checkout and given.checkout.resolve(), shim)
        seconds, turns, rounds = (1.0, 3, 1) if given.quick else (2.0, 3, 2)
        bench = Bench(place, seconds, turns, given.quick, tuple(given.only))
        results = run(bench, given.rounds or rounds, given.seed)
    page = report.page(results)
    print(page)
    if given.quick or given.only or given.checkout:
        sys.exit(report.print_gate(results) if given.quick else 0)
    PAGE.write_text(page, encoding="utf-8")
    CHART.write_text(chart.draw(report.panels(results)), encoding="utf-8")


if __name__ == "__main__":
    main()
