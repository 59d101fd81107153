"""What observation costs: `make bench`.

For each of the four steps of models.py and each way of observing, a fresh process runs blocks of plain
and of observed steps in turn and reports the median of the blocks' ratios, so that a machine whose speed
drifts slows both alike.  Then a whole `samebits verify` against the unobserved script, start-up aside.
Writes benchmarks/results/overhead.csv.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.machine import describe, write

CASES = ("cnn", "transformer", "lstm", "mlp")
HERE = Path(__file__).parent
TARGETS = {
    ("step", "cnn"): 1.03, ("step", "transformer"): 1.03, ("step", "lstm"): 1.03, ("step", "mlp"): 1.03,
    ("op", "cnn"): 1.15, ("op", "transformer"): 1.15, ("op", "lstm"): 4.0, ("op", "mlp"): 2.5,
}  # fmt: skip


def measure(name: str, way: str, blocks: int) -> dict[str, float]:
    """In this process: the median ratio of observed to plain blocks, and what a record takes."""
    import torch

    from benchmarks.models import case

    torch.set_num_threads(2)
    torch.set_num_interop_threads(1)
    step = case(name)
    folder = Path(tempfile.mkdtemp())
    before, after, records = _debug_mode() if way == "DebugMode" else _observed(way, folder)
    before()
    for _ in range(300 if way == "step" else 10):  # past the last point at which the schedule is set anew
        step()
    after()
    began = time.perf_counter()
    step()
    per_block = max(1, min(50, int(0.1 / (time.perf_counter() - began))))
    ratios, plain = [], []
    for _ in range(blocks):
        a = _seconds(step, per_block)
        before()
        b = _seconds(step, per_block)
        after()
        c = _seconds(step, per_block)
        plain.append((a + c) / 2)
        ratios.append(b / plain[-1])
    return {
        "ratio": statistics.median(ratios),
        "low": sorted(ratios)[len(ratios) // 4],
        "high": sorted(ratios)[len(ratios) * 3 // 4],
        "plain_ms": statistics.median(plain) / per_block * 1e3,
        **records(),
    }


def _seconds(step: Callable[[], None], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        step()
    return time.perf_counter() - began


Switch = tuple[Callable[[], None], Callable[[], None], Callable[[], dict[str, float]]]


def _observed(way: str, folder: Path) -> Switch:
    from samebits.observe.hooks import Trace
    from samebits.observe.plan import Plan
    from samebits.observe.session import Session
    from samebits.record.run import Run

    session = Session(Plan(folder=str(folder), level=way))
    trace = Trace(session)
    trace.install()
    trace.observer.operations(False)
    session.ended = True

    def before() -> None:
        session.ended = False
        trace.observer.operations(way == "op")
        trace.schedule.restart()

    def after() -> None:
        session.ended = True
        trace.observer.operations(False)

    def records() -> dict[str, float]:
        session.ended = False
        trace.finish("finished")
        size = (folder / "main.db").stat().st_size
        with Run.open(folder) as run:
            record = run.records["main"]
            steps, events = record.steps, record.events_total
            stride = (record.notes.get("schedule") or [[0, 1]])[-1][1]
        return {
            "events_per_step": events / steps,
            "bytes_per_step": size / steps,
            "bytes_per_event": size / events,
            "stride": stride,
        }

    return before, after, records


def _debug_mode() -> Switch:
    from torch.utils._debug_mode import DebugMode

    mode: list[object] = []

    def before() -> None:
        m = DebugMode()
        hashes = DebugMode.log_tensor_hashes(hash_inputs=False)
        m.__enter__()
        hashes.__enter__()
        mode[:] = [m, hashes]

    def after() -> None:
        m, hashes = mode
        hashes.__exit__(None, None, None)  # type: ignore[attr-defined]
        m.__exit__(None, None, None)  # type: ignore[attr-defined]

    return before, after, dict


SCRIPT = """
import sys
import torch
from benchmarks.models import case
torch.set_num_threads(2)
step = case(sys.argv[1])
for _ in range(int(sys.argv[2])):
    step()
"""


def whole(name: str, steps: int, rounds: int) -> dict[str, float]:
    """A whole verify against the script alone; a run of one step stands for the start-up of each."""
    with tempfile.TemporaryDirectory() as scratch:
        script = Path(scratch) / "train.py"
        script.write_text(SCRIPT)
        environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
        ratios = []
        for _ in range(rounds):
            seconds = {}
            for way, words in {
                "plain": [sys.executable],
                "verify": [sys.executable, "-m", "samebits", "verify"],
            }.items():
                for n in (1, steps):
                    began = time.perf_counter()
                    subprocess.run(
                        [*words, str(script), name, str(n)],
                        cwd=scratch,
                        env=environment,
                        check=True,
                        capture_output=True,
                    )
                    seconds[way, n] = time.perf_counter() - began
            ratios.append(
                (seconds["verify", steps] - seconds["verify", 1])
                / (seconds["plain", steps] - seconds["plain", 1])
            )
        return {"ratio": statistics.median(ratios), "low": min(ratios), "high": max(ratios)}


def _line(*cells: str) -> str:
    return f"{cells[0]:12} {cells[1]:10}" + "".join(f" {cell:>13}" for cell in cells[2:])


def _show(row: dict[str, Any]) -> None:
    def number(key: str, form: str) -> str:
        return format(row[key], form) if row.get(key) not in (None, "") else ""

    print(
        _line(
            row["case"],
            row["way"],
            number("ratio", ".3f"),
            f"{row['low']:.3f}-{row['high']:.3f}",
            number("target", ""),
            number("plain_ms", ".2f"),
            number("events_per_step", ".0f"),
            number("bytes_per_step", ".0f"),
            number("bytes_per_event", ".1f"),
        ),
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=15)
    parser.add_argument("--one", nargs=2, metavar=("CASE", "WAY"), help=argparse.SUPPRESS)
    parser.add_argument("--no-whole", action="store_true", help="leave out the whole verify")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(*options.one, options.blocks)))
        return 0
    rows = []
    print(
        _line("step", "observed", "ratio", "quartiles", "target", "plain ms", "events", "B/step", "B/event")
    )
    for name in CASES:
        for way in ("step", "op", "DebugMode"):
            words = ["-m", "benchmarks.overhead", "--one", name, way, "--blocks", str(options.blocks)]
            done = subprocess.run([sys.executable, *words], cwd=HERE.parent, capture_output=True, text=True)
            if done.returncode:
                print(f"{name:12} {way:10} failed: {done.stderr.strip().splitlines()[-1:]}")
                continue
            row = json.loads(done.stdout.splitlines()[-1])
            rows.append({"case": name, "way": way, "target": TARGETS.get((way, name), ""), **row})
            _show(rows[-1])
    if not options.no_whole:
        for name, steps in (("cnn", 300), ("transformer", 60), ("mlp", 1500)):
            rows.append({"case": name, "way": "verify", "target": 2.15, **whole(name, steps, 3)})
            _show(rows[-1])
    write(HERE / "results" / "overhead.csv", rows)
    print(describe())
    return 0


if __name__ == "__main__":
    sys.exit(main())
