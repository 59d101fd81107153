"""`index_select` with a deterministic gradient, whatever torch's flags say.

The gradient of ``table[indices]`` adds rows of the incoming one::

    grad_table[i] = sum over j with indices[j] == i of grad[j]

torch adds them with atomics on CUDA, in the order in which threads arrive.
Here the rows are put in order of their index by a stable sort, and each group
is added up in that order (`torch.segment_reduce`, one thread a group and column).

A selection and this sum are each other's transposes, so each is the other's gradient, to any order.  Both are
linear, so that a tangent goes through them as the input does.  Under `torch.func.vmap` a batch of B tables is
one table of B times as many rows, and the indices count on.
"""

from __future__ import annotations

from math import prod
from types import EllipsisType
from typing import Any

import torch
from torch import Tensor

from samebits.errors import UsageTypeError


def deterministic_index_select(input_tensor: Tensor, dim: int, indices: Any) -> Tensor:
    """``input_tensor.transpose(0, dim)[indices].transpose(0, dim)``, with a deterministic gradient.

    That is the guides' own function, and `torch.index_select` for indices of shape (k,): the same numbers, in
    the same layout.  The gradient has the same bits every time, on every device, whatever the flags.  It adds
    rows with equal indices, those of half types in float32.

    Args:
        input_tensor: any shape; float or complex for a gradient.
        dim: the dimension to select along.
        indices: int32 or int64 of any shape, negative ones from the end; a mask, bool or uint8, of the shape
            of the leading dimensions after the transposition; or what `torch.as_tensor` makes one of these.
            An int, a slice, None and ... are as in torch.

    Returns:
        For indices of shape (k,): the shape of `input_tensor` with size k along `dim`.

    Raises:
        IndexError: as torch's indexing: out of range, of another dtype, a mask of another shape.
        UsageTypeError: a tuple or a nested list, which would index several dimensions.
    """
    table = input_tensor.transpose(0, dim)
    if isinstance(indices, tuple) or (isinstance(indices, list) and not all(map(_is_number, indices))):
        kind = "tuple" if isinstance(indices, tuple) else "list of more than numbers"
        raise UsageTypeError(
            f"deterministic_index_select: indices is a {kind}, which would index several dimensions; give a "
            "list of numbers or a tensor."
        )
    if indices is None or isinstance(indices, int | slice | EllipsisType):  # a view: nothing is added up
        return table[indices].transpose(0, dim)
    device = None if isinstance(indices, Tensor) else table.device
    dtype = torch.int64 if isinstance(indices, list) and not indices else None  # else that of its numbers
    positions = torch.as_tensor(indices, dtype=dtype, device=device)
    if positions.dtype in (torch.bool, torch.uint8):
        table, positions = _of_mask(table, positions)
    return _selected(table, positions).transpose(0, dim)


def _is_number(index: Any) -> bool:
    return hasattr(index, "__index__") and not isinstance(index, Tensor)


def _of_mask(table: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """A table, and the positions in its rows at which the mask is true."""
    leading = tuple(table.shape[: mask.dim()])
    if tuple(mask.shape) != leading:
        raise IndexError(f"a mask of shape {tuple(mask.shape)} does not fit dimensions of sizes {leading}")
    rows = table.reshape(mask.numel(), *table.shape[mask.dim() :]) if mask.dim() != 1 else table
    return rows, mask.reshape(-1).nonzero().squeeze(1)


def _selected(table: Tensor, positions: Tensor) -> Tensor:
    # dynamo refuses a function that has a rule for tangents, and has no tangents itself.
    function = _Select if torch.compiler.is_compiling() else _SelectWithTangents
    selected: Tensor = function.apply(table, positions)  # type: ignore[no-untyped-call]
    return selected


def _summed(rows: Tensor, positions: Tensor, size: int) -> Tensor:
    function = _Sum if torch.compiler.is_compiling() else _SumWithTangents
    summed: Tensor = function.apply(rows, positions, size)  # type: ignore[no-untyped-call]
    return summed


class _Select(torch.autograd.Function):
    """``table[positions]``."""

    @staticmethod
    def forward(table: Tensor, positions: Tensor) -> Tensor:
        return table[positions]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        table, positions = inputs
        ctx.size = table.shape[0]
        ctx.save_for_backward(positions)
        ctx.save_for_forward(positions)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, None]:
        (positions,) = ctx.saved_tensors
        return _summed(grads[0], positions, ctx.size), None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], table: Tensor, positions: Tensor) -> tuple[Tensor, int]:
        tables = _batch(table, in_dims[0], info.batch_size)
        if tables.dim() == 1:
            raise IndexError("too many indices for tensor of dimension 0")
        counted = _counted(_batch(positions, in_dims[1], info.batch_size), tables.shape[1])
        return _selected(tables.reshape(-1, *tables.shape[2:]), counted), 0


class _SelectWithTangents(_Select):
    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: None) -> Tensor:
        (positions,) = ctx.saved_tensors
        return _selected(tangent, positions)


class _Sum(torch.autograd.Function):
    """The rows (*positions.shape, ...) added up by their position, into (size, ...)."""

    @staticmethod
    def forward(rows: Tensor, positions: Tensor, size: int) -> Tensor:
        shape = rows.shape[positions.dim() :]
        count, width = positions.numel(), prod(shape)
        places = positions.reshape(-1).long()
        total = _by_position(rows.reshape(count, width), torch.where(places < 0, places + size, places), size)
        return total.reshape(size, *shape)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, positions, ctx.size = inputs
        ctx.save_for_backward(positions)
        ctx.save_for_forward(positions)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, None, None]:
        (positions,) = ctx.saved_tensors
        return _selected(grads[0], positions), None, None

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[Any, ...], rows: Tensor, positions: Tensor, size: int
    ) -> tuple[Tensor, int]:
        counted = _counted(_batch(positions, in_dims[1], info.batch_size), size)
        total = _summed(_batch(rows, in_dims[0], info.batch_size), counted, info.batch_size * size)
        return total.reshape(info.batch_size, size, *total.shape[1:]), 0


class _SumWithTangents(_Sum):
    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: None) -> Tensor:
        (positions,) = ctx.saved_tensors
        return _summed(tangent, positions, ctx.size)


def _batch(tensor: Tensor, dim: int | None, count: int) -> Tensor:
    """A batch with its own dimension first; None: `count` times the same."""
    return tensor.expand(count, *tensor.shape) if dim is None else tensor.movedim(dim, 0)


def _counted(positions: Tensor, size: int) -> Tensor:
    """Positions (B, ...) in tables of `size` rows, as those in one table of all; out of range stays that."""
    step = torch.arange(len(positions), device=positions.device).view(-1, *[1] * (positions.dim() - 1)) * size
    places = positions.long()
    counted = torch.where(places < 0, places + size, places) + step
    return torch.where((places < -size) | (places >= size), len(positions) * size, counted)


def _by_position(rows: Tensor, positions: Tensor, size: int) -> Tensor:
    """Rows (k, m) added up by their position (k,), into (size, m)."""
    if rows.is_complex():
        parts = torch.view_as_real(rows.resolve_conj()).reshape(rows.shape[0], 2 * rows.shape[1])
        return torch.view_as_complex(_by_position(parts, positions, size).reshape(size, rows.shape[1], 2))
    if not rows.numel():
        return rows.new_zeros(size, rows.shape[1])
    wide = rows.float() if rows.dtype in (torch.float16, torch.bfloat16) else rows
    ordered, order = torch.sort(positions, stable=True)
    starts = torch.searchsorted(ordered, torch.arange(size + 1, device=ordered.device))
    total: Tensor = torch.segment_reduce(wide[order], "sum", lengths=starts.diff(), axis=0, initial=0)
    return total.to(rows.dtype)
