"""The line of `samebits run` that says what is set: printed by the first process in which it is set.

`samebits run` becomes the program and cannot know whether a Python below it will be controlled.  So the
line goes along in a variable, and whoever installs control first prints it.  Programs start many
Pythons at once; an empty file that only one of them can remove makes it one line.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from contextlib import suppress
from typing import Final

#: Holds the line and the path of the file, as JSON.
LINE: Final = "SAMEBITS_LINE"


def once(line: str) -> str:
    """The variable's value for a line."""
    try:
        handle, token = tempfile.mkstemp(prefix="samebits-run-")
        os.close(handle)
    except OSError:  # no room, or no folder for temporary files: it may then be printed more than once
        token = ""
    return json.dumps([line, token])


def say() -> None:
    """Print the line, if this process is the first that could; its children do not."""
    text = os.environ.pop(LINE, None)
    if text is None:
        return
    with suppress(OSError, ValueError, TypeError, AttributeError):  # stderr may be closed, full or None
        line, token = json.loads(text)
        if token:
            os.unlink(token)
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
