"""Where each set was made: for a set that is iterated elsewhere than it was made.

The order of a set of objects shows where its elements are taken, and is mended where it is made: a list, or a
dict's keys, in its place.  So the rewritten code tells of every set that it makes.  A set is known by its
address, and held by a weak reference, which keeps nothing alive and tells a new set at that address apart.

That must cost a hot loop next to nothing, so at each place only the first sets are remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from weakref import ref

from samebits.usercode.content import address

SETS: Final = frozenset({set, frozenset})
AT_ONE_PLACE: Final = 4096  # sets that are remembered of a place
MOST: Final = 1 << 16  # that are remembered at once

_made: dict[int, tuple[ref[Any], str]] = {}
_counts: dict[str, int] = {}


def _never() -> bool:
    return False


#: Whether `torch.compile` is tracing at this moment.
tracing: Callable[[], bool] = _never


def made(items: Any, place: str) -> Any:
    """``__samebits_made__``: gives its argument back; where a set was made, "train.py:19", is remembered."""
    if type(items) in SETS and not tracing() and _counts.get(place, 0) < AT_ONE_PLACE:
        _remember(items, place)
    return items


def _remember(items: Any, place: str) -> None:
    key = address(items)
    known = _made.get(key)
    if known is None or known[0]() is not items:  # `frozenset(x)` of one gives x
        _counts[place] = _counts.get(place, 0) + 1
        if len(_made) >= MOST:
            _forget()
        _made[key] = ref(items), place


def _forget() -> None:
    """Forget the sets that are gone, and where nearly all are still there, all of them."""
    alive = {key: known for key, known in list(_made.items()) if known[0]() is not None}
    _made.clear()
    if len(alive) < MOST // 2:
        _made.update(alive)


def place(items: Any) -> str | None:
    """Where a set was made, if that is remembered."""
    known = _made.get(address(items))
    return known[1] if known is not None and known[0]() is items else None


def forget() -> None:
    """Begin anew."""
    _made.clear()
    _counts.clear()
