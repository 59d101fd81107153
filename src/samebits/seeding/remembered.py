"""What `seed_everything` seeded last, and whether the generators are still in those streams.

Python's and numpy's generators do not show what they were seeded with.  So their states after the seeding are
kept, and whoever asks walks from them: a generator that was only drawn from is some blocks of words ahead.
No generator is changed by the question.
"""

from __future__ import annotations

import random
import sys
from typing import Any, Final

#: How far a stream is followed: 624 words a block, some 12 million draws.  It takes a quarter of a second.
_BLOCKS: Final = 20_000
_WORDS: Final = 624
_FULL: Final = 32 * _WORDS
_VERSION: Final = 3  # of the state of `random.Random`

Words = tuple[int, ...]


class _Last:
    """The last seeding of this process."""

    seed: int | None = None
    states: dict[str, Any]


def remember(seed: int) -> None:
    """Keep the states that the generators have now, which `seed` gave them."""
    _Last.seed, _Last.states = seed, _states()


def still_seeded() -> dict[str, Any] | None:
    """The last seed, and whether each generator is in the stream that it gave; None: none was given.

    False: it was seeded anew, or more was drawn than is followed.
    """
    if _Last.seed is None:
        return None
    now, then = _states(), _Last.states
    found: dict[str, Any] = {"seed": str(_Last.seed)}
    return found | {name: name in now and _ahead(then[name], now[name]) for name in then}


def _states() -> dict[str, Any]:
    found: dict[str, Any] = {"python": random.getstate()[1][:_WORDS]}
    mtrand = sys.modules.get("numpy.random.mtrand")
    if mtrand is not None:
        state = mtrand._rand._bit_generator.state
        words = state["state"].get("key") if state["bit_generator"] == "MT19937" else None
        found["numpy"] = repr(state) if words is None else tuple(words.tolist())
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "default_generator"):
        found["torch"] = torch.default_generator.initial_seed()
    return found


def _ahead(then: Any, now: Any) -> bool:
    """Whether a state is an earlier one, or the words of MT19937 are those of a later block."""
    if then == now or not isinstance(then, tuple) or not isinstance(now, tuple):
        return bool(then == now)
    walker = random.Random()
    walker.setstate((_VERSION, (*then, _WORDS), None))
    for _ in range(_BLOCKS):
        walker.getrandbits(_FULL)
        if walker.getstate()[1][0] == now[0] and walker.getstate()[1][:_WORDS] == now:
            return True
    return False
