"""`categorical`, `multinomial`: weights as integers of at most 39 bits, their cumulative sum, and a
word modulo the total; without replacement the smallest exponential numbers over the weights.

A float sum depends on the order of its terms, and so would the class that a number
meets.  So weights become whole numbers first: scaled by the power of two that brings a
row's largest to [2**38, 2**39), and rounded to the nearest, half to even.  At most
2**24 of them have a sum below 2**63, which is the same in any order of adding.

With replacement a draw is a word of 64 bits modulo the sum, and its class the first whose
running sum is above that.  By the modulo a class is more likely than it should be by at
most sum / 2**64, by the rounding by at most 2**-40 of the largest weight; one below
2**-40 of the largest is never drawn.

Without replacement it is a race: class k arrives at e / w, e exponential and of rate 1,
w its weight (not rounded), and the first to arrive are drawn, in that order.  That is
drawing one after another among those left, each in proportion to its weight: P. Efraimidis
and P. Spirakis, "Weighted random sampling with a reservoir", Information Processing
Letters 97 (2006), https://doi.org/10.1016/j.ipl.2005.11.003.

Logits are exponentiated by `exactmath.exp`, never by a device's own exp.
"""

from __future__ import annotations

from math import prod
from typing import Any, Final

import torch
from torch import Tensor, library

from samebits.errors import UsageError, UsageTypeError
from samebits.random import custom_ops, exactmath, keys
from samebits.random.fill import fill
from samebits.random.keys import KeyLike
from samebits.random.one_word import UNIT, Distribution
from samebits.random.output import Device

__all__ = ["categorical", "multinomial"]

#: Categories: with weights of WEIGHT_BITS bits their sum stays below 2**63.
MOST: Final = 1 << 24
WEIGHT_BITS: Final = 39

#: The exponent of a row's largest weight in a race: with it both e / w and the smallest weights are in range.
_RACE: Final = 900
_LEAST: Final = 2.0**-1074
_LAST_63: Final = (1 << 63) - 1


def categorical(
    key: KeyLike,
    num_samples: int | None = None,
    *,
    weights: Tensor | None = None,
    logits: Tensor | None = None,
    device: Device = None,
    out: Tensor | None = None,
) -> Tensor:
    """Classes by weights or by logits, with replacement.

    Draw d of row b is element b * num_samples + d: more rows begin with fewer rows.

    Args:
        key: a `Key`, or uint64 of shape (2,).
        num_samples: how many of each row; one, without a dimension of its own, if it is None.
        weights: (*batch, K), K at most 2**24: at least 0 and finite, one of a row positive; any integer or
            floating dtype.  Their sum is of no matter.  One below 2**-40 of its row's largest counts as 0.
        logits: (*batch, K) instead of weights: their logarithms; -inf for a weight of 0.  One 28 below its
            row's largest is never drawn.
        device: where the classes are; that of the weights or logits by default.
        out: int64, filled and returned.

    Returns:
        int64 of shape (*batch,) or (*batch, num_samples), 0 to K - 1.

    Raises:
        TypeError: a key, weights, logits or number of the wrong kind; not one of `weights` and `logits`.
        ValueError: weights that are negative, NaN, infinite or all 0 in a row, logits that are NaN, inf or
            all -inf in a row (looking at them on CUDA waits for them, once); a shape that does not fit.
    """
    given, name = (weights, "weights") if logits is None else (logits, "logits")
    if given is None or (weights is not None and logits is not None):
        raise UsageTypeError("categorical takes weights= or logits=, one of them")
    count = 1 if num_samples is None else num_samples
    key = keys.single(key, "classes are drawn with")
    rows = _checked(given, name, count)
    shape = rows if num_samples is None else (*rows, num_samples)
    _check_out(out, shape, device)
    return _placed(_drawn(key, given, name == "logits", count, True).reshape(shape), device, out)


def multinomial(
    key: KeyLike,
    weights: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    device: Device = None,
    out: Tensor | None = None,
) -> Tensor:
    """Classes by weights, each at most once unless with replacement, which is `categorical`.

    Without replacement, class k of row b is element b * K + k, and fewer draws are the first of more.

    Args:
        key: a `Key`, or uint64 of shape (2,).
        weights: (*batch, K), as of `categorical`; without replacement small ones count as they are, but for
            some below 2**-1900 of their row's largest, which come last and in order.
        num_samples: how many of each row.
        replacement: whether a class can be drawn twice.
        device, out: as of `categorical`.

    Returns:
        int64 of shape (*batch, num_samples), 0 to K - 1, in the order in which they are drawn.

    Raises:
        TypeError: a key, weights or number of the wrong kind.
        ValueError: as of `categorical`; without replacement, fewer positive weights in a row than draws.
    """
    key = keys.single(key, "classes are drawn with")
    rows = _checked(weights, "weights", num_samples)
    if not replacement and num_samples > weights.shape[-1]:
        raise UsageError(
            f"{num_samples} of {weights.shape[-1]} classes cannot be drawn without replacement: draw fewer, "
            "or with replacement=True"
        )
    _check_out(out, (*rows, num_samples), device)
    return _placed(_drawn(key, weights, False, num_samples, replacement), device, out)


def all_in_turn(key: Tensor, weights: Tensor, num_samples: int) -> Tensor:
    """`multinomial` without replacement; classes of weight 0 come last, in order. Nothing is checked."""
    rows = weights.detach().reshape(-1, weights.shape[-1]).to(torch.float64)
    return _race(key, rows, num_samples).reshape(*weights.shape[:-1], num_samples)


def whole(weights: Tensor) -> Tensor:
    """Weights as whole numbers: float64 of shape (..., K), at least 0, to int64 of at most 39 bits.

    A row's largest gets 39 bits: one that would be rounded up to 2**39 stays one below.
    """
    scaled = _scaled(weights, WEIGHT_BITS)
    return scaled.round().clamp_max_(2.0**WEIGHT_BITS - 1).to(torch.int64)


def remainder(word: Tensor, divisor: Tensor) -> Tensor:
    """Words of 64 bits without a sign, in int64, modulo divisors of 1 to 2**63 - 1, without leaving int64."""
    rest = (word >> 1 & _LAST_63) % divisor
    room = divisor - rest  # rest >= room just where 2 * rest >= divisor
    twice = torch.where(rest >= room, rest - room, rest + rest) + (word & 1)
    return torch.where(twice == divisor, 0, twice)


def _scaled(weights: Tensor, bits: int) -> Tensor:
    """Each row times the power of two that brings its largest to [2**(bits - 1), 2**bits)."""
    _, exponent = torch.frexp(weights.amax(-1, keepdim=True))
    shift = bits - exponent.to(torch.int64)
    half = shift >> 1  # the factor itself may be beyond float64's range; of its halves the first rounds no
    return weights * _power(half) * _power(shift - half)  # weight but those that count as 0 in the end


def _power(exponent: Tensor) -> Tensor:
    return (exponent + 1023 << 52).view(torch.float64)


def _checked(given: Any, name: str, num_samples: Any) -> tuple[int, ...]:
    """The rows' shape, once everything that can be seen without the weights themselves is right."""
    if not isinstance(given, Tensor) or given.is_complex():
        kind = given.dtype if isinstance(given, Tensor) else f"a {type(given).__name__}"
        raise UsageTypeError(f"{name} must be a tensor of real numbers, not {kind}")
    if given.dim() == 0 or not 1 <= given.shape[-1] <= MOST:
        raise UsageError(
            f"{name} must have the shape (*batch, K) with 1 to 2**24 classes, not {tuple(given.shape)}"
        )
    if keys.integer("num_samples", num_samples) < 0:
        raise UsageError(f"num_samples must not be negative: {num_samples}")
    return tuple(given.shape[:-1])


def _check_out(out: Tensor | None, shape: tuple[int, ...], device: Device) -> None:
    if out is None:
        return
    if out.dtype is not torch.int64:
        raise UsageTypeError(f"out must have the dtype torch.int64, not {out.dtype}")
    if tuple(out.shape) != shape:
        raise UsageError(f"out has the shape {tuple(out.shape)}, but {shape} was asked for")
    if device is not None and torch.device(device) != out.device:
        raise UsageError(f"out lies on {out.device}, but device={device} was asked for")


def _placed(made: Tensor, device: Device, out: Tensor | None) -> Tensor:
    if out is not None:
        return out.copy_(made)
    return made if device is None else made.to(device)


def _drawn(key: Tensor, given: Tensor, is_logits: bool, num_samples: int, replacement: bool) -> Tensor:
    if custom_ops.can_skip_dispatcher(key, given):
        with torch.no_grad():
            return _classes(key, given, is_logits, num_samples, replacement)
    made: Tensor = torch.ops.samebits.classes(key, given, is_logits, num_samples, replacement)
    return made


def _classes(key: Tensor, given: Tensor, is_logits: bool, num_samples: int, replacement: bool) -> Tensor:
    *batch, many = given.shape
    shape = (*batch, num_samples)
    if prod(batch) == 0:
        return torch.empty(shape, dtype=torch.int64, device=given.device)
    rows = given.detach().reshape(-1, many).to(torch.float64)
    most = rows.amax(-1, keepdim=True)
    if is_logits:
        _require_logits(rows, most)
        rows = exactmath.exp(rows - most)
    else:
        _require_weights(rows, most, 1 if replacement else max(1, num_samples))
    drawn = _independent(key, rows, num_samples) if replacement else _race(key, rows, num_samples)
    return drawn.reshape(shape)


def _require_logits(rows: Tensor, most: Tensor) -> None:
    """All is looked at in one transfer from the device."""
    wrong = torch.stack((rows.isnan().any(), (most == torch.inf).any(), (most == -torch.inf).any())).tolist()
    for found, what in zip(wrong, ("some are NaN", "some are inf", "in some row all are -inf"), strict=True):
        if found:
            raise UsageError(f"logits must be finite or -inf, and not all -inf: {what}")


def _require_weights(rows: Tensor, most: Tensor, positive: int) -> None:
    """All is looked at in one transfer from the device."""
    few = (rows > 0).sum(-1) < positive if positive > 1 else most <= 0
    wrong = torch.stack(
        (rows.isnan().any(), (most == torch.inf).any(), (rows.amin() < 0), (most <= 0).any(), few.any())
    ).tolist()
    described = ("some are NaN", "some are infinite", "some are negative", "in some row all are 0")
    for found, what in zip(wrong, described, strict=False):
        if found:
            raise UsageError(f"weights must be finite, at least 0, and not all 0: {what}")
    if wrong[-1]:
        raise UsageError(
            f"{positive} classes cannot be drawn without replacement: some row has fewer positive weights; "
            "draw fewer, or with replacement=True"
        )


def _independent(key: Tensor, rows: Tensor, num_samples: int) -> Tensor:
    sums = whole(rows).cumsum(-1)
    word = torch.empty((rows.shape[0], num_samples), dtype=torch.int64, device=rows.device)
    fill(word, Distribution.INTEGER, key, UNIT)
    return torch.searchsorted(sums, remainder(word, sums[:, -1:]), right=True)


def _race(key: Tensor, rows: Tensor, num_samples: int) -> Tensor:
    arrival = torch.empty(rows.shape, dtype=torch.float64, device=rows.device)
    fill(arrival, Distribution.EXPONENTIAL, key, UNIT)
    arrival = arrival / _scaled(rows, _RACE).clamp_min_(_LEAST)
    arrival.masked_fill_(rows == 0, torch.nan)  # which every sort puts after all numbers, and after inf
    if arrival.device.type == "cpu" and 4 * num_samples < rows.shape[-1]:
        # The few first, which cost less than all, are those of a stable sort if no two arrive at once.
        first, numbers = arrival.topk(num_samples + 1, largest=False)
        if not bool(((first[:, 1:] == first[:, :-1]) | first[:, 1:].isnan()).any()):
            return numbers[:, :num_samples].contiguous()
    return arrival.sort(dim=-1, stable=True).indices[:, :num_samples].contiguous()


@library.custom_op("samebits::classes", mutates_args=())
def _operation(key: Tensor, given: Tensor, is_logits: bool, num_samples: int, replacement: bool) -> Tensor:
    return _classes(key, given, is_logits, num_samples, replacement)


@_operation.register_fake
def _(key: Tensor, given: Tensor, is_logits: bool, num_samples: int, replacement: bool) -> Tensor:
    return torch.empty((*given.shape[:-1], num_samples), dtype=torch.int64, device=given.device)
