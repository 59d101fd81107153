"""What of a folder a mirror copies, what it links to and what it leaves out; and how it is made.

Folders are looked through level by level, without asking for more than names and kinds, until there are
more entries than any mirror would hold.  Then it is decided which folders become links as a whole, and what
is left is made: folders as folders, sources and small files as copies, all else as links.
"""

from __future__ import annotations

import heapq
import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from samebits.launch.mirror_links import MARK, Links, is_below

#: Entries that a mirror holds at most, and bytes that it copies but for sources.
ENTRIES: Final = 20_000
COPIED: Final = 256 << 20
#: A larger file is linked, unless it is source, or what a shell writes to (`python train.py > train.log`).
LARGEST: Final = 64 << 10
_LOG: Final = 16 << 20
_LOGS: Final = (".log", ".out", ".err", ".txt")
#: What a mirror's own folder is called; none is mirrored in another.
PREFIX: Final = "samebits-mirror-"
#: In it, the file that its maker holds.
OWNER: Final = "owner"
_LOOKED: Final = 10 * ENTRIES  # at so many entries the rest is not looked at
_SOURCES: Final = (".py", ".pyi", ".pyw", ".ipynb")
_LEFT_OUT: Final = (".samebits", "__pycache__")
_WHOLE: Final = (".git", "node_modules")
#: What is in the folder of an environment: Python's, conda's.
ENVIRONMENT: Final = ("pyvenv.cfg", "conda-meta")


@dataclass(slots=True)
class Folder:
    """A folder of the user's, and what becomes of it."""

    path: str
    above: Folder | None = None
    whole: bool = False  # linked as a whole
    environment: bool = False
    entries: list[os.DirEntry[str]] = field(default_factory=list)  # files and links
    folders: list[Folder] = field(default_factory=list)
    count: int = 0  # of entries in it and below
    sources: bool = False  # in it or below

    def above_it(self) -> Iterator[Folder]:
        """This and every folder above it."""
        folder: Folder | None = self
        while folder is not None:
            yield folder
            folder = folder.above

    def below(self) -> Iterator[Folder]:
        """This and every folder below it that is looked into, those above first."""
        waiting = [self]
        while waiting:
            folder = waiting.pop()
            yield folder
            if not folder.whole:
                waiting += folder.folders


def looked_through(root: str, entries: int = ENTRIES) -> Folder:
    """A folder, with what is below it that is more than ``entries`` linked as a whole.

    Raises:
        OSError: it cannot be read.
    """
    top = Folder(root)
    _look(top, _LOOKED // ENTRIES * entries, entries)
    for folder in reversed(list(top.below())):
        folder.count = len(folder.entries) + sum(1 + each.count for each in folder.folders)
        folder.sources = folder.sources or any(each.sources for each in folder.folders)
    for with_sources in (False, True):
        largest = [
            (-folder.count, folder.path, folder)
            for folder in top.below()
            if folder is not top and folder.count and folder.sources <= with_sources
        ]
        heapq.heapify(largest)
        while top.count > entries and largest:
            count, path, folder = heapq.heappop(largest)
            if any(each.whole for each in folder.above_it()):
                continue
            if folder.count != -count:  # a part of it was linked
                heapq.heappush(largest, (-folder.count, path, folder))
                continue
            folder.whole = True
            for each in folder.above_it():
                each.count += count
            folder.count = 0
    return top


def _look(top: Folder, most: int, entries: int) -> None:
    waiting, seen = deque([top]), 0
    while waiting:
        folder = waiting.popleft()
        if folder.whole:
            continue
        if seen > most:
            folder.whole = True
            continue
        try:
            _read(folder, entries)
        except OSError:
            if folder is top:
                raise
            folder.whole = True  # it cannot be read: the trial is to meet the same error
        seen += len(folder.entries) + len(folder.folders)
        waiting.extend(folder.folders)


def _read(folder: Folder, most: int) -> None:
    """Look into one folder.  Raises OSError."""
    with os.scandir(folder.path) as entries:
        for entry in entries:
            if entry.name in _LEFT_OUT or entry.name.startswith(PREFIX):
                continue
            if entry.is_dir(follow_symlinks=False):
                folder.folders.append(Folder(entry.path, folder, whole=entry.name in _WHOLE))
            elif entry.is_symlink() or entry.is_file():  # what is a pipe, a socket or a device is left out
                folder.entries.append(entry)
                folder.sources = folder.sources or _is_source(entry)
            if entry.name in ENVIRONMENT and folder.above is not None:
                folder.environment = True
            too_many = len(folder.entries) + len(folder.folders) > most and not folder.sources
            if folder.above is not None and (folder.environment or too_many):
                folder.whole, folder.sources = True, False
                folder.entries, folder.folders = [], []
                return


def _is_source(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(_SOURCES)


class Making:
    """Makes the folders of a mirror."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._left = COPIED
        self.linked: list[Path] = []  # folders, and sources that could not be read
        self.environments: list[str] = []
        self.links: dict[str, tuple[int, int, int]] = {}  # linked file -> its state

    def make(self, tops: Iterable[Folder]) -> None:
        """Make folders and all above them, where what lies beside is linked.  Raises OSError."""
        tops = list(tops)
        above = {str(folder) for top in tops for folder in Path(top.path).parents}
        wanted = {top.path for top in tops} | above
        for path in sorted(above, key=len):
            folder = self._links.folder + path if path != os.sep else self._links.folder
            if path != os.sep:
                os.mkdir(folder, 0o755)
            with suppress(PermissionError):  # one that cannot be read can still be gone through
                self._link_beside(path, folder, wanted)
        for top in tops:
            self._fill(top)

    def _link_beside(self, path: str, folder: str, wanted: set[str]) -> None:
        with os.scandir(path) as entries:
            beside = [
                entry for entry in entries if entry.path not in wanted and not entry.name.startswith(PREFIX)
            ]
        for entry in beside[:ENTRIES]:
            os.symlink(MARK + entry.path, os.path.join(folder, entry.name))

    def _fill(self, top: Folder) -> None:
        made: list[tuple[str, os.stat_result]] = []
        for folder in top.below():
            new = self._links.folder + folder.path
            if folder.whole:
                os.symlink(MARK + folder.path, new)
                self.linked.append(Path(folder.path))
                if folder.environment:
                    self.environments.append(folder.path)
                continue
            found = os.stat(folder.path)
            if folder.path != os.sep:
                os.mkdir(new, 0o700)
            made.append((new, found))
            for entry in folder.entries:
                with suppress(FileNotFoundError):  # it was there a moment ago
                    self._entry(entry, os.path.join(new, entry.name))
        for new, found in reversed(made):  # only now: one that is read-only takes no more
            os.utime(new, ns=(found.st_atime_ns, found.st_mtime_ns))
            os.chmod(new, stat.S_IMODE(found.st_mode))

    def _entry(self, entry: os.DirEntry[str], new: str) -> None:
        if entry.is_symlink():
            self._links.relink(entry.path, new)
            return
        found = entry.stat()
        source = _is_source(entry)
        largest = _LOG if entry.name.endswith(_LOGS) else LARGEST
        if source or found.st_size <= min(largest, self._left):
            try:
                size = _copy(entry.path, new, found)
            except PermissionError:
                self.linked.append(Path(entry.path))
            else:
                self._left -= 0 if source else size
                return
        os.symlink(MARK + entry.path, new)
        self.links[entry.path] = state(found)


def state(found: os.stat_result) -> tuple[int, int, int]:
    """What is another after a file was written to."""
    return found.st_mtime_ns, found.st_size, found.st_ino


def _copy(path: str, new: str, found: os.stat_result) -> int:
    """Copy a file, its times and its mode; returns how many bytes it has.  Raises OSError."""
    with open(path, "rb", buffering=0) as file:
        data = file.readall()
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.fchmod(handle, stat.S_IMODE(found.st_mode))
        os.utime(handle, ns=(found.st_atime_ns, found.st_mtime_ns))
    finally:
        os.close(handle)
    return len(data)


def removed(top: str) -> None:
    """Remove a folder and what is below it, following no link; what cannot be removed stays.

    Whose it is goes last: where this is stopped on the way, the next maker of a mirror goes on.
    """
    waiting, found, owner = [top], [], os.path.join(top, OWNER)
    while waiting:
        folder = waiting.pop()
        found.append(folder)
        with suppress(OSError):
            os.chmod(folder, 0o700)  # of a folder, as was just seen: of none that a link leads to
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif entry.path != owner:
                        with suppress(OSError):
                            os.unlink(entry.path)
    for folder in reversed(found[1:]):
        with suppress(OSError):
            os.rmdir(folder)
    with suppress(OSError):
        if os.listdir(top) == [OWNER]:
            os.unlink(owner)
        os.rmdir(top)


def outermost(roots: Iterable[str]) -> list[str]:
    """Folders without those that lie in another of them."""
    kept: list[str] = []
    for root in sorted(set(roots), key=len):
        if not any(is_below(root, outer) for outer in kept):
            kept.append(root)
    return kept
