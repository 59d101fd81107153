"""Sums in places that are data: index_add, scatter_add, index_put, embeddings.

What comes to one place is added to it one after the other, in the order of the index:

    self = ((self + term_1) + term_2) + ...

float16 and bfloat16 are summed in float32, and rounded once.  On a CPU torch's own kernels are that chain, on
one thread for each place, in float32 and float64; `index_put` only in torch's deterministic mode.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch import Tensor

from samebits.arithmetic.rows import Defined
from samebits.errors import DeterminismError

#: A tensor, tensors, or NotImplemented.
Result = Any
HALF: Final = (torch.float16, torch.bfloat16)
#: The modes of an embedding bag.
SUM, MEAN, MAX = range(3)


def _in_order(change: Callable[..., Tensor], self: Tensor, *args: Any, **named: Any) -> Result:
    """`change(self, ...)` in place.  In float32, of a half: its terms are the arguments of its type."""
    if self.is_cpu and self.dtype not in HALF:
        return NotImplemented
    if not self.is_cpu:
        raise DeterminismError(
            "sums in places (index_add, scatter_add, index_put and their like) have no portable result on "
            "CUDA yet: compute them on the CPU, or outside samebits.portable()."
        )
    wide = self.float()
    change(
        wide, *(x.float() if isinstance(x, Tensor) and x.dtype is self.dtype else x for x in args), **named
    )
    return self.copy_(wide)


def index_add_(self: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Result:
    """`self[..., index[m], ...] += alpha * source[..., m, ...]`: the product is rounded."""
    if not self.is_floating_point() or source.dtype is not self.dtype:
        return NotImplemented
    if alpha != 1:
        wide = source.float() if self.dtype in HALF else source
        own = self.float() if self.dtype in HALF else self
        own.index_add_(dim, index, wide * alpha)
        return self if own is self else self.copy_(own)
    return _in_order(Tensor.index_add_, self, dim, index, source)


def scatter_add_(self: Tensor, dim: int, index: Tensor, src: Tensor) -> Result:
    """`self[..., index[m], ...] += src[..., m, ...]`"""
    return (
        _in_order(Tensor.scatter_add_, self, dim, index, src) if self.is_floating_point() else NotImplemented
    )


def scatter_reduce_(
    self: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Result:
    """The same with sums, products and means; a mean is the sum divided by the number of its terms."""
    if not self.is_floating_point() or reduce in ("amax", "amin"):
        return NotImplemented
    return _in_order(Tensor.scatter_reduce_, self, dim, index, src, reduce, include_self=include_self)


def scatter_(self: Tensor, dim: int, index: Tensor, src: Tensor, *, reduce: str) -> Result:
    """The same with "add" and "multiply"."""
    if not self.is_floating_point():
        return NotImplemented
    return _in_order(Tensor.scatter_, self, dim, index, src, reduce=reduce)


def index_reduce_(
    self: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Result:
    """`scatter_reduce_` with an index of one dimension."""
    if not self.is_floating_point() or reduce in ("amax", "amin"):
        return NotImplemented
    return _in_order(Tensor.index_reduce_, self, dim, index, source, reduce, include_self=include_self)


def _index_put_impl_(
    self: Tensor,
    indices: Sequence[Tensor | None],
    values: Tensor,
    accumulate: bool = False,
    unsafe: bool = False,
) -> Result:
    """`self[indices] += values`, in the order of the values."""
    if not accumulate or not self.is_floating_point() or values.dtype is not self.dtype:
        return NotImplemented
    put = torch.ops.aten._index_put_impl_.default
    return _in_order(lambda own, new: put(own, indices, new, True, unsafe), self, values)


def put_(self: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Result:
    """`self.view(-1)[index] += source`"""
    if not accumulate or not self.is_floating_point() or source.dtype is not self.dtype:
        return NotImplemented
    if index.dtype is not torch.int64 or index.numel() != source.numel() or self.numel() == 0:
        return NotImplemented
    flat = self.reshape(-1)
    place = index.reshape(-1)
    flat.index_add_(0, torch.where(place < 0, place + self.numel(), place), source.reshape(-1))
    return self if flat.data_ptr() == self.data_ptr() else self.copy_(flat.view(self.shape))


def _shares(grad: Tensor, rows: Tensor, counts: Tensor | None) -> Tensor:
    return grad if counts is None else grad / counts[rows].to(grad.dtype).unsqueeze(-1)


def embedding_dense_backward(
    grad_output: Tensor, indices: Tensor, num_weights: int, padding_idx: int, scale_grad_by_freq: bool
) -> Result:
    """The gradient (num_weights, D) of a table: its rows are sums in order.

    Args:
        grad_output: (..., D).
        indices: (...), int32 or int64.
        padding_idx: a row that gets nothing; negative: none.
        scale_grad_by_freq: whether each gradient is divided by how often its row occurs.
    """
    dtype = grad_output.dtype
    if not dtype.is_floating_point or indices.numel() == 0:
        return NotImplemented
    if grad_output.is_cpu and dtype not in HALF and not scale_grad_by_freq:
        return NotImplemented
    rows = indices.reshape(-1).long()
    grad = grad_output.reshape(rows.numel(), -1)
    grad = grad.float() if dtype in HALF else grad
    counts = torch.bincount(rows, minlength=num_weights) if scale_grad_by_freq else None
    return _table(_shares(grad, rows, counts), rows, num_weights, padding_idx).to(dtype)


def _table(grad: Tensor, rows: Tensor, size: int, padding_idx: int) -> Tensor:
    table = grad.new_zeros(size, grad.shape[1]).index_add_(0, rows, grad)
    if padding_idx >= 0:
        table[padding_idx] = 0
    return table


def _embedding_bag(
    weight: Tensor,
    indices: Tensor,
    offsets: Tensor,
    scale_grad_by_freq: bool = False,
    mode: int = SUM,
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int = -1,
) -> Result:
    """The sums or means of bags of rows: a bag's rows are added in their order, from 0.

    Args:
        weight: (V, D).
        indices: (L,), rows, bag after bag.
        offsets: (B,), where each bag begins; with `include_last_offset` one more, where the last ends.
        per_sample_weights: (L,), which a sum's rows are multiplied by.
        padding_idx: a row that counts nothing.

    Returns:
        (B, D); each index' bag; how many each bag has; B numbers without meaning.
    """
    bags = offsets.numel() - include_last_offset
    if (
        mode == MAX
        or not weight.is_floating_point()
        or bags < 1
        or indices.dim() != 1
        or indices.numel() == 0
    ):
        return NotImplemented
    if int(offsets[0]) != 0 or bool((offsets.diff() < 0).any()) or int(offsets[-1]) > indices.numel():
        return NotImplemented
    low, high = indices.aminmax()
    if int(low) < 0 or int(high) >= len(weight):
        return NotImplemented
    place = torch.arange(indices.numel(), device=indices.device)
    bag = (torch.searchsorted(offsets[:bags].long().contiguous(), place, right=True) - 1).to(indices.dtype)
    rows = weight[indices]
    rows = rows.float() if weight.dtype in HALF else rows
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.to(rows.dtype)[:, None]
    there = indices != padding_idx
    size = torch.zeros(bags, dtype=torch.int64, device=weight.device).index_add_(0, bag, there.long())
    if padding_idx >= 0:
        rows = rows.masked_fill(~there[:, None], 0)
    out = rows.new_zeros(bags, weight.shape[1]).index_add_(0, bag, rows)
    if mode == MEAN:
        out = out / size.clamp(min=1).to(out.dtype)[:, None]
    return out.to(weight.dtype), bag, size.to(offsets.dtype), torch.zeros_like(size).to(offsets.dtype)


def _embedding_bag_dense_backward(
    grad: Tensor,
    indices: Tensor,
    offset2bag: Tensor,
    bag_size: Tensor,
    maximum_indices: Tensor,
    num_weights: int,
    scale_grad_by_freq: bool,
    mode: int,
    per_sample_weights: Tensor | None,
    padding_idx: int = -1,
) -> Result:
    """The gradient (V, D) of the table, from those of the bags (B, D)."""
    if mode == MAX:
        return _of_largest(grad, indices, bag_size, maximum_indices, num_weights)
    if indices.numel() == 0:
        return NotImplemented
    dtype = grad.dtype
    grad = grad.float() if dtype in HALF else grad
    rows, bag = indices.long(), offset2bag.long()
    terms = grad[bag]
    if mode == MEAN:
        terms = terms / bag_size[bag].to(terms.dtype)[:, None]
    if per_sample_weights is not None:
        terms = terms * per_sample_weights.to(terms.dtype)[:, None]
    counts = torch.bincount(rows, minlength=num_weights) if scale_grad_by_freq else None
    return _table(_shares(terms, rows, counts), rows, num_weights, padding_idx).to(dtype)


def _of_largest(grad: Tensor, indices: Tensor, bag_size: Tensor, largest: Tensor, num_weights: int) -> Result:
    """The same of bags that gave, of each column, the largest: that of the row `largest` (B, D)."""
    if indices.numel() == 0 or grad.numel() == 0:
        return NotImplemented
    bags = len(grad)
    terms = grad.float() if grad.dtype in HALF else grad
    terms = terms.masked_fill((bag_size[:bags] == 0)[:, None], 0)
    table = terms.new_zeros(num_weights, grad.shape[1])
    return table.scatter_add_(0, largest[:bags].long().clamp(min=0), terms).to(grad.dtype)


def _embedding_bag_per_sample_weights_backward(
    grad: Tensor,
    weight: Tensor,
    indices: Tensor,
    offsets: Tensor,
    offset2bag: Tensor,
    mode: int,
    padding_idx: int = -1,
) -> Result:
    """S of the products of a bag's gradient and a row: (L,)."""
    if mode != SUM or indices.numel() == 0:
        return NotImplemented
    products = (grad[offset2bag.long()].to(weight.dtype) * weight[indices]).sum(1)
    return products.masked_fill(indices == padding_idx, 0) if padding_idx >= 0 else products


_CHAIN = "self + each term, in the order of the index"

ROWS: Final = (
    Defined("aten::index_add_", index_add_, _CHAIN, ("aten::index_add", "aten::index_add.out")),
    Defined("aten::scatter_add_", scatter_add_, _CHAIN, ("aten::scatter_add", "aten::scatter_add.out")),
    Defined(
        "aten::scatter_reduce_.two",
        scatter_reduce_,
        _CHAIN,
        ("aten::scatter_reduce.two", "aten::scatter_reduce.two_out"),
    ),
    Defined("aten::scatter_.reduce", scatter_, _CHAIN, ("aten::scatter.reduce", "aten::scatter.reduce_out")),
    Defined("aten::index_reduce_", index_reduce_, _CHAIN, ("aten::index_reduce", "aten::index_reduce.out")),
    Defined("aten::_index_put_impl_", _index_put_impl_, _CHAIN),
    Defined("aten::put_", put_, _CHAIN),
    Defined("aten::embedding_dense_backward", embedding_dense_backward, _CHAIN),
    Defined("aten::_embedding_bag", _embedding_bag, _CHAIN),
    Defined("aten::_embedding_bag_forward_only", _embedding_bag, _CHAIN),
    Defined("aten::_embedding_bag_dense_backward", _embedding_bag_dense_backward, _CHAIN),
    Defined(
        "aten::_embedding_bag_per_sample_weights_backward",
        _embedding_bag_per_sample_weights_backward,
        "S(g w)",
    ),
)
