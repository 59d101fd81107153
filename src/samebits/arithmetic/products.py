"""Products of matrices: every output is P of a row and a column (docs/reference/portable.md).

The order is that of k alone: threads, blocks, layouts and the other rows change nothing.
"""

from __future__ import annotations

import ctypes
from typing import Any, Final

import torch
from torch import Tensor

from samebits.arithmetic import core
from samebits.arithmetic.rows import Defined

_I64: Final = ctypes.c_int64
_Numbers: Final = _I64 * 20
_HALVES: Final = (torch.float16, torch.bfloat16)
#: A tensor, or NotImplemented.
Result = Any


def mm(self: Tensor, mat2: Tensor) -> Result:
    """P of the rows of `self` (m, k) with the columns of `mat2` (k, n): (m, n)."""
    if self.dtype not in core.DTYPES:
        return NotImplemented
    return _matrices(self, mat2, None, 1.0, 1.0)


def addmm(self: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Result:
    """beta * self + alpha * P: (m, n), to which `self` is broadcast; with beta 0 `self` is not read."""
    if self.dtype not in core.DTYPES:
        return NotImplemented
    return _matrices(mat1, mat2, self, beta, alpha)


def bmm(self: Tensor, mat2: Tensor) -> Result:
    """`mm` of each of a batch: (batch, m, k) and (batch, k, n) give (batch, m, n)."""
    return mm(self, mat2)


def baddbmm(self: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Result:
    """`addmm` of each of a batch."""
    return addmm(self, batch1, batch2, beta=beta, alpha=alpha)


def addbmm(self: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Result:
    """beta * self + alpha * P, where k runs through a matrix of the batch after the other."""
    if self.dtype not in core.DTYPES:
        return NotImplemented
    rows = batch1.permute(1, 0, 2).reshape(batch1.shape[1], -1)
    return _matrices(rows, batch2.reshape(-1, batch2.shape[2]), self, beta, alpha)


def addmv(self: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Result:
    """beta * self + alpha * P of the rows of `mat` (m, k) with `vec` (k,): (m,)."""
    if self.dtype not in core.DTYPES:
        return NotImplemented
    return _matrices(mat, vec[:, None], self.expand(mat.shape[0])[:, None], beta, alpha)[:, 0]


def mv(self: Tensor, vec: Tensor) -> Result:
    """P of the rows of `self` (m, k) with `vec` (k,): (m,)."""
    if self.dtype not in core.DTYPES:
        return NotImplemented
    return _matrices(self, vec[:, None], None, 1.0, 1.0)[:, 0]


def _matrices(a: Tensor, b: Tensor, bias: Tensor | None, beta: float, alpha: float) -> Result:
    """beta * bias + alpha * a b, of one matrix each or of a batch; NotImplemented where torch refuses."""
    if a.dtype is not b.dtype or a.shape[-1] != b.shape[-2] or a.shape[:-2] != b.shape[:-2]:
        return NotImplemented
    shape = (*a.shape[:-1], b.shape[-1])
    if bias is not None and bias.dtype is a.dtype and a.dtype in _HALVES:
        return _added_to(_matrices(a, b, None, 1.0, 1.0), bias, beta, alpha)
    if bias is None or beta == 0:
        address, bias_dtype = None, 2
        bias_strides: tuple[int, ...] = (0, 0, 0)
    elif bias.dtype is not a.dtype:
        return NotImplemented
    else:
        bias = bias.expand(shape)
        address, bias_dtype = bias.data_ptr(), core.DTYPES[bias.dtype]
        bias_strides = bias.stride() if len(shape) == 3 else (0, *bias.stride())
    out = torch.empty(shape, dtype=a.dtype, device=a.device)
    if not a.is_cpu:
        from samebits.arithmetic._triton import products as on_cuda

        on_cuda.matrices(a, b, out, None if address is None else bias, beta, alpha)
        return out
    dtype, (m, n), k = core.DTYPES[a.dtype], shape[-2:], a.shape[-1]
    if len(shape) == 3:
        strides = (*a.stride(), *b.stride(), *out.stride())
        batch = shape[0]
    else:
        strides = (0, *a.stride(), 0, *b.stride(), 0, *out.stride())
        batch = 1
    numbers = _Numbers(batch, m, n, k, *strides, *bias_strides, dtype, dtype, dtype, bias_dtype)
    core.check(
        _function()(a.data_ptr(), b.data_ptr(), out.data_ptr(), address, alpha, beta, numbers, core.threads())
    )
    return out


def _added_to(product: Tensor, bias: Tensor, beta: float, alpha: float) -> Tensor:
    """beta * bias + alpha * product, each rounded to its type.

    A bias is not added before a half product is rounded: of a layer's input torch makes this operation or a
    product and a sum, as its layout is.
    """
    if alpha != 1:
        product = product.mul_(alpha)
    if beta == 0:
        return product
    return product.add_(bias if beta == 1 else bias * beta)


def _function() -> Any:
    return core.bound("sb_matrices", "ppppddpi")


ROWS: Final = (
    Defined("aten::mm", mm, "P", ("aten::mm.out",)),
    Defined("aten::bmm", bmm, "P", ("aten::bmm.out",)),
    Defined("aten::addmm", addmm, "beta * self + alpha * P", ("aten::addmm_", "aten::addmm.out")),
    Defined("aten::baddbmm", baddbmm, "beta * self + alpha * P", ("aten::baddbmm_", "aten::baddbmm.out")),
    Defined("aten::addbmm", addbmm, "beta * self + alpha * P", ("aten::addbmm_", "aten::addbmm.out")),
    Defined("aten::mv", mv, "P", ("aten::mv.out",)),
    Defined("aten::addmv", addmv, "beta * self + alpha * P", ("aten::addmv_", "aten::addmv.out")),
)
