"""Normalizations of (O, C, L) in Triton, forward and backward: layer, group and batch.

    forward    fma((x - m) * r, weight, bias)          m = S(x) / n,  r = 1 / sqrt(D(x - m, x - m) / n + eps)
    layer      r * fma(-h, D(v, h) / n, v - S(v) / n)  h = (x - m) * r,  v = g * weight
    others     fma(-(x - m), slope, g * weight - shift) * factor

An element's row, group or channel is number `at // apart % many` of the statistics; so its weight.  All are
contiguous, of one type, float32 or float64; the sums are those of `sums`.
"""

from __future__ import annotations

from typing import Any

import torch
import triton.language as tl
from torch import Tensor

import triton
from samebits._runtime.triton_launch import launch
from samebits.arithmetic._triton import elementwise
from samebits.arithmetic._triton.numbers import negative
from samebits.arithmetic._triton.sums import Layout, reduced
from samebits.arithmetic.terms import Term

BLOCK = 1024

AFFINE = tl.constexpr(0)
STANDARD = tl.constexpr(1)
WEIGHTED = tl.constexpr(2)
LAYER_SLOPE = tl.constexpr(3)
SLOPE = tl.constexpr(4)
SCALED = tl.constexpr(5)


@triton.jit
def _of(values, at, apart, many, inside, otherwise: tl.constexpr):
    return tl.load(values + at // apart % many, mask=inside, other=otherwise)


@triton.jit
def _normalized(
    out, x, g, mean, rstd, slope, shift, weight, bias, count, apart, many, weights_apart, weights,
    STEP: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < count
    # Where they suffice, 32 bits: a division of 64-bit numbers is a subroutine.
    n = at if WIDE else at.to(tl.int32)
    value = tl.load(x + at, mask=inside, other=0.0)
    if STEP == AFFINE:
        made = (value - _of(mean, n, apart, many, inside, 0.0)) * _of(rstd, n, apart, many, inside, 1.0)
        if weight is not None:
            if bias is not None:
                added = _of(bias, n, weights_apart, weights, inside, 0.0)
                made = tl.fma(made, _of(weight, n, weights_apart, weights, inside, 1.0), added)
            else:
                made = made * _of(weight, n, weights_apart, weights, inside, 1.0)
        elif bias is not None:
            made = made + _of(bias, n, weights_apart, weights, inside, 0.0)
    elif STEP == STANDARD:
        made = (value - _of(mean, n, apart, many, inside, 0.0)) * _of(rstd, n, apart, many, inside, 1.0)
    elif STEP == WEIGHTED:
        made = value * _of(weight, n, weights_apart, weights, inside, 1.0)
    elif STEP == LAYER_SLOPE:
        gradient = tl.load(g + at, mask=inside, other=0.0) - _of(shift, n, apart, many, inside, 0.0)
        made = tl.fma(negative(value), _of(slope, n, apart, many, inside, 0.0), gradient)
        made = _of(rstd, n, apart, many, inside, 1.0) * made
    elif STEP == SLOPE:
        gradient = tl.load(g + at, mask=inside, other=0.0)
        if weight is not None:
            gradient = gradient * _of(weight, n, weights_apart, weights, inside, 1.0)
        gradient = gradient - _of(shift, n, apart, many, inside, 0.0)
        distance = value - _of(mean, n, apart, many, inside, 0.0)
        made = tl.fma(negative(distance), _of(slope, n, apart, many, inside, 0.0), gradient)
        made = made * _of(rstd, n, apart, many, inside, 1.0)
    else:
        made = value * _of(rstd, n, apart, many, inside, 1.0)
    tl.store(out + at, made, mask=inside)


def _step(
    step: tl.constexpr, x: Tensor, at: tuple[int, int], of_weights: tuple[int, int] = (1, 1), *,
    g: Tensor | None = None, mean: Tensor | None = None, rstd: Tensor | None = None,
    slope: Tensor | None = None,
    shift: Tensor | None = None, weight: Tensor | None = None, bias: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """A step of each element; `at`: how far elements of different statistics are apart, and of how many."""
    out = torch.empty_like(x)
    launch(
        _normalized, (triton.cdiv(x.numel(), BLOCK),),
        out, x, g, mean, rstd, slope, shift, weight, bias, x.numel(), *at, *of_weights,
        STEP=step.value, WIDE=x.numel() >= 2**31 - BLOCK, BLOCK=BLOCK,
    )  # fmt: skip
    return out


def _computed(name: str, inputs: tuple[Tensor, ...], *p: float) -> Tensor:
    out = torch.empty_like(inputs[0])
    elementwise.run(name, out, inputs, p)
    return out


def _sums(term: Term, x: Tensor, layout: Layout, divisor: float = 1.0, **others: Any) -> Tensor:
    return reduced(term, x, layout, x.new_empty(layout[0] * layout[2]), divisor=divisor, **others)


def _rows(rows: int, n: int) -> Layout:
    return rows, n, 1, 0, 1, 0, n, 1


def _columns(rows: int, n: int) -> Layout:
    return 1, 0, n, 1, 1, 0, rows, n


def _channels(o: int, c: int, length: int) -> Layout:
    return 1, 0, c, length, o, c * length, length, 1


def _moments(x: Tensor, layout: Layout, n: int, eps: float) -> tuple[Tensor, Tensor]:
    mean = _sums(Term.SUM, x, layout, n)
    return mean, _computed("rstd", (_sums(Term.DEVIATIONS, x, layout, n, m=mean),), eps)


def layer_norm(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float, rows: int, n: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The result, mean (rows,) and rstd (rows,) of rows of n."""
    mean, rstd = _moments(x, _rows(rows, n), n, eps)
    return _step(AFFINE, x, (n, rows), (1, n), mean=mean, rstd=rstd, weight=weight, bias=bias), mean, rstd


def layer_norm_backward(
    grad: Tensor, x: Tensor, mean: Tensor, rstd: Tensor, weight: Tensor | None, rows: int, n: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of x, weight (n,) and bias (n,)."""
    h = _step(STANDARD, x, (n, rows), mean=mean, rstd=rstd)
    v = grad if weight is None else _step(WEIGHTED, grad, (1, 1), (1, n), weight=weight)
    shift, slope = _sums(Term.SUM, v, _rows(rows, n), n), _sums(Term.PRODUCTS, v, _rows(rows, n), n, y=h)
    dx = _step(LAYER_SLOPE, h, (n, rows), g=v, rstd=rstd, slope=slope, shift=shift)
    down = _columns(rows, n)
    return dx, _sums(Term.PRODUCTS, grad, down, y=h), _sums(Term.SUM, grad, down)


def group_norm(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
    o: int,
    c: int,
    length: int,
    groups: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """The result, mean and rstd (o * groups,)."""
    rows, n = o * groups, c // groups * length
    mean, rstd = _moments(x, _rows(rows, n), n, eps)
    return (
        _step(AFFINE, x, (n, rows), (length, c), mean=mean, rstd=rstd, weight=weight, bias=bias),
        mean,
        rstd,
    )


def group_norm_backward(
    grad: Tensor,
    x: Tensor,
    mean: Tensor,
    rstd: Tensor,
    weight: Tensor | None,
    o: int,
    c: int,
    length: int,
    groups: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of x, weight (c,) and bias (c,)."""
    rows, each = o * groups, c // groups
    per_channel = _rows(o * c, length)
    sums = _sums(Term.SUM, grad, per_channel)
    products = _sums(Term.COVARIANCE, x, per_channel, y=grad, m=mean.view(-1).repeat_interleave(each))
    n = each * length
    if weight is None:
        shift, b = (_sums(Term.SUM, one, _rows(rows, each)) for one in (sums, products))
    else:
        weights = weight.repeat(o)
        shift, b = (_sums(Term.PRODUCTS, one, _rows(rows, each), y=weights) for one in (sums, products))
    shift, slope = _computed("over", (shift,), n), _computed("slope", (b, rstd.view(-1)), n)
    dx = _step(
        SLOPE,
        x,
        (each * length, rows),
        (length, c),
        g=grad,
        mean=mean,
        rstd=rstd,
        slope=slope,
        shift=shift,
        weight=weight,
    )
    down = _columns(o, c)
    dw = _sums(Term.PRODUCTS, products, down, y=rstd.view(-1).repeat_interleave(each))
    return dx, dw, _sums(Term.SUM, sums, down)


def batch_norm(
    x: Tensor, weight: Tensor | None, bias: Tensor | None,
    running_mean: Tensor | None, running_var: Tensor | None,
    training: bool, momentum: float, eps: float, o: int, c: int, length: int,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """The result, mean and rstd (c,); with training the running statistics change, without they are used."""
    if training:
        n, layout = o * length, _channels(o, c, length)
        mean = _sums(Term.SUM, x, layout, n)
        squares = _sums(Term.DEVIATIONS, x, layout, m=mean)
        rstd = _computed("rstd", (_computed("over", (squares,), n),), eps)
        for running, new in ((running_mean, mean), (running_var, squares)):
            if running is not None:
                new = new if running is running_mean else _computed("over", (squares,), n - 1)
                elementwise.run("running", running, (running, new), (momentum, 1 - momentum))
    else:
        assert running_mean is not None
        assert running_var is not None
        mean, rstd = running_mean.clone(), _computed("rstd", (running_var,), eps)
    return (
        _step(AFFINE, x, (length, c), (length, c), mean=mean, rstd=rstd, weight=weight, bias=bias),
        mean,
        rstd,
    )


def batch_norm_backward(
    grad: Tensor, x: Tensor, mean: Tensor | None, rstd: Tensor | None, weight: Tensor | None,
    running_mean: Tensor | None, running_var: Tensor | None, training: bool, eps: float,
    o: int, c: int, length: int,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """The gradients of x, weight (c,) and bias (c,)."""
    if not training:
        assert running_mean is not None
        assert running_var is not None
        mean, rstd = running_mean, _computed("rstd", (running_var,), eps)
    assert mean is not None
    assert rstd is not None
    n, layout = o * length, _channels(o, c, length)
    sums, products = _sums(Term.SUM, grad, layout), _sums(Term.COVARIANCE, x, layout, y=grad, m=mean)
    factor = rstd if weight is None else rstd * weight
    if training:
        slope, shift = _computed("slope", (products, rstd), n), _computed("over", (sums,), n)
        dx = _step(SLOPE, x, (length, c), g=grad, mean=mean, rstd=factor, slope=slope, shift=shift)
    else:
        dx = _step(SCALED, grad, (length, c), rstd=factor)
    return dx, products * rstd, sums
