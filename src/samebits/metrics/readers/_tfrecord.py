"""The records of a TFRecord file, each with its checksums verified.

A record is its length (8 bytes), the length's checksum (4), the data and their checksum (4).  Lengths are
read one after the other; the checksums of all records of a block are verified at once.  What a file claims is
checked against its size, and no more than a block of it is in memory.
https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from samebits.metrics.readers._crc32c import CHUNK, crc32c, masked

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK: Final = 8 << 20
#: A longer record holds no scalar (an image, a graph): it is passed over, its data unread.
LARGEST: Final = 1 << 20
_LENGTH: Final = Struct("<Q")
_HEAD: Final = 12
_FRAME: Final = 16


class BrokenRecords(Exception):
    """Why and in which record, the first being 1, a file ends before its time."""

    def __init__(self, why: str, record: int) -> None:
        super().__init__(why)
        self.record = record


def records(file: BinaryIO, size: int) -> Iterator[tuple[int, list[bytes]]]:
    """The data of the records in order, several at once, with the number of the first of them.

    Raises:
        BrokenRecords: the next record is cut off or damaged.  Those before it have been given.
    """
    count = 0
    rest = b""
    while block := file.read(_BLOCK):
        rest += block
        more = True
        while more:
            buffer = bytes(CHUNK) + rest
            starts, lengths, at = _walk(buffer)
            sound = _sound(buffer, starts, lengths)
            whole = zip(starts[:sound], lengths[:sound], strict=True)
            yield count + 1, [buffer[start : start + length] for start, length in whole]
            count += sound
            if sound < len(starts):
                raise BrokenRecords("the checksum is wrong", count + 1)
            rest = buffer[at:]
            more = len(rest) >= _HEAD and _LENGTH.unpack_from(rest)[0] > LARGEST
            if more:
                count += 1
                rest = _pass_over(file, size, rest, count)
    if rest:
        if len(rest) >= _HEAD and not _head_is_sound(rest):
            raise BrokenRecords("the checksum is wrong", count + 1)
        raise BrokenRecords("cut off", count + 1)


def _walk(buffer: bytes) -> tuple[list[int], list[int], int]:
    """Where the data of whole records begin and how long they are; where the first other record begins."""
    starts, lengths = [], []
    at, end = CHUNK, len(buffer)
    unpack = _LENGTH.unpack_from
    while end - at >= _FRAME:
        (length,) = unpack(buffer, at)
        if length > LARGEST or at + _FRAME + length > end:
            break
        starts.append(at + _HEAD)
        lengths.append(length)
        at += _FRAME + length
    return starts, lengths, at


def _sound(buffer: bytes, starts: list[int], lengths: list[int]) -> int:
    """How many records from the first on have the checksums that they should have."""
    data = np.frombuffer(buffer, np.uint8)
    at, length = np.array(starts, np.int64), np.array(lengths, np.int64)
    right = masked(crc32c(data, at - _HEAD, np.full_like(length, 8))) == _number(data, at - 4)
    right &= masked(crc32c(data, at, length)) == _number(data, at + length)
    return len(starts) if right.all() else int(np.argmin(right))


def _number(data: NDArray[np.uint8], at: NDArray[np.int64]) -> NDArray[np.uint32]:
    """The four bytes at each place as a number."""
    found: NDArray[np.uint32] = data[at[:, None] + np.arange(4)].view("<u4")[:, 0]
    return found


def _head_is_sound(head: bytes) -> bool:
    data = np.frombuffer(bytes(CHUNK) + head[:_HEAD], np.uint8)
    crc = masked(crc32c(data, np.array([CHUNK]), np.array([8])))
    return int(crc[0]) == int.from_bytes(head[8:_HEAD], "little")


def _pass_over(file: BinaryIO, size: int, rest: bytes, number: int) -> bytes:
    """What has been read behind the long record that ``rest`` begins with; the file goes on behind that."""
    if not _head_is_sound(rest):
        raise BrokenRecords("the checksum is wrong", number)
    length = _FRAME + _LENGTH.unpack_from(rest)[0]
    if length <= len(rest):
        return rest[length:]
    if file.tell() - len(rest) + length > size:
        raise BrokenRecords("cut off", number)
    file.seek(length - len(rest), 1)
    return b""
