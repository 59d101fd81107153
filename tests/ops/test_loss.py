"""The negative log likelihood loss of images: torch's values, and sums that have no order."""

from __future__ import annotations

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from samebits.determinism.overrides import InstalledOverrides
from samebits.model.operators import OPERATIONS
from samebits.ops import loss

ROWS = [row for row in OPERATIONS if row.file == "loss"]
MEAN, SUM = 1, 2

forward = torch.ops.aten.nll_loss2d_forward


def task(
    shape: tuple[int, ...], dtype: torch.dtype, weighted: bool, seed: int = 0
) -> tuple[Tensor, Tensor, Tensor | None]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=generator, dtype=torch.float64).log_softmax(1).to(dtype)
    target = torch.randint(shape[1], (shape[0], *shape[2:]), generator=generator)
    weight = (torch.rand(shape[1], generator=generator, dtype=torch.float64) + 0.5).to(dtype)
    return x, target, weight if weighted else None


@settings(max_examples=50, deadline=None)
@given(
    st.tuples(st.integers(0, 3), st.integers(1, 5), st.integers(0, 7), st.integers(1, 7)),
    st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]),
    st.booleans(),
    st.sampled_from([MEAN, SUM]),
    st.sampled_from([-100, 0, 1]),
)
def test_the_loss_is_torchs(
    shape: tuple[int, ...], dtype: torch.dtype, weighted: bool, reduction: int, ignored: int
) -> None:
    x, target, weight = task(shape, dtype, weighted)
    found = loss.nll_loss2d_forward(x, target, weight, reduction, ignored)
    native = forward(x, target, weight, reduction, ignored)
    wide = None if weight is None else weight.double()
    exact = forward(x.double(), target, wide, reduction, ignored)
    for ours, torchs, right in zip(found, native, exact, strict=True):
        assert ours.dtype == dtype
        assert ours.shape == torchs.shape
        if right.isnan():
            assert ours.isnan()
            continue
        error, allowed = (ours.double() - right).abs(), (torchs.double() - right).abs()
        assert error <= 2 * allowed + right.abs() * torch.finfo(dtype).eps


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_the_order_of_the_pixels_does_not_matter(dtype: torch.dtype) -> None:
    x, target, weight = task((3, 5, 307, 211), dtype, True)
    wanted = loss.nll_loss2d_forward(x, target, weight, SUM, 2)
    for seed in range(3):
        order = torch.randperm(307 * 211, generator=torch.Generator().manual_seed(seed))
        moved = x.flatten(2)[..., order].view(x.shape)
        places = target.flatten(1)[:, order].view(target.shape)
        found = loss.nll_loss2d_forward(moved.flip(0), places.flip(0), weight, SUM, 2)
        assert torch.equal(found[0], wanted[0])
        assert torch.equal(found[1], wanted[1])


def test_threads_do_not_matter() -> None:
    x, target, weight = task((3, 5, 307, 211), torch.float64, True)
    threads = torch.get_num_threads()
    results = []
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            results.append(loss.nll_loss2d_forward(x, target, weight, MEAN, 2))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])


@pytest.mark.parametrize("raised", [torch.inf, -torch.inf, torch.nan, 3e38, 1e-45])
def test_what_is_not_finite_and_what_is_nearly_nothing(raised: float) -> None:
    x = torch.full((1, 2, 3, 3), raised)
    x[:, :, 1:] = 0 if raised < 1 else -1
    target = torch.zeros((1, 3, 3), dtype=torch.int64)
    found = loss.nll_loss2d_forward(x, target, None, SUM, -100)[0]
    wanted = forward(x, target, None, SUM, -100)[0]
    torch.testing.assert_close(found, wanted, equal_nan=True)


def test_small_doubles_keep_their_bits() -> None:
    x = torch.full((1, 1, 3, 3), 1e-300, dtype=torch.float64)
    target = torch.zeros((1, 3, 3), dtype=torch.int64)
    torch.testing.assert_close(
        loss.nll_loss2d_forward(x, target, None, SUM, -100)[0].double() * 1e300, torch.tensor(-9.0).double()
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_the_scale_is_the_same_where_nobody_waits_for_it(dtype: torch.dtype) -> None:
    for power in (-1074, -149, -40, -1, 0, 1, 30, 127, 1000):
        for factor in (1.0, 1.5, -1.25):
            terms = torch.tensor([0.0, factor * 2.0**power], dtype=torch.float64).to(dtype)
            if terms.isfinite().all():
                assert loss._power(terms.abs().amax(), 30) == loss._scale(terms, 30)
    assert loss._power(torch.tensor(torch.nan), 30).isfinite()


def test_no_pixel_counts() -> None:
    x, target, weight = task((2, 3, 4, 5), torch.float32, True)
    found = loss.nll_loss2d_forward(x, torch.full_like(target, 7), weight, MEAN, 7)
    assert found[0].isnan()
    assert found[1] == 0


@pytest.mark.parametrize("reduction", [MEAN, SUM])
def test_errors_are_torchs(reduction: int) -> None:
    x, target, weight = task((2, 3, 4, 5), torch.float32, True)
    assert weight is not None
    # One wrong target: of several, threads may find any first.
    over, under = target.clone(), target.clone()
    over[1, 2, 3], under[1, 2, 3] = 3, -9
    for wrong in (
        (x, over, weight),
        (x, under, weight),
        (x[0], target[0], weight),
        (x, target[:, 1:], weight),
        (x, target, weight[1:]),
        (x, target.double(), weight),
        (x, target, weight.double()),
    ):
        with pytest.raises((RuntimeError, IndexError)) as native:
            forward(*wrong, reduction, -100)
        with InstalledOverrides(ROWS), pytest.raises(type(native.value)) as ours:
            forward(*wrong, reduction, -100)
        assert str(ours.value) == str(native.value)


def test_through_torch() -> None:
    x, target, weight = task((2, 3, 4, 5), torch.float64, True)
    x.requires_grad_()
    with InstalledOverrides(ROWS), torch.random.fork_rng():
        for reduction in ("mean", "sum", "none"):
            call = partial(F.nll_loss, target=target, weight=weight, reduction=reduction)
            assert torch.autograd.gradcheck(call, (x,), fast_mode=True)
        output, total = torch.empty(0, dtype=torch.float64), torch.empty(0, dtype=torch.float64)
        forward.output(x.detach(), target, weight, MEAN, -100, output=output, total_weight=total)
    wanted = loss.nll_loss2d_forward(x.detach(), target, weight, MEAN, -100)
    assert torch.equal(output, wanted[0])
    assert torch.equal(total, wanted[1])
