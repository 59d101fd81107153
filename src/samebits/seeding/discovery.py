"""Finds the generator objects that a program made, and names each by its path: ``loader.sampler.generator``.

Looked through are attributes (instance dicts and slots, `nn.Module`s and
DataLoaders among them), lists, tuples, dicts, sets, partials, bound methods,
defaults and closures of functions, and attributes of the program's own classes.
Nothing of the program is run meanwhile: no property, no ``__getattr__``, no
``__iter__``; what these would answer is read at the source, or not at all.
Not looked into: tensors, arrays but those of objects, modules, weak references,
and suspended generator functions, whose local variables a new process cannot
have.  Not to be looked into: the results that a `functools.lru_cache` keeps,
`map` and other iterators, `threading.local`, context variables.

A walk goes breadth first, so that the first name found is the shortest.  One
object found on several paths counts once; its other names are kept, as a
program that resumes may hold it by one of those.

How each type is looked through, and how it is quick, is in `traversal`.
"""

from __future__ import annotations

import sys
import types
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from samebits._runtime.warn import warn
from samebits.seeding.adapters import Adapter, adapter_of, process_wide
from samebits.seeding.traversal import CONTAINERS, ENTRIES, Expand, Style, Traversal, generator
from samebits.usercode.program import own_packages, own_variables

#: Objects looked through before a walk stops with a warning.
OBJECTS: Final = 300_000
#: Names kept of one generator.
NAMES: Final = 32

_Step = tuple[Style, Any]
_Path = tuple[int | None, Style, Any]  # from which object


@dataclass(frozen=True, slots=True)
class Found:
    """A generator object of the program's."""

    name: str
    aliases: tuple[str, ...]
    generator: object
    adapter: Adapter = field(repr=False)
    variables: tuple[str, ...] = ()  # those of its names that are a variable's, and no path onward from one


def discover(**owners: object) -> list[Found]:
    """The generator objects reachable from `owners`, by path, in the order they are met.

    Without owners: from the variables of the program's own modules and from the local variables of the
    functions that led to this call, named ``module.variable`` and ``module.function.variable``.  Of a
    method's ``self`` only the class is in the name, so that saving and loading may be two methods.

    The process-wide generators are not among them.
    """
    frame = sys._getframe(1)
    return discover_from(owners, None if owners else frame, set_aside(), own_packages(frame))


def discover_from(
    owners: dict[str, object],
    frame: types.FrameType | None,
    known: Collection[int] = (),
    packages: Collection[str] | None = None,
) -> list[Found]:
    """Those reachable from a frame, and then from owners, leaving out adapters whose identity is in `known`.

    Args:
        packages: the installed packages that are the program's; None: what `own_packages` knows of itself.
    """
    packages = own_packages() if packages is None else packages
    walk = _Walk(known, Traversal(packages, [Found]))
    variables = [] if frame is None else list(own_variables(frame, packages))
    for name, thing in (*variables, *owners.items()):
        walk.meet(thing, None, "root", name)
    walk.run()
    return walk.result({name for name, _ in variables})


def set_aside() -> set[int]:
    """The identities of the process-wide generators, which objects of the program may be."""
    return {adapter.identity for adapter in process_wide().values()}


class _Walk:
    """Breadth first over objects; remembers by which steps each was met."""

    def __init__(self, known: Collection[int], traversal: Traversal) -> None:
        self._known = known
        self._traversal = traversal
        # By which step from which object each was met.  Flat, and lists only where they are needed: a walk
        # that allocates much makes the garbage collector go through all of the program's objects.
        self._found_by: dict[int, _Path] = {}
        self._more: dict[int, list[_Path]] = {}
        self._met: list[object] = []  # keeps them alive: an identity must not come to mean another object
        self._found: list[tuple[object, Adapter]] = []
        self._queue: deque[tuple[int, object, Expand]] = deque()

    def meet(self, thing: Any, parent: int | None, style: Any, name: Any) -> None:
        kind = type(thing)
        expand = self._traversal.of(kind)
        if expand is None or (id(kind) in CONTAINERS and not thing):
            return
        identity, adapter = id(thing), None
        if expand is generator:
            adapter = adapter_of(thing)
            if adapter is None or adapter.identity in self._known:
                return
            identity = adapter.identity
        if identity in self._found_by:
            more = self._more.setdefault(identity, [])
            if len(more) < NAMES:
                more.append((parent, style, name))
            return
        self._found_by[identity] = (parent, style, name)
        self._met.append(thing)
        if adapter is None:
            self._queue.append((identity, thing, expand))
        else:
            self._found.append((thing, adapter))

    def run(self) -> None:
        queue, meet, plans = self._queue, self.meet, self._traversal.plans
        while queue:
            identity, thing, expand = queue.popleft()
            for style, name, child in expand(thing):
                plan = plans.get(id(type(child)))
                if plan is None or plan[1] is not None:  # most are plain data, and a call would cost as much
                    meet(child, identity, style, name)
            if len(self._met) > OBJECTS:
                _warn(f"looked for generators through {OBJECTS} objects and stopped")
                break
        for container in self._traversal.cut:
            name = self._names(id(container))[0]
            _warn(f"looked for generators through the first {ENTRIES} objects in {name} and no further")

    def result(self, variables: Collection[str]) -> list[Found]:
        found = []
        for thing, adapter in self._found:
            name, *aliases = self._names(adapter.identity)
            bare = tuple(one for one in (name, *aliases) if one in variables)
            found.append(Found(name, tuple(aliases), thing, adapter, bare))
        return found

    def _names(self, identity: int) -> list[str]:
        """The paths that lead to a generator, backwards from it, shortest first."""
        path: tuple[_Step, ...] = ()
        parent: int | None = identity
        while parent is not None:  # the first path to each was the shortest
            parent, *step = self._found_by[parent]
            path = (tuple(step), *path)
        names: dict[str, None] = {"".join(map(_written, path)): None}
        ends: deque[tuple[int, tuple[_Step, ...], frozenset[int]]] = deque([(identity, (), frozenset())])
        for _ in range(16 * NAMES):
            if not ends or len(names) >= NAMES:
                break
            place, steps, passed = ends.popleft()
            for parent, *step in (self._found_by[place], *self._more.get(place, ())):
                if parent is None:
                    names.setdefault("".join(map(_written, (tuple(step), *steps))))
                elif parent not in passed:
                    ends.append((parent, (tuple(step), *steps), passed | {place}))
        return list(names)


def _warn(what: str) -> None:
    """Once for each place that calls."""
    warn(
        f"samebits {what}; name what holds yours (capture_rng(loader=loader)) or register() them.",
        RuntimeWarning,
    )


def _written(step: _Step) -> str:
    style, name = step
    if style == "attribute":
        return f".{name}"
    return {"entry": f"[{name}]", "member": "{}", "class": "", "root": str(name)}[style]
