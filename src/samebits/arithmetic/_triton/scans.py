"""Running sums, products and log-sums in Triton, along N of (O, N, I), in float64 and rounded once.

    local[e] = step(local[e - 1], x[e])             within chunks of 256, from the first of each
    out[e]   = step(before[chunk - 1], local[e])    before: the scan of the chunks' last

Legend: row r, one of O * I; element e of a row.
"""

from __future__ import annotations

from math import prod

import torch
import triton.language as tl
from torch import Tensor

import triton
from samebits._runtime.triton_launch import launch
from samebits.arithmetic._triton import wide

SUM = tl.constexpr(0)
PRODUCT = tl.constexpr(1)

CHUNK = tl.constexpr(256)
#: Rows of a program; elements of one that joins.
ROWS = 32
BLOCK = 512


@triton.jit
def _step(a, b, KIND: tl.constexpr):
    if KIND == SUM:
        made = a + b
    elif KIND == PRODUCT:
        made = a * b
    else:
        most, least = tl.where(a > b, a, b), tl.where(a > b, b, a)
        made = most + wide.log1p(wide.exp(least - most))
        # Both infinite, and alike.
        made = tl.where((a == b) & (a - a != 0.0), a, made)
    return made


@triton.jit
def _within(x, local, last, rows, n, inner, chunks, KIND: tl.constexpr, ROWS: tl.constexpr):
    program = tl.program_id(0).to(tl.int64)
    chunk = program % chunks
    r = program // chunks * ROWS + tl.arange(0, ROWS)
    known = r < rows
    e = chunk * CHUNK
    end = tl.minimum(e + CHUNK, n)
    at = (r // inner * n + e) * inner + r % inner
    value = tl.load(x + at, mask=known, other=0.0).to(tl.float64)
    tl.store(local + at, value.to(local.dtype.element_ty), mask=known)
    e += 1
    while e < end:
        at += inner
        value = _step(value, tl.load(x + at, mask=known, other=0.0).to(tl.float64), KIND)
        tl.store(local + at, value.to(local.dtype.element_ty), mask=known)
        e += 1
    if last is not None:
        tl.store(last + r * chunks + chunk, value, mask=known)


@triton.jit
def _after(
    out, local, before, count, n, inner, chunks, KIND: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr
):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < count
    # Where they suffice, 32 bits: a division of 64-bit numbers is a subroutine.
    element = at if WIDE else at.to(tl.int32)
    chunk = element // inner % n // CHUNK
    row = element // inner // n * inner + element % inner
    later = inside & (chunk > 0)
    value = tl.load(local + at, mask=inside, other=0.0)
    earlier = tl.load(before + row.to(tl.int64) * chunks + chunk - 1, mask=later, other=0.0)
    made = tl.where(later, _step(earlier, value, KIND), value)
    tl.store(out + at, made.to(out.dtype.element_ty), mask=inside)


def scan(kind: int, x: Tensor, out: Tensor, dim: int) -> Tensor:
    """`out`, filled.

    Args:
        kind: 0 sums, 1 products, 2 log-sums, as native/scans.h counts them.
        x: contiguous, float32 or float64, not empty and of at least one dimension.
        out: like `x`.
        dim: the dimension along which it runs.
    """
    n, inner = x.shape[dim], prod(x.shape[dim + 1 :])
    rows, chunks = x.numel() // n, triton.cdiv(n, CHUNK.value)
    whole = chunks == 1
    local = out if whole else x.new_empty(x.shape, dtype=torch.float64)
    last = None if whole else x.new_empty((rows, chunks), dtype=torch.float64)
    block = min(ROWS, triton.next_power_of_2(rows))
    launch(
        _within, (triton.cdiv(rows, block) * chunks,),
        x, local, last, rows, n, inner, chunks, KIND=int(kind), ROWS=block, num_warps=1,
    )  # fmt: skip
    if last is not None:
        before = scan(kind, last, torch.empty_like(last), 1)
        launch(
            _after, (triton.cdiv(x.numel(), BLOCK),),
            out, local, before, x.numel(), n, inner, chunks,
            KIND=int(kind), WIDE=x.numel() >= 2**31 - BLOCK, BLOCK=BLOCK,
        )  # fmt: skip
    return out
