"""Softmax and its logarithm, and their derivatives, in Triton, along a dimension of (O, N, I).

    softmax      e / S(e),  e = exp(x - max(x))        backward   y * (g - D(g, y))
    log_softmax  (x - m) - log(S(exp(x - m)))          backward   fma(-exp(y), S(g), g)

The sums are those of `sums`, between two launches.
"""

from __future__ import annotations

from math import prod

import torch
import triton.language as tl
from torch import Tensor

import triton
from samebits._runtime.triton_launch import launch
from samebits.arithmetic._triton import elementwise
from samebits.arithmetic._triton.elementwise import function
from samebits.arithmetic._triton.numbers import divided, negative
from samebits.arithmetic._triton.sums import along
from samebits.arithmetic.terms import Term

BLOCK = 1024

EXPONENTIAL = tl.constexpr(0)
QUOTIENT = tl.constexpr(1)
LOGARITHM = tl.constexpr(2)
SLOPE = tl.constexpr(3)
LOG_SLOPE = tl.constexpr(4)


@triton.jit
def _with_rows(
    out, x, other, row, second, count, n, i,
    STEP: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """A step of each element and of what belongs to its row: `row`, `second` of shape (O, 1, I)."""
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < count
    # Where they suffice, 32 bits: a division of 64-bit numbers is a subroutine.
    element = at if WIDE else at.to(tl.int32)
    place = element // i // n * i + element % i
    value = tl.load(x + at, mask=inside, other=0.0)
    of_row = tl.load(row + place, mask=inside, other=1.0)
    if STEP == EXPONENTIAL:
        made = function("exp", value - of_row, value)
    elif STEP == QUOTIENT:
        made = divided(value, of_row)
    elif STEP == LOGARITHM:
        made = (value - of_row) - tl.load(second + place, mask=inside, other=0.0)
    elif STEP == SLOPE:
        made = value * (tl.load(other + at, mask=inside, other=0.0) - of_row)
    else:
        gradient = tl.load(other + at, mask=inside, other=0.0)
        made = tl.fma(negative(function("exp", value, value)), of_row, gradient)
    tl.store(out + at, made, mask=inside)


def _step(
    step: tl.constexpr,
    x: Tensor,
    dim: int,
    row: Tensor,
    other: Tensor | None = None,
    second: Tensor | None = None,
) -> Tensor:
    out = torch.empty_like(x)
    launch(
        _with_rows, (triton.cdiv(x.numel(), BLOCK),),
        out, x, other, row, second, x.numel(), x.shape[dim], prod(x.shape[dim + 1 :]),
        STEP=step.value, WIDE=x.numel() >= 2**31 - BLOCK, BLOCK=BLOCK,
    )  # fmt: skip
    return out


def softmax(x: Tensor, dim: int) -> Tensor:
    """Of a contiguous float32 or float64 tensor, not empty; as the other functions here."""
    e = _step(EXPONENTIAL, x, dim, x.amax(dim, keepdim=True))
    return _step(QUOTIENT, e, dim, along(Term.SUM, e, dim))


def log_softmax(x: Tensor, dim: int) -> Tensor:
    most = x.amax(dim, keepdim=True)
    sums = along(Term.SUM, _step(EXPONENTIAL, x, dim, most), dim)
    elementwise.run("log", sums, (sums,))
    return _step(LOGARITHM, x, dim, most, second=sums)


def softmax_backward(grad: Tensor, y: Tensor, dim: int) -> Tensor:
    return _step(SLOPE, y, dim, along(Term.PRODUCTS, grad, dim, y=y), grad)


def log_softmax_backward(grad: Tensor, y: Tensor, dim: int) -> Tensor:
    return _step(LOG_SLOPE, y, dim, along(Term.SUM, grad, dim), grad)


def of_kind(kind: int, x: Tensor, grad: Tensor | None, dim: int) -> Tensor:
    """As native/softmax.h counts the kinds: softmax, its logarithm, their backwards.

    Args:
        kind: 0 .. 3.
        x: contiguous, float32 or float64, not empty; backward, the result.
        grad: backward, the gradient of the result, like `x`.
        dim: of `x`, 0 for a single number.
    """
    shape = x.shape
    if not shape:
        x, grad = x.view(1), None if grad is None else grad.view(1)
    if grad is None:
        made = (softmax, log_softmax)[kind](x, dim)
    else:
        made = (softmax_backward, log_softmax_backward)[kind - 2](grad, x, dim)
    return made.view(shape)
