"""Records in memory, to the protocol that compare asks of a reader."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import pytest

from samebits.model.events import Event
from samebits.model.facts import Fact
from samebits.model.sites import Site


@dataclass(frozen=True)
class Chunk:
    step: int
    start: int
    count: int
    structure: int
    digests: bytes


@dataclass(frozen=True)
class Value:
    dtype: str
    shape: tuple[int, ...]
    data: bytes


@dataclass(frozen=True)
class Loss:
    index: int
    value: float | None
    bits: str


def _structure(event: Event) -> tuple[Any, ...]:
    return (event.kind, event.phase, event.flags, event.name, event.site, event.module, event.node)


class FakeRecord:
    def __init__(
        self,
        threads: Mapping[int, Sequence[Event]],
        *,
        process: str = "main",
        rank: int = 0,
        status: str = "finished",
        facts: Sequence[Fact] = (),
        manifest: Mapping[str, Any] | None = None,
        plan: Mapping[str, Any] | None = None,
        notes: Mapping[str, Any] | None = None,
        sources: Mapping[str, str] | None = None,
        values: Mapping[tuple[int, int, int], Value] | None = None,
        losses: Sequence[Loss] = (),
    ) -> None:
        self.process, self.rank, self.status = process, rank, status
        self.manifest, self.notes = dict(manifest or {}), dict(notes or {})
        self.plan = dict(plan or {"level": "op"})
        self._facts, self._sources, self._values, self._losses = (
            list(facts),
            sources or {},
            values or {},
            losses,
        )
        self._events = {
            thread: [replace(event, index=index, thread=thread) for index, event in enumerate(events)]
            for thread, events in threads.items()
        }
        self._structures: list[tuple[Any, ...]] = []
        self._chunks: dict[int, list[Chunk]] = {}
        for thread, events in self._events.items():
            start = 0
            for step, group in groupby(events, key=lambda event: event.step):
                rows = list(group)
                shape = tuple(_structure(event) for event in rows)
                if shape not in self._structures:
                    self._structures.append(shape)
                digests = b"".join(event.digest.to_bytes(8, "little") for event in rows)
                chunk = Chunk(step, start, len(rows), self._structures.index(shape), digests)
                self._chunks.setdefault(thread, []).append(chunk)
                start += len(rows)
        main = self._events.get(0, [])
        self.steps = max((event.step for event in main), default=-1) + 1

    def threads(self) -> list[int]:
        return sorted(self._events)

    def chunks(self, thread: int) -> list[Chunk]:
        return self._chunks.get(thread, [])

    def identity(self, structure: int) -> bytes:
        rows = [(kind, name, flags) for kind, _, flags, name, *_ in self._structures[structure]]
        return hashlib.sha256(repr(rows).encode()).digest()

    def events(self, thread: int, start: int = 0, stop: int | None = None) -> Iterator[Event]:
        return iter(self._events.get(thread, [])[start:stop])

    def facts(self) -> list[Fact]:
        return self._facts

    def losses(self) -> Sequence[Loss]:
        return self._losses

    def value(self, thread: int, index: int, part: int = 0) -> Value | None:
        return self._values.get((thread, index, part))

    def sources(self) -> Mapping[str, str]:
        return self._sources


@dataclass
class FakeRun:
    id: str
    records: dict[str, FakeRecord]
    info: dict[str, Any] = field(default_factory=lambda: {"status": "finished", "exit_code": 0})
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    unmade: tuple[str, ...] = ()


def _training(steps: int = 4, *, ops: int = 6) -> list[Event]:
    """A small run: per step a generator state, a batch, operations, a loss, a gradient and a parameter."""
    events = []
    for step in range(steps):
        rows = [("generator", "python", "other", 1), ("batch", "", "data", 2)]
        rows += [("op", f"aten::op{number}", "forward", 10 + number) for number in range(ops)]
        rows += [
            ("loss", "", "backward", 21),
            ("op", "aten::mul", "backward", 22),
            ("read", "item", "other", 25),
        ]
        rows += [("gradient", "w", "optimizer", 40), ("parameter", "w", "optimizer", 40)]
        for kind, name, phase, line in rows:
            digest = int.from_bytes(hashlib.sha256(f"{step} {kind} {name}".encode()).digest()[:8], "little")
            events.append(Event(0, kind, name, phase, step, 0, digest, site=Site("train.py", line)))
    return events


@pytest.fixture
def training() -> Callable[..., list[Event]]:
    return _training


@pytest.fixture
def record() -> type[FakeRecord]:
    return FakeRecord


@pytest.fixture
def value() -> type[Value]:
    return Value


@pytest.fixture
def loss() -> type[Loss]:
    return Loss


@pytest.fixture
def run() -> Callable[..., FakeRun]:
    """A run of one process from the events of its main thread."""

    def make(events: Sequence[Event], name: str = "a", **more: Any) -> FakeRun:
        process = more.get("process", "main")
        return FakeRun(name, {process: FakeRecord({0: events}, **more)})

    return make


@pytest.fixture
def run_of() -> Callable[..., FakeRun]:
    """A run of several records."""

    def make(name: str, *records: FakeRecord) -> FakeRun:
        return FakeRun(name, {one.process: one for one in records})

    return make
