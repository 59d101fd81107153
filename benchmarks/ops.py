"""What determinism costs: every case of every replaced operation, ours beside torch's own kernel.

Each round runs torch's kernel (flag off), ours (as under the mode: replaced, flag on) and on CUDA torch's own
deterministic kernel where it has one, in turn, in this process; shown are the medians over the rounds and the
median of each round's ratio of ours to torch's.  A case whose operation is a backward is timed in the
backward alone.  The peak is of the memory that torch allocates in one run, inputs and results included.  With
`--threads 1` the thread's CPU time counts, to which other programs add nothing.

Writes benchmarks/results/ops-cpu.csv or ops-cuda.csv if nothing is left out: `make bench`, `make bench-gpu`.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import describe, write
from samebits._runtime.kernels import has_kernel
from samebits.determinism.overrides import InstalledOverrides, exists
from samebits.ops import OPERATIONS
from samebits.ops.case import Case, Maker, Size
from samebits.ops.cases import CASES

SIZES = (Size.SMALL, Size.MEDIUM, Size.LARGE)
DTYPES = (torch.float32, torch.bfloat16)
#: What a row may cost at most, and all together.
TARGETS = {"cpu": (4.0, 1.3), "cuda": (2.0, 1.1)}
RESULTS = Path(__file__).parent / "results"
SPEEDS = Path(__file__).parents[1] / "src" / "samebits" / "ops" / "speeds.json"

ROWS = {row.schema: row for row in OPERATIONS}
Run = Callable[[], Any]


@dataclass(frozen=True)
class Timed:
    """One way through a round."""

    name: str
    scope: Callable[[], Any]


def cases(device: str, only: str | None) -> list[Case]:
    if find_spec("torchvision") is not None:
        import torchvision  # noqa: F401  # its operations are in the dispatcher once it is imported
    else:
        print("torchvision is left out: it is not installed")
    wanted = [
        case for case in CASES if only is None or only in (case.name, *(ROWS[s].name for s in case.schemas))
    ]
    return [case for case in wanted if all(exists(ROWS[s]) and has_kernel(s, device) for s in case.schemas)]


@contextmanager
def flag() -> Iterator[None]:
    """torch's deterministic switch, without filling fresh memory."""
    before = torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.utils.deterministic.fill_uninitialized_memory = before[1]


@contextmanager
def samebits(case: Case, device: str) -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(InstalledOverrides([ROWS[schema] for schema in case.schemas], device))
        stack.enter_context(flag())
        yield


def prepared(case: Case, size: Size, dtype: torch.dtype, device: str) -> tuple[Run, int]:
    """What is timed, and the bytes that exist before it runs."""
    task = case.task(size, Maker(dtype, device))
    if not case.backward:
        return lambda: task.call(*task.inputs), sum(x.nbytes for x in task.inputs)
    inputs = [x.requires_grad_() for x in task.inputs]
    result = task.call(*inputs)
    gradient = Maker(dtype, device, seed=7).normal(*result.shape)
    held = sum(x.nbytes for x in (*inputs, result, gradient))
    return lambda: torch.autograd.grad(result, inputs, gradient, retain_graph=True), held


def seconds(run: Run, times: int, device: str) -> float:
    if device == "cuda":
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(times):
            run()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1e3 / times
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    began = clock()
    for _ in range(times):
        run()
    return (clock() - began) / times


def peak(run: Run, device: str, held: int) -> int:
    """Bytes at the peak of one run."""
    if device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        run()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated()
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profile:
        kept = run()
    del kept
    now = most = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            now += event.nbytes()
            most = max(most, now)
    return held + most


def measure(
    case: Case, size: Size, dtype: torch.dtype, device: str, rounds: int, block: float
) -> dict[str, Any]:
    """A row of the table; ours or torch's deterministic kernel may raise, torch's must not."""
    run, held = prepared(case, size, dtype, device)
    ways = [Timed("native", ExitStack), Timed("ours", lambda: samebits(case, device))]
    if device == "cuda":
        ways.append(Timed("deterministic", flag))
    times, peaks, left = {}, {}, {}
    for way in list(ways):
        try:
            with way.scope():
                run()
                once = seconds(run, 1, device)
                times[way.name] = max(
                    1, min(1000, int(block / max(seconds(run, 3, device), once / 10, 1e-7)))
                )
                peaks[way.name] = peak(run, device, held)
        except RuntimeError as error:
            if way.name == "native":
                raise
            left[way.name] = str(error).splitlines()[0][:80]
            ways.remove(way)
    found: dict[str, list[float]] = {way.name: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            with way.scope():
                run()
                found[way.name].append(seconds(run, times[way.name], device))
    row: dict[str, Any] = {
        "case": case.name,
        "operation": " ".join(case.schemas),
        "size": str(size),
        "shape": "x".join(map(str, case.shapes[size])),
        "dtype": str(dtype).removeprefix("torch."),
    }
    for name, values in found.items():
        row[f"{name} us"] = statistics.median(values) * 1e6
        row[f"{name} MB"] = peaks[name] / 1e6
    if "ours" in found:
        ratios = sorted(a / b for a, b in zip(found["ours"], found["native"], strict=True))
        row |= {
            "ratio": statistics.median(ratios),
            "low": ratios[len(ratios) // 4],
            "high": ratios[len(ratios) * 3 // 4],
        }
        row["memory ratio"] = peaks["ours"] / peaks["native"]
    return row | {"raises": "; ".join(f"{name}: {text}" for name, text in left.items())}


def summary(rows: list[dict[str, Any]], device: str) -> None:
    worst, mean = TARGETS[device]
    ratios = [row["ratio"] for row in rows if "ratio" in row]
    if not ratios:
        return
    geometric = math.exp(statistics.fmean(map(math.log, ratios)))
    print(f"geometric mean of {len(ratios)} rows: {geometric:.2f} (target {mean})")
    for row in sorted(rows, key=lambda row: -row.get("ratio", 0)):
        if row.get("ratio", 0) > worst:
            print(f"above {worst:g}: {row['case']}, {row['size']}, {row['dtype']}: {row['ratio']:.2f}")
    for row in sorted(rows, key=lambda row: -row.get("memory ratio", 0)):
        if row.get("memory ratio", 0) > 1.5:
            print(
                f"memory above 1.5: {row['case']}, {row['size']}, {row['dtype']}: {row['memory ratio']:.2f}"
            )


def publish(rows: list[dict[str, Any]], device: str) -> None:
    """The median ratio of each operation's rows, for `samebits ops`."""
    kept = json.loads(SPEEDS.read_text()) if SPEEDS.is_file() else {"measured on": {}, "operations": {}}
    ratios: dict[str, list[float]] = {}
    for row in rows:
        for schema in row["operation"].split():
            ratios.setdefault(schema, []).extend([row["ratio"]] if "ratio" in row else [])
    for schema, values in ratios.items():
        if values:
            kept["operations"].setdefault(schema, {})[device] = round(statistics.median(values), 2)
    kept["measured on"][device] = describe()
    kept["operations"] = {
        schema: kept["operations"][schema] for schema in ROWS if schema in kept["operations"]
    }
    SPEEDS.write_text(json.dumps(kept, indent=1) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--only", metavar="NAME", help="a case, or all of an operation; the results are not kept"
    )
    parser.add_argument("--sizes", nargs="+", choices=[str(size) for size in SIZES], help="not kept either")
    parser.add_argument("--threads", type=int, help="torch's own choice by default")
    parser.add_argument("--rounds", type=int, help="default 9, on CUDA 25")
    parser.add_argument("--block", type=float, default=0.01, help="seconds that one way runs at a time")
    parser.add_argument(
        "--csv", type=Path, help="write the rows here, too, also those of a part or before Ctrl-C"
    )
    parser.add_argument("--publish", action="store_true", help="write src/samebits/ops/speeds.json too")
    options = parser.parse_args()
    device = options.device
    if device == "cuda" and not torch.cuda.is_available():
        print("no CUDA device is here: this runs on the CPU, and says nothing about CUDA")
        device = "cpu"
    warnings.simplefilter("ignore")  # of operations that are in beta or have a newer name
    if options.threads:
        torch.set_num_threads(options.threads)
    rounds = options.rounds or (25 if device == "cuda" else 9)
    sizes = [Size(size) for size in options.sizes] if options.sizes else SIZES
    rows: list[dict[str, Any]] = []
    print(
        f"{'case':44} {'size':6} {'dtype':8} {'torch us':>10} {'ours us':>10} {'ratio':>6} "
        f"{'quartiles':>13} {'memory':>6}"
    )
    try:
        for case in cases(device, options.only):
            for size in sizes:
                for dtype in DTYPES:
                    try:
                        row = measure(case, size, dtype, device, rounds, options.block)
                    except RuntimeError as error:
                        if "not implemented for" not in str(error):
                            raise
                        continue  # torch's kernel lacks the dtype
                    rows.append(row)
                    shown = f"{row['case']:44} {row['size']:6} {row['dtype']:8} {row['native us']:10.1f} "
                    if "ratio" in row:
                        shown += f"{row['ours us']:10.1f} {row['ratio']:6.2f} "
                        shown += f"{row['low']:6.2f}-{row['high']:6.2f} "
                        shown += f"{row['memory ratio']:6.2f} "
                    print(shown + row["raises"], flush=True)
    finally:
        if options.csv is not None and rows:
            write(options.csv, rows)
    summary(rows, device)
    if options.only is None and options.sizes is None:
        threads = {"threads": torch.get_num_threads()}
        write(RESULTS / f"ops-{device}.csv", [row | threads for row in rows])
        if options.publish:
            publish(rows, device)
    print(f"{describe()}, threads {torch.get_num_threads()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
