"""Sums, means, variances, norms and products are S and D of the definition, wherever they are computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.arithmetic.everywhere import check, same
from tests.arithmetic.replaced import replaced
from torch import Tensor

from samebits.arithmetic import reductions
from samebits.arithmetic.reference import sums

SIZES = [1, 2, 15, 16, 17, 255, 256, 257, 511, 4097]


def numbers(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def last(x: Tensor, dims: tuple[int, ...]) -> Any:
    """In numpy, the reduced dimensions as one, the last."""
    others = [dim for dim in range(x.dim()) if dim not in dims]
    moved = x.permute(*others, *sorted(dims)).contiguous()
    return moved.reshape(*moved.shape[: len(others)], -1).numpy()


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_terms_along_rows_and_down_columns(n: int, dtype: torch.dtype) -> None:
    if dtype is torch.float64:
        n = min(n, 511)  # the reference multiplies fractions
    x = numbers(n, 5, dtype=dtype)
    for given, dim in ((x, 0), (x.t().contiguous(), 1), (x.t(), 1)):
        rows = last(given, (dim,))
        count = rows.dtype.type(n)
        mean = sums.sum_of(rows) / count
        check(sums.sum_of(rows), reductions.sum_dim, given, [dim])
        check(mean, reductions.mean_dim, given, [dim])
        check(sums.product(rows), reductions.prod_dim, given, dim)
        check(sums.sum_of(abs(rows)), reductions.vector_norm, given, 1, [dim])
        check(np.sqrt(sums.dot(rows, rows)), reductions.vector_norm, given, 2, [dim])
        if n > 1:
            var, mean = sums.moments(rows, 1)
            of = rows.dtype
            check((var.astype(of), mean.astype(of)), reductions.var_mean, given, [dim])
            check(np.sqrt(var).astype(of), reductions.std, given, [dim])
    a, b = x[:, 0], x[:, 1]
    check(sums.dot(a.numpy(), b.numpy()), reductions.dot, a, b)


@pytest.mark.parametrize("dims", [(0,), (1,), (2,), (3,), (0, 2, 3), (1, 2), (0, 3), (0, 1), (0, 1, 2, 3)])
def test_any_dimensions_of_any_layout(dims: tuple[int, ...]) -> None:
    x = numbers(3, 20, 9, 31)
    layouts = [
        x,
        x.to(memory_format=torch.channels_last),
        x.transpose(0, 3).contiguous().transpose(0, 3),
        numbers(3, 40, 9, 31)[:, ::2],
        x[:, :1].expand(3, 20, 9, 31),
    ]
    for given in layouts:
        check(sums.sum_of(last(given, dims)), reductions.sum_dim, given, dims)


@pytest.mark.parametrize("shape", [(32, 6, 49), (5, 6, 700), (3, 6, 2500), (2, 200, 3), (2, 6, 4)])
def test_channels_of_an_image_batch(shape: tuple[int, ...]) -> None:
    x = numbers(*shape)
    rows = last(x, (0, 2))
    check(sums.sum_of(rows), reductions.sum_dim, x, [0, 2])
    check(sums.moments(rows, 0)[0].astype(np.float32), reductions.var, x, [0, 2], correction=0)


def test_one_long_row_is_parted_among_threads() -> None:
    x = numbers(65536 * 3 + 3)
    check(sums.sum_of(x.numpy()), reductions.sum_dim, x, None)
    check(sums.dot(x.numpy(), x.numpy()), reductions.dot, x, x)
    columns = x[: 65536 * 3].view(-1, 3)
    check(sums.sum_of(last(columns, (0,))), reductions.sum_dim, columns, [0])


@pytest.mark.deep
def test_three_levels_of_chunks() -> None:
    x = numbers(65536 * 17 + 3)
    check(sums.sum_of(x.numpy()), reductions.sum_dim, x, None)
    check(np.sqrt(sums.dot(x.numpy(), x.numpy())), reductions.vector_norm, x)
    columns = numbers(65536 * 2 + 5, 20)
    check(sums.sum_of(last(columns, (0,))), reductions.sum_dim, columns, [0])


def test_a_row_alone_is_the_row_in_a_batch() -> None:
    for n in SIZES:
        x = numbers(300, n)
        together = reductions.sum_dim(x, [1])
        down = reductions.sum_dim(x.t().contiguous(), [0])
        assert same(together, down)
        for row in (0, 7, 299):
            assert same(reductions.sum_dim(x[row : row + 1], [1]), together[row : row + 1])


@pytest.mark.parametrize("n", [3, 17, 300])
def test_special_values(n: int) -> None:
    rows = numbers(8, n)
    rows[1, n // 2] = torch.inf
    rows[2, 0], rows[2, n - 1] = torch.inf, -torch.inf
    rows[3, n // 3] = torch.nan
    rows[4] = -0.0
    rows[5] *= 2.0**-149 * 4
    rows[6] *= 3e38
    for given, dim in ((rows, 1), (rows.t().contiguous(), 0)):
        check(sums.sum_of(rows.numpy()), reductions.sum_dim, given, [dim])
        check(np.sqrt(sums.dot(rows.numpy(), rows.numpy())), reductions.vector_norm, given, 2, [dim])
        check(sums.product(rows.numpy()), reductions.prod_dim, given, dim)
    clean = torch.where(rows.isnan(), 0.0, rows)
    assert same(reductions.nansum(rows, [1]), sums.sum_of(clean.numpy()))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_summed_in_float32(dtype: torch.dtype) -> None:
    x = numbers(40, 300).to(dtype)
    wide = x.float()
    for dims in ([0], [1], None):
        assert torch.equal(reductions.sum_dim(x, dims), reductions.sum_dim(wide, dims).to(dtype))
        assert torch.equal(reductions.mean_dim(x, dims), reductions.mean_dim(wide, dims).to(dtype))
        assert torch.equal(
            reductions.vector_norm(x, 2, dims), reductions.vector_norm(wide, 2, dims).to(dtype)
        )
        assert torch.equal(reductions.var(x, dims), reductions.var(wide, dims).to(dtype))
    assert torch.equal(reductions.sum_dim(x, [1], dtype=torch.float32), reductions.sum_dim(wide, [1]))


def everything(x: Tensor) -> list[Tensor]:
    """Reductions through torch's functions, in all their forms."""
    one, flat = x[0, 0, 0, 0], x.flatten()
    return [
        *(x.sum(), x.sum(1), x.sum((0, 2, 3), keepdim=True), x.mean(), x.mean((-1, 0)), x.nansum(1)),
        *(x.var(), x.std((0, 1)), x.var(1, unbiased=False, keepdim=True), *torch.std_mean(x, 2)),
        *(x.norm(), x.norm(1), x.norm(3), x.norm(float("inf")), x.norm(0), x.norm(dim=1)),
        *(torch.linalg.vector_norm(x, 2, dim=(0, 2)), torch.linalg.matrix_norm(x)),
        *(x.prod(), x.prod(2, keepdim=True), torch.dot(flat, flat), x[0, 0].trace()),
        *(x.int().sum(dtype=torch.float32), x.sum(dtype=torch.float64), x.norm(dtype=torch.float64)),
        *((x > 0).sum(), x.int().prod(1), torch._foreach_norm([x, x])[1], x.logsumexp(1)),
        *(torch.sum(x, (1,), out=torch.empty(0)), x[:0].sum(), x[:, :0].mean(1)),
        *(one.sum(), one.sum(0), one.norm(), one.var(unbiased=False)),
    ]


def test_torchs_functions_give_what_they_gave() -> None:
    x = numbers(4, 6, 5, 7)
    for given in (x, x.to(memory_format=torch.channels_last), x.transpose(1, 2), x[:, ::2]):
        native = everything(given)
        with replaced(reductions.ROWS):
            ours, contiguous = everything(given), everything(given.contiguous())
        for place, (a, b, c) in enumerate(zip(native, ours, contiguous, strict=True)):
            assert (a.shape, a.dtype) == (b.shape, b.dtype), place
            assert torch.allclose(a.double(), b.double(), rtol=2e-5, atol=2e-5, equal_nan=True), place
            assert same(b, c), place


@pytest.mark.parametrize("dims", [5, (1, 1)])
def test_errors_are_torchs(dims: Any) -> None:
    with replaced(reductions.ROWS), pytest.raises((RuntimeError, IndexError)):
        numbers(2, 3).sum(dims)


def test_gradients() -> None:
    x = numbers(3, 4, 5, dtype=torch.float64).requires_grad_()
    functions = (
        *(lambda t: t.sum(1), lambda t: t.mean((0, 2)), lambda t: t.var(1), lambda t: t.std()),
        *(lambda t: t.norm(), lambda t: t.norm(1, dim=1), lambda t: t.norm(3), lambda t: t.prod(1)),
        *(lambda t: t.logsumexp(1), lambda t: torch.dot(t.flatten(), t.flatten()), lambda t: t[0].trace()),
    )
    with replaced(reductions.ROWS):
        for function in functions:
            assert torch.autograd.gradcheck(function, (x,))
