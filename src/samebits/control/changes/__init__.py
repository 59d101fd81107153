"""What can be changed of how a program runs, found from the files of this room: a file, a change or several.

Every module here whose name has no leading underscore defines `CHANGES`.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from importlib import import_module
from types import MappingProxyType
from typing import Final

from samebits.control.change import Change as Change


def _discover() -> dict[str, Change]:
    found: dict[str, Change] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        if not module.name.startswith("_"):
            for change in import_module(f"{__name__}.{module.name}").CHANGES:
                assert isinstance(change, Change), module.name
                found[change.name] = change
    return found


#: Name -> change.
CHANGES: Final[Mapping[str, Change]] = MappingProxyType(_discover())


def environment(names: Iterable[str], variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that changes set before the program starts, given those that it would get."""
    changed: dict[str, str] = {}
    for name in names:
        changed |= CHANGES[name].variables({**variables, **changed})
    return changed


def install(names: Iterable[str]) -> Callable[[], None]:
    """Make changes in this process; returns what undoes them."""
    undo = ExitStack()
    for name in names:
        if (begin := CHANGES[name].install) is not None:
            undo.callback(begin())
    return undo.close
