"""Finds the generator objects that a program made, and names each by its path: ``loader.sampler.generator``.

Looked through are attributes (instance dicts and slots, `nn.Module`s and
DataLoaders among them), lists, tuples, dicts, sets, partials, bound methods,
defaults and closures of functions, and attributes of the program's own classes.
Nothing of the program is run meanwhile: no property, no ``__getattr__``, no
``__iter__``; what these would answer is read at the source, or not at all.
Not looked into: tensors and arrays, modules, weak references, and suspended
generator functions, whose local variables a new process cannot have.

A walk goes breadth first, so that the first name found is the shortest.  One
object found on several ways counts once; its other names are kept, as a
program that resumes may hold it by one of those.

It has to be quick wherever it starts.  A container of more than `MANY` entries
whose first `SAMPLE` are plain data is taken for plain data; of any other, the
first `ENTRIES` entries are looked at.
"""

from __future__ import annotations

import itertools
import random
import sys
import types
import warnings
import weakref
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from samebits.seeding.generators import Holder, holder_of, process_wide
from samebits.seeding.user_code import is_own_class, own_variables

MANY: Final = 256
SAMPLE: Final = 64
ENTRIES: Final = 10_000
#: Objects looked through before a walk stops with a warning.
OBJECTS: Final = 300_000
#: Names kept of one generator.
NAMES: Final = 32

#: How a step of a path is written: ".name", "[0]", "{}", not at all, "name".
_Style = Literal["attribute", "entry", "member", "class", "root"]
_Step = tuple[_Style, Any]
_Way = tuple[int | None, _Style, Any]  # from which object
#: The ways onward from an object.
_Expand = Callable[[Any], Iterable[tuple[str, Any, Any]]]


@dataclass(frozen=True, slots=True)
class Found:
    """A generator object of the program's."""

    name: str
    aliases: tuple[str, ...]
    generator: object
    holder: Holder = field(repr=False)


def discover(**owners: object) -> list[Found]:
    """The generator objects reachable from `owners`, by path, in the order they are met.

    Without owners: from the variables of the program's own modules and from the local variables of the
    functions that led to this call, named ``module.variable`` and ``module.function.variable``.  Of a
    method's ``self`` only the class is in the name, so that saving and loading may be two methods.

    The process-wide generators are not among them.
    """
    return discover_from(owners, None if owners else sys._getframe(1), set_aside())


def discover_from(
    owners: dict[str, object], frame: types.FrameType | None, known: Collection[int] = ()
) -> list[Found]:
    """The same from a frame, leaving out holders whose identity is in `known`."""
    walk = _Walk(known)
    for name, thing in owners.items():
        walk.meet(thing, None, "root", name)
    if frame is not None:
        for name, thing in own_variables(frame):
            walk.meet(thing, None, "root", name)
    walk.run()
    return walk.result()


def set_aside() -> set[int]:
    """The identities of the process-wide generators, which objects of the program may be."""
    return {holder.identity for holder in process_wide().values()}


class _Walk:
    """Breadth first over objects; remembers by which steps each was met."""

    def __init__(self, known: Collection[int]) -> None:
        self._known = known
        self._opaque = _opaque()
        self._generators = _generator_types()
        self._plans: dict[int, tuple[Any, _Expand | None]] = {id(kind): (kind, None) for kind in _PLAIN}
        # By which step from which object each was met.  Flat, and lists only where they are needed: a walk
        # that allocates much makes the garbage collector go through all of the program's objects.
        self._way: dict[int, _Way] = {}
        self._more: dict[int, list[_Way]] = {}
        self._met: list[object] = []  # keeps them alive: an identity must not come to mean another object
        self._found: list[tuple[object, Holder]] = []
        self._queue: deque[tuple[int, object, _Expand]] = deque()

    def meet(self, thing: Any, parent: int | None, style: Any, name: Any) -> None:
        kind = type(thing)
        known = self._plans.get(id(kind))
        if known is None:
            known = self._plans[id(kind)] = (kind, _plan(kind, self._opaque, self._generators))
        expand = known[1]
        if expand is None or (id(kind) in _CONTAINERS and not thing):
            return
        identity, holder = id(thing), None
        if expand is _generator:
            holder = holder_of(thing)
            if holder is None or holder.identity in self._known:
                return
            identity = holder.identity
        if identity in self._way:
            more = self._more.setdefault(identity, [])
            if len(more) < NAMES:
                more.append((parent, style, name))
            return
        self._way[identity] = (parent, style, name)
        self._met.append(thing)
        if holder is None:
            self._queue.append((identity, thing, expand))
        else:
            self._found.append((thing, holder))

    def run(self) -> None:
        queue, meet, plans = self._queue, self.meet, self._plans
        while queue:
            identity, thing, expand = queue.popleft()
            for style, name, child in expand(thing):
                plan = plans.get(id(type(child)))
                if plan is None or plan[1] is not None:  # most are plain data, and a call would cost as much
                    meet(child, identity, style, name)
            if len(self._met) > OBJECTS:
                warnings.warn(
                    f"samebits looked for generators through {OBJECTS} objects and stopped; "
                    f"name what holds yours (capture_rng(loader=loader)) or register() them.",
                    RuntimeWarning,
                    stacklevel=_outside(),
                )
                return

    def result(self) -> list[Found]:
        found = []
        for thing, holder in self._found:
            name, *aliases = self._names(holder.identity)
            found.append(Found(name, tuple(aliases), thing, holder))
        return found

    def _names(self, identity: int) -> list[str]:
        """The paths that lead to a generator, backwards from it, shortest first."""
        way: tuple[_Step, ...] = ()
        parent: int | None = identity
        while parent is not None:  # the first way to each was the shortest
            parent, *step = self._way[parent]
            way = (tuple(step), *way)
        names: dict[str, None] = {"".join(map(_written, way)): None}
        ends: deque[tuple[int, tuple[_Step, ...], frozenset[int]]] = deque([(identity, (), frozenset())])
        for _ in range(16 * NAMES):
            if not ends or len(names) >= NAMES:
                break
            place, steps, passed = ends.popleft()
            for parent, *step in (self._way[place], *self._more.get(place, ())):
                if parent is None:
                    names.setdefault("".join(map(_written, (tuple(step), *steps))))
                elif parent not in passed:
                    ends.append((parent, (tuple(step), *steps), passed | {place}))
        return list(names)


def _outside() -> int:
    """How many frames up the first one outside this package is."""
    frame, level = sys._getframe(1), 1
    here = __name__.rpartition(".")[0]
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith((here, "contextlib")):
        frame, level = frame.f_back, level + 1
    return level


def _written(step: _Step) -> str:
    style, name = step
    if style == "attribute":
        return f".{name}"
    return {"entry": f"[{name}]", "member": "{}", "class": "", "root": str(name)}[style]


# Ways onward.  Each reads with the base type's own function, which a subclass cannot have replaced, and
# types are told apart by identity: a metaclass may have an __eq__ or a __hash__.

_CONTAINERS: Final = frozenset(
    map(id, (list, tuple, dict, set, frozenset, deque, OrderedDict, defaultdict, Counter))
)
_KEYS: Final = frozenset(map(id, (str, int, float, bool, bytes, types.NoneType)))
_PLAIN: Final = (
    *(str, int, float, bool, bytes, types.NoneType),
    *(complex, bytearray, memoryview, slice, range, types.EllipsisType),
)
_type_dict: Any = type.__dict__["__dict__"].__get__
_type_mro: Any = type.__dict__["__mro__"].__get__


def _plan(kind: type, opaque: Collection[int], generators: Collection[int]) -> _Expand | None:
    """How objects of a type are looked through; None where there is nothing to see."""
    mro = _type_mro(kind)
    bases = {id(base) for base in mro}
    if not bases.isdisjoint(opaque):
        return None
    if not bases.isdisjoint(generators):
        return _generator
    if kind is types.FunctionType:
        return _function_parts
    if kind is types.BuiltinFunctionType:  # random.Random(5).random holds its generator
        return lambda thing: [("attribute", "__self__", thing.__self__)]
    if kind is types.CellType:
        return _cell
    if id(type) in bases:
        return lambda thing: _class_attributes(thing) if is_own_class(thing) else ()
    attributes = _attributes(kind, mro)
    for base, entries in _ENTRIES.items():
        if id(base) in bases:
            return entries if id(kind) in _CONTAINERS else _both(entries, attributes)
    return attributes


def _both(entries: _Expand, attributes: _Expand | None) -> _Expand:
    if attributes is None:
        return entries
    return lambda thing: itertools.chain(attributes(thing), entries(thing))


def _generator(thing: Any) -> Iterable[tuple[str, Any, Any]]:
    """Marks a generator: there is no way onward from it."""
    return ()


def _generator_types() -> frozenset[int]:
    numpy: Any = sys.modules.get("numpy.random")
    torch: Any = sys.modules.get("torch")
    kinds: set[Any] = {random.Random}
    if numpy is not None:
        kinds |= {numpy.Generator, numpy.RandomState, numpy.BitGenerator}
    if torch is not None:
        kinds.add(torch.Generator)
    return frozenset(map(id, kinds))


def _opaque() -> frozenset[int]:
    """What holds no generator, or none that a new process could have."""
    numpy: Any = sys.modules.get("numpy")
    torch: Any = sys.modules.get("torch")
    kinds: set[Any] = {
        *_PLAIN,
        types.ModuleType,
        types.CodeType,
        types.FrameType,
        types.TracebackType,
        types.GeneratorType,
        types.CoroutineType,
        types.AsyncGeneratorType,
        weakref.ref,
        Found,
    }
    if numpy is not None:
        kinds |= {numpy.ndarray, numpy.generic, numpy.dtype}
    if torch is not None:
        kinds |= {torch.Tensor, torch.UntypedStorage, torch.TypedStorage, torch.dtype, torch.device}
    return frozenset(map(id, kinds))


def _attributes(kind: type, mro: tuple[type, ...]) -> _Expand | None:
    """Those in the instance's dict and slots, and those of its class if the program wrote it."""
    instance_dict, slots = None, []
    for base in mro:
        variables = _type_dict(base)
        for name, value in variables.items():
            kinds = types.MemberDescriptorType, types.GetSetDescriptorType
            if name == "__dict__" and type(value) in kinds:  # not a property of the program's
                instance_dict = instance_dict or value.__get__
            elif type(value) is types.MemberDescriptorType:
                slots.append((name, value.__get__))
    own = any(map(is_own_class, mro))
    torch: Any = sys.modules.get("torch.nn")
    plain = frozenset(map(id, _PLAIN))
    is_module = torch is not None and any(base is torch.Module for base in mro)
    if instance_dict is None and not slots and not own:
        return None

    def attributes(thing: Any) -> Iterator[tuple[str, Any, Any]]:
        if instance_dict is not None:
            # A dict is copied: another thread may change it.
            variables = dict(instance_dict(thing))
            for name, value in variables.items() if len(variables) <= ENTRIES else _first(variables.items()):
                number = id(type(value))
                if number in plain or (number in _CONTAINERS and not value):
                    continue  # most of a module's
                if is_module and name == "_modules":
                    for child, module in list(value.items()):
                        yield "attribute", child, module
                else:
                    yield "attribute", name, value
        for name, get in slots:
            try:
                yield "attribute", name, get(thing, kind)
            except AttributeError:
                continue  # an empty slot
        if own:
            yield "class", None, kind

    return attributes


def _class_attributes(kind: type) -> Iterator[tuple[str, Any, Any]]:
    for name, value in list(_type_dict(kind).items()):
        if type(value) is not types.MemberDescriptorType and name not in ("__dict__", "__weakref__"):
            yield "attribute", name, value
    for base in _type_mro(kind)[1:]:
        yield "class", None, base


def _function_parts(function: Any) -> Iterator[tuple[str, Any, Any]]:
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
        yield "attribute", name, cell
    defaults = function.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount][-len(defaults) :] if defaults else ()
    yield from (("attribute", name, value) for name, value in zip(names, defaults, strict=False))
    yield from (("attribute", name, value) for name, value in (function.__kwdefaults__ or {}).items())
    yield from (("attribute", name, value) for name, value in list(function.__dict__.items()))


def _cell(cell: types.CellType) -> Iterator[tuple[str, Any, Any]]:
    try:
        yield "class", None, cell.cell_contents
    except ValueError:
        return  # empty


def _sequence_entries(base: Any) -> _Expand:
    def entries(thing: Any) -> Iterator[tuple[str, Any, Any]]:
        if base.__len__(thing) > MANY and _is_plain(base.__iter__(thing)):
            return
        for number, value in enumerate(_first(base.__iter__(thing))):
            yield "entry", number, value

    return entries


def _set_entries(base: Any) -> _Expand:
    def entries(thing: Any) -> Iterator[tuple[str, Any, Any]]:
        if base.__len__(thing) > MANY and _is_plain(base.__iter__(thing)):
            return
        for value in _first(base.__iter__(thing)):
            yield "member", None, value

    return entries


def _dict_entries(thing: Any) -> Iterator[tuple[str, Any, Any]]:
    if dict.__len__(thing) > MANY and _is_plain(dict.values(thing)):
        return
    for number, (key, value) in enumerate(_first(dict.items(thing))):
        yield "entry", repr(key) if id(type(key)) in _KEYS else f"#{number}", value


_ENTRIES: Final[dict[type, _Expand]] = {
    dict: _dict_entries,
    list: _sequence_entries(list),
    tuple: _sequence_entries(tuple),
    deque: _sequence_entries(deque),
    set: _set_entries(set),
    frozenset: _set_entries(frozenset),
}


def _first(things: Iterable[Any]) -> list[Any]:
    return list(itertools.islice(things, ENTRIES))


def _is_plain(things: Iterable[Any]) -> bool:
    """Whether the first of them are plain data, or small rows of such."""
    opaque = _opaque()

    def is_leaf(thing: object) -> bool:
        return not opaque.isdisjoint(map(id, _type_mro(type(thing))))

    for thing in list(itertools.islice(things, SAMPLE)):
        kind = type(thing)
        if kind is list or kind is tuple or kind is dict:
            if not all(
                map(is_leaf, list(itertools.islice(thing.values() if kind is dict else thing, SAMPLE)))
            ):
                return False
        elif not is_leaf(thing):
            return False
    return True
