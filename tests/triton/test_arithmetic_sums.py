"""Sums, softmax and normalizations in Triton give the bits of the C kernels."""

from __future__ import annotations

from math import inf, nan, prod
from typing import Any

import pytest
import torch
from torch import Tensor

from samebits.arithmetic import batch_norms, norms, softmax, sums
from samebits.arithmetic._triton import norms as norms_on_cuda
from samebits.arithmetic._triton import softmax as softmax_on_cuda
from samebits.arithmetic._triton import sums as sums_on_cuda
from samebits.arithmetic.terms import Term

from .arithmetic import as_hardware, same

DTYPES = (torch.float32, torch.float64)
EPS = 1e-5


def drawn(*shape: int, dtype: torch.dtype, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed + sum(shape))).to(dtype)


def alike(got: Any, want: Any) -> bool:
    pairs = [(a, b) for a, b in zip(got, want, strict=True) if b is not None]
    return all(same(a.reshape(b.shape), b) for a, b in pairs) and len(pairs) > 0


SHAPES: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((7,), (0,)), ((3, 300), (1,)), ((300, 3), (0,)), ((2, 3, 4, 5), (0, 2, 3)), ((40, 20, 2), (0, 2)),
    ((20, 33), (0,)), ((2, 3, 400), (0, 1)), ((257, 18), (0,)), ((1, 1), (1,)),
)  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(
    "term", [term for term in Term if term is not Term.STANDARD], ids=lambda term: term.name
)
@pytest.mark.parametrize(("shape", "dims"), SHAPES)
def test_sums(shape: tuple[int, ...], dims: tuple[int, ...], term: Term, dtype: torch.dtype) -> None:
    x, y = drawn(*shape, dtype=dtype), drawn(*shape, dtype=dtype, seed=1)
    x.view(-1)[0] = -0.0
    for laid in (x, x.transpose(0, -1).contiguous().transpose(0, -1)):
        how = sums.plan(laid.shape, laid.stride(), dims)
        assert how is not None
        given: dict[str, Any] = {}
        if term in (Term.PRODUCTS, Term.COVARIANCE):
            given["y"] = torch.empty_strided(laid.shape, laid.stride(), dtype=dtype).copy_(y)
        if term in (Term.DEVIATIONS, Term.COVARIANCE):
            given["m"] = drawn(max(prod(how.shape), 1), dtype=dtype)
        for divisor, root in ((1.0, False), (3.0, True)):
            want = sums.total(term, laid, how, divisor=divisor, root=root, **given)
            with as_hardware():
                got = sums_on_cuda.total(term, laid, how, divisor=divisor, root=root, **given)
            assert same(got, want)


def test_sums_of_sums_of_chunks() -> None:
    x = drawn(2, 66_000, dtype=torch.float32)
    how = sums.plan(x.shape, x.stride(), (1,))
    assert how is not None
    with as_hardware():
        got = sums_on_cuda.total(Term.SUM, x, how)
    assert same(got, sums.total(Term.SUM, x, how))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(
    ("shape", "dim"), [((5, 7), 1), ((3, 300), 1), ((300, 20), 0), ((2, 30, 5), 1), ((1,), 0)]
)
def test_softmax(shape: tuple[int, ...], dim: int, dtype: torch.dtype) -> None:
    x, grad = drawn(*shape, dtype=dtype) * 3, drawn(*shape, dtype=dtype, seed=1)
    if shape == (3, 300):
        x[0, 3], x[1, 5], x[2, :7] = inf, nan, -inf
    y, log = softmax.softmax(x, dim, False), softmax.log_softmax(x, dim, False)
    want = (
        y,
        log,
        softmax.softmax_backward(grad, y, dim, dtype),
        softmax.log_softmax_backward(grad, log, dim, dtype),
    )
    with as_hardware():
        got = (
            softmax_on_cuda.softmax(x, dim),
            softmax_on_cuda.log_softmax(x, dim),
            softmax_on_cuda.softmax_backward(grad, y, dim),
            softmax_on_cuda.log_softmax_backward(grad, log, dim),
        )
    assert alike(got, want)


def parameters(n: int, dtype: torch.dtype, which: str) -> tuple[Tensor | None, Tensor | None]:
    weight, bias = drawn(n, dtype=dtype, seed=2), drawn(n, dtype=dtype, seed=3)
    return weight if "w" in which else None, bias if "b" in which else None


each = pytest.mark.parametrize("dtype", DTYPES, ids=str)
which = pytest.mark.parametrize("which", ["", "w", "b", "wb"])


@each
@which
def test_layer_norm(dtype: torch.dtype, which: str) -> None:
    rows, n = 5, 300
    x, grad, (w, b) = (
        drawn(rows, n, dtype=dtype),
        drawn(rows, n, dtype=dtype, seed=1),
        parameters(n, dtype, which),
    )
    want = norms.layer_norm(x, (n,), w, b, EPS)
    back = norms.layer_norm_backward(grad, x, (n,), want[1], want[2], w, b, (True, True, True))
    with as_hardware():
        got = norms_on_cuda.layer_norm(x, w, b, EPS, rows, n)
        got_back = norms_on_cuda.layer_norm_backward(grad, x, got[1], got[2], w, rows, n)
    assert alike(got, want)
    assert alike(got_back, back)


@each
@which
def test_group_norm(dtype: torch.dtype, which: str) -> None:
    sizes = 3, 6, 50, 2
    x, grad, (w, b) = (
        drawn(3, 6, 50, dtype=dtype),
        drawn(3, 6, 50, dtype=dtype, seed=1),
        parameters(6, dtype, which),
    )
    want = norms.group_norm(x, w, b, *sizes, EPS)
    back = norms.group_norm_backward(grad, x, want[1], want[2], w, *sizes, (True, True, True))
    with as_hardware():
        got = norms_on_cuda.group_norm(x, w, b, EPS, *sizes)
        got_back = norms_on_cuda.group_norm_backward(grad, x, got[1], got[2], w, *sizes)
    assert alike(got, want)
    assert alike(got_back, back)


@each
@which
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("last", [False, True], ids=["channels first", "channels last"])
def test_batch_norm(dtype: torch.dtype, which: str, training: bool, last: bool) -> None:
    o, c, length = sizes = 3, 6, 50
    x, grad, (w, b) = (
        drawn(*sizes, dtype=dtype),
        drawn(*sizes, dtype=dtype, seed=1),
        parameters(c, dtype, which),
    )
    if last:
        x, grad = (one.movedim(1, -1).contiguous().movedim(-1, 1) for one in (x, grad))
        sizes = o * length, c, 1
    running = drawn(c, dtype=dtype, seed=4), drawn(c, dtype=dtype, seed=5).abs()
    there = running[0].clone(), running[1].clone()
    want = batch_norms.batch_norm(x, w, b, *running, training, 0.1, EPS)
    mask = True, True, True
    back = batch_norms.batch_norm_backward(grad, x, w, *running, want[1], want[2], training, EPS, mask)
    with as_hardware():
        got = norms_on_cuda.batch_norm(x, w, b, *there, training, 0.1, EPS, *sizes)
        got_back = norms_on_cuda.batch_norm_backward(
            grad, x, got[1], got[2], w, *there, training, EPS, *sizes
        )
    assert alike(got[: 3 if training else 1], want[: 3 if training else 1])
    assert alike(there, running)
    assert alike(got_back, back)
