"""CRC-32C, the checksum of TensorBoard's files, of thousands of stretches of a buffer at once.

Python has no CRC-32C, and byte by byte in Python 100,000 records would take seconds.  A CRC is linear: the
state after a chunk is the state before it, shifted through as many zero bytes, xor the chunk's own CRC.  So
the stretches are cut into chunks of 64 bytes.  The CRCs of all chunks are computed side by side, two bytes at
a time, and then those of each stretch are joined.  https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Words = NDArray[np.uint32]

#: Bytes in a chunk.  As many must lie before the first stretch: its first chunk begins there, and they are
#: masked.
CHUNK: Final = 64
_POLYNOMIAL: Final = 0x82F63B78  # Castagnoli's, reversed
_ONES: Final = 0xFFFFFFFF


def masked(crc: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """As TensorBoard's files keep a CRC: turned by 15 bits, and a constant added, modulo 2**32."""
    turned: Words = (crc >> np.uint32(15)) | (crc << np.uint32(17))
    return turned + np.uint32(0xA282EAD8)


def crc32c(
    buffer: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.uint32]:
    """The CRC of each `buffer[start : start + length]`.

    Args:
        buffer: uint8, shape (size,); every start is at least `CHUNK`.
        starts, lengths: int64, shape (n,).
    """
    if not len(starts):
        return np.zeros(0, np.uint32)
    pairs, initial, low, high = _tables()
    # The longest come first, so that those with a chunk number k are the first few.
    order = np.argsort(-lengths, kind="stable")
    starts, lengths = starts[order], lengths[order]
    chunks = -(-lengths // CHUNK)
    before = np.cumsum(chunks) - chunks
    number = np.arange(chunks.sum()) - np.repeat(before, chunks)
    begins = np.repeat(starts + lengths - CHUNK * chunks, chunks) + CHUNK * number
    windows = np.lib.stride_tricks.sliding_window_view(buffer, CHUNK)[begins]
    filled = np.flatnonzero(lengths)
    given = lengths[filled] - CHUNK * (chunks[filled] - 1)  # the bytes of the first chunk
    foreign = np.arange(CHUNK) < (CHUNK - given)[:, None]
    windows[before[filled]] = np.where(foreign, 0, windows[before[filled]])

    own = np.zeros(len(begins), np.uint32)
    for column in np.ascontiguousarray(windows.view("<u2").T):
        own = pairs[(own ^ column) & 0xFFFF] ^ (own >> 16)

    state = np.full(len(starts), _ONES, np.uint32)
    state[filled] = initial[given] ^ own[before[filled]]
    for k in range(1, int(chunks[0])):
        some = state[: np.searchsorted(-chunks, -k, side="left")]
        some[:] = low[some & 0xFFFF] ^ high[some >> 16] ^ own[before[: len(some)] + k]
    found = np.empty_like(state)
    found[order] = state ^ np.uint32(_ONES)
    return found


@cache
def _tables() -> tuple[Words, Words, Words, Words]:
    """Two bytes through a CRC; all ones through 0 to 64 zero bytes; a state's halves through 64 of them."""
    single = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        single = np.where(single & 1, (single >> 1) ^ np.uint32(_POLYNOMIAL), single >> 1)

    def through_zero(state: NDArray[np.uint32]) -> NDArray[np.uint32]:
        after: Words = single[state & 0xFF] ^ (state >> 8)
        return after

    halves = np.arange(1 << 16, dtype=np.uint32)
    initial = [np.array([_ONES], np.uint32)]
    low: Words = halves
    high: Words = halves << np.uint32(16)
    for _ in range(CHUNK):
        initial.append(through_zero(initial[-1]))
        low, high = through_zero(low), through_zero(high)
    return through_zero(through_zero(halves)), np.concatenate(initial), low, high
