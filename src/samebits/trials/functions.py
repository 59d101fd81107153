"""The library's functions `cure`, `stress` and `resume`: plain words in, as the command line takes them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from samebits.control.settings import Control
from samebits.errors import UsageError
from samebits.launch.functions import (
    Word,
    checked_count,
    checked_folder,
    checked_program,
    checked_seconds,
    checked_words,
)
from samebits.launch.verify import Progress as PairProgress
from samebits.observe.plan import KILLS
from samebits.trials.cure.bench import CureProgress
from samebits.trials.cure.result import CureResult
from samebits.trials.cure.search import MOST_RUNS
from samebits.trials.cure.search import cure as cure_program
from samebits.trials.resume.outcome import Resumed
from samebits.trials.resume.run import Asked, Progress
from samebits.trials.resume.run import resume as resume_program
from samebits.trials.stress import pool
from samebits.trials.stress.matrix import Matrix
from samebits.trials.stress.run import Watchers, chosen, prepared
from samebits.trials.stress.run import stress as stress_program


def cure(
    script: str | os.PathLike[str] | None = None,
    args: Sequence[Word] = (),
    *,
    module: str | None = None,
    command: Sequence[Word] | None = None,
    python: str | os.PathLike[str] | None = None,
    runs: int = 2,
    most_runs: int = MOST_RUNS,
    steps: int | None = None,
    out: str | os.PathLike[str] = ".samebits",
    timeout: float | None = None,
    progress: CureProgress | None = None,
) -> CureResult:
    """Find the smallest set of changes that makes a program repeat, and prove it.

        found = samebits.cure("train.py", steps=20)
        found.verdict, [needed.remedy.name for needed in found.needed]
        Path("fix.diff").write_bytes(found.patch)

    Each pair of runs is in a mirror of the working folder; nothing in the folder itself is changed.

    Args:
        script, args, module, command, python, out, timeout: as `verify`'s.
        runs: how many runs have to agree, at least 2; more for a difference that is rare.
        most_runs: the search ends after so many, at least 4.
        steps: stop each run cleanly after so many optimizer steps.
        progress: called as ``progress(run, most_runs, steps, None, what)`` a few times a second.

    Returns:
        The result: its ``verdict`` ("same", "cured", "diverged", "failed", "incomplete"), ``needed``,
        ``patch``, ``proof``; ``as_json()`` is the document.

    Raises:
        UsageError, UsageTypeError: an argument that cannot be meant; nothing was started.
        LaunchError: the program could not be started, or its folder not be mirrored.
    """
    return cure_program(
        checked_program(script, args, module, command, python, "cure"),
        runs=checked_count(runs, "cure", "runs", 2),
        most_runs=checked_count(most_runs, "cure", "most_runs", 4),
        steps=None if steps is None else checked_count(steps, "cure", "steps", 1),
        out=checked_folder(out, "cure"),
        timeout=checked_seconds(timeout, "cure"),
        progress=progress,
    )


def resume(
    script: str | os.PathLike[str] | None = None,
    args: Sequence[Word] = (),
    *,
    module: str | None = None,
    command: Sequence[Word] | None = None,
    python: str | os.PathLike[str] | None = None,
    resume_with: Sequence[Word] = (),
    trials: int = 3,
    kill: str = "term",
    at: int | None = None,
    steps: int | None = None,
    seed: int | None = None,
    deterministic: bool = False,
    portable: bool = False,
    out: str | os.PathLike[str] = ".samebits",
    timeout: float | None = None,
    progress: Progress | None = None,
) -> Resumed:
    """Run a program whole, and again interrupted and restarted, and say what its checkpoint lost.

        verdict = samebits.resume("train.py", resume_with=["--ckpt", "last.pt"], trials=5)
        verdict.word, verdict.missing

    Each run is in a copy of the working folder: no checkpoint of yours is found or overwritten.

    Args:
        script, args, module, command, python, seed, deterministic, portable, out, timeout: as `verify`'s.
        resume_with: words behind the program's own as it is restarted; none where it goes on by itself.
        trials: how often it is interrupted and restarted.
        kill: "term" (SIGTERM), "kill" (SIGKILL), "end" (an exit of its own) or "save" (SIGKILL while it
            saves).
        at: interrupt it after so many optimizer steps; None: at random.
        steps: stop the whole run cleanly after so many optimizer steps, and the others where it ends.
        progress: called as ``progress(run, runs, steps, seconds left or None)`` a few times a second.

    Returns:
        The verdict: its ``word`` ("complete", "loses", "incomplete", "failed"), ``missing``, ``trials``.

    Raises:
        UsageError, UsageTypeError: an argument that cannot be meant; nothing was started.
        LaunchError: the program could not be started.
    """
    if kill not in KILLS:
        raise UsageError(f"resume: kill must be one of {', '.join(map(repr, KILLS))}, got {kill!r}")
    return resume_program(
        Asked(
            checked_program(script, args, module, command, python, "resume"),
            checked_words(resume_with, "resume", "resume_with"),
            checked_count(trials, "resume", "trials", 1),
            kill,
            None if at is None else checked_count(at, "resume", "at", 1),
            None if steps is None else checked_count(steps, "resume", "steps", 1),
            control=Control.checked(seed, deterministic, portable, "resume"),
            out=checked_folder(out, "resume"),
            timeout=checked_seconds(timeout, "resume"),
        ),
        progress=progress,
    )


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
    progress: PairProgress | None = None,
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
    jobs = checked_count(jobs, "stress", "jobs", 1)
    design = prepared(
        checked_program(script, args, module, command, python, "stress"),
        names,
        control=Control.checked(seed, deterministic, portable, "stress"),
        steps=None if steps is None else checked_count(steps, "stress", "steps", 1),
        out=checked_folder(out, "stress"),
        timeout=checked_seconds(timeout, "stress"),
    )
    matrix, _ = stress_program(design, jobs=jobs, on=on, watched=Watchers(pair=progress))
    return matrix
