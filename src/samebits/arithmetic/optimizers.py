"""The fused optimizers: the operations of torch.optim's loops over single tensors, in one pass.

So `fused=True`, `foreach=True` and neither have the same result.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from enum import IntEnum
from functools import cache
from typing import Any, Final

import torch
from torch import Tensor

from samebits.arithmetic import core
from samebits.arithmetic.core import DTYPES
from samebits.arithmetic.powers import power
from samebits.arithmetic.rows import Defined

Tensors = Sequence[Tensor]
#: A number, or the tensor of one.
Rate = Any


class _Which(IntEnum):
    """In the order of native/optimizers.c."""

    ADAM = 0
    SGD = 1
    ADAGRAD = 2


#: The bits of native/optimizers.h.
_MAXIMIZE, _DECOUPLED, _LARGEST, _MOMENTUM, _FIRST, _NESTEROV = (1 << n for n in range(6))


@cache
def _kernel() -> Any:
    return core.bound("sb_optimize", "iipppppnpii")


def _direct(tensors: Tensors) -> bool:
    """Whether one pass does it: float32 or float64, all laid alike; halves are rounded in between."""
    first = tensors[0]
    return (
        first.is_cpu
        and first.dtype in (torch.float32, torch.float64)
        and all(
            x.dtype is first.dtype and x.shape == first.shape and x.stride() == first.stride()
            for x in tensors
        )
        and (first.is_contiguous() or bool(torch.ops.aten.is_non_overlapping_and_dense.default(first)))
    )


def _run(which: _Which, tensors: Tensors, p: tuple[float, ...], parts: int) -> None:
    first = tensors[0]
    places = (*(x.data_ptr() for x in tensors), None, None, None)[:5]
    given = (ctypes.c_double * len(p))(*p)
    _kernel()(which, DTYPES[first.dtype], *places, first.numel(), given, parts, core.threads())


def _skipped(grads: Tensors, grad_scale: Tensor | None, found_inf: Tensor | None) -> bool:
    """Whether the gradients are infinite; otherwise they are divided by their scale, in place."""
    if found_inf is not None and found_inf.item() == 1:
        return True
    if grad_scale is not None:
        for grad in grads:
            grad.div_(grad_scale)
    return False


def _signed(grad: Tensor, maximize: bool) -> Tensor:
    return -grad if maximize else grad


def _adam(
    self: Tensors,
    grads: Tensors,
    exp_avgs: Tensors,
    exp_avg_sqs: Tensors,
    max_exp_avg_sqs: Tensors,
    state_steps: Tensors,
    *,
    lr: Rate,
    beta1: float,
    beta2: float,
    weight_decay: float,
    eps: float,
    amsgrad: bool,
    maximize: bool,
    grad_scale: Tensor | None = None,
    found_inf: Tensor | None = None,
    decoupled: bool = False,
) -> None:
    if _skipped(grads, grad_scale, found_inf):
        return
    parts = _MAXIMIZE * maximize | _DECOUPLED * decoupled | _LARGEST * amsgrad
    decay = float(1 - lr * weight_decay) if decoupled else weight_decay
    for i, param in enumerate(self):
        step = state_steps[i].item()
        size = -float(lr / (1 - power(beta1, int(step))))
        root = math.sqrt(1 - power(beta2, int(step)))
        most = (max_exp_avg_sqs[i],) if amsgrad else ()
        tensors = (param, grads[i], exp_avgs[i], exp_avg_sqs[i], *most)
        if _direct(tensors):
            p = (decay, 1 - beta1, beta2, 1 - beta2, root, eps, size)
            _run(_Which.ADAM, tensors, p, parts)
            continue
        grad = _signed(grads[i], maximize)
        if decoupled and weight_decay != 0:
            param.mul_(decay)
        elif weight_decay != 0:
            grad = grad.add(param, alpha=weight_decay)
        exp_avgs[i].lerp_(grad, 1 - beta1)
        squares = exp_avg_sqs[i].mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        if amsgrad:
            squares = torch.maximum(max_exp_avg_sqs[i], squares, out=max_exp_avg_sqs[i])
        param.addcdiv_(exp_avgs[i], (squares.sqrt() / root).add_(eps), value=size)


def _adamw(*args: Any, **kwargs: Any) -> None:
    _adam(*args, decoupled=True, **kwargs)


def _sgd(
    self: Tensors,
    grads: Tensors,
    momentum_buffer_list: Tensors,
    *,
    weight_decay: float,
    momentum: float,
    lr: Rate,
    dampening: float,
    nesterov: bool,
    maximize: bool,
    is_first_step: bool,
    grad_scale: Tensor | None = None,
    found_inf: Tensor | None = None,
) -> None:
    if _skipped(grads, grad_scale, found_inf):
        return
    has_buffer = momentum != 0 and len(momentum_buffer_list) > 0
    parts = _MAXIMIZE * maximize | _MOMENTUM * has_buffer
    parts |= _FIRST * is_first_step | _NESTEROV * nesterov
    for i, param in enumerate(self):
        tensors = (param, grads[i], *((momentum_buffer_list[i],) if has_buffer else ()))
        if _direct(tensors):
            _run(_Which.SGD, tensors, (weight_decay, momentum, 1 - dampening, -float(lr)), parts)
            continue
        grad = _signed(grads[i], maximize)
        if weight_decay != 0:
            grad = grad.add(param, alpha=weight_decay)
        if has_buffer:
            buffer = momentum_buffer_list[i]
            if is_first_step:
                buffer.copy_(grad)
            else:
                buffer.mul_(momentum).add_(grad, alpha=1 - dampening)
            grad = grad.add(buffer, alpha=momentum) if nesterov else buffer
        param.add_(grad, alpha=-float(lr))


def _adagrad(
    self: Tensors,
    grads: Tensors,
    state_sums: Tensors,
    state_steps: Tensors,
    *,
    lr: Rate,
    lr_decay: float,
    weight_decay: float,
    eps: float,
    maximize: bool,
    grad_scale: Tensor | None = None,
    found_inf: Tensor | None = None,
) -> None:
    if _skipped(grads, grad_scale, found_inf):
        return
    for i, param in enumerate(self):
        size = float(lr / (1 + (state_steps[i].item() - 1) * lr_decay))
        tensors = (param, grads[i], state_sums[i])
        if _direct(tensors):
            _run(_Which.ADAGRAD, tensors, (weight_decay, eps, -size), _MAXIMIZE * maximize)
            continue
        grad = _signed(grads[i], maximize)
        if weight_decay != 0:
            grad = grad.add(param, alpha=weight_decay)
        root = state_sums[i].addcmul_(grad, grad, value=1).sqrt().add_(eps)
        param.addcdiv_(grad, root, value=-size)


_FORMULA: Final = "the operations of torch.optim's loop over single tensors"

ROWS: Final = tuple(
    Defined(f"aten::{name}", function, _FORMULA, variants=(f"aten::{name}.tensor_lr",))
    for name, function in (
        ("_fused_adam_", _adam),
        ("_fused_adamw_", _adamw),
        ("_fused_sgd_", _sgd),
        ("_fused_adagrad_", _adagrad),
    )
)
