"""Facts: what a program did that can explain a difference, one class for each kind.

The probes in user code make them, a record keeps them, the causes ask for them by class, and
docs/reference/facts.md is written from them.  So a field is named here and nowhere else.

Every field may be absent, which is None.  Values that could be secret are never stored: file contents and
drawn values are 64-bit digests or nothing, and of environment variables small numbers and switches alone are.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final, Generic, TypeVar

from samebits.model.sites import Site

#: At least 0, and less than 2**63.
Count = Annotated[int, "count"]
#: A digest of 64 bits, a seed of 128.
Whole = Annotated[int, "whole"]
#: A number, also an infinite one, a switch, or a text.
Scalar = Annotated[int | float | str | bool, "scalar"]

_kinds: dict[str, type[Detail]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What a fact tells besides its place.  A subclass is a kind of fact, named for its class."""

    KIND: ClassVar[str] = ""
    count: Count | None = None  # the row stands for so many

    def __init_subclass__(cls) -> None:
        if cls.__name__ != "Unknown":
            cls.KIND = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
            _kinds[cls.KIND] = cls  # twice: `slots` makes the class anew, and that one counts

    @property
    def kind(self) -> str:
        """As a record names it."""
        return self.KIND

    def as_json(self) -> dict[str, Any]:
        """The fields that are there."""
        values = {name: getattr(self, name) for name in names(type(self))}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed(Detail):
    """A generator is seeded.

    generator: "python", "numpy", "torch" for the process-wide ones; "python.Random", "numpy.Generator",
        "numpy.RandomState", "torch.Generator" for an object
    value: a number; absent: from the operating system's entropy
    drawn: the number that `samebits.seed_everything(None)` drew, as digits
    id: number of the generator object in its process, in the order in which they were made; 0: process-wide
    by: the library's function that the user's line called, where that one did it
    """

    generator: str | None = None
    call: str | None = None
    value: Scalar | None = None
    drawn: str | None = None
    id: int | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(Detail):
    """A generator object is made.

    generator: as above
    id, by: as above
    """

    generator: str | None = None
    call: str | None = None
    seeded: bool | None = None
    value: Scalar | None = None
    id: int | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw(Detail):
    """A line of user code draws from a Python or numpy generator, itself or by a library that it calls.

    generator, id, by: as above
    value: digest of what was drawn
    state: digest of the generator's state before the draw
    n: ordinal among this generator's draws
    seeded: has anything seeded this generator
    thread: number of the thread in its process
    loader: number of the DataLoader whose samples are being made, in the process that iterates over it
    """

    generator: str | None = None
    call: str | None = None
    value: Scalar | None = None
    n: int | None = None
    seeded: bool | None = None
    id: int | None = None
    by: str | None = None
    state: Whole | None = None
    thread: int | None = None
    loader: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchDraw(Detail):
    """A line of user code draws from a torch generator of the CPU, itself or by a library that it calls.

    generator: "torch" for the process-wide one, "torch.Generator" for an object
    call: the operation
    module: the module of a model that draws
    state, thread, loader: as above
    n: ordinal among the operations that draw from it
    """

    generator: str | None = None
    call: str | None = None
    module: str | None = None
    state: Whole | None = None
    n: int | None = None
    thread: int | None = None
    loader: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderPass(Detail):
    """A DataLoader begins a pass over its batches.

    loader: its number in its process; another one for each line that begins a pass
    n: how many workers it starts for it
    first: the name of the first of these processes
    """

    loader: int | None = None
    n: int | None = None
    first: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderWorker(Detail):
    """A DataLoader's worker is about to make its first sample.

    number: which of the workers it is
    n: how many there are
    iterable: whether the dataset is iterated, and not asked for samples by their index
    """

    number: int | None = None
    n: int | None = None
    iterable: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderTrained(Detail):
    """A DataLoader's batches are trained on: a backward begins after each of two that follow one another.

    loader: its number in its process
    """

    loader: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimizer(Detail):
    """An optimizer takes its first step.

    call: its class
    """

    call: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock(Detail):
    """User code reads a clock, or a library that it calls.

    value: the reading
    by: as above
    """

    call: str | None = None
    value: Scalar | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entropy(Detail):
    """User code reads pid, uuid, urandom, secrets, SystemRandom, a random file name.

    value: a pid, or a digest
    """

    call: str | None = None
    value: Scalar | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hash(Detail):
    """User code calls `hash()` or `id()`.

    of: "str", "bytes", "object", ...: what decides the value
    """

    call: str | None = None
    of: str | None = None
    value: Scalar | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Iteration(Detail):
    """User code iterates a set or frozenset, pops from one.

    by: "hash": str or bytes in it; "address": elements hashed by address; "value": ints and the like, stable
    order: digest
    content: digest regardless of order
    made: where the set was made, as "train.py:19", if the user's code made it
    """

    what: str | None = None
    by: str | None = None
    order: Whole | None = None
    content: Whole | None = None
    n: int | None = None
    made: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort(Detail):
    """User code sorts with a key of `id` or `hash`.

    by: "address", "hash"
    order: digest
    """

    call: str | None = None
    by: str | None = None
    order: Whole | None = None


_WILDCARD: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Detail):
    """A directory is listed: by user code, or at a line of it by a library.

    path: the directory, or a pattern of names
    order: digest
    content: digest regardless of order
    n: how many names
    by: the library's function that lists it, if a library does
    """

    call: str | None = None
    path: str | None = None
    order: Whole | None = None
    content: Whole | None = None
    n: int | None = None
    by: str | None = None

    @property
    def folder(self) -> str:
        """The directory; of a pattern what stands before its first wildcard."""
        path = self.path or "."
        wildcard = _WILDCARD.search(path)
        return os.path.normpath(os.path.dirname(path[: wildcard.start()]) if wildcard else path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion(Detail):
    """Results are taken in the order they finish: by user code, or at a line of it by a library.

    call: "as_completed", "imap_unordered", "wait", "Queue.get"
    order: digest of the order in submission numbers, if that was seen
    content: digest regardless of order
    by: the library's function that takes them, if a library does
    """

    call: str | None = None
    order: Whole | None = None
    content: Whole | None = None
    n: int | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread(Detail):
    """User code starts a thread, process or pool.

    n: how many
    """

    call: str | None = None
    n: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class File(Detail):
    """A data file is opened for reading.

    size: bytes
    digest: of its content
    """

    path: str | None = None
    size: Whole | None = None
    digest: Scalar | None = None
    mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Write(Detail):
    """A file is opened for writing."""

    path: str | None = None
    mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe(Detail):
    """User code asks whether a path exists.

    value: whether it does
    """

    call: str | None = None
    path: str | None = None
    value: Scalar | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load(Detail):
    """`torch.load`, `pickle.load`, `np.load`, `load_state_dict`.

    keys: of a dict, at most 50
    """

    call: str | None = None
    path: str | None = None
    keys: Sequence[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Save(Detail):
    """`torch.save`, `np.save`."""

    call: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RngRestore(Detail):
    """`set_rng_state`, `random.setstate`, `np.random.set_state`."""

    call: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads(Detail):
    """`torch.set_num_threads`, `set_num_interop_threads`."""

    call: str | None = None
    value: Scalar | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag(Detail):
    """A determinism or tuning flag is set.

    call: the function, or the flag that is assigned
    """

    call: str | None = None
    value: Scalar | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable(Detail):
    """An environment variable is read: by user code, or at a line of it by a library.

    set: whether it is there
    value: of a small number or a switch ("16", "true") whose name is no secret's; no other is kept
    by: the library's function that reads it, if a library does
    """

    name: str | None = None
    set: bool | None = None
    value: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty(Detail):
    """User code calls `np.empty`, `np.empty_like`."""

    call: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(Detail):
    """A kind that this version does not know: kept, and passed over by every cause."""

    name: str
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def kind(self) -> str:
        return self.name

    def as_json(self) -> dict[str, Any]:
        return dict(self.values)


#: Kind, as a record names it -> its class, in the order above.
KINDS: Final[Mapping[str, type[Detail]]] = MappingProxyType(_kinds)

D = TypeVar("D", bound=Detail, covariant=True)


@dataclass(frozen=True, slots=True)
class Fact(Generic[D]):
    """One piece of evidence from one process of one run."""

    detail: D
    site: Site | None
    at: int  # how many events the process's main thread had recorded before it
    step: int
    process: str = "main"  # process key: "main", "rank1", "rank0/Process-2" ...

    @property
    def kind(self) -> str:
        return self.detail.kind


def names(kind: type[Detail]) -> tuple[str, ...]:
    """The fields of a kind, in the order in which a record has them: ``count`` is last."""
    return tuple(sorted((one.name for one in fields(kind)), key="count".__eq__))


def made(kind: str, values: Mapping[str, Any]) -> Detail:
    """The detail of a kind from what a record says; fields that the kind does not have are passed over."""
    found = KINDS.get(kind)
    if found is None:
        return Unknown(name=kind, values=values)
    return found(**{name: values[name] for name in names(found) if name in values})
