"""What is computed: single operations of a fixed input, and a short training.

`EXACT` are integers, samebits' random numbers, and float operations that IEEE 754 rounds exactly: equal on
every machine.  `MACHINE` are sums of floats and functions such as exp, whose bits hang on the kernels of a
machine, and so does what `training` yields.  Inputs are samebits' random numbers.

Operations are called by their public names as the piece runs, so that what takes their place is tested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from samebits.random import bits, dropout, fold_in, key, normal, permutation, randint, uniform

_SEED: Final = 20250102
_STEPS: Final = 4
#: Kernels that split work over threads do so above some 32768 elements.
_LONG: Final = 100_003


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that is computed and hashed by itself.

    Attributes:
        name: the operation's, as users call it.
        run: computes it on a device.
    """

    name: str
    run: Callable[[torch.device], Tensor | tuple[Tensor, ...]]


def _floats(name: str, *shape: int, device: torch.device) -> Tensor:
    """Normal numbers of a name: the same bits on every device."""
    return normal(fold_in(key(_SEED), name), *shape, dtype=torch.float32, device=device)


def _integers(name: str, *shape: int, device: torch.device, high: int = 1 << 20) -> Tensor:
    return randint(fold_in(key(_SEED), name), *shape, low=-high, high=high, device=device).long()


def _positive(name: str, *shape: int, device: torch.device) -> Tensor:
    return uniform(fold_in(key(_SEED), name), *shape, dtype=torch.float32, device=device) + 0.5


def _gradients(result: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    """The result, and its gradients for weights that are exact in float32."""
    weights = torch.arange(result.numel(), device=result.device, dtype=torch.float32).remainder(7).sub(3)
    return (result.detach(), *torch.autograd.grad(result, inputs, weights.reshape(result.shape)))


def _conv2d(device: torch.device) -> tuple[Tensor, ...]:
    image = _floats("image", 2, 8, 20, 20, device=device).requires_grad_()
    weight = _floats("weight", 16, 8, 3, 3, device=device).requires_grad_()
    return _gradients(F.conv2d(image, weight, padding=1), image, weight)


def _linear(device: torch.device) -> tuple[Tensor, ...]:
    rows = _floats("rows", 64, 96, device=device).requires_grad_()
    weight = _floats("weight", 80, 96, device=device).requires_grad_()
    return _gradients(F.linear(rows, weight), rows, weight)


def _attention(device: torch.device) -> tuple[Tensor, ...]:
    shape = (2, 4, 48, 16)
    query, keys, values = (
        _floats(name, *shape, device=device).requires_grad_() for name in ("query", "key", "value")
    )
    return _gradients(F.scaled_dot_product_attention(query, keys, values), query, keys, values)


def _layer_norm(device: torch.device) -> tuple[Tensor, ...]:
    rows = _floats("rows", 32, 200, device=device).requires_grad_()
    return _gradients(F.layer_norm(rows, (200,)), rows)


def _batch_norm(device: torch.device) -> tuple[Tensor, ...]:
    image = _floats("image", 8, 12, 9, 9, device=device).requires_grad_()
    return _gradients(F.batch_norm(image, None, None, training=True), image)


def _cross_entropy(device: torch.device) -> tuple[Tensor, ...]:
    rows = _floats("rows", 48, 37, device=device).requires_grad_()
    labels = _integers("labels", 48, device=device).remainder(37)
    return _gradients(F.cross_entropy(rows, labels, reduction="none"), rows)


def _index_add(device: torch.device) -> Tensor:
    places = _integers("places", 5000, device=device).remainder(31)
    total = torch.zeros(31, dtype=torch.int64, device=device)
    return total.index_add_(0, places, _integers("values", 5000, device=device))


def _scatter(device: torch.device) -> Tensor:
    order = permutation(fold_in(key(_SEED), "order"), _LONG, device=device)
    return torch.zeros_like(order).scatter_(0, order, _integers("values", _LONG, device=device))


def _dropout(device: torch.device) -> Tensor:
    return dropout(fold_in(key(_SEED), "dropout"), _floats("x", _LONG, device=device), 0.25)


def _pair(device: torch.device) -> tuple[Tensor, Tensor]:
    return _floats("a", _LONG, device=device), _positive("b", _LONG, device=device)


def _arithmetic(device: torch.device) -> Tensor:
    return (_integers("a", _LONG, device=device) * _integers("b", _LONG, device=device) + 7).remainder(1009)


def _bitwise(device: torch.device) -> Tensor:
    numbers = _integers("bitwise", _LONG, device=device)
    return (numbers & 0x5555) | (numbers >> 3)


def _matmul(device: torch.device) -> Tensor:
    return torch.matmul(_floats("left", 96, 130, device=device), _floats("right", 130, 70, device=device))


def _matmul_double(device: torch.device) -> Tensor:
    left, right = _floats("left", 96, 130, device=device), _floats("right", 130, 70, device=device)
    return torch.matmul(left.double(), right.double())


def _bmm(device: torch.device) -> Tensor:
    return torch.bmm(_floats("left", 4, 24, 65, device=device), _floats("right", 4, 65, 33, device=device))


#: Equal on every machine.
EXACT: Final = (
    Piece("samebits.random.bits", lambda d: bits(fold_in(key(_SEED), "bits"), _LONG, device=d)),
    Piece("samebits.random.uniform", lambda d: uniform(fold_in(key(_SEED), "u"), _LONG, device=d)),
    Piece("samebits.random.normal", lambda d: _floats("normal", _LONG, device=d)),
    Piece("samebits.random.permutation", lambda d: permutation(fold_in(key(_SEED), "p"), 997, device=d)),
    Piece("samebits.random.dropout", _dropout),
    Piece("integer arithmetic", _arithmetic),
    Piece("integer sum", lambda d: torch.sum(_integers("sum", 300, 333, device=d), 0)),
    Piece("integer cumsum", lambda d: torch.cumsum(_integers("sum", _LONG, device=d), 0)),
    Piece("integer sort", lambda d: torch.sort(_integers("sort", _LONG, device=d), stable=True)[1]),
    Piece("integer sort, values", lambda d: torch.sort(_integers("sort", _LONG, device=d), stable=True)[0]),
    Piece("integer index_add", _index_add),
    Piece("integer scatter", _scatter),
    Piece("integer bits", _bitwise),
    Piece("float32 add", lambda d: torch.add(*_pair(d))),
    Piece("float32 multiply", lambda d: torch.mul(*_pair(d))),
    Piece("float32 divide", lambda d: torch.div(*_pair(d))),
    Piece("float32 sqrt", lambda d: torch.sqrt(_pair(d)[1])),
    Piece("float32 maximum", lambda d: torch.amax(_floats("a", 300, 333, device=d), 0)),
    Piece("float32 to bfloat16", lambda d: _pair(d)[0].to(torch.bfloat16)),
)

#: Equal on machines of one kind.
MACHINE: Final = (
    Piece("sum", lambda d: torch.sum(_floats("sum", _LONG, device=d))),
    Piece("mean over a dimension", lambda d: torch.mean(_floats("sum", 300, 333, device=d), 0)),
    Piece("cumsum", lambda d: torch.cumsum(_floats("sum", 4001, device=d), 0)),
    Piece("exp", lambda d: torch.exp(_floats("f", 4001, device=d))),
    Piece("log", lambda d: torch.log(_positive("f", 4001, device=d))),
    Piece("sin", lambda d: torch.sin(_floats("f", 4001, device=d))),
    Piece("tanh", lambda d: torch.tanh(_floats("f", 4001, device=d))),
    Piece("gelu", lambda d: F.gelu(_floats("f", 4001, device=d))),
    Piece("softmax", lambda d: F.softmax(_floats("sum", 32, 200, device=d), -1)),
    Piece("matmul", _matmul),
    Piece("matmul float64", _matmul_double),
    Piece("bmm", _bmm),
    Piece("linear with backward", _linear),
    Piece("conv2d with backward", _conv2d),
    Piece("scaled_dot_product_attention with backward", _attention),
    Piece("layer_norm with backward", _layer_norm),
    Piece("batch_norm with backward", _batch_norm),
    Piece("cross_entropy with backward", _cross_entropy),
)


def _weights(device: torch.device) -> dict[str, Tensor]:
    shapes = {
        "conv": (8, 3, 3, 3),
        "norm": (32,),
        "head": (10, 32),
        **dict.fromkeys(("query", "key", "value"), (32, 32)),
    }
    return {
        name: torch.nn.Parameter(_floats(f"weight {name}", *shape, device=device) * 0.1 + (name == "norm"))
        for name, shape in shapes.items()
    }


def _loss(weights: dict[str, Tensor], step: int, device: torch.device) -> Tensor:
    image = _floats(f"image {step}", 4, 3, 16, 16, device=device)
    labels = _integers(f"labels {step}", 4, device=device).remainder(10)
    seen = F.relu(F.conv2d(image, weights["conv"], stride=2, padding=1))  # 4 x 8 x 8 x 8
    words = seen.reshape(4, 16, 32)
    query, keys, values = (
        F.linear(words, weights[name]).reshape(4, 16, 2, 16).transpose(1, 2)
        for name in ("query", "key", "value")
    )
    mixed = F.scaled_dot_product_attention(query, keys, values).transpose(1, 2).reshape(4, 16, 32)
    normed = F.layer_norm(words + mixed, (32,), weights["norm"])
    kept = dropout(fold_in(key(_SEED), f"dropout {step}"), normed, 0.1)
    return F.cross_entropy(F.linear(kept.mean(1), weights["head"]), labels)


def training(device: torch.device) -> Iterator[tuple[str, Tensor]]:
    """Some steps of a small model: the losses, and each weight after the last step."""
    weights = _weights(device)
    optimizer = torch.optim.Adam(list(weights.values()), lr=0.01, foreach=False)
    for step in range(_STEPS):
        optimizer.zero_grad()
        loss = _loss(weights, step, device)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        yield f"loss of step {step}", loss.detach()
    for name, weight in weights.items():
        yield f"weight {name} after {_STEPS} steps", weight.detach()
