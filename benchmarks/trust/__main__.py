"""Every part of the trust benchmark, one table: `make trust`, `python -m benchmarks.trust [part ...]`.

Ends with 0 if nothing was wrong, else with 1.  A part that ran whole (without `--count`) puts
its rows into benchmarks/results/trust.csv, in the place of its rows of another day.
"""

from __future__ import annotations

import csv
import importlib
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from benchmarks import machine
from benchmarks.trust.rows import Row, options, show

#: The modules that have a part, the quick ones first.
PARTS = ("cuts", "diskfull", "secrets", "mutations", "kills", "agreement")
RESULTS = Path(__file__).parents[1] / "results" / "trust.csv"


def there(part: str) -> bool:
    return find_spec(f"benchmarks.trust.{part}") is not None


def run_part(part: str, count: int | None, seed: int, folder: Path) -> list[Row]:
    """The rows of a part; one that raises is a row that is wrong."""
    if not there(part):
        return [Row(f"{part}: not there", 0, 0)]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        found: list[Row] = importlib.import_module(f"benchmarks.trust.{part}").run(count, seed, folder)
    except Exception:
        traceback.print_exc()
        return [Row(f"{part}: could not be tried", 1, 1, traceback.format_exc(limit=-1).strip())]
    return found or [Row(f"{part}: nothing was tried", 1, 1)]


def publish(rows: dict[str, list[Row]], path: Path) -> None:
    """Put these parts' rows into the results; those of other parts stay as they are."""
    kept = []
    if path.is_file():
        with open(path, newline="") as file:
            kept = [row for row in csv.DictReader(file) if row["part"] not in rows]
    new = [{"part": part, **asdict(row)} for part, found in rows.items() for row in found]
    machine.write(path, new, kept)


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--json", action="store_true", help="the rows as JSON on stdout, not as a table")
    chosen = parser.parse_args(argv)
    if unknown := [part for part in chosen.parts if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]!r}; the parts are {', '.join(PARTS)}")
    found: dict[str, list[Row]] = {}
    with tempfile.TemporaryDirectory(prefix="trust-") as scratch:
        folder = chosen.folder or Path(scratch)
        for part in chosen.parts or PARTS:
            began = time.monotonic()
            found[part] = run_part(part, chosen.count, chosen.seed, folder.resolve() / part)
            wrong = sum(row.wrong for row in found[part])
            took = time.monotonic() - began
            print(f"{part}: {wrong} wrong, {took:.0f} s", file=sys.stderr, flush=True)
    rows = [row for part in found.values() for row in part]
    if chosen.json:
        print(json.dumps([{"part": part, **asdict(row)} for part in found for row in found[part]], indent=1))
    else:
        show(rows)
        print(machine.describe())
    if chosen.count is None:
        publish({part: part_rows for part, part_rows in found.items() if there(part)}, RESULTS)
    return 0 if any(row.tried for row in rows) and not any(row.wrong for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
