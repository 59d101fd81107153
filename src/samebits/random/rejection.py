"""Words for elements that may need any number of them, and the loop of attempts.

Attempt j = 1, 2, ... of an element takes the four words of its own counter in the
subsequence j.  So how often a neighbour is rejected, or which part of a tensor is drawn
here, changes nothing: an element depends on its key, its number and its parameters.

A loop ends: each distribution's attempt is accepted with a probability of at least 1/2 whatever
the parameters, and an element that 256 attempts rejected, which happens to one in more
than 2**256, becomes NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from samebits.random import philox

ATTEMPTS: Final = 256

Attempt = Callable[..., tuple[Tensor, Tensor]]


def cells(key: Tensor, numbers: Tensor) -> Tensor:
    """Seed and counter of each element.

    Args:
        key: uint64 of shape (*batch, 2).
        numbers: int64 of shape (n,): which elements.

    Returns:
        uint64 of shape (*batch, n, 2), on `numbers`' device.
    """
    seed, offset = key.to(numbers.device).view(torch.int64).unsqueeze(-2).unbind(-1)
    counter = offset + numbers  # wraps modulo 2**64, as the counter does
    return torch.stack((seed.expand_as(counter), counter), -1).view(torch.uint64)


def words(cells: Tensor, attempt: int) -> philox.Words:
    """The four words of each cell's attempt: int64 of shape (*cells,), 0 to 2**32 - 1."""
    return philox.blocks(cells, torch.zeros((), dtype=torch.int64, device=cells.device), attempt)


def unit(high: Tensor, low: Tensor) -> Tensor:
    """Uniform float64 numbers of two words: the 2**52 odd multiples of 2**-53 in (0, 1)."""
    return ((high << 20 | low >> 12).to(torch.float64) + 0.5) * 2.0**-52


def fine(words: philox.Words) -> Tensor:
    """Uniform float64 numbers of four words, in (0, 1]: multiples of 2**-106, rounded once to 53 bits.

    Small ones keep all their bits, so distributions that turn them into long tails reach events of
    probability 2**-106.
    """
    w0, w1, w2, w3 = words
    coarse = (w0 << 21 | w1 >> 11).to(torch.float64) * 2.0**-53
    return coarse + ((w2 << 20 | w3 >> 12).to(torch.float64) + 0.5) * 2.0**-105


def accepted(cells: Tensor, attempt: Attempt, *parameters: Tensor) -> Tensor:
    """Each element's first accepted number.

    Args:
        cells: uint64 of shape (n, 2).
        attempt: from the four words and the parameters to the numbers and whether they are accepted.
        parameters: float64 of shape (n,).
    """
    numbers, fits = attempt(words(cells, 1), *parameters)
    numbers = torch.where(fits, numbers, torch.nan)
    pending = (~fits).nonzero().flatten()
    for j in range(2, ATTEMPTS + 1):
        if pending.numel() == 0:
            break
        found, fits = attempt(words(cells[pending], j), *(p[pending] for p in parameters))
        numbers[pending] = torch.where(fits, found, torch.nan)
        pending = pending[~fits]
    return numbers


def split(
    condition: Tensor, one: Callable[..., Tensor], other: Callable[..., Tensor], *given: Tensor
) -> Tensor:
    """`one(*given)` where the condition holds, `other(*given)` elsewhere, each of its own elements alone."""
    numbers = torch.empty(condition.shape, dtype=torch.float64, device=condition.device)
    for where, function in ((condition, one), (~condition, other)):
        place = where.nonzero().flatten()
        if place.numel():
            numbers[place] = function(*(g[place] for g in given))
    return numbers
