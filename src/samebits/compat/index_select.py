"""`index_select` with a deterministic gradient, whatever torch's flags say.

The gradient of `input_tensor.index_select(dim, indices)` adds rows of the incoming one::

    grad_input[i] = sum over j with indices[j] == i of grad[j]

torch adds them with atomics on CUDA, in the order in which threads arrive.
Here the rows are put in order of their index by a stable sort, and each group
is added up in that order (`torch.segment_reduce`, one thread a group and column).

A selection and this sum are each other's transposes, so each is the other's gradient, to any order.  Both are
linear, so that a tangent goes through them as the input does.  Under `torch.func.vmap` a batch of B inputs is
one input whose dimension has the B dimensions one after another, and the indices count on.
"""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor


def deterministic_index_select(input_tensor: Tensor, dim: int, indices: Tensor) -> Tensor:
    """`torch.index_select` whose gradient has the same bits every time, on every device, whatever the flags.

    The gradient adds rows with equal indices.  torch's own does it with atomics on CUDA.  Here the rows are
    put in order of their index (a stable sort), and each group is added up in that order.

    Args:
        input_tensor: any shape; float or complex for a gradient.
        dim: the dimension to select along.
        indices: integers, shape (k,), negative ones from the end, or a mask (bool), shape (size of `dim`,):
            what ``input_tensor.transpose(0, dim)[indices]`` takes, of which the guides make theirs.

    Returns:
        The shape of `input_tensor` with size k along `dim`.

    Raises:
        RuntimeError, IndexError: as `torch.index_select`, and for a mask of another size.
    """
    size = _size(input_tensor, dim)
    result: Tensor = _IndexSelect.apply(input_tensor, dim, _positions(indices, size))  # type: ignore[no-untyped-call]
    return result


def _size(tensor: Tensor, dim: int) -> int:
    return tensor.size(dim) if tensor.dim() else 1


def _positions(indices: Tensor, size: int) -> Tensor:
    """What `index_select` takes, of what indexing with `[indices]` takes."""
    if indices.dtype is torch.bool:
        return torch.arange(size, device=indices.device)[indices]
    if indices.dtype not in (torch.int32, torch.int64):
        return indices if indices.is_floating_point() else _positions(indices.long(), size)
    return torch.where(indices < 0, indices + size, indices)


class _IndexSelect(torch.autograd.Function):
    @staticmethod
    def forward(input: Tensor, dim: int, indices: Tensor) -> Tensor:
        return input.index_select(dim, indices)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, ctx.dim, indices = inputs
        ctx.size = _size(input, ctx.dim)
        ctx.save_for_backward(indices)
        ctx.save_for_forward(indices)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, None, None]:
        (indices,) = ctx.saved_tensors
        return _IndexSum.apply(grads[0], ctx.dim, indices, ctx.size), None, None  # type: ignore[no-untyped-call]

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: None) -> Any:
        (indices,) = ctx.saved_tensors
        return _IndexSelect.apply(tangent, ctx.dim, indices)  # type: ignore[no-untyped-call]

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], input: Tensor, dim: int, indices: Tensor) -> Any:
        batch = _Batch(info.batch_size, input, in_dims[0], dim, indices, in_dims[2])
        return batch.apart(_IndexSelect.apply(batch.input, 0, batch.indices))  # type: ignore[no-untyped-call]


class _IndexSum(torch.autograd.Function):
    """The rows of `grad` added up by their index, into a dimension of some size."""

    @staticmethod
    def forward(grad: Tensor, dim: int, indices: Tensor, size: int) -> Tensor:
        if not grad.dim():  # a selection of one number
            return grad.clone()
        rows = grad.movedim(dim, 0)
        total = _sum_by_index(rows.reshape(rows.shape[0], prod(rows.shape[1:])), indices.reshape(-1), size)
        return total.reshape(size, *rows.shape[1:]).movedim(0, dim)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.dim, indices, ctx.size = inputs
        ctx.save_for_backward(indices)
        ctx.save_for_forward(indices)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, None, None, None]:
        (indices,) = ctx.saved_tensors
        return _IndexSelect.apply(grads[0], ctx.dim, indices), None, None, None  # type: ignore[no-untyped-call]

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: None) -> Any:
        (indices,) = ctx.saved_tensors
        return _IndexSum.apply(tangent, ctx.dim, indices, ctx.size)  # type: ignore[no-untyped-call]

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], grad: Tensor, dim: int, indices: Tensor, size: int) -> Any:
        batch = _Batch(info.batch_size, grad, in_dims[0], dim, indices, in_dims[2], size)
        total = _IndexSum.apply(batch.input, 0, batch.indices, info.batch_size * size)  # type: ignore[no-untyped-call]
        return batch.apart(total)


class _Batch:
    """B inputs, of which some may be one and the same, as one: `dim` first, B times as long.

    Args:
        count: B.
        input: the inputs; `input_dim` counts them, None where there is one.
        dim: of each, to be selected along.
        indices: theirs; `indices_dim` counts them, None where they share one.
        size: what the indices of one input count up to; None: the size of its `dim`.
    """

    def __init__(
        self,
        count: int,
        input: Tensor,
        input_dim: int | None,
        dim: int,
        indices: Tensor,
        indices_dim: int | None,
        size: int | None = None,
    ) -> None:
        self._count = count
        each = (
            input.unsqueeze(0).expand(count, *input.shape)
            if input_dim is None
            else input.movedim(input_dim, 0)
        )
        self._scalar = each.dim() == 1  # inputs of one number
        each = each.unsqueeze(1) if self._scalar else each
        self._dim = dim % (each.dim() - 1)
        rows = each.movedim(1 + self._dim, 1)
        self.input = rows.reshape(count * rows.shape[1], *rows.shape[2:])
        own = (
            indices.reshape(1, -1).expand(count, -1)
            if indices_dim is None
            else indices.movedim(indices_dim, 0).reshape(count, -1)
        )
        step = torch.arange(count, dtype=torch.int64, device=indices.device) * (size or rows.shape[1])
        self.indices = (own + step.unsqueeze(1)).reshape(-1)

    def apart(self, result: Tensor) -> tuple[Tensor, int]:
        """Each input's part of a result, counted by the first dimension."""
        each = result.reshape(self._count, -1, *result.shape[1:]).movedim(1, 1 + self._dim)
        return (each.squeeze(1) if self._scalar else each), 0


def _sum_by_index(rows: Tensor, indices: Tensor, size: int) -> Tensor:
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
