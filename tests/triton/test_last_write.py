"""The last write's kernels against a loop, and the families that reach kernels against their plain forms."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.determinism.overrides import InstalledOverrides
from samebits.model.operators import OPERATIONS
from samebits.ops.primitives import last_write

GENERATOR = torch.Generator().manual_seed(11)

OURS = [row for row in OPERATIONS if row.file in ("scatter", "index", "unpool")]


def looped(table: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """One writer after the other."""
    table = table.clone()
    for at in product(*(range(size) for size in index.shape)):
        to = list(at)
        to[dim] = int(index[at])
        table[tuple(to)] = source[at]
    return table


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64, torch.int64, torch.bool])
@pytest.mark.parametrize(("shape", "dim"), [((5,), 0), ((3, 4), 0), ((3, 4), 1), ((2, 3, 4), 1)])
def test_the_last_writer_stays(dtype: torch.dtype, shape: tuple[int, ...], dim: int) -> None:
    extents = [7 if at == dim else max(size - 1, 1) for at, size in enumerate(shape)]
    index = torch.randint(shape[dim], extents, generator=GENERATOR)
    table, source = (torch.randint(9, size, generator=GENERATOR).to(dtype) for size in (shape, extents))
    want = looped(table, dim, index, source)
    last_write.write_(table, dim, index, source)
    assert torch.equal(table, want)


def test_complex_numbers_and_many_lanes() -> None:
    index = torch.randint(2, (2, 1, 2, 3, 4), generator=GENERATOR)
    table = torch.zeros(2, 1, 2, 3, 2, dtype=torch.complex64)
    source = torch.randn(2, 1, 2, 3, 4, dtype=torch.complex64, generator=GENERATOR)
    want = looped(table, 4, index, source)
    last_write.write_(table, 4, index, source)
    assert torch.equal(table, want)


def test_rows_of_a_table_that_is_not_contiguous() -> None:
    index = torch.tensor([2, 0, 2, 2, 0])
    table, source = torch.zeros(3, 4).t().contiguous().t(), torch.randn(5, 4, generator=GENERATOR)
    last_write.write_rows_(table, index, source)
    assert torch.equal(table, torch.stack([source[4], torch.zeros(4), source[3]]))


def calls() -> dict[str, Callable[[torch.dtype], Tensor]]:
    index = torch.tensor([[0, 2, 1], [2, 2, 0], [0, 1, 1], [2, 0, 1]])

    def made(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(5)
        drawn = torch.randn(7, 3, dtype=torch.float64, generator=generator).to(dtype)
        return drawn[:3].clone(), drawn[3:]

    named: dict[str, Callable[[torch.dtype], Tensor]] = {
        "scatter": lambda d: made(d)[0].scatter(0, index, made(d)[1]),
        "scatter_add": lambda d: made(d)[0].scatter_add(0, index, made(d)[1]),
        "index_add": lambda d: made(d)[0].index_add(0, index[:, 0], made(d)[1], alpha=2),
        "index_put": lambda d: made(d)[0].index_put((index[:, 1],), made(d)[1]),
        "index_put accumulate": lambda d: made(d)[0].index_put((index[:, 1],), made(d)[1], accumulate=True),
        "put": lambda d: made(d)[0].put(index[:, 0], made(d)[1][:, 0]),
        "put accumulate": lambda d: made(d)[0].put(index[:, 0], made(d)[1][:, 0], accumulate=True),
        "max_unpool": lambda d: torch.nn.functional.max_unpool1d(made(d)[1][None], index[None], 2),
    }
    for reduce in ("sum", "prod", "mean", "amax", "amin"):
        named[f"scatter_reduce {reduce}"] = lambda d, r=reduce: made(d)[0].scatter_reduce(
            0, index, made(d)[1], r
        )  # type: ignore[misc]
    return named


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("name", sorted(calls()))
def test_kernels_give_the_bits_of_plain_torch(
    name: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    with InstalledOverrides(OURS, "cpu"):
        fused = calls()[name](dtype)
        monkeypatch.setattr(triton_launch, "triton_for", lambda tensor: False)
        plain = calls()[name](dtype)
    assert torch.equal(fused, plain)
    assert torch.equal(fused.signbit(), plain.signbit())
