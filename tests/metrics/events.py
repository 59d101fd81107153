"""Writes TensorBoard's files for tests: protobuf, and records with checksums of its own making."""

from __future__ import annotations

import struct


def crc32c(data: bytes) -> int:
    """By the definition, bit by bit."""
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = (state >> 1) ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


def framed(data: bytes) -> bytes:
    """A record of a TFRecord file."""

    def checksum(part: bytes) -> bytes:
        crc = crc32c(part)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    length = struct.pack("<Q", len(data))
    return length + checksum(length) + data + checksum(data)


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    found = []
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def field(number: int, content: bytes) -> bytes:
    """A field of a text or a message."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def event(step: int, value: bytes) -> bytes:
    """An event of one summary value."""
    return b"\x09" + struct.pack("<d", 1.5) + b"\x10" + varint(step) + field(5, field(1, value))
