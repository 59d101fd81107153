"""`index_select` with a deterministic gradient, whatever torch's flags say.

The gradient of `input.index_select(dim, indices)` adds rows of the incoming one::

    grad_input[i] = sum over j with indices[j] == i of grad[j]

torch adds them with atomics on CUDA, in the order in which threads arrive.
Here the rows are put in order of their index by a stable sort, and each group
is added up in that order (`torch.segment_reduce`, one thread a group and column).
"""

from __future__ import annotations

from math import prod
from typing import Any

import torch


def deterministic_index_select(input: torch.Tensor, dim: int, indices: torch.Tensor) -> torch.Tensor:
    """`torch.index_select` whose gradient has the same bits every time, on every device, whatever the flags.

    The gradient adds rows with equal indices.  torch's own does it with atomics on CUDA.  Here the rows are
    put in order of their index (a stable sort), and each group is added up in that order.

    Args:
        input: any shape; float or complex for a gradient.
        dim: the dimension to select along.
        indices: int32 or int64, shape (k,).

    Returns:
        The shape of `input` with size k along `dim`.

    Raises:
        RuntimeError, IndexError: as `torch.index_select`.
    """
    result: torch.Tensor = _IndexSelect.apply(input, dim, indices)  # type: ignore[no-untyped-call]
    return result


class _IndexSelect(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, input: torch.Tensor, dim: int, indices: torch.Tensor) -> torch.Tensor:
        ctx.dim, ctx.size = dim, input.size(dim) if input.dim() else 1
        ctx.save_for_backward(indices)
        return input.index_select(dim, indices)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, None, None]:
        (indices,) = ctx.saved_tensors
        return _IndexSum.apply(grads[0], ctx.dim, indices, ctx.size), None, None  # type: ignore[no-untyped-call]


class _IndexSum(torch.autograd.Function):
    """The transpose of a selection; each is the other's gradient, to any order."""

    @staticmethod
    def forward(ctx: Any, grad: torch.Tensor, dim: int, indices: torch.Tensor, size: int) -> torch.Tensor:
        ctx.dim = dim
        ctx.save_for_backward(indices)
        if not grad.dim():  # a selection of one number
            return grad.clone()
        rows = grad.movedim(dim, 0)
        total = _sum_by_index(rows.reshape(rows.shape[0], prod(rows.shape[1:])), indices.reshape(-1), size)
        return total.reshape(size, *rows.shape[1:]).movedim(0, dim)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, None, None, None]:
        (indices,) = ctx.saved_tensors
        return _IndexSelect.apply(grads[0], ctx.dim, indices), None, None, None  # type: ignore[no-untyped-call]


def _sum_by_index(rows: torch.Tensor, indices: torch.Tensor, size: int) -> torch.Tensor:
    """Rows (k, m) added up by their index (k,), into (size, m)."""
    if rows.is_complex():
        parts = torch.view_as_real(rows).reshape(rows.shape[0], -1)
        total = _sum_by_index(parts, indices, size)
        return torch.view_as_complex(total.reshape(size, -1, 2))
    total = rows.new_zeros(size, rows.shape[1])
    if not rows.numel():
        return total
    wide = rows.float() if rows.dtype in (torch.float16, torch.bfloat16) else rows
    ordered, order = torch.sort(indices.long(), stable=True)
    which, lengths = torch.unique_consecutive(ordered, return_counts=True)
    sums = torch.segment_reduce(wide[order], "sum", lengths=lengths, axis=0)
    return total.index_copy_(0, which, sums.to(rows.dtype))
