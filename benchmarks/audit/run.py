"""Score `samebits audit` on the corpus of labelled programs, and other tools beside it.

    python -m benchmarks.audit.run                                 # the half that one may look at
    python -m benchmarks.audit.run --show --only hash-order        # each miss and false alarm
    python -m benchmarks.audit.run --rivals ruff,dslinter --bin DIR:DIR --csv PATH
    python -m benchmarks.audit.run --half held --check             # the labels alone

Ours: a label is met by a finding in the same file (and cell) whose rule is the label's or of its
`also_rules`, and whose line is the label's or of its `also_lines`, or whose lines, to `end_line`, hold the
label's. Each label is met once, by the finding that fits best, and a finding meets one label. Further
findings that would meet a label that is met count neither way. All others are false alarms; labels that are
not met are misses.

The rivals have rules of their own, so their rule does not matter: any message that is about reproducibility
(tools.py) at a label's line, or one of `also_lines`, meets it, and any such message elsewhere is a false
alarm. Beside that each has a second, `lenient` row: a line more or less is right, and a message about a whole
file or program ("no seed is set") meets one label, anywhere in it, of those that it may be about. A tool that
reads no notebooks misses what is in them.

Ends with 0, or with 2 where the labels are not in order or a tool failed on a program.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.audit import labels, tools
from benchmarks.audit.labels import HALVES, Label, LabelError, Program
from benchmarks.audit.tools import TOOLS, Said


@dataclass
class Outcome:
    """What came of one program: which labels were met, which not, and what was said of none."""

    met: list[Label]
    missed: list[Label]
    false: list[Said]


def fits(label: Label, said: Said, lenient: bool) -> int | None:
    """How well a finding fits a label, 0 the best; None where it does not."""
    if said.file not in (None, label.file) or (said.file and said.cell != label.cell):
        return None
    if said.about is not None and not said.about & {label.rule, *label.also_rules}:
        return None
    other_rule = 2 * (said.about is not None and label.rule not in said.about)
    if lenient and said.whole:
        return other_rule + 1
    if said.line is None:
        return None
    inside = said.line <= label.line <= (said.end_line or said.line)
    near = lenient and any(abs(line - said.line) <= 1 for line in label.lines)
    if said.line in label.lines or inside or near:
        return other_rule + (said.line != label.line)
    return None


def judge(program: Program, found: Sequence[Said], lenient: bool) -> Outcome:
    """Which labels the findings meet, the best fits first."""
    pairs = [
        (fit, at, number)
        for at, label in enumerate(program.labels)
        for number, said in enumerate(found)
        if (fit := fits(label, said, lenient)) is not None
    ]
    met: set[int] = set()
    used: set[int] = set()
    for _, at, number in sorted(pairs):
        if at not in met and number not in used:
            met.add(at)
            used.add(number)
    again = {number for _, at, number in pairs if at in met}
    return Outcome(
        met=[label for at, label in enumerate(program.labels) if at in met],
        missed=[label for at, label in enumerate(program.labels) if at not in met],
        false=[said for number, said in enumerate(found) if number not in used | again],
    )


def share(part: int, of: int) -> float | None:
    return part / of if of else None


def percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def total(tool: str, version: str, half: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The row of a tool, as the CSV has it."""
    tp, fp, fn = (sum(len(getattr(o, part)) for o in outcomes) for part in ("met", "false", "missed"))
    counts = {"programs": len(outcomes), "faults": tp + fn, "tp": tp, "fp": fp, "fn": fn}
    shares = {"precision": share(tp, tp + fp), "recall": share(tp, tp + fn)}
    return {"tool": tool, "version": version, "half": half, **counts, **shares}


def by_rule(outcomes: Sequence[Outcome]) -> None:
    """Print a line for each rule; a label met counts for its own rule, a false alarm for the finding's."""
    met, missed, false = (
        Counter(found.rule for outcome in outcomes for found in getattr(outcome, part))
        for part in ("met", "missed", "false")
    )
    print(f"{'rule':26} {'faults':>6} {'tp':>4} {'fp':>4} {'fn':>4} {'precision':>9} {'recall':>7}")
    for rule in sorted(met | missed | false):
        tp, fp, fn = met[rule], false[rule], missed[rule]
        shares = f"{percent(share(tp, tp + fp)):>9} {percent(share(tp, tp + fn)):>7}"
        print(f"{rule:26} {tp + fn:6} {tp:4} {fp:4} {fn:4} {shares}")


def table(rows: Sequence[dict[str, Any]]) -> None:
    """Print a line for each tool."""
    counts = f"{'faults':>6} {'tp':>4} {'fp':>4} {'fn':>4}"
    print(f"{'tool':22} {'version':7} {counts} {'precision':>9} {'recall':>7}")
    for row in rows:
        shares = f"{percent(row['precision']):>9} {percent(row['recall']):>7}"
        counts = f"{row['faults']:6} {row['tp']:4} {row['fp']:4} {row['fn']:4}"
        print(f"{row['tool']:22} {row['version']:7} {counts} {shares}")


def show(programs: Sequence[Program], outcomes: Sequence[Outcome]) -> None:
    """Print each miss and each false alarm."""
    for program, outcome in zip(programs, outcomes, strict=True):
        for label in outcome.missed:
            print(f"miss   {label}")
        for said in outcome.false:
            print(f"false  {program.name}: {said}")


def publish(path: Path, rows: list[dict[str, Any]]) -> None:
    """Put these rows into the file; those of other tools and of the other half stay as they are."""
    from benchmarks import machine  # imports torch

    kept = []
    if path.is_file():
        new = {(row["tool"], row["half"]) for row in rows}
        with open(path, newline="") as file:
            kept = [old for old in csv.DictReader(file) if (old["tool"], old["half"]) not in new]
    machine.write(path, rows, kept)


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks.audit.run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--half", choices=HALVES, default="dev", help="of the corpus (default: dev)")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="a program's name, or a rule")
    parser.add_argument("--rivals", default="", metavar="TOOL,...", help=f"of {', '.join(list(TOOLS)[1:])}")
    parser.add_argument("--bin", default="", metavar="DIR:DIR", help="where the rivals are looked for first")
    parser.add_argument("--jobs", type=int, default=2, help="programs that a rival is given at a time")
    parser.add_argument("--csv", type=Path, metavar="PATH", help="put the rows into this file")
    parser.add_argument("--show", action="store_true", help="each miss and each false alarm")
    parser.add_argument("--check", action="store_true", help="only read the labels")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    parser = options()
    args = parser.parse_args(argv)
    names = ["samebits", *filter(None, args.rivals.split(","))]
    if unknown := set(names) - TOOLS.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))} in {', '.join(TOOLS)}")
    try:
        programs = labels.load(args.half, args.only)
    except LabelError as error:
        print(error, file=sys.stderr)
        return 2
    clean = sum(not program.labels for program in programs)
    print(f"{args.half}: {len(programs)} programs, {clean} of them clean")
    if args.check:
        faults = Counter(label.rule for program in programs for label in program.labels)
        print(*(f"{count:4} {rule}" for rule, count in sorted(faults.items())), sep="\n")
        return 0

    rows, failed = [], 0
    for name in names:
        tool = tools.Tool(name, args.bin)
        with ThreadPoolExecutor(1 if name == "samebits" else args.jobs) as pool:
            found = list(pool.map(tool.attempt, programs))
        for lenient in (False,) if name == "samebits" else (False, True):
            outcomes = [
                judge(program, said, lenient) for program, (said, _) in zip(programs, found, strict=True)
            ]
            rows.append(total(name + " (lenient)" * lenient, tool.version, args.half, outcomes))
            if args.show and not lenient:
                print(f"\n{name}")
                show(programs, outcomes)
            if name == "samebits":
                by_rule(outcomes)
        for program, (_, problem) in zip(programs, found, strict=True):
            if problem:
                failed += 1
                print(f"{name} failed on {program.name}: {problem}", file=sys.stderr)
    print()
    table(rows)
    if args.csv:
        publish(args.csv, rows)
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
