"""The Triton kernel of a tap gather: to the bit what plain torch gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.ops.primitives import taps
from samebits.ops.primitives.gather import chain

WEIGHTS = pytest.mark.parametrize("weighted", [True, False], ids=["weighted", "ones"])


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def both(
    x: Tensor, passes: list[tuple[int, taps.Taps]], dtype: torch.dtype | None = None
) -> tuple[Tensor, Tensor]:
    """By the kernel, and by plain torch; as integers, so that NaN, -0.0 and every bit count."""
    assert triton_launch.triton_for(x)
    made = chain(x, passes, dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triton_launch, "triton_for", lambda tensor: False)
        expected = chain(x, passes, dtype)
    assert made.dtype == expected.dtype
    assert made.stride() == expected.stride()
    bits = {8: torch.int64, 4: torch.int32, 2: torch.int16}[made.element_size()]
    return made.view(bits), expected.view(bits)


def ragged(rows: int, source: int, weighted: bool, divisor: int = 1) -> taps.Taps:
    draw = np.random.default_rng(rows)
    index = draw.integers(-1, source, (rows, 4))
    return taps.of(index, draw.normal(size=index.shape) if weighted else None, source=source, divisor=divisor)


@WEIGHTS
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("shape", [(13,), (3, 13), (13, 5), (2, 13, 7), (3, 13, 101)])
def test_bits(shape: tuple[int, ...], dtype: torch.dtype, weighted: bool) -> None:
    x = normal(*shape).to(dtype)
    dim = shape.index(13)
    made, expected = both(x, [(dim, ragged(11, 13, weighted, divisor=3))])
    assert torch.equal(made, expected)
    made, expected = both(x, [(dim, ragged(11, 13, weighted))], dtype)
    assert torch.equal(made, expected)


@WEIGHTS
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
def test_special_values(weighted: bool) -> None:
    special = torch.tensor([torch.inf, -torch.inf, 0.0, -0.0, 1e-42, 3.4e38, 1.0])
    x = special[torch.randint(7, (5, 13, 3), generator=torch.Generator().manual_seed(0))]
    map_ = ragged(11, 13, weighted)
    made, expected = both(x, [(1, map_)])
    nan = made.view(torch.float32).isnan()
    assert torch.equal(nan, expected.view(torch.float32).isnan())
    assert torch.equal(made[~nan], expected[~nan])


def test_more_than_one_pass_and_channels_last() -> None:
    passes = [(2, ragged(5, 13, True)), (3, ragged(6, 9, True))]
    x = normal(2, 3, 13, 9)
    made, expected = both(x, passes)
    assert torch.equal(made, expected)
    last, expected_last = both(x.contiguous(memory_format=torch.channels_last), passes)
    assert torch.equal(last, expected_last)
    assert torch.equal(made, last)


def test_offsets_beyond_int32(monkeypatch: pytest.MonkeyPatch) -> None:
    from samebits.ops.primitives._triton import gather as kernels

    monkeypatch.setattr(kernels, "NARROW", 1)
    made, expected = both(normal(2, 13, 7), [(1, ragged(11, 13, True))])
    assert torch.equal(made, expected)
