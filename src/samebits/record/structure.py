"""Unpacks a structure: the columns that say what the events of a chunk were, stored once per content.

A blob may claim to be anything; what it may grow to is known beforehand from
the number of events, so a hostile one costs no more than an honest one.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from typing import Final, NamedTuple

from samebits.model.events import STRUCTURE
from samebits.record import log

_WORD: Final = "I" if array("I").itemsize == 4 else "L"  # the type code of four bytes


class Columns(NamedTuple):
    """One structure; the fields are events.STRUCTURE."""

    kind: array[int]
    phase: array[int]
    flags: array[int]
    name: array[int]
    site: array[int]
    module: array[int]
    node: array[int]


def unpack(blob: bytes, count: int) -> Columns:
    """The columns of ``count`` events.  Raises ValueError where the blob does not hold exactly those."""
    size = count * log.STRUCTURE_WIDTH
    inflate = zlib.decompressobj()
    try:
        raw = inflate.decompress(blob, size + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if len(raw) != size or not inflate.eof or inflate.unused_data:
        raise ValueError(f"it does not hold {count} events")
    columns = []
    at = 0
    for _, code in STRUCTURE:
        column = array("B" if code == "B" else _WORD)
        end = at + count * column.itemsize
        column.frombytes(raw[at:end])
        if sys.byteorder == "big":
            column.byteswap()
        columns.append(column)
        at = end
    return Columns(*columns)
