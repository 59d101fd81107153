"""The 2-norm of a tensor: by how much a gradient or a parameter differs; its digest says only that it does.

`native/norms.h` does the same for the native observer; the two may differ in the last bits, since they add in
another order.  So a norm never decides anything: it is only shown where digests differ.
"""

from __future__ import annotations

import math

import torch

from samebits.observe import reference


def norm(tensor: torch.Tensor) -> float:
    """The 2-norm, summed in float64; NaN where there is none that can be had here."""
    if not reference.has_bytes(tensor) or tensor.dtype not in _DTYPES or tensor.is_cuda:
        return math.nan
    data = tensor.detach()
    data = torch.view_as_real(data.resolve_conj()) if data.is_complex() else data
    return float(torch.linalg.vector_norm(data, dtype=torch.float64))


_DTYPES = {
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.complex32, torch.complex64, torch.complex128),
}
