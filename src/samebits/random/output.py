"""Where numbers go: into a new tensor, a given one, a part of a whole, a process's part of a DTensor."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import increment_version as _written

from samebits.errors import UsageError
from samebits.random import core, custom_ops, keys, shards
from samebits.random.arguments import shape_of
from samebits.random.fill import fill
from samebits.random.keys import KeyLike
from samebits.random.one_word import Distribution, Parameters
from samebits.random.shards import Part
from samebits.seeding.derive import Key

Device = torch.device | str | int | None
#: (start, shape) of the part of the whole that is drawn, or a DTensor: this process's part of one like it.
Shard = tuple[tuple[int, ...], tuple[int, ...]] | Tensor | None


def drawn(
    distribution: Distribution,
    key: KeyLike,
    shape: tuple[Any, ...],
    dtype: torch.dtype,
    device: Device,
    out: Tensor | None,
    shard: Shard,
    parameters: Parameters,
) -> Tensor:
    """A distribution's numbers: what all functions of one word an element share.

    Raises:
        TypeError: a key or shape of the wrong kind.
        ValueError: sizes that are negative or do not fit `out`, the shard or the batch of keys.
    """
    if isinstance(key, Key):
        key = keys.of_key(key)
    if shard is None and device is None and custom_ops.is_direct(key) and key.is_cpu:
        loaded = (
            core.get()
        )  # a small draw is worth a short way: the checks below, and all of `fill`'s, are met
        if loaded is not None and key.dtype is torch.uint64 and key.dim() == 1 and key.numel() == 2:
            made = _new(key, shape_of(shape), dtype, loaded) if out is None else _plain(out, shape)
            if made is not None:
                loaded.fill(made, distribution, key.contiguous(), parameters)
                return made
    key = keys.checked(key)
    if out is None and shard is None:
        sizes = shape_of(shape)
        if key.dim() > 1:
            key = batch(key, sizes)
        where = None if device is None else torch.device(device)
        return custom_ops.draw(sizes, distribution, key, dtype, where, parameters)
    return _placed(distribution, key, shape, dtype, device, out, shard, parameters)


def _new(key: Tensor, sizes: tuple[int, ...], dtype: torch.dtype, loaded: core.Core) -> Tensor:
    made = key.new_empty(*sizes, dtype=dtype) if sizes else key.new_empty((), dtype=dtype)
    if made.nbytes >= core.LARGE:
        loaded.fresh(made)
    return made


def _plain(out: Tensor, shape: tuple[Any, ...]) -> Tensor | None:
    """`out`, if it is memory that the core can write and nobody differentiates."""
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
    _written(out)
    return out


def _placed(
    distribution: Distribution,
    key: Tensor,
    shape: tuple[Any, ...],
    dtype: torch.dtype,
    device: Device,
    out: Tensor | None,
    shard: Shard,
    parameters: Parameters,
) -> Tensor:
    """Into a tensor that is there, or a part of a whole."""
    template = out if shards.is_distributed(out) else shard if shards.is_distributed(shard) else None
    if template is not None:
        return _distributed(distribution, key, shape, dtype, template, out, parameters)
    if out is not None and device is not None and torch.device(device) != out.device:
        raise UsageError(f"out lies on {out.device}, but device={device} was asked for")
    sizes = shape_of(shape) if shape or out is None or shard is not None else tuple(out.shape)
    part: Part | None = None
    local = sizes
    if shard is not None:
        if key.dim() > 1:
            raise UsageError("a shard needs one key, not a batch of keys")
        start, local = shards.given(shard)
        part = shards.part(sizes, start, local)
    elif key.dim() > 1:
        key = batch(key, sizes)
    if out is None:
        where = None if device is None else torch.device(device)
        return custom_ops.draw(local, distribution, key, dtype, where, parameters, part)
    if tuple(out.shape) != local:
        raise UsageError(f"out has the shape {tuple(out.shape)}, but {local} was asked for")
    if custom_ops.is_direct(key, out):
        with torch.no_grad():
            _written(out)
            return fill(out, distribution, key, parameters, part)
    return out.copy_(custom_ops.draw(local, distribution, key, dtype, out.device, parameters, part))


def _distributed(
    distribution: Distribution,
    key: Tensor,
    shape: tuple[Any, ...],
    dtype: torch.dtype,
    template: Any,
    out: Any,
    parameters: Parameters,
) -> Tensor:
    """This process's part of a DTensor: of `out`, or of a new one that is placed as the template is."""
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


def batch(key: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """The keys of the leading dimensions: those of size 1 at the end are left out, others are repeated.

    Raises:
        ValueError: the keys do not fit the shape.
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
