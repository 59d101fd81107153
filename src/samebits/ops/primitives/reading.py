"""How a CPU reads the taps of a block: as strided views where they advance evenly, else row by row.

The taps of neighbouring rows mostly advance evenly, which is a view: one multiplication
and one addition a tap.  Where they do not, rows are copied together first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod

import numpy as np
import torch
from torch import Tensor

from samebits.ops.primitives.taps import Integers, Taps

#: Views of one tap that cost less than copying its rows together, by the elements of the result.
VIEWS = {1 << 15: 2, 1 << 62: 8}
#: Taps along the last dimension above which turning the block costs less than strides do.
MANY = 8
#: Rows after which the taps may repeat: 2 for a scale of 1.5, 3 for 4/3.
PERIODS = (1, 2, 3, 4)
#: What a row without this tap adds: x + -0.0 is x for every x.
NOTHING = -0.0


def mapped(x: Tensor, dim: int, taps: Taps, out: Tensor) -> None:
    """`out` = `x` mapped along `dim`; both contiguous and of the accumulation type."""
    outer, inner = prod(x.shape[:dim]), prod(x.shape[dim + 1 :])
    x, out = x.view(outer, taps.source, inner), out.view(outer, taps.rows, inner)
    views = next(most for size, most in VIEWS.items() if out.numel() <= size)
    steps = plan(taps, views, x.device, x.dtype)
    if inner == 1 and outer > 1 and (len(steps) > MANY or any(isinstance(step, Rows) for step in steps)):
        # Neither copying rows of one element nor skipping through them is fast: the block is turned.
        turned = x.view(outer, taps.source).t().contiguous().unsqueeze(0)
        made = turned.new_empty((1, taps.rows, outer))
        _gather(turned, taps, steps, made)
        out.view(outer, taps.rows).copy_(made[0].t())
    else:
        _gather(x, taps, steps, out)


@dataclass(frozen=True, slots=True)
class View:
    """Rows whose k-th taps advance evenly.

    Attributes:
        first, step, number: the rows.
        element, skip: what the first of them reads, and how far the next is from it.
        weight: of all of them, or (number, 1).
    """

    first: int
    step: int
    number: int
    element: int
    skip: int
    weight: float | Tensor


@dataclass(frozen=True, slots=True)
class Rows:
    """The k-th taps of all rows, one by one.

    Attributes:
        k: which taps.
        weight: (rows, 1), or None where each is 1.
        absent: int64, the rows that have none, or None.
    """

    k: int
    weight: Tensor | None
    absent: Tensor | None


Step = tuple[View, ...] | Rows


@lru_cache(maxsize=1024)
def plan(taps: Taps, views: int, device: torch.device, dtype: torch.dtype) -> tuple[Step, ...]:
    """For each k how the k-th taps are read: as so many views at most, or row by row."""
    weight = taps.on(device, dtype)[2]
    steps: list[Step] = []
    for k in range(taps.index.shape[1]):
        found = _views(taps, k, views, weight)
        if found is not None:
            steps.append(found)
            continue
        absent = torch.from_numpy(np.flatnonzero(taps.count <= k)).to(device)
        column = None if weight is None else weight[:, k, None]
        steps.append(Rows(k, column, absent if absent.numel() else None))
    return tuple(steps)


def _views(taps: Taps, k: int, most: int, weight: Tensor | None) -> tuple[View, ...] | None:
    best: list[View] | None = None
    for period in PERIODS:
        found: list[View] = []
        for phase in range(min(period, taps.rows)):
            rows = np.flatnonzero(taps.count[phase::period] > k) * period + phase
            found += _runs(taps, k, rows, period, most, weight)
            if len(found) >= (most + 1 if best is None else len(best)):
                break
        else:
            best = found
    return None if best is None else tuple(best)


def _runs(taps: Taps, k: int, rows: Integers, period: int, most: int, weight: Tensor | None) -> list[View]:
    """The rows, ascending, cut where either they or their k-th taps do not advance evenly."""
    found: list[View] = []
    at = 0
    read = taps.index[rows, k]
    while at < len(rows) and len(found) <= most:
        skip = max(int(read[at + 1] - read[at]), 0) if at + 1 < len(rows) else 0
        even = (np.diff(rows[at:]) == period) & (np.diff(read[at:]) == skip)
        number = len(even) + 1 if even.all() else int(even.argmin()) + 1
        factor: float | Tensor = 1.0
        first = int(rows[at])
        if taps.weight is not None and weight is not None:
            used = taps.weight[rows[at : at + number], k]
            alike = bool((used == used[0]).all())
            factor = float(used[0]) if alike else weight[first : rows[at + number - 1] + 1 : period, k, None]
        found.append(View(first, period, number, int(read[at]), skip, factor))
        at += number
    return found


def _gather(x: Tensor, taps: Taps, steps: tuple[Step, ...], out: Tensor) -> None:
    """`out` = the map of `x`, both (outer, length, inner) and contiguous."""
    if not taps.complete:
        out.zero_()
    terms = torch.empty_like(out) if len(steps) > 1 or not taps.complete else out
    for k, step in enumerate(steps):
        if isinstance(step, Rows):
            _copied(x, taps, step, out, terms)
        else:
            _viewed(x, k, step, out, terms)
    if taps.divisor != 1:
        out.div_(taps.divisor)


def _viewed(x: Tensor, k: int, views: tuple[View, ...], out: Tensor, terms: Tensor) -> None:
    """The k-th taps of the rows that have one, as views."""
    outer, rows, inner = out.shape
    length, begin, origin = x.shape[1] * inner, out.storage_offset(), x.storage_offset()
    for view in views:
        shape = outer, view.number, inner
        into = out.as_strided(shape, (rows * inner, view.step * inner, 1), begin + view.first * inner)
        read = x.as_strided(shape, (length, view.skip * inner, 1), origin + view.element * inner)
        if isinstance(view.weight, float) and view.weight == 1:
            (into.copy_ if k == 0 else into.add_)(read)
        elif k == 0:
            torch.mul(read, view.weight, out=into)
        else:
            term = terms.as_strided(shape, (view.number * inner, inner, 1))
            into.add_(torch.mul(read, view.weight, out=term))


def _copied(x: Tensor, taps: Taps, step: Rows, out: Tensor, terms: Tensor) -> None:
    """The k-th taps of the rows that have one, copied together."""
    inner = x.shape[2]
    into = out if step.k == 0 and taps.complete else terms
    index = _flat(taps, step.k, x.shape[0], x.device)
    torch.index_select(x.view(-1, inner), 0, index, out=into.view(-1, inner))
    if step.weight is not None:
        into.mul_(step.weight)
    if into is out:
        return
    if step.absent is not None:
        terms.index_fill_(1, step.absent, 0.0 if step.k == 0 else NOTHING)
    if step.k == 0:
        out.copy_(terms)
    else:
        out.add_(terms)


@lru_cache(maxsize=512)
def _flat(taps: Taps, k: int, outer: int, device: torch.device) -> Tensor:
    """Tap k of each row of each of `outer` blocks, int64, (outer * rows,), as rows of all blocks together."""
    index = torch.from_numpy(taps.index[:, k])
    return (torch.arange(outer)[:, None] * taps.source + index).flatten().to(device)
