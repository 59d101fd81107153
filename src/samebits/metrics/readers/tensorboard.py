"""TensorBoard's event files: what torch, tensorboardX, Lightning, Keras and TensorFlow write.

A scalar is a `simple_value`, or a tensor that the plugin "scalars" shows; other summaries are passed over.
The event files of a folder are read in the order of their names, as one run.

Nearly all events of a metric differ in the time, the step and the four bytes of the value alone.  So each
event is split by one regular expression into these and the rest.  A rest that was met before is a known
metric.  A new one is parsed as protobuf, and believed if the four bytes prove to be its value.
https://github.com/tensorflow/tensorboard/tree/master/tensorboard/compat/proto
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from struct import pack, unpack
from typing import Final

import numpy as np

from samebits.errors import RecordError
from samebits.metrics.readers._files import is_file, is_folder, listed, opened
from samebits.metrics.readers._protobuf import WireError, fields, message, signed, text, varint
from samebits.metrics.readers._tfrecord import BrokenRecords, records
from samebits.metrics.scalars import Scalars
from samebits.record.store import shown

KIND: Final = "TensorBoard"
ORDER: Final = 50

_MARK: Final = "tfevents"

# The numbers of the fields.
_EVENT_STEP, _EVENT_SUMMARY, _EVENT_SESSION = 2, 5, 7
_SESSION_STATUS, _SESSION_START = 1, 1  # of SessionLog, and its value
_VALUE: Final = 1  # of Summary
_TAG, _SIMPLE, _TENSOR, _METADATA = 1, 2, 8, 9  # of Summary.Value
_PLUGIN, _PLUGIN_NAME = 1, 1  # of SummaryMetadata, and of its PluginData
_DTYPE, _CONTENT, _FLOATS, _DOUBLES, _HALVES = 1, 4, 5, 6, 13  # of TensorProto

_HALF, _BFLOAT16 = 19, 14
#: The size of DT_FLOAT, DT_DOUBLE, DT_BFLOAT16 (the upper half of a float) and DT_HALF.
_SIZES: Final = {1: 4, 2: 8, _BFLOAT16: 2, _HALF: 2}
_SCALARS: Final = b"scalars"  # the plugin

#: Time, step, what comes before the value, the value, and metadata behind it.
_SCALAR: Final = re.compile(
    rb"\x09.{8}(?:\x10([\x80-\xff]{0,9}[\x00-\x7f]))?(\x2a.*(?:\x15|\x22\x04|\x2a\x04))(.{4})(\x4a.*)?",
    re.DOTALL,
)
_PROBES: Final = (b"\x01\x23\x45\x67", b"\xfe\xdc\xba\x98")


def found(path: Path) -> bool:
    return bool(_files(path))


def _files(path: Path) -> list[Path]:
    if _MARK in path.name and is_file(path):
        return [path]
    return [path / name for name in listed(path) if _MARK in name and is_file(path / name)]


def read(path: Path) -> Scalars:
    files = _files(path)
    if not files:
        raise RecordError(f"{shown(path)} holds no event files any more")
    events = _Events()
    for file in files:
        _read(file, events)
    others = [name for name in listed(path) if is_folder(path / name) and _files(path / name)]
    if others:  # add_scalars makes them, and so do runs in runs
        some = ", ".join(map(shown, others[:5])) + (", ..." if len(others) > 5 else "")
        events.problems.append(f"not shown are the runs in its folders {some}: give them by their paths")
    return events.scalars()


def _read(path: Path, events: _Events) -> None:
    file, size = opened(path)
    if not size:
        events.problems.append(f"{shown(path.name)} is empty")
    number = 0
    with file:
        try:
            for first, block in records(file, size):
                number = first
                for event in block:
                    events.add(event)
                    number += 1
            return
        except BrokenRecords as error:
            why, number = str(error), error.record
        except WireError:
            why = "no event"
    events.problems.append(
        f"{shown(path.name)}: {why} in record {number:,}; the {number - 1:,} before it are shown"
    )


#: The varints of the steps (None: 0) and the values (float32, or float64 where there are 8 bytes), as found.
_Column = tuple[list[bytes | None], list[bytes]]


@dataclass(slots=True)
class _Events:
    """The scalars of events, and what is known of their metrics."""

    problems: list[str] = field(default_factory=list)
    superseded: int = 0  # values
    columns: dict[str, _Column] = field(default_factory=dict)
    #: What surrounds the value of a known metric, and its column.
    known: dict[tuple[bytes, bytes | None], _Column] = field(default_factory=dict)
    #: Names whose tensors are scalars: only the first of a metric says so.
    tensors: set[str] = field(default_factory=set)

    def add(self, event: bytes) -> None:
        parts = _SCALAR.fullmatch(event)
        if parts is not None:
            step, before, value, behind = parts.groups()
            column = self.known.get((before, behind)) or self._meet(before, behind)
            if column is not None:
                column[0].append(step)
                column[1].append(value)
                return
        step = None
        for number, found in fields(event):
            if number == _EVENT_STEP and isinstance(found, int):
                step = _varint(found)
            elif number == _EVENT_SESSION and step is not None and _starts(message(found)):
                self._restart(signed(varint(step, 0)[0]))
        for name, value in self._scalars(event):
            column = self.columns.setdefault(name, ([], []))
            column[0].append(step)
            column[1].append(value)

    def _restart(self, step: int) -> None:
        """The run goes on from this step: what was logged of it and later ones before does not count.

        TensorBoard shows it so, too.
        """
        for column in self.columns.values():
            kept = [at for at, found in enumerate(column[0]) if _step(found) < step]
            self.superseded += len(column[0]) - len(kept)
            column[0][:] = [column[0][at] for at in kept]
            column[1][:] = [column[1][at] for at in kept]

    def _meet(self, before: bytes, behind: bytes | None) -> _Column | None:
        """The column of a new metric, if the four bytes between these are its value, a float32."""
        names = set()
        for probe in _PROBES:
            try:
                found = list(self._scalars(before + probe + (behind or b"")))
            except WireError:
                return None
            if len(found) != 1 or found[0][1] != probe:
                return None
            names.add(found[0][0])
        if len(names) != 1:
            return None
        column = self.columns.setdefault(names.pop(), ([], []))
        self.known[before, behind] = column
        return column

    def _scalars(self, event: bytes) -> Iterator[tuple[str, bytes]]:
        """Name and value of each scalar of an event."""
        for number, summary in fields(event):
            if number != _EVENT_SUMMARY:
                continue
            for kind, value in fields(message(summary)):
                if kind == _VALUE and (scalar := self._scalar(message(value))) is not None:
                    yield scalar

    def _scalar(self, value: bytes) -> tuple[str, bytes] | None:
        name, simple, tensor = "", None, None
        plugin = None
        for number, found in fields(value):
            if number == _TAG:
                name = text(found)
            elif number == _SIMPLE:
                simple = message(found)
            elif number == _TENSOR:
                tensor = message(found)
            elif number == _METADATA:
                plugin = _plugin(message(found))
        if simple is not None:
            return (name, simple) if len(simple) == 4 else None
        if plugin == _SCALARS:
            self.tensors.add(name)
        if tensor is None or name not in self.tensors or plugin not in (None, _SCALARS):
            return None
        single = _tensor(tensor)
        return None if single is None else (name, single)

    def scalars(self) -> Scalars:
        """All of them as numbers."""
        scalars = Scalars()
        scalars.problems += self.problems
        if self.superseded:
            scalars.notes.append(
                f"a run that was resumed logged steps again: {self.superseded:,} earlier values are left out"
            )
        steps: dict[bytes | None, int] = {None: 0}
        for name, (varints, values) in self.columns.items():
            for step in varints:
                if step not in steps:
                    steps[step] = _step(step)
            joined = b"".join(values)
            if len(joined) == 4 * len(values):
                numbers = np.frombuffer(joined, "<f4").astype(np.float64)
            else:
                numbers = np.array([unpack("<f" if len(value) == 4 else "<d", value)[0] for value in values])
            scalars.extend(name, np.array([steps[step] for step in varints], np.int64), numbers)
        return scalars


def _step(found: bytes | None) -> int:
    return 0 if found is None else signed(varint(found, 0)[0])


def _starts(session: bytes) -> bool:
    """Whether a SessionLog says that a run begins, or goes on."""
    return (_SESSION_STATUS, _SESSION_START) in fields(session)


def _varint(number: int) -> bytes:
    """A number as the fast path finds it."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _plugin(metadata: bytes) -> bytes | None:
    """Which plugin shows a summary."""
    for number, found in fields(metadata):
        if number == _PLUGIN:
            for inner, name in fields(message(found)):
                if inner == _PLUGIN_NAME:
                    return message(name)
    return None


def _tensor(tensor: bytes) -> bytes | None:
    """The only number of a tensor as a float32 or float64; None if it has several, or whole ones."""
    dtype = 0
    data = b""
    halves: list[int] = []
    for number, found in fields(tensor):
        if number == _DTYPE and isinstance(found, int):
            dtype = found
        elif number in (_CONTENT, _FLOATS, _DOUBLES):
            data += message(found)
        elif number == _HALVES:  # varints, in a row or one by one
            at = 0
            while isinstance(found, bytes) and at < len(found):
                half, at = varint(found, at)
                halves.append(half & 0xFFFF)
            if isinstance(found, int):
                halves.append(found & 0xFFFF)
    if halves:
        data = np.array(halves, "<u2").tobytes()
    if len(data) != _SIZES.get(dtype):
        return None
    if dtype == _BFLOAT16:
        return b"\0\0" + data
    return pack("<f", unpack("<e", data)[0]) if dtype == _HALF else data
