"""The public fingerprint of a tensor: 64 bits over dtype, shape, every bit and every position.

The native observer computes it where it can be had, on any device and at close to the speed of a copy;
elsewhere the definition in `samebits.observe.reference` does.  Both give the same bits
(docs/reference/digest.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from samebits.observe import observer
from samebits.observe.reference import reference as reference

if TYPE_CHECKING:
    import torch

__all__ = ["digest", "hexdigest", "reference"]


def digest(tensor: torch.Tensor) -> int:
    """The fingerprint of a tensor, an integer in 1 .. 2**64 - 1; waits for the tensor's device.

    Equal for equal dtype, shape and bits, whatever the device, the strides and the number of threads.  A
    sparse or nested tensor is told by its parts too, one without memory (fake, meta, a wrapper subclass) by
    dtype and shape alone.

    Raises:
        TypeError: ``tensor`` is not a tensor.
    """
    value: int = observer.load().digest(tensor)
    return value


def hexdigest(tensor: torch.Tensor) -> str:
    """`digest` as 16 hexadecimal digits, most significant first."""
    return f"{digest(tensor):016x}"
