"""Named streams inside the portable mode: what is drawn in one moves no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

from samebits._runtime.decorated import decorated
from samebits._runtime.scope import Stays
from samebits.errors import UsageError, UsageTypeError

__all__ = ["scope"]

P = ParamSpec("P")
R = TypeVar("R")

_path: Final[ContextVar[str]] = ContextVar("samebits.random.scope", default="")

#: The portable modes that are open.
portable_stays: Final[Stays[Any]] = Stays()


class scope:  # called like a function, as torch.no_grad is
    """Draw from a stream of its own for a `with` block, or in a decorated function::

        with samebits.random.portable(0):
            with samebits.random.scope("augment"):
                images = augment(images)      # more or fewer draws here change nothing elsewhere

    The stream's key is ``fold_in(key, path)``; a scope inside another has the path ``"outer/inner"``.  A
    scope that is entered again goes on where it was.  It is that of the thread, or asyncio task, which
    enters it, and of what is drawn from torch's default generator: one that is passed as an argument has
    its own stream.  A generator that yields inside a scope leaves its caller in it until it goes on.

    Each rank draws numbers of its own, but in a shared scope and those inside it, where all draw alike::

        with samebits.random.scope("weights", shared=True):
            model = Net()                     # the same weights on every rank

    Args:
        name: any text without "/", but no empty one.  A generator's state counts the draws of up to 153
            paths; for more there is ``fold_in(key, name)``.
        shared: all ranks draw the same numbers, as long as they draw the same amount here: those of
            ``fold_in(key(seed), "/path")`` for the seed of `portable(seed)`.  After `torch.manual_seed` they
            begin anew.

    Raises:
        TypeError, ValueError: a name that is none, or a decorated class, generator or coroutine.
        UsageError: there is no portable mode, or for a shared one it has no seed.
        StateError: where it draws: the state has no room for a further path.
    """

    def __init__(self, name: str, *, shared: bool = False) -> None:
        if not isinstance(name, str):
            raise UsageTypeError(f"samebits.random.scope: a name is expected, not {name!r}.")
        if not name or "/" in name:
            raise UsageError(
                f"samebits.random.scope: {name!r} is no name; expected a text, not empty, without '/'."
            )
        if not isinstance(shared, bool):
            raise UsageTypeError(f"samebits.random.scope: shared must be True or False, got {shared!r}.")
        self._name = name
        self._shared = shared
        self._outer: list[str] = []

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        return decorated(
            function, partial(scope, self._name, shared=self._shared), "samebits.random.scope(name)"
        )

    def __enter__(self) -> None:
        if not portable_stays.open:
            raise UsageError(
                f"samebits.random.scope({self._name!r}) is outside samebits.random.portable(), which alone "
                "has scopes: enter that first. With keys, samebits.random.fold_in(key, name) does the same."
            )
        outer = _path.get()
        path = f"{outer}/{self._name}" if outer else self._name
        if self._shared and not path.startswith("/"):
            path = f"/{path}"
            shared_key(path)
        self._outer.append(outer)
        _path.set(path)

    def __exit__(self, *_: object) -> None:
        _path.set(self._outer.pop())


def shared_key(path: str) -> tuple[int, int]:
    """The key that scopes shared by all ranks are derived from: that of the mode's seed."""
    key: tuple[int, int] | None = portable_stays.open[-1].seed if portable_stays.open else None
    if key is None:
        raise UsageError(
            f"samebits.random.scope: {path[1:]!r} is shared by all ranks, and this mode began with the state "
            "of torch's generator, of which each rank has another: samebits.random.portable(seed) has one."
        )
    return key


@contextmanager
def at(path: str) -> Iterator[None]:
    """Be in the scope of a whole path."""
    before = _path.get()
    _path.set(path)
    try:
        yield
    finally:
        _path.set(before)


def enter(path: str) -> None:
    """Be in the scope of a whole path from here on."""
    _path.set(path)


def here() -> str:
    """The path of the scope that this thread is in, "" outside every one."""
    return _path.get()
