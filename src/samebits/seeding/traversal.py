"""What an object holds, by its type: the edges that a traversal follows from it.

Each reads with the base type's own function, which a subclass cannot have
replaced, and types are told apart by identity: a metaclass may have an
``__eq__`` or a ``__hash__``.

Of a container with more than `MANY` entries only those are looked into that may
lead to a generator: each is asked, since one that does may be among a million
that do not.  Of these the first `ENTRIES` are, and the walk says so.
"""

from __future__ import annotations

import gc
import itertools
import operator
import random
import sys
import types
import weakref
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Final, Literal

from samebits.usercode.program import is_own_class

MANY: Final = 256
ENTRIES: Final = 50_000

#: How a step of a path is written: ".name", "[0]", "{}", not at all, "name".
Style = Literal["attribute", "entry", "member", "class", "root"]
Edge = tuple[Style, Any, Any]
#: The edges from an object.
Expand = Callable[[Any], Iterable[Edge]]

CONTAINERS: Final = frozenset(
    map(id, (list, tuple, dict, set, frozenset, deque, OrderedDict, defaultdict, Counter))
)
_KEYS: Final = frozenset(map(id, (str, int, float, bool, bytes, types.NoneType)))
PLAIN: Final = (
    *(str, int, float, bool, bytes, types.NoneType),
    *(complex, bytearray, memoryview, slice, range, types.EllipsisType),
)
_type_dict: Any = type.__dict__["__dict__"].__get__
_type_mro: Any = type.__dict__["__mro__"].__get__


_PLAIN_KINDS: Final = frozenset(map(id, PLAIN))
_ROWS: Final[dict[int, Callable[[Any], Iterable[Any]]]] = {
    id(list): list.__iter__,
    id(tuple): tuple.__iter__,
    id(dict): dict.values,
}


def _wrapped(mro: tuple[type, ...]) -> frozenset[str]:
    """Names of children that a wrapper around a model adds to all of the model's paths."""
    names = {"_orig_mod", "_fsdp_wrapped_module"}  # torch.compile's, FSDP's
    if any(str(_type_dict(base).get("__module__")).startswith("torch.nn.parallel.") for base in mro):
        names.add("module")
    return frozenset(names)


class Traversal:
    """How objects of each type are looked through, for one walk.

    Args:
        packages: the installed packages that are the program's (`usercode.program.own_packages`).
        opaque: types to leave out, beside those that hold no generator.
    """

    def __init__(self, packages: Collection[str], opaque: Collection[type] = ()) -> None:
        self._packages = packages
        self._opaque = _opaque() | frozenset(map(id, opaque))
        self._generators = _generator_types()
        self._array: Any = getattr(sys.modules.get("numpy"), "ndarray", None)
        #: By the identity of a type: the type, which is kept alive, and how; None where nothing is to see.
        self.plans: dict[int, tuple[Any, Expand | None]] = {id(kind): (kind, None) for kind in PLAIN}
        self._plain_instances: dict[int, Callable[[Any], dict[str, Any]]] = {}
        #: Containers with more entries to look into than were.
        self.cut: list[object] = []

    def of(self, kind: type) -> Expand | None:
        known = self.plans.get(id(kind))
        if known is None:
            known = self.plans[id(kind)] = (kind, self._plan(kind))
        return known[1]

    def _plan(self, kind: type) -> Expand | None:
        mro = _type_mro(kind)
        bases = {id(base) for base in mro}
        if not bases.isdisjoint(self._opaque):
            return None
        if not bases.isdisjoint(self._generators):
            return generator
        if id(self._array) in bases:
            return self._array_entries
        if kind is types.FunctionType:
            return _function_parts
        if kind is types.BuiltinFunctionType:  # random.Random(5).random holds its generator
            return lambda thing: [("attribute", "__self__", thing.__self__)]
        if kind is types.CellType:
            return _cell
        if kind is types.MappingProxyType:  # to ask itself would be to ask a class of the program's
            return lambda thing: [("class", None, held) for held in gc.get_referents(thing)]
        if id(type) in bases:
            own = self._packages
            return lambda thing: _class_attributes(thing) if is_own_class(thing, own) else ()
        attributes = self._attributes(kind, mro)
        for base, entries in self._entries().items():
            if id(base) in bases:
                self._plain_instances.pop(id(kind), None)
                return entries if id(kind) in CONTAINERS else _both(entries, attributes)
        return attributes

    def _attributes(self, kind: type, mro: tuple[type, ...]) -> Expand | None:
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
        own = any(is_own_class(base, self._packages) for base in mro)
        torch: Any = sys.modules.get("torch.nn")
        plain = frozenset(map(id, PLAIN))
        is_module = torch is not None and any(base is torch.Module for base in mro)
        wrapped = _wrapped(mro) if is_module else frozenset()
        if instance_dict is None and not slots and not own:
            return None

        if instance_dict is not None and not slots and not is_module:
            self._plain_instances[id(kind)] = instance_dict

        def attributes(thing: Any) -> Iterator[Edge]:
            if instance_dict is not None:
                # A dict is copied: another thread may change it.
                variables = dict(instance_dict(thing))
                for name, value in variables.items():
                    number = id(type(value))
                    if number in plain or (number in CONTAINERS and not value):
                        continue  # most of a module's
                    if is_module and name == "_modules":
                        for child, module in list(value.items()):
                            yield (
                                ("class", None, module) if child in wrapped else ("attribute", child, module)
                            )
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

    def _entries(self) -> dict[type, Expand]:
        def numbered(base: Any) -> Expand:
            def entries(thing: Any) -> Iterator[Edge]:
                for number, value in self._doubtful(thing, list(base.__iter__(thing))):
                    yield "entry", number, value

            return entries

        def all_generators(base: Any) -> Expand:
            def entries(thing: Any) -> Iterator[Edge]:
                for _, value in self._doubtful(thing, list(base.__iter__(thing))):
                    yield "member", None, value

            return entries

        def keyed(thing: Any) -> Iterator[Edge]:
            items = list(dict.items(thing))
            for number, value in self._doubtful(thing, [value for _, value in items]):
                key = items[number][0]
                yield "entry", repr(key) if id(type(key)) in _KEYS else f"#{number}", value

        sequences: dict[type, Expand] = {base: numbered(base) for base in (list, tuple, deque)}
        return {dict: keyed, **sequences, set: all_generators(set), frozenset: all_generators(frozenset)}

    def _array_entries(self, array: Any) -> Iterable[Edge]:
        if not self.is_leaf(array):
            yield "class", None, self._array.tolist(array)

    def is_leaf(self, thing: object) -> bool:
        """Whether an object holds no generator, and is none."""
        kind = type(thing)
        expand = self.of(kind)
        if expand is None:
            return True
        if id(kind) in CONTAINERS:
            return not thing
        return expand == self._array_entries and not self._array.dtype.__get__(thing).hasobject

    def _doubtful(self, container: object, things: list[Any]) -> Iterable[tuple[int, Any]]:
        """The entries that may lead to a generator, numbered."""
        if len(things) <= MANY:
            return enumerate(things)
        if self._all_plain(things):
            return ()
        seen: set[int] = set()
        doubtful = []
        for number, thing in enumerate(things):
            kind = type(thing)
            if id(kind) not in seen:  # leads to its class
                seen.add(id(kind))
                doubtful.append((number, thing))
            elif not self.is_leaf(thing) and not self._holds_leaves(thing):
                doubtful.append((number, thing))
                if len(doubtful) > ENTRIES:
                    self.cut.append(container)
                    return doubtful[:ENTRIES]
        return doubtful

    def _all_plain(self, things: list[Any]) -> bool:
        """Whether all are plain data, or all rows of such: without a step of Python for each."""
        kind = type(things[0])
        if id(kind) in _ROWS and all(map(operator.is_, map(type, things), itertools.repeat(kind))):
            read = _ROWS[id(kind)]
            things = itertools.chain.from_iterable(map(read, things))  # type: ignore[assignment]
        kinds = set(map(id, map(type, things)))
        return all(number in self.plans and self.plans[number][1] is None for number in kinds)

    def _holds_leaves(self, thing: Any, depth: int = 3) -> bool:
        """Whether nothing but leaves are in it, found without a walk; its class is not asked."""
        kind = type(thing)
        if id(kind) in _ROWS:
            values = list(_ROWS[id(kind)](thing))
        elif (get := self._plain_instances.get(id(kind))) is not None and depth == 3:
            values = list(dict(get(thing)).values())
        else:
            return False
        if _PLAIN_KINDS.issuperset(map(id, map(type, values))):
            return True
        return all(
            self.is_leaf(value) or (depth > 0 and self._holds_leaves(value, depth - 1)) for value in values
        )


def _both(entries: Expand, attributes: Expand | None) -> Expand:
    if attributes is None:
        return entries
    return lambda thing: itertools.chain(attributes(thing), entries(thing))


def generator(thing: Any) -> Iterable[Edge]:
    """Marks a generator: nothing is looked for in it."""
    return ()


def _generator_types() -> frozenset[int]:
    numpy: Any = sys.modules.get("numpy.random")
    torch: Any = sys.modules.get("torch")
    kinds: set[Any] = {random.Random}
    if numpy is not None:
        kinds |= {numpy.Generator, numpy.RandomState, numpy.BitGenerator}
    if torch is not None:
        kinds.add(torch.Generator)
    streams: Any = sys.modules.get("samebits.seeding.streams")
    if streams is not None:
        kinds.add(streams.Streams)
    return frozenset(map(id, kinds))


def _opaque() -> frozenset[int]:
    """What holds no generator, or none that a new process could have."""
    numpy: Any = sys.modules.get("numpy")
    torch: Any = sys.modules.get("torch")
    kinds: set[Any] = {
        *PLAIN,
        types.ModuleType,
        types.CodeType,
        types.FrameType,
        types.TracebackType,
        types.GeneratorType,
        types.CoroutineType,
        types.AsyncGeneratorType,
        weakref.ref,
    }
    if numpy is not None:
        kinds |= {numpy.generic, numpy.dtype}
    if torch is not None:
        kinds |= {torch.Tensor, torch.UntypedStorage, torch.TypedStorage, torch.dtype, torch.device}
    return frozenset(map(id, kinds))


def _class_attributes(kind: type) -> Iterator[Edge]:
    for name, value in list(_type_dict(kind).items()):
        if type(value) is not types.MemberDescriptorType and name not in ("__dict__", "__weakref__"):
            yield "attribute", name, value
    for base in _type_mro(kind)[1:]:
        yield "class", None, base


def _function_parts(function: Any) -> Iterator[Edge]:
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
        yield "attribute", name, cell
    defaults = function.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount][-len(defaults) :] if defaults else ()
    yield from (("attribute", name, value) for name, value in zip(names, defaults, strict=False))
    yield from (("attribute", name, value) for name, value in (function.__kwdefaults__ or {}).items())
    yield from (("attribute", name, value) for name, value in list(function.__dict__.items()))


def _cell(cell: types.CellType) -> Iterator[Edge]:
    try:
        yield "class", None, cell.cell_contents
    except ValueError:
        return  # empty
