"""The runs that nothing is changed in: a pair, which must agree in every bit, or a change would show nothing.

Where the program has a place to run in each time, both use the same one, so the pair differs in the process
alone: its pid, the time, the memory it got.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from samebits.compare.verdict import Verdict
from samebits.launch.verify import Progress
from samebits.launch.verify import verify as verify_program
from samebits.record.run import Run
from samebits.trials.design import Design, with_baseline
from samebits.trials.place import placed
from samebits.trials.weights import has_weights

#: Said of a program that takes no step of an optimizer.
_NO_WEIGHTS = (
    "no optimizer of the program held a parameter in these runs, so there are no weights to look at; with "
    "--steps, give more of them"
)


def pair(design: Design, progress: Progress | None = None) -> tuple[Design, Verdict]:
    """Run the program twice, unchanged.  The design with the pair, and the verdict over it.

    Raises:
        LaunchError: it could not be started.
    """
    place: Path = design.folder / "work-0"
    with placed(design.program, place) as program:
        verdict = verify_program(
            program,
            steps=design.steps,
            control=design.control,
            out=design.out,
            timeout=design.timeout,
            progress=progress,
        )
    if verdict.verdict != "same":
        return design, verdict
    with Run.open(design.out / verdict.pair[0]) as first, Run.open(design.out / verdict.pair[1]) as second:
        seconds = max(float(run.info.get("seconds") or 0.0) for run in (first, second))
        if not has_weights(first):
            return design, replace(verdict, verdict="incomplete", reason=_NO_WEIGHTS)
        count = max((record.steps for record in first.records.values()), default=0)
    return with_baseline(design, verdict.pair, seconds, count), verdict


def kept(design: Design) -> int:
    """As a task of its own: run the pair and keep it; 0 where it agrees."""
    design, verdict = pair(design)
    design.write()
    if verdict.verdict != "same":
        print(f"samebits: {verdict.verdict.upper()}  {verdict.headline}", file=sys.stderr)
    return verdict.exit_status
