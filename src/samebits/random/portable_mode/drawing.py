"""From one of torch's draws to keyed numbers: its key, and its distribution's parameters.

A draw is one step of a generator, whatever its size, its dtype and its device.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Final

import torch
from torch import Tensor

from samebits.errors import UsageError
from samebits.random import core, keys
from samebits.random.arguments import rounded
from samebits.random.fill import fill
from samebits.random.one_word import UNIT, Distribution, Parameters, threshold
from samebits.random.portable_mode import scopes, state

_ONE: Final = 1 << 32


def key_of(generator: torch.Generator | None, tensor: Tensor) -> Tensor:
    """The key of the next draw: uint64 of shape (2,), on the CPU.

    Raises:
        UsageError: a CUDA graph is being captured, which would draw the same numbers at each replay.
    """
    return _drawn(generator, tensor)[0]


def _drawn(generator: torch.Generator | None, tensor: Tensor) -> tuple[Tensor, int]:
    if tensor.is_cuda and torch.cuda.is_current_stream_capturing():
        raise UsageError(
            "samebits.random.portable: a draw while a CUDA graph is captured would give the same numbers at "
            "every replay: draw before, and copy into a tensor that the graph reads."
        )
    stream, number = state.advance(generator, scopes.here())
    loaded = core.get()
    if loaded is None:
        return torch.tensor(keys.derived(*stream, number), dtype=torch.uint64, device="cpu"), number
    made = torch.empty(2, dtype=torch.uint64, device="cpu")
    loaded.derive(made, _tensor(stream), number, 0, 1)
    return made, number


@lru_cache(64)
def _tensor(key: state.Key) -> Tensor:
    return torch.tensor(key, dtype=torch.uint64, device="cpu")


@contextmanager
def attempt(generator: torch.Generator | None, tensor: Tensor) -> Iterator[Tensor]:
    """The key of the next draw, which is none if it fails."""
    key, number = _drawn(generator, tensor)
    try:
        yield key
    except BaseException:
        state.retreat(generator, scopes.here(), number)
        raise


@lru_cache(256)
def uniform(dtype: torch.dtype, low: float, high: float) -> Parameters:
    """The parameters of `samebits.random.uniform`; the bounds may be equal."""
    if low == 0.0 and high == 1.0:
        return UNIT
    below, above = rounded(low, dtype), rounded(high, dtype)
    return Parameters(rounded(above - below, dtype), below)


@lru_cache(256)
def normal(mean: float, std: float) -> Parameters:
    """The parameters of `samebits.random.normal`."""
    return UNIT if mean == 0.0 and std == 1.0 else Parameters(std, mean)


@lru_cache(256)
def trial(p: float) -> Parameters:
    """The parameters of `samebits.random.bernoulli`."""
    return Parameters(low=threshold(p))


def trials(out: Tensor, key: Tensor, p: Tensor) -> None:
    """Fill `out` with trials of a probability each."""
    word = torch.empty(out.shape, dtype=torch.int32, device=out.device)
    fill(word, Distribution.INTEGER, key, UNIT)
    out.copy_((word.to(torch.int64) & _ONE - 1) < (p.double() * _ONE).round())
