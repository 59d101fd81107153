"""Whether `samebits.portable` gives the same bits whatever the instruction set and the number of threads.

The cases of tests/arithmetic/cases.py (operation x shape x dtype x layout, forward and backward) and torch's
own samples of its operations run in a process for each setting.  A row is one result or one gradient.  Three
things are compared bit by bit: the settings; the memory layouts, with the contiguous one; and a part of a
batch alone, with that part of the batch's results.

Writes benchmarks/results/portable-bits.csv if nothing is left out: a row for each case, with one hash of all
its results and gradients.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import describe, write

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "benchmarks" / "results" / "portable-bits.csv"


@dataclass(frozen=True)
class Setting:
    """What torch's kernels may use, what ours, and how many threads both."""

    torchs: str
    ours: str
    threads: int

    def __str__(self) -> str:
        return f"{self.torchs}-{self.ours}-{self.threads}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "ATEN_CPU_CAPABILITY": self.torchs,
            "SAMEBITS_ARITHMETIC": self.ours,
            "OMP_NUM_THREADS": str(self.threads),
            "MKL_NUM_THREADS": str(self.threads),
            "MKL_DYNAMIC": "FALSE",
            "PYTHONHASHSEED": "0",  # samples are made in the order of sets
        }


SETTINGS = (
    Setting("avx512", "avx512", 1),
    Setting("avx2", "avx2", 2),
    Setting("default", "plain", 3),
    Setting("avx512", "avx2", 2),
    Setting("default", "avx512", 1),
)


def recorded(setting: Setting, words: Sequence[str]) -> dict[str, Any]:
    """What tests/arithmetic/cases.py records in a process with this setting."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hashes.json"
        command = [sys.executable, "-m", "tests.arithmetic.cases", str(path), *words]
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | setting.environment, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{setting}: {done.stderr[-2000:]}")
        found: dict[str, Any] = json.loads(path.read_text())
    return found


def rows_of(found: dict[Setting, dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each result and gradient, with whether all settings, layouts and parts of batches agree."""
    first = next(iter(found.values()))
    rows = []
    for key in sorted({key for one in found.values() for key in one["cases"]}):
        operation, shape, dtype, layout = key.split("|")
        by_setting = [one["cases"].get(key, {}) for one in found.values()]
        contiguous = first["cases"].get("|".join((operation, shape, dtype, "contiguous")), {})
        for part in sorted({part for hashed in by_setting for part in hashed}):
            hashes = [hashed.get(part, "") for hashed in by_setting]
            rows.append(
                {
                    "operation": operation,
                    "shape": shape,
                    "dtype": dtype,
                    "layout": layout,
                    "part": part,
                    "hash": hashes[0],
                    "equal": len(set(hashes)) == 1,
                    "as contiguous": contiguous.get(part, hashes[0]) == hashes[0],
                    "as in a batch": _in_a_batch(found.values(), key, part),
                }
            )
    return rows


def _in_a_batch(found: Any, key: str, part: str) -> bool | str:
    said = [
        equal
        for one in found
        for name, equal in one["alone"].get(key, {}).items()
        if name.partition(" of ")[0] == part
    ]
    return all(said) if said else ""


def summary(rows: list[dict[str, Any]], found: dict[Setting, dict[str, Any]]) -> str:
    cases = {(row["operation"], row["shape"], row["dtype"], row["layout"]) for row in rows}
    parts = sum(len(said) for one in found.values() for said in one["alone"].values())
    differ = {
        how: sum(row[how] is False for row in rows) for how in ("equal", "as contiguous", "as in a batch")
    }
    first = next(iter(found.values()))
    text = f"{len(rows)} rows of {len(cases)} cases, {differ['equal']} differ between {len(found)} settings; "
    text += f"{differ['as contiguous']} differ from the contiguous layout; "
    text += f"{differ['as in a batch']} differ alone from the batch ({parts} comparisons)\n"
    raised = Counter(row["operation"] for row in rows if row["part"] == "raises")
    if raised:
        text += f"raised: {', '.join(raised)}\n"
    undefined = sorted({name for names in first["undefined"].values() for name in names})
    if undefined:
        text += (
            f"left out: {len(first['undefined'])} cases with undefined operations, {', '.join(undefined)}\n"
        )
    if first["unreached"]:
        text += f"rows of the table that no case reaches: {', '.join(first['unreached'])}\n"
    return text


def kept(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each case, layouts of the same bits in one; one for all samples of an operation and dtype."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        sample = row["operation"].startswith("sample ")
        groups.setdefault(
            (row["operation"], "samples" if sample else row["shape"], row["dtype"], row["layout"]), []
        ).append(row)
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for (operation, shape, dtype, layout), parts in groups.items():
        hashes = "".join(part["hash"] for part in parts)
        short = hashlib.blake2b(hashes.encode(), digest_size=6).hexdigest()
        equal = all(part["equal"] for part in parts)
        said = [part["as in a batch"] for part in parts if part["as in a batch"] != ""]
        case = {
            "operation": operation,
            "shape": shape,
            "dtype": dtype,
            "layout": layout,
            "results": len(parts),
        }
        case |= {"hash": short, "equal": equal, "as in a batch": all(said) if said else ""}
        one = found.setdefault((operation, shape, dtype, short, equal), case)
        if one["layout"] != layout:
            one["layout"] += f" {layout}"
    return list(found.values())


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [str(setting) for setting in SETTINGS]
    parser.add_argument("--settings", nargs="+", choices=names, default=names, metavar="TORCHS-OURS-THREADS")
    parser.add_argument("--quick", action="store_true", help="some sixty cases; not kept")
    parser.add_argument("--no-samples", action="store_true", help="without torch's samples; not kept")
    options = parser.parse_args()
    words = ["quick"] if options.quick else ["all"] if options.no_samples else ["all", "samples"]
    settings = [setting for setting in SETTINGS if str(setting) in options.settings]
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(settings, pool.map(lambda one: recorded(one, words), settings), strict=True))
    rows = rows_of(found)
    for row in rows:
        wrong = [how for how in ("equal", "as contiguous", "as in a batch") if row[how] is False]
        if wrong:
            which = "|".join(row[name] for name in ("operation", "shape", "dtype", "layout"))
            print(f"not {', not '.join(wrong)}: {which}, {row['part']}")
    if options.settings == names and words[-1] == "samples":
        write(RESULT, kept(rows))
    print(summary(rows, found))
    print(describe())
    return any(not row["equal"] for row in rows)


if __name__ == "__main__":
    sys.exit(main())
