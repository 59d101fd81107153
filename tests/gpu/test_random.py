"""`samebits.random` on CUDA: the bits of the CPU, every distribution and type, a thousand million numbers.

Without a CUDA device this is skipped; `SAMEBITS_RANDOM_DEVICE=cpu` runs the same file on the CPU, with fewer
numbers, which says nothing about CUDA.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from samebits import random
from samebits._runtime import triton_launch
from samebits.random.fill import fill
from samebits.random.one_word import Distribution, Parameters
from samebits.random.shards import Part, part

DEVICE = os.environ.get("SAMEBITS_RANDOM_DEVICE", "cuda")
MANY = 10**9 if DEVICE == "cuda" else 10**7
#: Numbers of a piece: no power of two, so pieces begin anywhere in a call.
PIECE = 50_000_003

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
INTEGERS = (
    torch.int8, torch.uint8, torch.int16, torch.uint16, torch.int32, torch.uint32, torch.int64, torch.uint64,
)  # fmt: skip
DISTRIBUTIONS: dict[Distribution, tuple[Parameters, ...]] = {
    Distribution.INTEGER: (
        Parameters(),
        Parameters(low=5, range=100),
        Parameters(range=1 << 6),
        Parameters(low=(1 << 64) - 9, range=7),
    ),
    Distribution.UNIFORM: (Parameters(), Parameters(1.7, -0.3)),
    Distribution.NORMAL: (Parameters(), Parameters(1.7, -0.3)),
    Distribution.EXPONENTIAL: (Parameters(), Parameters(1.7)),
    Distribution.BERNOULLI: tuple(Parameters(low=low) for low in (0, 1 << 30, 1 << 32)),
    Distribution.DROPOUT: (Parameters(1 / 0.9, low=round(0.9 * 2**32)),),
    Distribution.TRUNCATED: (
        Parameters(1.7, -0.3, least=-6.25, most=3.5),
        Parameters(1.7, -0.3, (1 << 62) + 5, 0xE123456789ABCDEF, -2.125, 2.0),
    ),
}  # fmt: skip
TYPES = {
    Distribution.INTEGER: INTEGERS,
    Distribution.BERNOULLI: (torch.bool, *INTEGERS, *FLOATS),
    **{
        distribution: FLOATS
        for distribution in Distribution
        if distribution not in (Distribution.INTEGER, Distribution.BERNOULLI)
    },
}
each = pytest.mark.parametrize(
    ("distribution", "dtype"),
    [
        pytest.param(distribution, dtype, id=f"{distribution.name}-{dtype}")
        for distribution in Distribution
        for dtype in TYPES[distribution]
    ],
)

pytestmark = pytest.mark.skipif(
    DEVICE == "cuda" and not torch.cuda.is_available(),
    reason="needs a CUDA device; SAMEBITS_RANDOM_DEVICE=cpu runs it on the CPU",
)

PARTS = {
    "run": Part((1 << 40) + 3, (2500,), (1,)),
    "rows and columns": part((40, 50), (7, 11), (13, 17)),
    "six dimensions": part((3, 6, 5, 4, 3, 4), (1, 1, 1, 1, 1, 1), (2, 3, 2, 3, 2, 3)),
    "far apart": Part((1 << 40) + 3, (3, 41, 5), (1 << 36, (1 << 33) + 1, 1)),
}


def keys(*numbers: int) -> Tensor:
    return torch.tensor(numbers, dtype=torch.uint64).reshape(-1, 2).squeeze(0)


KEY = keys(0x0123456789ABCDEF, (1 << 64) - 300)


def bits(x: Tensor) -> Tensor:
    """In which numbers that are none are all one: a GPU's have other bits."""
    if x.is_floating_point():
        x = torch.where(x.isnan(), torch.nan, x)
    return x.contiguous().view(torch.uint8)


def check(
    distribution: Distribution,
    dtype: torch.dtype,
    shape: tuple[int, ...],
    key: Tensor,
    where: Part | None = None,
) -> None:
    source = None
    if distribution is Distribution.DROPOUT:
        source = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
        source.view(-1)[:3] = torch.tensor([torch.inf, torch.nan, -0.0], dtype=dtype)[: source.numel()]
    for parameters in DISTRIBUTIONS[distribution]:
        expected = fill(torch.empty(shape, dtype=dtype), distribution, key, parameters, where, source)
        for given in (key, key.to(DEVICE)):
            out = torch.empty(shape, dtype=dtype, device=DEVICE)
            there = source.to(DEVICE) if source is not None else None
            fill(out, distribution, given, parameters, where, there)
            assert torch.equal(bits(out.cpu()), bits(expected))


@each
def test_every_distribution_and_type_has_the_bits_of_the_cpu(
    distribution: Distribution, dtype: torch.dtype
) -> None:
    for count in (1, 3, 5, 1025, 100_003):
        check(distribution, dtype, (count,), KEY)


@each
def test_batches_of_keys(distribution: Distribution, dtype: torch.dtype) -> None:
    many = keys(*range(1, 13)).view(3, 2, 2)
    for count in (1, 7, 4099):
        check(distribution, dtype, (3, 2, count), many)


@pytest.mark.parametrize("which", list(PARTS))
@each
def test_parts(distribution: Distribution, dtype: torch.dtype, which: str) -> None:
    check(distribution, dtype, (PARTS[which].count,), KEY, PARTS[which])


def test_plain_torch_there_has_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton_launch, "triton_for", lambda tensor: False)
    for distribution in Distribution:
        for dtype in TYPES[distribution]:
            check(distribution, dtype, (3001,), KEY)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_the_layout_changes_no_number(dtype: torch.dtype) -> None:
    expected = random.normal(KEY, 30, 40, dtype=dtype)
    for out in (
        torch.empty(40, 30, dtype=dtype, device=DEVICE).t(),
        torch.empty(60, 80, dtype=dtype, device=DEVICE)[::2, 1::2],
    ):
        assert torch.equal(random.normal(KEY, dtype=dtype, out=out).cpu(), expected)


def test_nothing_waits_for_the_device() -> None:
    if DEVICE != "cuda":
        pytest.skip("nothing waits on the CPU")
    for key in (KEY, KEY.to(DEVICE)):
        random.normal(key, 100, device=DEVICE)  # compiles, and copies the table
        mode = torch.cuda.get_sync_debug_mode()
        torch.cuda.set_sync_debug_mode("error")
        try:
            random.normal(key, 100, device=DEVICE)
        finally:
            torch.cuda.set_sync_debug_mode(mode)


@pytest.mark.parametrize("first", [0, 3 * 10**12])
@pytest.mark.parametrize(
    "draw",
    [
        lambda **how: random.uniform(KEY, 1 << 50, **how),
        lambda **how: random.normal(KEY, 1 << 50, **how),
        lambda **how: random.bits(KEY, 1 << 50, dtype=torch.int32, **how),
    ],
    ids=["uniform", "normal", "bits"],
)
def test_a_thousand_million_numbers(draw: Callable[..., Tensor], first: int) -> None:
    """Half of them from far on."""
    for start in range(0, MANY // 2, PIECE):
        shard = (first + start,), (min(PIECE, MANY // 2 - start),)
        assert torch.equal(draw(shard=shard, device=DEVICE).cpu(), draw(shard=shard))
