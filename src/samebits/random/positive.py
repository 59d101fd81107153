"""Numbers of a key that are positive: gamma, beta, Dirichlet.

Computed in float64 and rounded once.  Differentiable with respect to their parameters,
by torch's own formulas (implicit reparameterization), so a loss trains through them.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from samebits.errors import UsageError, UsageTypeError
from samebits.random import parametric
from samebits.random.arguments import FLOATING
from samebits.random.parametric import LEAST, MOST, Distribution, Parameter, Range, Request
from samebits.random.placed import Device

_CONCENTRATION, _RATE, _A, _B = (
    Range(name, LEAST, MOST, "positive, from 2**-1000 to 2**1000")
    for name in ("concentration", "rate", "a", "b")
)
_TINY: Final = torch.finfo(torch.float64).tiny

Part = tuple[tuple[int, ...], tuple[int, ...]] | None


def _gamma(asked: Request) -> Tensor:
    return parametric.numbers(Distribution.GAMMA, asked).clamp_min(_TINY)


def _beta(asked: Request) -> Tensor:
    return parametric.numbers(Distribution.BETA, asked).clamp(*_inside(torch.float64))


def _dirichlet(asked: Request) -> Tensor:
    return parametric.numbers(Distribution.DIRICHLET, asked).clamp(*_inside(torch.float64))


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
    key: Tensor,
    concentration: Parameter,
    *shape: Any,
    rate: Parameter = 1.0,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Part = None,
) -> Tensor:
    """Gamma numbers, by Marsaglia and Tsang's method; differentiable.

    Args:
        key: uint64 of shape (2,) or (*batch, 2).
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
    key: Tensor,
    a: Parameter,
    b: Parameter,
    *shape: Any,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Part = None,
) -> Tensor:
    """Beta numbers: x / (x + y) of gamma numbers of concentrations a and b; differentiable.

    The ratio is taken before either underflows: beta(key, 1e-9, 1e-9) is fair.

    Args:
        key: uint64 of shape (2,) or (*batch, 2).
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
    key: Tensor,
    concentration: Tensor,
    *shape: Any,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
    shard: Part = None,
) -> Tensor:
    """Rows of positive numbers whose sum is 1; differentiable.

    Args:
        key: uint64 of shape (2,) or (*batch, 2).
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
