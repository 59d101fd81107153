"""Whether a tensor's operation runs as a Triton kernel or in plain torch."""

from __future__ import annotations

import os
import shutil
from functools import cache
from importlib.util import find_spec

from torch import Tensor


@cache
def _importable() -> bool:
    return find_spec("triton") is not None


@cache
def _compilable() -> bool:
    """Triton builds the launcher of a kernel with a C compiler, when the kernel first runs."""
    return bool(os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang"))


def triton_for(tensor: Tensor) -> bool:
    """Whether `tensor` lies where Triton kernels run: on CUDA, or anywhere under Triton's interpreter."""
    if tensor.is_cuda:
        return _importable() and _compilable()
    return os.environ.get("TRITON_INTERPRET") == "1" and tensor.device.type == "cpu" and _importable()
