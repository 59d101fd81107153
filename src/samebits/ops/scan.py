"""Running products and running log-sums of one row.

PyTorch scans many rows, or an outer dimension, with one block of threads a row, in a
fixed order.  A tensor that is all one row goes to CUB, whose blocks take what their
predecessors have finished so far: the grouping of the products is that of the moment.
`cumsum` has a way out, which it takes under `torch.use_deterministic_algorithms`
(`scan_dim` in ATen/native/cuda/ScanUtils.cuh, since 2.6), so it needs no replacement;
`cumprod` and `logcumsumexp` have none, and neither raise nor warn.

Here one row becomes rows of `WIDTH`: each is scanned by PyTorch's kernel for rows,
the rows' totals are scanned in the same way, in float64, and each row is joined with
the total of those before it.  The grouping depends on the length alone.  As with CUB, a
product of a part may overflow where the running product from the start does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from samebits.model.operators import Operation, Recipe, Torch, Why
from samebits.ops.case import VECTORS, forward, on_one

#: Elements of a row.
WIDTH = 1024
#: Rows that are scanned together: on a CPU their intermediate results stay in the cache.
PIECE = {"cpu": 128}
#: On other devices, where each step is a launch.
LARGE_PIECE = 1 << 15

Step = Callable[[Tensor], Tensor]
Join = Callable[[Tensor, Tensor], object]
#: A tensor, or NotImplemented.
Result = Any


def cumprod(self: Tensor, dim: int, *, dtype: torch.dtype | None = None) -> Result:
    """The running product along `dim`.

    Args:
        self: all of it along `dim`; other shapes are PyTorch's.
        dim: along which.
        dtype: of the result, to which `self` is converted first.

    Returns:
        `self`'s shape.
    """
    dtype = dtype or self.dtype
    if not _one_row(self, dim, dtype):
        return NotImplemented
    row = _scan(
        self.reshape(-1),
        dtype,
        lambda rows: rows.cumprod(1),
        lambda rows: rows.prod(1, dtype=_double(rows.dtype)),
        lambda rows, before: rows.mul_(before),
    )
    return row.view(self.shape)


def cumprod_(self: Tensor, dim: int, *, dtype: torch.dtype | None = None) -> Result:
    """`cumprod` in place; `dtype` is that of `self`, if anything."""
    if dtype not in (None, self.dtype):
        return NotImplemented
    result = cumprod(self, dim)
    return result if result is NotImplemented else self.copy_(result)


def cumprod_out(self: Tensor, dim: int, *, dtype: torch.dtype | None = None, out: Tensor) -> Result:
    """`cumprod` into `out`, in its type unless another is given."""
    if dtype not in (None, out.dtype) or out.device != self.device:
        return NotImplemented
    result = cumprod(self, dim, dtype=out.dtype)
    return result if result is NotImplemented else _resized(out, self.shape).copy_(result)


def _logcumsumexp(self: Tensor, dim: int) -> Result:
    """The running logarithm of the sum of exponentials along `dim`.

    Args:
        self: floating point or complex, all of it along `dim`; other shapes are PyTorch's.
        dim: along which.

    Returns:
        `self`'s shape and type.
    """
    if not _one_row(self, dim, self.dtype):
        return NotImplemented
    row = _scan(
        self.reshape(-1),
        self.dtype,
        lambda rows: torch.ops.aten._logcumsumexp(rows, 1),
        lambda rows: torch.logsumexp(rows, 1).to(_double(rows.dtype)),
        lambda rows, before: rows.copy_(torch.logaddexp(rows, before.to(rows.dtype))),
    )
    return row.view(self.shape)


def _resized(out: Tensor, shape: torch.Size) -> Tensor:
    return out if out.shape == shape else out.resize_(shape)


def _one_row(x: Tensor, dim: int, dtype: torch.dtype) -> bool:
    return (
        (dtype.is_floating_point or dtype.is_complex)
        and -x.dim() <= dim < x.dim()
        and x.numel() == x.shape[dim]
        and x.numel() > 1
    )


def _double(dtype: torch.dtype) -> torch.dtype:
    return torch.complex128 if dtype.is_complex else torch.float64


def _scan(x: Tensor, dtype: torch.dtype, scanned: Step, totals: Step, join: Join) -> Tensor:
    """The scan of `x` in `dtype`.

    Args:
        x: (M,).
        dtype: floating point or complex.
        scanned: of rows, (R, W), the scan along each.
        totals: of rows the last of each scan, in float64 or complex128, (R,).
        join: continues scanned rows, in place, with what was before each, (R, 1).
    """
    wide = torch.promote_types(dtype, torch.float32)
    count = x.numel() // WIDTH
    if count < 2:
        # Twice the same row: one alone would take the way that this one replaces.
        return scanned(x.to(wide).expand(2, -1))[0].to(dtype)
    rows, last = x[: count * WIDTH].view(count, WIDTH), x[count * WIDTH :]
    step = PIECE.get(x.device.type, LARGE_PIECE)
    pieces = [rows[at : at + step] for at in range(0, count, step)]
    ends = torch.cat([totals(piece.to(dtype).to(wide)) for piece in pieces])
    before = _scan(ends, ends.dtype, scanned, totals, join)[:, None]
    result = torch.empty(x.shape, dtype=dtype, device=x.device)
    first = 0
    for piece in pieces:
        part = scanned(piece.to(dtype).to(wide))
        start = 0 if first else 1
        join(part[start:], before[first + start - 1 : first + len(part) - 1])
        result[first * WIDTH : (first + len(part)) * WIDTH].view(part.shape).copy_(part)
        first += len(part)
    if last.numel():
        part = scanned(last.to(dtype).to(wide).expand(2, -1))[:1].clone()
        join(part, before[-1:])
        result[count * WIDTH :].copy_(part[0])
    return result


# The scan of a vector joins its parts as they arrive and does not say so: PyTorch 2.13, ScanUtils.cuh, which
# takes CUB's single-pass scan.
REPLACES = (
    *(
        Operation(
            "cumprod",
            f"aten::{schema}",
            Why.SCAN,
            Torch.SILENT,
            Recipe.ROWS,
            run_by=("torch.prod", "torch.linalg.vander") if schema == "cumprod" else (),
        )
        for schema in ("cumprod", "cumprod_", "cumprod.out")
    ),
    Operation(
        "logcumsumexp",
        "aten::_logcumsumexp",
        Why.SCAN,
        Torch.SILENT,
        Recipe.ROWS,
        variants=("aten::_logcumsumexp.out",),
    ),
)

CASES = (
    forward("cumprod", ["cumprod"], on_one(lambda x: x.cumprod(0), "around_one"), shapes=VECTORS),
    forward(
        "cumprod, in place",
        ["cumprod_"],
        on_one(lambda x: x.clone().cumprod_(0), "around_one"),
        shapes=VECTORS,
    ),
    forward(
        "cumprod, into a tensor",
        ["cumprod.out"],
        on_one(lambda x: torch.cumprod(x, 0, out=torch.empty_like(x)), "around_one"),
        0,
        shapes=VECTORS,
    ),
    forward("logcumsumexp", ["_logcumsumexp"], on_one(lambda x: x.logcumsumexp(0)), shapes=VECTORS),
)
