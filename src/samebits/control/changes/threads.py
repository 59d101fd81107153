"""How many threads torch computes with on the CPU: sums that threads share out round otherwise."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from samebits.control.change import Change

#: What OpenMP and MKL read as they are loaded.
_VARIABLES: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


def _one(variables: Mapping[str, str]) -> Mapping[str, str]:
    return dict.fromkeys(_VARIABLES, "1")


def _other(variables: Mapping[str, str]) -> Mapping[str, str]:
    """Half as many; of one, two."""
    given = variables.get("OMP_NUM_THREADS", "")
    now = int(given) if given.isascii() and given.isdigit() and int(given) else (os.cpu_count() or 1)
    return dict.fromkeys(_VARIABLES, str(now // 2 if now > 1 else 2))


CHANGES = (
    Change(
        name="threads",
        what="half as many CPU threads",
        should="rounding",
        why="a result depends on the number of threads by more than rounding.",
        variables=_other,
    ),
    Change(name="one-thread", what="one CPU thread", variables=_one, mends=True),
)
