"""Calls on inputs that threads share, with lengths that no vector divides, in several layouts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils._python_dispatch import _disable_current_modes

DTYPES = (torch.float32, torch.bfloat16, torch.float64, torch.float16)
ROWS, COLUMNS = 71, 1031


def _functions(*names: str) -> list[Callable[..., Any]]:
    """torch's, and those of a tensor in place ("abs_")."""
    return [getattr(Tensor if name.endswith("_") else torch, name) for line in names for name in line.split()]


_UNARY = _functions(
    "abs ceil floor round trunc frac neg sign sgn signbit sqrt reciprocal square positive isnan isinf",
    "isfinite isneginf isposinf relu nan_to_num logical_not exp log sigmoid tanh rsqrt erf sin cos deg2rad",
    "rad2deg",
)
_UNARY_IN_PLACE = _functions(
    "abs_ ceil_ floor_ round_ trunc_ frac_ neg_ sign_ sqrt_ reciprocal_ square_ relu_ nan_to_num_ rsqrt_",
)
_BINARY = _functions(
    "add sub mul div maximum minimum fmax fmin eq ne lt le gt ge copysign nextafter logical_and logical_or",
    "logical_xor fmod remainder floor_divide rsub atan2 hypot heaviside xlogy true_divide ldexp isclose pow",
)
_BINARY_IN_PLACE = _functions("add_ sub_ mul_ div_ eq_ gt_ copysign_ fmod_ remainder_ floor_divide_ pow_")
_REDUCE = _functions(
    "amax amin argmax argmin all any count_nonzero sum mean median nanmedian mode sort argsort cummax cummin",
    "msort max min aminmax logsumexp softmax log_softmax cumsum prod var nansum",
)


def numbers(shape: tuple[int, ...], dtype: torch.dtype, salt: int = 0) -> Tensor:
    with _disable_current_modes():
        return _numbers(shape, dtype, salt).clone()


@cache
def _numbers(shape: tuple[int, ...], dtype: torch.dtype, salt: int) -> Tensor:
    """Without a pattern, zeros and equal ones among them, the same everywhere: integers by powers of two."""
    count = 1
    for size in shape:
        count *= size
    index = torch.arange(count, dtype=torch.int64) + 7919 * salt
    mixed = index * 6364136223846793005 + 1442695040888963407
    mixed = (mixed ^ (mixed >> 29)) * 2862933555777941757
    mantissa = ((mixed >> 20) & 0xFFFFF).to(torch.float64) / 2**19 - 1
    scale = 2.0 ** ((mixed >> 45) & 7).to(torch.float64)
    zero = torch.where((mixed >> 57) & 1 == 0, 0.0, -0.0)
    values = torch.where(((mixed >> 50) & 63) == 0, zero, mantissa * scale)
    return values.to(dtype).reshape(shape)


def layouts(dtype: torch.dtype, salt: int = 0) -> Iterator[Tensor]:
    yield numbers((ROWS, COLUMNS), dtype, salt)
    yield numbers((COLUMNS, ROWS), dtype, salt).t()
    yield numbers((2, 5, 87, 89), dtype, salt).to(memory_format=torch.channels_last)
    yield numbers((ROWS, 2 * COLUMNS), dtype, salt)[:, ::2]
    special = numbers((1031,), dtype, salt)
    special[7 + salt :: 97] = torch.nan
    special[11::89] = torch.inf
    special[13 :: 83 + salt] = -torch.inf
    yield special
    yield numbers((3, 1031), dtype, salt).clamp(-0.001, 0.001)


def calls(part: int, parts: int, dtypes: Iterable[torch.dtype] = DTYPES) -> Iterator[Callable[[], Any]]:
    every = [call for dtype in dtypes for call in (*_elementwise(dtype), *_others(dtype))]
    return iter(every[part::parts])


def _elementwise(dtype: torch.dtype) -> Iterator[Callable[[], Any]]:
    for number in range(6):

        def input(salt: int = 0, number: int = number) -> Tensor:
            return list(layouts(dtype, salt))[number].detach().requires_grad_()

        for function in _UNARY:
            yield lambda f=function, x=input: f(x())
        for function in _UNARY_IN_PLACE:
            yield lambda f=function, x=input: f(x().clone())
        for function in _BINARY:
            yield lambda f=function, x=input: f(x(), x(1))
            yield lambda f=function, x=input: f(x(), 0.7)
        for function in _BINARY_IN_PLACE:
            yield lambda f=function, x=input: f(x().clone(), x(1))
            yield lambda f=function, x=input: f(x().clone(), 0.7)
        for function in _REDUCE:
            yield lambda f=function, x=input: f(x(), -1)
            yield lambda f=function, x=input: f(x(), 0)
            yield lambda f=function, x=input: f(x())
        for exponent in (2, 3, 0.5, -0.5, -1, -2, 0, 1, 1.7):
            yield lambda x=input, e=exponent: torch.pow(x().abs() + 1, e)
        for rounding in ("floor", "trunc"):
            yield lambda x=input, r=rounding: torch.div(x(), x(1), rounding_mode=r)
            yield lambda x=input, r=rounding: torch.div(x(), 0.7, rounding_mode=r)
        for function in (
            *(F.hardtanh, F.relu6, F.leaky_relu, F.hardshrink, F.softshrink, F.hardswish, F.hardsigmoid),
            lambda x: F.threshold(x, 0.1, 0.3),
            lambda x: F.prelu(x, numbers((1,), x.dtype).requires_grad_()),
            *(lambda x: x.clamp(-0.3, 0.7), lambda x: x.clamp_min(0.1), lambda x: x.clamp_max(0.2)),
            *(lambda x: torch.add(x, x, alpha=0.3), lambda x: torch.sub(x, x, alpha=0.3), lambda x: 0.3 - x),
            *(
                lambda x: torch.lerp(x, x * 3, 0.3),
                lambda x: torch.addcmul(x, x, x, value=0.3),
                lambda x: 1 / x,
            ),
            lambda x: torch.where(x > 0, x, x * 2),
            lambda x: torch.where(x > 0, x, 0.5),
            lambda x: x.masked_fill(x > 0, 0.3),
            *(lambda x: x.to(torch.float16), lambda x: x.to(torch.bfloat16), lambda x: x.to(torch.float64)),
            *(lambda x: x.to(torch.float32), lambda x: x.to(torch.int32), lambda x: x.to(torch.bool)),
            *(
                lambda x: x.contiguous(),
                lambda x: x.clone(),
                lambda x: x.double().float(),
                lambda x: x.flip(0),
            ),
            *(lambda x: x.topk(min(5, x.shape[-1])), lambda x: x.kthvalue(3), lambda x: x.sort(stable=True)),
            *(
                lambda x: x.roll(3, 0),
                lambda x: torch.cat([x, x]),
                lambda x: torch.stack([x, x]),
                lambda x: x.tril(),
            ),
            *(lambda x: x.clamp(x * 0.5, x + 1), lambda x: x.round(decimals=2), lambda x: torch.unique(x)),
            *(
                lambda x: x.nonzero(),
                lambda x: x.masked_select(x > 0),
                lambda x: x.diff(),
                lambda x: x[x > 0],
            ),
            *(
                lambda x: torch.bucketize(x, torch.arange(-4.0, 4.0).to(x.dtype)),
                lambda x: x.unfold(-1, 3, 2),
            ),
        ):
            yield lambda f=function, x=input: f(x())


def _others(dtype: torch.dtype) -> Iterator[Callable[[], Any]]:
    def x(*shape: int, salt: int = 0) -> Tensor:
        return numbers(shape, dtype, salt).requires_grad_()

    index = (numbers((5003,), torch.float64, 3).abs() * 1000).to(torch.int64) % 97
    many = index[:97, None].expand(97, 1031).contiguous()
    images = (
        x(2, 33, 61, 67),
        x(2, 33, 61, 67).detach().to(memory_format=torch.channels_last).requires_grad_(),
    )
    for image in images:
        yield lambda i=image: F.max_pool2d(i, 3, 2, 1)
        yield lambda i=image: F.max_pool2d(i, 2)
        yield lambda i=image: F.adaptive_max_pool2d(i, 7)
        yield lambda i=image: F.avg_pool2d(i, 3, 2, 1)
        yield lambda i=image: F.adaptive_avg_pool2d(i, 7)
        for mode in ("nearest", "nearest-exact", "bilinear", "bicubic"):
            yield lambda i=image, m=mode: F.interpolate(i, scale_factor=1.7, mode=m)
            yield lambda i=image, m=mode: F.interpolate(i, size=(31, 100), mode=m)
        for mode in ("reflect", "replicate", "circular", "constant"):
            yield lambda i=image, m=mode: F.pad(i, (3, 2, 1, 2), mode=m)
        yield lambda i=image: F.pixel_unshuffle(i[:, :, :60, :66], 2)
        yield lambda i=image: F.pixel_shuffle(i[:, :32], 2)
        yield lambda i=image: F.channel_shuffle(i, 3)
        yield lambda i=image: F.unfold(i, 3)
        yield lambda i=image: F.max_unpool2d(*F.max_pool2d(i, 2, return_indices=True), 2)
        yield lambda i=image: F.fractional_max_pool2d(
            i, 3, output_size=20, _random_samples=i.detach()[:, :, 0, :2].abs() % 1
        )
    yield lambda: F.max_pool1d(x(3, 33, 1031), 3)
    yield lambda: F.max_pool1d(x(3, 33, 1031).detach(), 3)
    yield lambda: F.max_pool3d(x(2, 17, 15, 17, 19), 3, 2)
    yield lambda: F.adaptive_max_pool3d(x(2, 17, 15, 17, 19), 3)
    yield lambda: F.avg_pool3d(x(2, 17, 15, 17, 19), 3, 2)
    for pad in ("reflect", "replicate"):
        yield lambda p=pad: F.pad(x(3, 33, 1031), (3, 2), mode=p)
        yield lambda p=pad: F.pad(x(2, 17, 15, 17, 19), (3, 2, 1, 2, 1, 1), mode=p)
    yield lambda: F.interpolate(x(2, 17, 15, 17, 19), scale_factor=1.7)
    yield lambda: F.interpolate(x(2, 17, 1500), scale_factor=1.7)
    yield lambda: F.embedding(index, x(97, 131))
    yield lambda: F.embedding(index, x(97, 131), scale_grad_by_freq=True, padding_idx=3)
    for mode in ("sum", "mean", "max"):
        yield lambda m=mode: F.embedding_bag(index[:4000].reshape(-1, 8), x(97, 131), mode=m)
    yield lambda: x(97, 1031)[index]
    yield lambda: x(97, 1031)[:, index]
    yield lambda: x(97, 1031).index_select(0, index)
    yield lambda: x(97, 1031).index_select(1, index)
    yield lambda: x(97, 1031).gather(0, many)
    yield lambda: x(97, 1031).take(index)
    yield lambda: x(97, 131).repeat_interleave(3, 0)
    yield lambda: x(97, 131).as_strided((90, 100), (2, 3))
    yield lambda: torch.zeros(97, 131, dtype=dtype).index_add(0, index, x(5003, 131))
    yield lambda: torch.zeros(131, 97, dtype=dtype).index_add(1, index, x(131, 5003))
    yield lambda: torch.zeros(97, dtype=dtype).index_add(0, index, x(5003))
    yield lambda: torch.zeros(97, 1031, dtype=dtype).scatter_add(0, many, x(97, 1031))
    yield lambda: torch.zeros(1031, 97, dtype=dtype).scatter_add(1, many.t().contiguous(), x(1031, 97))
    yield lambda: torch.zeros(97, 131, dtype=dtype).scatter_add(
        0, index[:, None].expand(5003, 131), x(5003, 131)
    )
    yield lambda: torch.zeros(97, 131, dtype=dtype).index_put((index,), x(5003, 131), accumulate=True)
    yield lambda: torch.zeros(97, 131, dtype=dtype).index_put((index,), x(5003, 131))
    yield lambda: torch.zeros(97, 131, dtype=dtype).index_copy(0, index, x(5003, 131))
    yield lambda: torch.zeros(97, 131, dtype=dtype).index_fill(0, index, 0.3)
    yield lambda: torch.zeros(97, 1031, dtype=dtype).scatter(0, many, x(97, 1031))
    yield lambda: torch.zeros(97, 1031, dtype=dtype).scatter(0, many, 0.3)
    yield lambda: torch.zeros(97, 131, dtype=dtype).put(index, x(5003), accumulate=True)
    yield lambda: torch.zeros(97, 131, dtype=dtype).put(index, x(5003))
    for how in ("sum", "mean", "prod", "amax", "amin"):
        yield lambda h=how: x(97, 1031).scatter_reduce(0, many, x(97, 1031, salt=1), h)
        if how != "sum":
            yield lambda h=how: x(97, 131).index_reduce(0, index, x(5003, 131), h)
    for how in ("sum", "mean", "max", "min"):
        yield lambda h=how: torch.segment_reduce(x(5003), h, lengths=torch.tensor([5000, 3]))
    yield lambda: x(97, 131).masked_scatter(numbers((97, 131), dtype) > 0, x(97, 131, salt=2))
    yield lambda: F.nll_loss(x(5003, 97), index)
    yield lambda: F.nll_loss(x(5003, 97), index, reduction="none")
    yield lambda: F.nll_loss(
        x(50, 97, 101), index[:5000].reshape(50, -1)[:, :1].expand(50, 101), reduction="none"
    )
    yield lambda: F.mse_loss(x(97, 1031), x(97, 1031, salt=1))
    yield lambda: F.mse_loss(x(97, 1031), x(97, 1031, salt=1), reduction="none")
    yield lambda: F.l1_loss(x(97, 1031), x(97, 1031, salt=1))
    yield lambda: F.smooth_l1_loss(x(97, 1031), x(97, 1031, salt=1), reduction="none")
    yield lambda: F.huber_loss(x(97, 1031), x(97, 1031, salt=1), reduction="none")
    yield lambda: F.multi_margin_loss(x(97, 1031), index[:97], reduction="none")
    yield lambda: F.one_hot(index)
    yield lambda: torch.histc(x(97, 1031), 20)
    yield lambda: torch.bincount(index)
    yield lambda: torch.searchsorted(torch.arange(-4.0, 4.0).to(dtype), x(97, 1031).detach())
    yield lambda: torch.arange(0.1, 5000, 0.07, dtype=dtype)
    yield lambda: torch.linspace(0.1, 50, 70001, dtype=dtype)
    yield lambda: torch.outer(x(1031), x(131))
    yield lambda: torch.linalg.cross(x(3, 10007), x(3, 10007, salt=1), dim=0)
    yield lambda: torch._foreach_add([x(97, 1031)], [x(97, 1031)])
    yield lambda: torch._foreach_mul([x(97, 1031)], 0.3)
    yield lambda: torch._foreach_div([x(97, 1031)], 0.3)
    yield lambda: torch._foreach_sqrt([x(97, 1031).abs()])
