"""The backward of `embedding_bag(mode="max")`, whose equal winners meet in one row of the table.

PyTorch's CUDA kernel adds them with atomics, and raises in deterministic mode.  Here
they are exact sums.  The other modes, and `embedding`, sort their indices and add each
row's gradients in that order, so PyTorch's own kernels stay.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import NotImplementedType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from samebits.model.operators import Operation, Recipe, Torch, Why
from samebits.ops.case import TABLES, Build, Case, Maker, Shape, Task
from samebits.ops.primitives.exact import Bins, magnitude

#: `mode` of the operation that is "max".
MAX = 2


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
) -> Tensor | NotImplementedType:
    """aten::_embedding_bag_dense_backward: the gradient (num_weights, D) of the table.

    Args:
        grad: (B, D), floating point, of the bags.
        indices: (L,) int32 or int64, rows of the table, bag after bag.
        offset2bag: of no use to this mode, as are `scale_grad_by_freq` and `per_sample_weights`.
        bag_size: (at least B,), 0 where a bag has no row, or only `padding_idx`.
        maximum_indices: (B, D), the row that won; 0 or -1 in an empty bag.
        num_weights: rows of the table.
        mode: 2; the others are left to PyTorch.
        padding_idx: a row that never wins.
    """
    if mode != MAX or per_sample_weights is not None or grad.numel() == 0 or indices.numel() == 0:
        return NotImplemented  # type: ignore[no-any-return]
    bags, features = grad.shape
    rows = indices.long()
    # An empty bag adds 0 to some row of the batch, whatever its gradient.
    empty = (bag_size[:bags] == 0).unsqueeze(1)
    terms = grad.masked_fill(empty, 0)
    won = torch.where(empty, rows[0], maximum_indices.long().contiguous())
    feature = torch.arange(features, device=grad.device)
    if rows.numel() >= num_weights:
        return _sums(terms, won.mul_(features).add_(feature), num_weights).value().view(num_weights, features)
    # A table is often far larger than a batch: only the rows that the batch names get bins.
    named = torch.zeros(num_weights, dtype=torch.bool, device=grad.device).index_fill_(0, rows, True)
    slot = named.cumsum(0).sub_(1)
    place = slot.index_select(0, won.view(-1)).view(won.shape).mul_(features).add_(feature)
    found = _at(_sums(terms, place, rows.numel()), place.view(-1))
    result = grad.new_zeros(num_weights, features)
    # A cell that won twice is written twice, with the same sum.
    result.view(-1).index_copy_(0, won.mul_(features).add_(feature).view(-1), found)
    return result


def _sums(terms: Tensor, place: Tensor, rows: int) -> Bins:
    """Sums of `terms` (B, D) in the bins `place` (B, D) of `rows` rows."""
    bags, features = terms.shape
    sums = Bins((rows * features,), magnitude(terms), bags, terms.dtype)
    sums.add(place.view(-1), terms.reshape(-1))
    return sums


def _at(sums: Bins, place: Tensor) -> Tensor:
    """The sums in the bins `place` (M,) alone; `sums` are not used again."""
    sums.bins = place.numel()
    sums.total = sums.total.index_select(0, place)
    if sums.remainder is not None:
        sums.remainder = sums.remainder.index_select(0, place)
    if sums.raised is not None:
        sums.raised = sums.raised.index_select(0, place)
    return sums.value()


REPLACES = (
    Operation(
        "embedding_bag", "aten::_embedding_bag_dense_backward", Why.ATOMICS, Torch.RAISES, Recipe.EXACT
    ),
)


def _bags(mode: str, **options: Any) -> Build:
    def build(make: Maker, shape: Shape) -> Task:
        rows, columns = shape
        bins = max(rows // 3, 3)
        index, offsets = make.index(bins, rows), torch.arange(0, rows, 3, device=make.device)
        call: Callable[..., Tensor] = partial(F.embedding_bag, mode=mode, **options)
        return Task(lambda x: call(index, x, offsets), (make.distinct(bins, columns),))

    return build


CASES = tuple(
    Case(f"embedding_bag, {name}", ("aten::_embedding_bag_dense_backward",), build, TABLES, True, times)
    for name, build, times in (
        ("max", _bags("max"), 1),
        ("max, padded", _bags("max", padding_idx=1), 0),
    )
)
