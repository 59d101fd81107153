"""Layer, group and batch normalization, forward and backward.

Instance normalization is batch normalization of (1, N * C, ...) to torch, and RMS normalization a formula of
operations that are defined.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Final

import torch
from torch import Tensor

from samebits.arithmetic import core
from samebits.arithmetic.rows import Defined
from samebits.arithmetic.sums import COMPUTED

#: Tensors, or NotImplemented.
Result = Any

#: The kernels' arguments.
_KERNELS: Final = {
    "sb_layer_norm": "ipppdpppnni",
    "sb_layer_norm_backward": "ippppppppnni",
    "sb_group_norm": "ipppdpppnnnni",
    "sb_group_norm_backward": "ippppppppnnnnpi",
    "sb_batch_norm": "ipppppiddpppnnni",
    "sb_batch_norm_backward": "ipppppppidpppnnnpi",
}


def _run(name: str, *args: Any) -> None:
    core.check(core.bound(name, _KERNELS[name])(*args))


def _at(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def _as(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Contiguous, in the type of the computation."""
    if tensor.dtype is not dtype:
        tensor = tensor.to(dtype)
    return tensor if tensor.is_contiguous() else tensor.contiguous()


def _maybe(tensor: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """`_as`, of what may be absent."""
    return None if tensor is None else _as(tensor, dtype)


def _of_statistics(x: Tensor, *parameters: Tensor | None) -> torch.dtype:
    """The type of mean and rstd: that of the weights where it is wider than that of `x`."""
    return next((one.dtype for one in parameters if one is not None), x.dtype)


def layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None, bias: Tensor | None, eps: float
) -> Result:
    """The result in the type of `input`, mean and rstd of each row.

    The last dimensions, `normalized_shape`, are a row.
    """
    computed = COMPUTED.get(input.dtype)
    n, split = prod(normalized_shape), input.dim() - len(normalized_shape)
    if computed is None or input.numel() == 0 or tuple(input.shape[split:]) != tuple(normalized_shape):
        return NotImplemented
    kept = _of_statistics(input, weight, bias)
    x, w, b = _as(input, computed), _maybe(weight, computed), _maybe(bias, computed)
    shape = (*input.shape[:split], *[1] * len(normalized_shape))
    y, mean, rstd = torch.empty_like(x), x.new_empty(shape), x.new_empty(shape)
    _run(
        "sb_layer_norm",
        core.DTYPES[computed],
        *(x.data_ptr(), _at(w), _at(b)),
        eps,
        *(y.data_ptr(), mean.data_ptr(), rstd.data_ptr()),
        *(x.numel() // n, n),
        core.threads(),
    )
    if input.dtype is computed is kept:
        return y, mean, rstd
    return y.to(input.dtype), mean.to(kept), rstd.to(kept)


def layer_norm_backward(
    grad_out: Tensor,
    input: Tensor,
    normalized_shape: Sequence[int],
    mean: Tensor,
    rstd: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    output_mask: Sequence[bool],
) -> Result:
    """Gradients of input, weight and bias; None where `output_mask` says so."""
    computed = COMPUTED.get(input.dtype)
    n = prod(normalized_shape)
    if computed is None or input.numel() == 0:
        return NotImplemented
    x, grad = _as(input, computed), _as(grad_out, computed)
    w, m, r = _maybe(weight, computed), _as(mean, computed), _as(rstd, computed)
    dx = torch.empty_like(x) if output_mask[0] else None
    dw = x.new_empty(tuple(normalized_shape)) if output_mask[1] and weight is not None else None
    db = x.new_empty(tuple(normalized_shape)) if output_mask[2] and bias is not None else None
    _run(
        "sb_layer_norm_backward",
        core.DTYPES[computed],
        *(grad.data_ptr(), x.data_ptr(), m.data_ptr(), r.data_ptr(), _at(w)),
        *(_at(dx), _at(dw), _at(db)),
        *(x.numel() // n, n),
        core.threads(),
    )
    return _back(dx, input), _back(dw, weight), _back(db, bias)


def _back(grad: Tensor | None, like: Tensor | None) -> Tensor | None:
    return grad if grad is None or like is None or grad.dtype is like.dtype else grad.to(like.dtype)


def group_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    N: int,
    C: int,
    HxW: int,
    group: int,
    eps: float,
) -> Result:
    """The result in the type and layout of `input`, mean and rstd of each group (N, group)."""
    computed = COMPUTED.get(input.dtype)
    if computed is None or input.numel() == 0 or input.numel() != N * C * HxW or C % group:
        return NotImplemented
    kept = _of_statistics(input, weight, bias)
    x, w, b = _as(input, computed), _maybe(weight, computed), _maybe(bias, computed)
    y, mean, rstd = torch.empty_like(x), x.new_empty((N, group)), x.new_empty((N, group))
    _run(
        "sb_group_norm",
        core.DTYPES[computed],
        *(x.data_ptr(), _at(w), _at(b)),
        eps,
        *(y.data_ptr(), mean.data_ptr(), rstd.data_ptr()),
        *(N, C, HxW, group),
        core.threads(),
    )
    return _laid(y, input), mean.to(kept), rstd.to(kept)


def _laid(y: Tensor, like: Tensor) -> Tensor:
    """In the type of `like`, channels last where that is."""
    y = y if y.dtype is like.dtype else y.to(like.dtype)
    if like.is_contiguous():
        return y
    for rank, layout in ((4, torch.channels_last), (5, torch.channels_last_3d)):
        if like.dim() == rank and like.is_contiguous(memory_format=layout):
            return y.contiguous(memory_format=layout)
    return y


def group_norm_backward(
    grad_out: Tensor,
    input: Tensor,
    mean: Tensor,
    rstd: Tensor,
    weight: Tensor | None,
    N: int,
    C: int,
    HxW: int,
    group: int,
    output_mask: Sequence[bool],
) -> Result:
    """Gradients of input, weight and bias; None where `output_mask` says so."""
    computed = COMPUTED.get(input.dtype)
    if computed is None or input.numel() == 0:
        return NotImplemented
    x, grad = _as(input, computed), _as(grad_out, computed)
    w, m, r = _maybe(weight, computed), _as(mean, computed), _as(rstd, computed)
    dx = torch.empty_like(x) if output_mask[0] else None
    dw = x.new_empty((C,)) if output_mask[1] else None
    db = x.new_empty((C,)) if output_mask[2] else None
    work = x.new_empty((3, N, C))
    _run(
        "sb_group_norm_backward",
        core.DTYPES[computed],
        *(grad.data_ptr(), x.data_ptr(), m.data_ptr(), r.data_ptr(), _at(w)),
        *(_at(dx), _at(dw), _at(db)),
        *(N, C, HxW, group, work.data_ptr()),
        core.threads(),
    )
    return None if dx is None else _laid(dx, input), _back(dw, weight), _back(db, weight)


class _Channels:
    """A batch: (N, C, ...) in the type of the computation, its channels last in memory or not.

    Attributes:
        x: the tensor, of one of the two layouts.
        sizes: O, C and L of native/norms.h.
    """

    __slots__ = ("sizes", "x")

    def __init__(self, input: Tensor, dtype: torch.dtype) -> None:
        x = input if input.dtype is dtype else input.to(dtype)
        n, c = x.shape[0], x.shape[1]
        per = x.numel() // (n * c)
        # As torch, whose result for three dimensions is always contiguous.
        if x.is_contiguous() or x.dim() < 4 or not x.movedim(1, -1).is_contiguous():
            self.x, self.sizes = x.contiguous(), (n, c, per)
        else:
            self.x, self.sizes = x, (n * per, c, 1)

    def alike(self, other: Tensor) -> Tensor:
        """Another of the same shape, in the type and layout of this one."""
        if other.dtype is self.x.dtype and other.stride() == self.x.stride():
            return other
        return torch.empty_like(self.x).copy_(other)


def _running(one: Tensor | None, dtype: torch.dtype) -> bool:
    """Whether the kernels can use these running statistics in place."""
    return one is None or (one.dtype is dtype and one.is_contiguous())


def batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> Result:
    """The result, and mean and rstd of the batch, with training; the running statistics are updated.

    Without training the running statistics are used, and the last two are empty.
    """
    computed = COMPUTED.get(input.dtype)
    if computed is None or input.numel() == 0 or input.dim() < 2:
        return NotImplemented
    if not training and (running_mean is None or running_var is None):
        return NotImplemented
    kept = _of_statistics(input, weight, bias, running_mean)
    at = _Channels(input, computed)
    c = at.sizes[1]
    w, b = _maybe(weight, computed), _maybe(bias, computed)
    rm, rv = running_mean, running_var
    own = _running(rm, computed) and _running(rv, computed)
    if not own:
        rm, rv = _maybe(rm, computed), _maybe(rv, computed)
    y, mean, rstd = torch.empty_like(at.x), at.x.new_empty((c,)), at.x.new_empty((c,))
    _run(
        "sb_batch_norm",
        core.DTYPES[computed],
        *(at.x.data_ptr(), _at(w), _at(b), _at(rm), _at(rv)),
        *(training, momentum, eps),
        *(y.data_ptr(), mean.data_ptr(), rstd.data_ptr()),
        *at.sizes,
        core.threads(),
    )
    if training and not own:
        for stored, new in ((running_mean, rm), (running_var, rv)):
            if stored is not None and new is not None:
                stored.copy_(new)
    if not training:
        mean = rstd = at.x.new_empty((0,))
    if input.dtype is computed is kept:
        return y, mean, rstd
    return y.to(input.dtype), mean.to(kept), rstd.to(kept)


def batch_norm_legit(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor,
    running_var: Tensor,
    training: bool,
    momentum: float,
    eps: float,
) -> Result:
    """`batch_norm` with running statistics."""
    return batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)


def batch_norm_no_stats(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, training: bool, momentum: float, eps: float
) -> Result:
    """`batch_norm` without running statistics."""
    return batch_norm(input, weight, bias, None, None, training, momentum, eps)


def batch_norm_with_update(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor,
    running_var: Tensor,
    momentum: float,
    eps: float,
) -> Result:
    """`batch_norm` with training, and an empty reserve."""
    result = batch_norm(input, weight, bias, running_mean, running_var, True, momentum, eps)
    return result if result is NotImplemented else (*result, input.new_empty((0,), dtype=torch.uint8))


def batch_norm_backward(
    grad_out: Tensor,
    input: Tensor,
    weight: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    save_mean: Tensor | None,
    save_invstd: Tensor | None,
    train: bool,
    eps: float,
    output_mask: Sequence[bool],
) -> Result:
    """Gradients of input, weight and bias; None where `output_mask` says so."""
    computed = COMPUTED.get(input.dtype)
    if computed is None or input.numel() == 0:
        return NotImplemented
    at = _Channels(input, computed)
    c = at.sizes[1]
    grad, w = at.alike(grad_out), _maybe(weight, computed)
    if train:
        mean, rstd = _maybe(save_mean, computed), _maybe(save_invstd, computed)
    else:
        mean, rstd = at.x.new_empty((c,)), at.x.new_empty((c,))
    rm, rv = _maybe(running_mean, computed), _maybe(running_var, computed)
    dx = torch.empty_like(at.x) if output_mask[0] else None
    dw = at.x.new_empty((c,)) if output_mask[1] else None
    db = at.x.new_empty((c,)) if output_mask[2] else None
    work = at.x.new_empty((5, c))
    _run(
        "sb_batch_norm_backward",
        core.DTYPES[computed],
        *(grad.data_ptr(), at.x.data_ptr(), _at(mean), _at(rstd), _at(w), _at(rm), _at(rv)),
        *(train, eps),
        *(_at(dx), _at(dw), _at(db)),
        *(*at.sizes, work.data_ptr()),
        core.threads(),
    )
    return _back(dx, input), _back(dw, weight), _back(db, weight)


def batch_norm_backward_with_reserve(
    grad_out: Tensor,
    input: Tensor,
    weight: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    save_mean: Tensor | None,
    save_var: Tensor | None,
    update: bool,
    eps: float,
    output_mask: Sequence[bool],
    reserve: Tensor,
) -> Result:
    """`batch_norm_backward`; `save_var` is rstd."""
    return batch_norm_backward(
        grad_out, input, weight, running_mean, running_var, save_mean, save_var, update, eps, output_mask
    )


_NORM = "h = (x - m) * r, m = S(x) / n, r = 1 / sqrt(D(x - m, x - m) / n + eps); fma(h, weight, bias)"
_BATCH_BACKWARD = (
    "fma(-(x - m), ((p * r) * r) / n, g - S(g) / n) * (r * weight), p = D(g, x - m);"
    " without training g * (r * weight); weight: p * r, bias: S(g)"
)

ROWS = (
    Defined("aten::native_layer_norm", layer_norm, _NORM),
    Defined(
        "aten::native_layer_norm_backward",
        layer_norm_backward,
        "v = g * weight: r * fma(-h, D(v, h) / n, v - S(v) / n); weight: D(g, h), bias: S(g)",
    ),
    Defined("aten::native_group_norm", group_norm, _NORM),
    Defined(
        "aten::native_group_norm_backward",
        group_norm_backward,
        "channels' s = S(g), p = D(g, x - m): fma(-(x - m), ((D(p, weight) * r) * r) / n, g * weight -"
        " D(s, weight) / n) * r; weight: D(p, r), bias: S(s)",
    ),
    Defined("aten::native_batch_norm", batch_norm, _NORM),
    Defined("aten::_native_batch_norm_legit", batch_norm_legit, _NORM),
    Defined("aten::_native_batch_norm_legit.no_stats", batch_norm_no_stats, _NORM),
    Defined("aten::_batch_norm_with_update", batch_norm_with_update, _NORM),
    Defined("aten::native_batch_norm_backward", batch_norm_backward, _BATCH_BACKWARD),
    Defined("aten::batch_norm_backward", batch_norm_backward_with_reserve, _BATCH_BACKWARD),
)
