"""Cases of convolutions, norms, pools, interpolation and padding."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from tests.arithmetic.cases import FULL, Operation, Shape
from torch import Tensor
from torch.nn import functional as F

aten = torch.ops.aten

_NCHW = "contiguous", "channels_last", "strided"


def _convolutions() -> list[Operation]:
    c2 = F.conv2d
    listed: dict[str, tuple[Callable[..., Tensor], tuple[tuple[Shape, ...], ...]]] = {
        "conv1d": (F.conv1d, (((2, 5, 37), (7, 5, 3), (7,)), ((1, 70, 19), (3, 70, 5), (3,)))),
        "conv1d, stride, dilation": (
            partial(F.conv1d, stride=2, dilation=2, padding=3),
            (((2, 5, 37), (7, 5, 3), (7,)),),
        ),
        "conv2d": (c2, (((2, 3, 13, 11), (8, 3, 3, 3), (8,)), ((2, 37, 6, 5), (5, 37, 3, 3), (5,)))),
        "conv2d, padded": (partial(c2, padding=1), (((3, 16, 9, 9), (19, 16, 3, 3), (19,)),)),
        "conv2d, stride": (partial(c2, stride=2, padding=3), (((2, 3, 23, 21), (9, 3, 7, 7), (9,)),)),
        "conv2d, dilation": (partial(c2, dilation=2, padding=2), (((2, 9, 13, 11), (5, 9, 3, 3), (5,)),)),
        "conv2d, groups": (partial(c2, groups=3, padding=1), (((2, 9, 13, 11), (6, 3, 3, 3), (6,)),)),
        "conv2d, depthwise": (partial(c2, groups=17, padding=1), (((2, 17, 13, 11), (17, 1, 3, 3), (17,)),)),
        "conv2d, depthwise, stride": (
            partial(c2, groups=8, padding=2, stride=2),
            (((2, 8, 13, 11), (8, 1, 5, 5), (8,)),),
        ),
        "conv2d, 1x1": (c2, (((2, 300, 5, 4), (7, 300, 1, 1), (7,)),)),
        "conv2d, no bias": (c2, (((2, 3, 13, 11), (8, 3, 3, 2)),)),
        "conv3d": (partial(F.conv3d, padding=1), (((1, 3, 5, 7, 6), (4, 3, 3, 3, 3), (4,)),)),
        "conv_transpose1d": (partial(F.conv_transpose1d, stride=2), (((2, 5, 19), (5, 7, 3), (7,)),)),
        "conv_transpose2d": (
            partial(F.conv_transpose2d, stride=2, padding=1, output_padding=1),
            (((2, 9, 7, 6), (9, 5, 3, 3), (5,)),),
        ),
        "conv_transpose2d, groups": (
            partial(F.conv_transpose2d, groups=3, dilation=2),
            (((2, 9, 7, 6), (9, 2, 3, 3), (6,)),),
        ),
        "conv_transpose3d": (
            partial(F.conv_transpose3d, stride=2),
            (((1, 4, 3, 4, 5), (4, 3, 2, 2, 2), (3,)),),
        ),
    }
    return [
        Operation(name, call, shapes, layouts=_NCHW, batched=(0,)) for name, (call, shapes) in listed.items()
    ]


def _stats(x: Tensor) -> tuple[Tensor, Tensor]:
    channels = x.shape[1]
    return x.new_zeros(channels) + 0.25, x.new_ones(channels) * 1.5


def _batch_norm(training: bool) -> Callable[..., Any]:
    def call(x: Tensor, weight: Tensor, bias: Tensor) -> Any:
        mean, variance = _stats(x)
        y = F.batch_norm(x, mean, variance, weight, bias, training)
        return y, mean, variance

    return call


def _legit(x: Tensor, weight: Tensor, bias: Tensor) -> Any:
    return aten._native_batch_norm_legit(x, weight, bias, *_stats(x), True, 0.1, 1e-5)


def _without_stats(x: Tensor, weight: Tensor, bias: Tensor) -> Any:
    return aten._native_batch_norm_legit.no_stats(x, weight, bias, True, 0.1, 1e-5)


def _with_update(x: Tensor, weight: Tensor, bias: Tensor) -> Any:
    return aten._batch_norm_with_update(x, weight, bias, *_stats(x), 0.1, 1e-5)[0]


def _norms() -> list[Operation]:
    image: tuple[tuple[Shape, ...], ...] = (
        ((4, 6, 9, 7), (6,), (6,)),
        ((3, 6, 300), (6,), (6,)),
        ((37, 5), (5,), (5,)),
    )
    group: tuple[tuple[Shape, ...], ...] = (((4, 6, 9, 7), (6,), (6,)), ((3, 6, 300), (6,), (6,)))
    layer: tuple[tuple[Shape, ...], ...] = (
        ((7, 37), (37,), (37,)),
        ((2, 3, 600), (600,), (600,)),
        ((5, 16), (16,), (16,)),
    )
    return [
        Operation("layer_norm", lambda x, w, b: F.layer_norm(x, w.shape, w, b), layer, batched=(0,)),
        Operation(
            "layer_norm, plain",
            lambda x: F.layer_norm(x, x.shape[1:]),
            (((7, 37),), ((3, 5, 70),)),
            batched=(0,),
        ),
        Operation(
            "rms_norm", lambda x, w: F.rms_norm(x, w.shape, w), tuple(s[:2] for s in layer), batched=(0,)
        ),
        Operation("group_norm", lambda x, w, b: F.group_norm(x, 3, w, b), group, layouts=_NCHW, batched=(0,)),
        Operation("group_norm, plain", lambda x: F.group_norm(x, 2), (((4, 6, 9, 7),),), batched=(0,)),
        Operation("instance_norm", lambda x, w, b: F.instance_norm(x, weight=w, bias=b), group, batched=(0,)),
        Operation("batch_norm", _batch_norm(True), image, layouts=_NCHW),
        Operation("batch_norm, not training", _batch_norm(False), image, layouts=_NCHW),
        Operation("batch_norm, legit", _legit, image[:1]),
        Operation("batch_norm, without statistics", _without_stats, image[:1]),
        Operation("batch_norm, with update", _with_update, image[:1], dtypes=FULL),
        Operation("local_response_norm", partial(F.local_response_norm, size=3), (((2, 6, 5, 4),),)),
    ]


def _pools() -> list[Operation]:
    line, image, volume = (((2, 3, 17),),), (((2, 3, 13, 9),), ((1, 17, 14, 14),)), (((2, 3, 5, 6, 7),),)
    listed: dict[str, tuple[Callable[..., Any], Any]] = {
        "avg_pool1d": (partial(F.avg_pool1d, kernel_size=3), line),
        "avg_pool2d": (partial(F.avg_pool2d, kernel_size=3, stride=2, padding=1), image),
        "avg_pool2d, edges": (
            partial(
                F.avg_pool2d, kernel_size=3, stride=2, padding=1, ceil_mode=True, count_include_pad=False
            ),
            image,
        ),
        "avg_pool3d": (partial(F.avg_pool3d, kernel_size=3, stride=2, padding=1, ceil_mode=True), volume),
        "adaptive_avg_pool1d": (partial(F.adaptive_avg_pool1d, output_size=5), line),
        "adaptive_avg_pool2d": (partial(F.adaptive_avg_pool2d, output_size=(5, 4)), image),
        "adaptive_avg_pool2d, one": (partial(F.adaptive_avg_pool2d, output_size=1), image),
        "adaptive_avg_pool3d": (partial(F.adaptive_avg_pool3d, output_size=(2, 5, 4)), volume),
        "max_pool1d": (partial(F.max_pool1d, kernel_size=3), line),
        "max_pool2d": (partial(F.max_pool2d, kernel_size=3, stride=1), image),
        "max_pool2d, padded": (partial(F.max_pool2d, kernel_size=3, stride=2, padding=1), image),
        "max_pool3d": (partial(F.max_pool3d, kernel_size=3, stride=1), volume),
        "adaptive_max_pool2d": (partial(F.adaptive_max_pool2d, output_size=(5, 4)), image),
        "adaptive_max_pool3d": (partial(F.adaptive_max_pool3d, output_size=(2, 3, 4)), volume),
        "lp_pool2d": (partial(F.lp_pool2d, norm_type=2, kernel_size=2), image),
        **{
            f"pad {mode}, {len(pads) // 2}d": (partial(F.pad, pad=pads, mode=mode), shapes)
            for mode in ("reflect", "replicate", "circular")
            for pads, shapes in (((3, 2), line), ((3, 2, 1, 4), image), ((3, 2, 1, 4, 0, 2), volume))
        },
        **{
            f"interpolate {mode}": (partial(F.interpolate, size=size, mode=mode), shapes)
            for mode, size, shapes in (
                ("linear", 30, line),
                ("bilinear", (7, 20), image),
                ("bicubic", (7, 20), image),
                ("trilinear", (7, 4, 9), volume),
            )
        },
        **{
            f"interpolate {mode}, {len(size)}d": (partial(F.interpolate, size=size, mode=mode), shapes)
            for mode in ("nearest", "nearest-exact")
            for size, shapes in (((30,), line), ((7, 20), image), ((7, 4, 9), volume))
        },
        **{
            f"interpolate {mode}, antialias": (
                partial(F.interpolate, size=(5, 20), mode=mode, antialias=True),
                image,
            )
            for mode in ("bilinear", "bicubic")
        },
        "interpolate lanczos, antialias": (
            lambda x: aten._upsample_lanczos2d_aa(x, [5, 20], False, None, None),
            image,
        ),
        "interpolate bilinear, by a factor": (
            partial(F.interpolate, scale_factor=1.7, mode="bilinear"),
            image,
        ),
        "interpolate bilinear, aligned": (
            partial(F.interpolate, size=(13, 20), mode="bilinear", align_corners=True),
            image,
        ),
        "unfold": (partial(F.unfold, kernel_size=3, padding=1), image),
        "fold": (partial(F.fold, output_size=(6, 5), kernel_size=2), (((2, 12, 20),),)),
        "windows": (lambda x: x.unfold(-1, 5, 2), (((3, 67),), ((2, 3, 17),))),
        "pixel_shuffle": (partial(F.pixel_shuffle, upscale_factor=2), (((2, 8, 5, 3),),)),
    }
    made = [
        Operation(name, call, shapes, layouts=_NCHW, batched=(0,)) for name, (call, shapes) in listed.items()
    ]
    made += [
        Operation("fractional_max_pool2d", lambda x: F.fractional_max_pool2d(x, 2, (5, 4)), image),
        Operation("fractional_max_pool3d", lambda x: F.fractional_max_pool3d(x, 2, (2, 3, 4)), volume),
        Operation(
            "max_unpool2d",
            lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
            (((2, 3, 8, 6),),),
        ),
    ]
    for mode in ("bilinear", "nearest", "bicubic"):
        for edge in ("zeros", "border", "reflection"):
            call = partial(F.grid_sample, mode=mode, padding_mode=edge, align_corners=False)
            shapes: Any = (((2, 5, 9, 8), (2, 7, 6, 2)),)
            if mode != "bicubic":
                shapes += (((1, 3, 4, 5, 6), (1, 3, 4, 5, 3)),)
            made.append(
                Operation(
                    f"grid_sample {mode}, {edge}",
                    call,
                    shapes,
                    dtypes=FULL,
                    layouts=_NCHW[:2],
                    batched=(0, 1),
                )
            )
    return made


OPERATIONS = (*_convolutions(), *_norms(), *_pools())
