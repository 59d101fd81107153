"""Do two records of one reproducible program ever disagree?  Every pair of every way to record it.

Each program of programs/ is recorded at both levels, by both observers, on a quiet and on a loaded machine,
half of them twice; all pairs of a program's records are compared.  The truth is the hash that the program
prints of its weights: only records with the plain program's hash count, and those with another are reported.
Wrong is a pair called diverged or failed, one called the same with nothing compared, an incomplete one
without a reason, and any error.

Records that are in the folder already are compared again and not made again: `--folder` goes on after a cut.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path

from benchmarks.trust import recording, rows
from benchmarks.trust.rows import Row

LEVELS, OBSERVERS, LOADS = ("step", "op"), ("native", "python"), ("quiet", "loaded")
_SHOWN = 12  # wrong pairs, and reasons


@dataclass(frozen=True, slots=True)
class Condition:
    """One way to record a program."""

    level: str
    observer: str
    load: str
    again: int = 0

    def __str__(self) -> str:
        return f"{self.level}, {self.observer}, {self.load}" + (", again" if self.again else "")


@dataclass(frozen=True, slots=True)
class Kept:
    """A record whose program printed the right hash."""

    program: str
    condition: Condition
    path: Path


CONDITIONS = tuple(Condition(*way) for way in product(LEVELS, OBSERVERS, LOADS))


def kind(a: Condition, b: Condition) -> str:
    """What tells two conditions apart, apart from how busy the machine was."""
    names = [name for name in ("level", "observer") if getattr(a, name) != getattr(b, name)]
    return f"by another {' and another '.join(names)}" if names else "alike"


def make(program: str, conditions: Sequence[Condition], folder: Path) -> tuple[list[Kept], list[str]]:
    """The records of one program, and a sentence for each that may not be compared."""
    path = recording.PROGRAMS / f"{program}.py"
    truth = recording.plain(path, folder / program / "plain").weights
    if truth is None:
        return [], [f"{program} printed no hash"]
    kept, left = [], []
    for load in dict.fromkeys(condition.load for condition in conditions):
        with recording.busy(2 if load == "loaded" else 0):
            for condition in (one for one in conditions if one.load == load):
                out = folder / program / str(condition).replace(", ", "-")
                run, done = _recorded(path, out, condition)
                if run is None or done.code != 0:
                    last = (done.stderr.strip().splitlines() or ["nothing on stderr"])[-1]
                    left.append(f"{program} ({condition}): exit {done.code}: {last}")
                elif done.weights != truth:
                    left.append(f"{program} ({condition}): other weights than the plain program")
                else:
                    kept.append(Kept(program, condition, run))
    return kept, left


def _recorded(path: Path, out: Path, condition: Condition) -> tuple[Path | None, recording.Done]:
    """One record, and how making it ended; as an earlier call left it, if one did."""
    ended = out.with_name(out.name + ".json")
    if ended.is_file():
        done = recording.Done(*json.loads(ended.read_text()))
        made = sorted(one for one in out.iterdir() if one.is_dir()) if out.is_dir() else []
        return (made[0] if len(made) == 1 else None), done
    shutil.rmtree(out, ignore_errors=True)
    run, done = recording.record(path, out, level=condition.level, observer=condition.observer)
    ended.write_text(json.dumps([done.code, done.stdout, done.stderr]))
    return run, done


def wrong(said: recording.Said) -> str | None:
    """Why this is no right answer for two records that are the same to the bit."""
    if said.word == "same":
        return None if said.events > 0 else "called the same with nothing compared"
    if said.word == "incomplete":
        return None if said.text.strip() else "incomplete without a reason"
    return f"{said.word}: {(said.text.splitlines() or [''])[0]}"


def agree(
    programs: Sequence[str], conditions: Sequence[Condition], folder: Path, repeated: Sequence[str] = ()
) -> list[Row]:
    """Record the programs, compare all pairs."""
    tried: Counter[str] = Counter()
    bad: dict[str, list[str]] = {}
    reasons: dict[str, Counter[str]] = {}
    same: Counter[str] = Counter()
    left: list[str] = []
    for number, program in enumerate(programs):
        ways = list(conditions)
        if program in repeated:
            ways += [Condition(one.level, one.observer, one.load, 1) for one in conditions]
        kept, skipped = make(program, ways, folder)
        left += skipped
        for a, b in combinations(kept, 2):
            said = recording.compare(a.path, b.path)
            group = kind(a.condition, b.condition)
            tried[group] += 1
            same[group] += said.word == "same"
            if (why := wrong(said)) is not None:
                bad.setdefault(group, []).append(f"{program} ({a.condition} | {b.condition}): {why}")
            elif said.word == "incomplete":
                reasons.setdefault(group, Counter())[f"{program}: {said.text.splitlines()[0]}"] += 1
        print(f"{number + 1} of {len(programs)}: {program}, {len(kept)} records", file=sys.stderr, flush=True)
    found = []
    for group in sorted(tried):
        lines = [f"{same[group]} same"]
        if group in bad:
            shown = bad[group][:_SHOWN]
            lines += shown + (
                [f"... and {len(bad[group]) - len(shown)} more"] if len(bad[group]) > len(shown) else []
            )
        for reason, times in reasons.get(group, Counter()).most_common(_SHOWN):
            lines.append(f"incomplete, {times} times: {reason}")
        found.append(
            Row(f"agreement: pairs recorded {group}", tried[group], len(bad.get(group, [])), "\n".join(lines))
        )
    made = sum(len(conditions) * (2 if program in repeated else 1) for program in programs)
    found.append(Row("agreement: records with the plain program's weights", made, len(left), "\n".join(left)))
    return found


def run(count: int | None, seed: int, folder: Path) -> list[Row]:
    """All programs, half of them twice; or as many, drawn by ``seed``, as give ``count`` pairs."""
    names = recording.programs()
    order = random.Random(seed).sample(names, len(names))
    if count is None:
        return agree(names, CONDITIONS, folder, repeated=order[: len(order) // 2])
    pairs = len(CONDITIONS) * (len(CONDITIONS) - 1) // 2
    return agree(order[: max(1, -(-count // pairs))], CONDITIONS, folder)


def main(argv: Sequence[str] | None = None) -> int:
    return rows.main(run, __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
