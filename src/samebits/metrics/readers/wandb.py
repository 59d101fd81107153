"""An offline run of Weights & Biases: the history in its run-*.wandb file.

The file is a log as LevelDB has them: blocks of 32 KiB, in which a record lies whole or in fragments, each
with a CRC-32.  A record is a protobuf message, of which wandb/proto/wandb_internal.proto has the numbers of
the fields.
https://github.com/google/leveldb/blob/main/doc/log_format.md
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import BinaryIO, Final

from samebits.errors import RecordError
from samebits.metrics.readers._files import head, is_file, listed, opened, parsed
from samebits.metrics.readers._protobuf import WireError, fields, message, signed, text
from samebits.metrics.readers._rows import as_number, leaves
from samebits.metrics.scalars import LARGEST_STEP, Scalars
from samebits.record.store import shown

KIND: Final = "wandb"
ORDER: Final = 30

_IDENT: Final = b":W&B"
_BLOCK: Final = 1 << 15
_HEAD: Final = Struct("<IHB")  # CRC, length, kind
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
#: A record of history is not larger; the rest of such a one is not kept.
_LARGEST: Final = 16 << 20

_HISTORY: Final = 2  # of Record
_ITEM, _STEP = 1, 2  # of HistoryRecord
_NUMBER: Final = 1  # of HistoryStep
_KEY, _NESTED_KEY, _VALUE = 1, 2, 16  # of HistoryItem


class _Broken(Exception):
    """Where the file ends before its time."""


def found(path: Path) -> bool:
    return bool(_files(path))


def _files(path: Path) -> list[Path]:
    if is_file(path):
        return [path] if path.suffix == ".wandb" or head(path, 4) == _IDENT else []
    return [path / name for name in listed(path) if name.endswith(".wandb") and is_file(path / name)]


def read(path: Path) -> Scalars:
    scalars = Scalars(decimal=True)
    for log in _files(path):
        file, _ = opened(log)
        with file:
            count = 0
            try:
                for record in _records(file):
                    _history(record, scalars)
                    count += 1
            except (_Broken, WireError) as error:
                if not count and head(log, 4) != _IDENT[: len(head(log, 4))]:
                    raise RecordError(
                        f"{shown(log)} is no file of wandb: it does not begin with :W&B"
                    ) from None
                what = error if isinstance(error, _Broken) else "no history"
                scalars.problems.append(
                    f"{shown(log.name)}: {what} in record {count + 1:,}; the {count:,} before it are shown"
                )
    return scalars


def _records(file: BinaryIO) -> Iterator[bytes]:
    """The whole records in order."""
    start = file.read(7)
    if start[:4] != _IDENT or len(start) < 7:
        raise _Broken("cut off" if _IDENT.startswith(start[:4]) else "damaged")
    block = start + file.read(_BLOCK - 7)
    at = 7
    parts: list[bytes] = []
    size = 0
    while block:
        while len(block) - at >= _HEAD.size:
            crc, length, kind = _HEAD.unpack_from(block, at)
            data = block[at + 7 : at + 7 + length]
            if len(data) < length:
                raise _Broken("cut off" if len(block) < _BLOCK else "damaged")
            if zlib.crc32(data, zlib.crc32(bytes([kind]))) != crc:
                raise _Broken("the checksum is wrong")
            if (kind in (_FULL, _FIRST)) == bool(parts) or not _FULL <= kind <= _LAST:
                raise _Broken("damaged")
            at += 7 + length
            size += length
            parts.append(data if size <= _LARGEST else b"")
            if kind in (_FULL, _LAST):
                if size <= _LARGEST:
                    yield b"".join(parts)
                parts, size = [], 0
        if len(block) < _BLOCK and any(block[at:]):
            raise _Broken("cut off")
        block, at = file.read(_BLOCK), 0
    if parts:
        raise _Broken("cut off")


def _history(record: bytes, scalars: Scalars) -> None:
    """Add what `run.log` logged in one call, if that is what the record is."""
    for number, value in fields(record):
        if number != _HISTORY:
            continue
        step: float | None = None
        items: list[tuple[str, float | None]] = []
        for part, inner in fields(message(value)):
            if part == _ITEM:
                items += _item(message(inner))
            elif part == _STEP:
                step = next(
                    (signed(n) for k, n in fields(message(inner)) if k == _NUMBER and isinstance(n, int)), 0
                )
        if step is None:
            step = dict(items).get("_step")
        if step is None or step != int(step) or abs(step) > LARGEST_STEP:
            raise WireError("a history without a step")
        media = tuple(name.removesuffix("_type") for name, _ in items if name.endswith("._type"))
        for name, found in sorted(items, key=lambda item: item[0]):  # wandb's own order is by chance
            if found is not None and name != "_step" and not (media and name.startswith(media)):
                scalars.add(name, int(step), found)


def _item(item: bytes) -> Iterator[tuple[str, float | None]]:
    """The numbers of one item, and None for what is none.

    Those of a dict are named "outer.inner", as wandb shows them.  A dict with a `_type` is a picture, a
    histogram or a table.
    """
    key = value = ""
    nested = []
    for number, found in fields(item):
        if number == _KEY:
            key = text(found)
        elif number == _NESTED_KEY:
            nested.append(text(found))
        elif number == _VALUE:
            value = text(found)
    name = key or ".".join(nested)
    try:
        content = parsed(value)
    except ValueError:
        content = None
    if isinstance(content, dict):
        yield from ((inner, as_number(single)) for inner, single in leaves({name: content}, "."))
    else:
        yield name, as_number(content)
