"""Cases of attention, recurrent layers and optimizers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from tests.arithmetic.cases import FULL, Operation, drawn, positive
from torch import Tensor, nn
from torch.nn import functional as F

aten = torch.ops.aten


def _filled(module: nn.Module, x: Tensor) -> nn.Module:
    """With weights that are the same everywhere."""
    module = module.to(x.dtype)
    with torch.no_grad():
        for number, parameter in enumerate(module.parameters()):
            parameter.copy_(drawn(tuple(parameter.shape), f"weight {number}") * 0.25)
    return module


def _recurrent(kind: Any, packed: bool = False, **options: Any) -> Callable[[Tensor], Any]:
    def call(x: Tensor) -> Any:
        module = _filled(kind(x.shape[-1], 33, **options), x)
        given: Any = nn.utils.rnn.pack_padded_sequence(x, [9, 8, 8, 5, 2]) if packed else x
        y, state = module(given)
        return (y.data if packed else y, state, *_gradients(y.data if packed else y, module))

    return call


def _gradients(y: Tensor, module: nn.Module) -> list[Tensor]:
    """Of the weights."""
    if not y.requires_grad:
        return []
    to = torch.autograd.grad(y, list(module.parameters()), y.detach(), retain_graph=True, allow_unused=True)
    return [x for x in to if x is not None]


def _cell(kind: Any) -> Callable[[Tensor], Any]:
    return lambda x: _filled(kind(x.shape[-1], 19), x)(x)


def _attention_layer(x: Tensor) -> Any:
    layer = _filled(nn.MultiheadAttention(x.shape[-1], 4, batch_first=True), x)
    return layer(x, x, x)


def _encoder(x: Tensor) -> Any:
    layer = _filled(nn.TransformerEncoderLayer(x.shape[-1], 4, 37, dropout=0.1, batch_first=True), x)
    y = layer(x)
    return (y, *_gradients(y, layer))


def _models() -> list[Operation]:
    attended: Any = (
        ((2, 3, 70, 16), (2, 3, 70, 16), (2, 3, 70, 16)),
        ((1, 2, 7, 20), (1, 2, 300, 20), (1, 2, 300, 20)),
    )
    steps: Any = (((9, 5, 20),),)
    sdpa = F.scaled_dot_product_attention
    made = [
        Operation("attention", sdpa, attended, batched=(0, 1, 2)),
        Operation("attention, causal", partial(sdpa, is_causal=True), attended, batched=(0, 1, 2)),
        Operation(
            "attention's kernel",
            lambda q, k, v: torch.tensor(torch._fused_sdp_choice(q, k, v)),
            attended[:1],
            gradients=False,
        ),
        Operation("attention, scale", partial(sdpa, scale=0.3), attended[:1], batched=(0, 1, 2)),
        Operation(
            "attention, mask",
            lambda q, k, v, m: sdpa(q, k, v, m),
            (((2, 3, 37, 16), (2, 3, 37, 16), (2, 3, 37, 16), (37, 37)),),
            batched=(0, 1, 2),
        ),
        Operation("attention, dropout", partial(sdpa, dropout_p=0.3), attended[:1]),
        Operation(
            "attention, shared heads",
            partial(sdpa, enable_gqa=True),
            (((2, 6, 9, 16), (2, 3, 9, 16), (2, 3, 9, 16)),),
            batched=(0, 1, 2),
        ),
        Operation("MultiheadAttention", _attention_layer, (((3, 11, 20),),), batched=(0,)),
        Operation("TransformerEncoderLayer", _encoder, (((3, 11, 20),),)),
        Operation("dropout", F.dropout, (((7, 37),),)),
        Operation(
            "Linear, no gradients",
            lambda x: _filled(nn.Linear(37, 19), x)(x),
            (((7, 37),),),
            gradients=False,
            batched=(0,),
        ),
    ]
    for kind in (nn.LSTM, nn.GRU, nn.RNN):
        name = kind.__name__
        made += [
            Operation(name, _recurrent(kind), steps),
            Operation(f"{name}, no gradients", _recurrent(kind), steps, gradients=False),
            Operation(
                f"{name}, both ways, two layers", _recurrent(kind, num_layers=2, bidirectional=True), steps
            ),
            Operation(f"{name}, packed", _recurrent(kind, packed=True), steps),
        ]
    made.append(Operation("LSTM, projected", _recurrent(nn.LSTM, proj_size=7), steps))
    made += [
        Operation(kind.__name__, _cell(kind), (((5, 20),),), batched=(0,))
        for kind in (nn.LSTMCell, nn.GRUCell, nn.RNNCell)
    ]
    return made


def _steps(make: Callable[[list[nn.Parameter]], Any], scheduler: Any = None) -> Callable[..., Any]:
    """Three steps of an optimizer."""

    def call(x: Tensor, y: Tensor, grad: Tensor) -> Any:
        parameters = [nn.Parameter(x.detach().clone()), nn.Parameter(y.detach().clone())]
        optimizer = make(parameters)
        grads = (grad.expand(x.shape), grad[0, 0] * y)

        def closure() -> Tensor:
            for parameter, one in zip(parameters, grads, strict=True):
                parameter.grad = (parameter.detach() * 0.5 + one).clone()
            return torch.stack([parameter.detach().square().sum() for parameter in parameters]).sum()

        for _ in range(3):
            optimizer.step(closure)
        states = [s for parameter in parameters for s in optimizer.state[parameter].values()]
        return [
            *(parameter.detach() for parameter in parameters),
            *(s for s in states if isinstance(s, Tensor)),
        ]

    return call


def _optimizers() -> list[Operation]:
    o = torch.optim
    listed: dict[str, Callable[[list[nn.Parameter]], Any]] = {}
    for way in ("fused", "foreach", "single"):
        option: dict[str, Any] = {"foreach": False} if way == "single" else {way: True}
        listed |= {
            f"Adam, {way}": partial(o.Adam, lr=0.01, weight_decay=0.1, amsgrad=True, **option),
            f"AdamW, {way}": partial(o.AdamW, lr=0.01, **option),
            f"SGD, {way}": partial(o.SGD, lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True, **option),
            f"Adagrad, {way}": partial(o.Adagrad, lr=0.1, weight_decay=0.1, **option),
        }
    for kind in ("RMSprop", "Adadelta", "Adamax", "NAdam", "RAdam", "ASGD", "Rprop"):
        listed[kind] = getattr(o, kind)
    listed["LBFGS"] = partial(o.LBFGS, max_iter=4)
    shapes: Any = (((7, 37), (131,), (1, 1)), ((3, 5, 7), (5003,), (1, 1, 1)))
    made = []
    for name, make in listed.items():
        dtypes = FULL if name in ("LBFGS",) or name.startswith("Adagrad, fused") else (*FULL, torch.bfloat16)
        made.append(
            Operation(
                name, _steps(make), shapes[:1], positive, dtypes, gradients=False, layouts=("contiguous",)
            )
        )
    return made


OPERATIONS = (*_models(), *_optimizers())
