"""By which parameter a library's function takes a seed or a generator, as its signature says.

Nothing is called: modules and classes are looked up in their dictionaries, and of a decorated function the
one that it wraps is asked.
"""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType
from typing import Any, Final

#: Names of parameters, the likelier first; each counts only where it is None unless it is given.
_NAMES: Final = ("seed", "random_state", "random_seed", "rng", "generator", "random_generator")
_WRAPPED: Final = 8  # decorators around a function

_variables: Any = vars(ModuleType)["__dict__"].__get__
_attributes: Any = type.__dict__["__dict__"].__get__


def seed_parameter(name: str) -> tuple[str, int | None] | None:
    """The parameter of a function that is called ``module.Class.function``; None: it has none.

    And how many positional arguments a call has if it gives that one too; None: it is given by name alone.
    """
    found = _function(name)
    if found is None:
        return None
    function, bound = found
    code = function.__code__
    count = code.co_argcount
    defaults = dict(
        zip(reversed(code.co_varnames[:count]), reversed(function.__defaults__ or ()), strict=False)
    )
    defaults |= function.__kwdefaults__ or {}
    parameter = next((one for one in _NAMES if one in defaults and defaults[one] is None), None)
    if parameter is None:
        return None
    positional = code.co_varnames[bound:count]
    return parameter, positional.index(parameter) + 1 if parameter in positional else None


def _function(name: str) -> tuple[FunctionType, int] | None:
    """The function, and how many of its arguments a call does not write: ``self``, or a class."""
    parts = name.split(".")
    at = next((n for n in range(len(parts) - 1, 0, -1) if ".".join(parts[:n]) in sys.modules), 0)
    found: Any = sys.modules.get(".".join(parts[:at]))
    bound = 0
    for part in parts[at:]:
        if isinstance(found, ModuleType):
            found = _variables(found).get(part)
        elif isinstance(found, type):
            held = (_attributes(base) for base in found.__mro__)
            found = next((names[part] for names in held if part in names), None)
            bound = not isinstance(found, staticmethod)
        else:
            return None
        if isinstance(found, staticmethod | classmethod):
            found = found.__func__
    for _ in range(_WRAPPED):
        if type(found) is not FunctionType:
            return None
        inner = vars(found).get("__wrapped__")
        if inner is None:
            return found, bound
        found = inner
    return None
