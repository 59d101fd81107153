"""Shared by the tests of portable kernels: an interpreter that rounds as hardware, and the same bits.

Triton's interpreter computes `fma` in two roundings, where hardware has one; it cuts a bfloat16 off where
hardware rounds it, and misreads the subnormal ones.  Here `fma` is the definition's
(`samebits.arithmetic.reference.rounding`): of float64 by an exact product, exact sums and one rounding to
odd, or by fractions where those might lose something.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from triton.runtime import interpreter

from samebits.arithmetic.reference import rounding

_INTEGER = {2: torch.int16, 4: torch.int32, 8: torch.int64}


def _two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _halves(a: Any) -> tuple[Any, Any]:
    """Of 26 bits each (Dekker, A floating-point technique for extending the available precision, 1971)."""
    moved = 134217729.0 * a
    high = moved - (moved - a)
    return high, a - high


def fma64(a: Any, b: Any, c: Any) -> Any:
    """a * b + c of float64, rounded once (Boldo and Melquiond, as in reference/rounding.py)."""
    a, b, c = np.broadcast_arrays(a, b, c)
    with np.errstate(all="ignore"):
        product = a * b
        (ah, al), (bh, bl) = _halves(a), _halves(b)
        low = ((ah * bh - product) + ah * bl + al * bh) + al * bl
        rest, lowest = _two_sum(c, low)
        high, middle = _two_sum(product, rest)
        inner, lost = _two_sum(middle, lowest)
        bits = inner.view(np.int64)
        step = np.where((lost > 0) == (inner > 0), 1, -1)
        odd = np.where((lost != 0) & (bits & 1 == 0), bits + step, bits).view(np.float64)
        result = high + odd
        magnitudes = [np.abs(x) for x in (a, b, product)]
        plain = np.all([(x > 1e-130) & (x < 1e130) for x in magnitudes], axis=0)
        plain &= (np.abs(c) < 1e250) & ((c == 0) | (np.abs(c) > 1e-250)) & (result != 0)
        zero = (a == 0) | (b == 0)
        result, plain = np.where(zero, product + c, result), plain | zero
    if not plain.all():
        result[~plain] = rounding.fma(a[~plain], b[~plain], c[~plain])
    return result


def fma(a: Any, b: Any, c: Any) -> Any:
    return fma64(a, b, c) if np.asarray(c).dtype == np.float64 else rounding.fma(a, b, c)


def _from_brain(bits: Any) -> Any:
    return (bits.astype(np.uint32) << 16).view(np.float32)


def _to_brain(x: Any) -> Any:
    bits = np.ascontiguousarray(x).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(x), 0x7FC0, rounded).astype(np.uint16)


@contextmanager
def as_hardware() -> Iterator[None]:
    """Triton's interpreter rounds fused multiply-adds and bfloat16 as hardware does."""
    builder: Any = interpreter.InterpreterBuilder
    before = builder.create_fma, builder.cast_impl, builder.create_fp_to_fp
    single, brain = (interpreter.tl.float32, interpreter.tl.bfloat16)

    def create_fma(self: Any, x: Any, y: Any, z: Any) -> Any:
        return interpreter.TensorHandle(fma(x.data, y.data, z.data), z.dtype.scalar)

    def converted(other: Any) -> Any:
        def convert(self: Any, source: Any, to: Any, *rest: Any) -> Any:
            types = source.dtype.scalar, to.scalar
            if types == (brain, single):
                return interpreter.TensorHandle(_from_brain(source.data), single)
            if types == (single, brain):
                return interpreter.TensorHandle(_to_brain(source.data), brain)
            return other(self, source, to, *rest)

        return convert

    builder.create_fma = create_fma
    builder.cast_impl, builder.create_fp_to_fp = map(converted, before[1:])
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        builder.create_fma, builder.cast_impl, builder.create_fp_to_fp = before


def same(got: Tensor, want: Tensor) -> bool:
    """Type, shape and bits; every NaN alike."""
    if got.dtype is not want.dtype or got.shape != want.shape:
        return False
    kind = _INTEGER[got.element_size()]
    equal = got.contiguous().view(kind) == want.contiguous().view(kind)
    return bool((equal | (got.isnan() & want.isnan())).all())
