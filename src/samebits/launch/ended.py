"""How a run ended: why there is nothing to compare, what it left there, and what it printed.

Each is a sentence, or a part of one, for the verdict.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Final

from samebits.compare import Verdict, failed, incomplete
from samebits.launch import attached
from samebits.launch.output import kept, last_error
from samebits.model.facts import Save, Write
from samebits.record.run import Run

_SHOWN: Final = 5  # paths in a note


def has_steps(run: Run) -> bool:
    """Whether any process of a run took a step."""
    return any(record.steps for record in run.records.values())


def nothing_to_compare(run: Run) -> Verdict | None:
    """The verdict, if a run ended in such a way that there is nothing to compare."""
    status = run.info.get("status")
    if status == "failed":
        code = run.info.get("exit_code")
        words = (
            f"ended by signal {-code}"
            if isinstance(code, int) and code < 0
            else f"failed with exit code {code}"
        )
        reason = f"the program {words}\n{last_error(run.path)}".rstrip()
        return failed([run.id], reason, exit_code=code)
    if status == "timeout" and not has_steps(run):
        seconds = f"{run.info.get('seconds'):.0f} s"
        return incomplete(
            [run.id], f"the program was stopped by its time limit after {seconds}, before its first step"
        )
    if not run.records and run.unmade:
        return incomplete([run.id], f"run {run.id} could not write the record {run.unmade[0]}")
    if not run.records:
        reason = "the program never imported torch, so there was nothing to observe"
        return incomplete([run.id], attached.sentence(run.info) or reason)
    return None


def printed_otherwise(runs: Sequence[Run]) -> str | None:
    """That runs which computed the same did not print the same: what else they hold was not compared."""
    first, *others = (kept(run.path, "stdout").splitlines() for run in runs)
    for other in others:
        lines = zip_longest(first, other)
        number = next((n for n, (a, b) in enumerate(lines, 1) if a != b), None)
        if number is not None:
            return (
                f"what the runs printed differs, first in line {number} of stdout.txt.gz in their folders: "
                "a time, or something that torch did not compute"
            )
    return None


def said(folder: Path) -> str:
    """What a run wrote, as far as it was kept: its error is at the end."""
    return "\n".join(kept(folder, name) for name in ("stderr", "stdout"))


def left_there(run: Run) -> str:
    """What a run wrote and left there, for a sentence: " (it wrote cache.pt, log.txt and 3 more)"."""
    paths = {
        str(fact.detail.path): None
        for _, record in sorted(run.records.items())
        for fact in record.facts()
        if isinstance(fact.detail, (Write, Save)) and fact.site is not None
    }
    here = str(run.info.get("cwd") or ".")
    paths = {path: None for path in paths if os.path.lexists(os.path.join(here, path))}
    some = list(paths)[:_SHOWN]
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return f" (it wrote {', '.join(some)}{more})" if some else " (a file, a cache, a checkpoint)"
