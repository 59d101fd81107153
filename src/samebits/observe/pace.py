"""How long each optimizer step took, so that what a change of the program costs can be told."""

from __future__ import annotations

import time
from array import array
from typing import Final

#: More are thinned out: every second one stays, and stands for twice as many steps.
_MOST: Final = 4096


class Pace:
    """The moments at which steps ended, of one process."""

    def __init__(self) -> None:
        self._clock = time.perf_counter
        self._moments = array("d")
        self._stride = 1
        self._steps = 0

    def step(self) -> None:
        """A step has ended."""
        if self._steps % self._stride == 0:
            self._moments.append(self._clock())
            if len(self._moments) > _MOST:
                del self._moments[1::2]
                self._stride *= 2
        self._steps += 1

    def seconds(self) -> list[float]:
        """Seconds a step, one number a stretch; the first step, which has no beginning, is left out."""
        pairs = zip(self._moments, self._moments[1:], strict=False)
        return [round((end - begin) / self._stride, 7) for begin, end in pairs]
