"""What the tests of the random kernels draw."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from samebits.random.one_word import Distribution, Parameters
from samebits.random.shards import Part, part

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
INTEGERS = (
    torch.int8, torch.uint8, torch.int16, torch.uint16, torch.int32, torch.uint32, torch.int64, torch.uint64,
)  # fmt: skip
TRILLION = 1 << 40


def key(*numbers: int) -> Tensor:
    """A key of a seed and an offset, or keys of pairs of them."""
    return torch.tensor(numbers, dtype=torch.uint64).reshape(-1, 2).squeeze(0)


KEY = key(0x0123456789ABCDEF, 5)


def cases() -> Iterator[tuple[Distribution, torch.dtype, Parameters]]:
    """Every distribution and dtype, with parameters that no arithmetic leaves as they are."""
    for dtype in FLOATS:
        yield Distribution.UNIFORM, dtype, Parameters(1.7, -0.3)
        yield Distribution.UNIFORM, dtype, Parameters()
        yield Distribution.NORMAL, dtype, Parameters(1.7, -0.3)
        yield Distribution.EXPONENTIAL, dtype, Parameters(1.7)
        yield Distribution.DROPOUT, dtype, Parameters(1 / 0.9, low=round(0.9 * 2**32))
        yield Distribution.DROPOUT, dtype, Parameters(1.0, low=1 << 32)
        yield Distribution.TRUNCATED, dtype, Parameters(1.7, -0.3, least=-6.25, most=3.5)
        yield (
            Distribution.TRUNCATED,
            dtype,
            Parameters(1.7, -0.3, (1 << 62) + 5, 0xE123456789ABCDEF, -2.125, 2.0),
        )
        yield Distribution.TRUNCATED, dtype, Parameters(1.0, 0.0, (1 << 64) - 100, 200, -0.5, 10.0)
    for dtype in INTEGERS:
        bits = 8 * dtype.itemsize
        low = -3 % (1 << 64) if dtype.is_signed else 3
        for size in {0, 1, 100, 1 << 6, (1 << bits - 1) + 5, (1 << bits) - 1, min(1 << 31, 1 << bits - 1)}:
            yield Distribution.INTEGER, dtype, Parameters(low=low, range=size)
        if bits == 64:
            yield Distribution.INTEGER, dtype, Parameters(low=low, range=(1 << 41) + 7)
    for dtype in (torch.bool, *INTEGERS, *FLOATS):
        for p in (0.0, 0.3, 1.0):
            yield Distribution.BERNOULLI, dtype, Parameters(low=round(p * 2**32))


#: One of each distribution with words of 32 bits, of 64, and with a source.
FEW = [
    (Distribution.INTEGER, torch.int32, Parameters()),
    (Distribution.INTEGER, torch.int64, Parameters(low=5, range=(1 << 63) + 5)),
    (Distribution.UNIFORM, torch.float32, Parameters(1.7, -0.3)),
    (Distribution.NORMAL, torch.float64, Parameters(1.7, -0.3)),
    (Distribution.BERNOULLI, torch.bool, Parameters(low=1 << 30)),
    (Distribution.TRUNCATED, torch.float16, Parameters(1.7, -0.3, 1 << 62, 1 << 63, -2.5, 2.0)),
    (Distribution.DROPOUT, torch.bfloat16, Parameters(1.25, low=3 << 30)),
]

PARTS = {
    "rows and columns": part((40, 50), (7, 11), (13, 17)),
    "five dimensions": part((5, 6, 7, 8, 9), (1, 2, 3, 4, 5), (3, 2, 3, 3, 4)),
    "six dimensions": part((3, 6, 5, 4, 3, 4), (1, 1, 1, 1, 1, 1), (2, 3, 2, 3, 2, 3)),
    "far apart": Part(TRILLION + 3, (3, 41, 5), (1 << 36, (1 << 33) + 1, 1)),
    "steps": Part(2, (301,), (3,)),
}
