"""The kernel of products against the walk of a CPU: the same bits."""

from __future__ import annotations

import pytest
import torch

from samebits.ops.primitives import products
from samebits.ops.primitives.exact import accumulated

DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.int32, torch.uint8]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "dim"), [((5,), 0), ((3, 4), 0), ((3, 4), 1), ((2, 3, 4), 1)])
@pytest.mark.parametrize("one", [True, False], ids=["index a row", "index an element"])
def test_the_same_bits(dtype: torch.dtype, shape: tuple[int, ...], dim: int, one: bool) -> None:
    generator = torch.Generator().manual_seed(5)
    extents = [23 if at == dim else size for at, size in enumerate(shape)]
    index = torch.randint(shape[dim], [23] if one else extents, generator=generator)
    table, factors = ((torch.randn(size, generator=generator) * 3).to(dtype) for size in (shape, extents))
    want = table.to(accumulated(dtype)) if dtype.is_floating_point else table.clone()
    products.in_turns_(want, dim, index, factors)
    products.multiply_(table, dim, index, factors)
    assert torch.equal(table, want.to(dtype))


def test_many_lanes_and_memory_in_any_order() -> None:
    generator = torch.Generator().manual_seed(6)
    table = torch.rand(2, 2, 1, 2, 3, generator=generator).transpose(0, 4)
    factors = torch.rand(3, 2, 1, 2, 11, generator=generator) + 0.5
    index = torch.randint(2, factors.shape, generator=generator)
    want = table.clone()
    products._walk_(want, 4, index, factors)
    products.multiply_(table, 4, index, factors)
    assert torch.equal(table, want)
