"""Bits of tensors, and the ways in which they must not matter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

THREADS = (1, 2, 3)

_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def same_bits(got: Tensor, expected: Tensor) -> None:
    """Every number has the same bits; a NaN is as good as another."""
    assert got.shape == expected.shape, (got.shape, expected.shape)
    assert got.dtype is expected.dtype, (got.dtype, expected.dtype)
    kind = _INTEGERS[got.itemsize]
    other = got.contiguous().view(kind) != expected.contiguous().view(kind)
    other &= ~(got.isnan() & expected.isnan())
    if other.any():
        at = tuple(int(n) for n in other.nonzero()[0])
        raise AssertionError(f"{int(other.sum())} differ, first {at}: {got[at]!r}, expected {expected[at]!r}")


@contextmanager
def threads(number: int) -> Iterator[None]:
    """torch uses so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
