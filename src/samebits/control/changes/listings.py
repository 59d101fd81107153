"""In which order a folder's entries come: the file system decides, and nothing promises an order."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from typing import Any

from samebits._runtime.patcher import Patcher
from samebits.control.change import Change


class _Scan:
    """What `os.scandir` gives, in an order of ours: an iterator, and a context."""

    def __init__(self, entries: list[os.DirEntry[Any]]) -> None:
        self._entries = iter(entries)

    def __iter__(self) -> Iterator[os.DirEntry[Any]]:
        return self

    def __next__(self) -> os.DirEntry[Any]:
        return next(self._entries)

    def __enter__(self) -> _Scan:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._entries = iter(())


class Listings(Patcher):
    """Changes the order of `os.listdir` and `os.scandir`, and so that of glob, pathlib and `os.walk`."""

    def __init__(self, *, backwards: bool) -> None:
        super().__init__()
        self._backwards = backwards

    def install(self) -> Callable[[], None]:
        listdir, scandir = os.listdir, os.scandir

        @functools.wraps(listdir)
        def ordered(path: Any = ".") -> list[Any]:
            names = listdir(path)
            return sorted(names, reverse=self._backwards) if self._alive else names

        @functools.wraps(scandir)
        def scanned(path: Any = ".") -> Any:
            if not self._alive:
                return scandir(path)
            with scandir(path) as found:
                entries = sorted(found, key=lambda entry: entry.name, reverse=self._backwards)
            return _Scan(entries)

        self._replace(os, "listdir", ordered)
        self._replace(os, "scandir", scanned)
        return self.uninstall


CHANGES = (
    Change(
        name="listing-order",
        what="folders listed backwards",
        why="a folder's order is the file system's, and another machine has another: sort it.",
        install=lambda: Listings(backwards=True).install(),
        cause="directory-order",
    ),
    Change(
        name="sorted-listings",
        what="folders listed in the order of names",
        install=lambda: Listings(backwards=False).install(),
        mends=True,
    ),
)
