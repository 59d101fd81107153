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
    same: "exp exp2 expm1 sin cos tan erf erfc sinh cosh asinh atan tanh sigmoid",
    positive: "log log1p log2 log10 sqrt rsqrt reciprocal",
    lambda x: x.abs() + 1: "acosh",
    unit: "atanh asin acos",
    share: "logit",
}
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
                _numbers(f"{name}_", _in_place(getattr(Tensor, f"{name}_")), domain, _LINES),
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
    return aten.log_sigmoid_backward.grad_input(grad, x, x.new_empty(0), grad_input=torch.empty_like(x))


def _glu_backward_into(x: Tensor) -> Any:
    return aten.glu_backward.grad_input(x[..., ::2].contiguous(), x, -1, grad_input=torch.empty_like(x))


def _activations() -> list[Operation]:
    made = [_numbers(name, call) for name, call in _ACTIVATIONS.items()]
    made += [
        _numbers(f"{name}, large", call, lambda x: wide(x) * 4, (((7, 37),),))
        for name, call in _ACTIVATIONS.items()
    ]
    for name in ("gelu", "silu", "mish", "softplus", "elu"):
        out = getattr(getattr(aten, name), "out")
        made.append(_numbers(f"{name}, out", _out(out), same, _LINES, gradients=False))
    for name in ("gelu_", "silu_", "mish_", "elu_"):
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
        "atan2": same, "hypot": same, "logaddexp": same, "logaddexp2": same, "fmod": same, "remainder": same,
        "xlogy": positive, "pow": positive, "add": same, "sub": same, "mul": same, "div": positive,
    }.items():  # fmt: skip
        function = getattr(torch, name)
        made += [
            _numbers(name, function, domain, _TWO),
            _numbers(f"{name}, out", _out(function), domain, _TWO, gradients=False),
        ]
        if not name.startswith("logaddexp"):
            made.append(
                _numbers(
                    f"{name}_",
                    _in_place(getattr(Tensor, f"{name}_")),
                    domain,
                    (((7, 37), (7, 37)), ((9, 131), (131,))),
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
            _numbers(f"{name}, a number", lambda x, f=function: f(x, 1.7), same, _LINES),
        ]
    for exponent in (2, 3, 0.5, -0.5, -1, -2, 1.7, 0, 1, -3.3):
        made.append(_numbers(f"pow {exponent}", partial(lambda x, e: torch.pow(x, e), e=exponent), positive))
    made += [
        _numbers("pow_ 1.7", lambda x: x.clone().pow_(1.7), positive, _LINES),
        _numbers("pow 1.7, out", lambda x: torch.pow(x, 1.7, out=torch.empty_like(x)), positive, _LINES, gradients=False),
        _numbers("pow of 1.7", lambda x: torch.pow(1.7, x), same, _LINES),
        _numbers("pow of 1.7, out", lambda x: torch.pow(1.7, x, out=torch.empty_like(x)), same, _LINES, gradients=False),
        _numbers("fmod 0.7", lambda x: torch.fmod(x, 0.7), same, _LINES),
        _numbers("remainder 0.7", lambda x: torch.remainder(x, 0.7), same, _LINES),
    ]  # fmt: skip
    return made


def _compound() -> list[Operation]:
    three = (((7, 37), (7, 37), (7, 37)), ((5, 19), (19,), (1,)), ((1031,), (1031,), (1031,)))
    made = []
    for name, domain, options in (
        ("addcmul", same, {"value": 0.3}), ("addcdiv", positive, {"value": 0.3}), ("lerp", same, {}),
    ):  # fmt: skip
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
            _numbers(f"lerp {weight}", partial(torch.lerp, weight=weight), same, (((7, 37), (7, 37)), ((1031,), (1031,)))),
            _numbers(f"lerp_ {weight}", _in_place(partial(Tensor.lerp_, weight=weight)), same, (((7, 37), (7, 37)),)),
            _numbers(f"lerp {weight}, out", lambda x, y, w=weight: torch.lerp(x, y, w, out=torch.empty_like(x)), same, (((7, 37), (7, 37)),), gradients=False),
        ]  # fmt: skip
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


def _reductions() -> list[Operation]:
    ends = {"sum": torch.sum, "mean": torch.mean, "nansum": torch.nansum, "var": torch.var, "std": torch.std,
            "var_mean": torch.var_mean, "std_mean": torch.std_mean, "logsumexp": torch.logsumexp, "prod": torch.prod,
            "norm": torch.linalg.vector_norm, "softmax": torch.softmax, "log_softmax": torch.log_softmax,
            "cumsum": torch.cumsum, "logcumsumexp": torch.logcumsumexp, "cumprod": torch.cumprod,
            "amax": torch.amax, "norm 1": lambda x, dim: torch.linalg.vector_norm(x, 1, dim),
            "norm 3": lambda x, dim: torch.linalg.vector_norm(x, 3, dim), "norm inf": lambda x, dim: torch.linalg.vector_norm(x, float("inf"), dim),
            "normalize": lambda x, dim: F.normalize(x, dim=dim), "softmin": lambda x, dim: F.softmin(x, dim=dim),
            "cosine_similarity": lambda x, dim: F.cosine_similarity(x, x * 0.5 + 1, dim=dim),
            "median": lambda x, dim: x.median(dim)[0], "max": lambda x, dim: x.max(dim)[0]}  # fmt: skip
    shapes: tuple[tuple[Shape, ...], ...] = (((4, 600),), ((3, 5, 257),), ((2, 16),), ((2, 3, 4, 300),))
    made = []
    for name, function in ends.items():
        domain = unit if "prod" in name else same
        made.append(Operation(f"{name}, rows", partial(_over, function, -1), shapes, domain, batched=(0,)))
        made.append(
            Operation(f"{name}, columns", partial(_over, function, 0), (((300, 7),), ((17, 3, 5),)), domain)
        )
        made.append(
            Operation(
                f"{name}, middle",
                partial(_over, function, 1),
                (((2, 261, 5),), ((2, 17, 3, 3),)),
                domain,
                batched=(0,),
            )
        )
    wholes = {"sum": torch.sum, "mean": torch.mean, "nansum": torch.nansum, "prod": torch.prod, "var": torch.var,
              "std": torch.std, "norm": torch.linalg.vector_norm, "median": torch.median}  # fmt: skip
    for name, function in wholes.items():
        domain = unit if name == "prod" else same
        made.append(
            Operation(f"{name}, all", function, (((5000,),), ((3, 7, 257),), ((2, 3, 4, 5),)), domain)
        )
    made += [
        Operation("sum, two dimensions", lambda x: x.sum((0, 2)), (((3, 5, 7, 11),), ((17, 3, 300),))),
        Operation("mean, two dimensions", lambda x: x.mean((2, 3)), (((3, 5, 7, 11),),), batched=(0,)),
        Operation("sum of half as float", lambda x: x.sum(0, dtype=torch.float32), (((300, 5),),)),
        Operation("dot", torch.dot, (((1031,), (1031,)), ((7,), (7,)))),
        Operation("vdot", torch.vdot, (((1031,), (1031,)),)),
        Operation("trace", torch.trace, (((37, 41),),)),
        Operation("cumsum_", lambda x: x.clone().cumsum_(-1), (((4, 600),),), batched=(0,)),
        Operation("cumprod_", lambda x: x.clone().cumprod_(-1), (((4, 600),),), unit, batched=(0,)),
        Operation("clip_grad_norm_", _clipped, (((7, 37), (131,)),), gradients=False),
        Operation("renorm", lambda x: torch.renorm(x, 2, 0, 1.0), (((5, 37),), ((3, 5, 7),))),
        Operation("weight_norm", lambda v, g: torch._weight_norm(v, g, 0), (((7, 37), (7, 1)), ((4, 3, 3, 3), (4, 1, 1, 1)))),
        Operation("cov", torch.cov, (((3, 300),),)),
        Operation("corrcoef", torch.corrcoef, (((3, 300),),), dtypes=(torch.float32, torch.float64)),
        Operation("cdist", torch.cdist, (((31, 17), (27, 17)), ((2, 9, 50), (2, 7, 50)))),
        Operation("cdist 1", partial(torch.cdist, p=1.0), (((31, 17), (27, 17)),)),
        Operation("cdist 3", partial(torch.cdist, p=3.0), (((31, 17), (27, 17)),)),
        Operation("pdist", F.pdist, (((19, 17),),)),
        Operation("pairwise_distance", F.pairwise_distance, (((19, 17), (19, 17)),), batched=(0, 1)),
    ]  # fmt: skip
    return made


def _over(function: Callable[..., Any], dim: int, x: Tensor) -> Any:
    return function(x, dim=dim)


def _clipped(a: Tensor, b: Tensor) -> list[Tensor]:
    parameters = [torch.nn.Parameter(torch.zeros_like(x)) for x in (a, b)]
    for parameter, grad in zip(parameters, (a, b), strict=True):
        parameter.grad = grad.clone()
    norm = torch.nn.utils.clip_grad_norm_(parameters, 0.7)
    return [norm, *(parameter.grad for parameter in parameters if parameter.grad is not None)]


def _products() -> list[Operation]:
    mm: tuple[tuple[Shape, ...], ...] = (
        ((7, 37), (37, 19)), ((3, 600), (600, 5)), ((65, 256), (256, 33)), ((1, 257), (257, 1)), ((130, 17), (17, 131)), ((4, 4200), (4200, 3)),
    )  # fmt: skip
    bmm: tuple[tuple[Shape, ...], ...] = (((3, 7, 37), (3, 37, 19)), ((2, 5, 300), (2, 300, 4)))
    return [
        Operation("mm", torch.mm, mm, batched=(0,)),
        Operation("matmul, transposed", lambda a, b: a @ b.mT, (((7, 300), (19, 300)), ((33, 64), (130, 64))), batched=(0,)),
        Operation("bmm", torch.bmm, bmm, batched=(0, 1)),
        Operation("matmul, broadcast", torch.matmul, (((3, 7, 37), (37, 5)), ((2, 1, 5, 9), (3, 9, 4))), batched=(0,)),
        Operation("addmm", partial(torch.addmm, beta=0.5, alpha=1.7), tuple(((b[1],), a, b) for a, b in mm), batched=(1,)),
        Operation("addmm_", lambda c, a, b: c.clone().addmm_(a, b), (((7, 19), (7, 37), (37, 19)),), batched=(0, 1)),
        Operation("linear", F.linear, tuple((a, b[::-1], (b[1],)) for a, b in mm), batched=(0,)),
        Operation("linear, no bias", F.linear, (((2, 3, 37), (19, 37)), ((1, 300), (7, 300))), batched=(0,)),
        Operation("baddbmm", torch.baddbmm, tuple(((a[0], a[1], b[2]), a, b) for a, b in bmm), batched=(0, 1, 2)),
        Operation("addbmm", torch.addbmm, tuple(((a[1], b[2]), a, b) for a, b in bmm)),
        Operation("mv", torch.mv, (((37, 300), (300,)), ((7, 5), (5,))), batched=(0,)),
        Operation("addmv", partial(torch.addmv, beta=0.5, alpha=1.7), (((37,), (37, 300), (300,)),), batched=(0, 1)),
        Operation("outer", torch.outer, (((37,), (131,)),), batched=(0,)),
        Operation("addr", partial(torch.addr, beta=0.5, alpha=1.7), (((7, 37), (7,), (37,)),), batched=(0, 1)),
        Operation("einsum", partial(torch.einsum, "bij,bjk->bik"), bmm, batched=(0, 1)),
        Operation("einsum, whole", partial(torch.einsum, "ij,kj->"), (((7, 37), (5, 37)),)),
        Operation("bilinear", F.bilinear, (((7, 5), (7, 6), (4, 5, 6)),), batched=(0, 1)),
        Operation("kron", torch.kron, (((3, 5), (7, 2)),)),
        Operation("chain_matmul", lambda a, b, c: torch.linalg.multi_dot([a, b, c]), (((7, 37), (37, 5), (5, 19)),)),
    ]  # fmt: skip


OPERATIONS = (*_unary(), *_activations(), *_binary(), *_compound(), *_reductions(), *_products())
