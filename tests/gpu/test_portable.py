"""The portable mode on CUDA: the numbers of a CPU, to the bit.

Without a CUDA device this is skipped; `SAMEBITS_OPS_DEVICE=cpu` runs the same file on the CPU, which says
nothing about CUDA.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from samebits.errors import DeterminismError
from samebits.random.portable_mode.mode import portable
from samebits.random.portable_mode.scopes import scope

DEVICE = os.environ.get("SAMEBITS_OPS_DEVICE", "cuda")

pytestmark = [
    pytest.mark.skipif(DEVICE == "cuda" and not torch.cuda.is_available(), reason="needs a CUDA device"),
    pytest.mark.usefixtures("generators_restored"),
]

_SHAPE = (300, 70)


def _halves(device: str) -> Tensor:
    return torch.full(_SHAPE, 0.5, device=device)


#: What is drawn, given a device.
DRAWS: dict[str, Callable[[str], Tensor]] = {
    **{
        f"{name} {dtype}": lambda device, name=name, dtype=dtype: getattr(torch, name)(
            _SHAPE, device=device, dtype=dtype
        )
        for name in ("rand", "randn")
        for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64)
    },
    "randint": lambda device: torch.randint(1000, _SHAPE, device=device),
    "random_": lambda device: torch.empty(_SHAPE, device=device, dtype=torch.int32).random_(),
    "randperm": lambda device: torch.randperm(50_000, device=device),
    "uniform_": lambda device: torch.empty(_SHAPE, device=device).uniform_(-1, 3),
    "normal_": lambda device: torch.empty(_SHAPE, device=device).t().normal_(2, 3),
    "exponential_": lambda device: torch.empty(_SHAPE, device=device).exponential_(2),
    "geometric_": lambda device: torch.empty(_SHAPE, device=device).geometric_(0.1),
    "cauchy_": lambda device: torch.empty(_SHAPE, device=device).cauchy_(),
    "log_normal_": lambda device: torch.empty(_SHAPE, device=device).log_normal_(),
    "bernoulli": lambda device: torch.bernoulli(_halves(device)),
    "normal": lambda device: torch.normal(_halves(device), _halves(device)),
    "multinomial": lambda device: torch.multinomial(_halves(device), 9),
    "multinomial with replacement": lambda device: torch.multinomial(_halves(device), 9, True),
    "poisson": lambda device: torch.poisson(_halves(device) * 40),
    "binomial": lambda device: torch.binomial(_halves(device) * 40, _halves(device)),
    "gamma": lambda device: torch._standard_gamma(_halves(device)),
    "dirichlet": lambda device: torch._sample_dirichlet(_halves(device)),
    "trunc_normal_": lambda device: nn.init.trunc_normal_(torch.empty(_SHAPE, device=device)),
    "dropout": lambda device: F.dropout(_halves(device), 0.3),
    "dropout of channels": lambda device: F.dropout2d(_halves(device)[None, None], 0.3),
    "rrelu": lambda device: F.rrelu(-_halves(device), training=True),
    "generator of the CPU's seed": lambda device: torch.rand(
        _SHAPE, device=device, generator=torch.Generator(device).manual_seed(5)
    ),
}


@pytest.mark.parametrize("name", DRAWS)
def test_a_cpus_bits(name: str) -> None:
    with portable(0):
        there, after = DRAWS[name](DEVICE), torch.rand(3, device=DEVICE)
    with portable(0):
        here, then = DRAWS[name]("cpu"), torch.rand(3)
    assert there.device.type == DEVICE
    assert torch.equal(there.cpu(), here)
    assert torch.equal(after.cpu(), then)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_dropouts_gradient(dtype: torch.dtype) -> None:
    def gradient(device: str) -> Tensor:
        x = torch.linspace(0, 1, 5000, dtype=torch.float64).to(device, dtype).requires_grad_()
        with portable(0):
            F.dropout(x, 0.3).backward(x.detach() + 1)
        assert x.grad is not None
        return x.grad.cpu()

    assert torch.equal(gradient(DEVICE), gradient("cpu"))


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpoints_in_a_scope(reentrant: bool) -> None:
    """The backward, and with it the block, may run in a thread of autograd's."""

    def gradient(kept: bool) -> Tensor:
        x = torch.ones(500, device=DEVICE, requires_grad=True)
        with portable(0):
            with scope("a"):
                drop = nn.Dropout(0.5)
                y = drop(x) if kept else checkpoint(drop, x, use_reentrant=reentrant)
            y.sum().backward()
        assert x.grad is not None
        return x.grad

    assert torch.equal(gradient(True), gradient(False))


@pytest.mark.parametrize("causal", [True, False])
def test_attention_has_a_cpus_mask(causal: bool) -> None:
    """With all scores alike the weights are the mask."""

    def weights(device: str) -> Tensor:
        zeros, identity = torch.zeros(2, 3, 64, 64, device=device), torch.eye(64, device=device)
        with portable(0):
            values = identity.expand(2, 3, 64, 64)
            return F.scaled_dot_product_attention(zeros, zeros, values, None, 0.5, causal).cpu()

    assert torch.equal(weights(DEVICE) != 0, weights("cpu") != 0)


@pytest.mark.skipif(DEVICE != "cuda", reason="cuDNN's")
def test_cudnns_dropout_is_refused() -> None:
    network = nn.LSTM(8, 8, 2, dropout=0.5, device=DEVICE)
    with portable(0), pytest.raises(DeterminismError, match=r"cudnn\.flags\(enabled=False\)"):
        network(torch.ones(3, 2, 8, device=DEVICE))
    with portable(0), torch.backends.cudnn.flags(enabled=False):
        network(torch.ones(3, 2, 8, device=DEVICE))
