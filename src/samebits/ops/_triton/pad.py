"""Three dimensions folded at once: every input gathers its copies.

    y[o, d, h, w, n] = Σ_c Σ_b Σ_a x[o, index1[d, a], index2[h, b], index3[w, c], n]

over a < count1[d], b < count2[h], c < count3[w], each sum from its first term on and
rounded after each addition: the bits are those of one dimension after the other, the
first first.  Nearly everywhere there is one term; a block of programs makes as many
steps as its element with the most copies has.

Shapes: x (O, D', H', W', N), y (O, D, H, W, N), index (D, A), (H, B), (W, C); o < O, n < N.
Each program makes BLOCK consecutive elements of y.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import triton.language as tl
from torch import Tensor

import triton
from samebits._runtime.triton_launch import launch

BLOCK = 1024


@triton.jit
def _fold(
    x, y, index1, count1, index2, count2, index3, count3, size, source1, source2, source3, rows1, rows2,
    rows3, inner,
    WIDTH1: tl.constexpr, WIDTH2: tl.constexpr, WIDTH3: tl.constexpr, DOUBLE: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    work = tl.float64 if DOUBLE else tl.float32
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = at < size
    n = at % inner
    row3 = at // inner % rows3
    row2 = at // inner // rows3 % rows2
    row1 = at // inner // rows3 // rows2 % rows1
    outer = at // inner // rows3 // rows2 // rows1
    taps1 = tl.load(count1 + row1, mask=there, other=0)
    taps2 = tl.load(count2 + row2, mask=there, other=0)
    taps3 = tl.load(count3 + row3, mask=there, other=0)
    most1, most2, most3 = tl.max(taps1, 0), tl.max(taps2, 0), tl.max(taps3, 0)
    total3 = tl.zeros([BLOCK], dtype=work)
    c = 0
    while c < most3:
        used3 = there & (c < taps3)
        place3 = tl.load(index3 + row3 * WIDTH3 + c, mask=used3, other=0)
        total2 = tl.zeros([BLOCK], dtype=work)
        b = 0
        while b < most2:
            used2 = used3 & (b < taps2)
            place2 = tl.load(index2 + row2 * WIDTH2 + b, mask=used2, other=0)
            total1 = tl.zeros([BLOCK], dtype=work)
            a = 0
            while a < most1:
                used1 = used2 & (a < taps1)
                place1 = tl.load(index1 + row1 * WIDTH1 + a, mask=used1, other=0)
                place = ((outer * source1 + place1) * source2 + place2) * source3 + place3
                value = tl.load(x + place * inner + n, mask=used1, other=0.0).to(work)
                total1 = tl.where(used1, tl.where(a == 0, value, total1 + value), total1)
                a += 1
            total2 = tl.where(used2, tl.where(b == 0, total1, total2 + total1), total2)
            b += 1
        total3 = tl.where(used3, tl.where(c == 0, total2, total3 + total2), total3)
        c += 1
    tl.store(y + at, total3.to(y.dtype.element_ty), mask=there)


def fold(x: Tensor, y: Tensor, tables: Sequence[tuple[Tensor, Tensor]]) -> None:
    """Fill `y` (O, D, H, W, N) from `x` (O, D', H', W', N), both contiguous and not empty.

    `tables` are the index and the count of each dimension, int64.
    """
    arguments = [part for table in tables for part in table]
    launch(
        _fold,
        (triton.cdiv(y.numel(), BLOCK),),
        x,
        y,
        *arguments,
        y.numel(),
        *x.shape[1:4],
        *y.shape[1:],
        *(index.shape[1] for index, _ in tables),
        DOUBLE=x.dtype == torch.float64,
        BLOCK=BLOCK,
    )
