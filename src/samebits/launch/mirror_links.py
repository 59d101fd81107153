"""The links of a mirror, and how each becomes a copy before something is written there.

A mirror (`samebits.launch.mirror`) holds links to the user's large files and to whole folders of the user's.
Whoever is about to write to a path first asks `Links.own`: a linked folder on the way becomes a folder with
a link for each of its entries, and a linked file a copy.  Both are made aside and put in place at once, so
other processes see the link or what took its place.  One lock a mirror keeps two from copying the same file,
of which the second would throw away what was written to the first.

What is imported here is imported by every process of a trial.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import stat
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

_HOPS: Final = 40  # links followed on one way, as many as Linux follows
_BLOCK: Final = 1 << 24
_EXCHANGE: Final = 2  # https://man7.org/linux/man-pages/man2/rename.2.html
_AT_FDCWD: Final = -100
#: Where no files are.
DEVICES: Final = ("/dev/", "/proc/", "/sys/")
#: What the target of a link of ours begins with: it leads to the same place, and nobody else writes it so.
MARK: Final = "/."
_numbers: Final = itertools.count()


class Links:
    """The links below the folder of a mirror.

    Beside that lie a folder for what is being made, and a file that names the folders that are mirrored: it
    is the lock, too.
    """

    def __init__(self, folder: str, roots: Iterable[str] | None = None) -> None:
        """With ``roots`` for a new mirror; else for one that is there.  Raises OSError."""
        self.folder = folder
        self._prefix = folder + os.sep
        self._scratch = os.path.join(os.path.dirname(folder), "scratch")
        self._file = os.path.join(os.path.dirname(folder), "roots")
        self._turn = threading.RLock()
        if roots is not None:
            os.mkdir(self._scratch)
            with open(self._file, "x", encoding="utf-8", errors="surrogateescape") as file:
                file.write("\0".join(roots))
        with open(self._file, encoding="utf-8", errors="surrogateescape", newline="") as file:
            self.roots = tuple(file.read().split("\0"))

    def renew(self) -> None:
        """In a forked child: another thread of the parent may have held the lock."""
        self._turn = threading.RLock()

    def mirrored(self, path: str) -> str:
        """Where an absolute path is in the mirror; one outside of the folders that are mirrored stays."""
        if self.holds(path) or not any(is_below(path, root) for root in self.roots):
            return path
        return self.folder + path

    def reached(self, path: str) -> str:
        """The same, and another path, too, as it is reached in the mirror by way of its links."""
        inside = self.mirrored(path)
        if self.holds(inside) or path.startswith(DEVICES):
            return inside
        inside = self.folder + path
        return inside if os.path.lexists(inside) or not os.path.lexists(path) else path

    def holds(self, path: str) -> bool:
        """Whether a path, as it is written, lies in the mirror."""
        return path.startswith(self._prefix)

    def is_ours(self, path: str) -> bool:
        """Whether a path is a link that stands for what is no link outside of the mirror."""
        try:
            return os.readlink(path).startswith(MARK + os.sep)
        except OSError:
            return False

    def own(self, path: str, *, follow: bool = True, empty: bool = False) -> str | None:
        """Let what is written to a path of the mirror stay in the mirror; where that is.

        Args:
            path: absolute, and in the mirror as it is written.
            follow: what a link at its end leads to is written; else the link itself is, or its name.
            empty: the file is about to be truncated, so its content need not be copied.

        Returns:
            The path without links; None where the user's own links lead out of the mirror.

        Raises:
            OSError: what is there could not be copied.
        """
        place, link = self._place(path, follow)
        if place is None or not link:
            return place
        try:
            found = os.stat(place)
        except FileNotFoundError:  # what is written there would come to be outside of the mirror
            with self._locked(), suppress(FileNotFoundError), _writable(os.path.dirname(place)):
                os.unlink(place)
            return place
        if stat.S_ISDIR(found.st_mode):
            self._unfold(place)
        elif stat.S_ISREG(found.st_mode) and not (empty and not os.access(place, os.W_OK)):
            self._copy(place, empty)
        return place

    def spread(self, top: str) -> None:
        """Make every linked folder below one a folder: for who walks through folders and follows no links.

        Those that lie beside the folders that are mirrored, or above, stay: there is no end to them.
        """
        place, link = self._place(top, True)
        waiting = [place] if place is not None and not link else []
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(folder) as entries:
                    found = [(entry.path, entry.is_symlink()) for entry in entries if entry.is_dir()]
            except OSError:
                continue
            for path, linked in found:
                inside = self.mirrored(path[len(self.folder) :]) == path
                if linked and not (inside and self.is_ours(path)):
                    continue  # the user's own, which nobody follows
                if linked:
                    with suppress(PermissionError):
                        self._unfold(path)
                waiting.append(path)

    def _place(self, path: str, follow: bool) -> tuple[str | None, bool]:
        """Where a path leads, and whether a link out of the mirror is there; the way to it is unfolded."""
        at, rest, hops = self.folder, deque(path[len(self._prefix) :].split(os.sep)), 0
        while rest:
            name = rest.popleft()
            if name in ("", "."):
                continue
            if name == "..":
                if at == self.folder:
                    return None, False
                at = os.path.dirname(at)
                continue
            below = os.path.join(at, name)
            is_last = not any(rest)
            try:
                target = os.readlink(below)
            except OSError as e:
                if e.errno != errno.EINVAL:  # nothing is there
                    return os.path.join(below, *rest), False
                at = below
                continue
            if is_last and not follow:
                return below, False
            hops += 1
            if hops > _HOPS:
                return None, False
            if not os.path.isabs(target):
                rest.extendleft(reversed(target.split(os.sep)))
            elif self.holds(target):
                at = self.folder
                rest.extendleft(reversed(target[len(self._prefix) :].split(os.sep)))
            elif is_last:
                return below, True
            else:
                if not os.path.isdir(below):
                    return os.path.join(below, *rest), False
                self._unfold(below, next(each for each in rest if each not in ("", os.curdir)))
                at = below
        return at, False

    def _unfold(self, place: str, wanted: str = os.curdir) -> None:
        """Put a folder in the place of a link to one, with a link for each entry.

        ``wanted``: an entry that is needed though the folder may not be listed, or lists not all there are.
        """
        with self._locked():
            if not _is_link(place):
                return  # another process was here before
            target = os.readlink(place)
            target = target.removeprefix(MARK) if target.startswith(MARK + os.sep) else target
            made = self._aside()
            os.mkdir(made)
            found = os.stat(target)
            paths = [os.path.join(target, wanted)] if wanted not in (os.curdir, os.pardir) else []
            try:
                with os.scandir(target) as entries:
                    paths += [entry.path for entry in entries if entry.name != wanted]
            except PermissionError:
                if not paths or not os.path.lexists(paths[0]):
                    raise
            for path in paths:
                new = os.path.join(made, os.path.basename(path))
                if os.path.islink(path):
                    self.relink(path, new, corresponds=place == self.folder + target)
                elif path is not paths[0] or os.path.lexists(path):
                    os.symlink(MARK + path, new)
            with _writable(os.path.dirname(place)):
                _exchange(made, place)
            os.utime(place, ns=(found.st_atime_ns, found.st_mtime_ns))
            os.chmod(place, stat.S_IMODE(found.st_mode))  # now: a folder that is read-only cannot be moved

    def _copy(self, place: str, empty: bool) -> None:
        """Put a file in the place of a link to one."""
        with self._locked():
            if not _is_link(place):
                return
            found = os.stat(place)
            made = self._aside()
            handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                try:
                    if not empty:
                        _pour(place, handle)
                    os.fchmod(handle, stat.S_IMODE(found.st_mode))
                    os.utime(handle, ns=(found.st_atime_ns, found.st_mtime_ns))
                finally:
                    os.close(handle)
                with _writable(os.path.dirname(place)):
                    os.replace(made, place)
            except BaseException:
                os.unlink(made)
                raise

    def relink(self, given: str, new: str, *, corresponds: bool = True) -> None:
        """Make a link of the user's anew; to where it leads, in the mirror if that is there.  Raises OSError.

        ``corresponds``: the new one lies where the given one does, so that a relative target is right.
        """
        target = os.readlink(given)
        if not os.path.isabs(target):
            if corresponds or os.pardir not in target.split(os.sep):
                os.symlink(target, new)
                return
            target = os.path.normpath(os.path.join(os.path.dirname(given), target))
        os.symlink(self.reached(target), new)

    def write(self, place: str, data: bytes) -> None:
        """Replace a file of the mirror, which keeps its mode.  Raises OSError, and then it is as it was."""
        made = self._aside()
        handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                os.fchmod(file.fileno(), stat.S_IMODE(os.stat(place).st_mode))
            with _writable(os.path.dirname(place)):
                os.replace(made, place)
        except BaseException:
            os.unlink(made)
            raise

    def _aside(self) -> str:
        return os.path.join(self._scratch, f"{os.getpid()}-{next(_numbers)}")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """While it lasts no other thread or process is here."""
        with self._turn:
            # A lock of the process: a child that is forked meanwhile does not hold it.
            handle = os.open(self._file, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.lockf(handle, fcntl.LOCK_EX)
                yield
            finally:
                os.close(handle)


def is_below(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies in it, both absolute and without links."""
    return path == folder or path.startswith(os.path.join(folder, ""))


def _is_link(path: str) -> bool:
    """Not `os.path.islink`, which tells a program of the user's own links alone."""
    return stat.S_ISLNK(os.lstat(path).st_mode)


@contextmanager
def _writable(folder: str) -> Iterator[None]:
    """While it lasts entries of a folder can be replaced, though it be read-only."""
    mode = stat.S_IMODE(os.stat(folder).st_mode)
    if mode & 0o300 == 0o300:
        yield
        return
    os.chmod(folder, mode | 0o300)
    try:
        yield
    finally:
        os.chmod(folder, mode)


def _pour(source: str, handle: int) -> None:
    """Write a file's content, sharing its blocks where the file system can."""
    given = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if hasattr(os, "copy_file_range"):
            try:
                while os.copy_file_range(given, handle, _BLOCK):
                    pass
            except OSError as e:
                if e.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                    raise
        while block := os.read(given, _BLOCK):  # from where that stopped: some file systems cannot do it
            view = memoryview(block)
            while view:
                view = view[os.write(handle, view) :]
    finally:
        os.close(given)


def _exchange(made: str, place: str) -> None:
    """Put what was made into a place, and remove the link that stands there: at once, where Linux can."""
    if _renamed(made, place):
        os.unlink(made)
        return
    os.rename(place, f"{made}~")
    os.rename(made, place)
    os.unlink(f"{made}~")


def _renamed(made: str, place: str) -> bool:
    if sys.platform != "linux":
        return False
    import ctypes

    rename = getattr(ctypes.CDLL(None), "renameat2", None)  # glibc has it since 2.28
    words = (_AT_FDCWD, os.fsencode(made), _AT_FDCWD, os.fsencode(place), _EXCHANGE)
    return rename is not None and rename(*words) == 0
