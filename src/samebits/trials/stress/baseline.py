"""The runs that nothing is changed in: a pair, which must agree in every bit, or a change would show nothing.

Each has a fresh place, of one path, so the pair differs in the process alone: its pid, the time, the memory
it got.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from samebits.compare import Verdict, compare_all
from samebits.launch import ended
from samebits.launch.verify import Progress, again
from samebits.record.kept import note
from samebits.record.run import Run
from samebits.trials.stress.design import Design, with_baseline
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
    with ExitStack() as opened:
        first = opened.enter_context(_run(design, None, _telling(progress, 1)))
        if (nothing := ended.nothing_to_compare(first)) is not None:
            return design, nothing
        if not has_weights(first):
            return design, Verdict("incomplete", (first.id,), reason=_NO_WEIGHTS)
        second = opened.enter_context(_run(design, first, _telling(progress, 2)))
        verdict = compare_all([first, second])
        for run in (first, second):
            note(run.path, verdict=verdict.verdict)
        if verdict.verdict != "same":
            return design, verdict
        seconds = max(float(run.info.get("seconds") or 0.0) for run in (first, second))
        count = max((record.steps for record in first.records.values()), default=0)
        return with_baseline(design, verdict.runs, seconds, count), verdict


def _run(design: Design, like: Run | None, progress: Progress | None) -> Run:
    with placed(design.program, design.folder / "work-0") as program:
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
