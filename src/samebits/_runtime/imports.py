"""Runs a function right after a module has been imported, or at once if it has been.

What stands between the import system and a module is marked as a part of the import system: Python leaves
those frames out of tracebacks, and out of the count by which a warning finds its place.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import FunctionType, ModuleType
from typing import Any, Final, TypeVar

#: The file name that Python leaves out.
IMPORTER: Final = "<frozen importlib._bootstrap_external>"
_F = TypeVar("_F", bound=Callable[..., Any])


def as_importer(function: _F) -> _F:
    """Mark a function as a part of the import system."""
    assert isinstance(function, FunctionType)
    function.__code__ = function.__code__.replace(co_filename=IMPORTER)
    return function


_waiting: dict[str, list[Callable[[ModuleType], None]]] = {}
_searching: set[str] = set()


def after(name: str, call: Callable[[ModuleType], None]) -> None:
    """Call ``call(module)`` once the module ``name`` is there."""
    module = sys.modules.get(name)
    if module is not None and not getattr(getattr(module, "__spec__", None), "_initializing", False):
        call(module)
        return
    _waiting.setdefault(name, []).append(call)
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    """Finds nothing itself: asks the others and wraps the loader of a module that is waited for."""

    @as_importer
    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in _waiting or name in _searching:
            return None
        _searching.add(name)  # another finder of this kind may ask this one in turn
        try:
            for finder in sys.meta_path:
                if finder is self or not hasattr(finder, "find_spec"):
                    continue
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                        _wrap(spec.loader, name)
                    return spec
        finally:
            _searching.discard(name)
        return None


def _wrap(loader: object, name: str) -> None:
    execute = loader.exec_module  # type: ignore[attr-defined]

    @as_importer
    def exec_module(module: ModuleType) -> None:
        execute(module)
        for call in _waiting.pop(name, ()):
            call(module)

    loader.exec_module = exec_module  # type: ignore[attr-defined]
