"""Score `samebits verify` on the fault corpus; the target of `make faults`. `--corpus` scores another.

For each entry of truth.toml the script is copied to a fresh folder, the product is run on
it there, and its JSON verdict is compared with the truth: the verdict, the first cause's
name, the line to change, and how often a cause is right that is stated with so much
confidence. Exit 1 when a target is missed.

With `--controlled` each script is verified with `--seed 1 --deterministic` instead, and scored is
whether those that `truth.toml` says so of, and all clean ones, are the same to the bit.

With `--apply` the fix of each faulty script's first cause is applied to a copy, and scored is whether the
copy is the same, without training on less varied data (`apply.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import Any

import apply
import corpus

PRODUCT = [sys.executable, "-m", "samebits"]
VERDICTS = {0: "same", 1: "diverged", 2: "failed"}
TARGETS = {"verdict": 100.0, "line": 98.0, "cause": 95.0}  # percent; and no false alarm
CERTAIN, RIGHT = 0.9, 95.0  # of the causes stated with so much confidence, so many percent are right
STATED, FALSE = 0.3, 3.0  # of the causes stated with so much, at most so many percent are not the truth
BANDS = (0.9, 0.7, 0.5, 0.3, 0.0)  # the rows of the table of confidences, from this up to the one before
CONTROL = ("--seed", "1", "--deterministic")
# What the caller's shell may set and the runs must not see.
CLEARED = ("PYTHONHASHSEED", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "ATEN_CPU_CAPABILITY")


@dataclass
class Score:
    """What the product said of one script, and which parts of it are right."""

    name: str
    truth: str
    verdict: str
    cause: str | None
    found: str | None
    place: str | None
    verdict_right: bool
    cause_right: bool | None  # None where there is nothing to be right about
    line_right: bool | None
    seconds: float
    stated: list[tuple[str, float, bool]]  # every cause that is given, its confidence, whether it is true
    note: str = ""


class ProductError(Exception):
    """The product did not leave a verdict."""


def call(arguments: list[str], folder: Path, env: dict[str, str], timeout: float) -> int:
    """Run the product in `folder`; return its exit code."""
    clean = {k: v for k, v in os.environ.items() if k not in CLEARED}
    command = [*PRODUCT, *arguments]
    log = folder.with_name("product.log")
    with log.open("a") as out:
        out.write(f"$ {' '.join(command)}\n")
        out.flush()
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env={**clean, **env},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            raise ProductError(f"no end after {timeout:.0f} s") from None
    return done.returncode


def record(entry: corpus.Entry, folder: Path, out: Path, env: dict[str, str], timeout: float) -> Path:
    """Keep one run under `out`; return the run's own path."""
    arguments = ["record", "--out", str(out), *entry.args, entry.script, *entry.script_args]
    code = call(arguments, folder, env, timeout)
    runs = sorted(out.iterdir()) if out.is_dir() else []
    if code or not runs:
        raise ProductError(f"record: exit {code}, {len(runs)} runs kept")
    return runs[0] if len(runs) == 1 and runs[0].is_dir() else out


def judge(
    entry: corpus.Entry, folder: Path, timeout: float, controlled: bool = False
) -> tuple[int, dict[str, Any]]:
    """Run the product on the script in `folder`; return its exit code and its verdict."""
    verdict = folder.with_name("verdict.json")
    options = ["--json", str(verdict), *(CONTROL if controlled else ())]
    script = [entry.script, *entry.script_args]
    if entry.command == "compare" and not controlled:
        runs = [
            str(record(entry, folder, folder.with_name(name), env, timeout))
            for name, env in (("run_a", entry.env_a), ("run_b", entry.env_b))
        ]
        code = call(["compare", *options, *runs], folder, {}, timeout)
    elif entry.command == "torchrun":
        torchrun = ["--", "torchrun", "--nproc-per-node", "2"]
        tools = str(Path(sys.executable).parent)
        env = {"PATH": tools + os.pathsep + os.environ.get("PATH", "")}
        code = call(["verify", *options, *entry.args, *torchrun, *script], folder, env, timeout)
    else:
        code = call(["verify", *options, *entry.args, *script], folder, {}, timeout)
    try:
        return code, json.loads(verdict.read_text())
    except (OSError, ValueError) as error:
        raise ProductError(f"exit {code}, no verdict: {error}") from None


def score(entry: corpus.Entry, keep: Path | None, timeout: float) -> Score:
    """Judge one script in a fresh folder and compare with its truth."""
    base = Path(tempfile.mkdtemp(prefix=f"faults-{entry.name}-"))
    folder = base / "work"
    folder.mkdir()
    entry.copy_to(folder)
    start = time.monotonic()
    note = ""
    try:
        code, said = judge(entry, folder, timeout)
        if VERDICTS.get(code) != said.get("verdict"):
            note = f"exit code {code} and verdict {said.get('verdict')!r} disagree"
    except ProductError as error:
        said, note = {"verdict": "error"}, str(error)
    seconds = time.monotonic() - start
    if keep:
        shutil.copytree(base, keep / entry.name, dirs_exist_ok=True, symlinks=True)
    shutil.rmtree(base, ignore_errors=True)

    faulty = entry.verdict == "diverged"
    first = (said.get("causes") or [{}])[0]
    file, line = first.get("file"), first.get("line")
    place = (PurePath(file).name, line) if file and line else None
    return Score(
        name=entry.name,
        truth=entry.verdict,
        verdict=str(said.get("verdict")),
        cause=entry.cause,
        found=first.get("name"),
        place=f"{place[0]}:{place[1]}" if place else None,
        verdict_right=said.get("verdict") == entry.verdict and not note,
        cause_right=first.get("name") == entry.cause if faulty else None,
        line_right=place in entry.places() if faulty and entry.place else None,
        seconds=seconds,
        stated=[
            (cause["name"], cause["confidence"], cause["name"] in (entry.cause, *entry.besides))
            for cause in said.get("causes") or []
        ],
        note=note,
    )


@dataclass
class Controlled:
    """What became of one script under control, and what was to become of it."""

    name: str
    cause: str | None
    wanted: str | None  # None where either verdict is right
    verdicts: list[str]
    seconds: float
    note: str = ""

    @property
    def right(self) -> bool | None:
        return None if self.wanted is None else all(said == self.wanted for said in self.verdicts)


def control(entry: corpus.Entry, trials: int, timeout: float) -> Controlled:
    """Verify one script under control, each time in a fresh folder."""
    verdicts, note = [], ""
    start = time.monotonic()
    for _ in range(trials):
        base = Path(tempfile.mkdtemp(prefix=f"faults-{entry.name}-"))
        folder = base / "work"
        folder.mkdir()
        entry.copy_to(folder)
        try:
            _, said = judge(entry, folder, timeout, controlled=True)
            first = (said.get("causes") or [{}])[0]
            verdicts.append(str(said.get("verdict")))
            if said.get("verdict") != "same":
                lines = str(said.get("reason") or "").strip().splitlines()
                note = f"{first.get('name', '')} {first.get('file')}:{first.get('line')} {lines[-1:]}"
        except ProductError as error:
            verdicts.append("error")
            note = str(error)
        shutil.rmtree(base, ignore_errors=True)
    wanted = entry.controlled or ("same" if entry.verdict == "same" else None)
    return Controlled(entry.name, entry.cause, wanted, verdicts, time.monotonic() - start, note)


def controlled_table(rows: Iterator[Controlled]) -> tuple[list[Controlled], dict[str, Any]]:
    """Print a row for each script as it arrives, and how many are right."""
    kept = []
    yes = {True: "ok", False: "WRONG", None: "-"}
    print(f"{'script':22} {'cause':26} {'':>6} {'time':>6}  said")
    for row in rows:
        said = [*row.verdicts, row.note]
        print(
            f"{row.name:22} {row.cause or 'clean':26} {yes[row.right]:>6} {row.seconds:5.1f}s"
            f"  {', '.join(part for part in said if part)}",
            flush=True,
        )
        kept.append(row)
    right, counted, share = percent([row.right for row in kept])
    print(f"\nthe same under control {right:3} of {counted:3}  {share:5.1f} %  (>= 100 %)")
    print("targets met" if right == counted else "targets missed")
    return kept, {"controlled": {"right": right, "of": counted}, "met": right == counted}


def table(scores: Iterator[Score]) -> Iterator[Score]:
    """Print a row for each score as it arrives."""
    yes = {True: "ok", False: "WRONG", None: "-"}
    print(f"{'script':22} {'verdict':>8} {'cause':>6} {'line':>6} {'time':>6}  said")
    for row in scores:
        said = [row.verdict, row.found, row.place, row.note]
        marks = (yes[row.verdict_right], yes[row.cause_right], yes[row.line_right])
        print(
            f"{row.name:22} {marks[0]:>8} {marks[1]:>6} {marks[2]:>6} {row.seconds:5.1f}s"
            f"  {', '.join(str(part) for part in said if part)}",
            flush=True,
        )
        yield row


def percent(marks: list[bool | None]) -> tuple[int, int, float]:
    """How many of the marks that count are right: right, counted, percent."""
    counted = [mark for mark in marks if mark is not None]
    right = sum(counted)
    return right, len(counted), 100.0 * right / len(counted) if counted else 100.0


def totals(scores: list[Score]) -> dict[str, Any]:
    """The four numbers the targets are about, and whether they are met."""
    alarms = [s.name for s in scores if s.truth == "same" and s.verdict == "diverged"]
    met = not alarms
    result: dict[str, Any] = {"false_alarms": alarms}
    for name, target in TARGETS.items():
        right, counted, share = percent([getattr(s, f"{name}_right") for s in scores])
        result[name] = {"right": right, "of": counted, "percent": round(share, 1)}
        met = met and share >= target
        print(f"{name + ' right':22} {right:3} of {counted:3}  {share:5.1f} %  (>= {target:.0f} %)")
    clean = sum(s.truth == "same" for s in scores)
    print(f"{'clean called diverged':22} {len(alarms):3} of {clean:3}  {' '.join(alarms)}")
    result["confidence"], calibrated = calibration(scores)
    met = met and calibrated
    print("targets met" if met else "targets missed")
    return {**result, "met": met}


def calibration(scores: list[Score]) -> tuple[dict[str, Any], bool]:
    """How many causes of each confidence are the truth's, and whether that meets the targets."""
    stated = [(sure, true) for s in scores for _, sure, true in s.stated]

    def right(low: float, high: float = 2.0) -> tuple[int, int, float]:
        return percent([true for sure, true in stated if low <= sure < high])

    bands = {low: right(low, high) for low, high in zip(BANDS, (2.0, *BANDS), strict=False)}
    for low, (true, of, share) in bands.items():
        print(f"stated at {low:4.0%} and more {true:3} of {of:3}  {share:5.1f} %")
    certain, believed = right(CERTAIN)[2], right(STATED)[2]
    print(f"{f'right at {CERTAIN:.0%}':22} {certain:18.1f} %  (>= {RIGHT:.0f} %)")
    print(f"{f'false at {STATED:.0%}':22} {100 - believed:18.1f} %  (<= {FALSE:.0f} %)")
    for s in scores:
        wrong = [f"{name} {sure:.0%}" for name, sure, true in s.stated if sure >= STATED and not true]
        if wrong:
            print(f"  {s.name}: {', '.join(wrong)}; it is {s.cause}")
    table = {f"{low:.0%}": {"right": true, "of": of} for low, (true, of, _) in bands.items()}
    return table, certain >= RIGHT and 100 - believed <= FALSE


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    corpus.add_options(parser)
    parser.add_argument("--jobs", type=int, default=1, help="scripts judged at a time")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the scores here")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep each folder and output")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds per command")
    parser.add_argument("--controlled", action="store_true", help="score `--seed 1 --deterministic` instead")
    parser.add_argument("--apply", action="store_true", help="score the fixes, applied to a copy, instead")
    parser.add_argument("--verdicts", type=Path, metavar="DIR", help="with --apply: what a --keep DIR kept")
    parser.add_argument("--trials", type=int, default=1, help="with --controlled: how often each is verified")
    args = parser.parse_args()

    entries = corpus.load_runnable(args.corpus, args.only)
    if not entries:
        parser.error(f"nothing matches {args.only!r}")
    with ThreadPoolExecutor(args.jobs) as pool:
        rows: list[Any]
        if args.controlled:
            found = pool.map(lambda e: control(e, args.trials, args.timeout), entries)
            rows, result = controlled_table(found)
        elif args.apply:
            faulty = [entry for entry in entries if entry.verdict == "diverged"]
            mended = pool.map(lambda e: apply.apply(e, judge, args.keep, args.timeout, args.verdicts), faulty)
            rows, result = apply.table(mended)
        else:
            rows = list(table(pool.map(lambda e: score(e, args.keep, args.timeout), entries)))
            print()
            result = totals(rows)
    if args.json:
        report = {"totals": result, "scripts": [asdict(row) for row in rows]}
        args.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0 if result["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
