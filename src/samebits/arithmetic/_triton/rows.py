"""Rows for CUDA alone: operations whose kernels there do not compute what those of a CPU do.

A quotient by a number is a product with its reciprocal there.  The operations of lists of tensors have
kernels of their own, where a product and a sum may be fused: here they are those of their tensors, in turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import torch
from torch import Tensor

from samebits.arithmetic._triton import elementwise
from samebits.arithmetic.core import DTYPES
from samebits.arithmetic.rows import Defined, Function

_LISTS: Final = "aten::_foreach_"
#: The kernels that are made of other operations.
_COMPOSITE: Final = "CompositeExplicitAutograd"


def div(self: Tensor, other: Tensor) -> Any:
    """self / other, rounded once, where `other` is a number; NotImplemented for two tensors of one device.

    Args:
        self: of a floating type; of any layout.
        other: on the CPU, without dimensions.
    """
    dtype = self.dtype
    if other.dim() or not other.is_cpu or dtype not in DTYPES or torch.result_type(self, other) is not dtype:
        return NotImplemented
    x = self if torch.ops.aten.is_non_overlapping_and_dense.default(self) else self.contiguous()
    out = torch.empty_like(x)
    elementwise.run("over", out, (x,), (float(other),))
    return out


def _one_by_one(schema: str) -> Function:
    name, _, overload = schema.removeprefix("aten::").partition(".")
    operation: Any = getattr(getattr(torch.ops.aten, name), overload or "default")

    def call(*args: Any, **kwargs: Any) -> Any:
        return operation._op_dk(torch._C.DispatchKey.CompositeExplicitAutograd, *args, **kwargs)

    return call


def _lists() -> Iterator[Defined]:
    for schema in sorted(torch._C._dispatch_get_all_op_names()):
        if schema.startswith(_LISTS) and torch._C._dispatch_has_kernel_for_dispatch_key(schema, _COMPOSITE):
            yield Defined(schema, _one_by_one(schema), "the operation of each tensor")


ROWS: Final = (
    Defined("aten::div.Tensor", div, "x / y, rounded", ("aten::div_.Tensor", "aten::div.out")),
    *_lists(),
)
