"""How every kernel is launched: on its tensors' device, each product and each sum rounded on its own.

Triton launches on the current device and its stream, which need not be the tensors'; and
unless told not to, it fuses a multiplication and an addition into one rounding.
"""

from __future__ import annotations

from typing import Any

import torch


def launch(kernel: Any, grid: tuple[int, ...], *arguments: Any, **options: Any) -> None:
    """Launch `kernel`, whose first argument is a tensor, on the device of that.

    Args:
        kernel: a function that triton compiles, or interprets.
        grid: how many programs, in up to three dimensions.
        arguments: the kernel's, in its order.
        options: the kernel's by name, and the launch's own, e.g. `num_warps`.
    """
    with torch.cuda.device(arguments[0].get_device()):  # -1 changes nothing: not on CUDA
        kernel[grid](*arguments, enable_fp_fusion=False, **options)
