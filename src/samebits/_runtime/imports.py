"""The one finder of ours on `sys.meta_path`, for who waits for a module and who changes how one is loaded.

`after` calls a function right after a module has been imported, or at once if it has been.  `on_found`
hands over what the other finders find, before it is loaded.  Both return a handle that cancels, and the
finder is on the path only while somebody needs it.

What stands between the import system and a module is marked as a part of the import system: Python leaves
those frames out of tracebacks, and out of the count by which a warning finds its place.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import FunctionType, ModuleType
from typing import Any, Final, TypeVar

from samebits._runtime import forks
from samebits._runtime.handle import Handle

#: The file name that Python leaves out.
IMPORTER: Final = "<frozen importlib._bootstrap_external>"
_F = TypeVar("_F", bound=Callable[..., Any])


def as_importer(function: _F) -> _F:
    """Mark a function as a part of the import system."""
    assert isinstance(function, FunctionType)
    function.__code__ = function.__code__.replace(co_filename=IMPORTER)
    return function


class _Asked:
    """One call that somebody asked for; two that are equal are still two."""

    def __init__(self, call: Callable[[Any], object]) -> None:
        self.call = call


_waiting: dict[str, list[_Asked]] = {}
_hooks: list[_Asked] = []
_lock = threading.RLock()  # of the two above, and of who changes the path for them


def after(name: str, call: Callable[[ModuleType], object]) -> Handle:
    """Call ``call(module)`` once the module ``name`` is there, unless the handle is cancelled before."""
    module = sys.modules.get(name)
    if module is not None and not getattr(getattr(module, "__spec__", None), "_initializing", False):
        call(module)
        return Handle()
    waiting = _Asked(call)
    with _lock:
        _waiting.setdefault(name, []).append(waiting)
        if _finder not in sys.meta_path:
            sys.meta_path.insert(0, _finder)

    def cancel() -> None:
        with _lock:
            others = [one for one in _waiting.get(name, ()) if one is not waiting]
            _waiting[name] = others
            if not others:
                del _waiting[name]
        _leave_if_idle()

    return Handle(cancel)


def on_found(call: Callable[[ModuleSpec], object]) -> Handle:
    """Call ``call(spec)`` with what the other finders find for each import, until the handle is cancelled.

    It may give the spec another loader.  Our finder then comes before those that are on the path by now.
    """
    hook = _Asked(call)
    with _lock:
        _hooks.append(hook)
        _leave()
        sys.meta_path.insert(0, _finder)

    def cancel() -> None:
        with _lock:
            if hook in _hooks:
                _hooks.remove(hook)
        _leave_if_idle()

    return Handle(cancel)


@contextmanager
def restored() -> Iterator[None]:
    """For tests: afterwards who waits, the hooks and the path are as before."""
    with _lock:
        waiting = {name: list(calls) for name, calls in _waiting.items()}
        hooks, path = list(_hooks), list(sys.meta_path)
    try:
        yield
    finally:
        with _lock:
            _waiting.clear()
            _waiting.update(waiting)
            _hooks[:] = hooks
            sys.meta_path = path


class _Finder:
    """Finds nothing itself: asks the others in their order, and looks at what they find."""

    def __init__(self) -> None:
        self._own = threading.local()  # the names that a thread is searching

    @as_importer
    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        searching: set[str] = self._own.__dict__.setdefault("searching", set())
        if name in searching or not (_hooks or name in _waiting):
            return None
        searching.add(name)  # another finder of this kind may ask this one in turn
        try:
            for finder in list(sys.meta_path):
                find = None if finder is self else getattr(finder, "find_spec", None)
                spec: ModuleSpec | None = find(name, path, target) if find else None
                if spec is not None:
                    for hook in list(_hooks):
                        hook.call(spec)
                    if name in _waiting and hasattr(spec.loader, "exec_module"):
                        _announce(spec.loader)
                    return spec
        finally:
            searching.discard(name)
        return None

    def invalidate_caches(self) -> None:
        """The other finders hold the caches."""


_finder: Final = _Finder()


class _Announced:
    """A loader's `exec_module`, after which those who wait for the module are called."""

    def __init__(self, execute: Callable[[ModuleType], object]) -> None:
        self._execute = execute

    @as_importer
    def __call__(self, module: ModuleType) -> None:
        self._execute(module)
        name = getattr(module.__spec__, "name", module.__name__)
        while True:  # whoever is called may ask for the same module
            with _lock:
                waiting = _waiting.pop(name, ())
            if not waiting:
                break
            for one in waiting:
                one.call(module)
        _leave_if_idle()


def _announce(loader: Any) -> None:
    """Once is enough: a loader may serve several modules, and be found again by who loads nothing."""
    if not isinstance(loader.exec_module, _Announced):
        loader.exec_module = _Announced(loader.exec_module)


def _leave_if_idle() -> None:
    with _lock:
        if not (_waiting or _hooks):
            _leave()


def _leave() -> None:
    """Off the path, which is a new list: a thread in the middle of the old one would skip a finder."""
    if _finder in sys.meta_path:
        sys.meta_path = [finder for finder in sys.meta_path if finder is not _finder]


def _renew() -> None:
    global _lock
    _lock = threading.RLock()


forks.register(after_in_child=_renew)
