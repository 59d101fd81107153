"""S and D of docs/reference/portable.md in Triton.

    lane[j] = the term's step over the elements j, j + 16, ... of a chunk of 256, from -0 (or 1)
    sum     = the lanes joined in halves; then the same of the chunks' sums, in launches that follow

A program makes a chunk of several results.  What is summed has rank four: A and B are summed, in this
order, O and I are kept.

Legend: r result, e element of a result's sum; so, si, sa, sb how far O, I, A and B lie apart.
"""

from __future__ import annotations

from functools import reduce
from operator import mul
from typing import Any

import torch
import triton.language as tl
from torch import Tensor

import triton
from samebits._runtime.triton_launch import launch
from samebits.arithmetic._triton import choices
from samebits.arithmetic._triton.numbers import divided, given, given_to, minus_zero, root
from samebits.arithmetic.terms import Term

MAGNITUDES = tl.constexpr(int(Term.MAGNITUDES))
SQUARES = tl.constexpr(int(Term.SQUARES))
PRODUCTS = tl.constexpr(int(Term.PRODUCTS))
DEVIATIONS = tl.constexpr(int(Term.DEVIATIONS))
COVARIANCE = tl.constexpr(int(Term.COVARIANCE))
PRODUCT = tl.constexpr(int(Term.PRODUCT))
STANDARD = tl.constexpr(int(Term.STANDARD))
MAXIMUM = tl.constexpr(int(Term.MAXIMUM))
MINIMUM = tl.constexpr(int(Term.MINIMUM))

CHUNK = tl.constexpr(256)
LANES = tl.constexpr(16)
#: Results of a program.
RESULTS = 32


@triton.jit
def _halves(lanes, RESULTS: tl.constexpr, HALF: tl.constexpr, TERM: tl.constexpr):
    """(RESULTS, 2 HALF) joined to (RESULTS, HALF)."""
    first, second = tl.split(tl.permute(tl.reshape(lanes, (RESULTS, 2, HALF)), (0, 2, 1)))
    if TERM == PRODUCT:
        joined = first * second
    elif TERM == MAXIMUM:
        joined = choices.maximum(first, second)
    elif TERM == MINIMUM:
        joined = choices.minimum(first, second)
    else:
        joined = first + second
    return joined


@triton.jit
def _joined(lanes, RESULTS: tl.constexpr, TERM: tl.constexpr):
    eight = _halves(lanes, RESULTS, 8, TERM)
    four = _halves(eight, RESULTS, 4, TERM)
    two = _halves(four, RESULTS, 2, TERM)
    return tl.reshape(_halves(two, RESULTS, 1, TERM), (RESULTS,))


@triton.jit(do_not_specialize=["divisor"])
def _chunks(
    x, y, m, rstd, out, divisor, results, n, chunks, inner, run, so, si, sa, sb,
    TERM: tl.constexpr, WHOLE: tl.constexpr, DIVIDED: tl.constexpr, ROOT: tl.constexpr,
    DOUBLE: tl.constexpr, RESULTS: tl.constexpr,
):  # fmt: skip
    work = tl.float64 if DOUBLE else tl.float32
    program = tl.program_id(0).to(tl.int64)
    r = program // chunks * RESULTS + tl.arange(0, RESULTS)
    chunk = program % chunks
    known = r < results
    from_here = (r // inner * so + r % inner * si)[:, None]
    if TERM == PRODUCT:
        lanes = tl.full((RESULTS, LANES), 1.0, work)
    elif TERM == MAXIMUM:
        lanes = tl.full((RESULTS, LANES), float("-inf"), work)
    elif TERM == MINIMUM:
        lanes = tl.full((RESULTS, LANES), float("inf"), work)
    else:
        lanes = tl.broadcast_to(minus_zero(work), (RESULTS, LANES))
    mean = lanes
    if (TERM == DEVIATIONS) or (TERM == COVARIANCE):  # noqa: SIM109  # constants of the compiler
        mean = tl.broadcast_to(tl.load(m + r, mask=known, other=0.0)[:, None], (RESULTS, LANES))
    e = chunk * CHUNK + tl.arange(0, LANES)
    for _ in range(CHUNK // LANES):
        there = known[:, None] & (e < n)[None, :]
        at = from_here + (e // run * sa + e % run * sb)[None, :]
        value = tl.load(x + at, mask=there, other=0.0)
        if TERM == MAGNITUDES:
            more = lanes + tl.abs(value)
        elif TERM == SQUARES:
            more = tl.fma(value, value, lanes)
        elif TERM == PRODUCTS:
            more = tl.fma(value, tl.load(y + at, mask=there, other=0.0), lanes)
        elif TERM == DEVIATIONS:
            more = tl.fma(value - mean, value - mean, lanes)
        elif TERM == COVARIANCE:
            more = tl.fma(tl.load(y + at, mask=there, other=0.0), value - mean, lanes)
        elif TERM == STANDARD:
            standard = (value - tl.load(m + e, mask=e < n, other=0.0)[None, :]) * tl.load(
                rstd + e, mask=e < n, other=0.0
            )[None, :]
            more = tl.fma(tl.load(y + at, mask=there, other=0.0), standard, lanes)
        elif TERM == PRODUCT:
            more = lanes * value
        elif TERM == MAXIMUM:
            more = choices.maximum(lanes, value)
        elif TERM == MINIMUM:
            more = choices.minimum(lanes, value)
        else:
            more = lanes + value
        lanes = tl.where(there, more, lanes)
        e += LANES
    sums = _joined(lanes, RESULTS, TERM)
    if WHOLE:
        if DIVIDED:
            sums = divided(sums, tl.full((RESULTS,), 1.0, work) * given(divisor, work))
        if ROOT:
            sums = root(sums)
    tl.store(out + r * chunks + chunk, sums, mask=known)


_JOINED_BY_THEMSELVES = (Term.PRODUCT, Term.MAXIMUM, Term.MINIMUM)

#: O, so, I, si, A, sa, B, sb: sizes and strides.
Layout = tuple[int, int, int, int, int, int, int, int]


def reduced(
    term: int,
    x: Tensor,
    layout: Layout,
    out: Tensor,
    *,
    y: Tensor | None = None,
    m: Tensor | None = None,
    rstd: Tensor | None = None,
    divisor: float = 1.0,
    root: bool = False,
) -> Tensor:
    """`out`, filled with the sums of a term.

    Args:
        term: one of `Term`.
        x: float32 or float64.
        layout: of what is summed, in elements from the first of `x`; nothing in it is of size 0.
        out: O * I numbers of the type of `x`, contiguous.
        y: of the term; of the strides of `x`.
        m: of the term: one for each result; of STANDARD one for each element of a sum, so `rstd`.
        divisor: of the sums.
        root: whether the square root is taken then.
    """
    o, so, i, si, a, sa, b, sb = layout
    results, n = o * i, a * b
    while True:
        chunks = triton.cdiv(n, CHUNK.value)
        whole = chunks == 1
        target = out if whole else out.new_empty(results * chunks)
        block = min(RESULTS, triton.next_power_of_2(results))
        launch(
            _chunks, (triton.cdiv(results, block) * chunks,),
            x, y, m, rstd, target, given_to(divisor, x.dtype), results, n, chunks, i, b, so, si, sa, sb,
            TERM=int(term), WHOLE=whole, DIVIDED=divisor != 1, ROOT=root,
            DOUBLE=x.dtype is torch.float64, RESULTS=block, num_warps=1,
        )  # fmt: skip
        if whole:
            return out
        # The chunks' sums, contiguous.
        x, y, m, rstd = target, None, None, None
        term = term if term in _JOINED_BY_THEMSELVES else Term.SUM
        n, i, b, so, si, sa, sb = chunks, 1, chunks, chunks, 0, 0, 1


def total(
    term: int,
    x: Tensor,
    how: Any,
    *,
    keepdim: bool = False,
    y: Tensor | None = None,
    m: Tensor | None = None,
    divisor: float = 1.0,
    root: bool = False,
) -> Tensor:
    """As `samebits.arithmetic.sums.total`, whose plan `how` is."""
    out = x.new_empty(how.kept if keepdim else how.shape)
    if how.order is not None:
        x = x.permute(how.order).contiguous()
        y = None if y is None else y.permute(how.order).contiguous()
    _, o, so, i, si, a, sa, b, sb = how.layout
    return reduced(term, x, (o, so, i, si, a, sa, b, sb), out, y=y, m=m, divisor=divisor, root=root)


def along(term: int, x: Tensor, dim: int, *, y: Tensor | None = None) -> Tensor:
    """The sums of a contiguous tensor along a dimension, which stays, of size 1."""
    shape = list(x.shape)
    n, i = shape[dim], reduce(mul, shape[dim + 1 :], 1)
    shape[dim] = 1
    o = x.numel() // (n * i)
    return reduced(term, x, (o, n * i, i, 1, 1, 0, n, i), x.new_empty(shape), y=y)
