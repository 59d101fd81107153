"""Whose a mirror is: of a process that lives, or of one that was killed and could not remove it.

The maker of a mirror holds a lock on a file in it, which the system takes from it when it ends, however it
does.  Whoever makes the next mirror removes those that nobody holds.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress

from samebits.launch.mirror_tree import OWNER, PREFIX, removed


def claimed(base: str) -> int:
    """Hold a new mirror until the descriptor that is returned is closed.  Raises OSError."""
    path = os.path.join(base, OWNER)
    handle = os.open(f"{path}.new", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.rename(f"{path}.new", path)  # only now: a file of this name that is not locked is nobody's
    except BaseException:
        os.close(handle)
        raise
    return handle


def remove_abandoned(under: str, name: str | None = None) -> None:
    """Remove the mirrors in a folder whose makers have ended.

    One that is about to be made by this name is nobody else's: what is left of the last one goes, too, where
    its maker was stopped before it had claimed it.
    """
    with suppress(OSError), os.scandir(under) as entries:
        found = [entry.path for entry in entries if entry.name.startswith(PREFIX)]
        for base in found:
            if _is_abandoned(base, unclaimed=os.path.basename(base) == f"{PREFIX}{name}"):
                removed(base)


def _is_abandoned(base: str, unclaimed: bool) -> bool:
    """Whether nobody holds a mirror; ``unclaimed`` is the answer where nobody has claimed it."""
    try:
        if os.lstat(base).st_uid != os.geteuid():
            return False
        handle = os.open(os.path.join(base, OWNER), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return unclaimed
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True
