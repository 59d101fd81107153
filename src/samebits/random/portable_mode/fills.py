"""torch's in-place draws, from keyed numbers: what `rand`, `randint`, `nn.init` and dropout come down to.

Each function has its operation's signature behind `native`, torch's own kernel.  Arguments that
torch refuses are handed to that, so that a program gets the error it would have got; with a
generator of its own, so that nothing is drawn from the program's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, NoReturn

import torch
from torch import Tensor

from samebits.errors import UsageError
from samebits.random.core import DTYPES
from samebits.random.distributions.cauchy import cauchy
from samebits.random.distributions.geometric import geometric
from samebits.random.distributions.log_normal import log_normal
from samebits.random.fill import fill
from samebits.random.one_word import UNIT, Distribution, Parameters
from samebits.random.portable_mode import drawing
from samebits.random.portable_mode.drawing import key_of

Native = Callable[..., Any]

#: The largest integer up to which a floating point dtype has all: what `random_()` draws up to.
WHOLE: Final = {
    torch.float16: 1 << 11,
    torch.bfloat16: 1 << 8,
    torch.float32: 1 << 24,
    torch.float64: 1 << 53,
}

_MOST: Final = {dtype: torch.finfo(dtype).max for dtype in WHOLE}

#: Below this range the numbers of 32 bits are equally likely to within 2**-4, as those of `randint`.
_FAIR: Final = 1 << 28


def refused(native: Native, tensor: Tensor, *args: Any, **kwargs: Any) -> NoReturn:
    """Raise torch's own error."""
    native(tensor, *args, generator=torch.Generator(device=tensor.device), **kwargs)
    raise UsageError(f"samebits.random.portable: no numbers are defined for {args} and {tensor.dtype}.")


def real_parts(tensor: Tensor) -> Tensor:
    """A complex tensor's parts, which are drawn one after the other, or the tensor."""
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def uniform_(
    native: Native,
    self: Tensor,
    low: float = 0.0,
    high: float = 1.0,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    parts = real_parts(self)
    if parts.dtype not in WHOLE or not 0 <= high - low <= _MOST[parts.dtype]:
        refused(native, self, low, high)
    fill(parts, Distribution.UNIFORM, key_of(generator, self), drawing.uniform(parts.dtype, low, high))
    return self


def normal_(
    native: Native,
    self: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    parts = real_parts(self)
    if parts.dtype not in WHOLE or not std >= 0:
        refused(native, self, mean, std)
    # The variance is that of the whole number: each part has half of it.
    width = std / math.sqrt(2) if self.is_complex() else std
    fill(parts, Distribution.NORMAL, key_of(generator, self), drawing.normal(mean, width))
    return self


def exponential_(
    native: Native, self: Tensor, lambd: float = 1.0, *, generator: torch.Generator | None = None
) -> Tensor:
    if self.dtype not in WHOLE or not lambd > 0:
        refused(native, self, lambd)
    fill(self, Distribution.EXPONENTIAL, key_of(generator, self), Parameters(a=lambd))
    return self


def random_(native: Native, self: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    if self.is_complex():
        refused(native, self)
    return _integers(self, 0, _most(self.dtype) + 1, generator)


def random_to(native: Native, self: Tensor, to: int, *, generator: torch.Generator | None = None) -> Tensor:
    return random_from(native, self, 0, to, generator=generator)


def random_from(
    native: Native, self: Tensor, low: int, to: int | None, *, generator: torch.Generator | None = None
) -> Tensor:
    least, most = _bounds(self.dtype)
    high = _most(self.dtype) + 1 if to is None else to
    if not least <= low < high <= most + 1:
        refused(native, self, low, to)
    return _integers(self, low, high, generator)


def _most(dtype: torch.dtype) -> int:
    """The largest number of `random_()`."""
    return WHOLE[dtype] if dtype in WHOLE else _bounds(dtype)[1]


def _bounds(dtype: torch.dtype) -> tuple[int, int]:
    """Between which integers a dtype's bounds may lie; none for a dtype that has no integers."""
    if dtype is torch.bool:
        return 0, 1
    if dtype.is_complex:
        return 1, 0
    if dtype.is_floating_point:
        return int(torch.finfo(dtype).min), int(torch.finfo(dtype).max)
    return torch.iinfo(dtype).min, torch.iinfo(dtype).max


def _integers(self: Tensor, low: int, high: int, generator: torch.Generator | None) -> Tensor:
    """Numbers from `low` to `high - 1`, as the randint of an integer dtype; converted where self has another.

    Those are words of 32 bits modulo the range, up to 32 bits' dtypes.  A range for which that would not be
    fair, which keyed functions refuse, takes words of 64.
    """
    key = key_of(generator, self)
    span = high - low
    small = self.dtype.itemsize < 8 and (span < _FAIR or (span & span - 1 == 0 and span <= 1 << 32))
    is_integer = self.dtype is not torch.bool and not self.is_floating_point()
    if is_integer and (small or self.dtype.itemsize == 8):
        whole = span == 1 << 8 * self.dtype.itemsize
        fill(self, Distribution.INTEGER, key, UNIT if whole else Parameters(low=low % (1 << 64), range=span))
        return self
    fits = small and low >= -(1 << 31) and high <= 1 << 31
    numbers = torch.empty(self.shape, dtype=torch.int32 if fits else torch.int64, device=self.device)
    fill(numbers, Distribution.INTEGER, key, Parameters(low=low % (1 << 64), range=span))
    self.copy_(numbers)
    return self


def bernoulli_(
    native: Native, self: Tensor, p: float = 0.5, *, generator: torch.Generator | None = None
) -> Tensor:
    if self.dtype not in DTYPES or not 0 <= p <= 1:
        refused(native, self, p)
    fill(self, Distribution.BERNOULLI, key_of(generator, self), drawing.trial(p))
    return self


def bernoulli_tensor_(
    native: Native, self: Tensor, p: Tensor, *, generator: torch.Generator | None = None
) -> Tensor:
    # Asking a GPU costs a wait, and torch does not either.
    valid = p.device.type != "cpu" or bool(((p >= 0) & (p <= 1)).all())
    if self.dtype not in DTYPES or not p.is_floating_point() or not valid:
        refused(native, self, p)
    drawing.trials(self, key_of(generator, self), p.to(self.device).expand_as(self))
    return self


def geometric_(native: Native, self: Tensor, p: float, *, generator: torch.Generator | None = None) -> Tensor:
    if self.is_complex() or self.dtype is torch.bool or not 0 < p < 1:
        refused(native, self, p)
    with drawing.attempt(generator, self) as key:
        geometric(key, p=p, out=self)
    return self


def cauchy_(
    native: Native,
    self: Tensor,
    median: float = 0.0,
    sigma: float = 1.0,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    if self.dtype not in WHOLE or not sigma > 0:
        refused(native, self, median, sigma)
    with drawing.attempt(generator, self) as key:
        cauchy(key, median=median, sigma=sigma, out=self)
    return self


def log_normal_(
    native: Native,
    self: Tensor,
    mean: float = 1.0,
    std: float = 2.0,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    if self.dtype not in WHOLE or not std > 0:
        refused(native, self, mean, std)
    with drawing.attempt(generator, self) as key:
        log_normal(key, mean=mean, std=std, out=self)
    return self
