"""Cases of functions of numbers, products, sums and scans."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from tests.arithmetic.cases import Operation, Shape, positive, same, share, unit, wide
from torch import Tensor
from torch.nn import functional as F

aten = torch.ops.aten

#: A matrix whose rows end in a part of a vector; a long line that ends in one; one number.
_LINES: tuple[tuple[Shape, ...], ...] = (((7, 37),), ((1031,),), ((),))
_IMAGES: tuple[tuple[Shape, ...], ...] = (((2, 5, 9, 11),), ((3, 67),), ((5003,),))
_TWO: tuple[tuple[Shape, ...], ...] = (((7, 37), (7, 37)), ((5, 1, 19), (3, 19)), ((1031,), (1,)))

Domain = Callable[[Tensor], Tensor]

#: torch's functions of one number, with numbers that they are defined for.
_UNARY: dict[Domain, str] = {
    same: "exp exp2 expm1 sin cos tan erf erfc sinh cosh asinh atan tanh sigmoid sinc",
    positive: "log log1p log2 log10 sqrt rsqrt reciprocal",
    lambda x: x.abs() + 1: "acosh",
    unit: "atanh asin acos erfinv",
    share: "logit",
}
#: In place torch has none.
_NO_DERIVATIVE = ("asinh", "acosh", "atanh")
_ACTIVATIONS: dict[str, Callable[..., Tensor]] = {
    "gelu": F.gelu,
    "gelu, tanh": partial(F.gelu, approximate="tanh"),
    "silu": F.silu,
    "mish": F.mish,
    "softplus": F.softplus,
    "softplus, beta": partial(F.softplus, beta=1.7, threshold=3.0),
    "elu": F.elu,
    "celu": partial(F.celu, alpha=0.7),
    "selu": F.selu,
    "logsigmoid": F.logsigmoid,
    "hardswish": F.hardswish,
    "hardsigmoid": F.hardsigmoid,
    "hardtanh": F.hardtanh,
    "relu": F.relu,
    "relu6": F.relu6,
    "hardshrink": F.hardshrink,
    "softshrink": F.softshrink,
    "threshold": partial(F.threshold, threshold=0.1, value=0.3),
    "leaky_relu": F.leaky_relu,
    "tanhshrink": F.tanhshrink,
    "softsign": F.softsign,
}


def _out(operation: Any, name: str = "out") -> Callable[..., Tensor]:
    """The form that writes its result into a given tensor."""

    def call(*inputs: Tensor) -> Any:
        return operation(
            *inputs,
            **{name: torch.empty(torch.broadcast_shapes(*(x.shape for x in inputs)), dtype=inputs[0].dtype)},
        )

    return call


def _in_place(operation: Any) -> Callable[..., Any]:
    def call(x: Tensor, *more: Tensor) -> Any:
        return operation(x.clone(), *more)

    return call


def _numbers(
    name: str, call: Callable[..., Any], domain: Domain = same, shapes: Any = None, **more: Any
) -> Operation:
    """One of an element: part of a batch has its part of the result."""
    shapes = shapes or _IMAGES
    return Operation(name, call, shapes, domain, batched=tuple(range(len(shapes[0]))), **more)


def _unary() -> list[Operation]:
    made = []
    for domain, names in _UNARY.items():
        for name in names.split():
            function = getattr(torch, name)
            made += [
                _numbers(name, function, domain),
                _numbers(f"{name}, large", function, lambda x, d=domain: d(wide(x) * 8), (((3, 67),),))
                if domain in (same, positive)
                else _numbers(f"{name}, halves", function, lambda x, d=domain: d(x * 0.5), (((3, 67),),)),
                _numbers(
                    f"{name}_",
                    _in_place(getattr(Tensor, f"{name}_")),
                    domain,
                    _LINES,
                    gradients=name not in _NO_DERIVATIVE,
                ),
                _numbers(f"{name}, out", _out(function), domain, _LINES, gradients=False),
            ]
    return made


def _backward(
    name: str, *arguments: Any, given: int = 2, out: str = "grad_input", **named: Any
) -> list[Operation]:
    """A derivative as autograd calls it, and into a given tensor."""
    packet = getattr(aten, name)
    shapes = (tuple((3, 67) for _ in range(given)),)
    into = getattr(packet, out, None)

    def call(*inputs: Tensor) -> Any:
        return packet(*inputs, *arguments, **named)

    made = [_numbers(name, call, same, shapes, gradients=False)]
    if into is not None:

        def write(*inputs: Tensor) -> Any:
            return into(*inputs, *arguments, **named, **{out: torch.empty_like(inputs[0])})

        made.append(_numbers(f"{name}, {out}", write, same, shapes, gradients=False))
    return made


def _elu_backward(into: bool) -> Callable[..., Tensor]:
    def call(grad: Tensor, x: Tensor) -> Any:
        if into:
            return aten.elu_backward.grad_input(grad, 1.5, 1, 1, False, x, grad_input=torch.empty_like(x))
        return aten.elu_backward(grad, 1.5, 1, 1, False, x)

    return call


def _logsigmoid_into(x: Tensor) -> Any:
    return aten.log_sigmoid_forward.output(x, output=torch.empty_like(x), buffer=torch.empty_like(x))[0]


def _logsigmoid_backward_into(grad: Tensor, x: Tensor) -> Any:
    _, buffer = aten.log_sigmoid_forward(x)
    return aten.log_sigmoid_backward.grad_input(grad, x, buffer, grad_input=torch.empty_like(x))


def _glu_backward_into(x: Tensor) -> Any:
    return aten.glu_backward.grad_input(x[..., ::2].contiguous(), x, -1, grad_input=torch.empty_like(x))


def _activations() -> list[Operation]:
    made = [_numbers(name, call) for name, call in _ACTIVATIONS.items()]
    made += [
        _numbers(f"{name}, large", call, lambda x: wide(x) * 4, (((7, 37),),))
        for name, call in _ACTIVATIONS.items()
    ]
    for name in [
        "gelu",
        "silu",
        "mish",
        "softplus",
        "elu",
        "hardsigmoid",
        "hardswish",
        "hardtanh",
        "relu",
        "softshrink",
    ]:
        out = getattr(aten, name).out
        made.append(_numbers(f"{name}, out", _out(out), same, _LINES, gradients=False))
    for name in ["gelu_", "silu_", "mish_", "elu_", "hardsigmoid_", "hardswish_", "hardtanh_", "relu_"]:
        made.append(_numbers(name, _in_place(getattr(aten, name)), same, _LINES, gradients=False))
    made += [
        _numbers("glu", partial(F.glu, dim=-1), same, (((5, 38),), ((2, 4, 3, 6),))),
        _numbers("glu, channels", partial(F.glu, dim=1), same, (((5, 38),), ((2, 4, 3, 7),))),
        Operation(
            "glu, out", lambda x: aten.glu.out(x, -1, out=x.new_empty(5, 19)), (((5, 38),),), gradients=False
        ),
        Operation("glu_backward, grad_input", _glu_backward_into, (((5, 38),),), gradients=False),
        _numbers("logsigmoid, out", _logsigmoid_into, same, _LINES, gradients=False),
        _numbers(
            "logsigmoid_backward, grad_input",
            _logsigmoid_backward_into,
            same,
            (((3, 67), (3, 67)),),
            gradients=False,
        ),
        *_backward("tanh_backward"),
        *_backward("sigmoid_backward"),
        *_backward("gelu_backward"),
        *_backward("silu_backward"),
        *_backward("mish_backward"),
        *_backward("softplus_backward", 1.5, 20.0),
        *_backward("logit_backward", 0.01),
        *_backward("hardswish_backward"),
        *_backward("hardsigmoid_backward"),
        _numbers("elu_backward", _elu_backward(False), same, (((3, 67), (3, 67)),), gradients=False),
        _numbers(
            "elu_backward, grad_input", _elu_backward(True), same, (((3, 67), (3, 67)),), gradients=False
        ),
        Operation("prelu", F.prelu, (((4, 7, 9), (7,)), ((3, 67), (1,))), batched=(0,)),
    ]
    return made


def _binary() -> list[Operation]:
    made = []
    for name, domain in {
        "atan2": same,
        "hypot": same,
        "logaddexp": same,
        "fmod": same,
        "remainder": same,
        "maximum": same,
        "minimum": same,
        "fmax": same,
        "fmin": same,
        "floor_divide": positive,
        "copysign": same,
        "xlogy": positive,
        "pow": positive,
        "add": same,
        "sub": same,
        "mul": same,
        "div": positive,
    }.items():
        function, differentiable = getattr(torch, name), name != "floor_divide"
        made += [
            _numbers(name, function, domain, _TWO, gradients=differentiable),
            _numbers(f"{name}, out", _out(function), domain, _TWO, gradients=False),
        ]
        if hasattr(Tensor, f"{name}_"):
            made.append(
                _numbers(
                    f"{name}_",
                    _in_place(getattr(Tensor, f"{name}_")),
                    domain,
                    (((7, 37), (7, 37)), ((9, 131), (131,))),
                    gradients=differentiable,
                )
            )
    alpha = 0.3
    for name in ("add", "sub"):
        function = partial(getattr(torch, name), alpha=alpha)
        made += [
            _numbers(f"{name}, alpha", function, same, _TWO),
            _numbers(
                f"{name}_, alpha",
                _in_place(partial(getattr(Tensor, f"{name}_"), alpha=alpha)),
                same,
                (((7, 37), (7, 37)),),
            ),
            _numbers(f"{name}, alpha, out", _out(function), same, _TWO, gradients=False),
            _numbers(f"{name}, a number", lambda x, f=function: f(x, 1.7), same, _LINES),
        ]
    for mode in ("floor", "trunc"):
        made += [
            _numbers(f"div {mode}", partial(torch.div, rounding_mode=mode), positive, _TWO),
            _numbers(f"div_ {mode}", _in_place(partial(Tensor.div_, rounding_mode=mode)), positive, _TWO[:1]),
            _numbers(
                f"div {mode}, out",
                _out(partial(torch.div, rounding_mode=mode)),
                positive,
                _TWO,
                gradients=False,
            ),
        ]
    for name, bounds in {"clamp": (-0.3, 0.7), "clamp_min": (0.1,), "clamp_max": (0.2,)}.items():
        limits: Any = tuple((7, 37) for _ in range(1 + len(bounds)))
        function = getattr(torch, name)
        made += [
            _numbers(name, lambda x, f=function, b=bounds: f(x, *b)),
            _numbers(
                f"{name}_", _in_place(lambda x, n=name, b=bounds: getattr(x, f"{n}_")(*b)), same, _LINES
            ),
            _numbers(
                f"{name}, out",
                lambda x, f=function, b=bounds: f(x, *b, out=torch.empty_like(x)),
                same,
                _LINES,
                gradients=False,
            ),
            _numbers(f"{name}, tensors", function, same, (limits,)),
            _numbers(f"{name}_, tensors", _in_place(getattr(Tensor, f"{name}_")), same, (limits,)),
            _numbers(f"{name}, tensors, out", _out(function), same, (limits,), gradients=False),
        ]
    for exponent in (2, 3, 0.5, -0.5, -1, -2, 1.7, 0, 1, -3.3):
        made.append(_numbers(f"pow {exponent}", partial(lambda x, e: torch.pow(x, e), e=exponent), positive))
    made += [
        _numbers("pow_ 1.7", lambda x: x.clone().pow_(1.7), positive, _LINES),
        _numbers(
            "pow 1.7, out",
            lambda x: torch.pow(x, 1.7, out=torch.empty_like(x)),
            positive,
            _LINES,
            gradients=False,
        ),
        _numbers("pow of 1.7", lambda x: torch.pow(1.7, x), same, _LINES),
        _numbers(
            "pow of 1.7, out",
            lambda x: torch.pow(1.7, x, out=torch.empty_like(x)),
            same,
            _LINES,
            gradients=False,
        ),
        _numbers("fmod 0.7", lambda x: torch.fmod(x, 0.7), same, _LINES),
        _numbers("remainder 0.7", lambda x: torch.remainder(x, 0.7), same, _LINES),
    ]
    return made


def _compound() -> list[Operation]:
    three = (((7, 37), (7, 37), (7, 37)), ((5, 19), (19,), (1,)), ((1031,), (1031,), (1031,)))
    made = []
    for name, domain, options in (
        ("addcmul", same, {"value": 0.3}),
        ("addcdiv", positive, {"value": 0.3}),
        ("lerp", same, {}),
    ):
        function = partial(getattr(torch, name), **options)
        made += [
            _numbers(name, function, domain, three),
            _numbers(
                f"{name}_", _in_place(partial(getattr(Tensor, f"{name}_"), **options)), domain, three[:1]
            ),
            _numbers(f"{name}, out", _out(function), domain, three, gradients=False),
        ]
    for weight in (0.3, 0.8):
        made += [
            _numbers(
                f"lerp {weight}",
                partial(torch.lerp, weight=weight),
                same,
                (((7, 37), (7, 37)), ((1031,), (1031,))),
            ),
            _numbers(
                f"lerp_ {weight}",
                _in_place(partial(Tensor.lerp_, weight=weight)),
                same,
                (((7, 37), (7, 37)),),
            ),
            _numbers(
                f"lerp {weight}, out",
                lambda x, y, w=weight: torch.lerp(x, y, w, out=torch.empty_like(x)),
                same,
                (((7, 37), (7, 37)),),
                gradients=False,
            ),
        ]
    lists = {
        "exp": lambda x, y: torch._foreach_exp([x, y]),
        "add": lambda x, y: torch._foreach_add([x, y], [y, x], alpha=0.3),
        "addcmul": lambda x, y: torch._foreach_addcmul([x], [y], [x], 0.3),
        "addcdiv": lambda x, y: torch._foreach_addcdiv([x], [y], [x], 0.3),
        "lerp": lambda x, y: torch._foreach_lerp([x], [y], 0.3),
        "norm": lambda x, y: torch._foreach_norm([x, y]),
        "sqrt": lambda x, y: torch._foreach_sqrt([x.abs(), y.abs()]),
        "pow": lambda x, y: torch._foreach_pow([x.abs(), y.abs()], 1.7),
        "div": lambda x, y: torch._foreach_div([x, y], [y, x]),
    }
    made += [
        Operation(f"foreach {name}", call, (((7, 37), (7, 37)),), gradients=False)
        for name, call in lists.items()
    ]
    return made


OPERATIONS = (*_unary(), *_activations(), *_binary(), *_compound())
