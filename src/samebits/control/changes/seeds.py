"""Another seed: what the program seeds generators with, plus one.

Whoever starts a program with a seed of samebits' gives it the next one, too.
"""

from __future__ import annotations

import ast
import operator
import sys
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, ClassVar, Final

from samebits._runtime.patcher import Patcher
from samebits.control import told
from samebits.control.change import Change
from samebits.usercode import loading, probes
from samebits.usercode.nodes import calling
from samebits.usercode.rewriting import Rewriting, Step

_NAME: Final = "seed"
#: Process-wide seeding functions: module, and names; whoever calls them, seed_everything() of a library too.
_FUNCTIONS: Final = (
    ("random", ("seed",)),
    ("numpy.random", ("seed",)),
    ("torch.random", ("manual_seed",)),  # of which torch takes it
)
#: Generators that user code makes or seeds, by their last names; the rest follows at run time.
_MAKERS: Final = frozenset(
    {"default_rng", "RandomState", "SeedSequence", "Random", "manual_seed", "PCG64", "MT19937", "Philox"}
)
#: What of samebits takes a seed.
_OURS: Final = frozenset(
    {"seed_everything", "SeededLoader", "SampleSeeded", "ResumableSampler", "loader_kwargs", "Streams", "Key"}
    | {"key", "portable", "isolated"}
)
#: Who seeds by what follows from another seed.
_DERIVED: Final = ("samebits.", "torch.utils.data._utils")
_HOMES: Final = ("random", "numpy.random", "torch", "samebits")


class Seeds(Patcher):
    """Adds one to the seeds that process-wide generators are given."""

    def install(self) -> Callable[[], None]:
        for module, names in _FUNCTIONS:
            self._after(module, partial(self._wrap, names))
        self._undo.callback(loading.add(SeedArgument()))
        return self.uninstall

    def _wrap(self, names: tuple[str, ...], module: ModuleType) -> None:
        def seeded(original: Any, *args: Any, **kwargs: Any) -> Any:
            if not self._alive or _inside(original):
                return original(*args, **kwargs)
            return _with_next(original, args, kwargs, f"{module.__name__}.{original.__name__}")

        for name in names:
            if callable(getattr(module, name, None)):
                self._around(module, name, seeded)


def _inside(original: Any) -> bool:
    """Whether samebits seeds, or a loader its workers: what these seeds are of is changed already."""
    frame = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__") in (__name__, "samebits._runtime.patcher"):
        frame = frame.f_back  # type: ignore[assignment]
    return frame is not None and str(frame.f_globals.get("__name__")).startswith(_DERIVED)


def _next(seed: Any) -> Any:
    """The next seed, of several numbers the first; None where it is no whole number."""
    if isinstance(seed, list | tuple) and seed and (first := _next(seed[0])) is not None:
        return [first, *seed[1:]]
    if isinstance(seed, bool) or seed is None:
        return None
    try:
        number = operator.index(seed)
    except TypeError:
        return None
    return number - 1 if number in (2**32 - 1, 2**63 - 1, 2**64 - 1) else number + 1


def _with_next(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], called: str = "") -> Any:
    """A call with the next seed in the place of its first argument, or of the one called seed."""
    keyword = next((name for name in ("seed", "a", "x", "entropy") if name in kwargs), None)
    given = kwargs[keyword] if keyword is not None else args[0] if args else None
    after = _next(given)
    if after is None:
        return function(*args, **kwargs)
    told.tell(_NAME, f"{called or getattr(function, '__name__', 'seed')}({given}) -> {after}")
    if keyword is not None:
        return function(*args, **{**kwargs, keyword: after})
    return function(after, *args[1:], **kwargs)


def resolve(function: Any) -> Any:
    """``__samebits_other_seed__``: `function`, or a stand-in where it seeds a generator object."""
    if probes._tracing():
        return function
    inner = probes.behind(function)
    home = getattr(inner, "__module__", None) or type(getattr(inner, "__self__", None)).__module__
    if not any(str(home) == each or str(home).startswith(f"{each}.") for each in (*_HOMES, "_random")):
        return function
    owner = getattr(inner, "__self__", None)
    if owner is None and getattr(inner, "__name__", "") in ("seed", "manual_seed"):
        return function  # process-wide, and changed already
    if isinstance(owner, ModuleType):
        return function
    return partial(_called, function)


def _called(function: Any, /, *args: Any, **kwargs: Any) -> Any:
    return _with_next(function, args, kwargs)


class SeedArgument(Step):
    """``f(...)`` becomes ``__samebits_other_seed__(f)(...)`` where f may seed a generator object."""

    names: ClassVar = {"__samebits_other_seed__": resolve}
    wanted = _MAKERS | _OURS | {"seed"}

    def called(self, call: ast.Call, around: ast.expr, name: str, at: Rewriting) -> ast.expr:
        if name in self.wanted:
            call.func = calling("__samebits_other_seed__", call.func, [call.func])
        return around


CHANGES = (
    Change(
        name=_NAME,
        what="another seed",
        should="must",
        why="the seed reaches nothing: what is random is seeded elsewhere, or not at all.",
        install=lambda: Seeds().install(),
        tells=True,
    ),
)
