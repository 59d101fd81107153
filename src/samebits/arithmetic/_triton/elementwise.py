"""The operations of native/elementwise.h in Triton, by the same names; and a few that `norms` needs.

    out[i] = the operation of a[i], b[i], c[i] and the parameters p0, p1, p2

Below float32 it is computed in float32, and rounded once.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import triton.language as tl
from torch import Tensor

import triton
from samebits._runtime.triton_launch import launch
from samebits.arithmetic._triton import angles, choices, functions, inverse, wide
from samebits.arithmetic._triton.numbers import divided, given, given_to, negative, root
from samebits.arithmetic.reference import coefficients

BLOCK = 1024


@triton.jit
def function(NAME: tl.constexpr, x, p0):
    """Of one number."""
    if NAME == "sqrt":
        y = root(x)
    elif NAME == "rsqrt":
        y = divided(tl.full(x.shape, 1.0, x.dtype), root(x))
    elif NAME == "reciprocal":
        y = divided(tl.full(x.shape, 1.0, x.dtype), x)
    elif NAME == "square":
        y = x * x
    elif NAME == "cube":
        y = x * x * x
    elif NAME == "inverse_square":
        y = divided(tl.full(x.shape, 1.0, x.dtype), x * x)
    elif (
        NAME == "sinh" or NAME == "cosh" or NAME == "asinh" or NAME == "acosh"
        or NAME == "atanh" or NAME == "atan" or NAME == "asin" or NAME == "acos"
    ):  # fmt: skip
        y = inverse.of_one(NAME, x.to(tl.float64)).to(x.dtype)
    elif NAME == "erfinv":
        y = inverse.erfinv(x)
    elif NAME == "erfc":
        y = wide.erfc(x.to(tl.float64)).to(x.dtype)
    elif x.dtype == tl.float64:
        if NAME == "exp":
            y = wide.exp(x)
        elif NAME == "exp2":
            y = wide.exp2(x)
        elif NAME == "expm1":
            y = wide.expm1(x)
        elif NAME == "log":
            y = wide.log(x)
        elif NAME == "log1p":
            y = wide.log1p(x)
        elif NAME == "log2":
            y = wide.log2(x)
        elif NAME == "log10":
            y = wide.log10(x)
        elif NAME == "tanh":
            y = wide.tanh(x)
        elif NAME == "sigmoid":
            y = wide.sigmoid(x)
        elif NAME == "erf":
            y = wide.erf(x)
        elif NAME == "gelu":
            y = wide.gelu(x)
        elif NAME == "gelu_tanh":
            y = wide.gelu_tanh(x)
        elif NAME == "silu":
            y = wide.silu(x)
        elif NAME == "mish":
            y = wide.mish(x)
        elif NAME == "logsigmoid":
            y = wide.logsigmoid(x)
        elif NAME == "logit":
            y = wide.logit(x, p0)
    elif NAME == "exp":
        y = functions.exp(x)
    elif NAME == "exp2":
        y = functions.exp2(x)
    elif NAME == "expm1":
        y = functions.expm1(x)
    elif NAME == "log":
        y = functions.log(x)
    elif NAME == "log1p":
        y = functions.log1p(x)
    elif NAME == "log2":
        y = functions.log2(x)
    elif NAME == "log10":
        y = functions.log10(x)
    elif NAME == "tanh":
        y = functions.tanh(x)
    elif NAME == "sigmoid":
        y = functions.sigmoid(x)
    elif NAME == "erf":
        y = functions.erf(x)
    elif NAME == "gelu":
        y = functions.gelu(x)
    elif NAME == "gelu_tanh":
        y = functions.gelu_tanh(x)
    elif NAME == "silu":
        y = functions.silu(x)
    elif NAME == "mish":
        y = functions.mish(x)
    elif NAME == "logsigmoid":
        y = functions.logsigmoid(x)
    elif NAME == "logit":
        y = functions.logit(x, p0)
    return y


@triton.jit
def slope(NAME: tl.constexpr, x):
    """The derivative of an activation."""
    if x.dtype == tl.float64:
        if NAME == "gelu_backward":
            y = wide.gelu_slope(x)
        elif NAME == "gelu_tanh_backward":
            y = wide.gelu_tanh_slope(x)
        elif NAME == "silu_backward":
            y = wide.silu_slope(x)
        else:
            y = wide.mish_slope(x)
    elif NAME == "gelu_backward":
        y = functions.gelu_slope(x)
    elif NAME == "gelu_tanh_backward":
        y = functions.gelu_tanh_slope(x)
    elif NAME == "silu_backward":
        y = functions.silu_slope(x)
    else:
        y = functions.mish_slope(x)
    return y


@triton.jit
def power(x, y):
    if x.dtype == tl.float64:
        z = angles.pow64(x, y)
    else:
        z = angles.pow32(x, y)
    return z


@triton.jit
def of_several(NAME: tl.constexpr, a, b, c, p0, p1, p2):
    """Of more than one number, or with parameters."""
    if (
        NAME == "maximum" or NAME == "minimum" or NAME == "fmax" or NAME == "fmin"
        or NAME == "relu" or NAME == "clamp_min" or NAME == "clamp_max" or NAME == "clamp_numbers"
        or NAME == "clamp" or NAME == "softshrink" or NAME == "hardsigmoid" or NAME == "hardswish"
        or NAME == "hardsigmoid_backward" or NAME == "div_floor" or NAME == "div_trunc"
    ):  # fmt: skip
        y = choices.chosen(NAME, a, b, c, p0, p1)
    elif NAME == "pow":
        y = power(a, b)
    elif NAME == "pow_scalar":
        y = power(a, p0)
    elif NAME == "scalar_pow":
        y = power(p0, a)
    elif NAME == "xlogy":
        if a.dtype == tl.float64:
            y = wide.xlogy(a, b)
        else:
            y = functions.xlogy(a, b)
    elif NAME == "softplus":
        if a.dtype == tl.float64:
            y = wide.softplus(a, p0, p1)
        else:
            y = functions.softplus(a, p0, p1)
    elif NAME == "softplus_backward":
        y = tl.where(b * p0 > p1, a, a * function("sigmoid", b * p0, p0))
    elif NAME == "logsigmoid_backward":
        y = a * function("sigmoid", negative(b), p0)
    elif NAME == "tanh_backward":
        y = a * tl.fma(negative(b), b, tl.full(b.shape, 1.0, b.dtype))
    elif NAME == "sigmoid_backward":
        y = (a * (1.0 - b)) * b
    elif NAME == "elu":
        y = tl.where(a <= 0, function("expm1", a * p2, p0) * p0, a * p1)
    elif NAME == "elu_backward":
        y = tl.where(b <= 0, (a * (p2 * p0)) * function("exp", b * p2, p0), a * p1)
    elif NAME == "elu_backward_of_result":
        y = tl.where(b <= 0, (a * p2) * (b + p0), a * p1)
    elif NAME == "glu":
        y = a * function("sigmoid", b, p0)
    elif NAME == "glu_backward":
        y = ((a * b) * function("sigmoid", c, p0)) * function("sigmoid", negative(c), p0)
    elif NAME == "hardswish_backward":
        middle = a * (divided(b, tl.full(b.shape, 3.0, b.dtype)) + 0.5)
        y = tl.where(b < -3, 0.0, tl.where(b <= 3, middle, a))
    elif NAME == "logit_backward":
        least = tl.where(p0 < 0.0, 0.0, p0)
        outside = (b < least) | (b > 1.0 - least)
        value = divided(a, b * (1.0 - b))
        y = tl.where(outside, tl.where(p0 < 0.0, float("nan"), 0.0), value)
    elif NAME == "atan2":
        y = inverse.atan2(a.to(tl.float64), b.to(tl.float64)).to(a.dtype)
    elif NAME == "hypot":
        y = inverse.hypot(a, b)
    elif NAME == "logaddexp":
        y = inverse.logaddexp(a, b)
    elif NAME == "add":
        y = tl.fma(p0, b, a)
    elif NAME == "addcmul":
        y = tl.fma(p0 * b, c, a)
    elif NAME == "addcdiv":
        y = a + divided(p0 * b, c)
    elif NAME == "lerp_scalar":
        y = between(a, b, p0)
    elif NAME == "lerp":
        y = between(a, b, c)
    elif NAME == "over":
        y = divided(a, p0)
    elif NAME == "rstd":
        y = divided(tl.full(a.shape, 1.0, a.dtype), root(a + p0))
    elif NAME == "running":
        y = tl.fma(p0, b, p1 * a)
    elif NAME == "slope":
        y = divided((a * b) * b, p0)
    else:
        y = a * slope(NAME, b)
    return y


@triton.jit
def between(a, b, w):
    if a.dtype == tl.float64:
        y = wide.lerp(a, b, w)
    else:
        y = functions.lerp(a, b, w)
    return y


@triton.jit(do_not_specialize=["p0", "p1", "p2"])
def _elementwise(
    out, a, b, c, table, p0, p1, p2, n,
    NAME: tl.constexpr, SEVERAL: tl.constexpr, DOUBLE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    work = tl.float64 if DOUBLE else tl.float32
    i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = i < n
    x = tl.load(a + i, mask=inside, other=1.0).to(work)
    y, z = x, x
    if b is not None:
        y = tl.load(b + i, mask=inside, other=1.0).to(work)
    if c is not None:
        z = tl.load(c + i, mask=inside, other=1.0).to(work)
    one = tl.full((BLOCK,), 1.0, work)
    q0, q1, q2 = one * given(p0, work), one * given(p1, work), one * given(p2, work)
    if table is not None:
        made = angles.trigonometric(x, table, NAME)
    elif SEVERAL:
        made = of_several(NAME, x, y, z, q0, q1, q2)
    else:
        made = function(NAME, x, q0)
    tl.store(out + i, made.to(out.dtype.element_ty), mask=inside)


_ANGLES = ("sin", "cos", "tan", "sinc")
#: Of one number, but with parameters that make them others.
_PARAMETERS = (
    *("pow_scalar", "scalar_pow", "softplus", "elu", "over", "rstd"),
    *("relu", "clamp_min", "clamp_max", "clamp_numbers", "softshrink", "hardsigmoid", "hardswish"),
)


@lru_cache(8)
def _two_over_pi(device: torch.device) -> Tensor:
    whole = coefficients.TWO_OVER_PI
    words = [0, *(whole >> shift & (1 << 64) - 1 for shift in range(64 * 18, -1, -64))]
    words = [word - (word >> 63 << 64) for word in words]
    return torch.tensor(words, dtype=torch.int64, device=device)


def run(name: str, out: Tensor, inputs: tuple[Tensor, ...], p: tuple[float, ...] = ()) -> None:
    """Fill `out`.

    Args:
        name: of the operation; not fmod or remainder, which are exact on every device.
        out: of a floating type; its elements fill one run of memory.
        inputs: 1 to 3, of `out`'s type, shape and strides; `out` may be one of them.
        p: up to 3 parameters.
    """
    if out.numel() == 0:
        return
    a, b, c = (*inputs, None, None)[:3]
    parameters = (given_to(value, out.dtype) for value in (*p, 0.0, 0.0, 0.0)[:3])
    table = _two_over_pi(out.device) if name in _ANGLES else None
    launch(
        _elementwise, (triton.cdiv(out.numel(), BLOCK),),
        out, a, b, c, table, *parameters, out.numel(),
        NAME=name, SEVERAL=b is not None or name in _PARAMETERS,
        DOUBLE=out.dtype is torch.float64, BLOCK=BLOCK,
    )  # fmt: skip
