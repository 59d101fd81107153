"""Layer and group normalization, forward and backward, and what batch normalization shares with them.

RMS normalization is a formula of operations that are defined to torch.
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

#: What the rows of both files compute.
FORMULA: Final = (
    "h = (x - m) * r, m = S(x) / n, r = 1 / sqrt(D(x - m, x - m) / n + eps); fma(h, weight, bias)"
)

#: The kernels' arguments.
_KERNELS: Final = {
    "sb_layer_norm": "ipppdpppnni",
    "sb_layer_norm_backward": "ippppppppnni",
    "sb_group_norm": "ipppdpppnnnni",
    "sb_group_norm_backward": "ippppppppnnnnpi",
    "sb_batch_norm": "ipppppiddpppnnni",
    "sb_batch_norm_backward": "ipppppppidpppnnnpi",
}


def run(name: str, *args: Any) -> None:
    """A kernel of native/norms.c."""
    core.check(core.bound(name, _KERNELS[name])(*args))


def at(tensor: Tensor | None) -> int | None:
    """The address of a tensor, or of none."""
    return None if tensor is None else tensor.data_ptr()


def laid_out(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Contiguous, in the type of the computation."""
    if tensor.dtype is not dtype:
        tensor = tensor.to(dtype)
    return tensor if tensor.is_contiguous() else tensor.contiguous()


def laid_out_if_any(tensor: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """The same of what may be absent."""
    return None if tensor is None else laid_out(tensor, dtype)


def of_statistics(x: Tensor, *parameters: Tensor | None) -> torch.dtype:
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
    if any(one is not None and tuple(one.shape) != tuple(normalized_shape) for one in (weight, bias)):
        return NotImplemented
    kept = of_statistics(input, weight, bias)
    x, w, b = laid_out(input, computed), laid_out_if_any(weight, computed), laid_out_if_any(bias, computed)
    shape = (*input.shape[:split], *[1] * len(normalized_shape))
    y, mean, rstd = torch.empty_like(x), x.new_empty(shape), x.new_empty(shape)
    if not x.is_cpu:
        from samebits.arithmetic._triton import norms as on_cuda

        y, *kept_of_rows = on_cuda.layer_norm(x, w, b, eps, x.numel() // n, n)
        mean, rstd = (one.view(shape) for one in kept_of_rows)
    else:
        run(
            "sb_layer_norm",
            core.DTYPES[computed],
            *(x.data_ptr(), at(w), at(b)),
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
    x, grad = laid_out(input, computed), laid_out(grad_out, computed)
    w, m, r = laid_out_if_any(weight, computed), laid_out(mean, computed), laid_out(rstd, computed)
    if not x.is_cpu:
        from samebits.arithmetic._triton import norms as on_cuda

        made = on_cuda.layer_norm_backward(grad, x, m, r, w, x.numel() // n, n)
        wanted = (output_mask[0], output_mask[1] and weight is not None, output_mask[2] and bias is not None)
        return asked_for(made, (input, weight, bias), wanted)
    dx = torch.empty_like(x) if output_mask[0] else None
    dw = x.new_empty(tuple(normalized_shape)) if output_mask[1] and weight is not None else None
    db = x.new_empty(tuple(normalized_shape)) if output_mask[2] and bias is not None else None
    run(
        "sb_layer_norm_backward",
        core.DTYPES[computed],
        *(grad.data_ptr(), x.data_ptr(), m.data_ptr(), r.data_ptr(), at(w)),
        *(at(dx), at(dw), at(db)),
        *(x.numel() // n, n),
        core.threads(),
    )
    return in_type_of(dx, input), in_type_of(dw, weight), in_type_of(db, bias)


def asked_for(
    made: Sequence[Tensor], like: Sequence[Tensor | None], wanted: Sequence[bool]
) -> tuple[Tensor | None, ...]:
    """Gradients in the shapes and types of what they are of; None for those that nobody wants."""
    return tuple(
        None if one is None or not want else in_type_of(grad.view(one.shape), one)
        for grad, one, want in zip(made, like, wanted, strict=True)
    )


def in_type_of(grad: Tensor | None, like: Tensor | None) -> Tensor | None:
    """A gradient in the type of what it is of."""
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
    if any(one is not None and tuple(one.shape) != (C,) for one in (weight, bias)):
        return NotImplemented
    kept = of_statistics(input, weight, bias)
    x, w, b = laid_out(input, computed), laid_out_if_any(weight, computed), laid_out_if_any(bias, computed)
    y, mean, rstd = torch.empty_like(x), x.new_empty((N, group)), x.new_empty((N, group))
    if not x.is_cpu:
        from samebits.arithmetic._triton import norms as on_cuda

        y, *kept_of_groups = on_cuda.group_norm(x, w, b, eps, N, C, HxW, group)
        mean, rstd = (one.view(N, group) for one in kept_of_groups)
    else:
        run(
            "sb_group_norm",
            core.DTYPES[computed],
            *(x.data_ptr(), at(w), at(b)),
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
    x, grad = laid_out(input, computed), laid_out(grad_out, computed)
    w, m, r = laid_out_if_any(weight, computed), laid_out(mean, computed), laid_out(rstd, computed)
    if not x.is_cpu:
        from samebits.arithmetic._triton import norms as on_cuda

        made = on_cuda.group_norm_backward(grad, x, m, r, w, N, C, HxW, group)
        to_x, *others = asked_for(made, (x, x.new_empty(C), x.new_empty(C)), output_mask)
        to_x = None if to_x is None else _laid(to_x, input)
        return to_x, *(in_type_of(one, weight) for one in others)
    dx = torch.empty_like(x) if output_mask[0] else None
    dw = x.new_empty((C,)) if output_mask[1] else None
    db = x.new_empty((C,)) if output_mask[2] else None
    work = x.new_empty((3, N, C))
    run(
        "sb_group_norm_backward",
        core.DTYPES[computed],
        *(grad.data_ptr(), x.data_ptr(), m.data_ptr(), r.data_ptr(), at(w)),
        *(at(dx), at(dw), at(db)),
        *(N, C, HxW, group, work.data_ptr()),
        core.threads(),
    )
    return None if dx is None else _laid(dx, input), in_type_of(dw, weight), in_type_of(db, weight)


ROWS = (
    Defined("aten::native_layer_norm", layer_norm, FORMULA),
    Defined(
        "aten::native_layer_norm_backward",
        layer_norm_backward,
        "v = g * weight: r * fma(-h, D(v, h) / n, v - S(v) / n); weight: D(g, h), bias: S(g)",
    ),
    Defined("aten::native_group_norm", group_norm, FORMULA),
    Defined(
        "aten::native_group_norm_backward",
        group_norm_backward,
        "channels' s = S(g), p = D(g, x - m): fma(-(x - m), ((D(p, weight) * r) * r) / n, g * weight -"
        " D(s, weight) / n) * r; weight: D(p, r), bias: S(s)",
    ),
)
