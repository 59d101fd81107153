"""Names in modules of others that we replace, and put back exactly as they stood.

The lowest layer, since control of a program, the deterministic mode and the portable
mode all do it, and all owe their caller the same: everything is as before.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial, wraps
from types import ModuleType
from typing import Any, Final

from samebits._runtime import imports

_NOTHING: Final = object()


class Patcher:
    """Replaces names until `uninstall`.

    What a program has kept of ours by then asks `_alive` and calls the original.
    """

    def __init__(self) -> None:
        self._alive = True
        self._undo = ExitStack()

    def uninstall(self) -> None:
        """Everything is as before: the last change is undone first, each even if undoing another raised."""
        self._alive = False
        self._undo.pop_all().close()

    def _replace(self, owner: Any, name: str, new: Any) -> None:
        self._undo.callback(replace(owner, name, new))

    def _around(self, owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
        self._undo.callback(wrap(owner, name, wrapper))

    def _after(self, name: str, call: Callable[[ModuleType], object]) -> None:
        """`imports.after`, as long as this is installed."""
        self._undo.callback(imports.after(name, call).cancel)


def replace(owner: Any, name: str, new: Any) -> Callable[[], None]:
    """Put ``new`` in the place of ``owner.name``; returns what puts back what stood there.

    That is what the owner itself held: a staticmethod or another descriptor and not what it gives, and
    nothing where the name was inherited or absent.  An owner that keeps its attributes elsewhere
    (torch's configurations) gets back the value that it gave.
    """
    held = _own(owner, name)
    given = getattr(owner, name, _NOTHING) if held is _NOTHING else held
    setattr(owner, name, new)
    kept_by_itself = held is not _NOTHING or _own(owner, name) is new
    before = held if kept_by_itself else given
    return partial(delattr, owner, name) if before is _NOTHING else partial(setattr, owner, name, before)


def _own(owner: Any, name: str) -> Any:
    return getattr(owner, "__dict__", {}).get(name, _NOTHING)


def wrap(owner: Any, name: str, wrapper: Callable[..., Any]) -> Callable[[], None]:
    """Put ``wrapper(original, ...)`` in the place of a function ``owner.name``; returns what puts it back.

    A staticmethod or a classmethod stays one.
    """
    held = inspect.getattr_static(owner, name)
    kind = type(held) if isinstance(held, staticmethod | classmethod) else None
    original = getattr(owner, name) if kind is None else held.__func__

    @wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return wrapper(original, *args, **kwargs)

    return replace(owner, name, wrapped if kind is None else kind(wrapped))
