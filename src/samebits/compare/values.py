"""How far two tensors lie apart, element by element, with nothing but the standard library.

A laptop without torch or numpy reads a cluster's record, so the bytes are taken apart here.  Bits
decide: a NaN of another payload and a zero of another sign are differences; they are just not
differences that have a size.  A size that JSON has no number for (an infinity) is left out too.
"""

from __future__ import annotations

import math
import struct
import sys
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from samebits.compare.threads import ValueLike
from samebits.model.divergence import FAR, Difference

_BLOCK: Final = 4096  # elements compared at once before looking closer

_MOST_PARTS: Final = 1 << 20  # rows or elements that are looked for in another order
_FEWEST_PARTS: Final = 3  # different ones

# dtype -> (bytes an element, kind); "f" parts are ordered by their bits, "c" is two parts
_DTYPES: Final[dict[str, tuple[int, str]]] = {
    "float16": (2, "f"),
    "bfloat16": (2, "f"),
    "float32": (4, "f"),
    "float64": (8, "f"),
    "complex32": (4, "c"),
    "complex64": (8, "c"),
    "complex128": (16, "c"),
    "uint8": (1, "u"),
    "uint16": (2, "u"),
    "uint32": (4, "u"),
    "uint64": (8, "u"),
    "int8": (1, "i"),
    "int16": (2, "i"),
    "int32": (4, "i"),
    "int64": (8, "i"),
    "bool": (1, "b"),
}
_ALIASES: Final = {
    "half": "float16",
    "float": "float32",
    "double": "float64",
    "long": "int64",
    "int": "int32",
}
_PARTS: Final = {"complex32": "float16", "complex64": "float32", "complex128": "float64"}
_BITS: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}
_SIGNED: Final = {1: "b", 2: "h", 4: "i", 8: "q"}


def _numbers(code: str, data: bytes) -> array[int]:
    numbers = array(code)
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _floats(dtype: str, data: bytes) -> Sequence[float]:
    if dtype == "bfloat16":
        widened = b"".join(b"\0\0" + data[at : at + 2] for at in range(0, len(data), 2))
        return struct.unpack(f"<{len(data) // 2}f", widened)
    code, size = {"float16": ("e", 2), "float32": ("f", 4), "float64": ("d", 8)}[dtype]
    return struct.unpack(f"<{len(data) // size}{code}", data)


def _ordered(bits: int, size: int) -> int:
    """The place of a number among all of its type: neighbours are 1 apart, both zeros are 0."""
    sign = 1 << (size * 8 - 1)
    return -(bits & (sign - 1)) if bits & sign else bits


class _Largest:
    """The running sizes of a difference."""

    def __init__(self) -> None:
        self.differing = 0
        self.distance: float | None = None
        self.ulp: int | None = None
        self.far = 0

    def add(self, distance: float | None, ulp: int | None) -> None:
        if distance is not None and math.isfinite(distance):
            self.distance = distance if self.distance is None else max(self.distance, distance)
        if ulp is not None:
            self.ulp = ulp if self.ulp is None else max(self.ulp, ulp)


def _compare_floats(dtype: str, a: bytes, b: bytes, parts: int, found: _Largest) -> None:
    size = _DTYPES[dtype][0]
    bits_a, bits_b = _numbers(_BITS[size], a), _numbers(_BITS[size], b)
    floats_a, floats_b = _floats(dtype, a), _floats(dtype, b)
    for first in range(0, len(bits_a), parts):
        places = [at for at in range(first, first + parts) if bits_a[at] != bits_b[at]]
        if not places:
            continue
        found.differing += 1
        gaps = [floats_a[at] - floats_b[at] for at in places]
        whole = all(not math.isnan(gap) for gap in gaps)
        found.add(math.hypot(*gaps) if whole else None, None)
        far = False
        for at in places:
            if not (math.isnan(floats_a[at]) or math.isnan(floats_b[at])):
                ulp = abs(_ordered(bits_a[at], size) - _ordered(bits_b[at], size))
                far |= ulp > FAR
                found.add(None, ulp)
        found.far += far


def _compare_integers(code: str, a: bytes, b: bytes, found: _Largest) -> None:
    for x, y in zip(_numbers(code, a), _numbers(code, b), strict=True):
        if x != y:
            found.differing += 1
            found.add(float(abs(x - y)), None)


def _compare_opaque(size: int, a: bytes, b: bytes, found: _Largest) -> None:
    """Elements that are not numbers here (bool, 8-bit floats, quantized): only counted."""
    for at in range(0, len(a), size):
        if a[at : at + size] != b[at : at + size]:
            found.differing += 1


def compare_bytes(dtype: str, a: bytes, b: bytes, elements: int) -> Difference:
    """The difference of two tensors of one dtype and ``elements`` elements, as little-endian bytes."""
    dtype = dtype.removeprefix("torch.")
    dtype = _ALIASES.get(dtype, dtype)
    size, kind = _DTYPES.get(dtype, (0, "opaque"))
    if kind == "opaque" or len(a) != elements * size:
        size, kind = (len(a) // elements if elements else 0), "opaque"
    if len(a) != len(b) or elements <= 0 or size == 0 or len(a) % size:
        return Difference(elements if a != b else 0, elements, None, None)
    found = _Largest()
    step = _BLOCK * size
    closer: Callable[[bytes, bytes], None]
    if kind == "f":
        closer = lambda x, y: _compare_floats(dtype, x, y, 1, found)  # noqa: E731
    elif kind == "c":
        closer = lambda x, y: _compare_floats(_PARTS[dtype], x, y, 2, found)  # noqa: E731
    elif kind in "ui":
        code = (_BITS if kind == "u" else _SIGNED)[size]
        closer = lambda x, y: _compare_integers(code, x, y, found)  # noqa: E731
    else:
        closer = lambda x, y: _compare_opaque(size, x, y, found)  # noqa: E731
    for at in range(0, len(a), step):
        block_a, block_b = a[at : at + step], b[at : at + step]
        if block_a != block_b:
            closer(block_a, block_b)
    return Difference(found.differing, elements, found.distance, found.ulp, far=found.far)


def compare_values(a: ValueLike, b: ValueLike) -> Difference:
    """The difference of two captured outputs; of another shape or dtype, every element differs."""
    elements = max(math.prod(a.shape), math.prod(b.shape))
    if tuple(a.shape) != tuple(b.shape) or a.dtype != b.dtype:
        return Difference(elements, elements, None, None)
    found = compare_bytes(a.dtype, a.data, b.data, elements)
    rows = a.shape[0] if a.shape else 1
    reordered = _reordered(a.data, b.data, rows) or (
        rows != elements and _reordered(a.data, b.data, elements)
    )
    return replace(found, reordered=reordered)


def _reordered(a: bytes, b: bytes, count: int) -> bool:
    """Whether two values of ``count`` parts each have the same parts in another order.

    Two values of few different parts (labels, a mask) have the same ones by chance, so those say nothing.
    """
    if a == b or len(a) != len(b) or not 1 < count <= _MOST_PARTS or len(a) % count:
        return False
    if any(a.count(byte) != b.count(byte) for byte in range(0, 256, 16)):
        return False  # nearly always told so, and at once
    size = len(a) // count
    parts_a, parts_b = (sorted(data[at : at + size] for at in range(0, len(data), size)) for data in (a, b))
    return parts_a == parts_b and len(set(parts_a)) >= _FEWEST_PARTS


def combine(parts: Sequence[Difference]) -> Difference:
    """The difference of an operation with several outputs."""
    apart = [part for part in parts if part.differing]
    distances = [part.max_abs for part in parts if part.max_abs is not None]
    ulps = [part.max_ulp for part in parts if part.max_ulp is not None]
    return Difference(
        sum(part.differing for part in parts),
        sum(part.elements for part in parts),
        max(distances, default=None),
        max(ulps, default=None),
        far=sum(part.far for part in parts),
        reordered=bool(apart) and all(part.reordered for part in apart),
    )


def compare_loss(a: tuple[float | None, str], b: tuple[float | None, str]) -> Difference:
    """The difference of two losses from their values and the hexadecimal bits of the scalar."""
    try:
        bits_a, bits_b = bytes.fromhex(a[1]), bytes.fromhex(b[1])
    except ValueError:
        bits_a = bits_b = b""
    dtype = {4: "float32", 8: "float64"}.get(len(bits_a))
    if dtype is not None and len(bits_a) == len(bits_b):
        return compare_bytes(dtype, bits_a, bits_b, 1)
    gap = None if a[0] is None or b[0] is None else abs(a[0] - b[0])
    return Difference(1, 1, gap if gap is not None and math.isfinite(gap) else None, None)
