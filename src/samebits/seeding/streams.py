"""Named streams: each place that draws has its own, so one more draw here changes nothing there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from samebits.errors import UsageError, UsageTypeError
from samebits.seeding.adapters import Adapter, adapter_of
from samebits.seeding.derive import Key
from samebits.seeding.ranks import checked_rank

if TYPE_CHECKING:
    import random

    import numpy as np
    import torch


class Streams:
    """Generators by name, derived from one seed.

    The same name gives the same object each time, so its stream goes on; another
    name, kind, device or seed gives an independent one.  Whether a stream is
    asked for, and when, has no effect on any other::

        streams = Streams(7)
        noise = torch.randn(3, generator=streams.torch("dropout"))
        order = streams.numpy("augment").permutation(10)
        streams.python("shuffle").shuffle(files)
        weights = samebits.random.normal(streams.key("weights"), 3)

    All ranks have the same streams; `per_rank` gives each its own.  Held by a dataset, they are begun anew
    for each sample or worker by the loaders of `samebits.data`.  Make one and keep it: another `Streams(7)`
    starts over.

    Args:
        seed: 0 .. 2**128 - 1, or a `Key` to derive from.

    Raises:
        TypeError, ValueError: the seed is not such a number.
    """

    def __init__(self, seed: int | Key) -> None:
        self.base = seed if isinstance(seed, Key) else Key(seed, ("streams",))
        self._kept = _Kept()  # one for all children

    def __repr__(self) -> str:
        return f"Streams({self.base!r})"

    def torch(self, name: str, device: str | torch.device = "cpu") -> torch.Generator:
        """The `torch.Generator` called `name` on `device`."""
        import torch

        where = torch.device(device)
        if where.type != "cpu" and ":" not in str(where):  # the current one; it may change later
            where = torch.device(where.type, torch.get_device_module(where).current_device())
        return self._kept.ask(self.base, "torch", name, str(where))  # type: ignore[no-any-return]

    def numpy(self, name: str) -> np.random.Generator:
        """The `np.random.Generator` called `name`."""
        return self._kept.ask(self.base, "numpy", name)  # type: ignore[no-any-return]

    def python(self, name: str) -> random.Random:
        """The `random.Random` called `name`."""
        return self._kept.ask(self.base, "python", name)  # type: ignore[no-any-return]

    def key(self, name: str) -> Key:
        """The `Key` called `name`, for `samebits.random`.

        Drawing uses nothing up: it is the same key each time, so derive one for each draw
        (``streams.key("dropout").child(step)``).
        """
        return self._kept.key(self.base, name)

    def child(self, *parts: int | str) -> Streams:
        """Streams of their own for a part of the program, under the same names; the same ones each time."""
        return self._child(self.base.child("child", *parts))

    def per_rank(self, rank: int | None = None) -> Streams:
        """This rank's own streams; None: torch.distributed's rank, else the launcher's, else 0."""
        return self._child(self.base.child("rank", checked_rank(rank, "Streams.per_rank")))

    def _child(self, key: Key) -> Streams:
        child = Streams(key)
        child._kept = self._kept
        return child


class _Kept(dict[tuple[Any, ...], "_Stream"]):
    """The streams that were asked for, by their path, kind, name and device."""

    #: Where streams begin that are asked for from now on, if not at their own keys: a sample's, a scope's.
    began: Key | None = None

    def ask(self, key: Key, kind: str, name: str, *device: str) -> Any:
        """The generator of that name, made on first use."""
        _check_name(name)
        place = (key.path, kind, name, *device)
        stream = self.get(place)
        if stream is None:
            stream = self[place] = _Stream(key.child(kind, name, *device), kind, *device)
            if self.began is not None:
                stream.adapter.start(self.began.child(*stream.key.path))
        return stream.generator

    def key(self, base: Key, name: str) -> Key:
        """The key of that name."""
        _check_name(name)
        key = base.child("key", name)
        return key if self.began is None else self.began.child(*key.path)


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise UsageTypeError(f"Streams: a stream's name must be a str, got {name!r} ({type(name).__name__})")


class _Stream:
    """One generator, the key at whose start it began, and what `capture_rng` needs of it."""

    __slots__ = ("adapter", "device", "generator", "key", "kind")

    def __init__(self, key: Key, kind: str, device: str = "") -> None:
        self.key, self.kind, self.device = key, kind, device
        self.generator = key.torch(device) if kind == "torch" else getattr(key, kind)()
        adapter = adapter_of(self.generator)
        assert adapter is not None
        self.adapter: Adapter = adapter


class StreamsState:
    """All streams of a `Streams` as one thing that holds random state (`samebits.seeding.adapters.Adapter`).

    A stream that was not asked for yet is at its start.  So a state makes those that the process lacks, and
    puts those at their start that it does not hold: nobody has to ask for all of them before restoring.
    """

    kind = "samebits.Streams"

    def __init__(self, streams: Streams) -> None:
        self._root = streams.base.root
        self._kept = streams._kept

    @property
    def identity(self) -> int:
        return id(self._kept)

    def capture(self) -> dict[str, Any]:
        rows = [
            {
                "place": [_written(part) for part in place[0]],
                "kind": stream.kind,
                "name": place[2],
                "device": stream.device,
                "state": stream.adapter.capture(),
            }
            for place, stream in self._kept.items()
        ]
        return {"root": str(self._root), "streams": rows}

    def check(self, state: Mapping[str, Any]) -> None:
        if state["root"] != str(self._root):
            raise UsageError(f"it is of Streams with the seed {state['root']}, this has {self._root}")
        for place, row in _rows(state):
            self._get(place, row).adapter.check(row["state"])

    def restore(self, state: Mapping[str, Any]) -> None:
        rows = _rows(state)
        self._kept.began = None
        for place, row in rows:
            stream = self._kept[place] = self._get(place, row)
            stream.adapter.restore(row["state"])
        self._rewind_but({place for place, _ in rows})

    def save(self) -> Any:
        return self._kept.began, [(place, stream.adapter.save()) for place, stream in self._kept.items()]

    def put_back(self, saved: Any) -> None:
        self._kept.began, states = saved
        for place, state in states:
            self._kept[place].adapter.put_back(state)
        self._rewind_but({place for place, _ in states})

    def start(self, key: Key) -> None:
        self._kept.began = key
        for stream in self._kept.values():
            stream.adapter.start(key.child(*stream.key.path))

    def _get(self, place: tuple[Any, ...], row: Mapping[str, Any]) -> _Stream:
        if place in self._kept:
            return self._kept[place]
        return _Stream(Key(self._root, (*place[0], *place[1:])), row["kind"], *place[3:])

    def _rewind_but(self, places: set[tuple[Any, ...]]) -> None:
        began = self._kept.began
        for place, stream in self._kept.items():
            if place not in places:
                stream.adapter.start(stream.key if began is None else began.child(*stream.key.path))


def _rows(state: Mapping[str, Any]) -> list[tuple[tuple[Any, ...], Mapping[str, Any]]]:
    """A state's streams with the places where `Streams` keeps them."""
    rows = []
    for row in state["streams"]:
        if row["kind"] not in ("torch", "numpy", "python"):
            raise UsageError(f"there is no kind of stream {row['kind']!r}")
        device = (row["device"],) if row["kind"] == "torch" else ()
        rows.append(((tuple(map(_read, row["place"])), row["kind"], row["name"], *device), row))
    return rows


def _written(part: int | str) -> str:
    return f"name {part}" if isinstance(part, str) else f"number {part}"


def _read(text: str) -> int | str:
    kind, _, part = text.partition(" ")
    return part if kind == "name" else int(part)
