"""What an observed program writes, kept: the beginning and end of each stream, compressed, without secrets.

A stream is read through a pipe as fast as the program writes, so that a program that prints for days fills no
disk.  Nothing is written before the end.
"""

from __future__ import annotations

import gzip
import os
import re
import selectors
import tempfile
import threading
import time
import zlib
from pathlib import Path
from typing import Final

from samebits._runtime.whole import write_whole
from samebits.launch.mirror_tree import PREFIX

#: Bytes kept of the beginning of a stream, and of its end.
KEPT: Final = 1 << 20
NAMES: Final = ("stdout", "stderr")
_BLOCK: Final = 1 << 16
_NO_INPUT: Final = "Runs that are compared have no standard input: give it an argument or a file instead."
#: Seconds for which what is still in the pipes is read after the program has ended.
_LISTEN: Final = 1.0


class _Stream:
    """One stream's beginning and end."""

    def __init__(self) -> None:
        self.head = bytearray()
        self.tail = bytearray()
        self.left_out = 0

    def add(self, data: bytes) -> None:
        room = KEPT - len(self.head)
        self.head += data[:room]
        self.tail += data[max(room, 0) :]
        over = len(self.tail) - KEPT
        if over > KEPT // 4 or (
            over > 0 and not self.left_out
        ):  # not for each block: moving a mebibyte costs
            self._trim(over)

    def _trim(self, over: int) -> None:
        if over > 0:
            del self.tail[:over]
            self.left_out += over

    def text(self) -> str:
        self._trim(len(self.tail) - KEPT)
        left = f"\n[samebits left out {self.left_out:,} bytes here]\n".encode() if self.left_out else b""
        return (self.head + left + self.tail).decode("utf-8", "replace")


class Output:
    """The two streams of a program: `ends` are given to it, `close` keeps what came of them."""

    def __init__(self) -> None:
        pipes = [os.pipe() for _ in NAMES]
        self.ends = [write for _, write in pipes]
        self._reads = [read for read, _ in pipes]
        self._streams = [_Stream() for _ in NAMES]
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._read, name="samebits output", daemon=True)

    def begin(self) -> None:
        """The program has its ends; from here on they are read."""
        self._close_ends()
        self._thread.start()

    def close(self, folder: Path) -> None:
        """Keep what was written; what a process that is left running still writes is not waited for."""
        self._close_ends()
        if self._thread.is_alive():
            os.write(self._wake_write, b"x")
            self._thread.join()
        for fd in (*self._reads, self._wake_read, self._wake_write):
            os.close(fd)
        for name, stream in zip(NAMES, self._streams, strict=True):
            if stream.head:
                _keep(folder / f"{name}.txt.gz", stream.text())

    def _close_ends(self) -> None:
        for fd in self.ends:
            os.close(fd)
        self.ends = []

    def _read(self) -> None:
        with selectors.DefaultSelector() as selector:
            for fd, stream in zip(self._reads, self._streams, strict=True):
                os.set_blocking(fd, False)
                selector.register(fd, selectors.EVENT_READ, stream)
            selector.register(self._wake_read, selectors.EVENT_READ, None)
            left = len(self._reads)
            until = None  # once the program has ended: how long what it left running is listened to
            while left and (until is None or time.monotonic() < until):
                ready = selector.select(None if until is None else 0)
                if until is not None and not ready:
                    return
                for key, _ in ready:
                    if key.data is None:
                        until = time.monotonic() + _LISTEN
                        selector.unregister(self._wake_read)
                        continue
                    data = os.read(key.fd, _BLOCK)
                    if data:
                        key.data.add(data)
                    else:
                        selector.unregister(key.fd)
                        left -= 1


def _keep(path: Path, text: str) -> None:
    """Written whole or not at all.  Raises OSError."""
    from samebits.manifest.secrets import redact

    data = gzip.compress(redact(text).encode("utf-8", "replace"), mtime=0)
    write_whole(path, data)


def kept(folder: Path, name: str) -> str:
    """What was kept of a stream ("stdout", "stderr"); "" where nothing was."""
    try:
        with gzip.open(folder / f"{name}.txt.gz", "rb") as file:
            return file.read(3 * KEPT).decode("utf-8", "replace")
    except (OSError, EOFError, zlib.error):
        return ""


def last_error(folder: Path, lines: int = 40) -> str:
    """The last lines that a run wrote as errors: in the user's paths, not in those of a mirror."""
    text = "\n".join(kept(folder, "stderr").splitlines()[-lines:]).rstrip()
    text = re.sub(rf"(?:{re.escape(tempfile.gettempdir())}|[^\s\"']*)/{PREFIX}[^/\s]+/tree(?=/)", "", text)
    return f"{text}\n{_NO_INPUT}" if "\nEOFError" in f"\n{text}" else text
