"""What is known of a place where the evidence shows no cause, and the one command that would tell more.

Whether a program repeats under control is known only once it was tried, so that it is proposed and not said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samebits.compare.shared import repeat
from samebits.model.divergence import Divergence
from samebits.model.events import EXTERNAL, RANDOM
from samebits.model.operators import public_name, spoken
from samebits.model.sites import short_path

#: The digest of the inputs of an operation that has none.
_NO_INPUTS = 1


def command(info: Mapping[str, Any]) -> str:
    """The words of a run's program, or ""."""
    argv = info.get("argv")
    return repeat(info, "op").partition(" --level op ")[2] if isinstance(argv, list) else ""


def unexplained(divergence: Divergence, operations: bool, info: Mapping[str, Any]) -> str:
    """Sentences about a divergence without a cause.

    Args:
        operations: whether single operations were recorded there.
        info: the run.json of a run.
    """
    program = command(info) or "SCRIPT"
    event = divergence.event
    what = spoken(public_name(event))
    at = f" at {short_path(event.site.file)}:{event.site.line}" if event.site else ""
    if not operations:
        return (
            f"What is known: {what}{at} is the first result that differs, and the operations before it were "
            f"not recorded. This command records them: samebits verify --level op {program}"
        )
    if divergence.change != "value":
        known = f"{what}{at} did not run in both: what the program decides by differed before, outside torch"
    elif event.flags & EXTERNAL or (event.inputs == _NO_INPUTS and not event.flags & RANDOM):
        known = (
            f"what differs came from outside torch at this line, by {what}{at}: from numpy, a file or Python"
        )
    elif divergence.inputs_equal is True:
        known = f"{what}{at} was given the same tensors in both runs, and its result differs"
    elif divergence.inputs_equal is False:
        known = f"{what}{at} was given other inputs in each run, though no earlier result differs"
    else:
        known = f"{what}{at} is the first result that differs"
    return (
        f"What is known: {known}. Whether the program repeats when samebits seeds it is known only if it is "
        f"tried: samebits verify --seed 1 --deterministic {program}"
    )
