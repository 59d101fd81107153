"""What functions that numba compiled have drawn, from generators of its own that Python never calls.

Their states are looked at now and then.  A state that moved is a draw, at no line that is known.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Final

from xxhash import xxh3_64_intdigest

#: Index and state of a Mersenne Twister, as numba's `rnd_state_t` begins.
_BYTES: Final = 4 + 624 * 4
_POINTERS: Final = ("rnd_get_np_state_ptr", "rnd_get_py_state_ptr")


class CompiledDraws:
    """Looks at numba's generators of the calling thread."""

    def __init__(self) -> None:
        self._states: dict[str, int] = {}

    def moved(self) -> list[int]:
        """The states of the generators that were drawn from, or seeded, since the last look.

        As they are now: a function that seeds and draws leaves the same one in every run.
        """
        helper = sys.modules.get("numba._helperlib")
        found = []
        for name in _POINTERS if helper is not None else ():
            pointer = getattr(helper, name, None)
            if pointer is None:
                continue
            state = xxh3_64_intdigest(ctypes.string_at(pointer(), _BYTES))
            before = self._states.get(name)
            self._states[name] = state
            if before is not None and before != state:
                found.append(state)
        return found
