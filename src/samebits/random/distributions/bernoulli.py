"""`bernoulli`: one where the word is less than p 2³², rounded to an integer."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from samebits.errors import UsageError, UsageTypeError
from samebits.random import custom_ops, keys
from samebits.random.arguments import FLOATING, LIMITS, dtype_of, probability, shape_of
from samebits.random.distributions.integers import bits
from samebits.random.keys import KeyLike
from samebits.random.one_word import TRIAL_BITS, Distribution, Parameters, threshold
from samebits.random.output import Device, Shard, draw_numbers

__all__ = ["bernoulli"]

_TRIALS: Final = (torch.bool, *LIMITS, *FLOATING)


def bernoulli(
    key: KeyLike,
    *shape: Any,
    p: float | Tensor = 0.5,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Shard = None,
) -> Tensor:
    """Ones with a probability, else zeros; the same ones in every dtype.

    Args:
        key: a `Key`, or uint64 of shape (2,) or (*batch, 2).
        shape: of the whole; that of `out`, or of `p`, where none is given.
        p: 0 to 1, or a tensor of such that broadcasts to the shape.  Rounded to a multiple of 2**-32, so 1 is
            always one and 0 never.
        dtype: bool by default, or that of `out`; any integer or floating dtype.
        device, out, shard: as of `uniform`; a shard needs one p for all.

    Returns:
        A tensor of `shape`, or of the shard's.

    Raises:
        TypeError: a key, dtype, shape or p of the wrong kind.
        ValueError: negative sizes, a p that is NaN or not from 0 to 1 (looking at a tensor on CUDA waits for
            it; a compiler's or vmap's is not looked at).
    """
    dtype = dtype_of(dtype, out, _TRIALS, torch.bool, "bernoulli")
    if isinstance(p, Tensor):
        return _trials(keys.check(key), shape, p, dtype, device, out, shard)
    return draw_numbers(
        Distribution.BERNOULLI,
        key,
        shape,
        dtype,
        device,
        out,
        shard,
        Parameters(low=threshold(probability("p", p))),
    )


def _trials(
    key: Tensor,
    shape: tuple[Any, ...],
    p: Tensor,
    dtype: torch.dtype,
    device: Device,
    out: Tensor | None,
    shard: Shard,
) -> Tensor:
    if shard is not None:
        raise UsageError(
            "a shard needs one p for all; draw the words with bits(..., shard=) and compare them"
        )
    if not p.is_floating_point():
        raise UsageTypeError(f"p must have a floating point dtype, not {p.dtype}")
    if not custom_ops.is_traced() and not bool(((p >= 0) & (p <= 1)).all()):
        raise UsageError("every p must be a probability, from 0 to 1, and some are not")
    sizes = shape_of(shape) if shape else tuple(out.shape if out is not None else p.shape)
    if out is not None and tuple(out.shape) != sizes:
        raise UsageError(f"out has the shape {tuple(out.shape)}, but {sizes} was asked for")
    if p.dim() > len(sizes) or any(n not in (1, m) for n, m in zip(p.shape[::-1], sizes[::-1], strict=False)):
        raise UsageError(f"p of the shape {tuple(p.shape)} does not broadcast to {sizes}")
    where = out.device if out is not None else device if device is not None else key.device
    word = bits(key, sizes, dtype=torch.int32, device=where)
    below = (p.to(word.device, torch.float64) * (1 << TRIAL_BITS)).round().to(torch.int64)
    ones = ((word.to(torch.int64) & (1 << TRIAL_BITS) - 1) < below).to(dtype)
    return ones if out is None else out.copy_(ones)
