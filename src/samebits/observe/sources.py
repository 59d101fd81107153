"""Which files' texts a record keeps, so that a report can show their lines, and by what path it names them.

Secrets are redacted here, in the observed process: its parent may be killed before it could do it afterwards.
"""

from __future__ import annotations

import os
import sys
import tokenize
from typing import TYPE_CHECKING, Final

from samebits._runtime import mirrored
from samebits.manifest.secrets import redact
from samebits.observe.command import working_folder
from samebits.usercode import texts
from samebits.usercode.files import is_user_file

if TYPE_CHECKING:
    from samebits.record.writer import Writer

_LARGEST: Final = 1 << 20  # bytes of a text that is kept


class Sources:
    """The user's source files that facts and events of this process name."""

    def __init__(self) -> None:
        self.cwd = working_folder()  # in which this process began
        self._seen: set[str] = set()
        self._texts: dict[tuple[str, int, int], str] = {}  # (path, mtime, size) -> its text without secrets

    def renew(self) -> None:
        """A forked child begins in the folder that its parent was in."""
        self.cwd = working_folder()

    def relative(self, file: str) -> str:
        """The file's path, relative to the folder in which this process began if it lies in there."""
        if file.startswith("<"):
            return file
        path = os.path.normpath(os.path.join(self.cwd, file))
        return path[len(self.cwd) + 1 :] if path.startswith(self.cwd + os.sep) else mirrored.real(path)

    def keep(self, file: str, writer: Writer) -> None:
        """Write the text of a user's source file, once."""
        if file in self._seen:
            return
        self._seen.add(file)
        if (text := texts.text(file)) is not None:
            if len(text) <= _LARGEST:
                writer.source(self.relative(file), redact(text))
            return
        if file.startswith("<"):
            return
        path = os.path.join(self.cwd, file)
        try:
            found = os.stat(path)
            key = (path, found.st_mtime_ns, found.st_size)
            if found.st_size > _LARGEST:
                return
            if key not in self._texts:  # a forked child inherits its parent's texts
                self._texts[key] = redact(_read(path))
        except OSError:
            return
        writer.source(self.relative(file), self._texts[key])

    def keep_program(self, writer: Writer) -> None:
        """Write the text of the file that was started: what the whole program needs is changed there.

        A script that an installer made (no .py) is none of the user's.
        """
        file = getattr(sys.modules.get("__main__"), "__file__", None)
        if type(file) is str and file.endswith(".py") and is_user_file(file):
            self.keep(self.relative(file), writer)


def _read(path: str) -> str:
    """A file's text as Python reads it: by the encoding that it names, without a mark at its begin."""
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (SyntaxError, UnicodeDecodeError):  # it is no source, or no good one
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
