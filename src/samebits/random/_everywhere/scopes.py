"""Named streams inside the everywhere mode: what is drawn in one moves no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from samebits.errors import UsageError

_path: Final[ContextVar[str]] = ContextVar("samebits.random.scope", default="")

#: How many everywhere modes are open.
open_modes: Final[list[object]] = []


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Draw from a stream of its own for a `with` block, or in a decorated function::

        with samebits.random.everywhere(0):
            with samebits.random.scope("augment"):
                images = augment(images)      # more or fewer draws here change nothing elsewhere

    The stream's key is ``fold_in(key, path)``; a scope inside another has the path ``"outer/inner"``.  A
    scope that is entered again goes on where it was.  It is that of the thread, or asyncio task, which
    enters it, and of what is drawn from torch's default generator: one that is passed as an argument has
    its own stream.

    Args:
        name: any text without "/".

    Raises:
        TypeError, ValueError: a name that is none.
        UsageError: there is no everywhere mode.
    """
    if not isinstance(name, str):
        raise TypeError(f"samebits.random.scope: a name is expected, not {name!r}.")
    if not name or "/" in name:
        raise ValueError(f"samebits.random.scope: {name!r} is no name; expected a text without '/'.")
    if not open_modes:
        raise UsageError(
            f"samebits.random.scope({name!r}) is outside samebits.random.everywhere(), which alone has "
            "scopes: enter that first. With keys, samebits.random.fold_in(key, name) does the same."
        )
    outer = _path.get()
    with at(f"{outer}/{name}" if outer else name):
        yield


@contextmanager
def at(path: str) -> Iterator[None]:
    """Be in the scope of a whole path."""
    token = _path.set(path)
    try:
        yield
    finally:
        _path.reset(token)


def here() -> str:
    """The path of the scope that this thread is in, "" outside every one."""
    return _path.get()
