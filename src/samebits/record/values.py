"""What a record keeps of values, beside their digests: losses, captured outputs, norms."""

from __future__ import annotations

import math
import sys
from array import array
from dataclasses import dataclass
from typing import Protocol

from samebits.errors import RecordError
from samebits.model.events import KIND, READ_IN_TURN
from samebits.record import log
from samebits.record.chunks import Chunk
from samebits.record.structure import Columns


@dataclass(frozen=True, slots=True)
class Loss:
    """The root of one ``backward()``: the exact value and the hex of its bytes."""

    step: int
    index: int
    value: float | None
    bits: str


@dataclass(frozen=True, slots=True)
class Value:
    """The bytes of one output of one event."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


class Structured(Protocol):
    """What the norms of a chunk are asked of: the record that it lies in."""

    def columns(self, structure: int, /) -> Columns: ...


def norms(record: Structured, chunk: Chunk) -> array[float]:
    """The 2-norm of each gradient and parameter of a chunk, in order; NaN where it is not known.

    Raises:
        RecordError: there are more or fewer than gradients and parameters.
    """
    kinds = record.columns(chunk.structure).kind
    count = sum(kinds.count(KIND[kind]) for kind in READ_IN_TURN)
    packed = chunk.norms
    if packed is None:
        return array("d", [math.nan]) * count
    if len(packed) != count * log.NORM_WIDTH:
        raise RecordError(
            f"a record is damaged: chunk {chunk.row} has {len(packed)} bytes of norms for {count} tensors"
        )
    found = array("d", packed)
    if sys.byteorder == "big":
        found.byteswap()
    return found
