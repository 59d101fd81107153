"""Batch normalization, forward and backward.

Instance normalization is batch normalization of (1, N * C, ...) to torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from samebits.arithmetic import core
from samebits.arithmetic.norms import FORMULA, at, in_type_of, laid_out_if_any, of_statistics, run
from samebits.arithmetic.rows import Defined
from samebits.arithmetic.sums import COMPUTED

#: Tensors, or NotImplemented.
Result = Any


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
    given = (weight, bias, running_mean, running_var)
    if any(one is not None and one.numel() != input.shape[1] for one in given):
        return NotImplemented
    kept = of_statistics(input, weight, bias, running_mean)
    batch = _Channels(input, computed)
    c = batch.sizes[1]
    w, b = laid_out_if_any(weight, computed), laid_out_if_any(bias, computed)
    rm, rv = running_mean, running_var
    own = _running(rm, computed) and _running(rv, computed)
    if not own:
        rm, rv = laid_out_if_any(rm, computed), laid_out_if_any(rv, computed)
    y, mean, rstd = torch.empty_like(batch.x), batch.x.new_empty((c,)), batch.x.new_empty((c,))
    if not input.is_cpu:
        from samebits.arithmetic._triton import norms as on_cuda

        made, mean, rstd = on_cuda.batch_norm(batch.x, w, b, rm, rv, training, momentum, eps, *batch.sizes)
        y = y.copy_(made.view_as(y)) if made.stride() != y.stride() else made
    else:
        run(
            "sb_batch_norm",
            core.DTYPES[computed],
            *(batch.x.data_ptr(), at(w), at(b), at(rm), at(rv)),
            *(training, momentum, eps),
            *(y.data_ptr(), mean.data_ptr(), rstd.data_ptr()),
            *batch.sizes,
            core.threads(),
        )
    if training and not own:
        for stored, new in ((running_mean, rm), (running_var, rv)):
            if stored is not None and new is not None:
                stored.copy_(new)
    if not training:
        mean = rstd = batch.x.new_empty((0,))
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
    batch = _Channels(input, computed)
    c = batch.sizes[1]
    grad, w = batch.alike(grad_out), laid_out_if_any(weight, computed)
    if train:
        mean, rstd = laid_out_if_any(save_mean, computed), laid_out_if_any(save_invstd, computed)
    else:
        mean, rstd = batch.x.new_empty((c,)), batch.x.new_empty((c,))
    rm, rv = laid_out_if_any(running_mean, computed), laid_out_if_any(running_var, computed)
    if not input.is_cpu:
        from samebits.arithmetic._triton import norms as on_cuda

        made = on_cuda.batch_norm_backward(grad, batch.x, mean, rstd, w, rm, rv, train, eps, *batch.sizes)
        to_x, *others = (one if want else None for one, want in zip(made, output_mask, strict=True))
        return in_type_of(to_x, input), *(in_type_of(one, weight) for one in others)
    dx = torch.empty_like(batch.x) if output_mask[0] else None
    dw = batch.x.new_empty((c,)) if output_mask[1] else None
    db = batch.x.new_empty((c,)) if output_mask[2] else None
    work = batch.x.new_empty((5, c))
    run(
        "sb_batch_norm_backward",
        core.DTYPES[computed],
        *(grad.data_ptr(), batch.x.data_ptr(), at(mean), at(rstd), at(w), at(rm), at(rv)),
        *(train, eps),
        *(at(dx), at(dw), at(db)),
        *(*batch.sizes, work.data_ptr()),
        core.threads(),
    )
    return in_type_of(dx, input), in_type_of(dw, weight), in_type_of(db, weight)


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


_BATCH_BACKWARD = (
    "fma(-(x - m), ((p * r) * r) / n, g - S(g) / n) * (r * weight), p = D(g, x - m);"
    " without training g * (r * weight); weight: p * r, bias: S(g)"
)

ROWS = (
    Defined("aten::native_batch_norm", batch_norm, FORMULA),
    Defined("aten::_native_batch_norm_legit", batch_norm_legit, FORMULA),
    Defined("aten::_native_batch_norm_legit.no_stats", batch_norm_no_stats, FORMULA),
    Defined("aten::_batch_norm_with_update", batch_norm_with_update, FORMULA),
    Defined("aten::native_batch_norm_backward", batch_norm_backward, _BATCH_BACKWARD),
    Defined("aten::batch_norm_backward", batch_norm_backward_with_reserve, _BATCH_BACKWARD),
)
