"""Losses of margins between classes: of one class that is right, and of several."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from samebits.arithmetic.losses import MEAN, Result, chosen_of, reduced
from samebits.arithmetic.rows import Defined
from samebits.arithmetic.sums import COMPUTED


def _margins(self: Tensor, target: Tensor, margin: float, weight: Tensor | None) -> Any:
    """Of (N, C): max(0, (margin - x_y) + x), 0 at y; where y is; the weights (N, 1) or None; or None."""
    rows = self if self.dim() else self.view(1)
    rows, own = rows if rows.dim() > 1 else rows[None], target if target.dim() else target.view(1)
    if self.dtype not in COMPUTED or self.numel() == 0 or rows.dim() != 2 or own.shape != rows.shape[:1]:
        return None
    if weight is not None and (weight.dtype is not self.dtype or weight.shape != rows.shape[1:]):
        return None
    found = chosen_of(own, -1, rows.shape[1])
    if found is None or found[1] is not None:
        return None
    x, place = rows.to(COMPUTED[self.dtype]), own[:, None]
    z = ((margin - x.gather(1, place)) + x).clamp_(min=0).scatter_(1, place, 0)
    return z, place, None if weight is None else weight[own][:, None].to(x.dtype)


def multi_margin_loss(
    self: Tensor,
    target: Tensor,
    p: float = 1,
    margin: float = 1,
    weight: Tensor | None = None,
    reduction: int = MEAN,
) -> Result:
    """With z = max(0, (margin - x_y) + x) of the other classes: S(z or z z, times w_y) / C"""
    found = _margins(self, target, margin, weight) if p in (1, 2) else None
    if found is None:
        return NotImplemented
    z, _, weights = found
    terms = z * z if p == 2 else z
    if weights is not None:
        terms = terms * weights
    sums = terms.sum(1) / z.shape[1]
    return reduced(sums if self.dim() == 2 else sums[0], reduction, self.dtype)


def multi_margin_loss_backward(
    grad_output: Tensor,
    self: Tensor,
    target: Tensor,
    p: float,
    margin: float,
    weight: Tensor | None = None,
    reduction: int = MEAN,
) -> Result:
    """With h = 1 / (N C), or 1 / C: ((2 z h or h) w_y) g where z > 0; at y minus the S of the others"""
    found = _margins(self, target, margin, weight) if p in (1, 2) else None
    if found is None:
        return NotImplemented
    z, place, weights = found
    share = 1.0 / (z.numel() if reduction == MEAN else z.shape[1])
    slope = (z * 2).mul_(share) if p == 2 else (z > 0).to(z.dtype).mul_(share)
    if weights is not None:
        slope.mul_(weights)
    slope.scatter_(1, place, -slope.sum(1, keepdim=True))
    grad = grad_output.to(z.dtype)
    return slope.mul_(grad[:, None] if grad.dim() else grad).view(self.shape).to(self.dtype)


def _labels(self: Tensor, target: Tensor) -> Any:
    """Of (N, C): the scores, the labels, which are before the first -1, which classes are labels; or None."""
    rows, own = (x if x.dim() == 2 else x.view(1, -1) for x in (self, target))
    if self.dtype not in COMPUTED or self.dim() not in (1, 2) or self.numel() == 0 or rows.shape != own.shape:
        return None
    if target.dtype is not torch.int64 or bool(((own < -1) | (own >= rows.shape[1])).any()):
        return None
    there = (own < 0).cumsum(1) == 0
    classes = torch.arange(rows.shape[1], device=self.device)
    marked = ((own[:, :, None] == classes) & there[:, :, None]).any(1)
    return rows.to(COMPUTED[self.dtype]), own.clamp(min=0), there, marked


def _excess(x: Tensor, labels: Tensor, there: Tensor, marked: Tensor) -> Tensor:
    """max(0, (1 - x_label) + x_other) of labels and of classes that are none: (N, labels, classes)."""
    excess = ((1 - x.gather(1, labels))[:, :, None] + x[:, None, :]).clamp_(min=0)
    return excess.masked_fill_(~there[:, :, None] | marked[:, None, :], 0)


def multilabel_margin_loss_forward(self: Tensor, target: Tensor, reduction: int) -> Result:
    """S of max(0, (1 - x_label) + x_other) / C, and which classes are labels

    Args:
        self: (N, C) or (C).
        target: int64, alike: labels, up to the first -1.
    """
    found = _labels(self, target)
    if found is None:
        return NotImplemented
    x, _, _, marked = found
    sums = _excess(*found).flatten(1).sum(1) / x.shape[1]
    return reduced(sums if self.dim() == 2 else sums[0], reduction, self.dtype), marked.to(self.dtype).view(
        self.shape
    )


def multilabel_margin_loss_backward(
    grad_output: Tensor, self: Tensor, target: Tensor, reduction: int, is_target: Tensor
) -> Result:
    """(c h) g, c how often a class exceeds a label, less how often it is exceeded; h = 1 / (N C) or 1 / C"""
    found = _labels(self, target)
    if found is None:
        return NotImplemented
    x, labels, _, _ = found
    above = (_excess(*found) > 0).long()
    counts = above.sum(1).scatter_add_(1, labels, -above.sum(2))
    share = 1.0 / (x.numel() if reduction == MEAN else x.shape[1])
    grad = grad_output.to(x.dtype)
    slope = counts.to(x.dtype).mul_(share).mul_(grad[:, None] if grad.dim() else grad)
    return slope.view(self.shape).to(self.dtype)


ROWS: Final = (
    Defined(
        "aten::multi_margin_loss",
        multi_margin_loss,
        "S(max(0, (margin - x_y) + x)) / C",
        ("aten::multi_margin_loss.out",),
    ),
    Defined(
        "aten::multi_margin_loss_backward",
        multi_margin_loss_backward,
        "h where z > 0, -S at y",
        ("aten::multi_margin_loss_backward.grad_input",),
    ),
    Defined(
        "aten::multilabel_margin_loss_forward",
        multilabel_margin_loss_forward,
        "S(max(0, (1 - x_label) + x_other)) / C",
        ("aten::multilabel_margin_loss_forward.output",),
    ),
    Defined(
        "aten::multilabel_margin_loss_backward",
        multilabel_margin_loss_backward,
        "(a whole number h) g",
        ("aten::multilabel_margin_loss_backward.grad_input",),
    ),
)
