"""Two records laid side by side a step at a time: which layers of evidence differ in a step.

Steps are compared as bytes.  Which events a structure holds is worked out once, whatever many steps share it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import Final, NamedTuple

from samebits.compare.shared import Shared
from samebits.model.events import KINDS, OWN_GENERATOR, PARTIAL, RANDOM, READ_IN_TURN
from samebits.model.facts import Draw
from samebits.record.chunks import Chunk
from samebits.record.reader import Record
from samebits.record.values import norms

#: Layer of each kind of event; the rest are operations.
LAYER_OF: Final = {
    "generator": "generator",
    "batch": "batch",
    "parameter": "parameters",
    "loss": "loss",
    "gradient": "gradients",
}
#: The generator that an operation draws from: torch's own, or one that was passed to it.
GENERATORS: Final = {"torch": "torch:cpu", "own": "torch generators of its own"}


class Tensor(NamedTuple):
    """A gradient or a parameter in a structure."""

    kind: str
    name: str
    offset: int
    ordinal: int  # among those that have a norm


class Layout:
    """What a structure holds, by layer: worked out once, whatever many steps share it."""

    def __init__(self, record: Record, structure: int) -> None:
        columns = record.columns(structure)
        self.offsets: dict[str, list[int]] = defaultdict(list)
        self.tensors: list[Tensor] = []
        self.draws: Counter[str] = Counter()
        self.names = [record.name(number) for number in columns.name]
        ordinal = 0
        for offset, (number, flags) in enumerate(zip(columns.kind, columns.flags, strict=True)):
            kind = KINDS[number]
            normed, ordinal = ordinal, ordinal + (kind in READ_IN_TURN)
            if flags & PARTIAL:
                continue
            self.offsets[LAYER_OF.get(kind, "operations")].append(offset)
            if kind in READ_IN_TURN:
                self.tensors.append(Tensor(kind, self.names[offset], offset, normed))
            if flags & RANDOM:
                self.draws[GENERATORS["own" if flags & OWN_GENERATOR else "torch"]] += 1
        self.spans = {layer: _spans(offsets) for layer, offsets in self.offsets.items()}
        self.keys = {layer: self._key(offsets) for layer, offsets in self.offsets.items()}

    def _key(self, offsets: Sequence[int]) -> bytes:
        text = "\0".join(self.names[offset] for offset in offsets)
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _spans(offsets: Sequence[int]) -> list[slice]:
    """Where the digests of these events lie, in bytes, joined where they are neighbours."""
    found: list[tuple[int, int]] = []
    for offset in offsets:
        if found and found[-1][1] == offset:
            found[-1] = (found[-1][0], offset + 1)
        else:
            found.append((offset, offset + 1))
    return [slice(start * 8, stop * 8) for start, stop in found]


class Steps:
    """The main thread of a record, a step at a time."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.chunks: dict[int, list[Chunk]] = defaultdict(list)
        for chunk in record.chunks(0):
            if chunk.count:
                self.chunks[chunk.step].append(chunk)
        self._layouts: dict[int, Layout] = {}

    def layout(self, chunk: Chunk) -> Layout:
        if chunk.structure not in self._layouts:
            self._layouts[chunk.structure] = Layout(self.record, chunk.structure)
        return self._layouts[chunk.structure]

    def layers(self, step: int) -> set[str]:
        return {layer for chunk in self.chunks[step] for layer in self.layout(chunk).spans}

    def digests(self, step: int, layer: str) -> tuple[tuple[bytes, ...], bytes]:
        """Which events the layer holds at a step, and their digests."""
        keys, parts = [], []
        for chunk in self.chunks[step]:
            layout = self.layout(chunk)
            if layer in layout.spans:
                keys.append(layout.keys[layer])
                parts += [chunk.digests[span] for span in layout.spans[layer]]
        return tuple(keys), b"".join(parts)

    def named(self, step: int, layer: str) -> dict[tuple[str, int], bytes]:
        """Digests by name and how often the name came before in the step."""
        found: dict[tuple[str, int], bytes] = {}
        seen: Counter[str] = Counter()
        for chunk in self.chunks[step]:
            layout = self.layout(chunk)
            for offset in layout.offsets.get(layer, ()):
                name = layout.names[offset]
                found[name, seen[name]] = chunk.digests[offset * 8 : offset * 8 + 8]
                seen[name] += 1
        return found

    def tensors(self, step: int) -> Iterator[tuple[tuple[str, str, int], bytes, float]]:
        """Each gradient and parameter that was read at a step.

        Its kind, its name and how often that came before; its digest and its norm.
        """
        seen: Counter[tuple[str, str]] = Counter()
        for chunk in self.chunks[step]:
            layout = self.layout(chunk)
            if layout.tensors:
                digests, read = chunk.digests, norms(self.record, chunk)
                for kind, name, offset, ordinal in layout.tensors:
                    key = (kind, name, seen[kind, name])
                    seen[kind, name] += 1
                    yield key, digests[offset * 8 : offset * 8 + 8], read[ordinal]


class StepPair:
    """Two threads, and which layers differ at a step."""

    def __init__(self, a: Record, b: Record) -> None:
        self.a, self.b = Steps(a), Steps(b)
        self.steps = sorted(self.a.chunks.keys() & self.b.chunks.keys())
        self._alike = Shared.of(a, b).keep is None  # else single operations are not comparable
        self.finished = min(a.steps, b.steps)
        self._equal: dict[int, bool] = {}

    def equal(self, step: int) -> bool:
        """Whether a step holds the same events with the same digests, generators included."""
        if step not in self._equal:
            self._equal[step] = self._equal_bytes(step)
        return self._equal[step]

    def _equal_bytes(self, step: int) -> bool:
        left, right = self.a.chunks[step], self.b.chunks[step]
        identity_a, identity_b = self.a.record.identity, self.b.record.identity
        return len(left) == len(right) and all(
            one.count == two.count
            and identity_a(one.structure) == identity_b(two.structure)
            and one.digests == two.digests
            for one, two in zip(left, right, strict=True)
        )

    @cached_property
    def differing(self) -> dict[int, dict[str, bool]]:
        """By step, the layers that were observed in both, and whether they differ.

        Of the parameters: whether one differs as it was last read, for they may be read in turn.
        """
        found: dict[int, dict[str, bool]] = {}
        apart: set[tuple[str, int]] = set()
        for step in self.steps:
            seen = found[step] = self._differing(step)
            if seen.get("parameters") or (apart and "parameters" in seen):
                a, b = (steps.named(step, "parameters") for steps in (self.a, self.b))
                shared = a.keys() & b.keys()
                apart = (apart - shared) | {key for key in shared if a[key] != b[key]}
                seen["parameters"] = bool(apart)
        return found

    def _differing(self, step: int) -> dict[str, bool]:
        found = dict(self._computed[step])
        if "generator" in self.a.layers(step) & self.b.layers(step):
            states = self._generators[step]
            drawn = {name for name, since in self.drawn_from.items() if since <= step}
            found["generator"] = any(states[name] for name in states.keys() & drawn)
        return found

    @cached_property
    def _computed(self) -> dict[int, dict[str, bool]]:
        """By step, the layers but the generators' that were observed in both, and whether they differ."""
        return {step: self._computed_at(step) for step in self.steps}

    def _computed_at(self, step: int) -> dict[str, bool]:
        shared = (self.a.layers(step) & self.b.layers(step)) - {"generator"}
        if not self._alike:
            shared.discard("operations")
        if self.equal(step):
            return dict.fromkeys(shared, False)
        return {layer: differs for layer in shared if (differs := self._layer(step, layer)) is not None}

    def _layer(self, step: int, layer: str) -> bool | None:
        """Whether a layer differs; None where the two have no event of it in common."""
        keys_a, bytes_a = self.a.digests(step, layer)
        keys_b, bytes_b = self.b.digests(step, layer)
        if keys_a == keys_b:
            return bytes_a != bytes_b
        a, b = self.a.named(step, layer), self.b.named(step, layer)
        if layer == "operations":
            return a != b
        shared = a.keys() & b.keys()
        return any(a[name] != b[name] for name in shared) if shared else None

    @cached_property
    def _generators(self) -> dict[int, dict[str, bool]]:
        """By step, the generators whose state was read in both, and whether it differs."""
        found: dict[int, dict[str, bool]] = {}
        for step in self.steps:
            a, b = self.a.named(step, "generator"), self.b.named(step, "generator")
            found[step] = {key[0]: a[key] != b[key] for key in a if key in b}
        return found

    @cached_property
    def drawn_from(self) -> dict[str, int]:
        """The generators that may have to do with it: somebody draws from them, and not without harm.

        What nobody draws from may be unseeded, and its state then differs from the first step on.  What is
        unseeded and drawn from, as for the name of a run, does no harm where a step agrees all the same.
        """
        first: dict[str, int] = {}  # generator -> the first step by which somebody has drawn from it
        for steps in (self.a, self.b):
            states: dict[str, bytes] = {}
            for step in sorted(steps.chunks):
                for (name, _), state in steps.named(step, "generator").items():
                    if states.setdefault(name, state) != state:
                        first[name] = min(step, first.get(name, step))
            for fact in steps.record.facts():
                if isinstance(fact.detail, Draw) and (drawn := fact.detail.generator) is not None:
                    first[drawn] = min(fact.step, first.get(drawn, fact.step))
        agreed: set[str] = set()
        harmless: set[str] = set()
        for step, differing in self._generators.items():
            agreed |= {name for name, differs in differing.items() if not differs}
            if (computed := self._computed[step]) and not any(computed.values()):
                harmless |= {name for name in differing if step >= first.get(name, step + 1)} - agreed
        return {name: step for name, step in first.items() if name not in harmless}

    def at_start(self, step: int) -> bool | None:
        """Whether the parameters differ that a step begins with: those that the one before it left."""
        found = [self.differing.get(step - 1, {}).get("parameters") if step else None]
        if step >= self.finished:  # the reading with which a record ends
            found.append(self.differing.get(step, {}).get("parameters"))
        known = [one for one in found if one is not None]
        return any(known) if known else None
