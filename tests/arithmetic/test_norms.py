"""Normalizations are the formulas of the definition, forward and backward, in every layout."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from tests.arithmetic.everywhere import check
from tests.arithmetic.replaced import replaced
from torch import Tensor, nn

from samebits.arithmetic import batch_norms, norms, reductions
from samebits.arithmetic.reference import norms as reference

EPS = 1e-5
ALL = (True, True, True)


def numbers(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed)) + 1


def of(tensor: Tensor | None) -> Any:
    return None if tensor is None else tensor.contiguous().numpy()


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("n", [1, 15, 16, 17, 255, 257, 1000])
def test_rows(n: int, affine: bool) -> None:
    x, grad = numbers(300, n), numbers(300, n, seed=1)
    weight, bias = (numbers(n, seed=2), numbers(n, seed=3)) if affine else (None, None)
    want = reference.layer_norm(of(x), of(weight), of(bias), EPS)
    mean, rstd = torch.from_numpy(want.mean)[:, None], torch.from_numpy(want.rstd)[:, None]
    check((want.y, of(mean), of(rstd)), norms.layer_norm, x, [n], weight, bias, EPS)
    gradients = reference.layer_norm_backward(of(grad), of(x), want.mean, want.rstd, of(weight))

    def backward() -> list[Tensor]:
        all_of = norms.layer_norm_backward(grad, x, [n], mean, rstd, weight, bias, ALL)
        return [one for one in all_of if one is not None]

    check(tuple(gradients)[: 3 if affine else 1], backward)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", [(4, 6, 49), (3, 12, 300), (2, 6, 1), (1, 4, 2049)])
@pytest.mark.parametrize("groups", [1, 2])
def test_groups(shape: tuple[int, int, int], groups: int, affine: bool) -> None:
    n, c, length = shape
    x, grad = numbers(*shape), numbers(*shape, seed=1)
    weight, bias = (numbers(c, seed=2), numbers(c, seed=3)) if affine else (None, None)
    want = reference.group_norm(of(x), groups, of(weight), of(bias), EPS)
    check(tuple(want), norms.group_norm, x, weight, bias, n, c, length, groups, EPS)
    gradients = reference.group_norm_backward(of(grad), of(x), want.mean, want.rstd, groups, of(weight))
    mean, rstd = torch.from_numpy(want.mean), torch.from_numpy(want.rstd)
    last = (weight, n, c, length, groups, ALL)
    check(tuple(gradients), norms.group_norm_backward, grad, x, mean, rstd, *last)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(40, 6), (400, 33), (4, 6, 9), (5, 6, 700), (8, 300, 4), (3, 7, 40, 41)])
def test_channels(shape: tuple[int, ...], training: bool) -> None:
    x, grad = numbers(*shape), numbers(*shape, seed=1)
    c = shape[1]
    weight, bias = numbers(c, seed=2), numbers(c, seed=3)
    running = numbers(c, seed=4), numbers(c, seed=5).abs()
    flat, flat_grad = of(x).reshape(shape[0], c, -1), of(grad).reshape(shape[0], c, -1)
    want = reference.batch_norm(flat, of(weight), of(bias), EPS)
    kept: Any = (want.mean, want.rstd)
    if not training:
        mean, rstd = of(running[0]), reference.reciprocal_root(of(running[1]), EPS)
        y = reference.batch_norm_with(flat, mean, rstd, of(weight), of(bias))
        want, kept = reference.Normalized(y, mean, rstd), (np.empty(0, np.float32),) * 2
    gradients = reference.batch_norm_backward(flat_grad, flat, want.mean, want.rstd, of(weight), training)
    updated = reference.running(flat, want.mean, of(running[0]), of(running[1]), 0.1)
    layouts = [
        x,
        x.movedim(1, -1).contiguous().movedim(-1, 1),
        x.transpose(0, 1).contiguous().transpose(0, 1),
    ]
    saved = torch.from_numpy(want.mean), torch.from_numpy(want.rstd)
    for given in layouts:

        def forward(given: Tensor) -> tuple[Tensor, ...]:
            own = [one.clone() for one in running]
            y, *statistics = batch_norms.batch_norm(given, weight, bias, *own, training, 0.1, EPS)
            return y.contiguous(), *statistics, *own

        after = updated if training else running
        check((want.y.reshape(shape), *kept, *after), forward, given)

        def backward(given: Tensor) -> tuple[Tensor, ...]:
            all_of: Any = batch_norms.batch_norm_backward(
                grad, given, weight, *running, *saved, training, EPS, ALL
            )
            return all_of[0].contiguous(), *all_of[1:]

        check((gradients.x.reshape(shape), gradients.weight, gradients.bias), backward, given)


def test_special_values() -> None:
    x = numbers(6, 40)
    x[0, 3], x[1, 5], x[2] = torch.inf, torch.nan, 7.0
    x[3] *= 1e-38
    x[4] *= 1e38
    for given in (x, x.t().contiguous()):
        want = reference.layer_norm(of(given), None, None, EPS)
        check(want.y, lambda given: norms.layer_norm(given, given.shape[1:], None, None, EPS)[0], given)


CASES = [
    *((nn.BatchNorm2d(6), (4, 6, 5, 5)), (nn.BatchNorm2d(6, affine=False), (4, 6, 5, 5))),
    *((nn.BatchNorm2d(6, track_running_stats=False), (4, 6, 5, 5)), (nn.BatchNorm1d(6), (40, 6))),
    *((nn.BatchNorm2d(6, momentum=None), (4, 6, 5, 5)), (nn.BatchNorm1d(6), (4, 6, 9))),
    *((nn.BatchNorm3d(6), (4, 6, 2, 3, 2)), (nn.InstanceNorm2d(6, affine=True), (4, 6, 5, 5))),
    *((nn.InstanceNorm1d(6, track_running_stats=True), (4, 6, 5)), (nn.LayerNorm(30), (7, 30))),
    *((nn.LayerNorm((5, 5)), (4, 6, 5, 5)), (nn.LayerNorm(30, elementwise_affine=False), (7, 30))),
    *((nn.LayerNorm(30, bias=False), (7, 30)), (nn.GroupNorm(2, 6), (4, 6, 5, 5))),
    *(
        (nn.GroupNorm(3, 6, affine=False), (4, 6, 5, 5)),
        (nn.GroupNorm(2, 6), (4, 6)),
        (nn.RMSNorm(30), (7, 30)),
    ),
]
ROWS = (*norms.ROWS, *batch_norms.ROWS, *reductions.ROWS)


def trained(module: nn.Module, x: Tensor) -> list[Tensor]:
    """The result, the gradients and the statistics after one step."""
    module, x = copy.deepcopy(module), x.detach().requires_grad_()
    y = module(x)
    y.backward(torch.ones_like(y).cumsum(-1).sin())
    return [y.detach(), x.grad, *(one.grad for one in module.parameters()), *module.buffers()]  # type: ignore[list-item]


@pytest.mark.parametrize(("module", "shape"), CASES, ids=str)
def test_modules_compute_what_torchs_do(module: nn.Module, shape: tuple[int, ...]) -> None:
    for parameter in module.parameters():
        nn.init.normal_(parameter, generator=torch.Generator().manual_seed(1))
    for training in (True, False):
        module.train(training)
        for x in (numbers(*shape), numbers(*shape).movedim(1, -1).contiguous().movedim(-1, 1)):
            for dtype, rtol in ((torch.float32, 2e-4), (torch.bfloat16, 0.1)):
                cast, given = copy.deepcopy(module).to(dtype), x.to(dtype)
                native = trained(cast, given)
                with replaced(ROWS):
                    ours = trained(cast, given)
                for place, (a, b) in enumerate(zip(native, ours, strict=True)):
                    assert (a.shape, a.dtype, a.stride()) == (b.shape, b.dtype, b.stride()), place
                    assert torch.allclose(a.double(), b.double(), rtol=rtol, atol=rtol), (place, dtype)


@pytest.mark.parametrize(("module", "shape"), CASES, ids=str)
def test_gradients(module: nn.Module, shape: tuple[int, ...]) -> None:
    x = numbers(*shape, dtype=torch.float64)[:2].requires_grad_()
    for training in (True, False):
        double = copy.deepcopy(module).double().train(training)
        with replaced(ROWS):
            assert torch.autograd.gradcheck(
                lambda x, *_: double(x),  # noqa: B023
                (x, *double.parameters()),
                fast_mode=True,
            )
