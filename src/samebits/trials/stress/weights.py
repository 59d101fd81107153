"""Whether two runs end in the same weights, from which step on they do not, and how far they lie apart.

What decides are the digests of the parameters that optimizers hold, in the processes that train; what a
DataLoader's workers computed counts where it arrives.  Sizes are told from the losses and from the norms of
gradients and parameters, which every record has.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from samebits.compare.steps import Steps
from samebits.compare.threads import is_worker
from samebits.record.reader import Record
from samebits.record.run import LOSSES_OF, Run

#: A tensor's norm is compared with the whole's where it is smaller than this part of it.
_FLOOR: Final = 1e-3
_Key = tuple[str, str, int]  # of a gradient or a parameter: kind, name, how often the name came before
_Read = Mapping[_Key, tuple[bytes, float]]


@dataclass(frozen=True, slots=True)
class Reach:
    """How far what was changed reached.

    Attributes:
        weights: whether the weights at the end differ; None where there are none.
        first_step: the first step after which weights differ, as far as they were read.
        steps: how many steps each run took.
        loss: the last loss of each run.
        norm: the 2-norm of all weights at the end, of each run.
        begins: the largest relative difference (of losses, and of norms) at the first step that has one.
        ends: the same at the last step that both took.
        wide: whether losses have more than 16 bits.
    """

    weights: bool | None
    first_step: int | None = None
    steps: tuple[int, int] = (0, 0)
    loss: tuple[float | None, float | None] = (None, None)
    norm: tuple[float | None, float | None] = (None, None)
    begins: float | None = None
    ends: float | None = None
    wide: bool = True

    def as_json(self) -> dict[str, Any]:
        return {
            "weights": self.weights,
            "first_step": self.first_step,
            "steps": list(self.steps),
            "loss": [_plain(each) for each in self.loss],
            "norm": [_plain(each) for each in self.norm],
            "begins": _plain(self.begins),
            "ends": _plain(self.ends),
            "wide": self.wide,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Reach:
        (steps_a, steps_b), (loss_a, loss_b), (norm_a, norm_b) = data["steps"], data["loss"], data["norm"]
        return cls(
            data["weights"],
            data["first_step"],
            (steps_a, steps_b),
            (loss_a, loss_b),
            (norm_a, norm_b),
            data["begins"],
            data["ends"],
            data["wide"],
        )


def _plain(number: float | None) -> float | None:
    """A number as strict JSON has it, which knows no infinity."""
    return number if number is not None and math.isfinite(number) else None


def has_weights(run: Run) -> bool:
    """Whether a run shows any parameter."""
    return any(_last(Steps(record)) for record in _training(run).values())


def reach(a: Run, b: Run) -> Reach:
    """What differs between two runs of one program."""
    of_a, of_b = _training(a), _training(b)
    there = weights = False
    first: int | None = None
    squares = [0.0, 0.0]
    apart: dict[int, float] = {}
    begun: set[int] = set()
    for key in sorted({*of_a, *of_b}):
        if key not in of_a or key not in of_b:
            if _last(Steps(of_a.get(key) or of_b[key])):
                there = weights = True  # a process trains that the other run does not have
            continue
        left, right = Steps(of_a[key]), Steps(of_b[key])
        last_a, last_b = _last(left), _last(right)
        if not last_a and not last_b:
            continue
        there = True
        squares = [
            total + sum(norm * norm for _, norm in last.values())
            for total, last in zip(squares, (last_a, last_b), strict=True)
        ]
        weights |= {name: d for name, (d, _) in last_a.items()} != {n: d for n, (d, _) in last_b.items()}
        for step, size, differ, of_weights in _by_step(left, right):
            apart[step] = max(apart.get(step, 0.0), size)
            if differ:
                begun.add(step)
            if of_weights and (first is None or step < first):
                first = step
    losses = [_losses(run) for run in (a, b)]
    for step, size in _loss_sizes(*losses):
        apart[step] = max(apart.get(step, 0.0), size)
        if size:
            begun.add(step)
    steps = [max((record.steps for record in of.values()), default=0) for of in (of_a, of_b)]
    norms = [math.sqrt(total) if there else None for total in squares]
    last_losses = [found[-1].value if found else None for found in losses]
    return Reach(
        weights=weights if there else None,
        first_step=first,
        steps=(steps[0], steps[1]),
        loss=(last_losses[0], last_losses[1]),
        norm=(norms[0], norms[1]),
        begins=apart[min(begun)] if begun else None,
        ends=apart[max(apart)] if begun else None,
        wide=all(len(loss.bits) > 4 for found in losses for loss in found),
    )


def _training(run: Run) -> dict[str, Record]:
    """The records of the processes that train."""
    return {key: record for key, record in run.records.items() if not is_worker(key) and record.steps}


def _last(steps: Steps) -> dict[_Key, tuple[bytes, float]]:
    """Each parameter as it was last read: at the end of a record all are."""
    found: dict[_Key, tuple[bytes, float]] = {}
    for step in sorted(steps.chunks):
        found.update((key, (d, n)) for key, d, n in steps.tensors(step) if key[0] == "parameter")
    return found


def _by_step(a: Steps, b: Steps) -> Iterator[tuple[int, float, bool, bool]]:
    """By step: the largest relative difference, whether anything differs, and whether weights do."""
    for step in sorted(a.chunks.keys() & b.chunks.keys()):
        read_a = {key: (digest, norm) for key, digest, norm in a.tensors(step)}
        read_b = {key: (digest, norm) for key, digest, norm in b.tensors(step)}
        shared = read_a.keys() & read_b.keys()
        differing = {key for key in shared if read_a[key][0] != read_b[key][0]}
        size = max((_relative(key, read_a, read_b) for key in differing), default=0.0)
        yield step, size, bool(differing), any(kind == "parameter" for kind, _, _ in differing)


def _relative(key: _Key, a: _Read, b: _Read) -> float:
    """By how much the norms of one tensor differ; of a small one, in parts of all of its kind together."""
    whole = math.sqrt(sum(n * n for (kind, _, _), (_, n) in a.items() if kind == key[0] and n == n))
    return _part(a[key][1], b[key][1], _FLOOR * whole)


def _part(a: float, b: float, floor: float = 0.0) -> float:
    if not (math.isfinite(a) and math.isfinite(b)):
        return 0.0 if a == b or (a != a and b != b) else math.inf
    return abs(a - b) / max(abs(a), abs(b), floor) if a != b else 0.0


def _losses(run: Run) -> list[Any]:
    for key in LOSSES_OF:
        if key in run.records and (found := run.records[key].losses()):
            return found
    return []


def _loss_sizes(a: list[Any], b: list[Any]) -> Iterator[tuple[int, float]]:
    by_step: defaultdict[int, tuple[list[Any], list[Any]]] = defaultdict(lambda: ([], []))
    for side, found in enumerate((a, b)):
        for loss in found:
            by_step[loss.step][side].append(loss)
    for step, (left, right) in sorted(by_step.items()):
        for one, two in zip(left, right, strict=False):
            if one.bits != two.bits and one.value is not None and two.value is not None:
                yield step, max(_part(one.value, two.value), 1e-300)
