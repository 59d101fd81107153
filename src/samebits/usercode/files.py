"""Which source files are the user's, and how a record names them."""

from __future__ import annotations

import os
import sysconfig
from functools import lru_cache


@lru_cache(maxsize=4096)
def relative(filename: str) -> str:
    """``filename`` relative to the working directory, the one when it was first asked for, if under it."""
    try:
        path = os.path.realpath(filename)
        here = os.path.realpath(os.getcwd())
    except (OSError, ValueError):
        return filename
    return path[len(here) + 1 :] if path.startswith(here + os.sep) else path


#: Directories whose files are no user's code.  Not asked for later: `sysconfig` imports while it answers,
#: and every import asks here.
_FOREIGN = tuple(
    os.path.realpath(path) + os.sep
    for path in (
        *map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib")),
        os.path.dirname(os.path.dirname(__file__)),
    )
)


@lru_cache(maxsize=65536)
def is_user_file(filename: str) -> bool:
    """Whether a source file is the user's: not the standard library's, an installed package's, or ours."""
    if not filename or filename.startswith("<"):
        return False
    path = os.path.realpath(filename)
    parts = path.split(os.sep)
    return not ("site-packages" in parts or "dist-packages" in parts or path.startswith(_FOREIGN))
