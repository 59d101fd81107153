"""Checksums of many stretches at once are those of each alone."""

from __future__ import annotations

import numpy as np
from tests.metrics.events import crc32c as slow

from samebits.metrics.readers._crc32c import CHUNK, crc32c


def test_the_check_value() -> None:
    data = np.frombuffer(bytes(CHUNK) + b"123456789", np.uint8)
    assert crc32c(data, np.array([CHUNK]), np.array([9])).tolist() == [0xE3069283]


def test_every_length() -> None:
    chance = np.random.default_rng(0)
    data = chance.integers(0, 256, 5000, dtype=np.uint8)
    lengths = np.array([*range(200), 0, 1000, 64, 128, 4000])
    starts = chance.integers(CHUNK, 900, len(lengths))
    expected = [slow(data[at : at + n].tobytes()) for at, n in zip(starts, lengths, strict=True)]
    assert crc32c(data, starts, lengths).tolist() == expected


def test_nothing() -> None:
    none = np.zeros(0, np.int64)
    assert crc32c(np.zeros(CHUNK, np.uint8), none, none).tolist() == []
    assert crc32c(np.zeros(CHUNK, np.uint8), np.array([CHUNK]), np.array([0])).tolist() == [0]
