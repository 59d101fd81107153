"""Loads the C kernels, chooses their tier, and gives them torch's threads.

A file of this package that calls kernels binds them from `get()`, with their argument types, once.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import torch

from samebits._runtime import tiered
from samebits.arithmetic import build

#: In the order of native/base.h.
DTYPES: Final = {torch.float16: 0, torch.bfloat16: 1, torch.float32: 2, torch.float64: 3}

#: The tier to use; the fastest that there is without it.
VARIABLE: Final = "SAMEBITS_ARITHMETIC"

#: How many threads torch uses, to be asked at each call.
threads: Final = torch.get_num_threads


def _torchs_threads() -> int | None:
    """The address of what starts torch's OpenMP threads; None: there is none, or another runtime's."""
    for path in sorted(Path(torch.__file__).parent.joinpath("lib").glob("libgomp*.so*")):
        try:
            return ctypes.cast(ctypes.CDLL(str(path)).GOMP_parallel, ctypes.c_void_p).value
        except (OSError, AttributeError):
            continue
    return None


@cache
def get() -> tiered.Chosen:
    """The kernels.

    Raises:
        BuildError: they are not compiled, and cannot be.
    """
    kernels = tiered.Chosen(str(build.kernels().built()), os.environ.get(VARIABLE) or None, VARIABLE)
    kernels.functions.sb_use_threads.argtypes = [ctypes.c_void_p]
    kernels.functions.sb_use_threads(_torchs_threads())
    return kernels


#: A letter for each argument of a kernel.
_ARGUMENTS: Final = {"p": ctypes.c_void_p, "n": ctypes.c_int64, "d": ctypes.c_double, "i": ctypes.c_int}


@cache
def bound(name: str, arguments: str) -> Any:
    """A kernel, with the types of its arguments: p for an address, n for int64, d for double, i for int."""
    function = getattr(get().functions, name)
    function.argtypes = [_ARGUMENTS[letter] for letter in arguments]
    return function


def check(failed: int) -> None:
    """Raise what a kernel says by the number that it returns.

    Raises:
        MemoryError: there was none for what it works with.
    """
    if failed:
        raise MemoryError("samebits.portable: there is no memory for a kernel to work in")


def tiers() -> list[str]:
    """The tiers that this machine has."""
    return get().tiers()


@contextmanager
def using(tier: str) -> Iterator[None]:
    """Compute with one tier alone, one of `tiers()`.  For the whole process."""
    kernels = get()
    chosen = kernels.tier
    try:
        kernels.use(tier)
        yield
    finally:
        kernels.use(chosen)
