"""Why a record ends early: said in a small file beside it, whose blocks are there before the disk is full.

A full disk takes no more rows, so the reason could not be written into the record.  `set_aside` makes the
file of zeros with the record, `keep` writes over them, and a record that was closed leaves none.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

_SIZE: Final = 512


def _beside(path: str | Path) -> str:
    return f"{path}.why"


def of(error: Exception) -> str:
    """What an error of writing says, for a person."""
    if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
        return "the disk is full"
    if isinstance(error, sqlite3.OperationalError) and "disk" in str(error):
        return f"the disk could not be written ({error})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return f"{type(error).__name__}: {error}"


def set_aside(path: str | Path) -> None:
    """Room for the reason, for the record that is made at ``path``.  Raises OSError."""
    with open(_beside(path), "wb", buffering=0) as file:
        file.write(bytes(_SIZE))


def keep(path: str | Path, reason: str) -> None:
    """Write the reason, if there is room for it."""
    with suppress(OSError), open(_beside(path), "r+b", buffering=0) as file:
        file.write(reason.encode("utf-8", "backslashreplace")[:_SIZE])


def drop(path: str | Path) -> None:
    """The record is whole: there is nothing to say."""
    with suppress(OSError):
        os.unlink(_beside(path))


def kept(path: str | Path) -> str | None:
    """The reason beside a record, as it was written, or None."""
    try:
        if not stat.S_ISREG(os.stat(_beside(path)).st_mode):
            return None
        with open(_beside(path), "rb") as file:
            return file.read(_SIZE).rstrip(b"\0").decode("utf-8", "replace") or None
    except OSError:
        return None
