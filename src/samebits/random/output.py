"""Makes or chooses the tensor that random numbers are written to, and has it filled.

That is a new tensor, the caller's `out`, a shard of a larger tensor, or this process's shard of a DTensor.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import increment_version

from samebits.errors import UsageError
from samebits.random import core, custom_ops, keys, shards
from samebits.random.arguments import shape_of
from samebits.random.fill import fill
from samebits.random.keys import KeyLike
from samebits.random.one_word import Distribution, Parameters
from samebits.random.shards import Part
from samebits.seeding.derive import Key

Device = torch.device | str | int | None
#: What a caller asks to be drawn alone: (start, shape) within the whole tensor, or a DTensor.  A DTensor
#: means this process's shard of a tensor distributed in the same way.  `shards.part` makes a `Part` of it.
Shard = tuple[tuple[int, ...], tuple[int, ...]] | Tensor | None


def draw_numbers(
    distribution: Distribution,
    key: KeyLike,
    shape: tuple[Any, ...],
    dtype: torch.dtype,
    device: Device,
    out: Tensor | None,
    shard: Shard,
    parameters: Parameters,
) -> Tensor:
    """Draw a distribution's numbers: what `uniform`, `normal` and all others of `one_word` have in common.

    Raises:
        UsageTypeError (a TypeError): a key or shape of the wrong kind.
        UsageError (a ValueError): sizes that are negative, or do not fit `out`, the shard or the keys.
    """
    if isinstance(key, Key):
        key = keys.to_tensor(key)
    if shard is None and device is None and custom_ops.can_skip_dispatcher(key) and key.is_cpu:
        # The fast path, for small draws: the conditions stand for the checks below, and for those of `fill`.
        c_core = core.get()
        if c_core is not None and key.dtype is torch.uint64 and key.dim() == 1 and key.numel() == 2:
            made = _new_tensor(key, shape_of(shape), dtype, c_core) if out is None else _writable(out, shape)
            if made is not None:
                c_core.fill(made, distribution, key.contiguous(), parameters)
                return made
    key = keys.check(key)
    if out is None and shard is None:
        sizes = shape_of(shape)
        if key.dim() > 1:
            key = expand_keys(key, sizes)
        where = None if device is None else torch.device(device)
        return custom_ops.draw(sizes, distribution, key, dtype, where, parameters)
    return _draw_into(distribution, key, shape, dtype, device, out, shard, parameters)


def _new_tensor(key: Tensor, sizes: tuple[int, ...], dtype: torch.dtype, c_core: core.Core) -> Tensor:
    made = key.new_empty(*sizes, dtype=dtype) if sizes else key.new_empty((), dtype=dtype)
    if made.nbytes >= core.LARGE_BYTES:
        c_core.ask_for_large_pages(made)
    return made


def _writable(out: Tensor, shape: tuple[Any, ...]) -> Tensor | None:
    """`out`, if it is a plain contiguous CPU tensor without gradient, which the core can write; else None."""
    fits = (
        type(out) is Tensor
        and out.is_cpu
        and not out.requires_grad
        and out.is_contiguous()
        and not out.is_inference()
        and (not shape or shape_of(shape) == tuple(out.shape))
    )
    if not fits:
        return None
    increment_version(out)
    return out


def _draw_into(
    distribution: Distribution,
    key: Tensor,
    shape: tuple[Any, ...],
    dtype: torch.dtype,
    device: Device,
    out: Tensor | None,
    shard: Shard,
    parameters: Parameters,
) -> Tensor:
    """Draw into `out`, or draw a shard alone."""
    template = out if shards.is_distributed(out) else shard if shards.is_distributed(shard) else None
    if template is not None:
        return _draw_dtensor(distribution, key, shape, dtype, template, out, parameters)
    if out is not None and device is not None and torch.device(device) != out.device:
        raise UsageError(f"out lies on {out.device}, but device={device} was asked for")
    sizes = shape_of(shape) if shape or out is None or shard is not None else tuple(out.shape)
    part: Part | None = None
    local = sizes
    if shard is not None:
        if key.dim() > 1:
            raise UsageError("a shard needs one key, not a batch of keys")
        start, local = shards.parse(shard)
        part = shards.part(sizes, start, local)
    elif key.dim() > 1:
        key = expand_keys(key, sizes)
    if out is None:
        where = None if device is None else torch.device(device)
        return custom_ops.draw(local, distribution, key, dtype, where, parameters, part)
    if tuple(out.shape) != local:
        raise UsageError(f"out has the shape {tuple(out.shape)}, but {local} was asked for")
    if custom_ops.can_skip_dispatcher(key, out):
        with torch.no_grad():
            increment_version(out)
            return fill(out, distribution, key, parameters, part)
    return out.copy_(custom_ops.draw(local, distribution, key, dtype, out.device, parameters, part))


def _draw_dtensor(
    distribution: Distribution,
    key: Tensor,
    shape: tuple[Any, ...],
    dtype: torch.dtype,
    template: Any,
    out: Any,
    parameters: Parameters,
) -> Tensor:
    """Draw this process's shard of a DTensor: of `out`, or of a new one distributed as the template."""
    from torch.distributed.tensor import DTensor

    sizes = shape_of(shape) if shape else tuple(template.shape)
    if sizes != tuple(template.shape):
        raise UsageError(f"the DTensor has the shape {tuple(template.shape)}, but {sizes} was asked for")
    if key.dim() > 1:
        raise UsageError("a DTensor needs one key, not a batch of keys")
    start, local = shards.of_distributed(template)
    part = shards.part(sizes, start, local)
    if out is not None:
        with torch.no_grad():
            fill(out.to_local(), distribution, key, parameters, part)
        return out  # type: ignore[no-any-return]
    mine = custom_ops.draw(local, distribution, key, dtype, template.to_local().device, parameters, part)
    made: Tensor = DTensor.from_local(
        mine,
        template.device_mesh,
        template.placements,
        run_check=False,
        shape=torch.Size(sizes),
        stride=tuple(math.prod(sizes[d + 1 :]) for d in range(len(sizes))),
    )
    return made


def expand_keys(key: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """One key for each index of the leading dimensions of `sizes`.

    Batches of keys broadcast from the left: (4,) fits the sizes (4, 5), and so do (4, 1) and (1, 5).  A
    dimension of size 1 is repeated; one at the end is dropped, as a key draws all that lies behind its index.

    Raises:
        UsageError (a ValueError): the keys do not fit the sizes.
    """
    batch = list(key.shape[:-1])
    while batch and batch[-1] == 1:
        batch.pop()
    leading = sizes[: len(batch)]
    fits = len(leading) == len(batch) and all(n in (1, size) for n, size in zip(batch, leading, strict=True))
    if not fits:
        raise UsageError(
            f"keys of the batch shape {tuple(key.shape[:-1])} draw the leading dimensions of a shape; got "
            f"{sizes}"
        )
    return key.reshape(*batch, 2).expand(*leading, 2)
