"""The fields of a protobuf message, as they are on the wire; which is which, the reader of a format knows.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator


class WireError(ValueError):
    """Bytes that are no message."""


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field: an int for a varint, else its bytes.

    Raises:
        WireError: the bytes are no message.  The fields before have been given.
    """
    at, end = 0, len(message)
    while at < end:
        key, at = varint(message, at)
        kind = key & 7
        if kind == 0:
            number, at = varint(message, at)
            yield key >> 3, number
            continue
        if kind == 2:
            length, at = varint(message, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise WireError(f"a field of the wire type {kind}")
        if length > end - at:
            raise WireError("a field is longer than its message")
        yield key >> 3, message[at : at + length]
        at += length


def varint(message: bytes, at: int) -> tuple[int, int]:
    """The number at a place, and the place behind it."""
    number = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise WireError("a number is cut off")
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, at
    raise WireError("a number of more than 10 bytes")


def signed(number: int) -> int:
    """An int64 out of its varint."""
    return number - (1 << 64) if number >> 63 else number


def text(value: int | bytes) -> str:
    """A string; what is not UTF-8 in it is spelled out, so that different bytes stay different names."""
    if isinstance(value, int):
        raise WireError("a number where a text should be")
    return value.decode("utf-8", "backslashreplace")


def message(value: int | bytes) -> bytes:
    """A message within a message."""
    if isinstance(value, int):
        raise WireError("a number where a message should be")
    return value
