"""Running products and log-sums of one row: torch's values, grouped by the length alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from samebits.determinism.overrides import InstalledOverrides
from samebits.model.operators import OPERATIONS
from samebits.ops import scan

ROWS = [row for row in OPERATIONS if row.file == "scan"]
W = scan.WIDTH
LENGTHS = [2, 3, W - 1, W, W + 1, 2 * W - 1, 2 * W, 2 * W + 1, 130 * W, 129 * W + 77]
TYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128]
BOTH = pytest.mark.parametrize(
    ("ours", "torchs"),
    [(scan.cumprod, torch.cumprod), (scan._logcumsumexp, torch.logcumsumexp)],
    ids=["cumprod", "logcumsumexp"],
)

Scan = Callable[..., Any]


def near_one(length: int, dtype: torch.dtype, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(
        length, generator=generator, dtype=torch.complex128 if dtype.is_complex else torch.float64
    )
    return (1 + noise * 1e-3).to(dtype)


@BOTH
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_is_as_near_as_torchs(ours: Scan, torchs: Scan, length: int, dtype: torch.dtype) -> None:
    x = near_one(length, dtype)
    exact = torchs(x.double(), 0)
    error = ((ours(x, 0).double() - exact) / exact).abs().max()
    allowed = ((torchs(x, 0).double() - exact) / exact).abs().max()
    if dtype == torch.float64:
        # torch's is its own reference here: a product of n factors may be off by n units.
        allowed = torch.tensor(length * torch.finfo(dtype).eps)
    assert error <= 2 * allowed + torch.finfo(dtype).eps


@BOTH
@pytest.mark.parametrize("dtype", TYPES)
def test_types(ours: Scan, torchs: Scan, dtype: torch.dtype) -> None:
    x = near_one(3 * W + 5, dtype)
    found = ours(x, -1)
    assert found.dtype == dtype
    wide = torch.complex128 if dtype.is_complex else torch.float64
    narrow = {torch.complex64: torch.float32, torch.complex128: torch.float64}.get(dtype, dtype)
    exact = torchs(x.to(wide), -1)
    tolerance = max(3 * torch.finfo(narrow).eps, 1e-11)
    torch.testing.assert_close(found.to(wide), exact, rtol=tolerance, atol=tolerance)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3 * W), st.sampled_from(["front", "back", "alone"]), st.booleans())
def test_every_shape_of_one_row(length: int, ones: str, strided: bool) -> None:
    x = near_one(length * 2, torch.float64)[::2] if strided else near_one(length, torch.float64)
    x, dim = {"front": (x[None, :], 1), "back": (x[:, None, None], 0), "alone": (x, 0)}[ones]
    wanted = x.cumprod(dim)
    with InstalledOverrides(ROWS):
        found = x.cumprod(dim)
    assert found.shape == wanted.shape
    assert found.stride() == wanted.stride()
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=0)


@BOTH
def test_threads_do_not_matter(ours: Scan, torchs: Scan) -> None:
    x = near_one(300 * W + 3, torch.float32)
    threads, results = torch.get_num_threads(), []
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            results.append(ours(x, 0))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*results)


@BOTH
@pytest.mark.parametrize("special", [torch.nan, torch.inf, -torch.inf, 0.0, -0.0, 1e-45])
def test_special_values_stay_and_spread(ours: Scan, torchs: Scan, special: float) -> None:
    x = near_one(2 * W + 9, torch.float32)
    for at in (0, W - 1, W, W + 7, 2 * W + 3):
        x[at] = special
        torch.testing.assert_close(ours(x, 0), torchs(x, 0), equal_nan=True, rtol=1e-5, atol=1e-45)


@BOTH
def test_nothing_but_log_zeros(ours: Scan, torchs: Scan) -> None:
    x = torch.full((2 * W + 3,), -torch.inf)
    torch.testing.assert_close(ours(x, 0), torchs(x, 0), equal_nan=True)


def test_what_is_deterministic_is_left_to_torch() -> None:
    assert scan.cumprod(torch.ones(2, 3), 1) is NotImplemented
    assert scan.cumprod(torch.ones(3, dtype=torch.int64), 0) is NotImplemented
    assert scan.cumprod(torch.tensor(1.0), 0) is NotImplemented
    assert scan.cumprod(torch.ones(0), 0) is NotImplemented
    assert scan.cumprod(torch.ones(3), 1) is NotImplemented
    assert scan._logcumsumexp(torch.ones(2, 3), 0) is NotImplemented


def test_the_other_forms_and_the_type_that_is_asked_for() -> None:
    x = near_one(2 * W + 1, torch.float32)
    wanted = scan.cumprod(x, 0)
    with InstalledOverrides(ROWS):
        integers = torch.tensor([1, 2, 3])
        assert torch.equal(integers.cumprod(0, dtype=torch.float32), torch.tensor([1.0, 2.0, 6.0]))
        assert torch.equal(x.cumprod(0, dtype=torch.float64), scan.cumprod(x.double(), 0))
        for dtype in (torch.float32, torch.float64):
            into = torch.empty(0, dtype=dtype)
            assert torch.cumprod(x, 0, out=into) is into
            assert torch.equal(into, scan.cumprod(x.to(dtype), 0))
        assert torch.equal(x.clone().cumprod_(0), wanted)
        into = torch.empty(0)
        torch.logcumsumexp(x, 0, out=into)
        assert torch.equal(into, scan._logcumsumexp(x, 0))
        with pytest.raises(RuntimeError, match="should match"):
            x.clone().cumprod_(0, dtype=torch.float64)
        with pytest.raises(IndexError):
            x.cumprod(1)
    torch.testing.assert_close(x.cumprod(0), wanted)


def test_derivatives_through_torch() -> None:
    x = near_one(7, torch.float64).requires_grad_()
    with InstalledOverrides(ROWS), torch.random.fork_rng():
        for call in (lambda x: x.cumprod(0), lambda x: x.logcumsumexp(0)):
            assert torch.autograd.gradcheck(call, (x,), fast_mode=True)
            assert torch.autograd.gradgradcheck(call, (x,), fast_mode=True)
