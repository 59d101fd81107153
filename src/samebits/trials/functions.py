"""The library's function `stress`: plain words in, as the command line takes them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from samebits.control.settings import Control
from samebits.errors import UsageError
from samebits.launch.functions import Word, count_of, folder_of, program_of, seconds_of
from samebits.launch.verify import Progress
from samebits.trials import pool
from samebits.trials.matrix import Matrix
from samebits.trials.stress import Watchers, chosen, prepared
from samebits.trials.stress import stress as stress_program


def stress(
    script: str | os.PathLike[str] | None = None,
    args: Sequence[Word] = (),
    *,
    module: str | None = None,
    command: Sequence[Word] | None = None,
    python: str | os.PathLike[str] | None = None,
    only: Sequence[str] | None = None,
    without: Sequence[str] = (),
    quick: bool = False,
    jobs: int = 1,
    on: str = "here",
    steps: int | None = None,
    seed: int | None = None,
    deterministic: bool = False,
    portable: bool = False,
    out: str | os.PathLike[str] = ".samebits",
    timeout: float | None = None,
    progress: Progress | None = None,
) -> Matrix:
    """Run a program with one thing changed at a time, and say what reaches its weights.

        matrix = samebits.stress("train.py", quick=True, jobs=2)
        assert not matrix.findings, matrix.headline
        matrix.row("num-workers").reach.first_step

    First comes a pair without a change, which must agree in every bit; then each change is one run.

    Args:
        script, args, module, command, python, steps, seed, deterministic, portable, out, timeout: as of
            `verify`.
        only: the names of the changes to make; None: all, or those of ``quick``.
        without: the names of changes to leave out.
        quick: make the six changes that find most.
        jobs: how many runs at once.
        on: "here", or "joblib" with a backend ("joblib:dask").
        progress: called as ``progress(run, runs, steps)`` while the pair runs; runs count from 1.

    Returns:
        The matrix: its ``rows``, ``findings``, ``verdict``; ``as_json()`` is the document.  Where the pair
        does not agree it has no rows, and ``reason`` says why.

    Raises:
        UsageError, UsageTypeError: an argument that cannot be meant; nothing was started.
        LaunchError: the program could not be started.
    """
    kind, _ = pool.checked_place(on)
    if kind == "slurm":
        raise UsageError('stress: a Slurm array is written by `samebits stress --on slurm`; here on="joblib"')
    names = chosen(None if only is None else tuple(only), tuple(without), quick=quick)
    jobs = count_of(jobs, "stress", "jobs", 1)
    design = prepared(
        program_of(script, args, module, command, python, "stress"),
        names,
        control=Control.checked(seed, deterministic, portable, "stress"),
        steps=None if steps is None else count_of(steps, "stress", "steps", 1),
        out=folder_of(out, "stress"),
        timeout=seconds_of(timeout, "stress"),
    )
    matrix, _ = stress_program(design, jobs=jobs, on=on, watched=Watchers(pair=progress))
    return matrix
