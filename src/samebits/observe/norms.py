"""The 2-norm of a tensor: by how much a gradient or a parameter differs; its digest says only that it does.

`native/norms.h` does the same for the native observer; the two may differ in the last bits, since they add in
another order.  So a norm never decides anything: it is only shown where digests differ.

numpy computes it, from the tensor's bytes: a tensor asked for its value would be a read of the program's.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import torch

from samebits.observe import reference

#: How the parts of an element are stored.
_PARTS: Final = {
    torch.float16: "<f2",
    torch.float32: "<f4",
    torch.float64: "<f8",
    torch.complex32: "<f2",
    torch.complex64: "<f4",
    torch.complex128: "<f8",
}


def norm(tensor: torch.Tensor) -> float:
    """The 2-norm, summed in float64; NaN where there is none that can be had here."""
    known = tensor.dtype in _PARTS or tensor.dtype == torch.bfloat16
    if not known or tensor.is_cuda or not reference.has_bytes(tensor):
        return math.nan
    data = reference.tensor_bytes(tensor)
    if tensor.dtype == torch.bfloat16:  # the upper half of a float32
        parts = (np.frombuffer(data, "<u2").astype(np.uint32) << np.uint32(16)).view(np.float32)
    else:
        parts = np.frombuffer(data, _PARTS[tensor.dtype])
    with np.errstate(all="ignore"):
        wide = parts.astype(np.float64)
        return math.sqrt(float(wide @ wide))
