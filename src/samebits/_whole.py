"""Writes a file so that a reader sees the old content or the new, never half of one."""

from __future__ import annotations

import os
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
