"""Losses that have kernels of their own; the others are made of operations that are defined elsewhere.

A loss is a formula of each element, and S of these, divided by their number for a mean.  Below float32 it is
computed in float32 and rounded once.  Where an argument is wrong torch's own kernel says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor

from samebits.arithmetic.rows import Defined
from samebits.arithmetic.sums import COMPUTED

#: Of torch's losses.
NONE, MEAN, SUM = range(3)
#: Tensors, or NotImplemented.
Result = Any


def reduced(terms: Tensor, reduction: int, dtype: torch.dtype) -> Tensor:
    if reduction == MEAN:
        terms = terms.mean()
    elif reduction == SUM:
        terms = terms.sum()
    return terms.to(dtype)


def _share(count: int, reduction: int) -> float:
    """What an element's derivative is multiplied by."""
    return 1.0 / count if reduction == MEAN else 1.0


def _understood(*tensors: Tensor) -> bool:
    """Whether these floating point tensors are of one type, and not empty."""
    first = tensors[0]
    return first.dtype in COMPUTED and all(x.dtype is first.dtype for x in tensors) and first.numel() > 0


def _wide(*tensors: Tensor) -> list[Tensor]:
    """In the type that is computed in, broadcast."""
    dtype = COMPUTED[tensors[0].dtype]
    broadcast: Any = torch.broadcast_tensors
    return list(broadcast(*(x.to(dtype) for x in tensors)))


def _loss(
    formula: Callable[..., Tensor], self: Tensor, target: Tensor, reduction: int, *options: float
) -> Result:
    if not _understood(self, target):
        return NotImplemented
    return reduced(formula(*_wide(self, target), *options), reduction, self.dtype)


def _slope(
    formula: Callable[..., Tensor],
    grad_output: Tensor,
    self: Tensor,
    target: Tensor,
    reduction: int,
    *options: float,
) -> Result:
    """The derivative: `formula` takes x, y, the gradient and an element's share of it."""
    if not _understood(self, target, grad_output):
        return NotImplemented
    x, y, grad = _wide(self, target, grad_output)
    return formula(x, y, grad, _share(x.numel(), reduction), *options).to(self.dtype)


def _square(x: Tensor, y: Tensor) -> Tensor:
    d = x - y
    return d * d


def mse_loss(self: Tensor, target: Tensor, reduction: int = MEAN) -> Result:
    """(x - y)**2"""
    return _loss(_square, self, target, reduction)


def mse_loss_backward(grad_output: Tensor, self: Tensor, target: Tensor, reduction: int) -> Result:
    """((2 / n) (x - y)) g"""
    return _slope(lambda x, y, g, n: (x - y).mul_(2.0 * n).mul_(g), grad_output, self, target, reduction)


def _huber(x: Tensor, y: Tensor, delta: float) -> Tensor:
    z = (x - y).abs_()
    c = z.clamp(max=delta)
    return z.sub_(c * 0.5).mul_(c)


def _huber_slope(x: Tensor, y: Tensor, grad: Tensor, share: float, delta: float) -> Tensor:
    return (x - y).clamp_(-delta, delta).mul_(share).mul_(grad)


def huber_loss(self: Tensor, target: Tensor, reduction: int = MEAN, delta: float = 1.0) -> Result:
    """With z = |x - y| and c = min(z, delta): (z - c / 2) c"""
    return _loss(_huber, self, target, reduction, delta)


def huber_loss_backward(
    grad_output: Tensor, self: Tensor, target: Tensor, reduction: int, delta: float
) -> Result:
    """With d = x - y, at least -delta, at most delta, and s = 1 / n: (d s) g"""
    return _slope(_huber_slope, grad_output, self, target, reduction, delta)


def smooth_l1_loss(self: Tensor, target: Tensor, reduction: int = MEAN, beta: float = 1.0) -> Result:
    """As `huber_loss`, divided by beta; with beta 0 it is `l1_loss`."""
    if beta == 0:
        return NotImplemented
    return _loss(lambda x, y: _huber(x, y, beta).div_(beta), self, target, reduction)


def smooth_l1_loss_backward(
    grad_output: Tensor, self: Tensor, target: Tensor, reduction: int, beta: float
) -> Result:
    """As `huber_loss_backward`, divided by beta."""
    if beta == 0:
        return NotImplemented
    return _slope(
        lambda x, y, grad, share: _huber_slope(x, y, grad, share, beta).div_(beta),
        *(grad_output, self, target, reduction),
    )


def binary_cross_entropy(
    self: Tensor, target: Tensor, weight: Tensor | None = None, reduction: int = MEAN
) -> Result:
    """(y - 1) max(log1p(-x), -100) - y max(log(x), -100), times w"""
    if not _understood(self, target) or self.shape != target.shape:
        return NotImplemented
    if not (self.is_cpu and bool(((self >= 0) & (self <= 1)).all())):
        return NotImplemented  # torch says what is wrong
    x, y = _wide(self, target)
    terms = (y - 1).mul_((-x).log1p_().clamp_(min=-100)).sub_(x.log().clamp_(min=-100).mul_(y))
    if weight is not None:
        terms = terms * weight
    return reduced(terms, reduction, self.dtype)


def binary_cross_entropy_backward(
    grad_output: Tensor, self: Tensor, target: Tensor, weight: Tensor | None = None, reduction: int = MEAN
) -> Result:
    """((g (x - y)) / max((1 - x) x, 1e-12)) w, divided by n"""
    if not _understood(self, target, grad_output):
        return NotImplemented
    x, y, grad = _wide(self, target, grad_output)
    slope = (x - y).mul_(grad).div_((1 - x).mul_(x).clamp_(min=1e-12))
    if weight is not None:
        slope = slope * weight
    return (slope.div_(x.numel()) if reduction == MEAN else slope).to(self.dtype)


def chosen_of(target: Tensor, ignore_index: int, classes: int) -> tuple[Tensor, Tensor | None] | None:
    """Which class of each target, and which targets are ignored; None: there are wrong ones."""
    ignored: Tensor = target == ignore_index
    if not target.is_cpu:
        target = torch.where(ignored, 0, target)
        torch._assert_async(((target >= 0) & (target < classes)).all())
        return target, ignored
    some = bool(ignored.any())
    if some:
        target = torch.where(ignored, 0, target)
    low, high = (int(one) for one in target.aminmax())
    return (target, ignored if some else None) if low >= 0 and high < classes else None


def nll_loss_forward(
    self: Tensor, target: Tensor, weight: Tensor | None, reduction: int, ignore_index: int
) -> Result:
    """-(x_y w_y), their S, divided by the S of w_y

    Args:
        self: (N, C), (C) or (N, C, H, W): the logarithms of probabilities.
        target: int64, of self's shape without C.
        weight: (C,), or None: 1.
        ignore_index: of targets that do not count.

    Returns:
        The loss, and the S of w_y.
    """
    if self.dtype not in COMPUTED or target.dtype is not torch.int64 or self.numel() * target.numel() == 0:
        return NotImplemented
    at = 0 if self.dim() == 1 else 1
    if self.dim() not in (1, 2, 4) or (*self.shape[:at], *self.shape[at + 1 :]) != tuple(target.shape):
        return NotImplemented
    if weight is not None and (weight.dtype is not self.dtype or weight.shape != self.shape[at : at + 1]):
        return NotImplemented
    found = chosen_of(target, ignore_index, self.shape[at])
    if found is None:
        return NotImplemented
    chosen, ignored = found
    terms = self.gather(at, chosen.unsqueeze(at)).squeeze(at).to(COMPUTED[self.dtype]).neg_()
    weights = None if weight is None else weight[chosen].to(terms.dtype)
    if weights is not None:
        terms.mul_(weights)
    if ignored is not None:
        terms.masked_fill_(ignored, 0)
    if reduction == NONE and self.dim() > 1:
        return terms.to(self.dtype), self.new_zeros(())
    if weights is None:
        count = target.numel() if ignored is None else (~ignored).sum()
        total = torch.as_tensor(count, dtype=terms.dtype, device=self.device)
    else:
        total = (weights if ignored is None else weights.masked_fill_(ignored, 0)).sum()
    loss = terms.sum()
    if reduction == MEAN:
        loss = loss / total
    return loss.to(self.dtype), total.to(self.dtype)


def nll_loss_backward(
    grad_output: Tensor,
    self: Tensor,
    target: Tensor,
    weight: Tensor | None,
    reduction: int,
    ignore_index: int,
    total_weight: Tensor,
) -> Result:
    """At y: -g, for a mean -(g / total_weight), times w_y; elsewhere 0."""
    if self.dtype not in COMPUTED or self.numel() * target.numel() == 0 or self.dim() not in (1, 2, 4):
        return NotImplemented
    at = 0 if self.dim() == 1 else 1
    found = chosen_of(target, ignore_index, self.shape[at])
    if found is None:
        return NotImplemented
    chosen, ignored = found
    dtype = COMPUTED[self.dtype]
    grad = grad_output.to(dtype)
    if reduction == MEAN:
        grad = grad / total_weight.to(dtype)
    grad = -grad
    if weight is not None:
        grad = weight[chosen].to(dtype) * grad
    grad = grad.expand(chosen.shape)
    if ignored is not None:
        grad = grad.masked_fill(ignored, 0)
    slope = torch.zeros_like(self, memory_format=torch.contiguous_format)
    return slope.scatter_(at, chosen.unsqueeze(at), grad.to(self.dtype).unsqueeze(at))


ROWS: Final = (
    Defined("aten::mse_loss", mse_loss, "(x - y)**2", ("aten::mse_loss.out",)),
    Defined(
        "aten::mse_loss_backward",
        mse_loss_backward,
        "((2 / n) (x - y)) g",
        ("aten::mse_loss_backward.grad_input",),
    ),
    Defined(
        "aten::smooth_l1_loss",
        smooth_l1_loss,
        "((z - c / 2) c) / beta",
        ("aten::smooth_l1_loss.out",),
    ),
    Defined(
        "aten::smooth_l1_loss_backward",
        smooth_l1_loss_backward,
        "((d s) g) / beta",
        ("aten::smooth_l1_loss_backward.grad_input",),
    ),
    Defined("aten::huber_loss", huber_loss, "(z - c / 2) c", ("aten::huber_loss.out",)),
    Defined(
        "aten::huber_loss_backward",
        huber_loss_backward,
        "(d s) g",
        ("aten::huber_loss_backward.out",),
    ),
    Defined(
        "aten::binary_cross_entropy",
        binary_cross_entropy,
        "(y - 1) log1p(-x) - y log(x)",
        ("aten::binary_cross_entropy.out",),
    ),
    Defined(
        "aten::binary_cross_entropy_backward",
        binary_cross_entropy_backward,
        "(g (x - y)) / ((1 - x) x)",
        ("aten::binary_cross_entropy_backward.grad_input",),
    ),
    *(
        row
        for name in ("nll_loss", "nll_loss2d")
        for row in (
            Defined(
                f"aten::{name}_forward",
                nll_loss_forward,
                "S(-(x_y w_y)) / S(w_y)",
                (f"aten::{name}_forward.output",),
            ),
            Defined(
                f"aten::{name}_backward",
                nll_loss_backward,
                "-(g / S(w_y)) w_y at y",
                (f"aten::{name}_backward.grad_input",),
            ),
        )
    ),
)
