"""Seeds that are the clock's, though nobody saw the program read it: they are told, and not replaced.

A seed that user code takes from the clock is replaced (`seed_calls`).  What a library reads (Hydra's
``${now:%H%M%S}``, ``np.random.seed(int(time.time()))`` in a package) reaches a generator all the same, and is
known there by its value: the time of this run in seconds, milliseconds, microseconds or nanoseconds, or
written as a date.  That is no proof, so the seed stays, and one line says that runs will differ there.
"""

from __future__ import annotations

import operator
import sys
import time
from typing import Any, Final

from samebits.control import places

_SCALES: Final = (1, 10**3, 10**6, 10**9)
_CUTS: Final = (2**31, 2**32)
#: A clock that was cut to so many bits is known only where so small a part of all numbers would be it, too.
_CHANCE: Final = 1e-4
#: How a time is written as a number.
_WRITTEN: Final = ("%H%M%S", "%d%H%M%S", "%m%d%H%M%S", "%y%m%d%H%M%S", "%Y%m%d%H%M%S", "%Y%m%d%H%M")
_SMALL: Final = 10_000
_LOOKS_BACK: Final = 120  # seconds


class Clocks:
    """The clock of one process since control began."""

    def __init__(self) -> None:
        self._started = time.time()
        self._until = int(self._started) - _LOOKS_BACK
        self._written: set[int] = set()
        self._told: set[str] = set()

    def seeded(self, name: str, seed: Any) -> None:
        """`name` was given a seed: say so if that is the clock's."""
        if not self.is_clock(seed):
            return
        place = places.place()
        if not place or place in self._told:
            return
        self._told.add(place)
        print(
            f"samebits: {place}: the seed given to {name}, {seed}, is this run's clock and is new in every "
            "run; it was read where it cannot be replaced, so runs differ from there on",
            file=sys.stderr,
        )

    def is_clock(self, seed: Any) -> bool:
        """Whether a number is the time of this run, in one of the forms that seeds have."""
        try:
            number = int(seed) if isinstance(seed, float) else operator.index(seed)
        except (TypeError, ValueError, OverflowError):
            return False
        if number < _SMALL:
            return False
        now = time.time()
        for scale in _SCALES:
            first, last = int((self._started - _LOOKS_BACK) * scale), int((now + 1) * scale)
            if first <= number <= last:
                return True
            for cut in _CUTS:
                few = last - first < _CHANCE * cut
                if last >= cut > number and few and (number - first) % cut <= last - first:
                    return True
        written = self._as_written(int(now))
        return number in written or number // 10**6 in written  # with microseconds: %H%M%S%f

    def _as_written(self, now: int) -> set[int]:
        for second in range(max(self._until + 1, now - _LOOKS_BACK), now + 1):
            for there in (time.localtime(second), time.gmtime(second)):
                self._written.update(int(time.strftime(form, there)) for form in _WRITTEN)
        self._until = max(now, self._until)
        return self._written
