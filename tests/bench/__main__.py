"""Run the whole suite, or some rows: see `scripts/bench`."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from bench import table
from bench.engine import is_newer, version
from bench.image import with_image
from bench.judge import lines
from bench.nouns import FULL, QUICK
from bench.report import write
from bench.rows import GROWTHS, chosen
from bench.run import run

BUILD = Path(__file__).parents[2] / "build" / "bench"


def main() -> int:
    """Run, print the table, write the report; 1 where a bound of a full run is missed."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--quick", action="store_true", help="small sizes and one round: to see that it works")
    parser.add_argument("--rounds", type=int, help="how often")
    parser.add_argument("--report", type=Path, default=BUILD, help="the folder to write to")
    parser.add_argument("--list", action="store_true", help="say which rows there are")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # nothing is left behind then, either
    scale = QUICK if given.quick else FULL
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        rows = chosen(scale, Path(folder), given.rows)
        if given.list or not rows:
            print("\n".join(f"{each.name:16}{each.title}" for each in rows) or "no such row", flush=True)
            return not rows
        with with_image():
            results = [run(each, given.rounds or scale.rounds) for each in rows]
        judged = lines(results, GROWTHS, newer=is_newer())
        print(table.text(map(table.cells, judged)))
        path = write(results, judged, given.report, engine=version(), quick=given.quick)
    print(f"\nthe report is {path}", file=sys.stderr)
    return int(not given.quick and any(each.met is False for each in judged))


if __name__ == "__main__":
    sys.exit(main())
