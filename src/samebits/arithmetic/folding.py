"""Windows that are laid over each other: `F.fold`, and the derivatives of `F.unfold` and `Tensor.unfold`.

What comes to one place is added from 0, in the order of the numbers of a window.  Half types are added in
float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, Final

from torch import Tensor

from samebits.arithmetic.rows import Defined
from samebits.arithmetic.sums import COMPUTED

#: A tensor, or NotImplemented.
Result = Any


def col2im(
    self: Tensor,
    output_size: Sequence[int],
    kernel_size: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    stride: Sequence[int],
) -> Result:
    """The images (N, C, H, W) that windows (N, C * kernel height * kernel width, positions) are of.

    Args:
        self: with N or without.
        output_size: H and W; as the others of two numbers.
    """
    given = (output_size, kernel_size, dilation, padding, stride)
    if self.dtype not in COMPUTED or self.dim() not in (2, 3) or self.numel() == 0:
        return NotImplemented
    if any(len(one) != 2 for one in given) or min(*output_size, *padding) < 0:
        return NotImplemented
    if min(*kernel_size, *dilation, *stride) < 1:
        return NotImplemented
    each = list(zip(*given, strict=True))
    counts = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, d, p, s in each]
    taps = kernel_size[0] * kernel_size[1]
    columns = self if self.dim() == 3 else self[None]
    if min(counts) < 1 or columns.shape[1] % taps or columns.shape[2] != counts[0] * counts[1]:
        return NotImplemented
    channels = columns.shape[1] // taps
    columns = columns.to(COMPUTED[self.dtype]).reshape(-1, channels, *kernel_size, *counts)
    padded = columns.new_zeros(len(columns), channels, *(n + 2 * p for n, _, _, p, _ in each))
    for tap in product(*(range(k) for k in kernel_size)):
        at = [
            slice(i * d, i * d + s * (count - 1) + 1, s)
            for i, count, (_, _, d, _, s) in zip(tap, counts, each, strict=True)
        ]
        padded[:, :, at[0], at[1]] += columns[:, :, tap[0], tap[1]]
    (h, _, _, top, _), (w, _, _, left, _) = each
    images = padded[:, :, top : top + h, left : left + w].to(self.dtype).contiguous()
    return images if self.dim() == 3 else images[0]


def unfold_backward(grad_in: Tensor, input_sizes: Sequence[int], dim: int, size: int, step: int) -> Result:
    """The gradient of what `unfold(dim, size, step)` has cut, from that of the windows (..., size)."""
    if grad_in.dtype not in COMPUTED or grad_in.numel() == 0 or not input_sizes:
        return NotImplemented
    dim = dim % len(input_sizes)
    grad = grad_in.to(COMPUTED[grad_in.dtype])
    out = grad.new_zeros(list(input_sizes))
    windows = grad.shape[dim]
    for k in range(size):
        length = step * (windows - 1) + 1
        out.narrow(dim, k, length)[(slice(None),) * dim + (slice(None, None, step),)] += grad[..., k]
    return out.to(grad_in.dtype)


_CHAIN: Final = "0 + each window's number, in the order of these"

ROWS: Final = (
    Defined("aten::col2im", col2im, _CHAIN, ("aten::col2im.out",)),
    Defined("aten::unfold_backward", unfold_backward, _CHAIN),
)
