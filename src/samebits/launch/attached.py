"""Which started Pythons use torch without being observed: what the launcher sees while it waits.

An observed process maps one page of memory with a name of its run (`announce`), or of a file in the run's
folder where its Python cannot name memory.  A fork inherits the mapping and another program loses it, just
as they do the observation itself.  The launcher looks into the maps of the processes below it: one that
holds torch's Python library and not that page is unattached.  It is Linux that shows the maps; elsewhere
nothing is found.
"""

from __future__ import annotations

import mmap
import os
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from samebits.launch import keeper
from samebits.launch.obstacle import helps_torch, is_python, obstacle
from samebits.manifest import redacted

_TORCH: Final = "libtorch_python."
_MOST: Final = 20  # commands that are kept
_WORDS: Final = 12  # of each
#: Seconds between two looks, and how many times what one took at least.
_PERIOD: Final = 0.3
_SHARE: Final = 20
#: The file of a run's folder that is mapped where memory cannot be named.
_FILE: Final = "attached"
_held: list[mmap.mmap] = []


def _name(folder: str) -> str:
    return f"samebits:{os.path.basename(folder)}"


def announce(folder: str) -> None:
    """Say that this process, and what forks from it, is observed for the run in ``folder``."""
    # A Python built for glibc before 2.27, as conda's and uv's are, cannot name memory.
    for mark in (_memory, _file) if hasattr(os, "memfd_create") else (_file,):
        with suppress(OSError):
            handle = mark(folder)
            try:
                os.ftruncate(handle, mmap.PAGESIZE)
                _held.append(mmap.mmap(handle, mmap.PAGESIZE, access=mmap.ACCESS_READ))
            finally:
                os.close(handle)
            return


def _memory(folder: str) -> int:
    """Memory with a name: it has no disk that may be full."""
    return os.memfd_create(_name(folder))


def _file(folder: str) -> int:
    return os.open(os.path.join(folder, _FILE), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


class Unattached:
    """Looks at the processes of one run; ``found`` are the commands that used torch unobserved."""

    def __init__(self, folder: Path) -> None:
        self.found: list[dict[str, Any]] = []
        self._marks = (_name(str(folder)), f"/{folder.name}/{_FILE}")
        self._judged: set[tuple[int, str, str]] = set()
        self._next = 0.0

    def look_below(self, root: int) -> None:
        """Look at all processes below ``root``, if it is time to."""
        now = time.monotonic()
        if now >= self._next:
            self.look(keeper.descendants(root))
            self._next = time.monotonic() + max(_PERIOD, _SHARE * (time.monotonic() - now))

    def look(self, pids: Iterable[int]) -> None:
        """Look at processes; those already judged cost a glance."""
        for pid in pids:
            status = _status(pid)
            if status is None:
                continue
            key = (pid, status[_STARTED], status[_STACK])  # another stack: another program in the process
            if key not in self._judged and (attached := self._attached(pid)) is not None:
                self._judged.add(key)
                if not attached:
                    self._keep(pid)

    def _attached(self, pid: int) -> bool | None:
        """Whether a process is observed; None: it cannot be said, or it has no torch yet."""
        for _ in range(2):  # a process may map things while its maps are read
            try:
                with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as file:
                    maps = file.read()
            except OSError:  # ended, or another user's
                return None
            if any(mark in maps for mark in self._marks):
                return True
            if _TORCH not in maps:
                return None
        return False

    def _keep(self, pid: int) -> None:
        argv = _strings(pid, "cmdline")
        if not argv or helps_torch(argv):
            return
        environ = dict(pair.split("=", 1) for pair in _strings(pid, "environ") if "=" in pair)
        row = {"command": redacted(argv)[:_WORDS], "why": _why(argv, environ)}
        if row not in self.found and len(self.found) < _MOST:
            self.found.append(row)


#: Positions in /proc/PID/stat after the name: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
_STARTED: Final = 19
_STACK: Final = 25


def _status(pid: int) -> list[str] | None:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def _strings(pid: int, what: str) -> list[str]:
    try:
        with open(f"/proc/{pid}/{what}", "rb") as file:
            return os.fsdecode(file.read()).split("\0")[:-1]
    except OSError:
        return []


def _why(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    if not is_python(argv[0]):
        return (
            "the Python inside of it does not read PYTHONPATH, by which samebits attaches: run the script "
            "with python itself"
        )
    return obstacle(argv, environ) or (
        "samebits could not be loaded in it: it needs CPython 3.11 or newer, and xxhash for that version "
        f"({argv[0]} -m pip install xxhash)"
    )


def sentence(info: Mapping[str, Any]) -> str | None:
    """What run.json says of Pythons that used torch unobserved, for a person; None: there were none."""
    rows = info.get("unattached")
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    if not found:
        return None
    words = found[0].get("command")
    shown = shlex.join(map(str, words)) if isinstance(words, list) else "a Python"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{shown}{more} used torch unobserved: {found[0].get('why')}"
