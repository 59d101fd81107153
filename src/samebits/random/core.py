"""Loads the C core and calls it on tensors of the CPU."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import torch
from torch import Tensor

from samebits._runtime import tiered
from samebits.errors import UsageError
from samebits.random import build, quantile
from samebits.random.one_word import UNIT, Distribution, Parameters

_I64: Final = ctypes.c_int64
_POINTER: Final = ctypes.c_void_p

#: In the order of native/job.h; signed and unsigned integers are one to it.
DTYPES: Final = {
    torch.bool: 0,
    torch.uint8: 0,
    torch.int8: 0,
    torch.uint16: 1,
    torch.int16: 1,
    torch.uint32: 2,
    torch.int32: 2,
    torch.uint64: 3,
    torch.int64: 3,
    torch.float16: 4,
    torch.bfloat16: 5,
    torch.float32: 6,
    torch.float64: 7,
}

#: `eager` for plain torch, or a tier: plain, avx2, avx512, neon.  The fastest that there is without it.
VARIABLE: Final = "SAMEBITS_RANDOM"


class _Parameters(ctypes.Structure):
    _fields_ = (
        ("a", ctypes.c_double),
        ("b", ctypes.c_double),
        ("low", ctypes.c_uint64),
        ("range", ctypes.c_uint64),
        ("least", ctypes.c_double),
        ("most", ctypes.c_double),
        ("single", _POINTER),
        ("wide", _POINTER),
    )


#: A distribution and a dtype in one number: a call's arguments cost more than a small draw.
_MANY: Final = 16
_KEPT: Final = 1024
#: For a new tensor of so many bytes, huge pages are worth the call that asks for them.
LARGE_BYTES: Final = 1 << 22
_threads: Final = torch.get_num_threads


class Core(tiered.Chosen):
    """The loaded core."""

    def __init__(self, path: str, tier: str | None) -> None:
        super().__init__(path, tier, VARIABLE, ("eager",))
        self._single = [table.ctypes.data for table in quantile.numbers(quantile.SINGLE)]
        self._wide = [table.ctypes.data for table in quantile.numbers(quantile.DOUBLE)]
        what: list[Any] = [_POINTER, _POINTER, _POINTER, _I64]
        self._fill = self.functions.sb_fill
        self._fill.argtypes = [
            *what,
            _I64,
            ctypes.c_int,
            ctypes.c_int,
            _POINTER,
            ctypes.c_int,
            _POINTER,
            _POINTER,
        ]
        self._fill_all = self.functions.sb_fill_all
        self._fill_all.argtypes = [*what, _I64, _I64, ctypes.c_int, ctypes.c_int, _POINTER]
        self._derive = self.functions.sb_derive
        self._derive.argtypes = [_POINTER, _POINTER, _I64, ctypes.c_uint64, ctypes.c_uint64, _I64]
        self._derive.restype = None
        self._fresh = self.functions.sb_fresh
        self._fresh.argtypes = [_POINTER, _I64]
        self._fresh.restype = None
        self._kept: dict[tuple[Distribution, Parameters], Any] = {}
        self._units = [ctypes.byref(self._parameters(distribution, UNIT)) for distribution in Distribution]
        self.functions.sb_tables.argtypes = [_POINTER]
        self.functions.sb_tables(self._wide[quantile.NORMAL])

    def _parameters(self, distribution: Distribution, p: Parameters) -> _Parameters:
        exponential = distribution is Distribution.EXPONENTIAL
        single, wide = self._single[exponential], self._wide[exponential]
        return _Parameters(p.a, p.b, p.low, p.range, p.least, p.most, single, wide)

    def _prepared(self, distribution: Distribution, p: Parameters) -> Any:
        """The parameters as the core takes them, kept: making them costs as much as a small draw."""
        if (p.a == 0.0 or p.b == 0.0) and "-0.0" in (str(p.a), str(p.b)):  # equal to 0.0, and other numbers
            return ctypes.byref(self._parameters(distribution, p))
        found = self._kept.get((distribution, p))
        if found is None:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            found = self._kept[distribution, p] = ctypes.byref(self._parameters(distribution, p))
        return found

    def ask_for_large_pages(self, made: Tensor) -> None:
        """Ask the system for huge pages (madvise): a large new tensor is then cheaper to write."""
        self._fresh(made.data_ptr(), made.nbytes)

    def derive(self, out: Tensor, keys: Tensor, n: int, subsequence: int, count: int) -> None:
        """The keys that are derived of each key with n, n + 1, ...; all contiguous on the CPU.

        Args:
            out: uint64 of shape (count, keys, 2).
            keys: uint64 of shape (keys, 2).
            n, subsequence: 64 bits.
            count: how many of each.
        """
        self._derive(out.data_ptr(), keys.data_ptr(), keys.numel() >> 1, n, subsequence, count)

    def fill(
        self,
        out: Tensor,
        distribution: Distribution,
        keys: Tensor,
        parameters: Parameters,
        first: int = 0,
        shape: tuple[int, ...] | None = None,
        strides: tuple[int, ...] | None = None,
        source: Tensor | None = None,
    ) -> None:
        """Fill `out`, contiguous on the CPU, with a distribution's numbers.

        Args:
            out: all keys' elements, one key's after another's.
            distribution, parameters: what is drawn.
            keys: uint64, contiguous, of shape (keys, 2) or (2,).
            first: the number of a key's first element.
            shape, strides: of a key's elements: how many, and how far their numbers lie apart; consecutive
                numbers without it.
            source: dropout: of `out`'s shape and dtype, contiguous.
        """
        given = self._units[distribution] if parameters is UNIT else self._prepared(distribution, parameters)
        amount = keys.numel() >> 1
        what = distribution * _MANY + DTYPES[out.dtype]
        at = None if source is None else source.data_ptr()
        if shape is None or strides is None:
            each = out.numel() // amount
            lacks = self._fill_all(
                out.data_ptr(), keys.data_ptr(), given, amount, each, first, what, _threads(), at
            )
        else:
            sizes, steps = (_I64 * len(shape))(*shape), (_I64 * len(shape))(*strides)
            lacks = self._fill(
                out.data_ptr(), keys.data_ptr(), given, amount, first, what, _threads(), at,
                len(shape), sizes, steps,
            )  # fmt: skip
        assert not lacks, f"the core draws no {distribution.name} of {out.dtype}"


@cache
def load() -> Core | None:
    """The core; None where it cannot be built, or is not wanted: plain torch then does the same, slower."""
    asked = os.environ.get(VARIABLE) or None
    if asked == "eager":
        return None
    for path in build.core().found():
        try:
            return Core(str(path), asked)
        except OSError:  # damaged: the next one, or a new one
            continue
    try:
        return Core(str(build.core().made()), asked)
    except (build.BuildError, OSError):
        if asked is not None:
            raise
        return None


def tiers() -> list[str]:
    """The tiers that this machine has, `eager` first."""
    core = load()
    return ["eager", *(core.tiers() if core is not None else ())]


_eager = False


def get() -> Core | None:
    """The C core; None where plain torch draws: it cannot be built, or `using("eager")` is on."""
    return None if _eager else load()


@contextmanager
def using(tier: str) -> Iterator[None]:
    """Draw with one tier alone: `eager`, or one of `tiers()`.  For the whole process."""
    global _eager
    core, before = load(), _eager
    chosen = core.tier if core is not None else None
    try:
        _eager = tier == "eager"
        if not _eager:
            if core is None:
                raise UsageError(
                    f"{tier}: the core of samebits.random could not be built; there is `eager` alone"
                )
            core.use(tier)
        yield
    finally:
        _eager = before
        if core is not None:
            core.use(chosen)
