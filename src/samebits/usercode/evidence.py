"""What is noted of a call of user code that is evidence: its fact.

Everything here runs after the real call, on its arguments and result, and may
fail: `watch` swallows that.  Which calls come here, `callees` says.
"""

from __future__ import annotations

import builtins
import datetime
import os
import random
import sys
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

from samebits.model import facts
from samebits.model.facts import Detail
from samebits.usercode.content import (
    ADDRESS,
    BY,
    HASH,
    Sequence,
    arrangement,
    canonical,
    deciding,
    digest,
    nature,
)
from samebits.usercode.draws import Stream, Streams

#: Writes a fact at the call's place.
Emit = Callable[[Detail], None]


@dataclass(slots=True)
class Call:
    """One call that was made: ``result`` may be replaced by an equivalent that is observed as it is used."""

    call: str
    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any
    emit: Emit
    sorted: bool  # the result goes straight into something that forgets its order
    token: Any = None  # what `before` left

    def argument(self, index: int, name: str, default: Any = None) -> Any:
        return self.args[index] if len(self.args) > index else self.kwargs.get(name, default)

    @property
    def owner(self) -> Any:
        return getattr(self.function, "__self__", None)


After = Callable[[Call], None]
#: Called before the real call with its arguments; may give other keyword arguments and a token for `after`.
Before = Callable[[tuple[Any, ...], dict[str, Any]], tuple[dict[str, Any], Any]]


@dataclass(frozen=True, slots=True)
class Watched:
    """A function or method that is evidence."""

    kind: type[Detail]  # of the fact that `after` writes, for the rows that are only counted
    call: str
    after: After
    essential: bool = False  # seen even where its rows are no longer written: later facts depend on it
    before: Before | None = None

    def summary(self, count: int) -> Detail:
        """The detail of a row that stands for ``count`` calls."""
        call = {"call": self.call} if "call" in facts.names(self.kind) else {}
        return self.kind(count=count, **call)


streams = Streams()
_executors: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
_submitted: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
_queues: WeakKeyDictionary[Any, Sequence] = WeakKeyDictionary()


def number(value: Any) -> int | float | None:
    """A seed as it is stored: a number, or the digest of what is none."""
    if value is None or isinstance(value, float):
        return value
    index = getattr(value, "__index__", None)
    if isinstance(value, int) or (index is not None and type(value).__module__ == "numpy"):
        whole = int(value)
        return whole if whole.bit_length() <= 64 else digest(whole)
    return digest(value)


def _path(value: Any) -> str | None:
    if isinstance(value, str | bytes | os.PathLike):
        return os.fsdecode(value)
    name = getattr(value, "name", None)
    return name if isinstance(name, str) else None


# --- random generators


def seed_python(call: Call) -> None:
    value = number(call.argument(0, "a"))
    seeded = stream(call.owner)
    seeded.seeded = value is not None
    call.emit(facts.Seed(generator=seeded.name, call=call.call, value=value))


def seed_numpy(call: Call) -> None:
    value = number(call.argument(0, "seed"))
    seeded = stream(call.owner)
    seeded.seeded = value is not None
    call.emit(facts.Seed(generator=seeded.name, call=call.call, value=value))


def seed_torch(call: Call) -> None:
    value = number(call.argument(0, "seed")) if "manual" in call.call else None
    default = getattr(sys.modules.get("torch"), "default_generator", None)
    own = type(call.owner).__name__ == "Generator" and call.owner is not default
    call.emit(facts.Seed(generator="torch.Generator" if own else "torch", call=call.call, value=value))


def _make(name: str, call: Call, value: Any, seeded: bool) -> None:
    streams.made(call.result, name, seeded)
    call.emit(facts.Create(generator=name, call=call.call, seeded=seeded, value=number(value)))


def make_python(call: Call) -> None:
    value = call.argument(0, "x")
    _make("python.Random", call, value, value is not None and "System" not in call.call)


def make_numpy(call: Call) -> None:
    value = call.argument(0, "bit_generator" if call.call.endswith("Generator") else "seed")
    name = "numpy.RandomState" if "RandomState" in call.call else "numpy.Generator"
    kind = type(value).__module__
    if kind.startswith("numpy.random"):  # a bit generator, a seed sequence or a generator
        _make(name, call, None, streams.bit_generator_seeded(value))
    else:
        _make(name, call, value, value is not None)


def make_bits(call: Call) -> None:
    value = call.argument(0, "entropy" if "SeedSequence" in call.call else "seed")
    known = type(value).__module__.startswith("numpy.random")
    streams.made(call.result, "bits", streams.bit_generator_seeded(value) if known else value is not None)


def make_torch(call: Call) -> None:
    value = call.result.initial_seed()
    call.emit(facts.Create(generator="torch.Generator", call=call.call, seeded=False, value=value))


def stream(owner: Any) -> Stream:
    """The generator that a method's owner is; functions without one draw from numpy's."""
    return streams.numpy if owner is None else streams.of(owner)


def draw(call: Call) -> None:
    drawn_from = stream(call.owner)
    drawn_from.n += 1
    drawn = call.args[0] if call.result is None and call.args else call.result
    _emit_draw(call, drawn_from, drawn)


def _emit_draw(call: Call, drawn_from: Stream, drawn: Any) -> None:
    known = streams.seeded(drawn_from)
    call.emit(
        facts.Draw(
            generator=drawn_from.name, call=call.call, value=digest(drawn), n=drawn_from.n, seeded=known
        )
    )


def restore(call: Call) -> None:
    owner = call.owner
    if owner is not None and type(owner).__module__.startswith(("random", "numpy")):
        streams.of(owner).seeded = True
    call.emit(facts.RngRestore(call=call.call))


def with_states(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    return kwargs, _state()


def _state() -> tuple[Any, Any, Any]:
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy.random.mtrand")
    legacy = getattr(getattr(numpy, "_rand", None), "_bit_generator", None)
    numbers = None
    if legacy is not None:
        state = legacy.state["state"]
        numbers = state["key"].tobytes() + state["pos"].to_bytes(4, "little")
    return random.getstate(), numbers, torch.initial_seed() if torch is not None else None


def helper(call: Call) -> None:
    """A library's seeding helper: which generators it seeded shows in their states."""
    value = number(call.argument(0, "seed"))
    drawn = str(int(call.result)) if getattr(call.result, "drawn", False) else None
    for name, old, new in zip(("python", "numpy", "torch"), call.token, _state(), strict=True):
        if old != new or (name == "torch" and new == value):
            getattr(streams, name).seeded = True
            call.emit(facts.Seed(generator=name, call=call.call, value=value, drawn=drawn))


def drawn_inside(call: Call) -> None:
    """A library's function that drew from a global generator (train_test_split): the states before tell."""
    token, after = call.token, _state()
    for name, old, new in zip(("python", "numpy"), token[:2], after[:2], strict=True):
        if old == new:
            continue
        source: Stream = getattr(streams, name)
        source.n += 1
        _emit_draw(call, source, old)


# --- clocks, entropy, hashes


def clock_read(call: Call) -> None:
    value = call.result
    if isinstance(value, datetime.datetime):
        value = value.timestamp()
    elif isinstance(value, datetime.date):
        value = value.toordinal()
    elif not isinstance(value, int | float):
        value = digest(value)
    call.emit(facts.Clock(call=call.call, value=value))


def entropy_read(call: Call) -> None:
    value = call.args[0] if call.result is None and call.args else call.result
    if call.call.startswith("tempfile."):
        value = _path(value[1] if isinstance(value, tuple) else value)
    elif call.call.startswith("uuid."):
        value = value.bytes
    call.emit(facts.Entropy(call=call.call, value=value if call.call.endswith("pid") else digest(value)))


def hashed(call: Call) -> None:
    of = "object" if call.call == "id" else deciding(call.args[0])
    call.emit(facts.Hash(call=call.call, of=of, value=call.result))


# --- order


def popped(call: Call) -> None:
    left = call.owner
    found = arrangement([call.result, *left] if len(left) <= 2000 else [call.result], len(left) + 1)
    found["order"] = arrangement([call.result], 1)["order"]
    call.emit(facts.Iteration(what="pop", **found))


def with_keys(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """Remember the keys a set is sorted by: where two are equal, the set's order shows."""
    key = kwargs.get("key")
    if key is None or not args or type(args[0]) not in (set, frozenset):
        return kwargs, None
    keys: list[Any] = []

    def remembering(item: Any) -> Any:
        value = key(item)
        keys.append(value)
        return value

    return {**kwargs, "key": remembering}, (key, keys)


def list_sorted(call: Call) -> None:
    key = call.kwargs.get("key") if call.token is None else call.token[0]
    ordered = call.owner if call.result is None else call.result
    if key is builtins.id or key is builtins.hash:
        by = ADDRESS if key is builtins.id else max((nature(item) for item in ordered[:64]), default=HASH)
        order = arrangement(ordered, len(ordered))["order"]
        call.emit(facts.Sort(call=call.call, by=BY[by], order=order))


def picked_by(call: Call) -> None:
    """`sorted`, `min` and `max` of a set with a key: an `iteration` fact only if the set's order decided."""
    if call.token is None or type(call.token[1]) is not list:
        return
    keys = [canonical(key) for key in call.token[1]]
    if call.call == "sorted":
        tied = len(set(keys)) < len(keys)
    else:
        best = (max if call.call == "max" else min)(call.token[1])
        tied = keys.count(canonical(best)) > 1
    if tied:
        items = call.args[0]
        call.emit(facts.Iteration(what=call.call, **arrangement(items, len(items))))


def sorted_by(call: Call) -> None:
    list_sorted(call)
    if call.token is not None and call.token[0] not in (builtins.id, builtins.hash):
        picked_by(call)


# --- directories and paths


def _listed(call: Call, path: Any, names: Iterable[Any]) -> None:
    seen = Sequence()
    for name in names:
        seen.add(name)
    _listing(call, path, seen)


def _listing(call: Call, path: Any, seen: Sequence) -> None:
    order = seen.content if call.sorted else seen.order
    call.emit(facts.Listing(call=call.call, path=_path(path), order=order, content=seen.content, n=seen.n))


def listdir(call: Call) -> None:
    _listed(call, call.argument(0, "path", "."), call.result)


def scandir(call: Call) -> None:
    """Lists the directory a second time, in the same order, and leaves the user's iterator alone."""
    path = call.argument(0, "path", ".")
    if not isinstance(path, int):
        _listed(call, path, os.listdir(path))


def iterdir(call: Call) -> None:
    _listed(call, call.owner, os.listdir(call.owner))


def globbed(call: Call) -> None:
    path = call.argument(0, "pathname", "")
    if isinstance(call.result, list):
        _listed(call, path, call.result)
    else:
        call.result = _passing(call, path, call.result)


def walk(call: Call) -> None:
    call.result = _passing(call, call.argument(0, "top", "."), call.result)


def path_glob(call: Call) -> None:
    path = os.path.join(call.owner, str(call.args[0])) if call.args else call.owner
    call.result = _passing(call, path, call.result)


def _passing(call: Call, path: Any, items: Iterator[Any]) -> Generator[Any]:
    """The same items, noted as they pass; the fact is complete when they end."""
    seen = Sequence()
    try:
        for item in items:
            seen.add(item)
            yield item
    finally:
        try:
            _listing(call, path, seen)
        except Exception:
            pass


def probe(call: Call) -> None:
    path = call.owner if isinstance(call.owner, os.PathLike) else call.argument(0, "path")
    call.emit(facts.Probe(call=call.call, path=_path(path), value=bool(call.result)))


def variable(call: Call) -> None:
    name = str(call.argument(0, "key"))
    call.emit(facts.Variable(name=name, set=name in os.environ))


# --- threads and what they finish


def thread(call: Call) -> None:
    count = 1
    if not call.call.endswith("start"):
        wanted = call.kwargs.get("max_workers", call.kwargs.get("processes", call.kwargs.get("nprocs")))
        held = getattr(call.result, "_max_workers", getattr(call.result, "_processes", None))
        count = next((n for n in (wanted, held) if isinstance(n, int)), 1)
    call.emit(facts.Thread(call=call.call, n=count))


def submit(call: Call) -> None:
    order = _executors.get(call.owner, 0)
    _executors[call.owner] = order + 1
    _submitted[call.result] = order


def as_completed(call: Call) -> None:
    if "asyncio" in call.call:
        call.emit(facts.Completion(call="as_completed"))
    else:
        call.result = _completing(call, call.result)


def _completing(call: Call, futures: Iterator[Any]) -> Generator[Any]:
    """The same futures, noted as they finish: a row at each power of two, as the consumer may part midway."""
    seen = Sequence()
    try:
        for future in futures:
            _completed(call, "as_completed", seen, _submitted.get(future))
            yield future
    finally:
        if seen.n & (seen.n - 1):
            _emit_order(call, "as_completed", seen)


def _completed(call: Call, name: str, seen: Sequence, value: Any) -> None:
    try:
        seen.add(value)
        if not seen.n & (seen.n - 1):
            _emit_order(call, name, seen)
    except Exception:
        pass


def _emit_order(call: Call, name: str, seen: Sequence) -> None:
    call.emit(facts.Completion(call=name, order=seen.order, content=seen.content, n=seen.n))


def waited(call: Call) -> None:
    done = getattr(call.result, "done", None)
    order = None if done is None else digest(sorted(_submitted.get(future, -1) for future in done))
    call.emit(facts.Completion(call="wait", order=order))


def unordered(call: Call) -> None:
    """Gives the pool's iterator a class of its own, which notes each result as it is taken."""
    iterator = call.result
    kind = type(iterator)
    if not isinstance(getattr(kind, "next", None), FunctionType):
        call.result = _noting(call, iterator)  # with chunksize > 1 the pool gives a plain generator
        return
    seen = Sequence()

    def take(self: Any, timeout: float | None = None) -> Any:
        value = kind.next(self, timeout)
        _completed(call, "imap_unordered", seen, value)
        return value

    noting = {"next": take, "__next__": take, "__module__": kind.__module__}
    iterator.__class__ = type(kind.__name__, (kind,), noting)


def _noting(call: Call, values: Iterator[Any]) -> Generator[Any]:
    seen = Sequence()
    for value in values:
        _completed(call, "imap_unordered", seen, value)
        yield value


def queue_get(call: Call) -> None:
    seen = _queues.setdefault(call.owner, Sequence())
    seen.add(call.result)
    _emit_order(call, "Queue.get", seen)


# --- files, flags, memory


def loaded(call: Call) -> None:
    into = call.call.endswith("load_state_dict")
    value = call.argument(0, "state_dict") if into else call.result
    keys = [str(key)[:200] for key in islice(value, 50)] if isinstance(value, dict) else None
    path = None if into else _path(call.argument(0, "f", call.kwargs.get("file")))
    call.emit(facts.Load(call=call.call, path=path, keys=keys))


def saved(call: Call) -> None:
    index = 0 if call.call.startswith("numpy.") else 1
    call.emit(facts.Save(call=call.call, path=_path(call.argument(index, "f" if index else "file"))))


def _set_to(call: Call) -> bool | int | float | str | None:
    value = next(iter((*call.args, *call.kwargs.values())), None)
    return value if isinstance(value, bool | int | float | str) else None


def threads_set(call: Call) -> None:
    call.emit(facts.Threads(call=call.call, value=_set_to(call)))


def flag_set(call: Call) -> None:
    call.emit(facts.Flag(call=call.call, value=_set_to(call)))


def made_empty(call: Call) -> None:
    call.emit(facts.Empty(call=call.call))


def restart(seeded: Collection[str]) -> None:
    """Begin with the generators as they are now; ``seeded`` names those that were seeded already."""
    streams.restart(seeded)


def renew() -> None:
    """After a fork."""
    streams.renew()
