"""`scatter`, `scatter_add` and `scatter_reduce`: several values for one place.

On CUDA they meet in atomic operations, in the order of the hardware.  Where one has
to win, it is the last (`last_write`); sums have one result in every order (`sums`), products
have the order of the index (`products`); the largest and the smallest have no order but for the sign of a
zero, so zeros lose theirs first.

torch's CPU kernels walk the dimension on one thread: where that already keeps the
last write, or adds integers, they are left to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.model.operators import Operation, Recipe, Torch, Why
from samebits.ops.case import Build, Maker, Shape, Task, forward
from samebits.ops.primitives import last_write, products, sums
from samebits.ops.primitives.exact import accumulated
from samebits.ops.primitives.native import native, wanted

Result = Any  # a tensor, or NotImplemented


def scatter__src(self: Tensor, dim: int, index: Tensor, src: Tensor) -> Result:
    """`self[..., index[m], ...] = src[..., m, ...]`; of several, the last along `dim`."""
    if triton_launch.triton_for(self) and _understood(self, dim, index, src):
        own, dim, index, src = _shaped(self, dim, index, src)
        last_write.write_(own, dim, index, src)
        return self
    # Without the kernel: in order on a CPU, and on CUDA through torch's slower deterministic way.
    return NotImplemented


def scatter__reduce(self: Tensor, dim: int, index: Tensor, src: Tensor, *, reduce: str) -> Result:
    """`self[..., index[m], ...] += src[..., m, ...]`, or `*=` where `reduce` is "multiply"."""
    if reduce not in ("add", "multiply") or not _understood(self, dim, index, src):
        return NotImplemented
    return _reduced(self, dim, index, src, {"add": "sum", "multiply": "prod"}[reduce], True)


def scatter_add_(self: Tensor, dim: int, index: Tensor, src: Tensor) -> Result:
    """`self[..., index[m], ...] += src[..., m, ...]`."""
    if not (self.is_floating_point() or self.is_complex()) or not _understood(self, dim, index, src):
        return NotImplemented
    return _reduced(self, dim, index, src, "sum", True)


def scatter_reduce__two(
    self: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Result:
    """The sum, product, mean, largest or smallest of the values for each place, and of self's own."""
    if reduce not in ("sum", "prod", "mean", "amax", "amin") or not _understood(self, dim, index, src):
        return NotImplemented
    return _reduced(self, dim, index, src, reduce, include_self)


def _reduced(self: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, include_self: bool) -> Result:
    if self.dtype == torch.bool or (self.is_complex() and reduce != "sum"):
        return NotImplemented
    if not (self.is_floating_point() or self.is_complex()) and (self.is_cpu or reduce != "prod"):
        return NotImplemented  # torch adds and compares whole numbers in any order to the same result
    own, dim, index, src = _shaped(self, dim, index, src)
    if self.is_complex():
        own, src = torch.view_as_real(own), torch.view_as_real(src.resolve_conj())
        index = index.unsqueeze(-1).expand(src.shape)
    if not include_self:
        with native():
            own.scatter_(dim, index, neutral(own.dtype, reduce))
    reduce_(own, dim, index, src, reduce, include_self)
    return self


def reduce_(self: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, include_self: bool) -> None:
    """One of torch's reductions along `dim`.

    Args:
        self: floating point, or integer for a product; of at least one dimension.  Unless it is included,
            it holds the reduction's neutral number wherever the index points.
        dim: not negative.
        index: int64 in range; of the shape of `src`, or (M,) but for "amax" and "amin".
        src: of self's dtype and, but for `dim`, shape.
        reduce: "sum", "prod", "mean", "amax" or "amin".
        include_self: whether self's own values count for a mean.
    """
    if reduce == "sum":
        sums.add_(self, dim, index, src)
    elif reduce == "prod":
        products.multiply_(self, dim, index, src)
    elif reduce == "mean":
        wide = self.to(accumulated(self.dtype))
        sums.add_(wide, dim, index, src.to(wide.dtype))
        count = sums.counts(wide, dim, index)
        wide.div_(count.add_(1) if include_self else count.clamp_(min=1))
        if wide is not self:
            self.copy_(wide)
    else:
        _extreme_(self, dim, index, src, reduce)


def neutral(dtype: torch.dtype, reduce: str) -> float:
    """The number that changes no result of the reduction."""
    if reduce in ("amax", "amin"):
        sign = -1 if reduce == "amax" else 1
        if dtype.is_floating_point:
            return sign * torch.inf
        return torch.iinfo(dtype).min if sign < 0 else torch.iinfo(dtype).max
    return 1 if reduce == "prod" else 0


def _extreme_(self: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str) -> None:
    """The largest or smallest, from torch's own kernel: zeros are made positive, and every NaN the same."""
    count = src.shape[dim]
    step = count if self.is_cuda else max(1, sums.PIECE * count // src.numel())
    for at in range(0, count, step):
        part = src.narrow(dim, at, min(step, count - at)) + 0
        if part.is_floating_point() and (part.is_cuda or bool(part.amax().isnan())):
            part.masked_fill_(part.isnan(), torch.nan)
        with native():
            self.scatter_reduce_(dim, index.narrow(dim, at, part.shape[dim]), part, reduce)


def _understood(self: Tensor, dim: int, index: Tensor, src: Tensor) -> bool:
    """Whether this is a call without mistakes and with work to do; torch words the errors of the others."""
    if wanted() or index.numel() == 0 or self.numel() == 0:
        return False
    rank = max(self.dim(), 1)
    if max(index.dim(), 1) != rank or max(src.dim(), 1) != rank or not -rank <= dim < rank:
        return False
    if index.dtype not in (torch.int64, torch.int32) or src.dtype != self.dtype:
        return False
    if not self.device == index.device == src.device:
        return False
    if torch._debug_has_internal_overlap(self) == 1 or any(
        torch._C._overlaps(self, other) for other in (index, src)
    ):
        return False
    dim %= rank
    for at in range(self.dim()):
        if (at != dim and _size(index, at) > self.shape[at]) or _size(index, at) > _size(src, at):
            return False
    return in_range(index, _size(self, dim))


def in_range(index: Tensor, size: int, lowest: int = 0) -> bool:
    """Whether every index is in [lowest, size).  Nobody waits for CUDA: a wrong one stops the device."""
    if index.is_cuda:
        torch._assert_async(((index >= lowest) & (index < size)).all())
        return True
    low, high = index.aminmax()
    return lowest <= int(low) and int(high) < size


def _size(tensor: Tensor, dim: int) -> int:
    return tensor.shape[dim] if tensor.dim() else 1


def _shaped(self: Tensor, dim: int, index: Tensor, src: Tensor) -> tuple[Tensor, int, Tensor, Tensor]:
    """The parts that take part: all of one dimension at least, and of the index's extents."""
    self, index, src = (x.view(1) if x.dim() == 0 else x for x in (self, index, src))
    dim %= self.dim()
    for at, size in enumerate(index.shape):
        if src.shape[at] != size:
            src = src.narrow(at, 0, size)
    return last_write.narrowed(self, dim, index), dim, index.long(), src


REPLACES = (
    Operation(
        "scatter",
        "aten::scatter_.src",
        Why.RACE,
        Torch.SLOW,
        Recipe.LAST,
        variants=("aten::scatter.src", "aten::scatter.src_out"),
        run_by=(
            "torch.sort",
            "torch.msort",
            "torch.topk",
            "torch.kthvalue",
            "torch.max",
            "torch.min",
            "torch.mode",
            "torch.quantile",
            "torch.nanquantile",
            "torch.nn.functional.gumbel_softmax",
        ),
    ),
    Operation(
        "scatter",
        "aten::scatter_.reduce",
        Why.ATOMICS,
        Torch.RAISES,
        Recipe.EXACT,
        variants=("aten::scatter.reduce", "aten::scatter.reduce_out"),
    ),
    Operation(
        "scatter_add",
        "aten::scatter_add_",
        Why.ATOMICS,
        Torch.SLOW,
        Recipe.EXACT,
        variants=("aten::scatter_add", "aten::scatter_add.out"),
        run_by=("torch.gather", "torch.take_along_dim", "torch.cummax", "torch.cummin"),
    ),
    Operation(
        "scatter_reduce",
        "aten::scatter_reduce_.two",
        Why.ATOMICS,
        Torch.RAISES,
        Recipe.EXACT,
        variants=("aten::scatter_reduce.two", "aten::scatter_reduce.two_out"),
    ),
)

_WARNS = "The reduce argument of torch.scatter"


def _scatter(change: Callable[[Tensor, Tensor, Tensor], Tensor], alike: bool = True) -> Build:
    """`change(table, index, rows)` along dimension 0, into a table of a third of the rows."""

    def build(make: Maker, shape: Shape) -> Task:
        rows, columns = shape
        bins = max(rows // 3, 2) if alike else rows + 2
        index = make.index(bins, rows, columns) if alike else make.different(bins, rows, columns)
        return Task(
            lambda x, y: change(x, index, y), (make.distinct(bins, columns), make.distinct(rows, columns))
        )

    return build


def _scatter_reduce(how: str, whole: bool) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    return lambda x, index, y: x.scatter_reduce(0, index, y, how, include_self=whole)


CASES = (
    forward("scatter", ["scatter_.src"], _scatter(lambda x, i, y: x.scatter(0, i, y), alike=False)),
    forward("scatter, indices alike", ["scatter_.src"], _scatter(lambda x, i, y: x.scatter(0, i, y)), 0),
    forward(
        "scatter, add",
        ["scatter_.reduce"],
        _scatter(lambda x, i, y: x.scatter(0, i, y, reduce="add")),
        0,
        warns=_WARNS,
    ),
    forward(
        "scatter, multiply",
        ["scatter_.reduce"],
        _scatter(lambda x, i, y: x.scatter(0, i, y, reduce="multiply")),
        0,
        warns=_WARNS,
    ),
    forward("scatter_add", ["scatter_add_"], _scatter(lambda x, i, y: x.scatter_add(0, i, y))),
    *(
        forward(
            f"scatter_reduce, {how}" + ("" if whole else ", without itself"),
            ["scatter_reduce_.two"],
            _scatter(_scatter_reduce(how, whole)),
        )
        for how, whole in (
            ("sum", True),
            ("sum", False),
            ("mean", True),
            ("mean", False),
            ("prod", True),
            ("amin", True),
            ("amax", False),
        )
    ),
)
