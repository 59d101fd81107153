"""Names that we replace in modules of others, and put back.

The lowest layer, since control of a program, the deterministic mode and the random
mode all do it, and all owe their caller the same: everything is as before.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any


class Replaced:
    """Until `uninstall`.  What a program kept of ours by then asks `_alive` and calls the original."""

    def __init__(self) -> None:
        self._alive = True
        self._undo: list[Callable[[], None]] = []

    def uninstall(self) -> None:
        """Everything is as before."""
        self._alive = False
        while self._undo:
            self._undo.pop()()

    def _replace(self, owner: Any, name: str, new: Any) -> None:
        old = getattr(owner, name)
        setattr(owner, name, new)
        self._undo.append(partial(setattr, owner, name, old))


def wrap(owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
    """Put ``wrapper(original, ...)`` in the place of ``owner.name``, for the life of the process."""
    original = getattr(owner, name)

    @wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return wrapper(original, *args, **kwargs)

    setattr(owner, name, wrapped)
