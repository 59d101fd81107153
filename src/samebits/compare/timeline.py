"""What two records say step by step: which layer of evidence differs first, by how much, and who drew.

The verdict names one place.  This file says how the runs relate over their whole length, for a picture:
nothing here decides anything.  Whole steps are compared as bytes, and only where these differ is it looked
at which events they belong to, so that a hundred thousand equal steps cost next to nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from samebits.compare.shared import Coverage
from samebits.compare.steps import GENERATORS, StepPair, Steps
from samebits.model.facts import Draw
from samebits.record.reader import Record

#: The layers of evidence, in the order in which a step passes them: what it begins with, what it computes.
LAYERS: Final = ("environment", "generator", "batch", "parameters", "loss", "gradients", "operations")
#: Step of a stretch that is what there was before the first one.
BEFORE: Final = -1
#: Bits differ, and their norms do not.
UNSEEN: Final = 1e-300
_COLUMNS: Final = 240  # of a map over time
_LOOKS: Final = 16  # the first steps of a column that differ, and so many more, are looked into


@dataclass(frozen=True, slots=True)
class Stretch:
    """Steps in which one layer is the first to differ (-1: none does; None: nothing was observed in both)."""

    first: int
    steps: int
    layer: int | None


@dataclass(frozen=True, slots=True)
class Weights:
    """Steps in which it does not change whether the loss agrees, and whether the parameters do.

    ``a`` and ``b`` are digests of the parameters that were read at the first of them.
    """

    first: int
    steps: int
    loss: bool | None
    parameters: bool | None
    a: int | None
    b: int | None


@dataclass(frozen=True, slots=True)
class Modules:
    """By how much gradients and parameters differ: per kind a row a module, a number a column.

    The largest difference of the 2-norms of a tensor of the module in the column, relative to the larger; of
    a column with very many steps, in some of them.
    None: nothing was read.  0: every bit agrees.  `UNSEEN`: bits differ, and norms do not or are not known.
    """

    names: tuple[str, ...] = ()
    columns: tuple[tuple[int, int], ...] = ()
    rows: Mapping[str, tuple[tuple[float | None, ...], ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One generator: how many operations drew from it in each column, and whether its state agrees.

    ``a`` and ``b`` are empty where single operations were not recorded.
    """

    name: str
    a: tuple[int, ...]
    b: tuple[int, ...]
    same: tuple[bool | None, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    strip: tuple[Stretch, ...] = ()
    weights: tuple[Weights, ...] = ()
    modules: Modules = Modules()
    columns: tuple[tuple[int, int], ...] = ()  # (first step, last step) of what `generators` counts
    generators: tuple[Drawn, ...] = ()


def timeline(
    a: Record,
    b: Record,
    *,
    environment: bool,
    same: bool = False,
) -> Timeline:
    """The main threads of two records, step by step.

    Args:
        environment: whether the runs ran on different things, in a way that matters.
        same: whether the verdict is that; operations that differ without any effect were not counted then.
    """
    pair = StepPair(a, b)
    strip = _strip(pair, environment, same)
    weights = _weights(pair)
    modules = _modules(pair)
    columns = _columns(pair.steps)
    return Timeline(strip, weights, modules, tuple(columns), tuple(_generators(pair, columns)))


def _strip(pair: StepPair, environment: bool, same: bool) -> tuple[Stretch, ...]:
    found = [Stretch(BEFORE, 1, LAYERS.index("environment"))] if environment else []
    last = max(pair.finished, (pair.steps[-1] + 1) if pair.steps else 0)
    after = 0
    parted = False
    for step in sorted({near for known in pair.steps for near in (known, known + 1) if near < last}):
        _add(found, after, step - after, None)
        after = step + 1
        seen = dict(pair.differing.get(step, {}))
        seen.pop("parameters", None)  # of this step: the next one begins with them
        if same and "operations" in seen:
            seen["operations"] = False
        parted = seen.get("generator", parted)
        if parted:
            seen["generator"] = True  # where it was not read, it is as it was when it was read last
        if (started := pair.at_start(step)) is not None:
            seen["parameters"] = started
        layer = None
        if seen:
            layer = next((number for number, name in enumerate(LAYERS) if seen.get(name)), -1)
        _add(found, step, 1, layer)
    _add(found, after, last - after, None)
    return tuple(found)


def _add(found: list[Stretch], step: int, steps: int, layer: int | None) -> None:
    """So many steps more, joined to the stretch before them if it says the same."""
    if not steps:
        return
    if found and found[-1].layer == layer and found[-1].first != BEFORE:
        found[-1] = Stretch(found[-1].first, found[-1].steps + steps, layer)
    else:
        found.append(Stretch(step, steps, layer))


def _weights(pair: StepPair) -> tuple[Weights, ...]:
    found: list[Weights] = []
    for step in pair.steps:
        seen = pair.differing[step]
        if "loss" not in seen and "parameters" not in seen:
            continue
        loss = not seen["loss"] if "loss" in seen else None
        parameters = not seen["parameters"] if "parameters" in seen else None
        last = found[-1] if found else None
        if last is not None and parameters is None:  # not read in this step: as it was
            parameters = last.parameters
        if last is not None and (last.loss, last.parameters) == (loss, parameters):
            found[-1] = Weights(last.first, step + 1 - last.first, loss, parameters, last.a, last.b)
            continue
        digests = [_digest(steps.digests(step, "parameters")[1]) for steps in (pair.a, pair.b)]
        found.append(Weights(step, 1, loss, parameters, *digests))
    return tuple(found)


def _digest(digests: bytes) -> int | None:
    return int.from_bytes(blake2b(digests, digest_size=8).digest(), "big") if digests else None


def _columns(steps: Sequence[int]) -> list[tuple[int, int]]:
    """Stretches of steps, at most `_COLUMNS`, about as long as one another."""
    if not steps:
        return []
    first, last = steps[0], steps[-1]
    width = math.ceil((last - first + 1) / _COLUMNS)
    return [(start, min(start + width - 1, last)) for start in range(first, last + 1, width)]


def _modules(pair: StepPair) -> Modules:
    columns = _columns(pair.steps)
    if not columns:
        return Modules()
    width = columns[0][1] - columns[0][0] + 1
    cells: dict[tuple[str, str], list[float | None]] = {}  # (kind, module) -> a value a column
    looked = [0] * len(columns)  # at how many steps that differ
    for step in pair.steps:
        column = (step - columns[0][0]) // width
        if pair.equal(step):
            for kind, module in _held(pair.a, step):
                _raise(cells, kind, module, column, 0.0, len(columns))
        elif looked[column] < _LOOKS or step % max(1, width // _LOOKS) == 0:
            looked[column] += 1
            _differences(pair, step, column, cells, len(columns))
    names = tuple(dict.fromkeys(module for _, module in cells))
    nothing: list[float | None] = [None] * len(columns)
    rows = {
        kind: tuple(tuple(cells.get((kind, name), nothing)) for name in names)
        for kind in ("gradient", "parameter")
    }
    return Modules(names, tuple(columns), rows)


def _held(steps: Steps, step: int) -> set[tuple[str, str]]:
    """(kind, module) of what was read at a step."""
    return {
        (tensor.kind, _module(tensor.name))
        for chunk in steps.chunks[step]
        for tensor in steps.layout(chunk).tensors
    }


def _differences(
    pair: StepPair, step: int, column: int, cells: dict[tuple[str, str], list[float | None]], count: int
) -> None:
    other = {key: (digest, norm) for key, digest, norm in pair.b.tensors(step)}
    for key, digest, norm in pair.a.tensors(step):
        if key in other:
            digest_b, norm_b = other[key]
            gap = _gap(norm, norm_b) if digest != digest_b else 0.0
            _raise(cells, key[0], _module(key[1]), column, gap, count)


def _raise(
    cells: dict[tuple[str, str], list[float | None]],
    kind: str,
    module: str,
    column: int,
    value: float,
    count: int,
) -> None:
    row = cells.get((kind, module))
    if row is None:
        row = cells[kind, module] = [None] * count
    before = row[column]
    if before is None or value > before:
        row[column] = value


def _gap(a: float, b: float) -> float:
    """How far two norms of tensors that differ lie apart, relative to the larger."""
    a, b = abs(a), abs(b)  # a norm is not negative, unless a record is forged
    larger = max(a, b)
    if math.isnan(a) or math.isnan(b) or larger == 0:
        return UNSEEN if math.isnan(a) == math.isnan(b) else 1.0
    if math.isinf(larger):
        return UNSEEN if a == b else 1.0
    return max(abs(a - b) / larger, UNSEEN)


def _module(name: str) -> str:
    """The module that a parameter belongs to: "encoder.0" of "encoder.0.weight"."""
    return name.rpartition(".")[0] or name


def _generators(pair: StepPair, columns: Sequence[tuple[int, int]]) -> Iterator[Drawn]:
    if not columns:
        return
    width = columns[0][1] - columns[0][0] + 1
    start = columns[0][0]
    drawn: dict[str, tuple[list[int], list[int]]] = defaultdict(
        lambda: ([0] * len(columns), [0] * len(columns))
    )
    for side, steps in enumerate((pair.a, pair.b)):
        for step, chunks in steps.chunks.items():
            column = (step - start) // width
            if 0 <= column < len(columns):
                for chunk in chunks:
                    for name, count in steps.layout(chunk).draws.items():
                        drawn[name][side][column] += count
        for fact in steps.record.facts():
            column = (fact.step - start) // width
            if isinstance(fact.detail, Draw) and 0 <= column < len(columns):
                drawn[fact.detail.generator or "a generator"][side][column] += fact.detail.count or 1
    same: dict[str, list[bool | None]] = {}
    for step in pair.steps:
        if "generator" in pair.differing[step]:
            a, b = (steps.named(step, "generator") for steps in (pair.a, pair.b))
            for key in a.keys() & b.keys():
                row = same.setdefault(key[0], [None] * len(columns))
                column = (step - start) // width
                row[column] = row[column] is not False and a[key] == b[key]
    nothing: list[bool | None] = [None] * len(columns)
    per_step = [not Coverage.of(s.record).operations(s.record.steps) for s in (pair.a, pair.b)]
    for name in sorted(drawn.keys() | (same.keys() & pair.drawn_from)):
        counts = drawn.get(name, ([], []))
        left, right = (
            () if blind and name in GENERATORS.values() and not any(count) else tuple(count)
            for count, blind in zip(counts, per_step, strict=True)
        )
        yield Drawn(name, left, right, tuple(same.get(name, nothing)))
