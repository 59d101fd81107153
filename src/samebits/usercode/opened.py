"""Files the process opens, seen by an audit hook: what data was read, and what was written.

The process has one hook of ours (`listen`).  It is called for every audited event of the interpreter, so it
leaves all but a few at once.  An audit hook cannot be taken away; stopped, it is inert.
A data file is digested before the program reads it, once for each content it
may have (path, time of change, size).
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache
from threading import local
from typing import Any, Final

from xxhash import xxh3_64

from samebits._runtime.aside import are_files_aside
from samebits.model.facts import Detail, File, Write
from samebits.model.sites import INSTALLED_NAMES, Site
from samebits.usercode import files, texts
from samebits.usercode.files import Owner

#: Takes a fact and the line it is from, where that is the user's.
Report = Callable[[Detail, Site | None], None]

_WHOLE: Final = 64 << 20  # a larger file counts by its size, both ends and samples between
_SAMPLES: Final = 256
_BLOCK: Final = 1 << 18
_DEPTH: Final = 100  # frames looked at for the user's
_SKIPPED: Final = (".py", ".pyc", ".pyi", ".pyd", ".so", ".dll", ".dylib", ".pth", ".egg-link")
_SYSTEM: Final = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/lib/", "/usr/share/")
#: Folders in which tools keep what they know of earlier runs, which is no data of the program's.
_CACHES: Final = (".pytest_cache", ".hypothesis", ".ipynb_checkpoints")
_PARTS: Final = (*INSTALLED_NAMES, ".so.", "torchinductor_", "__pycache__", *_CACHES)

_report: Report | None = None
_interpreter_started: Callable[[], object] = bool
_is_user: Callable[[str], bool] = bool
_ignored: tuple[str, ...] = ()
_seen: set[tuple[str, int, int]] = set()
_here = local()
_hooked = False
#: event -> what is called with its arguments, just before it happens.
_listeners: dict[str, Callable[[tuple[Any, ...]], None]] = {}


def listen(event: str, listener: Callable[[tuple[Any, ...]], None]) -> None:
    """Call ``listener`` at every ``event`` from now on, one frame below the hook; its errors are dropped."""
    global _hooked
    _listeners[event] = listener
    if not _hooked:
        _hooked = True
        sys.addaudithook(_hook)


def start(
    report: Report,
    is_user: Callable[[str], bool],
    ignore: Iterable[str] = (),
    *,
    interpreter_started: Callable[[], object],
) -> None:
    """Report opened files from now on, but for those under the ``ignore``d directories."""
    global _report, _is_user, _ignored, _interpreter_started
    _interpreter_started = interpreter_started
    ours = (*files.folders(Owner.PYTHON), *files.folders(Owner.SAMEBITS))
    _ignored = (*(os.path.realpath(path) + os.sep for path in ignore), *ours)
    _seen.clear()
    _is_user = lru_cache(maxsize=None)(is_user)  # asked for every frame up to the user's
    _report = report
    listen("open", _open)
    listen("sqlite3.connect", _database)
    listen("os.rename", _renamed)
    listen("cpython.PyInterpreterState_New", _interpreter)


def stop() -> None:
    """The hook stays, and does nothing."""
    global _report
    _report = None


def reset_after_fork() -> None:
    """In a forked child: files are reported anew."""
    _seen.clear()
    _here.busy = False


def _hook(event: str, args: tuple[Any, ...]) -> None:
    listener = _listeners.get(event)
    if listener is None:
        return
    try:
        listener(args)
    except Exception:
        pass  # what was asked for is done all the same


def _interpreter(args: tuple[Any, ...]) -> None:
    if _report is not None:
        _interpreter_started()


def _open(args: tuple[Any, ...]) -> None:
    if _report is None or are_files_aside():
        return
    path, mode, flags = args
    if isinstance(path, int) or getattr(_here, "busy", False):
        return
    _here.busy = True
    try:
        _opened(os.fsdecode(path), mode, flags)
    finally:
        _here.busy = False


def _renamed(args: tuple[Any, ...]) -> None:
    """What is put in the place of a file is written there."""
    noted = _report is not None and not are_files_aside()
    if noted and isinstance(args[1], str | bytes | os.PathLike):
        _opened(os.fsdecode(args[1]), "w", 0)


def _database(args: tuple[Any, ...]) -> None:
    """A database is read and written in place."""
    noted = _report is not None and not are_files_aside()
    if noted and isinstance(args[0], str | bytes | os.PathLike):
        name = os.fsdecode(args[0])
        if name not in ("", ":memory:") and not name.startswith("file:"):
            _opened(name, "r+b", 0)


def _opened(name: str, mode: str | None, flags: int) -> None:
    path = os.path.abspath(name)
    if not is_data(path):
        return
    writes = any(letter in mode for letter in "wax+") if mode else bool(flags & (os.O_WRONLY | os.O_RDWR))
    shown = mode or ("w" if writes else "r")
    reads = not writes or "+" in shown
    if writes:
        _tell(Write(path=_shown(path), mode=shown))
    if not reads:
        return
    try:
        status = os.stat(path)
    except OSError:
        return
    key = (path, status.st_mtime_ns, status.st_size)
    if not stat.S_ISREG(status.st_mode):  # reading a pipe would take what the program waits for
        return
    if key in _seen:
        return
    _seen.add(key)
    _tell(File(path=_shown(path), size=status.st_size, digest=_digest(path), mode=shown))


def is_data(path: str) -> bool:
    """Whether a path may hold the program's data: it is no code, no part of the system and none of ours."""
    if path.endswith(_SKIPPED) or path.startswith(_SYSTEM) or any(part in path for part in _PARTS):
        return False
    return not (os.path.realpath(path) + os.sep).startswith(_ignored)


def _shown(path: str) -> str:
    here = os.getcwd()
    return path[len(here) + 1 :] if path.startswith(here + os.sep) else path


def _digest(path: str) -> int | None:
    state = xxh3_64()
    try:
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            state.update(b"%d:" % size)
            if size <= _WHOLE:
                while block := file.read(_BLOCK * 4):
                    state.update(block)
            else:
                for sample in range(_SAMPLES):
                    file.seek((size - _BLOCK) * sample // (_SAMPLES - 1))
                    state.update(file.read(_BLOCK))
    except OSError:
        return None
    return state.intdigest()


def _tell(detail: Detail) -> None:
    """Report with the nearest frame of the user's code."""
    assert _report is not None
    frame = sys._getframe(4)
    for _ in range(_DEPTH):
        site = texts.site(frame, _is_user)
        if site is not None:
            _report(detail, site)
            return
        if frame.f_back is None:
            break
        frame = frame.f_back
    _report(detail, None)
