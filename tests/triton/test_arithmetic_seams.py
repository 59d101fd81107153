"""The way from an operation's function to Triton's kernels, as on CUDA: the bits of the C kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from samebits.arithmetic import (
    activations,
    batch_norms,
    compound,
    convolution,
    elementwise,
    norms,
    products,
    reductions,
    scans,
    softmax,
)

from .arithmetic import as_hardware, same


def _normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


X, Y, W, B = _normal(3, 4, 5), _normal(3, 4, 5, seed=1), _normal(4, seed=2), _normal(4, seed=3)
ROW, COLUMN = _normal(5, seed=4), _normal(5, seed=5)
IMAGES, KERNEL = _normal(2, 3, 5, 6), _normal(4, 3, 3, 3, seed=1)
_HOW = ((1, 1), (1, 1), (1, 1), False, (0, 0), 1)
ALL = (True, True, True)


def _batch_norm(training: bool) -> Callable[[], Any]:
    def call() -> Any:
        mean, var = B.clone(), W.abs()
        return (
            *batch_norms.batch_norm(X, W, B, mean, var, training, 0.1, 1e-5)[: 3 if training else 1],
            mean,
            var,
        )

    return call


CALLS: dict[str, Callable[[], Any]] = {
    "mm": lambda: products.mm(X[0], Y[0].T),
    "addmm": lambda: products.addmm(W, X[0], Y[0].T, beta=0.5),
    "convolution": lambda: convolution.convolution(IMAGES, KERNEL, None, *_HOW),
    "convolution_backward": lambda: convolution.convolution_backward(
        _normal(2, 4, 5, 6), IMAGES, KERNEL, None, *_HOW, (True, True, False)
    )[:2],
    "layer_norm": lambda: norms.layer_norm(X, (5,), ROW, COLUMN, 1e-5),
    "layer_norm_backward": lambda: norms.layer_norm_backward(
        Y, X, (5,), X.mean(2, keepdim=True), X.std(2, keepdim=True), ROW, COLUMN, ALL
    ),
    "group_norm": lambda: norms.group_norm(X, W, B, 3, 4, 5, 2, 1e-5),
    "group_norm_backward": lambda: norms.group_norm_backward(
        Y, X, _normal(3, 2), _normal(3, 2).abs(), W, 3, 4, 5, 2, ALL
    ),
    "batch_norm": _batch_norm(True),
    "batch_norm, eval": _batch_norm(False),
    "batch_norm_backward": lambda: batch_norms.batch_norm_backward(
        Y, X, W, None, None, B, W.abs(), True, 1e-5, ALL
    ),
    "batch_norm_backward, eval": lambda: batch_norms.batch_norm_backward(
        Y, X, W, B, W.abs(), None, None, False, 1e-5, (True, False, True)
    ),
    "sum": lambda: reductions.sum_dim(X, (0, 2)),
    "mean": lambda: reductions.mean_all(X),
    "softmax": lambda: softmax.ROWS[0].function(X, 1, False),
    "cumsum": lambda: scans.cumsum(X, 1),
    "exp": lambda: next(r for r in elementwise.ROWS if r.schema == "aten::exp").function(X),
    "gelu": lambda: next(r for r in activations.ROWS if r.schema == "aten::gelu").function(X),
    "add": lambda: next(r for r in compound.ROWS if r.schema == "aten::add.Tensor").function(
        X, ROW, alpha=0.3
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_bits_are_those_of_the_cpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = CALLS[name]()
    with as_hardware(), monkeypatch.context() as patch:
        patch.setattr(Tensor, "is_cpu", property(lambda tensor: False))
        got = CALLS[name]()
    pairs = zip(*((one,) if isinstance(one, Tensor) else one for one in (got, expected)), strict=True)
    for one, other in pairs:
        assert (one is None) == (other is None)
        if other is not None:
            assert one.shape == other.shape
            assert one.dtype is other.dtype
            assert same(one, other)
