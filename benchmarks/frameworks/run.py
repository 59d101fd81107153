"""Score samebits on programs of the frameworks that people train with; the target of `make frameworks`.

For each framework, in a fresh folder each: `samebits verify` of the clean program and of the faulty one,
scored by the verdict, the first cause, its line, and a word that its fix must contain; `samebits run --seed
1 --deterministic` twice, whose final hashes must be equal; and the processor seconds of the whole `verify`
against those of the plain program. A framework of which all of it is right is wholly right. Exit 1 where
fewer than `TARGET` of them are.

With `--truth N` the product is left out: each program runs plainly N times, and a clean one must print one
hash, a faulty one another each time.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.frameworks import programs
from benchmarks.machine import facts

PRODUCT = [sys.executable, "-m", "samebits"]
CONTROL = ("--seed", "1", "--deterministic")
EXITS = {0: "same", 1: "diverged", 2: "failed"}
TARGET = 22 / 25  # of the frameworks wholly right
RESULTS = programs.HERE.parent / "results" / "frameworks.json"
HASH = re.compile(r"HASH ([0-9a-f]{16,})")


@dataclass
class Ended:
    """How a command ended."""

    code: int
    output: str
    cpu: float  # user and system seconds, of all its processes
    note: str = ""

    @property
    def hash(self) -> str:
        """The last hash the program printed; empty where it printed none."""
        found = HASH.findall(self.output)
        return str(found[-1]) if found else ""


@dataclass
class Score:
    """What the product said of one framework's two programs, and which parts of it are right."""

    framework: str
    clean: str  # the verdicts
    faulty: str
    cause: str | None
    place: str | None
    confidence: float | None
    fix: str
    why: str
    clean_right: bool
    faulty_right: bool
    line_right: bool
    cause_right: bool
    fix_right: bool
    controlled: str  # the program that was run twice under control
    controlled_right: bool  # both ended with one hash
    plain_hash: dict[str, str]  # by program: what one plain run printed
    plain_cpu: dict[str, float]  # by program, in seconds
    verify_cpu: dict[str, float]
    notes: list[str]

    @property
    def wholly_right(self) -> bool:
        return all(
            (
                self.clean_right,
                self.faulty_right,
                self.line_right,
                self.cause_right,
                self.fix_right,
                self.controlled_right,
            )
        )

    def ratio(self, kind: str) -> float:
        """How many times the plain program's processor time `verify` takes."""
        return self.verify_cpu[kind] / self.plain_cpu[kind] if self.plain_cpu[kind] else 0.0


def call(command: Sequence[str], folder: Path, timeout: float) -> Ended:
    """Run a command in `folder` to its end."""
    with tempfile.TemporaryFile("w+", errors="replace") as out:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=programs.environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        before = os.times()
        try:
            process.wait(timeout)
            note = ""
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait(60)
            note = f"no end after {timeout:.0f} s"
        after = os.times()
        out.seek(0)
        text = out.read()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return Ended(process.returncode, text, spent, note)


class Bench:
    """Runs the programs of one framework, each command in a folder of its own."""

    def __init__(self, framework: programs.Framework, base: Path, timeout: float) -> None:
        self.framework = framework
        self.base = base
        self.timeout = timeout
        self.notes: list[str] = []

    def folder(self, kind: str, what: str) -> Path:
        path = self.base / f"{kind}-{what}" / "work"
        path.parent.mkdir(parents=True)
        self.framework.copy_to(path)
        return path

    def call(self, command: Sequence[str], folder: Path) -> Ended:
        ended = call(command, folder, self.timeout)
        folder.with_name("output.txt").write_text(f"$ {' '.join(command)}\n{ended.output}")
        if ended.note:
            self.notes.append(f"{folder.parent.name}: {ended.note}")
        return ended

    def plain(self, kind: str, folder: Path) -> Ended:
        ended = self.call(self.framework.plain(kind), folder)
        if ended.code or not ended.hash:
            self.notes.append(f"{kind} alone: exit {ended.code}, hash {ended.hash[:8]!r}")
        return ended

    def verify(self, kind: str) -> tuple[dict[str, Any], float]:
        """The verdict of `samebits verify`, and the processor seconds it took."""
        folder = self.folder(kind, "verify")
        path = folder.with_name("verdict.json")
        ended = self.call([*PRODUCT, "verify", "--json", str(path), *self.framework.words(kind)], folder)
        try:
            said = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            self.notes.append(f"{kind}: exit {ended.code}, no verdict: {error}")
            return {"verdict": "error"}, ended.cpu
        if EXITS.get(ended.code) != said.get("verdict"):
            self.notes.append(f"{kind}: exit code {ended.code} and verdict {said.get('verdict')!r} disagree")
        return said, ended.cpu

    def controlled(self, kind: str) -> bool:
        """Whether two runs under control end with one hash."""
        command = [*PRODUCT, "run", *CONTROL, *self.framework.words(kind)]
        seen = []
        for number in (1, 2):
            ended = self.call(command, self.folder(kind, f"run{number}"))
            if ended.code or not ended.hash:
                self.notes.append(f"{kind} under control: exit {ended.code}, hash {ended.hash[:8]!r}")
                return False
            seen.append(ended.hash)
        return seen[0] == seen[1]


def score(framework: programs.Framework, base: Path, timeout: float) -> Score:
    bench = Bench(framework, base / framework.name, timeout)
    plain = {kind: bench.plain(kind, bench.folder(kind, "plain")) for kind in programs.KINDS}
    verdicts = {kind: bench.verify(kind) for kind in programs.KINDS}
    controlled = "faulty" if framework.controlled else "clean"
    repeats = bench.controlled(controlled)
    clean, faulty = (verdicts[kind][0] for kind in programs.KINDS)
    first = (faulty.get("causes") or [{}])[0]
    place = programs.place(first.get("file"), first.get("line"))
    fix = str(first.get("fix") or "")
    for edit in first.get("edits") or ():
        fix += "\n" + edit["replacement"]
    if clean.get("verdict") != "same":
        blamed = (clean.get("causes") or [{}])[0]
        bench.notes.append(f"clean: {blamed.get('name')} {blamed.get('file')}:{blamed.get('line')}")
    return Score(
        framework=framework.name,
        clean=str(clean.get("verdict")),
        faulty=str(faulty.get("verdict")),
        cause=first.get("name"),
        place=f"{place[0]}:{place[1]}" if place else None,
        confidence=first.get("confidence"),
        fix=fix,
        why=str(first.get("why") or ""),
        clean_right=clean.get("verdict") == "same",
        faulty_right=faulty.get("verdict") == "diverged",
        line_right=place in framework.places(),
        cause_right=first.get("name") in framework.causes,
        fix_right=any(word in fix for word in framework.fix),
        controlled=controlled,
        controlled_right=repeats,
        plain_hash={kind: ended.hash for kind, ended in plain.items()},
        plain_cpu={kind: ended.cpu for kind, ended in plain.items()},
        verify_cpu={kind: verdicts[kind][1] for kind in programs.KINDS},
        notes=bench.notes,
    )


COLUMNS = ("clean", "faulty", "line", "cause", "fix", "controlled")


def row(score: Score) -> str:
    marks = [" ok" if getattr(score, f"{name}_right") else "WRONG" for name in COLUMNS]
    ratios = [f"{score.ratio(kind):5.1f}x" for kind in programs.KINDS]
    said = [score.faulty, score.cause, score.place, *score.notes]
    return (
        f"{score.framework:18} {'yes' if score.wholly_right else 'NO':>6} "
        + " ".join(f"{mark:>10}" for mark in marks)
        + f" {score.plain_cpu['faulty']:6.1f}s "
        + " ".join(ratios)
        + "  "
        + ", ".join(str(part) for part in said if part)
    )


def truth(framework: programs.Framework, base: Path, runs: int, timeout: float) -> bool:
    """Whether plain runs of both programs, one after the other in one folder, are as they are said to be."""
    bench = Bench(framework, base / framework.name, timeout)
    holds = True
    for kind in programs.KINDS:
        folder = bench.folder(kind, "truth")
        seen = [bench.plain(kind, folder).hash for _ in range(runs)]
        right = all(seen) and len(set(seen)) == (1 if kind == "clean" else runs)
        holds = holds and right
        hashes = " ".join(value[:8] or "none" for value in seen)
        print(f"{framework.name:18} {kind:7} {' ok' if right else 'WRONG':5} {hashes}", flush=True)
    return holds


def summary(scores: Sequence[Score]) -> dict[str, Any]:
    """How many are right, of each part and wholly, and what `verify` costs in the middle."""
    count = len(scores)
    parts = {name: sum(getattr(s, f"{name}_right") for s in scores) for name in COLUMNS}
    whole = sum(s.wholly_right for s in scores)
    middle = {kind: sorted(s.ratio(kind) for s in scores)[count // 2] for kind in programs.KINDS}
    print(f"\nwholly right {whole} of {count};", ", ".join(f"{name} {n}" for name, n in parts.items()))
    print("verify against the plain program, median:", ", ".join(f"{k} {v:.1f}x" for k, v in middle.items()))
    print("not wholly right:", ", ".join(s.framework for s in scores if not s.wholly_right) or "none")
    return {"frameworks": count, "wholly_right": whole, **parts, "median_cpu_ratio": middle}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="*", metavar="PATTERN", help="a framework's name; * and ? work")
    parser.add_argument(
        "--truth", type=int, metavar="RUNS", help="run each so often plainly, without the product"
    )
    parser.add_argument(
        "--json", type=Path, metavar="PATH", help=f"write the scores here, not to {RESULTS.name}"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep each folder and output")
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds a command")
    args = parser.parse_args()

    chosen = programs.load(args.only)
    if not chosen:
        parser.error(f"nothing matches {args.only!r}")
    with tempfile.TemporaryDirectory(prefix="frameworks-") as temporary:
        base = (args.keep or Path(temporary)).resolve()
        if args.truth:
            held = [truth(each, base, args.truth, args.timeout) for each in chosen]
            return 0 if all(held) else 1
        columns = " ".join(f"{name:>10}" for name in COLUMNS)
        print(f"{'framework':18} {'wholly':>6} {columns} {'plain':>7}  clean faulty  said")
        scores = []
        for framework in chosen:
            scores.append(score(framework, base, args.timeout))
            print(row(scores[-1]), flush=True)
    totals = summary(scores)
    target = args.json or (RESULTS if args.only == "*" else None)
    if target:
        rows = [{**asdict(each), "wholly_right": each.wholly_right} for each in scores]
        document = {"machine": facts(), "totals": totals, "scores": rows}
        target.write_text(json.dumps(document, indent=1) + "\n")
    return 0 if totals["wholly_right"] >= TARGET * len(scores) else 1


if __name__ == "__main__":
    sys.exit(main())
