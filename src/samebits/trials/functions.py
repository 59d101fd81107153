"""The library's function `resume`: plain words in, as the command line takes them."""

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
from samebits.observe.plan import KILLS
from samebits.trials.outcome import Resumed
from samebits.trials.resume import Asked, Progress
from samebits.trials.resume import resume as resume_program


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
