"""Losses: their formulas, torch's results nearly, and gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.arithmetic.bits import THREADS, same_bits, threads
from tests.arithmetic.replaced import replaced
from torch import Tensor

from samebits.arithmetic import activations, compound, core, elementwise, losses, margins, reductions, softmax
from samebits.arithmetic.reference.sums import sum_of

ROWS = (
    *(*losses.ROWS, *margins.ROWS, *reductions.ROWS, *softmax.ROWS),
    *(*elementwise.ROWS, *activations.ROWS, *compound.ROWS),
)
ROWS_OF_X, CLASSES = 70, 9


def _normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _classes(*shape: int) -> Tensor:
    return torch.randint(CLASSES, shape, generator=torch.Generator().manual_seed(2))


def _labels(rows: int, classes: int) -> Tensor:
    """Some different classes, and then -1."""
    made = torch.Generator().manual_seed(4)
    labels = torch.stack([torch.randperm(classes, generator=made) for _ in range(rows)])
    count = torch.randint(classes + 1, (rows, 1), generator=made)
    return torch.where(torch.arange(classes) < count, labels, -1)


def _against(loss: Callable[..., Tensor], **options: Any) -> Callable[..., Tensor]:
    return lambda x, **more: loss(x, _normal(*x.shape, seed=3).to(x.dtype), **options, **more)


_WEIGHT = torch.linspace(0.1, 1.9, CLASSES)


def _nll(x: Tensor, **options: Any) -> Tensor:
    target = _classes(x.shape[0], *x.shape[2:])
    return F.nll_loss(x, target, _WEIGHT.to(x.dtype), ignore_index=3, **options)


def _probable(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def call(x: Tensor, **options: Any) -> Tensor:
        y, weight = torch.sigmoid(_normal(*x.shape, seed=3)).to(x.dtype), _WEIGHT.to(x.dtype)
        return loss(torch.sigmoid(x), y, weight, **options)

    return call


LOSSES: dict[str, tuple[Callable[..., Tensor], tuple[int, ...]]] = {
    "mse": (_against(F.mse_loss), (ROWS_OF_X, CLASSES)),
    "l1": (_against(F.l1_loss), (ROWS_OF_X, CLASSES)),
    "smooth_l1": (_against(F.smooth_l1_loss, beta=0.7), (ROWS_OF_X, CLASSES)),
    "huber": (_against(F.huber_loss, delta=0.7), (ROWS_OF_X, CLASSES)),
    "nll": (_nll, (ROWS_OF_X, CLASSES)),
    "nll, images": (_nll, (3, CLASSES, 5, 7)),
    "cross_entropy": (
        lambda x, **options: F.cross_entropy(x, _classes(len(x)), label_smoothing=0.1, **options),
        (ROWS_OF_X, CLASSES),
    ),
    "binary_cross_entropy": (_probable(F.binary_cross_entropy), (ROWS_OF_X, CLASSES)),
    "with_logits": (_against(F.binary_cross_entropy_with_logits), (ROWS_OF_X, CLASSES)),
    "soft_margin": (_against(F.soft_margin_loss), (ROWS_OF_X, CLASSES)),
    "multi_margin": (
        lambda x, **options: F.multi_margin_loss(x, _classes(len(x)), weight=_WEIGHT.to(x.dtype), **options),
        (ROWS_OF_X, CLASSES),
    ),
    "multi_margin, squares": (
        lambda x, **options: F.multi_margin_loss(x, _classes(len(x)), p=2, margin=0.8, **options),
        (ROWS_OF_X, CLASSES),
    ),
    "multilabel_margin": (
        lambda x, **options: F.multilabel_margin_loss(x, _labels(*x.shape), **options),
        (ROWS_OF_X, CLASSES),
    ),
    "kl_div": (
        lambda x, **options: F.kl_div(x, torch.softmax(_normal(*x.shape, seed=3), 1).to(x.dtype), **options),
        (ROWS_OF_X, CLASSES),
    ),
}


def _results(call: Callable[..., Tensor], x: Tensor, reduction: str) -> list[Tensor]:
    x = x.detach().requires_grad_()
    y = call(x, reduction=reduction)
    grad = torch.linspace(0.5, 1.5, y.numel()).view(y.shape).to(y.dtype)
    return [y.detach(), *torch.autograd.grad(y, x, grad)]


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.filterwarnings("ignore:reduction")
def test_one_result_in_every_tier_and_number_of_threads_near_torchs(name: str, reduction: str) -> None:
    call, shape = LOSSES[name]
    x = _normal(*shape)
    native, wide = _results(call, x, reduction), _results(call, x.double(), reduction)
    with replaced(ROWS):
        expected = _results(call, x, reduction)
        for tier in core.tiers():
            for number in THREADS:
                with core.using(tier), threads(number):
                    for laid in (x, x.transpose(0, 1).contiguous().transpose(0, 1)):
                        for got, want in zip(_results(call, laid, reduction), expected, strict=True):
                            same_bits(got, want)
        half = _results(call, x.bfloat16(), reduction)
    for ours, theirs, exact in zip(expected, native, wide, strict=True):
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
        assert torch.allclose(ours.double(), exact, rtol=1e-5, atol=1e-6)
    assert half[0].dtype is torch.bfloat16
    assert torch.allclose(half[0].double(), wide[0], rtol=0.1, atol=0.1)


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in ("l1", "soft_margin")])
@pytest.mark.filterwarnings("ignore:reduction")
def test_gradients(name: str) -> None:
    call, shape = LOSSES[name]
    x = _normal(*(min(size, CLASSES) for size in shape)).double().requires_grad_()
    with replaced(ROWS):
        for reduction in ("none", "mean"):
            assert torch.autograd.gradcheck(partial(call, reduction=reduction), (x,), fast_mode=True)


def test_formulas() -> None:
    x, y = _normal(40, 30), _normal(40, 30, seed=3)
    a, b = x.numpy(), y.numpy()
    squares = ((a - b) * (a - b)).reshape(-1)
    with replaced(ROWS):
        same_bits(F.mse_loss(x, y), torch.from_numpy(np.asarray(sum_of(squares) / np.float32(1200))))
        target = _classes(40)
        chosen = a[np.arange(40), target.numpy()]
        nll = np.asarray(sum_of(-chosen) / np.float32(40))
        same_bits(F.nll_loss(x, target), torch.from_numpy(nll))
        x.requires_grad_()
        (grad,) = torch.autograd.grad(F.mse_loss(x, y), x)
    same_bits(grad, torch.from_numpy((a - b) * np.float32(2 / 1200)))


def test_what_torch_refuses_it_refuses() -> None:
    x = _normal(4, CLASSES)
    with replaced(ROWS):
        for wrong in (torch.full((4,), CLASSES), torch.full((4,), -1)):
            with pytest.raises(IndexError):
                F.nll_loss(x, wrong)
        with pytest.raises(RuntimeError):
            F.binary_cross_entropy(x, x.sigmoid())
        assert F.nll_loss(x, torch.full((4,), -100)).isnan()
        assert F.mse_loss(x[:0], x[:0]).isnan()
