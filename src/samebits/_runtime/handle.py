"""What whoever hooks something gets back: `cancel` takes the hook out again, once."""

from __future__ import annotations

from collections.abc import Callable


class Handle:
    """A hook that is in place until `cancel`.

    Args:
        undo: takes the hook out; None where there is nothing to take out (any more).
    """

    def __init__(self, undo: Callable[[], object] | None = None) -> None:
        self._undo = undo

    def cancel(self) -> None:
        """Take the hook out; does nothing the second time."""
        undo, self._undo = self._undo, None
        if undo is not None:
            undo()
