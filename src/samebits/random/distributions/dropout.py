"""`dropout`: keeps where `bernoulli` of 1 - p is one, and multiplies by 1 / (1 - p).

The mask is never kept, and is the same on every device and in every dtype.
"""

from __future__ import annotations

import torch
from torch import Tensor

from samebits.errors import UsageTypeError
from samebits.random import custom_ops, keys
from samebits.random.arguments import FLOATING, probability
from samebits.random.keys import KeyLike
from samebits.random.output import expand_keys

__all__ = ["dropout"]


def dropout(key: KeyLike, x: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """`x` with each element dropped with the probability `p`, the others scaled by 1 / (1 - p).

    An element is kept where `bernoulli(key, x.shape, p=1 - p)` has a one.  The gradient draws the mask again.

    Args:
        key: a `Key`, or uint64 of shape (2,), or (*batch, 2) for the leading dimensions.
        x: floating point, of any shape and layout.
        p: 0 to 1.
        training: returns `x` as it is where false.

    Returns:
        Of `x`'s shape, dtype and device.  A dropped element is x * 0, so NaN stays NaN.

    Raises:
        TypeError: `key` is no key, `x` has no floating point dtype.
        ValueError: p is not a probability.
    """
    key = keys.check(key)
    if not isinstance(x, Tensor) or x.dtype not in FLOATING:
        got = str(x.dtype) if isinstance(x, Tensor) else f"a {type(x).__name__}"
        raise UsageTypeError(f"dropout needs a tensor of float16, bfloat16, float32 or float64, not {got}")
    p = probability("p", p)
    if not training or p == 0:
        return x
    key = expand_keys(key, tuple(x.shape))
    if custom_ops.is_transformed():
        # torch.func.grad takes no operation with a gradient of its own; the same product, as it can see it.
        scale: Tensor = torch.ops.samebits.dropout(torch.ones_like(x), key, p)
        return x * scale
    made: Tensor = torch.ops.samebits.dropout(x, key, p)
    return made
