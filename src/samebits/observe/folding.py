"""The digest of several values of an operation: tensors, numbers and nothing, folded in their order.

The numbers are those of `native/tensors.h`, and docs/reference/digest.md defines them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch

from samebits.observe import reference


class Sum:
    """The digest of several values, a running fold."""

    def __init__(self) -> None:
        self.value = 0
        self.n = 0

    def add(self, digest: int) -> None:
        self.value = reference.fold(self.value, digest) if self.n else digest
        self.n += 1

    def add_value(self, value: Any, digest: Callable[[torch.Tensor], int], *, unread: bool) -> None:
        """Add an output; of one that is ``unread``, only what ``digest`` says of its tensors."""
        if isinstance(value, torch.Tensor):
            self.add(digest(value))
        elif isinstance(value, (list, tuple)):
            for item in value:
                self.add_value(item, digest, unread=unread)
        elif value is None:
            self.add(2)  # an undefined tensor
        elif not unread:
            self.add(scalar_digest(value))


def tensors_in(values: Iterable[Any]) -> Iterator[torch.Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from tensors_in(value)


def scalar_digest(value: Any) -> int:
    if isinstance(value, bool):
        return reference.fold(13, int(value))
    if isinstance(value, int):
        return reference.fold(12, value & (2**64 - 1))
    if isinstance(value, float):
        return reference.fold(11, _bits(value))
    if isinstance(value, complex):
        return reference.fold(reference.fold(14, _bits(value.real)), _bits(value.imag))
    return 15


def _bits(value: float) -> int:
    bits: int = struct.unpack("<Q", struct.pack("<d", value))[0]
    return bits
