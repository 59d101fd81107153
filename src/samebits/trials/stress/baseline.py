"""The runs that nothing is changed in: a pair, which must agree in every bit, or a change would show nothing.

Each has a fresh place.  Where trials run one after another that is of one path, so the pair differs in the
process alone: its pid, the time, the memory it got.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from samebits.compare import Verdict, compare_all
from samebits.launch import ended
from samebits.launch.verify import Progress, again
from samebits.record.kept import note
from samebits.record.run import Run
from samebits.trials.stress.design import Design
from samebits.trials.stress.place import placed
from samebits.trials.stress.weights import has_weights

#: Said of a program that takes no step of an optimizer.
_NO_WEIGHTS: Final = (
    "no optimizer of the program held a parameter in these runs, so there are no weights to look at; with "
    "--steps, give more of them"
)


def pair(design: Design, progress: Progress | None = None) -> tuple[Design, Verdict]:
    """Run the program twice, unchanged.  The design with the pair, and the verdict over it.

    Raises:
        LaunchError: it could not be started.
    """
    with first(design, progress) as (run, nothing):
        return (design, nothing) if nothing is not None else repeated(begun(design, run), run, progress)


@contextmanager
def first(design: Design, progress: Progress | None = None) -> Iterator[tuple[Run, Verdict | None]]:
    """The first run of the pair, and where it has nothing to compare a verdict that says so.

    Raises:
        LaunchError: it could not be started.
    """
    with _run(design, None, _telling(progress, 1)) as run:
        nothing = ended.nothing_to_compare(run)
        if nothing is None and not has_weights(run):
            nothing = Verdict("incomplete", (run.id,), reason=_NO_WEIGHTS)
        yield run, nothing


def begun(design: Design, run: Run) -> Design:
    """The design once the first run is there: trials may begin, and end when the second is there, too."""
    count = max((record.steps for record in run.records.values()), default=0)
    return replace(design, baseline=(run.id,), seconds=float(run.info.get("seconds") or 0.0), count=count)


def repeated(
    design: Design, run: Run, progress: Progress | None = None, slot: int = 0
) -> tuple[Design, Verdict]:
    """Run the program again, in one of the places for trials.  The design with the pair, and the verdict.

    Where it does not agree the design has no pair.

    Raises:
        LaunchError: it could not be started.
    """
    with _run(design, run, _telling(progress, 2), slot) as second:
        verdict = compare_all([run, second])
        for each in (run, second):
            note(each.path, verdict=verdict.verdict)
        return replace(design, baseline=verdict.runs if verdict.verdict == "same" else ()), verdict


def _run(design: Design, like: Run | None, progress: Progress | None, slot: int = 0) -> Run:
    with placed(design.program, design.folder / f"work-{slot}") as program:
        return again(
            program,
            like,
            steps=design.steps,
            control=design.control,
            out=design.out,
            timeout=design.timeout,
            progress=progress,
        )


def _telling(progress: Progress | None, number: int) -> Callable[[int, int, int], None] | None:
    return None if progress is None else (lambda run, runs, steps: progress(number, 2, steps))


def kept(design: Design) -> int:
    """As a task of its own: run the pair and keep it; 0 where it agrees."""
    design, verdict = pair(design)
    design.write()
    if verdict.verdict != "same":
        print(f"samebits: {verdict.verdict.upper()}  {verdict.headline}", file=sys.stderr)
    return verdict.exit_status
