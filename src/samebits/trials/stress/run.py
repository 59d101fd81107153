"""What reaches a program's weights: the program run again and again, with one thing changed each time.

First a pair without a change, which has to agree in every bit.  Then each change is one run, compared with
the first of the pair.  Where several run at once each has a place of its own, and so has the second of the
pair: if the path of a place reaches the weights they do not agree, and all run one after another in one.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from samebits.compare.twins import Twins, twins
from samebits.compare.verdict import Verdict, count
from samebits.control.changes import CHANGES
from samebits.control.settings import Control
from samebits.errors import LaunchError, RecordError, UsageError
from samebits.launch.program import Program
from samebits.launch.verify import AS_IT_IS
from samebits.launch.verify import Progress as PairProgress
from samebits.record.run import Run
from samebits.trials.stress import baseline, pool
from samebits.trials.stress.design import Design
from samebits.trials.stress.matrix import Matrix
from samebits.trials.stress.row import TrialRow, without

#: The changes of the matrix, in its order: what is meant to reach the weights comes last.
ALL: Final = (
    "hash-seed",
    "listing-order",
    "num-workers",
    "prefetch",
    "persistent-workers",
    "evaluation",
    "logging",
    "nan-memory",
    "start-time",
    "time-zone",
    "locale",
    "working-folder",
    "threads",
    "cpu-capability",
    "micro-batches",
    "extra-draw",
    "unused-layer",
    "seed",
)
#: What is changed where a person has little time.
QUICK: Final = ("hash-seed", "listing-order", "num-workers", "evaluation", "threads", "extra-draw")
_WAITING: Final = "OMP_WAIT_POLICY"
#: Said with a baseline that does not agree.
NOT_SAME: Final = (
    "the program does not repeat by itself, so a change would show nothing: `samebits verify` names the "
    "place, `samebits cure` looks for what mends it; or stress it as it is controlled, with --seed 0 "
    "--deterministic"
)
_ONE_PLACE: Final = "the path of the working folder reaches the weights, so trials run one after another"


@dataclass(frozen=True, slots=True)
class Watchers:
    """Who is told how far it is; each may be left out.

    Attributes:
        pair: called as `launch.verify`'s progress, while the baseline runs.
        planned: called once with the design and how many trials run at once, before they begin.
        trials: called a few times a second with the rows that are there and the steps of running trials.
        said: called with a sentence that a person should read.
    """

    pair: PairProgress | None = None
    planned: Callable[[Design, int], None] = lambda design, jobs: None
    trials: pool.Watch = lambda rows, steps: None
    said: Callable[[str], None] = lambda sentence: None


def chosen(
    only: Collection[str] | None = None, leave_out: Collection[str] = (), *, quick: bool = False
) -> tuple[str, ...]:
    """The names of the changes to make, in the matrix's order.

    Raises:
        UsageError: one that there is not, none is left, or both ``only`` and ``quick``.
    """
    if quick and only is not None:
        raise UsageError("--quick names the changes to make, and --only others: give one of the two.")
    known = (*ALL, *(name for name, change in CHANGES.items() if name not in ALL and not change.mends))
    for name in (*(only or ()), *leave_out):
        if name not in known:
            raise UsageError(f"there is no change {name!r}; there are {', '.join(known)}.")
    wanted = set(only) if only is not None else set(QUICK if quick else known)
    names = tuple(name for name in known if name in wanted and name not in leave_out)
    if not names:
        raise UsageError("no change is left to make.")
    return names


def prepared(
    program: Program,
    names: Sequence[str],
    *,
    control: Control = AS_IT_IS,
    steps: int | None = None,
    out: Path = Path(".samebits"),
    timeout: float | None = None,
) -> Design:
    """A set of trials, with a folder of its own under ``out``; nothing is run yet.

    Raises:
        LaunchError: the folder cannot be made.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    folder = out.absolute() / f"stress-{stamp}-{secrets.token_hex(2)}"
    design = Design(folder, out.absolute(), Path.cwd(), program, control, tuple(names), steps, timeout)
    try:
        folder.mkdir(mode=0o700, parents=True)
        (folder / ".gitignore").write_text("*\n")
        design.write()
    except OSError as e:
        raise LaunchError(
            f"trials cannot be kept in {str(folder)!r}: {e.strerror or e}; choose another folder with --out"
        ) from e
    return design


def stress(
    design: Design, *, jobs: int = 1, on: str = "here", watched: Watchers | None = None
) -> tuple[Matrix, Verdict]:
    """Run the pair and the trials; the matrix, and the verdict over the pair.

    Where the pair does not agree the matrix has no rows, and says why.

    Raises:
        LaunchError: the program could not be started.
        UsageError: a place to run on that there is not.
    """
    watched = watched or Watchers()
    kind, backend = pool.checked_place(on)
    with _patient(jobs):
        return _stressed(design, jobs, kind, backend, watched)


def _stressed(
    design: Design, jobs: int, kind: str, backend: str | None, watched: Watchers
) -> tuple[Matrix, Verdict]:
    one_place = jobs == 1 and kind == "here"
    if one_place:
        design, verdict = baseline.pair(design, watched.pair)
    else:
        design, verdict, one_place = _at_once(design, kind, watched)
    if not design.has_pair:
        reason = NOT_SAME if verdict.verdict == "diverged" else verdict.headline
        return Matrix(verdict.runs, verdict.steps, 0.0, (), reason, str(design.folder)), verdict
    design.write()
    rest = [name for name in design.names if name not in design.rows()]
    if one_place:
        kind, jobs = "here", 1
    watched.planned(design, jobs)
    if kind == "joblib":
        done = pool.by_joblib(design, rest, jobs, backend, watched.trials)
    else:
        done = pool.Tasks(design, jobs).run(rest, watched.trials)
    return collected(design, interrupted=not done), verdict


def _at_once(design: Design, kind: str, watched: Watchers) -> tuple[Design, Verdict, bool]:
    """The pair, its second run beside the first trial; and whether a place's path reaches the weights."""
    with baseline.first(design, watched.pair) as (first, nothing):
        if nothing is not None:
            return design, nothing, False
        design = baseline.begun(design, first)
        design.write()
        with _beside(design, design.names[0] if kind == "here" else None):
            paired, verdict = baseline.repeated(design, first, watched.pair, slot=1)
            paired.write()  # which the trial waits for
        if verdict.verdict != "diverged":
            return paired, verdict, False
        paired, again = baseline.repeated(design, first, watched.pair)
        if paired.has_pair:
            watched.said(_ONE_PLACE)
        return paired, again, paired.has_pair


@contextmanager
def _beside(design: Design, name: str | None) -> Iterator[None]:
    """While this is open a trial runs in the first place; it ends early where the pair does not agree."""
    if name is None:
        yield
        return
    tasks = pool.Tasks(design, 1)
    with ThreadPoolExecutor(1, thread_name_prefix="samebits-beside") as executor:
        running = executor.submit(tasks.run, [name], lambda rows, steps: None)
        try:
            yield
        except BaseException:
            tasks.interrupt()
            raise
        if not Design.read(design.folder).has_pair:
            tasks.interrupt()
        running.result()


@contextmanager
def _patient(jobs: int) -> Iterator[None]:
    """Threads of OpenMP that wait let others compute: several runs have more of them than processors."""
    if jobs == 1 or _WAITING in os.environ:
        yield
        return
    os.environ[_WAITING] = "PASSIVE"
    try:
        yield
    finally:
        del os.environ[_WAITING]


def collected(design: Design, *, interrupted: bool = False) -> Matrix:
    """The matrix of the rows that are there by now."""
    there = design.rows()
    rows = tuple(there.get(name) or _missing(name, interrupted) for name in design.names)
    absent = sum(row.word == "missing" for row in rows)
    reason = None
    if not design.has_pair:
        return Matrix(
            (), 0, 0.0, (), "the pair without a change has not ended, or does not agree", str(design.folder)
        )
    if absent:
        how = "interrupted" if interrupted else "not there yet"
        reason = f"{absent} of {len(rows)} trials {how}"
    found: tuple[Twins, ...] = ()
    try:
        with Run.open(design.out / design.baseline[0]) as first:
            found = twins(first)
    except RecordError:  # it was removed, or is damaged
        gone = "random streams that repeat are not told, for the first run's record is not there"
        reason = gone if reason is None else f"{reason}; {gone}"
    return Matrix(design.baseline, design.count, design.seconds, rows, reason, str(design.folder), found)


def _missing(name: str, interrupted: bool) -> TrialRow:
    return without(CHANGES[name], "missing", "interrupted" if interrupted else "it has not ended")


def cost(design: Design, jobs: int) -> str:
    """What the trials will take: "18 runs of about 40 s, some 6 min at -j 2; --quick: 6"."""
    number = len(design.names)
    total = number * design.seconds / max(1, min(jobs, number))
    quick = "" if number <= len(QUICK) else f"; --quick: {len(QUICK)}"
    return f"{count(number, 'run')} of about {said(design.seconds)}, some {said(total)} at -j {jobs}{quick}"


def said(seconds: float) -> str:
    """ "40 s", "6 min", "2.5 h"."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
