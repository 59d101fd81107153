"""How fast logs are read: 100,000 scalars of each kind, and by TensorBoard's own reader, if installed.

Each round times every reader once, in turn; the table shows the median.  Writes results/metrics.csv.
"""

from __future__ import annotations

import json
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe, write
from samebits.metrics import open_log
from samebits.metrics.readers._crc32c import CHUNK, crc32c, masked

NAMES = tuple(f"metrics/number_{k}" for k in range(10))
STEPS = 10_000
ROUNDS = 7


def varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def framed(data: bytes) -> bytes:
    """A record of a TFRecord file."""

    def checksum(part: bytes) -> bytes:
        buffer = np.frombuffer(bytes(CHUNK) + part, np.uint8)
        crc = masked(crc32c(buffer, np.array([CHUNK]), np.array([len(part)])))
        return int(crc[0]).to_bytes(4, "little")

    length = struct.pack("<Q", len(data))
    return length + checksum(length) + data + checksum(data)


def events(folder: Path, tensors: bool) -> Path:
    """An event file as torch's SummaryWriter writes it, in the old style or as tensors."""
    metadata = field(9, field(1, field(1, b"scalars")))
    folder.mkdir()
    with open(folder / "events.out.tfevents.0.host", "wb") as file:
        file.write(framed(b"\x09" + struct.pack("<d", 1.0) + field(3, b"brain.Event:2")))
        for step in range(STEPS):
            for name in NAMES:
                number = struct.pack("<f", 1 / (step + 3))
                value = b"\x15" + number
                if tensors:
                    value = field(8, b"\x08\x01" + field(5, number)) + metadata
                summary = field(1, field(1, name.encode()) + value)
                began = b"\x09" + struct.pack("<d", 1e9 + step)
                file.write(framed(began + b"\x10" + varint(step) + field(5, summary)))
    return folder


def rows() -> list[dict[str, float]]:
    return [{"step": step} | dict.fromkeys(NAMES, 1 / (step + 3)) for step in range(STEPS)]


def lines(path: Path) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows()))
    return path


def table(path: Path) -> Path:
    text = [",".join(["step", *NAMES])] + [",".join(map(str, row.values())) for row in rows()]
    path.write_text("\n".join(text) + "\n")
    return path


def tensorboard(folder: Path) -> None:
    """TensorBoard's own reader, told to keep every scalar."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    accumulator.Reload()


def main() -> int:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        logs = {
            "events, simple values": events(root / "simple", tensors=False),
            "events, tensors": events(root / "tensors", tensors=True),
            "JSON lines": lines(root / "log.jsonl"),
            "CSV": table(root / "log.csv"),
        }
        calls: dict[tuple[str, str], Callable[[], Any]] = {}
        for log, path in logs.items():
            found = open_log(path)
            assert [len(series) for series in found.series.values()] == [STEPS] * len(NAMES), found
            calls[log, "samebits"] = lambda path=path: open_log(path)
            if path.is_dir() and find_spec("tensorboard") is not None:
                calls[log, "EventAccumulator"] = lambda path=path: tensorboard(path)
        seconds: dict[tuple[str, str], list[float]] = {key: [] for key in calls}
        for _ in range(ROUNDS):
            for key, call in calls.items():
                began = time.perf_counter()
                call()
                seconds[key].append(time.perf_counter() - began)
    try:
        rival = version("tensorboard")
    except PackageNotFoundError:
        rival = ""
    result = []
    for (log, reader), taken in seconds.items():
        middle = statistics.median(taken)
        result.append(
            {"log": log, "scalars": STEPS * len(NAMES), "reader": reader, "seconds": middle}
            | {"low": min(taken), "high": max(taken), "tensorboard": rival}
        )
        print(f"{log:24} {reader:18} {middle:8.3f} s")
    write(Path(__file__).parent / "results" / "metrics.csv", result)
    print(describe())
    return 0


if __name__ == "__main__":
    sys.exit(main())
