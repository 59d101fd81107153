"""`beta`, `dirichlet`, `gamma`: by rejection (Marsaglia and Tsang), and ratios of such numbers;
float64, then rounded.

A gamma number is kept as mantissa * exp(exponent): for a concentration below 1 the
exponent is a logarithm over the concentration, and can be far below what a float64
holds.  Beta and Dirichlet numbers are ratios, taken before anything underflows.
`native/distributions.c` gives the same bits.

Differentiable with respect to their parameters, by torch's own formulas (implicit
reparameterization), so a loss trains through them.

Source: G. Marsaglia and W. Tsang, "A simple method for generating gamma variables",
ACM TOMS 26 (2000), with their step to concentrations below 1: gamma(a + 1) * u**(1/a).
Its test, log u < z**2 / 2 + d - d v + d log v with v = (1 + t)**3, is here the same
function without its cancellation, 3 d (log(1 + t) - t + t**2 / 2 - t**3 / 3).
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from samebits.errors import UsageError, UsageTypeError
from samebits.random import exactmath, parametric, rejection
from samebits.random.arguments import FLOATING
from samebits.random.keys import KeyLike
from samebits.random.output import Device
from samebits.random.parametric import LEAST, MOST, Parameter, Parametric, Range, Region, Request
from samebits.random.philox import Words
from samebits.random.quantile import normal64

__all__ = ["beta", "dirichlet", "gamma"]

#: The subsequence of the uniform number that takes a concentration below 1; no attempt reaches it.
_BOOST: Final = 1 << 32


_CONCENTRATION, _RATE, _A, _B = (
    Range(name, LEAST, MOST, "positive, from 2**-1000 to 2**1000")
    for name in ("concentration", "rate", "a", "b")
)


_TINY: Final = torch.finfo(torch.float64).tiny


def _attempt(words: Words, d: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    z, u = normal64(words[0], words[1]), rejection.unit(words[2], words[3])
    t = c * z
    base = t + 1.0
    square = z * z
    quick = u < 1.0 - 0.0331 * (square * square)
    fits = quick | (exactmath.log(u) < (3.0 * d) * exactmath.log1p_rest(t))
    return d * ((base * base) * base), fits & (base > 0.0)


def _parts(cells: Tensor, concentration: Tensor) -> tuple[Tensor, Tensor]:
    """Gamma numbers of rate 1, as mantissa and exponent: mantissa * exp(exponent).

    Args:
        cells: uint64 of shape (n, 2), see `rejection.cells`.
        concentration: float64 of shape (n,), positive.
    """
    below = concentration < 1.0
    d = torch.where(below, concentration + 1.0, concentration) - 1.0 / 3
    c = exactmath.sqrt(9.0 * d).reciprocal()
    mantissa = rejection.accepted(cells, _attempt, d, c)
    exponent = torch.zeros_like(mantissa)
    place = below.nonzero().flatten()
    if place.numel():
        u = rejection.fine(rejection.words(cells[place], _BOOST))
        exponent[place] = exactmath.log(u) / concentration[place]
    return mantissa, exponent


def _gamma_numbers(cells: Tensor, concentration: Tensor) -> Tensor:
    """Gamma numbers of rate 1; those too small for a float64 are 0."""
    mantissa, exponent = _parts(cells, concentration)
    return torch.where(concentration < 1.0, mantissa * exactmath.exp(exponent), mantissa)


def _beta_numbers(cells: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Beta numbers: x / (x + y) of two gamma numbers.

    Args:
        cells: uint64 of shape (n, 2): of x; y has the next counter.
        a, b: float64 of shape (n,), positive.
    """
    one, below = _parts(cells, a)
    following = cells.view(torch.int64) + torch.tensor([0, 1], device=cells.device)
    other, under = _parts(following.view(torch.uint64), b)
    most = torch.maximum(below, under)
    one, other = one * exactmath.exp(below - most), other * exactmath.exp(under - most)
    return one / (one + other)


def _dirichlet_numbers(cells: Tensor, concentration: Tensor) -> Tensor:
    """Rows of a Dirichlet distribution: gamma numbers over their sum.

    Args:
        cells: uint64 of shape (rows, classes, 2).
        concentration: float64 of shape (rows, classes), positive.
    """
    parts = _parts(cells.flatten(0, 1), concentration.flatten())
    mantissa, exponent = (part.view(concentration.shape) for part in parts)
    numbers = mantissa * exactmath.exp(exponent - exponent.amax(-1, keepdim=True))
    return numbers / _sum(numbers)


def _sum(x: Tensor) -> Tensor:
    """Over the last dimension, half added to half: torch's own order depends on the device."""
    while (n := x.shape[-1]) > 1:
        half = (n + 1) // 2
        x = torch.cat((x[..., : n - half] + x[..., half:], x[..., n - half : half]), -1)
    return x


_GAMMA: Final = Parametric("gamma", _gamma_numbers, code=0)
_BETA: Final = Parametric("beta", _beta_numbers, code=1, counters=2)
_DIRICHLET: Final = Parametric("dirichlet", _dirichlet_numbers, code=7, rows=True)


def _gamma(asked: Request) -> Tensor:
    return parametric.numbers(_GAMMA, asked).clamp_min(_TINY)


def _beta(asked: Request) -> Tensor:
    return parametric.numbers(_BETA, asked).clamp(*_inside(torch.float64))


def _dirichlet(asked: Request) -> Tensor:
    return parametric.numbers(_DIRICHLET, asked).clamp(*_inside(torch.float64))


def _is_trained(parameters: tuple[Tensor, ...]) -> bool:
    return torch.is_grad_enabled() and any(p.requires_grad for p in parameters)


class _Gamma(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, asked: Request, concentration: Tensor) -> Tensor:
        values = _gamma(asked)
        ctx.save_for_backward(concentration, values)
        return values

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        concentration, values = ctx.saved_tensors
        slope = torch._standard_gamma_grad(concentration.expand_as(values), values)
        return None, (gradient * slope).sum_to_size(concentration.shape)


class _Beta(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, asked: Request, a: Tensor, b: Tensor) -> Tensor:
        values = _beta(asked)
        ctx.save_for_backward(a, b, values)
        return values

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, Tensor]:
        a, b, values = ctx.saved_tensors
        total = (a + b).expand_as(values)
        # Of the first of two classes: more of a raises it, more of b lowers it.
        slope = torch._dirichlet_grad(values, a.expand_as(values).contiguous(), total.contiguous())
        other = torch._dirichlet_grad(1.0 - values, b.expand_as(values).contiguous(), total.contiguous())
        by_a, by_b = gradient * slope * (1.0 - values), -gradient * other * values
        return None, by_a.sum_to_size(a.shape), by_b.sum_to_size(b.shape)


class _Dirichlet(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, asked: Request, concentration: Tensor) -> Tensor:
        values = _dirichlet(asked)
        ctx.save_for_backward(concentration, values)
        return values

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        concentration, values = ctx.saved_tensors
        wide = concentration.expand_as(values).contiguous()
        total = wide.sum(-1, keepdim=True).expand_as(values).contiguous()
        slope = torch._dirichlet_grad(values, wide, total)
        change = slope * (gradient - (values * gradient).sum(-1, keepdim=True))
        return None, change.sum_to_size(concentration.shape)


def _inside(dtype: torch.dtype) -> tuple[float, float]:
    """The numbers next to 0 and 1, between which a density is finite."""
    limits = torch.finfo(dtype)
    return limits.tiny, 1.0 - limits.eps / 2


def gamma(
    key: KeyLike,
    concentration: Parameter,
    *shape: Any,
    rate: Parameter = 1.0,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Region = None,
) -> Tensor:
    """Gamma numbers, by Marsaglia and Tsang's method; differentiable.

    Args:
        key: a `Key`, or uint64 of shape (2,) or (*batch, 2).
        concentration: 2**-1000 to 2**1000; a number, or a tensor that broadcasts to the shape.
        shape: of the whole; that of `out`, or of the parameters, where none is given.
        rate: as `concentration`; the mean is concentration / rate.
        dtype: that of the parameters or of `out` by default, float32 for numbers; float16, bfloat16, float32,
            float64.
        device: where the numbers are; that of `out`, the parameters, `key` by default.
        out: filled and returned; of any layout.
        shard: (start, shape) of the part of the whole that is drawn.

    Returns:
        A tensor of `shape`, or of the shard's.  Numbers too small for the dtype are its smallest normal
        one, as in torch, so that their logarithm is finite.

    Raises:
        TypeError: a key, dtype, shape or parameter of the wrong kind.
        ValueError: negative sizes, parameters that are NaN, not positive, or too large.
    """
    given = [(_CONCENTRATION, concentration), (_RATE, rate)]
    asked = parametric.request("gamma", key, given, shape, dtype, device, out, shard, FLOATING)
    standard = _only(asked, 1)
    if _is_trained(standard.parameters):
        values: Tensor = _Gamma.apply(standard, *standard.parameters)  # type: ignore[no-untyped-call]
    else:
        values = _gamma(standard)
    values = values / asked.parameters[1].expand_as(values)
    return parametric.finished(values, asked, least=torch.finfo(asked.dtype).tiny)


def beta(
    key: KeyLike,
    a: Parameter,
    b: Parameter,
    *shape: Any,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Region = None,
) -> Tensor:
    """Beta numbers: x / (x + y) of gamma numbers of concentrations a and b; differentiable.

    The ratio is taken before either underflows: beta(key, 1e-9, 1e-9) is fair.

    Args:
        key: a `Key`, or uint64 of shape (2,) or (*batch, 2).
        a, b: 2**-1000 to 2**1000; numbers, or tensors that broadcast to the shape.
        shape, dtype, device, out, shard: as of `gamma`.

    Returns:
        A tensor of `shape`, or of the shard's; greater than 0 and less than 1, as in torch: those nearer
        to an end than the dtype has numbers are the last before it.

    Raises:
        TypeError: a key, dtype, shape or parameter of the wrong kind.
        ValueError: negative sizes, parameters that are NaN, not positive, or too large.
    """
    asked = parametric.request("beta", key, [(_A, a), (_B, b)], shape, dtype, device, out, shard, FLOATING)
    if _is_trained(asked.parameters):
        values: Tensor = _Beta.apply(asked, *asked.parameters)  # type: ignore[no-untyped-call]
    else:
        values = _beta(asked)
    return parametric.finished(values, asked, *_inside(asked.dtype))


def dirichlet(
    key: KeyLike,
    concentration: Tensor,
    *shape: Any,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Region = None,
) -> Tensor:
    """Rows of positive numbers whose sum is 1; differentiable.

    Args:
        key: a `Key`, or uint64 of shape (2,) or (*batch, 2).
        concentration: 2**-1000 to 2**1000, of shape (..., classes).
        shape: of the rows, without their classes; that of `out`, or of the parameters, where none is given.
            An element of a shard is a row.
        dtype, device, out, shard: as of `gamma`.

    Returns:
        A tensor of shape (*shape, classes); greater than 0 and less than 1, as `beta`'s.

    Raises:
        TypeError: a key, dtype, shape or parameter of the wrong kind.
        ValueError: negative sizes, no classes, parameters that are NaN, not positive, or too large.
    """
    if not isinstance(concentration, Tensor):
        raise UsageTypeError(f"concentration must be a tensor of shape (..., classes), not {concentration!r}")
    if concentration.dim() == 0 or concentration.shape[-1] == 0:
        raise UsageError(
            f"concentration must have the shape (..., classes), not {tuple(concentration.shape)}"
        )
    given = [(_CONCENTRATION, concentration)]
    asked = parametric.request(
        *("dirichlet", key, given, shape, dtype, device, out, shard, FLOATING),
        classes=(concentration.shape[-1],),
    )
    if _is_trained(asked.parameters):
        values: Tensor = _Dirichlet.apply(asked, *asked.parameters)  # type: ignore[no-untyped-call]
    else:
        values = _dirichlet(asked)
    return parametric.finished(values, asked, *_inside(asked.dtype))


def _only(asked: Request, parameters: int) -> Request:
    """The request of a distribution that takes the first parameters alone."""
    return Request(
        *(asked.key, asked.parameters[:parameters], asked.shape, asked.part),
        *(asked.dtype, asked.device, asked.out),
    )
