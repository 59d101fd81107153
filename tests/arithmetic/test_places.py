"""Sums in places: one addition after the other, in the order of the index, whoever adds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.arithmetic.bits import THREADS, same_bits, threads
from tests.arithmetic.replaced import replaced
from torch import Tensor

from samebits.arithmetic import places, reductions
from samebits.determinism import deterministic

ROWS = (*places.ROWS, *reductions.ROWS)
BINS, TERMS, WIDTH = 11, 300, 5

FLOATS = [torch.float32, torch.float64, torch.bfloat16, torch.float16]


def _normal(*shape: int, dtype: torch.dtype, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def _index(high: int = BINS, count: int = TERMS) -> Tensor:
    return torch.randint(high, (count,), generator=torch.Generator().manual_seed(2))


def _chain(own: Tensor, index: Tensor, terms: Tensor) -> Tensor:
    """The definition."""
    wide = own.double() if own.dtype is torch.float64 else own.float()
    table = wide.numpy().copy()
    np.add.at(table, index.numpy(), terms.to(wide.dtype).numpy())
    return torch.from_numpy(table).to(own.dtype)


WAYS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "index_add": lambda x, i, t: x.index_add(0, i, t),
    "index_add_": lambda x, i, t: x.clone().index_add_(0, i, t),
    "index_add, columns": lambda x, i, t: x.t().contiguous().index_add(1, i, t.t()).t(),
    "scatter_add": lambda x, i, t: x.scatter_add(0, i[:, None].expand(t.shape), t),
    "scatter_add, columns": lambda x, i, t: (
        x.t().contiguous().scatter_add(1, i[None].expand(t.shape[::-1]).contiguous(), t.t()).t()
    ),
    "scatter_reduce": lambda x, i, t: x.scatter_reduce(0, i[:, None].expand(t.shape), t, "sum"),
    "index_put": lambda x, i, t: x.index_put((i,), t, accumulate=True),
    "index_put, of two": lambda x, i, t: x.index_put((i[:, None], torch.arange(WIDTH)), t, accumulate=True),
    "put": lambda x, i, t: x.clone().put_(i[:, None] * WIDTH + torch.arange(WIDTH), t, accumulate=True),
}


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", WAYS)
def test_a_chain_in_the_order_of_the_index(name: str, dtype: torch.dtype) -> None:
    own, index, terms = (
        _normal(BINS, WIDTH, dtype=dtype),
        _index(),
        _normal(TERMS, WIDTH, dtype=dtype, seed=3),
    )
    expected = _chain(own, index, terms)
    with deterministic(), replaced(ROWS):
        for number in THREADS:
            with threads(number):
                same_bits(WAYS[name](own, index, terms), expected)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_gradients_of_tables(dtype: torch.dtype) -> None:
    index, grads = _index(), _normal(TERMS, WIDTH, dtype=dtype, seed=3)
    zeros = torch.zeros(BINS, WIDTH, dtype=dtype)
    expected = _chain(zeros, index, grads)
    looked: dict[str, Callable[[Tensor], Tensor]] = {
        "embedding": lambda table: F.embedding(index, table),
        "rows": lambda table: table[index],
        "index_select": lambda table: table.index_select(0, index),
        "gather": lambda table: table.gather(0, index[:, None].expand(TERMS, WIDTH)),
        "bags of one": lambda table: F.embedding_bag(index[:, None], table, mode="sum"),
        "largest of bags of one": lambda table: F.embedding_bag(index[:, None], table, mode="max"),
    }
    with deterministic(), replaced(ROWS):
        for number in THREADS:
            for look in looked.values():
                table = zeros.clone().requires_grad_()
                with threads(number):
                    (got,) = torch.autograd.grad(look(table), table, grads)
                same_bits(got, expected)


def test_embeddings_by_frequency_and_without_a_row() -> None:
    index, grads = _index(), _normal(TERMS, WIDTH, dtype=torch.float32)
    counts = torch.bincount(index, minlength=BINS)[index][:, None].float()
    table = torch.zeros(BINS, WIDTH, requires_grad=True)
    with replaced(ROWS):
        out = F.embedding(index, table, padding_idx=3, scale_grad_by_freq=True)
        (got,) = torch.autograd.grad(out, table, grads)
    expected = _chain(torch.zeros(BINS, WIDTH), index, grads / counts)
    expected[3] = 0
    same_bits(got, expected)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("options", [{}, {"padding_idx": 3}, {"include_last_offset": True}], ids=str)
def test_bags_nearly_as_torch(mode: str, options: dict[str, Any]) -> None:
    index, table = _index(count=40), _normal(BINS, WIDTH, dtype=torch.float32).requires_grad_()
    offsets = torch.tensor([0, 3, 3, 20, 40])

    def run() -> tuple[Tensor, Tensor]:
        out = F.embedding_bag(index, table, offsets, mode=mode, **options)
        return out.detach(), torch.autograd.grad(out.cos().sum(), table)[0]

    native = run()
    with replaced(ROWS):
        ours = run()
    for got, expected in zip(ours, native, strict=True):
        assert torch.allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_weighted_bags() -> None:
    index, offsets = _index(count=20), torch.tensor([0, 3, 11])
    table = _normal(BINS, WIDTH, dtype=torch.float64).requires_grad_()
    weights = _normal(20, dtype=torch.float64).requires_grad_()
    with replaced(ROWS):
        assert torch.autograd.gradcheck(
            lambda table, weights: F.embedding_bag(
                index, table, offsets, mode="sum", per_sample_weights=weights
            ),
            (table, weights),
        )


def test_a_factor_is_rounded_before_it_is_added() -> None:
    own, index, terms = (
        _normal(BINS, WIDTH, dtype=torch.float32),
        _index(),
        _normal(TERMS, WIDTH, dtype=torch.float32),
    )
    with replaced(ROWS):
        got = own.index_add(0, index, terms, alpha=0.3)
    same_bits(got, _chain(own, index, terms * 0.3))


def test_what_torch_refuses_it_refuses() -> None:
    x = torch.zeros(3, 2)
    with replaced(ROWS):
        with pytest.raises((IndexError, RuntimeError)):
            x.index_add(0, torch.tensor([5]), torch.ones(1, 2))
        with pytest.raises((IndexError, RuntimeError)):
            F.embedding_bag(torch.tensor([5]), x, torch.tensor([0]))
        assert torch.equal(
            torch.zeros(3, dtype=torch.int64).index_add(0, torch.tensor([1, 1]), torch.tensor([2, 3])),
            torch.tensor([0, 5, 0]),
        )
