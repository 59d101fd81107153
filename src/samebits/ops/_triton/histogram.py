"""How many elements lie in each part of a range.

    bin(x)    = min(trunc((x - low) * B / width), B - 1)      low <= x <= high, each step rounded
    counts[b] = how many m have bin(x[m]) = b

The counts are integers, whose atomic additions have no order.  Few bins are counted
in a program first and added once; many are added one by one.

Legend: m element, M elements, b bin, B bins.  Each program takes ROUNDS blocks of BLOCK elements.
"""

from __future__ import annotations

import torch
import triton.language as tl
from torch import Tensor

import triton
from samebits._runtime.triton_launch import launch

BLOCK = 1024
ROUNDS = 8
#: Bins that a program counts for itself, a power of two.
OWN = 1024


@triton.jit
def _histc(
    x, counts, ends, count, stride, bins,
    OWN: tl.constexpr, DOUBLE: tl.constexpr, ROUNDS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    low, high, width = tl.load(ends), tl.load(ends + 1), tl.load(ends + 2)
    number = tl.load(ends + 3)
    at = tl.program_id(0).to(tl.int64) * (BLOCK * ROUNDS) + tl.arange(0, BLOCK)
    if OWN > 0:
        own = tl.zeros([OWN], dtype=tl.int32)
    for _ in range(ROUNDS):
        value = tl.load(x + at * stride, mask=at < count, other=float("nan"))
        inside = (value >= low) & (value <= high)
        value = (tl.where(inside, value, low) - low) * number
        spread = tl.zeros([BLOCK], dtype=value.dtype) + width
        value = value / spread if DOUBLE else tl.div_rn(value, spread)
        place = tl.minimum(value.to(tl.int64), bins - 1)
        if OWN > 0:
            own += tl.histogram(tl.where(inside, place, bins).to(tl.int32), OWN)
        else:
            tl.atomic_add(counts + place, tl.full([BLOCK], 1, tl.int64), mask=inside, sem="relaxed")
        at += BLOCK
    if OWN > 0:
        bin = tl.arange(0, OWN)
        tl.atomic_add(counts + bin, own.to(tl.int64), mask=(bin < bins) & (own > 0), sem="relaxed")


def histc(x: Tensor, bins: int, low: float, high: float, width: float) -> Tensor:
    """The counts.

    Args:
        x: (M,), float32 or float64, not empty.
        bins: how many.
        low: the range's lower end, a number of x's type, as are the next two.
        high: its upper end.
        width: their distance.

    Returns:
        int64, (bins,).
    """
    counts = torch.zeros(bins, dtype=torch.int64, device=x.device)
    # A number that is given to a kernel is a float32 there.
    ends = torch.tensor([low, high, width, bins], dtype=x.dtype).to(x.device, non_blocking=True)
    own = triton.next_power_of_2(bins + 1)
    launch(
        _histc,
        (triton.cdiv(x.numel(), BLOCK * ROUNDS),),
        x,
        counts,
        ends,
        x.numel(),
        x.stride(0),
        bins,
        OWN=own if own <= OWN else 0,
        DOUBLE=x.dtype == torch.float64,
        ROUNDS=ROUNDS,
        BLOCK=BLOCK,
    )
    return counts
