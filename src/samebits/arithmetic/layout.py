"""Tensors as kernels take them: one run of memory, in the order of the strides or of the indices."""

from __future__ import annotations

import torch
from torch import Tensor


def dense(tensor: Tensor) -> Tensor:
    """`tensor` if its elements fill one run of memory, each place once, in whatever order; else a copy."""
    if tensor.is_contiguous() or torch.ops.aten.is_non_overlapping_and_dense.default(tensor):
        return tensor
    return tensor.contiguous()


def alike(first: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
    """Tensors of one shape and one order of elements in memory.

    Those of `first`, dense; others are copied.
    """
    laid = [dense(first)]
    for other in others:
        if other.stride() != laid[0].stride() or other.shape != laid[0].shape:
            other = torch.empty_like(laid[0], dtype=other.dtype).copy_(other)
        laid.append(other)
    return tuple(laid)
