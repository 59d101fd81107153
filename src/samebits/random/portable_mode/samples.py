"""torch's draws that take tensors of parameters, or give an order or a choice, from keyed numbers.

Each function has its operation's signature behind `native`, torch's own kernel, which is asked for its
error where torch refuses the arguments (see `fills`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor

from samebits.errors import UsageTypeError
from samebits.random.core import DTYPES
from samebits.random.distributions import binomial as binomials
from samebits.random.distributions import categorical, gamma, permutation
from samebits.random.distributions import poisson as poissons
from samebits.random.fill import fill
from samebits.random.one_word import Distribution
from samebits.random.portable_mode import drawing
from samebits.random.portable_mode.drawing import key_of
from samebits.random.portable_mode.fills import WHOLE, Native, bernoulli_tensor_, real_parts


def normal(
    native: Native,
    mean: Tensor | float,
    std: Tensor | float = 1.0,
    *,
    generator: torch.Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Standard normal numbers times `std` and plus `mean`, each rounded; those of half types in float32."""
    tensors = [one for one in (mean, std) if isinstance(one, Tensor)]
    dtype = tensors[0].dtype
    shape: Any = torch.broadcast_shapes(*(one.shape for one in tensors))  # type: ignore[no-untyped-call]
    given = {"generator": generator} if out is None else {"generator": generator, "out": out}
    real = dtype.to_real() if dtype.is_complex else dtype
    if (
        real not in WHOLE
        or any(one.is_complex() for one in (std,) if isinstance(one, Tensor))
        or not _widths(std)
        or (out is not None and out.dtype != dtype)
    ):
        native(mean, std, **{**given, "generator": torch.Generator(device=tensors[0].device)})
        raise UsageTypeError(f"torch.normal: no numbers are defined for {dtype}.")
    if out is None:
        out = torch.empty(shape, dtype=dtype, device=tensors[0].device)
    elif out.shape != shape:
        out.resize_(shape)
    computed = _computed(out.dtype)
    z = torch.empty(shape, dtype=computed, device=out.device)
    fill(
        real_parts(z),
        Distribution.NORMAL,
        key_of(generator, out),
        drawing.normal(0.0, _HALF if z.is_complex() else 1.0),
    )
    z.mul_(std.to(z.dtype) if isinstance(std, Tensor) else std)
    z.add_(mean.to(z.dtype) if isinstance(mean, Tensor) else mean)
    return out.copy_(z)


#: The standard deviation of a complex number's parts.
_HALF: Final = 1 / math.sqrt(2)


def _widths(std: Tensor | float) -> bool:
    if isinstance(std, Tensor):
        return std.device.type != "cpu" or bool((std >= 0).all())
    return std >= 0


def _computed(dtype: torch.dtype) -> torch.dtype:
    """In what a number of this dtype is computed."""
    if dtype.is_complex:
        return torch.complex64 if dtype is torch.complex32 else dtype
    return torch.float64 if dtype is torch.float64 else torch.float32


def bernoulli_out(
    native: Native, self: Tensor, *, generator: torch.Generator | None = None, out: Tensor
) -> Tensor:
    if out.shape != self.shape:
        out.resize_(self.shape)
    return bernoulli_tensor_(
        lambda _, p, **given: native(p, out=out, **given), out, self, generator=generator
    )


def randperm_out(native: Native, n: int, *, generator: torch.Generator | None = None, out: Tensor) -> Tensor:
    if out.dtype not in DTYPES or n < 0 or out.dtype is torch.bool or n > _most(out.dtype):
        native(n, generator=torch.Generator(device=out.device), out=out)
    out.resize_((n,))
    return out.copy_(permutation.permutation(key_of(generator, out), n, device=out.device))


def _most(dtype: torch.dtype) -> int:
    return WHOLE[dtype] if dtype in WHOLE else torch.iinfo(dtype).max


def multinomial(
    native: Native,
    self: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: torch.Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    try:
        with drawing.attempt(generator, self) as key:
            chosen = categorical.multinomial(key, self, num_samples, replacement)
    except (TypeError, ValueError):
        given = {} if out is None else {"out": out}
        native(self, num_samples, replacement, generator=torch.Generator(device=self.device), **given)
        # Without replacement torch takes classes of weight 0 where no others are left.
        with drawing.attempt(generator, self) as key:
            chosen = categorical.all_in_turn(key, self, num_samples)
    return chosen if out is None else out.resize_(chosen.shape).copy_(chosen)


def _sampled(draw: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A draw whose parameters are tensors; the generator is an argument like them."""

    def sampled(native: Native, *given: Any, generator: torch.Generator | None = None) -> Tensor:
        tensors = [one.detach() for one in given if isinstance(one, Tensor)]
        if len(given) > len(tensors):
            generator = given[-1]
        try:
            if not tensors[0].is_floating_point():
                raise UsageTypeError(f"parameters must have a floating point dtype, not {tensors[0].dtype}")
            with torch.no_grad(), drawing.attempt(generator, tensors[0]) as key:
                return draw(key, *tensors, dtype=tensors[0].dtype)
        except (TypeError, ValueError):
            native(*tensors, generator=torch.Generator(device=tensors[0].device))
            raise

    return sampled


poisson = _sampled(poissons.poisson)
binomial = _sampled(binomials.binomial)
standard_gamma = _sampled(gamma.gamma)
dirichlet = _sampled(gamma.dirichlet)
