"""LSTM layers: the reference's bits, and those of torch's composition, forward and backward."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from tests.arithmetic.bits import THREADS, same_bits, threads
from tests.arithmetic.replaced import replaced
from torch import Tensor

from samebits.arithmetic import activations, compound, core, elementwise, products, recurrent, reductions
from samebits.arithmetic.reference import recurrent as reference

ROWS = (
    *(*products.ROWS, *reductions.ROWS, *recurrent.ROWS),
    *(*elementwise.ROWS, *activations.ROWS, *compound.ROWS),
)


def _layer(*args: Any, seed: int = 0, dtype: torch.dtype = torch.float32, **options: Any) -> torch.nn.LSTM:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return torch.nn.LSTM(*args, **options).to(dtype)


@contextmanager
def _composed() -> Iterator[None]:
    """torch computes layers step by step."""
    torch._C._set_mkldnn_enabled(False)
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(True)


def _normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _results(layer: torch.nn.LSTM, x: Tensor, given: Any = None) -> list[Tensor]:
    """The outputs, the last states, and the gradients of everything."""
    y, (h, c) = layer(x, given)
    grads = torch.linspace(-1, 1, y.numel(), dtype=torch.float32).view(y.shape).to(y.dtype)
    wanted = [x, *layer.parameters(), *(given or ())]
    total = (y * grads).sum() + h.sum() + (c * c).sum()
    return [y.detach(), h.detach(), c.detach(), *torch.autograd.grad(total, wanted)]


def test_the_references_bits_in_every_tier_and_number_of_threads() -> None:
    layer = _layer(5, 19)
    x, h, c = _normal(4, 3, 5), _normal(1, 3, 19), _normal(1, 3, 19)
    parameters: dict[str, Any] = {name: p.detach().numpy() for name, p in layer.named_parameters()}
    weights = parameters["weight_ih_l0"], parameters["weight_hh_l0"]
    biases = parameters["bias_ih_l0"], parameters["bias_hh_l0"]
    steps = reference.forward(x.numpy(), weights, biases, h[0].numpy(), c[0].numpy())
    grads = _normal(4, 3, 19)
    slopes = reference.backward(x.numpy(), weights, h[0].numpy(), steps, grads.numpy())
    for tier in core.tiers():
        for number in THREADS:
            given = x.clone().requires_grad_()
            with replaced(ROWS), core.using(tier), threads(number):
                y, (_, cell) = layer(given, (h, c))
                got = torch.autograd.grad(y, [given, *layer.parameters()], grads)
            same_bits(y.detach(), torch.from_numpy(np.stack([step.output for step in steps])))
            same_bits(cell[0].detach(), torch.from_numpy(steps[-1].cell))
            for name, gradient in zip(slopes, got, strict=True):
                same_bits(gradient, torch.from_numpy(slopes[name]))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_layers": 2, "bidirectional": True},
        {"num_layers": 2, "bias": False},
        {"batch_first": True, "bidirectional": True, "bias": False},
        {"dtype": torch.bfloat16, "bidirectional": True},
    ],
    ids=str,
)
def test_the_bits_of_the_composition(options: dict[str, Any]) -> None:
    layer = _layer(6, 10, **options)
    dtype = options.get("dtype", torch.float32)
    x = _normal(5, 3, 6).to(dtype).requires_grad_()
    with replaced(ROWS):
        ours = _results(layer, x)
        with torch.no_grad():
            same_bits(layer(x)[0], ours[0])
        with _composed():
            composed = _results(layer, x)
    for got, expected in zip(ours, composed, strict=True):
        same_bits(got, expected)


def test_torchs_own_results_nearly() -> None:
    layer = _layer(8, 12, 2, bidirectional=True)
    x = _normal(7, 4, 8).requires_grad_()
    given = tuple(_normal(4, 4, 12, seed=seed).requires_grad_() for seed in range(2))
    native = _results(layer, x, given)
    with replaced(ROWS):
        ours = _results(layer, x, given)
    for got, expected in zip(ours, native, strict=True):
        assert got.stride() == expected.stride()
        assert torch.allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_only_the_last_state_is_used() -> None:
    layer = _layer(3, 4)
    x = _normal(5, 2, 3).requires_grad_()
    with replaced(ROWS):
        for part in (0, 1):
            (ours,) = torch.autograd.grad(layer(x)[1][part].sum(), x)
            with _composed():
                (composed,) = torch.autograd.grad(layer(x)[1][part].sum(), x)
            same_bits(ours, composed)


def test_a_sequence_alone_is_the_sequence_in_a_batch() -> None:
    layer = _layer(8, 33)
    x = _normal(6, 5, 8)
    with replaced(ROWS), torch.no_grad():
        same_bits(layer(x[:, 2:3])[0], layer(x)[0][:, 2:3])
