"""Where the median of each row stands first.

    key(x) = the bits of x, so changed that keys are ordered as their numbers are;
             both zeros have one key, and all NaN the largest
    y[r]   = min { m : key(x[r, m]) = the k-th smallest of key(x[r, :]) }

    k = (M - 1) // 2, or what NaN there are; where NaN is left out, M counts the rest.

The k-th smallest is found bit by bit from the highest: of the keys that agree so far,
those with a zero are counted, and k is among them or among the others.  Only integers
are compared and counted, so no order can be seen in the result.

Legend: r row, m element, M elements a row.  Each program has TOGETHER rows, each in registers.
"""

from __future__ import annotations

import torch
import triton.language as tl
from torch import Tensor

import triton
from samebits._runtime.triton_launch import launch

#: Elements of the longest row.
LONGEST = 8192
#: Elements a program has, where rows are shorter.
BLOCK = 2048


@triton.jit
def _place(
    x, y, rows, length,
    FLOAT: tl.constexpr, DOUBLE: tl.constexpr, LEAVE: tl.constexpr, TOGETHER: tl.constexpr,
    WIDTH: tl.constexpr,
):  # fmt: skip
    BITS: tl.constexpr = 64 if DOUBLE else 32
    integer = tl.int64 if DOUBLE else tl.int32
    row = tl.program_id(0).to(tl.int64) * TOGETHER + tl.arange(0, TOGETHER)
    at = tl.arange(0, WIDTH)
    inside = (row < rows)[:, None] & (at < length)[None, :]
    value = tl.load(x + row[:, None] * length + at[None, :], mask=inside, other=0)
    one = tl.full([TOGETHER, 1], 1, integer)
    lowest = one << (BITS - 1)
    if FLOAT:
        value = value.to(tl.float64 if DOUBLE else tl.float32)
        bits = value.to(integer, bitcast=True)
        key = tl.where(bits < 0, bits ^ ~lowest, bits)
        key = tl.where(value == 0, 0, key)
        unknown = value != value
        key = tl.where(unknown, ~lowest, key)
        nans = tl.sum((unknown & inside).to(tl.int32), 1)
    else:
        key = value.to(integer)
        nans = tl.zeros([TOGETHER], dtype=tl.int32)
    known = length - nans
    if LEAVE:
        k = tl.maximum(known - 1, 0) // 2
    else:
        k = tl.where(nans > 0, length - 1, (length - 1) // 2)
    # From here on the lowest key has no bit set.
    key = key ^ lowest
    found = one - one
    for step in range(BITS):
        bit = one << (BITS - 1 - step)
        alike = ((key ^ found) & -bit) == 0
        count = tl.sum((alike & inside).to(tl.int32), 1)
        above = k >= count
        k = tl.where(above, k - count, k)
        found = tl.where(above[:, None], found | bit, found)
    places = tl.where((key == found) & inside, at[None, :], WIDTH)
    tl.store(y + row, tl.min(places, 1).to(tl.int64), mask=row < rows)


def place(x: Tensor, leave_nan: bool) -> Tensor:
    """The first index of each row's lower median.

    Args:
        x: (R, M), contiguous, of any real type; at least one element, and at most `LONGEST` a row.
        leave_nan: whether NaN is left out, where there is anything else.

    Returns:
        int64, (R,).
    """
    rows, length = x.shape
    y = torch.empty(rows, dtype=torch.int64, device=x.device)
    width = triton.next_power_of_2(length)
    together = max(BLOCK // width, 1)
    launch(
        _place,
        (triton.cdiv(rows, together),),
        x,
        y,
        rows,
        length,
        FLOAT=x.is_floating_point(),
        DOUBLE=x.element_size() == 8,
        LEAVE=leave_nan,
        TOGETHER=together,
        WIDTH=width,
        num_warps=8 if width > BLOCK else 4,
    )
    return y
