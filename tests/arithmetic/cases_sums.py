"""Cases of sums, norms, scans, distances and products."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from tests.arithmetic.cases import Operation, Shape, same, unit
from torch import Tensor
from torch.nn import functional as F

aten = torch.ops.aten


def _reductions() -> list[Operation]:
    ends = {
        "sum": torch.sum,
        "mean": torch.mean,
        "nansum": torch.nansum,
        "var": torch.var,
        "std": torch.std,
        "var_mean": torch.var_mean,
        "std_mean": torch.std_mean,
        "logsumexp": torch.logsumexp,
        "prod": torch.prod,
        "norm": torch.linalg.vector_norm,
        "softmax": torch.softmax,
        "log_softmax": torch.log_softmax,
        "cumsum": torch.cumsum,
        "logcumsumexp": torch.logcumsumexp,
        "cumprod": torch.cumprod,
        "amax": torch.amax,
        "norm 1": lambda x, dim: torch.linalg.vector_norm(x, 1, dim),
        "norm 3": lambda x, dim: torch.linalg.vector_norm(x, 3, dim),
        "norm inf": lambda x, dim: torch.linalg.vector_norm(x, float("inf"), dim),
        "normalize": lambda x, dim: F.normalize(x, dim=dim),
        "softmin": lambda x, dim: F.softmin(x, dim=dim),
        "cosine_similarity": lambda x, dim: F.cosine_similarity(x, x * 0.5 + 1, dim=dim),
        "median": lambda x, dim: x.median(dim)[0],
        "max": lambda x, dim: x.max(dim)[0],
        "min": lambda x, dim: x.min(dim)[0],
        "amin": torch.amin,
        "aminmax": lambda x, dim: torch.aminmax(x, dim=dim),
        "_aminmax": lambda x, dim: aten._aminmax.dim(x.detach(), dim),
        "argmax": torch.argmax,
        "cummax": torch.cummax,
    }
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
    wholes = {
        "sum": torch.sum,
        "mean": torch.mean,
        "nansum": torch.nansum,
        "prod": torch.prod,
        "var": torch.var,
        "std": torch.std,
        "norm": torch.linalg.vector_norm,
        "median": torch.median,
        "max": torch.max,
        "min": torch.min,
        "aminmax": torch.aminmax,
        "_aminmax": lambda x: aten._aminmax(x.detach()),
    }
    for name, function in wholes.items():
        domain = unit if name == "prod" else same
        made.append(
            Operation(f"{name}, all", function, (((5000,),), ((3, 7, 257),), ((2, 3, 4, 5),)), domain)
        )
    ranges: dict[str, Callable[..., Tensor]] = {
        "linspace": partial(torch.linspace, 0.1, 50.0, 701),
        "logspace": partial(torch.logspace, 0.1, 3.0, 701),
        "arange": partial(torch.arange, 0.1, 50.0, 0.07),
    }
    made += [
        Operation(name, lambda x, f=f: f(dtype=x.dtype), (((1,),),), gradients=False, layouts=("contiguous",))
        for name, f in ranges.items()
    ]
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
        Operation(
            "weight_norm",
            lambda v, g: torch._weight_norm(v, g, 0),
            (((7, 37), (7, 1)), ((4, 3, 3, 3), (4, 1, 1, 1))),
        ),
        Operation("cov", torch.cov, (((3, 300),),)),
        Operation("corrcoef", torch.corrcoef, (((3, 300),),), dtypes=(torch.float32, torch.float64)),
        Operation("cdist", torch.cdist, (((31, 17), (27, 17)), ((2, 9, 50), (2, 7, 50)))),
        Operation("cdist 1", partial(torch.cdist, p=1.0), (((31, 17), (27, 17)),)),
        Operation("cdist 3", partial(torch.cdist, p=3.0), (((31, 17), (27, 17)),)),
        Operation("pdist", F.pdist, (((19, 17),),)),
        Operation("pairwise_distance", F.pairwise_distance, (((19, 17), (19, 17)),), batched=(0, 1)),
    ]
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
        ((7, 37), (37, 19)),
        ((3, 600), (600, 5)),
        ((65, 256), (256, 33)),
        ((1, 257), (257, 1)),
        ((130, 17), (17, 131)),
        ((4, 4200), (4200, 3)),
    )
    bmm: tuple[tuple[Shape, ...], ...] = (((3, 7, 37), (3, 37, 19)), ((2, 5, 300), (2, 300, 4)))
    return [
        Operation("mm", torch.mm, mm, batched=(0,)),
        Operation(
            "matmul, transposed",
            lambda a, b: a @ b.mT,
            (((7, 300), (19, 300)), ((33, 64), (130, 64))),
            batched=(0,),
        ),
        Operation("bmm", torch.bmm, bmm, batched=(0, 1)),
        Operation(
            "matmul, broadcast",
            torch.matmul,
            (((3, 7, 37), (37, 5)), ((2, 1, 5, 9), (3, 9, 4))),
            batched=(0,),
        ),
        Operation(
            "addmm",
            partial(torch.addmm, beta=0.5, alpha=1.7),
            tuple(((b[1],), a, b) for a, b in mm),
            batched=(1,),
        ),
        Operation(
            "addmm_", lambda c, a, b: c.clone().addmm_(a, b), (((7, 19), (7, 37), (37, 19)),), batched=(0, 1)
        ),
        Operation("linear", F.linear, tuple((a, b[::-1], (b[1],)) for a, b in mm), batched=(0,)),
        Operation("linear, no bias", F.linear, (((2, 3, 37), (19, 37)), ((1, 300), (7, 300))), batched=(0,)),
        Operation(
            "baddbmm", torch.baddbmm, tuple(((a[0], a[1], b[2]), a, b) for a, b in bmm), batched=(0, 1, 2)
        ),
        Operation("addbmm", torch.addbmm, tuple(((a[1], b[2]), a, b) for a, b in bmm)),
        Operation("mv", torch.mv, (((37, 300), (300,)), ((7, 5), (5,))), batched=(0,)),
        Operation(
            "addmv", partial(torch.addmv, beta=0.5, alpha=1.7), (((37,), (37, 300), (300,)),), batched=(0, 1)
        ),
        Operation("outer", torch.outer, (((37,), (131,)),), batched=(0,)),
        Operation(
            "addr", partial(torch.addr, beta=0.5, alpha=1.7), (((7, 37), (7,), (37,)),), batched=(0, 1)
        ),
        Operation("einsum", partial(torch.einsum, "bij,bjk->bik"), bmm, batched=(0, 1)),
        Operation("einsum, whole", partial(torch.einsum, "ij,kj->"), (((7, 37), (5, 37)),)),
        Operation("bilinear", F.bilinear, (((7, 5), (7, 6), (4, 5, 6)),), batched=(0, 1)),
        Operation("kron", torch.kron, (((3, 5), (7, 2)),)),
        Operation(
            "chain_matmul", lambda a, b, c: torch.linalg.multi_dot([a, b, c]), (((7, 37), (37, 5), (5, 19)),)
        ),
    ]


OPERATIONS = (*_reductions(), *_products())
