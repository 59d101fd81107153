"""Writes a file so that a reader sees the old content or the new, never half of one."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


def write_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace the file, or make it.  Raises OSError, and then nothing has changed."""
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:50]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(scratch, mode)  # mkstemp makes files that only the owner reads
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise


def write_there(path: Path, data: bytes) -> None:
    """Write what a user asked for to the place that the user named.

    A plain file is replaced whole and keeps its mode; a new one gets the mode that the umask leaves.  What
    else may stand there is written into: a link's target, a file of several names or of another owner, a
    pipe, a device, ``/dev/stdout``.

    Raises:
        OSError: it cannot be written; a plain file is then as it was.
    """
    try:
        there = os.stat(path)
    except FileNotFoundError:
        if not path.is_symlink():
            mask = os.umask(0)
            os.umask(mask)
            write_whole(path, data, mode=0o666 & ~mask)
            return
    else:
        is_plain = stat.S_ISREG(there.st_mode) and not path.is_symlink() and there.st_nlink == 1
        if is_plain and there.st_uid == os.geteuid():
            write_whole(path, data, mode=stat.S_IMODE(there.st_mode))
            return
    with open(path, "wb") as file:
        file.write(data)
