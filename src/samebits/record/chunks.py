"""Consecutive events as they lie in a record: packed, and read when they are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Packed(NamedTuple):
    """The per-event columns of one chunk."""

    digests: bytes
    inputs: bytes | None
    generators: bytes | None
    sources: bytes | None
    norms: bytes | None = None


class Reader(Protocol):
    """What a chunk asks for its columns: the record that it lies in."""

    def packed(self, chunk: Chunk) -> Packed: ...


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Consecutive events of one thread and step.  The packed columns are read when looked at."""

    record: Reader
    row: int
    thread: int
    step: int
    start: int  # index of its first event in the thread's stream
    count: int
    structure: int
    checks: tuple[int, int]

    @property
    def digests(self) -> bytes:
        """``count`` little-endian uint64."""
        return self.record.packed(self).digests

    @property
    def inputs(self) -> bytes | None:
        """``count`` little-endian uint64, or None where not recorded."""
        return self.record.packed(self).inputs

    @property
    def generators(self) -> bytes | None:
        """``count`` little-endian uint64, 0 = not read, or None where not recorded."""
        return self.record.packed(self).generators

    @property
    def sources(self) -> bytes | None:
        """``count`` little-endian uint32 site numbers, 0 = unknown, or None where not recorded."""
        return self.record.packed(self).sources

    @property
    def norms(self) -> bytes | None:
        """A little-endian float64 for each event of a gradient or a parameter, in order, NaN = not known.

        None where none is known.
        """
        return self.record.packed(self).norms
