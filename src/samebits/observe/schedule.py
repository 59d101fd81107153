"""How often parameters and gradients are read at level "step".

Reading all of them at every step can cost more than a tiny model's step.  So a run measures both and reads
every stride-th parameter at each step, a different residue each time, so that within `stride` steps all are
read; and at each step that the stride divides, all gradients, of which the norm is taken together.  The
further runs of a verification follow the first one's schedule.  Records that were made apart measured for
themselves, on machines that may have been busy; so strides are powers of two and change at the same steps
everywhere: whatever a record of the larger stride read, one of the smaller stride read as well.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Final, TypeVar

_T = TypeVar("_T")

#: Reading may cost this share of a step.
BUDGET: Final = 0.012
#: What a cycle costs of reading everything once: parameters once, gradients twice.
_CYCLE: Final = 1.5
#: After how many steps the stride is set anew.
MEASURED: Final = (4, 16, 64, 256, 1024)
LARGEST: Final = 256


class Schedule:
    """``follows``: the (from step, stride) pairs to follow; None measures instead and fills ``made``."""

    def __init__(self, follows: Sequence[tuple[int, int]] | None, *, measures: bool) -> None:
        self.stride = 1
        self.made: list[tuple[int, int]] = []
        self._follows = None if follows is None else dict(follows)
        self._measures = measures and follows is None
        self._clock = time.perf_counter
        self._began = self._clock()
        self._reading = 0.0  # seconds spent reading in this step
        self._full = 0.0  # seconds that reading everything would have taken
        self._steps: list[tuple[float, float]] = []  # (the step without reading, reading everything)

    @property
    def known(self) -> list[tuple[int, int]]:
        """The (from step, stride) pairs so far, for the record; before the first everything is read."""
        return self.made if self._follows is None else sorted(self._follows.items())

    def turn(self, step: int, things: list[_T]) -> list[_T]:
        """Those whose turn it is at ``step``."""
        return things if self.stride == 1 else things[step % self.stride :: self.stride]

    def reads_all(self, step: int) -> bool:
        """Whether what is read as a whole (the generators' states) is read at ``step``."""
        return step % self.stride == 0

    def spent(self, seconds: float, *, share: int) -> None:
        """Reading took ``seconds``, and ``share`` times that had everything been read."""
        self._reading += seconds
        self._full += seconds * share

    def restart(self) -> None:
        """Forget the step under way: time passed that was not the program's."""
        self._began, self._reading, self._full = self._clock(), 0.0, 0.0

    def advance(self, step: int) -> bool:
        """``step`` steps are done; whether a new stride was made."""
        if self._follows is not None:
            self.stride = self._follows.get(step, self.stride)
            return False
        if not self._measures or step > MEASURED[-1]:
            return False
        self._steps.append((self._clock() - self._began - self._reading, self._full))
        self.restart()
        if step not in MEASURED:
            return False
        middle = len(self._steps) // 2
        usual = sorted(s for s, _ in self._steps)[middle]
        full = sorted(f for _, f in self._steps)[middle]
        needed = full / max(usual, 1e-9) / BUDGET
        self.stride = 1 if needed <= 1 else min(LARGEST, 1 << math.ceil(math.log2(_CYCLE * needed)))
        self.made.append((step, self.stride))
        self._steps.clear()
        return True
