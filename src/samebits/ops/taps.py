"""A sparse linear map along one dimension: each output gathers its taps, in a fixed order.

A separable operation (resampling, average pooling, padding) reads a few elements
for every output.  Its backward, written over the same loop, adds into the elements
it read, and on a GPU the hardware chooses the order of those additions.  Here the
map is transposed once, on the host, so that the backward too is a gather:

    y[i] = (((w[i,0] * x[index[i,0]]) + w[i,1] * x[index[i,1]]) + ...) / divisor

The order is that of the tap number k, which is that of the source; every product
and every sum is rounded to the accumulation type (float64 for itself, float32 for
all below).  That sentence is the definition: the plain torch below and the Triton
kernel give the same bits.

On a CPU the taps of neighbouring rows mostly advance evenly, which is a strided
view: one multiplication and one addition a tap.  Where they do not, rows are
copied together first.  Work goes through in blocks that stay in the cache, so
that intermediate results cost little memory: about a third of the input or 4 MB,
and up to the input in float32 for a single image in channels_last with few channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from math import prod

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from samebits import _backend
from samebits.ops.exact import accumulated

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Elements of a block, at most: with its results it stays in a third-level cache.
BLOCK = 1 << 20
#: Elements of a block, at least, where a sixth of the tensor is less: smaller ones cost more than they do.
SMALL = 1 << 19
#: Elements of a row, at least, where an image is cut along its channels.
NARROW = 8
#: Views of one tap that cost less than copying its rows together, by the elements of the result.
VIEWS = {1 << 15: 2, 1 << 62: 8}
#: Taps along the last dimension above which turning the block costs less than strides do.
MANY = 8
#: Rows after which the taps may repeat: 2 for a scale of 1.5, 3 for 4/3.
PERIODS = (1, 2, 3, 4)
#: What a row without this tap adds: x + -0.0 is x for every x.
NOTHING = -0.0


@dataclass(frozen=True, eq=False)
class Taps:
    """Which elements of the source each output reads, and how much of each.

    Made by `transposed` (of a forward map) or `of` (as it is); compared by identity, so that
    whoever makes one caches it by its parameters.

    Attributes:
        index: int64, (rows, K); the first `count[i]` of row i are its taps, in the source's order.
        count: int64, (rows,), from 0 to K; a row without taps gives 0.
        weight: float64, (rows, K), rounded to the accumulation type when used; None: each is 1.
        divisor: a whole number below 2**24 that the sum is divided by.
        source: length of the dimension that is read.
    """

    index: Integers
    count: Integers
    weight: Floats | None
    divisor: int
    source: int
    #: index, count, weight on a device, by (device, dtype).
    _placed: dict[tuple[torch.device, torch.dtype], tuple[Tensor, Tensor, Tensor | None]] = field(
        default_factory=dict, repr=False
    )

    @property
    def rows(self) -> int:
        """Length of the dimension that is made."""
        return len(self.count)

    @cached_property
    def complete(self) -> bool:
        """Whether every output has a tap."""
        return bool((self.count > 0).all())

    @cached_property
    def identity(self) -> bool:
        """Whether the map gives back what it reads."""
        return (
            self.rows == self.source
            and self.divisor == 1
            and bool((self.count == 1).all())
            and bool((self.index[:, 0] == np.arange(self.rows)).all())
            and (self.weight is None or bool((self.weight[:, 0] == 1).all()))
        )

    def on(self, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor | None]:
        """Index and count as int64 and the weights in `dtype`, on `device`; copied there once."""
        key = (device, dtype)
        if key not in self._placed:
            # Converted on the host: a conversion on the device would be some stream's.
            weight = None if self.weight is None else torch.from_numpy(self.weight).to(dtype).to(device)
            index, count = (torch.from_numpy(part).to(device) for part in (self.index, self.count))
            self._placed[key] = (index, count, weight)
        return self._placed[key]


def of(index: npt.ArrayLike, weight: npt.ArrayLike | None = None, *, source: int, divisor: int = 1) -> Taps:
    """The map whose output i reads `index[i, :]` with `weight[i, :]`.

    Args:
        index: (rows, K), integers below `source`; negative: no tap.
        weight: (rows, K), floats; None: every tap counts 1.  Taps of weight 0 are left out, and taps
            of one output on one element are joined.
        source: length of the dimension that is read.
        divisor: a whole number below 2**24 that every sum is divided by.
    """
    index = np.asarray(index, dtype=np.int64)
    return _made(np.indices(index.shape)[0], index, weight, len(index), source, divisor)


def transposed(
    index: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    *,
    source: int,
    divisor: int = 1,
) -> Taps:
    """The transpose of `of`: it reads outputs and gives the `source` elements they came from.

    The arguments are those of `of`, of the forward map: the backward of a forward that computes
    `y[i] = sum_k weight[i, k] * x[index[i, k]]` is
    `gather(grad_y, dim, transposed(index, weight, source=n))`, n being the length of x.
    """
    index = np.asarray(index, dtype=np.int64)
    return _made(index, np.indices(index.shape)[0], weight, source, len(index), divisor)


def _made(
    row: Integers, element: Integers, weight: npt.ArrayLike | None, rows: int, source: int, divisor: int
) -> Taps:
    there = (row >= 0) & (element >= 0)
    values = None if weight is None else np.broadcast_to(np.asarray(weight, np.float64), row.shape)
    if values is not None:
        there &= values != 0
    row, element = row[there], element[there]
    if values is not None:
        place, which = np.unique(row * source + element, return_inverse=True)
        values = np.bincount(which, values[there], len(place)).astype(np.float64)
    else:  # two taps of weight 1 on one element stay two: their sum has no weight 1
        place = np.sort(row * source + element)
    row, element = np.divmod(place, max(source, 1))
    count = np.bincount(row, minlength=rows).astype(np.int64)
    width = max(int(count.max(initial=0)), 1)
    column = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    index = np.zeros((rows, width), np.int64)
    index[row, column] = element
    table = None
    if values is not None:
        table = np.zeros((rows, width), np.float64)
        table[row, column] = values
    return Taps(index, count, table, divisor, source)


def gather(x: Tensor, dim: int, taps: Taps, dtype: torch.dtype | None = None) -> Tensor:
    """`x` with `dim` mapped by `taps`.

    Args:
        x: floating point, any shape with `x.shape[dim] == taps.source`.
        dim: of `x`.
        taps: the map.
        dtype: of the result; by default the accumulation type.

    Returns:
        `x`'s shape with `taps.rows` in place of `dim`; channels_last as `x` is, else contiguous.
    """
    return chain(x, [(dim, taps)], dtype)


def chain(x: Tensor, passes: Sequence[tuple[int, Taps]], dtype: torch.dtype | None = None) -> Tensor:
    """`x` with several dimensions mapped, one after the other in the accumulation type.

    The dimension that shrinks most goes first (`_turn`); the order depends on the maps alone.

    Args:
        x: floating point.
        passes: (dimension, map), each dimension at most once.
        dtype: of the result; by default the accumulation type.

    Returns:
        As `gather`.
    """
    work = accumulated(x.dtype)
    dtype = dtype or work
    last = _channels_last(x)
    if last:
        x = x.movedim(1, -1)
    x = x.contiguous()
    moved = {1: x.dim() - 1, **{d: d - 1 for d in range(2, x.dim())}} if last else {}
    todo = [(moved.get(dim % x.dim(), dim % x.dim()), taps) for dim, taps in passes if not taps.identity]
    todo.sort(key=_turn)
    shape = list(x.shape)
    for dim, taps in todo:
        shape[dim] = taps.rows
    if x.numel() == 0 or prod(shape) == 0:
        result = x.new_zeros(shape, dtype=dtype)
    elif not todo:
        result = x.to(dtype, copy=True)
    elif _backend.triton_for(x):
        result = _on_triton(x, todo, work, dtype)
    else:
        result = _in_blocks(x, todo, work, x.new_empty(shape, dtype=dtype))
    return result.movedim(-1, 1) if last else result


def _turn(one: tuple[int, Taps]) -> tuple[float, int]:
    """The key that passes are sorted by.

    Work along the last dimension costs most, so it comes where the data are smallest: last if they
    shrink, first if they grow.
    """
    dim, taps = one
    ratio = taps.rows / max(taps.source, 1)
    return ratio, dim if ratio <= 1 else -dim


def _channels_last(x: Tensor) -> bool:
    """Whether PyTorch's kernels would answer `x` in channels_last: batch, channels, 2 or 3 dimensions."""
    if x.dim() not in (4, 5) or x.numel() == 0:
        return False
    order = [1, *range(x.dim() - 1, 1, -1), 0]
    least = 0
    for dim in order:
        if x.stride(dim) < least or x.stride(1) == 0 or (dim == 0 and least == x.stride(1)):
            return False
        least = x.stride(dim) * max(x.shape[dim], 1)
    return True


def _on_triton(x: Tensor, todo: list[tuple[int, Taps]], work: torch.dtype, dtype: torch.dtype) -> Tensor:
    from samebits.ops._triton import taps as kernels

    for number, (dim, taps) in enumerate(todo, 1):
        shape = [*x.shape[:dim], taps.rows, *x.shape[dim + 1 :]]
        made = x.new_empty(shape, dtype=dtype if number == len(todo) else work)
        index, count, weight = taps.on(x.device, work)
        outer, inner = prod(x.shape[:dim]), prod(x.shape[dim + 1 :])
        read, into = x.view(outer, taps.source, inner), made.view(outer, taps.rows, inner)
        kernels.gather(read, into, index, count, weight, taps.divisor)
        x = made
    return x


def _in_blocks(x: Tensor, todo: list[tuple[int, Taps]], work: torch.dtype, result: Tensor) -> Tensor:
    lead, tail = min(dim for dim, _ in todo), max(dim for dim, _ in todo) + 1
    outer, inner = prod(x.shape[:lead]), prod(x.shape[tail:])
    x = x.view(outer, *x.shape[lead:tail], inner)
    made = result.view(outer, *result.shape[lead:tail], inner)
    each = max(x[0].numel(), made[0].numel())
    # Half types cost twice their size when widened, so their blocks are half as large.
    size = min(BLOCK, max(SMALL, outer * each // 6)) * x.element_size() // work.itemsize
    step = max(1, size // each)
    # One image in channels_last is all there is to cut: along its channels, which costs a copy.
    width = inner if each <= 2 * size else max(NARROW, size * inner // each)
    for first in range(0, outer, step):
        for left in range(0, inner, width):
            place = slice(first, first + step), ..., slice(left, left + width)
            part, into = x[place].to(work).contiguous(), made[place]
            direct = into.dtype == work and into.is_contiguous()
            for number, (dim, taps) in enumerate(todo, 1):
                dim = dim - lead + 1
                shape = [*part.shape]
                shape[dim] = taps.rows
                target = into if direct and number == len(todo) else part.new_empty(shape)
                _pass(part, dim, taps, target)
                part = target
            if not direct:
                into.copy_(part)
    return result


def _pass(x: Tensor, dim: int, taps: Taps, out: Tensor) -> None:
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
