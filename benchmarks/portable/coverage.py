"""How much of what people train `samebits.portable` covers: training steps of the thirty models of zoo.py.

For each model, in a process of its own: two steps whose calls of operations are counted (forward, backward
and optimizer) and sorted by the table; two steps under `samebits.portable(0, undefined="warn")`, and what
was undefined in them; the loss after them beside that of torch's arithmetic with the same random numbers;
and the time of a step beside native, in turn.

Writes benchmarks/results/portable-coverage.csv if no names are given.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

import samebits
import samebits.random
from benchmarks.machine import describe, write
from benchmarks.portable import timing
from benchmarks.portable.zoo import ZOO, Task, task

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "benchmarks" / "results" / "portable-coverage.csv"
#: Of calls that are not undefined; of models that run whole.
TARGET_SHARE, TARGET_WHOLE = 0.98, 26
KINDS = ("defined", "exact", "composed", "random", "undefined")
STEPS = 2


class Counted(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts calls of torch's operations, by name with overload."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func.name()
        if not name.startswith("profiler::"):
            self.calls[name] += 1
        return func(*args, **(kwargs or {}))


def counted(name: str) -> Counter[str]:
    one = task(name)
    with Counted() as mode:
        for _ in range(STEPS):
            one.step()
    calls: Counter[str] = mode.calls
    return calls


def trained(name: str) -> tuple[Task, float]:
    """A model after two steps, and the loss in the second."""
    one = task(name)
    losses = [float(one.step()) for _ in range(STEPS)]
    return one, losses[-1]


def portable() -> AbstractContextManager[Any]:
    return samebits.portable(0, undefined="warn")


def measure(name: str, rounds: int) -> dict[str, Any]:
    """In this process: the row of one model, and its operations."""
    from samebits.arithmetic import mode, table

    calls = counted(name)
    kinds = Counter[str]()
    for operation, times in calls.items():
        kinds[table.kind(operation)] += times
    row: dict[str, Any] = {"model": name, "calls": calls.total(), **{kind: kinds[kind] for kind in KINDS}}
    row["share"] = 1 - kinds["undefined"] / calls.total()
    with samebits.random.portable(0):
        native, expected = trained(name)
    try:
        with portable():
            ours, loss = trained(name)
            left = mode.counts()
    except Exception as error:
        text = f"{type(error).__name__}: {error}".splitlines()[0][:120]
        return {**row, "whole": False, "left": text, "operations": calls}
    row["whole"] = not left
    row["left"] = "; ".join(f"{operation} {times}" for operation, times in sorted(left.items()))
    row["loss differs by"] = abs(loss - expected) / abs(expected)
    scopes: dict[str, tuple[Task, Callable[[], AbstractContextManager[Any]]]] = {
        "native": (native, nullcontext),
        "ours": (ours, portable),
    }
    ways = [timing.Way(way, one.step, scope) for way, (one, scope) in scopes.items()]
    return {**row, **timing.columns(timing.interleaved(ways, rounds, block=0.0)), "operations": calls}


def in_its_process(name: str, options: argparse.Namespace) -> dict[str, Any]:
    words = ["-m", "benchmarks.portable.coverage", name, "--one", "--threads", str(options.threads)]
    done = subprocess.run(
        [sys.executable, *words, "--rounds", str(options.rounds)], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1][:120]
        return {"model": name, "whole": False, "left": f"exit {done.returncode}: {last}", "operations": {}}
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def summary(rows: list[dict[str, Any]]) -> str:
    calls = sum(row.get("calls", 0) for row in rows)
    undefined = sum(row.get("undefined", 0) for row in rows)
    whole = sum(row["whole"] for row in rows)
    share = 1 - undefined / max(calls, 1)
    text = f"{share:.2%} of {calls} calls have one result (target {TARGET_SHARE:.0%}); "
    text += f"{whole} of {len(rows)} models run whole (target {TARGET_WHOLE} of {len(ZOO)})"
    timed = [row for row in rows if "ratio" in row]
    if timed:
        text += f"; time {timing.geometric(row['ratio'] for row in timed):.2f} of native"
        text += f"; losses differ by at most {max(row['loss differs by'] for row in timed):.0e}"
    return text


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a model, as transformers/bert or bert")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--operations", type=Path, metavar="FILE", help="write each operation's calls")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = set(options.names)
    chosen = [name for name in ZOO if not names or name in names or name.partition("/")[2] in names]
    if options.one:
        warnings.simplefilter("ignore")
        torch.set_num_threads(options.threads)
        print(json.dumps(measure(chosen[0], options.rounds)))
        return 0
    rows, operations, models = [], Counter[str](), Counter[str]()
    for name in chosen:
        row = in_its_process(name, options)
        made = row.pop("operations")
        operations.update(made)
        models.update(made.keys())
        rows.append(row)
        share = f"{row['share']:7.2%}" if "share" in row else ""
        more = f"{row['ratio']:.2f} {row['loss differs by']:.0e}" if "ratio" in row else ""
        print(f"{name:42} {share:7} {'whole' if row['whole'] else '':5} {more:10} {row['left']}", flush=True)
    print(summary(rows))
    if options.operations:
        with open(options.operations, "w", newline="") as f:
            out = csv.writer(f, lineterminator="\n")
            out.writerow(["operation", "calls", "models"])
            out.writerows([name, calls, models[name]] for name, calls in operations.most_common())
    if not options.names:
        packages = {name: version(name) for name in ("torchvision", "timm", "transformers")}
        write(RESULT, [{**row, **packages, "threads": options.threads} for row in rows])
    print(describe())
    return 0


if __name__ == "__main__":
    sys.exit(main())
