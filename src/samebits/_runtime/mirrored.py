"""A path in a mirror, as the user knows it: for whoever writes paths into a record.

A trial of a program runs in a mirror (`samebits.launch.mirror`), which has a folder in which every path of
the user's stands again: ``/home/me/train.py`` is ``FOLDER/home/me/train.py`` there.  Two trials run in two
mirrors, and a third run in the user's own folder; what is recorded of all of them names the same files.
"""

from __future__ import annotations

import os
from typing import Final

#: Holds the folder of the mirror that a process runs in.
VARIABLE: Final = "SAMEBITS_MIRROR"
_FOLDER: Final = os.environ.get(VARIABLE, "")


def real(text: str, folder: str = _FOLDER) -> str:
    """A path, or a text with paths in it, with those of a mirror as they are outside of it.

    ``folder``: of the mirror; that of this process by default.  Empty: it is none.
    """
    return text.replace(folder + os.sep, os.sep) if folder else text
