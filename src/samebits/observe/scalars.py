"""The bits of a tensor of one element, as a record keeps those of a loss."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import torch

#: How the scalars that nearly every loss is are packed; others are read byte by byte.
_PACKED: Final = {"torch.float32": "<f", "torch.float64": "<d"}


def scalar_bits(tensor: torch.Tensor, number: complex) -> str:
    """The bits of a tensor of one element that is this number, in hexadecimal, the lowest byte first."""
    import torch

    packed = _PACKED.get(str(tensor.dtype))
    raw = struct.pack(packed, number) if packed else tensor.detach().reshape(1).view(torch.uint8).tolist()
    return bytes(raw).hex()
