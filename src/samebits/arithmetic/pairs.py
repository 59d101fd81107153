"""Distances of pairs, outer products that are added, and weights of a given norm."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from samebits.arithmetic.rows import Defined
from samebits.arithmetic.sums import COMPUTED

#: A tensor, tensors, or NotImplemented.
Result = Any

#: Differences that are held at once, at most.
HELD: Final = 1 << 22


def _cdist_forward(x1: Tensor, x2: Tensor, p: float, compute_mode: int | None) -> Result:
    """The norm of order p of every x1 - x2.

    Args:
        x1: (..., P, M).
        x2: (..., R, M), its first dimensions those of `x1`, or to be broadcast with them.

    Returns:
        (..., P, R).
    """
    if x1.dtype not in COMPUTED or x1.dtype is not x2.dtype or x1.numel() * x2.numel() == 0 or p < 0:
        return NotImplemented
    if x1.dim() < 2 or x2.dim() < 2 or x1.shape[-1] != x2.shape[-1]:
        return NotImplemented
    x1, x2 = _alike(x1, x2)
    out = x1.new_empty(*x1.shape[:-1], x2.shape[-2])
    for at in _parts(x1, x2):
        d = x1[..., at, :].unsqueeze(-2) - x2.unsqueeze(-3)
        out[..., at, :] = torch.linalg.vector_norm(d, p, dim=-1)
    return out


def _alike(x1: Tensor, x2: Tensor) -> tuple[Tensor, Tensor]:
    """With all dimensions but the last two alike."""
    broadcast: Any = torch.broadcast_shapes
    lead = broadcast(x1.shape[:-2], x2.shape[:-2])
    return x1.expand(*lead, *x1.shape[-2:]), x2.expand(*lead, *x2.shape[-2:])


def _parts(x1: Tensor, x2: Tensor) -> list[slice]:
    """Rows of x1 that are done together."""
    each = x2.numel()
    step = max(1, HELD // each)
    return [slice(at, at + step) for at in range(0, x1.shape[-2], step)]


def _cdist_backward(grad: Tensor, x1: Tensor, x2: Tensor, p: float, cdist: Tensor) -> Result:
    """The gradient of x1: S over the rows of x2 of g slope, 0 where a distance is 0.

    With d = x1 - x2 the slope is sign(d), d / distance, the sign where |d| is the distance, or
    sign(d) (|d| / distance)**(p - 1), of p = 1, 2, infinity or another.
    """
    if x1.dtype not in COMPUTED or x1.numel() * x2.numel() == 0:
        return NotImplemented
    x1, x2 = _alike(x1, x2)
    out = torch.zeros(x1.shape, dtype=x1.dtype, device=x1.device)
    if p == 0:
        return out
    for at in _parts(x1, x2):
        d = x1[..., at, :].unsqueeze(-2) - x2.unsqueeze(-3)
        g, length = (x[..., at, :].unsqueeze(-1) for x in (grad, cdist))
        if p == 1:
            slope = g * d.sign()
        elif p == 2:
            slope = (g / length) * d
        elif p == float("inf"):
            slope = g * d.sign().mul_(d.abs() == length)
        else:
            slope = (d.abs() / length).pow_(p - 1).mul_(d.sign()).mul_(g)
        out[..., at, :] = slope.masked_fill(length == 0, 0).sum(-2)
    return out


def _pdist_forward(self: Tensor, p: float = 2) -> Result:
    """The norm of order p of the differences of all pairs of rows of (N, M): (N (N - 1) / 2,)"""
    if self.dtype not in COMPUTED or self.dim() != 2 or len(self) < 2 or self.shape[1] == 0:
        return NotImplemented
    first, second = torch.triu_indices(len(self), len(self), 1, device=self.device)
    return torch.linalg.vector_norm(self[first] - self[second], p, dim=-1)


def _pdist_backward(grad: Tensor, self: Tensor, p: float, pdist: Tensor) -> Result:
    """As `_cdist_backward` of self with itself."""
    if self.dtype not in COMPUTED or self.dim() != 2 or len(self) < 2 or self.shape[1] == 0:
        return NotImplemented
    first, second = torch.triu_indices(len(self), len(self), 1, device=self.device)
    both = self.new_zeros(2, len(self), len(self))
    both[:, first, second] = torch.stack((grad, pdist))
    both[:, second, first] = both[:, first, second]
    return _cdist_backward(both[0], self, self, p, both[1])


def renorm(self: Tensor, p: float, dim: int, maxnorm: float) -> Result:
    """x (maxnorm (1 / (n + 1e-7))) of the slices along `dim` whose norm n of order p exceeds maxnorm."""
    if self.dtype not in COMPUTED or self.dim() < 2 or self.numel() == 0 or p <= 0 or maxnorm < 0:
        return NotImplemented
    x = self.to(COMPUTED[self.dtype])
    norm = torch.linalg.vector_norm(x, p, _others(x, dim), keepdim=True)
    factor = torch.where(norm > maxnorm, (norm + 1e-7).reciprocal_().mul_(maxnorm), 1.0)
    return (x * factor).to(self.dtype)


def addr(self: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1) -> Result:
    """beta * self + alpha * (x y), every product rounded; with beta 0 `self` is not read."""
    if (
        self.dtype not in COMPUTED
        or not self.dtype is vec1.dtype is vec2.dtype
        or vec1.dim() != 1
        or vec2.dim() != 1
    ):
        return NotImplemented
    dtype = COMPUTED[self.dtype]
    product = vec1.to(dtype)[:, None] * vec2.to(dtype)
    product = product if alpha == 1 else product * alpha
    if beta != 0:
        own = self.to(dtype)
        product = (own if beta == 1 else own * beta) + product
    return product.to(self.dtype)


def _others(x: Tensor, dim: int) -> list[int]:
    return [at for at in range(x.dim()) if at != dim % x.dim()]


def _weight_norm_interface(v: Tensor, g: Tensor, dim: int = 0) -> Result:
    """v (g / n), n = sqrt(D(v, v)) along all dimensions but `dim`; and n, in the shape of g."""
    if v.dtype not in COMPUTED or v.numel() == 0 or v.dtype is not g.dtype:
        return NotImplemented
    dtype = COMPUTED[v.dtype]
    wide = v.to(dtype)
    norm = torch.linalg.vector_norm(wide, 2, _others(v, dim), keepdim=True)
    return (wide * (g.to(dtype) / norm)).to(v.dtype), norm.view(g.shape)


def _weight_norm_interface_backward(
    grad_w: Tensor, saved_v: Tensor, saved_g: Tensor, saved_norms: Tensor, dim: int
) -> Result:
    """With s = S(grad v): of v (g / n) (grad - v (s / (n n))), of g s / n"""
    if saved_v.dtype not in COMPUTED or saved_v.numel() == 0:
        return NotImplemented
    dtype = COMPUTED[saved_v.dtype]
    grad, v, g, n = (x.to(dtype) for x in (grad_w, saved_v, saved_g, saved_norms))
    s = (grad * v).sum(_others(v, dim), keepdim=True)
    to_v = (g / n) * (grad - v * (s / (n * n)))
    return to_v.to(saved_v.dtype), (s / n).to(saved_g.dtype)


ROWS: Final = (
    Defined("aten::_cdist_forward", _cdist_forward, "the norm of x - y"),
    Defined("aten::_cdist_backward", _cdist_backward, "S(g slope)"),
    Defined("aten::_pdist_forward", _pdist_forward, "the norm of x - y"),
    Defined("aten::_pdist_backward", _pdist_backward, "S(g slope)"),
    Defined("aten::renorm", renorm, "x (maxnorm (1 / (n + 1e-7)))", ("aten::renorm_", "aten::renorm.out")),
    Defined("aten::addr", addr, "beta * self + alpha * (x y)", ("aten::addr.out",)),
    Defined("aten::_weight_norm_interface", _weight_norm_interface, "v (g / n)"),
    Defined(
        "aten::_weight_norm_interface_backward",
        _weight_norm_interface_backward,
        "(g / n) (grad - v (s / (n n)))",
    ),
)
