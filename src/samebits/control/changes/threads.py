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
    """Half as many; of one, two.

    Where nothing says how many there are, it is one for each processor or for each of their cores, of which
    some have two processors: of more than two neither number is taken.  One that is larger than the
    processors would be of no effect, for torch takes no more.
    """
    given = variables.get("OMP_NUM_THREADS", "")
    if given.isascii() and given.isdigit() and int(given):
        now = int(given)
        return dict.fromkeys(_VARIABLES, str(now // 2 if now > 1 else 2))
    processors = os.cpu_count() or 1
    return dict.fromkeys(
        _VARIABLES, str(processors // 2 - 1 if processors > 3 else 1 if processors > 1 else 2)
    )


CHANGES = (
    Change(
        name="threads",
        what="another number of CPU threads",
        should="rounding",
        why="a result depends on the number of threads by more than rounding.",
        variables=_other,
    ),
    Change(name="one-thread", what="one CPU thread", variables=_one, mends=True),
)
