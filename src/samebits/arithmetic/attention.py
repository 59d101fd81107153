"""Attention, as products, softmax and elementwise operations, on every device and for every kind of mask.

    out = P(softmax(mask + P(q s, k s)), v)        s = sqrt(scale)

is what torch's plain way computes, and what its gradient is made of.  A CPU's fused kernel is ours: it does
the same for a block of queries after the other.  Dropout, and whatever else torch does not fuse, takes the
plain way.
"""

from __future__ import annotations

import ctypes
import math
from typing import Any, Final

import torch
from torch import Tensor

from samebits.arithmetic import core
from samebits.arithmetic.rows import Defined
from samebits.arithmetic.sums import COMPUTED

#: Tensors, or NotImplemented.
Result = Any
#: Of torch's ways to attention: the one that is made of operations.
MATH: Final = 0
#: Queries that one group of chunks has: more go the plain way.
QUERIES: Final = 256 * 16

_aten: Final = torch.ops.aten


def _fused_sdp_choice(*args: Any, **named: Any) -> int:
    """No fused kernel where the dispatcher is asked."""
    return MATH


def flash(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    attn_mask: Tensor | None = None,
    scale: float | None = None,
) -> Result:
    """Attention without dropout.

    Args:
        query: (B, H, T, E).
        key: (B, H, S, E), or with fewer heads, each shared by as many neighbouring heads of the query.
        value: (B, H, S, V), likewise.
        is_causal: whether query i has the keys up to i alone; without a mask.
        attn_mask: added to the scores, broadcast to (B, H, T, S); of truths: which keys there are.
        scale: of the scores; by default 1 / sqrt(E).

    Returns:
        (B, H, T, V), and zeros (B, H, T): nothing is kept for the backward.
    """
    if not _understood(query, key, value, dropout_p):
        return NotImplemented
    q, k, v = _scaled(query, _repeated(key, query), _repeated(value, query), scale)
    nothing = query.new_zeros(query.shape[:3], dtype=q.dtype)
    mask = _added(attn_mask, q)
    if not (query.is_cpu and q.shape[2] <= QUERIES and _aligned(is_causal, mask)):
        weights = _weights(q, k, mask, is_causal)
        return (weights @ v).to(query.dtype), nothing
    shape = query.shape[0], query.shape[2], query.shape[1], value.shape[3]
    out = torch.empty(shape, dtype=q.dtype).transpose(1, 2)
    core.check(
        core.bound("sb_attention_forward", "pppppp" + "i")(
            q.data_ptr(),
            k.data_ptr(),
            v.data_ptr(),
            None if mask is None else mask.data_ptr(),
            out.data_ptr(),
            _numbers(q, k, v, mask, is_causal, out),
            core.threads(),
        )
    )
    return out.to(query.dtype), nothing


def flash_backward(
    grad_out: Tensor | None,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    out: Tensor,
    logsumexp: Tensor,
    dropout_p: float,
    is_causal: bool,
    *,
    attn_mask: Tensor | None = None,
    scale: float | None = None,
) -> Result:
    """The gradients of query, key and value: what the plain way's backward makes, from weights made again."""
    if grad_out is None or not _understood(query, key, value, dropout_p):
        return NotImplemented
    q, k, v = _scaled(query, _repeated(key, query), _repeated(value, query), scale)
    grad, mask = _rows(grad_out.to(q.dtype)), _added(attn_mask, q)
    if query.is_cpu and q.shape[2] <= QUERIES and _aligned(is_causal, mask):
        to_q, to_k, to_v = (torch.empty(x.shape, dtype=q.dtype) for x in (q, k, v))
        core.check(
            core.bound("sb_attention_backward", "ppppppppp" + "i")(
                q.data_ptr(),
                k.data_ptr(),
                v.data_ptr(),
                None if mask is None else mask.data_ptr(),
                grad.data_ptr(),
                to_q.data_ptr(),
                to_k.data_ptr(),
                to_v.data_ptr(),
                _numbers(q, k, v, mask, is_causal, grad, to_q, to_k, to_v),
                core.threads(),
            )
        )
    else:
        weights = _weights(q, k, mask, is_causal)
        slopes = _aten._softmax_backward_data(grad @ v.mT, weights, -1, q.dtype)
        to_q, to_k, to_v = slopes @ k, slopes.mT @ q, weights.mT @ grad
    s = _root(query, scale)
    to_k, to_v = _shared(to_k.mul_(s), key), _shared(to_v, value)
    return to_q.mul_(s).to(query.dtype), to_k.to(key.dtype), to_v.to(value.dtype)


def _understood(query: Tensor, key: Tensor, value: Tensor, dropout_p: float) -> bool:
    """Whether these are arguments without mistakes; torch words those of others."""
    return (
        dropout_p == 0
        and query.numel() * key.numel() * value.numel() > 0
        and query.dim() == key.dim() == value.dim() == 4
        and query.dtype in COMPUTED
        and query.dtype is key.dtype is value.dtype
        and query.shape[0] == key.shape[0] == value.shape[0]
        and query.shape[1] % key.shape[1] == query.shape[1] % value.shape[1] == 0
        and query.shape[3] == key.shape[3]
        and key.shape[2] == value.shape[2]
    )


def _repeated(x: Tensor, query: Tensor) -> Tensor:
    """Keys or values with a head for each of the query's: neighbouring heads share one."""
    times = query.shape[1] // x.shape[1]
    return x if times == 1 else x.repeat_interleave(times, 1)


def _shared(grad: Tensor, x: Tensor) -> Tensor:
    """S over the heads that share one of x."""
    if grad.shape[1] == x.shape[1]:
        return grad
    return grad.view(x.shape[0], x.shape[1], -1, *x.shape[2:]).sum(2)


def _aligned(is_causal: bool, mask: Tensor | None) -> bool:
    return not (is_causal and mask is not None)


def _root(query: Tensor, scale: float | None) -> float:
    return math.sqrt(1.0 / math.sqrt(query.shape[3]) if scale is None else scale)


def _scaled(query: Tensor, key: Tensor, value: Tensor, scale: float | None) -> tuple[Tensor, Tensor, Tensor]:
    dtype, s = COMPUTED[query.dtype], _root(query, scale)
    return _rows(query.to(dtype) * s), _rows(key.to(dtype) * s), _rows(value.to(dtype))


def _rows(x: Tensor) -> Tensor:
    """With the numbers of a row beside each other."""
    return x if x.stride(3) == 1 or x.shape[3] == 1 else x.contiguous()


def _added(mask: Tensor | None, q: Tensor) -> Tensor | None:
    if mask is None or mask.dtype is not torch.bool:
        return None if mask is None else mask.to(q.dtype)
    return torch.zeros(mask.shape, dtype=q.dtype, device=q.device).masked_fill_(~mask, -torch.inf)


def _weights(q: Tensor, k: Tensor, mask: Tensor | None, is_causal: bool) -> Tensor:
    """The same in torch's operations."""
    scores = q @ k.mT
    if is_causal:
        there = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).tril_()
        scores.masked_fill_(~there, -torch.inf)
    if mask is not None:
        scores += mask
    weights: Tensor = _aten._safe_softmax(scores, -1)
    return weights


def _numbers(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, is_causal: bool, *rest: Tensor) -> Any:
    batches, heads, queries, depth = q.shape
    keys, values = v.shape[2:]
    at = (0, 0, 0, 0) if mask is None else mask.expand(batches, heads, queries, keys).stride()
    strides = [stride for x in (q, k, v, *rest) for stride in x.stride()[:3]]
    wide = q.dtype is torch.float64
    sizes = (batches, heads, queries, keys, depth, values, wide, is_causal)
    return (ctypes.c_int64 * (12 + len(strides)))(*sizes, *at, *strides)


_FORMULA: Final = "P(softmax(mask + P(q s, k s)), v)"

ROWS: Final = (
    Defined("aten::_fused_sdp_choice", _fused_sdp_choice, "the plain way"),
    Defined("aten::_scaled_dot_product_flash_attention_for_cpu", flash, _FORMULA),
    Defined("aten::_scaled_dot_product_flash_attention_for_cpu_backward", flash_backward, _FORMULA),
)
