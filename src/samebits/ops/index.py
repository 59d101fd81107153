"""`index_add`, `index_reduce`, `index_put` and `put`: rows, or elements, where an index says.

The index has one number a row, so what depends on it alone costs little beside the
rows: which row is a place's last, or whether a few rows meet in a large table.  Every
form comes down to rows along one dimension; sums and products are those of `sums` and
`products`, the last write that of `last_write`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from samebits.model.operators import Operation, Recipe, Torch, Why
from samebits.ops.case import TABLES, VECTORS, Build, Case, Maker, Shape, Task, forward
from samebits.ops.primitives import last_write, sums
from samebits.ops.primitives.native import native, wanted
from samebits.ops.scatter import in_range, neutral, reduce_

Result = Any  # a tensor, or NotImplemented


def index_add_(self: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Result:
    """`self[..., index[m], ...] += alpha * source[..., m, ...]`."""
    if not (self.is_floating_point() or self.is_complex()) or not _understood(self, dim, index, source):
        return NotImplemented
    if isinstance(alpha, complex) and not self.is_complex():
        return NotImplemented
    own, dim, index, source = _shaped(self, dim, index, source)
    if own.is_complex():
        own, source, alpha = _real(own), _real(source * alpha if alpha != 1 else source), 1
    sums.add_(own, dim, index, source, alpha)
    return self


def index_reduce_(
    self: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Result:
    """The product, mean, largest or smallest of the rows for each place, and of self's own."""
    if reduce not in ("prod", "mean", "amax", "amin") or self.is_complex() or self.dtype == torch.bool:
        return NotImplemented
    if (self.is_cpu and not self.is_floating_point()) or not _understood(self, dim, index, source):
        return NotImplemented
    own, dim, index, source = _shaped(self, dim, index, source)
    if not include_self:
        own.index_fill_(dim, index, neutral(own.dtype, reduce))
    if reduce in ("amax", "amin"):
        index = index.view([-1 if at == dim else 1 for at in range(own.dim())]).expand(source.shape)
    if reduce == "mean" and not self.is_floating_point():
        with native():
            own.index_add_(dim, index, source)
            count = torch.full_like(own, int(include_self)).index_add_(dim, index, torch.ones_like(source))
        own.div_(count.clamp_(min=1), rounding_mode="floor")
    else:
        reduce_(own, dim, index, source, reduce, include_self)
    return self


def _index_put_impl_(
    self: Tensor,
    indices: Sequence[Tensor | None],
    values: Tensor,
    accumulate: bool = False,
    unsafe: bool = False,
) -> Result:
    """`self[indices] = values`, of several the last in the order of the index; or `+=`."""
    if wanted() or self.numel() == 0 or values.numel() == 0 or values.dtype != self.dtype:
        return NotImplemented
    if accumulate and not (self.is_floating_point() or self.is_complex()):
        return NotImplemented  # whole numbers add up to the same in any order
    if not accumulate and values.numel() == 1:
        return NotImplemented  # all write the same
    if _overlaps(self, (values, *(index for index in indices if index is not None))):
        return NotImplemented
    if values.device != self.device:
        if values.dim() > 0:
            return NotImplemented
        values = values.to(self.device)
    places = _places(self, indices, unsafe)
    if places is None:
        return NotImplemented
    dims, positions, adjacent = places
    rest = [at for at in range(self.dim()) if at not in dims]
    before = dims[0] if adjacent else 0
    shape = [self.shape[at] for at in rest]
    shape[before:before] = positions.shape
    if values.dim() > len(shape) or any(
        n not in (1, m) for n, m in zip(values.shape[::-1], shape[::-1], strict=False)
    ):
        return NotImplemented
    indexed = range(before, before + positions.dim())
    rows = values.expand(shape).movedim(tuple(indexed), tuple(range(positions.dim())))
    rows = rows.reshape(positions.numel(), *(self.shape[at] for at in rest))
    own = self.permute(*dims, *rest)
    table = own.reshape(-1, *own.shape[len(dims) :])
    positions = positions.reshape(-1)
    if accumulate:
        _add_rows(table, positions, rows)
    else:
        last_write.write_rows_(table, positions, rows)
    if table.data_ptr() != own.data_ptr():
        own.copy_(table.view(own.shape))  # the indexed dimensions are no single one of self's memory
    return self


def put_(self: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Result:
    """`self.flatten()[index[m]] = source[m]`, of several the last; or `+=`.

    Raises:
        IndexError: an index lies outside.
    """
    if (
        wanted()
        or index.dtype != torch.int64
        or source.dtype != self.dtype
        or index.numel() != source.numel()
    ):
        return NotImplemented
    if self.numel() == 0 or not self.device == index.device == source.device:
        return NotImplemented
    if index.numel() == 0:
        return self
    if _overlaps(self, (index, source)):
        return NotImplemented
    size = self.numel()
    if not in_range(index, size, -size):
        wrong = int(index[(index < -size) | (index >= size)][0])
        raise IndexError(f"out of range: tried to access index {wrong} on a tensor of {size} elements.")
    index = _positive(index.reshape(-1), size)
    flat = self.reshape(-1)
    source = source.reshape(-1)
    if not accumulate:
        last_write.write_(flat, 0, index, source)
    elif self.is_floating_point() or self.is_complex():
        _add_rows(flat, index, source)
    else:
        with native():
            flat.index_put_((index,), source, accumulate=True)
    if flat.data_ptr() != self.data_ptr() or not self.is_contiguous():
        self.copy_(flat.view(self.shape))
    return self


def _add_rows(self: Tensor, index: Tensor, rows: Tensor) -> None:
    if self.is_complex():
        self, rows = _real(self), _real(rows)
    sums.add_(self, 0, index, rows)


def _real(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor.resolve_conj())


def _places(
    self: Tensor, indices: Sequence[Tensor | None], unsafe: bool
) -> tuple[list[int], Tensor, bool] | None:
    """The indexed dimensions, the flat position in them that each row has, and whether they are neighbours.

    None where torch's kernel has one result in every order, or an error to raise.
    """
    dims: list[int] = []
    numbers: list[Tensor] = []
    alone = True  # a mask alone never points to a place twice
    at = 0
    for index in indices:
        if index is None:
            at += 1
            continue
        index = index.to(self.device)
        if index.dtype == torch.bool:
            if index.shape != self.shape[at : at + index.dim()] or index.dim() == 0:
                return None
            found = index.nonzero().unbind(1)
            alone = alone and not dims
        elif index.dtype in (torch.int64, torch.int32):
            found = (index.long(),)
            alone = False
        else:
            return None
        dims += range(at, at + len(found))
        numbers += found
        at += len(found)
    if not dims or alone or dims[-1] >= self.dim():
        return None
    if len(numbers) > 1:
        try:
            shape = torch.broadcast_shapes(*(number.shape for number in numbers))  # type: ignore[no-untyped-call]
        except RuntimeError:
            return None
        numbers = [number.expand(shape) for number in numbers]
    if numbers[0].numel() == 0:
        return None
    position: Tensor | None = None
    for dim, number in zip(dims, numbers, strict=True):
        size = self.shape[dim]
        if not (unsafe and self.is_cuda) and not in_range(number, size, -size):
            return None
        number = _positive(number, size)
        position = number if position is None else position * size + number
    assert position is not None  # there is an index
    return dims, position, dims == list(range(dims[0], dims[-1] + 1))


def _positive(index: Tensor, size: int) -> Tensor:
    """An index that counts from the end where it is negative, counted from the start."""
    if index.is_cpu and int(index.amin()) >= 0:
        return index
    return torch.where(index < 0, index + size, index)


def _overlaps(self: Tensor, others: Sequence[Tensor]) -> bool:
    return torch._debug_has_internal_overlap(self) == 1 or any(
        other.device == self.device and torch._C._overlaps(self, other) for other in others
    )


def _understood(self: Tensor, dim: int, index: Tensor, source: Tensor) -> bool:
    """Whether this is a call without mistakes and with work to do; torch words the errors of the others."""
    if wanted() or index.numel() == 0 or self.numel() == 0:
        return False
    rank = max(self.dim(), 1)
    if index.dim() > 1 or max(source.dim(), 1) != rank or not -rank <= dim < rank:
        return False
    if index.dtype not in (torch.int64, torch.int32) or source.dtype != self.dtype:
        return False
    if not self.device == index.device == source.device or _overlaps(self, (index, source)):
        return False
    dim %= rank
    if math.prod(source.shape[dim : dim + 1]) != index.numel():
        return False
    if any(source.shape[at] != self.shape[at] for at in range(self.dim()) if at != dim):
        return False
    return in_range(index, self.shape[dim] if self.dim() else 1)


def _shaped(self: Tensor, dim: int, index: Tensor, source: Tensor) -> tuple[Tensor, int, Tensor, Tensor]:
    self, source = (x.view(1) if x.dim() == 0 else x for x in (self, source))
    return self, dim % self.dim(), index.reshape(-1).long(), source


REPLACES = (
    Operation(
        "index_reduce",
        "aten::index_reduce_",
        Why.ATOMICS,
        Torch.RAISES,
        Recipe.EXACT,
        variants=("aten::index_reduce", "aten::index_reduce.out"),
    ),
    Operation(
        "index_add",
        "aten::index_add_",
        Why.ATOMICS,
        Torch.SLOW,
        Recipe.EXACT,
        variants=("aten::index_add", "aten::index_add.out"),
        run_by=(
            "torch.index_select",
            "torch.repeat_interleave",
            "torch.as_strided",
            "torch.as_strided_copy",
            "torch.nn.AdaptiveLogSoftmaxWithLoss",
        ),
    ),
    Operation(
        "index_put",
        "aten::_index_put_impl_",
        Why.ATOMICS,
        Torch.SLOW,
        Recipe.EXACT,
        run_by=("torch.Tensor.__getitem__", "torch.Tensor.__setitem__", "index"),
    ),
    Operation(
        "put",
        "aten::put_",
        Why.RACE,
        Torch.RAISES,
        Recipe.LAST,
        devices=("cpu", "cuda"),
        run_by=("torch.take",),
    ),
)

_BETA = r"index_reduce\(\) is in beta"


def _by_row(change: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Build:
    """`change(table, index, rows)`, an index a row."""

    def build(make: Maker, shape: Shape) -> Task:
        rows, columns = shape
        bins = max(rows // 3, 2)
        index = make.index(bins, rows)
        return Task(
            lambda x, y: change(x, index, y), (make.distinct(bins, columns), make.distinct(rows, columns))
        )

    return build


def _index_reduce(how: str, whole: bool) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    return lambda x, index, y: x.index_reduce(0, index, y, how, include_self=whole)


def _looked_up(make: Maker, shape: Shape) -> Task:
    rows, columns = shape
    index = make.index(max(rows // 3, 2), rows)
    return Task(lambda table: table[index], (make.normal(max(rows // 3, 2), columns),))


def _looked_up_in_two(make: Maker, shape: Shape) -> Task:
    rows, columns = shape
    side = max(math.isqrt(rows // 3), 2)
    index = make.index(side, rows), make.index(side, rows)
    return Task(lambda table: table[index[0], :, index[1]], (make.normal(side, columns, side),))


def _put(alike: bool, accumulate: bool) -> Build:
    def build(make: Maker, shape: Shape) -> Task:
        (count,) = shape
        bins = max(count // 3, 2) if alike else count + 2
        index = make.index(bins, count) if alike else make.different(bins, count, 1)[:, 0]
        return Task(lambda x, y: x.put(index, y, accumulate), (make.normal(bins), make.normal(count)))

    return build


CASES = (
    *(
        forward(
            f"index_reduce, {how}" + ("" if whole else ", without itself"),
            ["index_reduce_"],
            _by_row(_index_reduce(how, whole)),
            warns=_BETA,
        )
        for how, whole in (("mean", True), ("mean", False), ("prod", True), ("amin", True), ("amax", False))
    ),
    forward("index_add", ["index_add_"], _by_row(lambda x, i, y: x.index_add(0, i, y, alpha=2))),
    forward(
        "index_put, accumulate",
        ["_index_put_impl_"],
        _by_row(lambda x, i, y: x.index_put((i,), y, accumulate=True)),
    ),
    Case("index_put, table[index]", ("aten::_index_put_impl_",), _looked_up, TABLES),
    Case("index_put, table[i, :, j]", ("aten::_index_put_impl_",), _looked_up_in_two, TABLES),
    forward("put", ["put_"], _put(alike=False, accumulate=False), shapes=VECTORS),
    forward("put, indices alike", ["put_"], _put(alike=True, accumulate=False), 0, shapes=VECTORS),
    forward("put, accumulate", ["put_"], _put(alike=True, accumulate=True), shapes=VECTORS),
)
