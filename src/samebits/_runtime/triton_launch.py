"""Where a tensor's operation runs, as a Triton kernel or in plain torch, and how each kernel is launched.

Triton launches on the current device and its stream, which need not be the tensors'; and
unless told not to, it fuses a multiplication and an addition into one rounding.
"""

from __future__ import annotations

import os
import shutil
from functools import cache
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor


@cache
def _importable() -> bool:
    return find_spec("triton") is not None


@cache
def _compilable() -> bool:
    """Triton builds the launcher of a kernel with a C compiler, when the kernel first runs."""
    return bool(os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang"))


@cache
def _interpreted() -> bool:
    """Triton reads its switch when a kernel is defined; whoever sets it later changes nothing."""
    return os.environ.get("TRITON_INTERPRET") == "1" and _importable()


def triton_for(tensor: Tensor) -> bool:
    """Whether `tensor` lies where Triton kernels run: on CUDA, or anywhere under Triton's interpreter."""
    if tensor.is_cuda:
        return _importable() and _compilable()
    return tensor.is_cpu and _interpreted()


def launch(kernel: Any, grid: tuple[int, ...], *arguments: Any, **options: Any) -> None:
    """Launch `kernel`, whose first argument is a tensor, on the device of that.

    Each product and each sum is rounded on its own.

    Args:
        kernel: a function that triton compiles, or interprets.
        grid: how many programs, in up to three dimensions.
        arguments: the kernel's, in its order.
        options: the kernel's by name, and the launch's own, e.g. `num_warps`.
    """
    with torch.cuda.device(arguments[0].get_device()):  # -1 changes nothing: not on CUDA
        kernel[grid](*arguments, enable_fp_fusion=False, **options)
