"""What is watched of a callable: found by the function itself or by the class of its owner, and learned once.

`probes` asks at every call of user code, so what it asks first are plain tables.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any, Final

from samebits.model import calls
from samebits.usercode import on_generators, texts, watchlist
from samebits.usercode.watched import Watched
from samebits.usercode.watchlist import BOUND

_CLASSES: Final = 4096  # classes whose methods were looked up; then all are forgotten

#: What is worth a look in `_functions`: their own types, which are hashed by address without running user
#: code, and the owners of built-in functions and class methods.  (`id` would do for keys of any type, but it
#: is an audited event, which costs a call of every audit hook.)
known_kinds: set[type] = {ModuleType, FunctionType, type}
known_methods: dict[type, dict[str, Watched]] = {}
modules = -1  # how many modules were loaded at the last `look`
_functions: dict[Any, Watched] = {}
_pending: dict[str, dict[str, Watched]] = {}  # functions of modules that are not loaded yet
_class_methods: dict[type, dict[str, Watched]] = {}


def begin() -> None:
    """Look again at the next call."""
    global modules
    _functions.clear()  # a function may have been replaced since, by control for one
    _pending.clear()
    _pending.update(watchlist.functions())
    modules = -1


def look() -> None:
    """Find the watched functions of modules loaded since the last look."""
    global modules
    modules = len(sys.modules)
    for name, wanted in list(_pending.items()):
        module = sys.modules.get(name)
        if module is None:
            continue
        for attribute, watched in list(wanted.items()):
            function = module.__dict__.get(attribute)  # no getattr: it could import, or warn
            if function is not None:
                del wanted[attribute]
                if on_generators.seen_below(watched):
                    continue
                _functions[function] = watched
                known_kinds.add(type(function))


def function(called: Any, is_user: Callable[[str], bool]) -> Watched | None:
    """What is watched of a function that is no method of a watched object."""
    watched = _functions.get(called)
    kind = type(called)
    if watched is None and kind is FunctionType and called.__module__ == "torch.random":
        # torch's compiler, once loaded, puts a function of its own around `torch.manual_seed`.
        watched = _functions.get(getattr(called, "__wrapped__", None))
    if watched is not None:
        return watched
    if kind in BOUND and isinstance(called.__self__, type):
        table = _class_methods.get(called.__self__)
        if table is None:
            table = _remember(_class_methods, called.__self__, watchlist.class_methods)
        return table.get(called.__name__) if table else None
    if kind is FunctionType and called.__name__ in calls.SEEDING_HELPERS:
        return None if texts.is_user_code(called.__code__, is_user) else watchlist.helper(called)
    return None


def learn_methods(kind: type) -> dict[str, Watched]:
    """What is watched of the methods of a class's objects, learned now."""
    return _remember(known_methods, kind, watchlist.methods)


def _remember(
    known: dict[type, dict[str, Watched]], kind: type, learn: Callable[[type], dict[str, Watched]]
) -> dict[str, Watched]:
    try:
        table = learn(kind)
    except Exception:
        table = {}
    if len(known) >= _CLASSES:
        known.clear()
    known[kind] = table
    return table
